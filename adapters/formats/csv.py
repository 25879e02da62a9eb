"""CSV bodies (RFC 4180, with the delimiter a bundle declares): strict in, and never a formula out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from adapters.base import Tree
from adapters.formats import charsets, rejections, table
from adapters.formats.format import Body, BodyFormat, EncodedBody, Format, Order
from adapters.formats.layout import Line, header_row
from schemas.budget import STANDARD, Budget
from schemas.findings import Rejected

_TOP = 50
"""As many lines are looked at to tell how a file is written."""

_NUMBER = re.compile(r"[+-]?[0-9]*(\.[0-9]*)?")
_ESCAPED = re.compile(r"'+[=+\-@]")
_QUOTED = re.compile(r'="((?:[^"]|"")*)"')
_FORMULA = re.compile(r"'*[=+\-@]")


def read(declared: Format, body: bytes, content_type: str | None, budget: Budget = STANDARD) -> Body:
    """Parse a table under its header."""
    text = charsets.decode(body, charsets.agree(declared.charset, content_type))
    return Body(table.tree(_lines(text, declared.delimiter), declared.header, budget=budget))


def _lines(text: str, delimiter: str) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 1
    try:
        for cells in reader:
            yield number, [unescaped(cell) for cell in cells]
            number = reader.line_num + 1
    except csv.Error as error:
        raise rejections.syntax("csv", f"第 {number} 行 (line {number}) {error}") from None


def write(declared: Format, tree: Tree, order: Order | None = None) -> EncodedBody:
    """Write a table with its header; lines end in CR LF."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=declared.delimiter, lineterminator="\r\n")
    writer.writerows([escaped(cell) for cell in cells] for cells in table.lines(tree, order))
    charset = declared.charset
    content_type = f"text/csv; charset={charset.upper()}; header=present"
    return EncodedBody(content_type, charsets.encode(out.getvalue(), charset))


def escaped(text: str) -> str:
    """Give a cell that no spreadsheet takes for a formula: `'` before = + - @, plain numbers left alone."""
    bare = text.lstrip()
    return f"'{bare}" if _FORMULA.match(bare) and not _NUMBER.fullmatch(bare) else text


def unescaped(text: str) -> str:
    """Undo `escaped`; the formula `="0012"`, by which a spreadsheet is made to keep a text, is its text."""
    bare = text.strip()
    quoted = _QUOTED.fullmatch(bare)
    if quoted is not None:
        return quoted[1].replace('""', '"')
    return bare[1:] if _ESCAPED.match(bare) else text


def recognise(name: str, content: bytes) -> Format | None:
    """Tell by the file's name: a table may begin with anything, but is text."""
    if b"\0" in content or not name.lower().endswith((".csv", ".tsv", ".txt")):
        return None
    charset = charsets.guess(content)
    try:
        top = charsets.decode(content, charset).splitlines()[:_TOP]
        delimiter = max((",", "\t", ";"), key=lambda one: max(line.count(one) for line in top))
        return Format("csv", charset, delimiter=delimiter, header=header_row(csv.reader(top, delimiter=delimiter)))
    except (Rejected, ValueError, csv.Error):  # what is broken is told when it is read
        return Format("csv", charset)


BODY_FORMAT = BodyFormat(
    name="csv",
    read=read,
    write=write,
    media_type="text/csv",
    suffixes=("csv", "tsv"),
    recognise=recognise,
    answered_in="json",
)
