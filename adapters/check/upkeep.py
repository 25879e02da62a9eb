"""What a bundle carries and nobody uses, and what its mappings ask to be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from adapters.check.subject import Subject
from adapters.mapping import Program
from adapters.mapping.plan import Column, Parts
from adapters.source import BundleFinding
from schemas.findings import Text

_PLACES = ("adapter.yaml", "mappings/", "native/", "codes/", "samples/")


def notes(subject: Subject) -> Iterator[BundleFinding]:
    """Warn of files that nothing names, and pass on what compiling the mappings noticed.

    A code table that lacks a code is an error where it is sent with: a valid document could not be written.
    """
    used = set(_used(subject))
    for file in subject.bundle.files:
        if file.startswith(("mappings/", "native/", "codes/")) and file not in used:
            yield _note("file.unused", file, Text("没有被引用", "nothing refers to it"))
        elif not file.startswith(_PLACES) and not file.endswith(".md"):
            yield _note("file.stray", file, Text("不属于适配包的结构", "it has no place in a bundle"))
    sent = {part.mapping for part in subject.bundle.manifest.sends.values()}
    for name, program in subject.compiled.programs.items():
        for note in program.notes:
            yield replace(note, warning=name not in sent) if note.code == "codes.gaps" else note


def _used(subject: Subject) -> Iterator[str]:
    manifest = subject.bundle.manifest
    for _, _, mapping, _ in subject.uses():
        yield f"mappings/{mapping}.yaml"
    yield from (f"native/{part.schema_}" for part in manifest.receives.values())
    yield from (f"native/{part.schema_}" for part in manifest.sends.values())
    for program in subject.compiled.programs.values():
        yield from (f"codes/{name}.csv" for name in _tables(program))


def _tables(program: Program) -> Iterator[str]:
    for node in program.plan.root.walk():
        if isinstance(node, Column | Parts):
            yield from (step.codes.name for step in node.chain if step.codes is not None)


def _note(code: str, file: str, message: Text) -> BundleFinding:
    return BundleFinding(code, message, Text("如不需要请删去", "remove it if it is not needed"), file, warning=True)
