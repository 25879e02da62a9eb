"""JSON documents in a stream, one a line (NDJSON)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from adapters import paths
from adapters.base import Cut, Tree
from adapters.formats import charsets, json
from adapters.formats.cutting import PackagePlan, StreamFormat, too_long
from adapters.formats.format import Format
from adapters.paths import EACH, Step
from schemas.budget import Budget
from schemas.findings import Rejected

_NOTHING = re.compile(rb"[\r\n]+")


class LineCutter:
    """Cuts at line feeds; a line of blanks is none.

    Where the operation takes packages, a line is one record, around which a package is put, or a package.
    """

    def __init__(self, declared: Format, content_type: str | None, budget: Budget, plan: PackagePlan) -> None:
        charset = charsets.agree(declared.charset, content_type)
        self.content_type = "application/json" if charset == "utf-8" else f"application/json; charset={charset.upper()}"
        self._budget = budget
        self._declared = declared
        self._plan = plan
        self._before, self._behind = _around(plan, charset)
        self._line = bytearray()
        self._size = 0  # of the line that is being read, also where it is too long to be kept

    def feed(self, piece: bytes) -> Iterator[Cut]:
        start = self._past_nothing(piece, 0)
        while (end := piece.find(b"\n", start)) >= 0:
            self._hold(piece[start:end])
            yield from self._line_read()
            start = self._past_nothing(piece, end + 1)
        self._hold(piece[start:])

    def end(self) -> Iterator[Cut]:
        yield from self._line_read()

    def _past_nothing(self, piece: bytes, start: int) -> int:
        """Pass over empty lines at once: a file may be full of them."""
        nothing = None if self._size else _NOTHING.match(piece, start)
        return nothing.end() if nothing else start

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._budget.body:
            self._line.clear()
        else:
            self._line += part

    def _line_read(self) -> Iterator[Cut]:
        line, size = bytes(self._line), self._size
        self._line.clear()
        self._size = 0
        if size > self._budget.body:
            yield Cut(b"", too_long(self._budget))
        elif line and not line.isspace():
            yield Cut(self._packed(line))

    def _packed(self, line: bytes) -> bytes:
        if self._plan.split is None:
            return line
        try:
            tree = json.read(self._declared, line, self.content_type, self._budget).tree
        except Rejected:
            return line  # whoever reads it says what is wrong
        if paths.first(tree, self._plan.split) is not None:
            return line
        return b"".join((self._before, line.strip(), self._behind))


_MARK = "\x00"


def _around(plan: PackagePlan, charset: str) -> tuple[bytes, bytes]:
    """Give what stands before and behind the one record of a package."""
    if plan.split is None:
        return b"", b""
    tree = _placed({}, plan.split.steps, _MARK)
    for path, text in plan.around:
        tree = _placed(tree, path.steps, text)
    before, behind = orjson.dumps(tree).decode().split('"\\u0000"')
    return charsets.encode(before, charset), charsets.encode(behind, charset)


def _placed(tree: Tree, steps: tuple[Step, ...], value: Any) -> Tree:
    """Give a tree with a value at a place; of a list the first item."""
    if not steps:
        return value
    step, *below = steps
    if step is EACH:
        return [_placed(tree[0] if isinstance(tree, list) and tree else {}, tuple(below), value)]
    known = tree if isinstance(tree, dict) else {}
    return {**known, step: _placed(known.get(step, {}), tuple(below), value)}


STREAM = StreamFormat(
    body=json.BODY_FORMAT.name,
    media_types=("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"),
    cut=LineCutter,
)
