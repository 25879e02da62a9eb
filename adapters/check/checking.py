"""Check a bundle from its manifest to its laws; every finding has file, line and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from adapters import bundle as bundles
from adapters.bundle import Bundle
from adapters.check import addresses, asking, coverage, golden, upkeep
from adapters.check.lawful import Laws
from adapters.check.outbound import Outbound
from adapters.check.report import Report, ordered
from adapters.check.subject import Subject, subject
from adapters.check.trials import GENERATED, Example, generated
from adapters.mapping import Program
from adapters.source import BrokenBundle, BundleFinding
from schemas import documents
from schemas.findings import Rejected

Watch = Callable[[str, int, int], None]
"""Told what is proved next, how many steps are done, and of how many."""


def unwatched(what: str, done: int, of: int) -> None:
    """Nobody looks on."""


def check(path: Path | str, watch: Watch = unwatched) -> Report:
    """Prove the bundle in a folder or a zip. Never raises for what is in it."""
    try:
        loaded = bundles.load(path)
    except BrokenBundle as broken:
        return Report(findings=ordered(broken.findings))
    return prove(loaded, watch)


def prove(bundle: Bundle, watch: Watch = unwatched) -> Report:
    """Prove a bundle that could be loaded."""
    manifest = bundle.manifest
    try:
        compiled = subject(bundle)
    except BrokenBundle as broken:
        return Report(manifest.adapter, manifest.version, bundle.digest, ordered(broken.findings))
    findings = [
        *_coverage(compiled),
        *upkeep.notes(compiled),
        *addresses.impossible(compiled),
        *asking.faults(compiled),
    ]
    pairs = list(golden.pairs(compiled, findings))
    findings.extend(golden.missing(compiled))
    for pair in pairs:
        findings.extend(golden.prove(compiled, pair))
    mappings = {mapping: program for _, _, mapping, program in compiled.uses()}
    for done, (mapping, program) in enumerate(mappings.items()):
        watch(f"mappings/{mapping}.yaml", done, len(mappings))
        findings.extend(_trials(compiled, mapping, program, pairs))
    watch("", len(mappings), len(mappings))
    tried = GENERATED * len(mappings)
    return Report(manifest.adapter, manifest.version, bundle.digest, ordered(findings), len(pairs), tried)


def _coverage(subject: Subject) -> Iterator[BundleFinding]:
    for section, name, mapping, program in subject.uses():
        if section == "receives":
            yield from coverage.received(subject, name, subject.bundle.manifest.receives[name], program)
        elif section == "sends":
            yield from coverage.sent(subject, name, program)
        else:
            yield from coverage.whole(subject, mapping, program)


def _trials(subject: Subject, mapping: str, program: Program, pairs: list[golden.Pair]) -> Iterator[BundleFinding]:
    """Both laws and the platform's schema, on generated documents and on the samples."""
    made = list(generated(program.document, mapping))
    names = {name: section for section, name, used, _ in subject.uses() if used == mapping}
    sampled = [one for pair in pairs if pair.name in names for one in _documents(subject, program, pair)]
    yield from Laws(subject, mapping, program).findings([*made, *sampled])
    for name, section in names.items():
        if section == "sends":
            yield from Outbound(subject, name).findings(made)


def _documents(subject: Subject, program: Program, pair: golden.Pair) -> Iterator[Example]:
    """Give what a sample says; one that does not translate has been told already."""
    try:
        if pair.name in subject.compiled.receives:
            for record in subject.adapter.read(pair.name, pair.native).records:
                yield Example(subject.adapter.translate_in(pair.name, record).document, pair.file)
        elif pair.name in subject.compiled.sends:
            yield Example(documents.check(program.document, pair.canonical).document, pair.file)
    except Rejected:
        return
