"""Run every check of a bundle, from its manifest to its laws; a finding has file, line and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from adapters import bundle as bundles
from adapters.bundle import Bundle
from adapters.check import coverage, replies, samples
from adapters.check import manifest as manifests
from adapters.check.laws import Laws
from adapters.check.outbound import Outbound
from adapters.check.personal import personal
from adapters.check.report import MAX_FINDINGS, Report, ordered
from adapters.check.subject import Subject, subject
from adapters.check.trials import GENERATED, TrialDocument, generated
from adapters.mapping import Program
from adapters.source import BrokenBundle, BundleFinding
from schemas import documents
from schemas.findings import Rejected

Use = tuple[str, str]
"""`receives`, `sends` or `queries`, and the name in it."""

Watch = Callable[[str, int, int], None]
"""Called with what is checked next, how many steps are done, and of how many."""


def unwatched(what: str, done: int, of: int) -> None:
    """Report no progress."""


def check(path: Path | str, watch: Watch = unwatched) -> Report:
    """Check the bundle in a folder or a zip. Whatever is in it gives findings, never an exception."""
    try:
        loaded = bundles.load(path)
    except BrokenBundle as broken:
        return Report(findings=ordered(broken.findings))
    return prove(loaded, watch)


def prove(bundle: Bundle, watch: Watch = unwatched) -> Report:
    """Check a bundle that could be loaded."""
    manifest = bundle.manifest
    try:
        compiled = subject(bundle)
    except BrokenBundle as broken:
        return Report(manifest.adapter, manifest.version, bundle.digest, ordered(broken.findings))
    faulty = _Faulty()
    findings = list(_declared(compiled, faulty))
    findings += (*manifests.notes(compiled), *coverage.possible(compiled))
    findings += (*replies.rules(compiled), *replies.answers(compiled))
    # A list: every pair is read now, and what is wrong with the files is added to the findings.
    pairs = list(samples.pairs(compiled, findings))
    findings.extend(samples.missing(compiled))
    findings.extend(islice(personal(bundle.files), MAX_FINDINGS))
    findings.extend(_samples(compiled, pairs, faulty))
    mappings = {mapping: program for _, _, mapping, program in compiled.uses()}
    for done, (mapping, program) in enumerate(mappings.items()):
        watch(f"mappings/{mapping}.yaml", done, len(mappings))
        findings.extend(_trials(compiled, mapping, program, pairs, faulty))
    watch("", len(mappings), len(mappings))
    tried = GENERATED * len(mappings)
    return Report(manifest.adapter, manifest.version, bundle.digest, ordered(findings), len(pairs), tried)


class _Faulty(set[Use]):
    """The uses that have an error already: findings on their documents would only repeat it."""

    def watch(self, use: Use, findings: Iterable[BundleFinding]) -> Iterator[BundleFinding]:
        for finding in findings:
            if not finding.warning:
                self.add(use)
            yield finding


def _declared(subject: Subject, faulty: _Faulty) -> Iterator[BundleFinding]:
    for section, name, mapping, program in subject.uses():
        if section == "receives":
            found = coverage.received(subject, name, subject.bundle.manifest.receives[name], program)
        elif section == "sends":
            found = coverage.sent(subject, name, program)
        else:
            found = chain(coverage.whole(subject, mapping, program), manifests.query_faults(subject, name))
        yield from faulty.watch((section, name), found)


def _samples(subject: Subject, pairs: list[samples.Pair], faulty: _Faulty) -> Iterator[BundleFinding]:
    for pair in pairs:
        for section, name, _, _ in subject.uses():
            if name == pair.name and (section, name) not in faulty:
                yield from samples.prove(subject, section, pair)


def _trials(
    subject: Subject, mapping: str, program: Program, pairs: list[samples.Pair], faulty: _Faulty
) -> Iterator[BundleFinding]:
    """Try both laws and the platform's schema on generated documents and on the samples."""
    made = list(generated(program.document, mapping))
    uses = [(section, name) for section, name, used, _ in subject.uses() if used == mapping]
    names = {name for _, name in uses}
    sampled = [one for pair in pairs if pair.name in names for one in _documents(subject, program, pair)]
    yield from Laws(subject, mapping, program).findings([*made, *sampled])
    for section, name in uses:
        if section == "sends" and (section, name) not in faulty:
            yield from Outbound(subject, name).findings(made)


def _documents(subject: Subject, program: Program, pair: samples.Pair) -> Iterator[TrialDocument]:
    """Give the documents of a sample; one that does not translate has a finding already."""
    try:
        if pair.name in subject.compiled.receives:
            for record in subject.adapter.read(pair.name, pair.native).records:
                yield TrialDocument(subject.adapter.translate_in(pair.name, record).document, pair.file)
        elif pair.name in subject.compiled.sends:
            yield TrialDocument(documents.check(program.document, pair.canonical).document, pair.file)
    except Rejected:
        return
