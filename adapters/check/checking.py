"""Check a bundle from its manifest to its laws; every finding has file, line and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adapters import bundle as bundles
from adapters.bundle import Bundle
from adapters.check import coverage, golden, upkeep
from adapters.check.laws import GENERATED, Laws, generated
from adapters.check.outbound import Outbound
from adapters.check.report import Report, ordered
from adapters.check.subject import Subject, subject
from adapters.source import BrokenBundle, BundleFinding
from schemas.findings import Rejected


def check(path: Path | str) -> Report:
    """Prove the bundle in a folder or a zip. Never raises for what is in it."""
    try:
        loaded = bundles.load(path)
    except BrokenBundle as broken:
        return Report(findings=ordered(broken.findings))
    return prove(loaded)


def prove(bundle: Bundle) -> Report:
    """Prove a bundle that could be loaded."""
    manifest = bundle.manifest
    try:
        compiled = subject(bundle)
    except BrokenBundle as broken:
        return Report(manifest.adapter, manifest.version, bundle.digest, ordered(broken.findings))
    findings: list[BundleFinding] = [*_coverage(compiled), *upkeep.notes(compiled)]
    samples = _samples(compiled, findings)
    made = _generated(compiled, findings)
    return Report(manifest.adapter, manifest.version, bundle.digest, ordered(findings), samples, made)


def _coverage(subject: Subject) -> Iterator[BundleFinding]:
    for section, name, mapping, program in subject.uses():
        if section == "receives":
            yield from coverage.received(subject, name, subject.bundle.manifest.receives[name], program)
        elif section == "sends":
            yield from coverage.sent(subject, name, program)
        else:
            yield from coverage.whole(subject, mapping, program)


def _samples(subject: Subject, findings: list[BundleFinding]) -> int:
    found = list(golden.pairs(subject, findings))
    for pair in found:
        findings.extend(golden.prove(subject, pair))
    findings.extend(_second_law(subject, found))
    findings.extend(golden.missing(subject, {pair.name for pair in found}))
    return len(found)


def _second_law(subject: Subject, pairs: list[golden.Pair]) -> Iterator[BundleFinding]:
    for name, declared in subject.bundle.manifest.receives.items():
        laws = Laws(subject, declared.mapping, subject.compiled.programs[declared.mapping])
        for pair in pairs:
            if pair.name == name:
                _write_and_read_again(subject, laws, pair)
        yield from laws.findings()


def _write_and_read_again(subject: Subject, laws: Laws, pair: golden.Pair) -> None:
    try:
        package = subject.adapter.read(pair.name, pair.native)
        for record in package.records:
            laws.obey(subject.adapter.translate_in(pair.name, record).document)
    except Rejected:
        return


def _generated(subject: Subject, findings: list[BundleFinding]) -> int:
    mappings = {mapping: program for _, _, mapping, program in subject.uses()}
    for mapping, program in mappings.items():
        laws = Laws(subject, mapping, program)
        outbound = [
            Outbound(subject, name)
            for name, declared in subject.bundle.manifest.sends.items()
            if declared.mapping == mapping
        ]
        for document in generated(program.document, mapping):
            laws.obey(document)
            for one in outbound:
                one.fit(document)
        findings.extend(laws.findings())
        for one in outbound:
            findings.extend(one.findings())
    return GENERATED * len(mappings)
