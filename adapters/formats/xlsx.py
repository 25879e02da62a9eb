"""XLSX bodies: one sheet read as text, formulas never taken; written plainly, the same bytes for the same table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal

from openpyxl.styles.numbers import is_date_format, is_timedelta_format
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel, from_ISO8601

from adapters.base import Tree
from adapters.formats import rejections, table, workbook
from adapters.formats.format import Body, BodyFormat, EncodedBody, Format, Order
from adapters.formats.layout import MAX_HEADER_ROW, Line, header_row
from adapters.formats.workbook import Cell, Workbook
from schemas.budget import STANDARD, Budget
from schemas.findings import Finding, Rejected, Text

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_EXACT_BELOW = 10**15
_EXACT_DIGITS = 15
_CLOCK = re.compile(r"[hHsS]")
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


def read(declared: Format, body: bytes, content_type: str | None, budget: Budget = STANDARD) -> Body:
    """Parse one sheet under its header. Raises `Rejected` before unpacking what is too large."""
    try:
        book = Workbook(body, budget)
        lines = _lines(book, _chosen(book, declared), declared.header, budget)
        return Body(table.tree(lines, declared.header, ragged=True, budget=budget))
    except Rejected:
        raise
    except Exception as error:  # a broken archive or part fails in as many ways as it can be broken
        raise _unreadable(type(error).__name__) from None


def _chosen(book: Workbook, declared: Format) -> str:
    names = list(book.sheets)
    # What the sender sees first is meant: spreadsheets hide sheets of code tables in front of it.
    name = declared.sheet or next(iter(book.visible or names), "")
    if name not in book.sheets:
        known = "、".join(names)
        raise rejections.reject(
            "xlsx.sheet",
            f"没有工作表 {name}；有：{known}",
            f"there is no sheet {name}; there are: {known}",
            status=422,
        )
    return book.sheets[name]


def _lines(book: Workbook, path: str, header: int, budget: Budget) -> Iterator[Line]:
    """Yield the rows as text, those that are not stored too as far as the header's.

    Faulty cells are collected and raised together at the end.
    """
    found: list[Finding] = []
    before = 0
    for number, cells in book.rows(path):
        if number > table.MAX_ROWS + 1:
            raise table.too_many(table.MAX_ROWS, "行", "rows")
        yield from ((missing, ()) for missing in range(before + 1, min(number, header + 1)))
        yield number, _texts(book, number, cells, found, budget)
        before = number
        if len(found) > table.MAX_FINDINGS:
            break
    if found:
        raise table.faulty_cells(found)


def _texts(book: Workbook, number: int, cells: Sequence[Cell], found: list[Finding], budget: Budget) -> list[str]:
    texts: list[str] = []
    for cell in cells:
        if cell.column > table.MAX_COLUMNS:
            raise table.too_many(table.MAX_COLUMNS, "列", "columns")
        said = _said(book, cell, budget)
        if isinstance(said, Text):
            found.append(table.cell_fault(number, get_column_letter(cell.column), said.zh, said.en))
        elif said.strip():
            # A number may be much longer written out than it is stored.
            book.spend(max(0, len(said) - len(cell.text)))
            texts.extend([""] * (cell.column - len(texts)))
            texts[cell.column - 1] = said
    return texts


def _said(book: Workbook, cell: Cell, budget: Budget) -> str | Text:
    """Give a cell as text, or what is wrong with it."""
    if cell.kind == "formula":
        return Text("是公式，请粘贴为数值", "a formula; paste its value")
    if cell.kind == "error":
        return Text(f"是错误值 {cell.text}", f"the error {cell.text}")
    if cell.kind in ("date", "number") and len(cell.text) > budget.digits:
        return Text(f"是超过 {budget.digits} 位的数值", f"a number of more than {budget.digits} digits")
    if cell.kind == "bool":
        return "true" if cell.text == "1" else "false"
    if cell.kind == "date":
        return _moment(from_ISO8601(cell.text), cell.form)
    if cell.kind == "number":
        return _dated(book, cell) if is_date_format(cell.form) else _number(cell.text, budget)
    return cell.text


def _dated(book: Workbook, cell: Cell) -> str | Text:
    epoch = MAC_EPOCH if book.since_1904 else WINDOWS_EPOCH
    try:
        return _moment(from_excel(float(cell.text), epoch, timedelta=is_timedelta_format(cell.form)), cell.form)
    except (OverflowError, ValueError):
        return Text("不是日期", "not a date")


def _number(text: str, budget: Budget) -> str | Text:
    """Write a number as it was entered: what is stored with 17 digits is the double nearest to it."""
    value = Decimal(text)
    if value.is_finite() and abs(value.adjusted()) > budget.exponent:
        return Text(
            f"的指数超过 {budget.exponent}，不是电子表格能保存的数值",
            f"a number whose exponent is beyond {budget.exponent}, which no spreadsheet keeps",
        )
    if abs(value) >= _EXACT_BELOW or not value.is_finite():
        return Text(
            "是超过 15 位的数字，电子表格不能准确保存，请将该列设为文本后重新填写",
            "a number of more than 15 digits, which spreadsheets do not keep exactly; make the column text",
        )
    exact = value if len(value.as_tuple().digits) <= _EXACT_DIGITS else Decimal(repr(float(value)))
    written = format(exact, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def _moment(value: object, form: str) -> str:
    """Write a date cell: the day alone where it shows no time and has none."""
    if not isinstance(value, datetime):
        return value.isoformat() if isinstance(value, date | time) else str(value)
    if value.time() == time() and not _CLOCK.search(_LITERAL.sub("", form)):
        return value.date().isoformat()
    return value.isoformat(timespec="seconds")


def write(declared: Format, tree: Tree, order: Order | None = None) -> EncodedBody:
    """Write a table as one sheet in which every cell is text, so that none can be a formula."""
    return EncodedBody(CONTENT_TYPE, workbook.write(declared.sheet or "Sheet1", table.lines(tree, order)))


def _unreadable(detail: str) -> Rejected:
    return rejections.reject(
        "xlsx.syntax",
        f"不是可读取的 XLSX（{detail}）；请另存为 .xlsx、不要加密，再重新发送",
        f"not an XLSX that can be read ({detail}); save it as .xlsx without a password and send it again",
    )


def recognise(name: str, content: bytes) -> Format | None:
    """Tell by the archive."""
    return Format("xlsx", header=_header_row(content)) if content.startswith(b"PK\x03\x04") else None


def _header_row(content: bytes) -> int:
    try:
        book = Workbook(content)
        return header_row(cells for _, cells in _lines(book, _chosen(book, Format("xlsx")), MAX_HEADER_ROW, STANDARD))
    except Exception:  # what is broken is told when it is read
        return 1


BODY_FORMAT = BodyFormat(
    name="xlsx",
    read=read,
    write=write,
    media_type=CONTENT_TYPE,
    suffixes=("xlsx",),
    recognise=recognise,
    answered_in="json",
    binary=True,
)
