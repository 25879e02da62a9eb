"""Samples: pairs of a native and a canonical file that must translate into each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from adapters import formats, spots
from adapters.base import Reply
from adapters.check.personal import MARKED
from adapters.check.subject import SETTINGS, Subject, file_finding
from adapters.formats import json
from adapters.native.findings import written
from adapters.records import all_read
from adapters.source import BundleFinding
from schemas import documents
from schemas.findings import Finding, Rejected, Text
from schemas.scalars import count_of

_NATIVE = re.compile(r"samples/(?P<name>[^/]+)/(?P<number>[^/]+)\.native\.[A-Za-z0-9]+")
_CANONICAL = re.compile(r"samples/(?P<name>[^/]+)/(?P<number>[^/]+)\.canonical\.json")
_NOTHING = object()
_MAX_DIFFERENCES = 10
_SHOWN = 60
_INDEX = re.compile(r"\[(\d+)\]")

_SAMPLE = Text("请改正映射，或改正该样例", "correct the mapping, or the sample")
_NAMING = Text(
    "写作 samples/操作或消息类型/1.native.json 与 1.canonical.json",
    "write samples/OPERATION-OR-TYPE/1.native.json and 1.canonical.json",
)


@dataclass(frozen=True, slots=True)
class Pair:
    """One sample: the operation, query or message type it is of, both files, its canonical content."""

    name: str
    file: str
    native: bytes
    canonical: Any
    other: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where a tree has something else than it should."""

    keys: tuple[str | int, ...]
    got: str
    wanted: str


def pairs(subject: Subject, findings: list[BundleFinding]) -> Iterator[Pair]:
    """Give the pairs of a bundle; a half pair, or one of nothing declared, is a finding."""
    files = subject.bundle.files
    known = {name for _, name, _, _ in subject.uses()}
    for file, content in files.items():
        match = _NATIVE.fullmatch(file)
        if match is None:
            findings.extend(_not_native(file, known, files))
            continue
        other = f"samples/{match['name']}/{match['number']}.canonical.json"
        if match["name"] not in known:
            findings.append(_orphan(file, match["name"]))
        elif other not in files:
            findings.append(_half(file, other))
        else:
            try:
                yield Pair(match["name"], file, content, json.parse(files[other]), other, files[other])
            except Rejected as error:
                findings.append(_unreadable(other, error))


def _not_native(file: str, known: set[str], files: Any) -> Iterator[BundleFinding]:
    match = _CANONICAL.fullmatch(file)
    if match is None:
        if file.startswith("samples/") and file not in (SETTINGS, MARKED):
            yield _misnamed(file)
    elif match["name"] not in known:
        yield _orphan(file, match["name"])
    elif not any(other.startswith(f"samples/{match['name']}/{match['number']}.native.") for other in files):
        yield _half(file, f"samples/{match['name']}/{match['number']}.native.*")


def missing(subject: Subject) -> Iterator[BundleFinding]:
    """Warn of an operation or message type without any sample."""
    found = {file.split("/")[1] for file in subject.bundle.files if file.startswith("samples/")}
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


def prove(subject: Subject, section: str, pair: Pair) -> Iterator[BundleFinding]:
    """Translate a pair as an operation, a message type or a query does, and report the first difference."""
    try:
        if section == "receives":
            yield from _compare(pair, _inward(subject, pair))
        elif section == "sends":
            yield from _outward(subject, pair)
        else:
            found, _ = subject.adapter.read_query(pair.name, Reply(200, {}, pair.native))
            yield from _compare(pair, [one.document for one in all_read(found)])
    except Rejected as error:
        yield _rejected(section, pair, error)


def differences(got: Any, wanted: Any) -> Iterator[Difference]:
    """Give at most ten places where the trees differ, in the order of the wanted one."""
    return islice(_walk(got, wanted, ()), _MAX_DIFFERENCES)


def _inward(subject: Subject, pair: Pair) -> Any:
    package = subject.adapter.read(pair.name, pair.native)
    made = [subject.adapter.translate_in(pair.name, record).document for record in package.records]
    return made if package.split else made[0]


