"""One operation of a draft: the samples it is drafted from, and what their columns are taken for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters import formats
from adapters.base import Tree
from adapters.formats import rejections
from adapters.formats.format import Format
from adapters.suggest import native_schema
from adapters.suggest.coding import DraftTable
from adapters.suggest.columns import Table
from adapters.suggest.envelope import Envelope
from adapters.suggest.judging import Suggestion
from adapters.suggest.terms import NO_FIELD
from schemas import documents
from schemas.budget import STANDARD
from schemas.catalog import TYPES


@dataclass(frozen=True, slots=True)
class DraftOperation:
    """One operation of a draft: its samples, where their records stand, and what its columns are taken for."""

    name: str
    type: str
    samples: tuple[NativeSample, ...]
    envelope: Envelope
    table: Table
    suggestions: tuple[Suggestion, ...]
    tables: Mapping[str, DraftTable]
    """Draft code tables by canonical field path."""

    @property
    def document(self) -> str:
        """The canonical document, as `permit/1`."""
        return TYPES[self.type].document

    @property
    def one_namespace(self) -> bool:
        """Whether its XML is of one namespace, so that one schema file can describe it."""
        return native_schema.one_namespace([sample.content for sample in self.samples], self.samples[0].format)

    @property
    def missing(self) -> tuple[str, ...]:
        """The mandatory fields that no column is surely taken for."""
        taken = {part for one in self.suggestions if one.confident for part in one.target.split(", ")}
        fields = documents.fields(self.document).values()
        return tuple(field.path for field in fields if field.mandatory and field.path not in taken)

    @property
    def sure(self) -> tuple[Suggestion, ...]:
        """The columns that are surely a field."""
        return tuple(one for one in self.suggestions if one.confident and one.target != NO_FIELD)

    @property
    def needless(self) -> tuple[Suggestion, ...]:
        """The columns that are surely known, and no field of the document."""
        return tuple(one for one in self.suggestions if one.confident and one.target == NO_FIELD)

    @property
    def asked(self) -> tuple[Suggestion, ...]:
        """The columns that a human must decide about."""
        return tuple(one for one in self.suggestions if not one.confident and one.candidates)

    @property
    def likeliest(self) -> Suggestion | None:
        """The likeliest of the columns to be decided about that could stand alone in a mapping."""
        alone = [
            one for one in self.asked if one.target != NO_FIELD and "[]." not in one.target and not one.column.lists
        ]
        return max(alone, key=lambda one: one.confidence, default=None)

    @property
    def unknown(self) -> tuple[Suggestion, ...]:
        """The columns that nothing is known about."""
        return tuple(one for one in self.suggestions if not one.candidates)


MAX_BYTES = 4 * 1024 * 1024
_BUDGET = STANDARD.raised({"body": MAX_BYTES, "names": 20_000})
"""An author's own sample may have more columns than are looked at; the rest is told as left out."""


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
    return NativeSample(name, content, declared, formats.read(declared, content, budget=_BUDGET).tree)
