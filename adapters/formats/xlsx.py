"""XLSX bodies: one sheet read as text, formulas never taken; written plainly, the same bytes for the same table."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter

from adapters.base import Tree
from adapters.formats import faults, sheet, table
from adapters.formats.values import Body, Format, Order, Wire
from schemas.findings import Finding, Rejected

MAX_UNPACKED = 64 * 1024 * 1024
MAX_PARTS = 1000
CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_EXACT_BELOW = 10**15
_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")


def read(declared: Format, body: bytes, content_type: str | None) -> Body:
    """Parse one sheet; its first line is the header. Raises `Rejected` before unpacking what is too large."""
    try:
        _look_over(body)
        return Body(table.tree(_lines(_open(declared, body)), ragged=True))
    except Rejected:
        raise
    except Exception as error:  # openpyxl promises nothing about what it raises for a broken file
        raise _unreadable(f"{type(error).__name__}") from None


def _look_over(body: bytes) -> None:
    """Refuse an archive that is too large unpacked, or holds what could grow inside the parser."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts = archive.infolist()
        if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
            raise faults.reject(
                "xlsx.size",
                f"解压后超过 {MAX_UNPACKED // 1024 // 1024} MiB 或 {MAX_PARTS} 个部件；请拆分后发送",
                f"more than {MAX_UNPACKED // 1024 // 1024} MiB or {MAX_PARTS} parts unpacked; send it in parts",
                status=413,
            )
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                _refuse_dtd(archive.read(part))


def _refuse_dtd(content: bytes) -> None:
    if content.startswith(_UTF16) or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise faults.reject("xlsx.dtd", "不接受带 DTD 的 XLSX", "an XLSX with a DTD is not accepted")


def _open(declared: Format, body: bytes) -> Any:
    book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=False, keep_links=False)
    found = book.worksheets
    chosen = next((one for one in found if declared.sheet in (None, one.title)), None)
    if chosen is None:
        names = "、".join(one.title for one in found)
        raise faults.reject(
            "xlsx.sheet",
            f"没有工作表 {declared.sheet}；有：{names}",
            f"there is no sheet {declared.sheet}; there are: {names}",
            status=422,
        )
    chosen.reset_dimensions()
    return chosen


def _lines(worksheet: Any) -> Iterator[table.Line]:
    found: list[Finding] = []
    for number, cells in enumerate(worksheet.iter_rows(), 1):
        if number > table.MAX_ROWS + 1:
            raise table.too_many(table.MAX_ROWS, "行", "rows")
        yield number, _texts(number, cells, found)
        if len(found) >= table.MAX_FINDINGS:
            break
    if found:
        raise table.faulty_cells(found)


def _texts(number: int, cells: Sequence[Any], found: list[Finding]) -> list[str]:
    if len(cells) > table.MAX_COLUMNS:
        raise table.too_many(table.MAX_COLUMNS, "列", "columns")
    texts: list[str] = []
    for place, cell in enumerate(cells, 1):
        text = "" if cell.value is None else _text(cell)
        if isinstance(text, tuple):
            found.append(table.cell_fault(number, get_column_letter(place), *text))
        texts.append("" if isinstance(text, tuple) else text)
    while texts and not texts[-1].strip():
        texts.pop()
    return texts


def _text(cell: Any) -> str | tuple[str, str]:
    """Give a cell as text, or what is wrong with it in both languages."""
    value = cell.value
    if cell.data_type == "f":
        return "是公式，请粘贴为数值", "a formula; paste its value"
    if cell.data_type == "e":
        return f"是错误值 {value}", f"the error {value}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime):
        return _moment(value, cell.number_format)
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _number(value: int | float) -> str | tuple[str, str]:
    if abs(value) >= _EXACT_BELOW:
        return (
            "是超过 15 位的数字，电子表格不能准确保存，请将该列设为文本后重新填写",
            "a number of more than 15 digits, which spreadsheets do not keep exactly; make the column text",
        )
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


_CLOCK = re.compile(r"[hHsS时秒]")
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


def _moment(value: datetime, pattern: str) -> str:
    """Write a date cell: the day alone where it shows no time and has none."""
    shows_time = bool(_CLOCK.search(_LITERAL.sub("", pattern or "")))
    if not shows_time and value.time() == time():
        return value.date().isoformat()
    return value.isoformat(timespec="seconds")


def write(declared: Format, tree: Tree, order: Order | None = None) -> Wire:
    """Write a table as one sheet in which every cell is text, so that none can be a formula."""
    return Wire(CONTENT_TYPE, sheet.workbook(declared.sheet or "Sheet1", table.lines(tree, order)))


def _unreadable(detail: str) -> Rejected:
    return faults.reject(
        "xlsx.syntax",
        f"不是可读取的 XLSX（{detail}）；请另存为 .xlsx、不要加密，再重新发送",
        f"not an XLSX that can be read ({detail}); save it as .xlsx without a password and send it again",
    )