def _outward(subject: Subject, pair: Pair) -> Iterator[BundleFinding]:
    declared = subject.compiled.formats["sends", pair.name]
    expected = formats.read(declared, pair.native)
    faults = list(subject.native_faults(pair.name, expected))
    for finding in faults[:1]:
        line, column = _native_spot(pair.native, finding.path)
        yield file_finding(pair.file, "sample.native", finding, _SAMPLE, line=line, column=column)
    program = next(program for section, name, _, program in subject.uses() if (section, name) == ("sends", pair.name))
    document = documents.check(program.document, pair.canonical).document
    tree = subject.read_back(pair.name, subject.write(pair.name, document)).tree
    if not faults:
        yield from _first(pair.file, pair.native, list(differences(tree, expected.tree)))


def _compare(pair: Pair, made: Any) -> Iterator[BundleFinding]:
    yield from _first(pair.other, pair.text, list(differences(made, pair.canonical)))


def _first(file: str, content: bytes, found: list[Difference]) -> Iterator[BundleFinding]:
    """Report the first difference, where the sample says otherwise, and how many more there are."""
    for one in found[:1]:
        where = written(one.keys)
        more = len(found) - 1
        also = Text(f"；另有 {more} 处不同", f"; {more} more differ") if more else Text("", "")
        text = Text(
            f"{where} 译为 {one.got}，样例是 {one.wanted}{also.zh}",
            f"{where} becomes {one.got}, the sample says {one.wanted}{also.en}",
        )
        yield BundleFinding("sample.differs", text, _SAMPLE, file, *_spot(content, one.keys))


def _rejected(section: str, pair: Pair, error: Rejected) -> BundleFinding:
    """Report the first reason: of a sample sent it is the canonical half that could not be written."""
    said = (error.findings or (Finding(error.code, error.detail),))[0]
    outward = section == "sends" and not error.code.startswith(("body.", "json.", "xml.", "soap."))
    file = pair.other if outward else pair.file
    line, column = _native_spot(pair.text, said.field or said.path) if outward else _native_spot(pair.native, said.path)
    return file_finding(file, "sample.rejected", said, _SAMPLE, line=line, column=column)


def _native_spot(content: bytes, path: str) -> spots.Spot:
    keys: list[str | int] = []
    for step in _INDEX.sub(r".\1.", path).split("."):
        if step:
            at = count_of(step)
            keys.append(step if at is None else at)
    return _spot(content, keys)


def _spot(content: bytes, keys: Any) -> spots.Spot:
    return spots.xml_spot(content, keys) if content.lstrip()[:1] == b"<" else spots.json_spot(content, keys)


def _unreadable(file: str, error: Rejected) -> BundleFinding:
    said = (error.findings or (Finding(error.code, error.detail),))[0]
    line, column = spots.spot(said.message.en)
    return file_finding(file, "sample.json", said, _SAMPLE, line=line, column=column)


def _orphan(file: str, name: str) -> BundleFinding:
    return _note(
        file, "sample.unknown", f"没有名为 {name} 的操作、消息类型或查询", f"nothing is called {name}", _NAMING
    )


def _misnamed(file: str) -> BundleFinding:
    return _note(file, "sample.name", "文件名不是样例的写法", "it is not named as a sample is", _NAMING)


def _note(file: str, code: str, zh: str, en: str, remedy: Text) -> BundleFinding:
    return BundleFinding(code, Text(zh, en), remedy, file, 1, 1, True)


def _half(file: str, other: str) -> BundleFinding:
    return BundleFinding(
        "sample.half",
        Text(f"缺少 {other}", f"{other} is missing"),
        Text("样例须成对：原文与标准文档", "a sample is a pair: native and canonical"),
        file,
        1,
        1,
    )


def _walk(got: Any, wanted: Any, keys: tuple[str | int, ...]) -> Iterator[Difference]:
    if isinstance(got, dict) and isinstance(wanted, dict):
        for name in dict.fromkeys([*wanted, *got]):
            yield from _walk(got.get(name, _NOTHING), wanted.get(name, _NOTHING), (*keys, name))
    elif isinstance(got, list) and isinstance(wanted, list) and len(got) == len(wanted):
        for index, (one, other) in enumerate(zip(got, wanted, strict=True)):
            yield from _walk(one, other, (*keys, index))
    elif got != wanted:
        yield Difference(keys, _shown(got), _shown(wanted))


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return "—"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
