"""CSV bodies (RFC 4180, with the delimiter a bundle declares): strict in, and never a formula out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from adapters.base import Tree
from adapters.formats import charsets, rejections, table
from adapters.formats.format import Body, BodyFormat, EncodedBody, Format, Order
from schemas.budget import STANDARD, Budget

_NUMBER = re.compile(r"[+-]?[0-9]*(\.[0-9]*)?")
_ESCAPED = re.compile(r"'+[=+\-@]")
_FORMULA = re.compile(r"'*[=+\-@]")


def read(declared: Format, body: bytes, content_type: str | None, budget: Budget = STANDARD) -> Body:
    """Parse a table; its first line is the header."""
    text = charsets.decode(body, charsets.agree(declared.charset, content_type))
    return Body(table.tree(_lines(text, declared.delimiter), budget=budget))


def _lines(text: str, delimiter: str) -> Iterator[table.Line]:
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
    """Undo `escaped`."""
    bare = text.lstrip()
    return bare[1:] if _ESCAPED.match(bare) else text


def recognise(name: str, content: bytes) -> Format | None:
    """Tell by the file's name: a table may begin with anything, but is text."""
    if b"\0" in content or not name.lower().endswith((".csv", ".tsv", ".txt")):
        return None
    header = content.splitlines()[0]
    delimiter = max((",", "\t", ";"), key=lambda one: header.count(one.encode()))
    return Format("csv", charsets.guess(content), delimiter=delimiter)


BODY_FORMAT = BodyFormat(
    name="csv",
    read=read,
    write=write,
    media_type="text/csv",
    suffixes=("csv", "tsv"),
    recognise=recognise,
    answered_in="json",
)
