"""A sample payload, read by what its bytes say: format, charset, root and namespaces."""

from __future__ import annotations

from dataclasses import dataclass

from adapters import formats
from adapters.base import Tree
from adapters.formats import rejections
from adapters.formats.format import Format

MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class NativeSample:
    """A sample: its file's `name`, its bytes, how they are written, and the tree they hold."""

    name: str
    content: bytes
    format: Format
    tree: Tree

    @property
    def elements(self) -> bool:
        """Whether it is XML, in an envelope or not."""
        return formats.of(self.format).elements

    @property
    def extension(self) -> str:
        """The extension of its file in a bundle."""
        return formats.of(self.format).suffixes[0]


def read_sample(name: str, content: bytes) -> NativeSample:
    """Read a sample of at most 4 MiB; raises `schemas.findings.Rejected` when it cannot be read."""
    if len(content) > MAX_BYTES:
        raise rejections.too_large(len(content), MAX_BYTES)
    declared = formats.recognise(name, content)
    return NativeSample(name, content, declared, formats.read(declared, content, limit=MAX_BYTES).tree)
