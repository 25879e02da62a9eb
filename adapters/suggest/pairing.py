"""The missing halves of golden pairs: what a bundle makes of its samples now, for a human to read and correct."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from adapters import formats, paths
from adapters.adapter import DeclarativeAdapter
from adapters.base import Document, Reply
from adapters.exchange.receiving import native_paths, translate
from adapters.exchange.request import record_path
from adapters.formats import json
from adapters.records import all_read
from schemas.findings import Rejected, Text

_NATIVE = re.compile(r"samples/(?P<name>[^/]+)/(?P<number>[^/]+)\.native\.[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Pairs:
    """`made`: canonical files by path; `refused`: native files that have no half yet, and why."""

    made: Mapping[str, bytes]
    refused: Mapping[str, Rejected]


def missing_pairs(adapter: DeclarativeAdapter) -> Pairs:
    """Translate every native sample that has no canonical half yet, as its operation, query or message type does.

    A half that is a list although its type is sent, one document a message, was made when the type was
    still received: it becomes the document alone.
    """
    made: dict[str, bytes] = {}
    refused: dict[str, Rejected] = {}
    for file, content in adapter.bundle.files.items():
        match = _NATIVE.fullmatch(file)
        if match is None:
            continue
        other = f"samples/{match['name']}/{match['number']}.canonical.json"
        try:
            half = _half(adapter, match["name"], content, adapter.bundle.files.get(other))
        except Rejected as error:
            refused[file] = error
        else:
            made |= {} if half is None else {other: half}
    return Pairs(made, refused)


def _half(adapter: DeclarativeAdapter, name: str, native: bytes, present: bytes | None) -> bytes | None:
    """Make the canonical half of a sample; None when there is nothing to write."""
    if name in adapter.receives:
        return translated(adapter, name, native) if present is None else None
    if name in adapter.sends:
        return _written(_sent(adapter, name, native)) if present is None else _alone(present)
    if name not in adapter.bundle.manifest.queries:
        raise Rejected("sample.unknown", _unknown(adapter, name))
    if present is not None:
        return None
    found, _ = adapter.read_query(name, Reply(200, {}, native))
    return _written([one.document for one in all_read(found)])


def translated(adapter: DeclarativeAdapter, operation: str, content: bytes) -> bytes:
    """Translate a body to the JSON of its document, a list of them where it is split; raises `Rejected`."""
    package = adapter.read(operation, content)
    made = [adapter.translate_in(operation, record).document for record in package.records]
    return _written(made if package.split else made[0])


def _sent(adapter: DeclarativeAdapter, message_type: str, content: bytes) -> Document:
    """Read a body that the adapter would send, by the mapping it is written with."""
    declared = adapter.bundle.manifest.sends[message_type]
    program = adapter.compiled.programs[declared.mapping]
    place = record_path(declared.envelope)
    if place is None:
        raise Rejected("sample.embedded", _EMBEDDED)
    body = formats.read(adapter.compiled.formats["sends", message_type], content)
    found = paths.values(body.tree, place) if place.steps else [body.tree]
    records = [record for one in found for record in (one if isinstance(one, list) else [one])]
    if len(records) != 1:
        raise Rejected("sample.several", _several(len(records)))
    return translate(message_type, program, records[0], native_paths(program.explain())).document


def _alone(present: bytes) -> bytes | None:
    half = json.parse(present)
    if not isinstance(half, list):
        return None
    if len(half) != 1:
        raise Rejected("sample.several", _several(len(half)))
    return _written(half[0])


def _written(half: Any) -> bytes:
    return orjson.dumps(half, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


_EMBEDDED = Text(
    "该消息以文本嵌入报文，无法由样例反推；请手工编写标准文档",
    "the record is embedded as text, so the sample cannot be read back; write its canonical half by hand",
)


def _several(count: int) -> Text:
    return Text(
        f"发送的一个报文只含一份文档，样例含 {count} 份；请拆成 {count} 个样例",
        f"a message that is sent holds one document, the sample {count}: make one sample of each",
    )


def _unknown(adapter: DeclarativeAdapter, name: str) -> Text:
    known = sorted({*adapter.receives, *adapter.sends, *adapter.bundle.manifest.queries})
    return Text(
        f"没有名为 {name} 的操作、消息类型或查询；请把样例移到其一的文件夹：{'、'.join(known)}",
        f"nothing is called {name}: move the sample to the folder of one of {', '.join(known)}",
    )
