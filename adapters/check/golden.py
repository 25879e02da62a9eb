"""Golden samples: native and canonical pairs that must translate into each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adapters import formats
from adapters.base import Reply
from adapters.check.differences import differences
from adapters.check.subject import Subject, told, told_rejection
from adapters.formats import json
from adapters.source import BundleFinding
from schemas import documents
from schemas.findings import Rejected, Text

_NATIVE = re.compile(r"samples/(?P<name>[^/]+)/(?P<number>[^/]+)\.native\.[A-Za-z0-9]+")

_SAMPLE = Text("请改正映射，或改正该样例", "correct the mapping, or the sample")


@dataclass(frozen=True, slots=True)
class Pair:
    """One sample: the operation, query or message type it is of, its native file, its canonical content."""

    name: str
    file: str
    native: bytes
    canonical: Any


def pairs(subject: Subject, findings: list[BundleFinding]) -> Iterator[Pair]:
    """Give the pairs of a bundle; a half pair, or one of nothing declared, is a finding."""
    files = subject.bundle.files
    known = {name for _, name, _, _ in subject.uses()}
    for file, content in files.items():
        match = _NATIVE.fullmatch(file)
        if match is None:
            continue
        other = f"samples/{match['name']}/{match['number']}.canonical.json"
        if match["name"] not in known:
            findings.append(_orphan(file, match["name"]))
        elif other not in files:
            findings.append(_half(file, other))
        else:
            try:
                yield Pair(match["name"], file, content, json.parse(files[other]))
            except Rejected as error:
                findings.extend(told_rejection(other, "sample.json", error, _SAMPLE))


def missing(subject: Subject, found: set[str]) -> Iterator[BundleFinding]:
    """Warn of an operation or message type without any sample."""
    for section, name, _, _ in subject.uses():
        if name not in found and section != "queries":
            yield subject.bundle.source.finding(
                "sample.none",
                Text(f"{name} 没有样例", f"{name} has no sample"),
                Text(f"请在 samples/{name}/ 放置成对的样例", f"put pairs into samples/{name}/"),
                section,
                name,
                warning=True,
            )


def prove(subject: Subject, pair: Pair) -> Iterator[BundleFinding]:
    """Translate a pair in the direction of its name and compare."""
    try:
        if pair.name in subject.compiled.receives:
            yield from _compare(pair, _inward(subject, pair))
        elif pair.name in subject.compiled.sends:
            yield from _outward(subject, pair)
        else:
            found, _ = subject.adapter.read_query(pair.name, Reply(200, {}, pair.native))
            yield from _compare(pair, [one.document for one in found])
    except Rejected as error:
        yield from told_rejection(pair.file, "sample.rejected", error, _SAMPLE)


def _inward(subject: Subject, pair: Pair) -> Any:
    package = subject.adapter.read(pair.name, pair.native)
    made = [subject.adapter.translate_in(pair.name, record).document for record in package.records]
    return made if package.split else made[0]


def _outward(subject: Subject, pair: Pair) -> Iterator[BundleFinding]:
    declared = subject.compiled.formats["sends", pair.name]
    expected = formats.read(declared, pair.native)
    program = next(program for section, name, _, program in subject.uses() if (section, name) == ("sends", pair.name))
    document = documents.check(program.document, pair.canonical).document
    written = subject.read_back(pair.name, subject.write(pair.name, document))
    yield from _compare(pair, written.tree, expected.tree)
    for body in (expected, written):
        for finding in subject.native_faults(pair.name, body):
            yield told(pair.file, "sample.native", finding, _SAMPLE)


def _compare(pair: Pair, made: Any, expected: Any = None) -> Iterator[BundleFinding]:
    wanted = pair.canonical if expected is None else expected
    for where, got, want in differences(made, wanted):
        text = Text(f"{where} 译为 {got}，样例是 {want}", f"{where} becomes {got}, the sample says {want}")
        yield BundleFinding("sample.differs", text, _SAMPLE, pair.file)


def _orphan(file: str, name: str) -> BundleFinding:
    return BundleFinding(
        "sample.unknown",
        Text(f"没有名为 {name} 的操作、消息类型或查询", f"there is no operation, message type or query {name}"),
        Text("样例文件夹以操作或消息类型命名", "name the sample's folder after an operation or message type"),
        file,
        warning=True,
    )


def _half(file: str, other: str) -> BundleFinding:
    return BundleFinding(
        "sample.half",
        Text(f"缺少 {other}", f"{other} is missing"),
        Text("样例须成对：原文与标准文档", "a sample is a pair: native and canonical"),
        file,
    )
