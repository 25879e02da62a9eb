"""A bundle: its manifest and its files, loaded together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from adapters import source as sources
from adapters.bundle import files as bundle_files
from adapters.bundle import problems
from adapters.bundle.grammar import Manifest
from adapters.bundle.references import references
from adapters.mapping import codes
from adapters.source import BrokenBundle, BundleFinding, Source
from schemas.findings import Text

_T = TypeVar("_T")

MAX_PARSED = 2 * 1024 * 1024
_MOST = (("mappings", ".yaml", 64), ("codes", ".csv", 256), ("native", "", 256))


@dataclass(frozen=True, slots=True)
class Bundle:
    """A loaded bundle. `mappings` and `codes` are by name, without folder and extension."""

    manifest: Manifest
    source: Source
    files: Mapping[str, bytes]
    digest: str
    mappings: Mapping[str, Source] = field(default_factory=dict)
    codes: Mapping[str, codes.CodeTable] = field(default_factory=dict)

    def native(self, name: str) -> bytes:
        """Give the content of a file of the native folder."""
        return self.files[f"native/{name}"]


def load(path: Path | str) -> Bundle:
    """Load a bundle from a folder or a zip; raises `BrokenBundle` with every fault found."""
    return assemble(bundle_files.read(Path(path)))


def assemble(files: Mapping[str, bytes]) -> Bundle:
    """Make a bundle of files; raises `BrokenBundle` with every fault found."""
    source = sources.load(files[bundle_files.MANIFEST], bundle_files.MANIFEST)
    faults: list[BundleFinding] = list(_too_many(files))
    if faults:
        raise BrokenBundle(faults)
    manifest = _manifest(source, faults)
    mappings = dict(_each(files, "mappings", ".yaml", sources.load, faults))
    tables = dict(_each(files, "codes", ".csv", _table, faults))
    if manifest is not None:
        faults.extend(references(manifest, source, files, mappings))
    if faults or manifest is None:
        raise BrokenBundle(faults)
    return Bundle(manifest, source, files, bundle_files.digest(files), mappings, tables)


def _too_many(files: Mapping[str, bytes]) -> Iterator[BundleFinding]:
    """Bound the number and size of files, and so the time that reading and checking a bundle takes."""
    for folder, extension, most in _MOST:
        found = [name for name in files if name.startswith(f"{folder}/") and name.endswith(extension)]
        if len(found) > most or sum(len(files[name]) for name in found) > MAX_PARSED:
            text = Text(
                f"{folder} 中至多 {most} 个文件，共 {MAX_PARSED // 1024} KiB",
                f"{folder} holds at most {most} files, {MAX_PARSED // 1024} KiB together",
            )
            remedy = Text("请合并或删去用不到的文件", "join files, or remove those that are not needed")
            yield BundleFinding("bundle.many", text, remedy, found[most] if len(found) > most else found[-1], 1, 1)


def _manifest(source: Source, faults: list[BundleFinding]) -> Manifest | None:
    if not isinstance(source.value, dict):
        text = Text("应为键和值", "keys and values are expected")
        faults.append(
            source.finding("manifest.shape", text, Text("请按适配包语法填写", "write it as the grammar says"))
        )
        return None
    try:
        return Manifest.model_validate(source.value)
    except ValidationError as error:
        faults.extend(problems.findings(error, source))
        return None


def _each(
    files: Mapping[str, bytes],
    folder: str,
    extension: str,
    read: Callable[[bytes, str], _T],
    faults: list[BundleFinding],
) -> Iterator[tuple[str, _T]]:
    for name, content in files.items():
        if name.startswith(f"{folder}/") and name.endswith(extension):
            try:
                yield name.removeprefix(f"{folder}/").removesuffix(extension), read(content, name)
            except BrokenBundle as broken:
                faults.extend(broken.findings)


def _table(content: bytes, file: str) -> codes.CodeTable:
    return codes.load(content, file.removeprefix("codes/").removesuffix(".csv"), file)
