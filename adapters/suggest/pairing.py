"""The missing halves of golden pairs: what a bundle makes of its samples now, for a human to read and correct."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from adapters.adapter import DeclarativeAdapter
from schemas.findings import Rejected

_NATIVE = re.compile(r"samples/(?P<name>[^/]+)/(?P<number>[^/]+)\.native\.[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Pairs:
    """`made`: canonical files by path; `refused`: native files that do not translate yet, and why."""

    made: Mapping[str, bytes]
    refused: Mapping[str, Rejected]


def missing_pairs(adapter: DeclarativeAdapter) -> Pairs:
    """Translate every native sample of an operation that has no canonical half yet."""
    files = adapter.bundle.files
    made: dict[str, bytes] = {}
    refused: dict[str, Rejected] = {}
    for file, content in files.items():
        match = _NATIVE.fullmatch(file)
        if match is None or match["name"] not in adapter.receives:
            continue
        other = f"samples/{match['name']}/{match['number']}.canonical.json"
        if other not in files:
            try:
                made[other] = translated(adapter, match["name"], content)
            except Rejected as error:
                refused[file] = error
    return Pairs(made, refused)


def translated(adapter: DeclarativeAdapter, operation: str, content: bytes) -> bytes:
    """Translate a body to the JSON of its document, a list of them where it is split; raises `Rejected`."""
    package = adapter.read(operation, content)
    made = [adapter.translate_in(operation, record).document for record in package.records]
    whole = made if package.split else made[0]
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
