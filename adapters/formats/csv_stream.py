"""CSV records in a stream: a header, then one record a row. Each becomes a table of its own under that header."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from adapters.base import Cut
from adapters.formats import charsets, rejections, table
from adapters.formats.csv import BODY_FORMAT
from adapters.formats.cutting import (
    MOST_AROUND,
    PackagePlan,
    StreamDecoder,
    StreamFormat,
    TextBuffer,
    around_too_large,
    too_long,
)
from adapters.formats.format import Format
from adapters.formats.layout import BLANK, MOST_AT_THE_END, ends_a_table
from schemas.budget import Budget

_LINE_END = re.compile(r"\r\n|\n|\r")
_NOTHING = re.compile(r"[\r\n]+")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_CLOSING = re.compile(r'[^"]*+(?:""[^"]*+)*+"(?!")')
"""The rest of a quoted cell up to the quote that ends it."""


class RowCutter:
    """Cuts at line ends outside of quoted cells.

    A quote that nobody closes spoils its own row alone: once its cell is longer than a cell may be, the
    lines behind the first are read anew. A total and notes at the end are no records, and blank rows are
    none anywhere.
    """

    def __init__(self, declared: Format, content_type: str | None, budget: Budget, plan: PackagePlan) -> None:
        charset = charsets.agree(declared.charset, content_type)
        self.content_type = f"text/csv; charset={charset.upper()}"
        self._budget = budget
        self._decoder = StreamDecoder(charset)
        self._delimiter = declared.delimiter
        self._header = declared.header
        self._head: list[str] = []  # rows up to the header
        self._title = b""
        self._line = TextBuffer(budget.body)
        self._row = TextBuffer(budget.body)  # lines of the row that is being read
        self._open = -1  # characters of the quoted cell that is open at the end of them, -1: none is
        self._held: list[str] = []  # rows that may be a total or notes
        self._held_size = 0
        self._text = ""  # a carriage return whose line feed may follow

    # ── lines ─────────────────────────────────────────────────────────────────────────────────
    def feed(self, piece: bytes) -> Iterator[Cut]:
        yield from self._lines(self._decoder.decoded(piece))

    def end(self) -> Iterator[Cut]:
        yield from self._lines(self._decoder.decoded(b"", last=True), last=True)
        if self._line.size:
            yield from self._line_read()
        while self._row.size:
            yield from self._anew()
        if len(self._head) < self._header:
            self._read_header()

    def _lines(self, text: str, *, last: bool = False) -> Iterator[Cut]:
        text, self._text = self._text + text, ""
        if text.endswith("\r") and not last:
            text, self._text = text[:-1], "\r"
        start = self._past_nothing(text, 0)
        while (found := _LINE_END.search(text, start)) is not None:
            self._line.add(text[start : found.end()])
            yield from self._line_read()
            start = self._past_nothing(text, found.end())
        if start < len(text):
            self._line.add(text[start:])

    def _past_nothing(self, text: str, start: int) -> int:
        """Pass over rows without anything at once: a file may be full of them."""
        begun = self._line.size or self._row.size or not self._title
        nothing = None if begun else _NOTHING.match(text, start)
        return nothing.end() if nothing else start

    def _line_read(self) -> Iterator[Cut]:
        long, line = self._line.too_long, self._line.take()
        yield from self._too_long() if long else self._joined(line)

    # ── rows ──────────────────────────────────────────────────────────────────────────────────
    def _joined(self, line: str) -> Iterator[Cut]:
        """Take a line into the row that is being read."""
        self._row.add(line)
        self._open = _open_after(line, self._open, self._delimiter)
        if self._row.too_long:
            yield from self._too_long()
        elif self._open < 0:
            yield from self._row_read(self._taken())
        elif self._open > table.MAX_CELL:
            yield from self._anew()

    def _anew(self) -> Iterator[Cut]:
        """Take the first line of a row that does not end for all of it, and read the others anew."""
        first, *others = _LINE.findall(self._taken())
        yield from self._row_read(first)
        for line in others:
            yield from self._joined(line)

    def _taken(self) -> str:
        """Give the row that is being read, and begin a new one."""
        self._open = -1
        return self._row.take()

    def _too_long(self) -> Iterator[Cut]:
        self._taken()
        if len(self._head) < self._header:
            raise around_too_large()
        yield from self._released()
        yield Cut(b"", too_long(self._budget))

    def _row_read(self, row: str) -> Iterator[Cut]:
        if len(self._head) < self._header:
            self._head.append(row)
            if len(self._head) == self._header:
                self._read_header()
            elif sum(map(len, self._head)) > MOST_AROUND:
                raise around_too_large()
            return
        if not row.strip(BLANK):
            return
        cells = self._cells(row)
        if not any(cell.strip(BLANK) for cell in cells):
            return
        if ends_a_table(cells) and len(self._held) < MOST_AT_THE_END and self._held_size < self._budget.body:
            self._held.append(row)
            self._held_size += len(row)
            return
        yield from self._released()
        yield self._cut(row)

    def _released(self) -> Iterator[Cut]:
        """Give what might have been a total: something follows, so it is a record after all."""
        held, self._held, self._held_size = self._held, [], 0
        yield from map(self._cut, held)

    def _cut(self, row: str) -> Cut:
        body = self._title + self._decoder.encoded(row)
        return Cut(b"", too_long(self._budget)) if len(body) > self._budget.body else Cut(body)

    def _cells(self, row: str) -> list[str]:
        try:
            return next(csv.reader(io.StringIO(row, newline=""), delimiter=self._delimiter), [])
        except csv.Error:
            return [row]

    def _read_header(self) -> None:
        """Judge the header before any record is read under it."""
        title = "".join(self._head)
        if len(title) > MOST_AROUND:
            raise around_too_large()
        if not title or title.isspace():
            raise rejections.empty()
        self._decoder.check(title)
        lines = enumerate(csv.reader(io.StringIO(title, newline=""), delimiter=self._delimiter, strict=True), 1)
        try:
            table.tree(lines, self._header, budget=self._budget)
        except csv.Error as error:
            raise rejections.syntax("csv", str(error)) from None
        self._title = self._decoder.encoded(title if title.endswith(("\r", "\n")) else f"{title}\n")


def _open_after(line: str, open: int, delimiter: str) -> int:
    """Give how many characters of a quoted cell are open behind a line, `open` of them before it; -1: none is."""
    at = 0
    if open < 0:
        if '"' not in line:
            return -1
        if not line.startswith('"'):
            at = line.find(f'{delimiter}"') + 1
            if not at:
                return -1
        at += 1
    while True:
        closed = _CLOSING.match(line, at)
        if closed is None:
            return max(open, 0) + len(line) - at
        open = -1
        at = line.find(f'{delimiter}"', closed.end()) + 2
        if at < 2:
            return -1


STREAM = StreamFormat(body=BODY_FORMAT.name, media_types=(BODY_FORMAT.media_type,), cut=RowCutter)
