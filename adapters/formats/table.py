"""Tables as trees: a header, and records of text under its names, in `rows`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from adapters.base import Tree
from adapters.formats import rejections
from adapters.formats.format import Order, as_text
from adapters.formats.layout import BLANK, Line, table_lines
from schemas.budget import FINDINGS, STANDARD, Budget, at_most
from schemas.findings import Finding, Rejected, Text

ROWS = "rows"
"""Where a table's records stand: `{rows: [{column: text}, …]}`; an empty cell is not there."""

MAX_ROWS = 50_000
MAX_COLUMNS = 300
MAX_CELL = 32_767
MAX_FINDINGS = FINDINGS


def tree(lines: Iterable[Line], header: int = 1, *, ragged: bool = False, budget: Budget = STANDARD) -> Tree:
    """Make the tree of a table whose header is the row `header`; a title, a total, notes and blank lines do not count.

    `ragged`: a line may end before the header does. Raises `Rejected` (`table.header`, `table.row`,
    `table.size`) with a finding for every fault, up to 50.
    """
    given = table_lines(_bounded(lines, budget), header)
    number, first = next(given)
    names = _header(number, first)
    rows: list[dict[str, str]] = []
    found: list[Finding] = []
    for number, cells in given:
        texts = [cell.strip(BLANK) for cell in cells]
        if not any(texts):
            continue
        if len(rows) >= budget.records:
            raise budget.exceeded("records", f"line {number}")
        _bound_rows(len(rows), min(MAX_ROWS, budget.items))
        found.extend(islice(_row_faults(number, texts, names, ragged=ragged), MAX_FINDINGS + 1 - len(found)))
        rows.append({name: text for name, text in zip(names, texts, strict=False) if text})
        if len(found) > MAX_FINDINGS:
            break
    if found:
        raise _faulty("table.row", found)
    return {ROWS: rows}


def _bounded(lines: Iterable[Line], budget: Budget) -> Iterator[Line]:
    """Count lines and cells as they come, before any of them is kept."""
    nodes = 0
    for number, cells in lines:
        nodes += 1 + len(cells)
        if nodes > budget.nodes:
            raise budget.exceeded("nodes", f"line {number}")
        yield number, cells


def _header(number: int, cells: Sequence[str]) -> list[str]:
    names = [cell.strip(BLANK) for cell in cells]
    if not any(names):
        raise rejections.reject(
            "table.header", "没有表头；第一行应为列名", "there is no header; the first line names the columns"
        )
    if len(names) > MAX_COLUMNS:
        raise too_many(MAX_COLUMNS, "列", "columns")
    faults = (finding for place, name in enumerate(names, 1) for finding in _name_faults(number, place, name, names))
    found = list(islice(faults, MAX_FINDINGS + 1))
    if found:
        raise _faulty("table.header", found)
    return names


def _name_faults(number: int, place: int, name: str, names: list[str]) -> Iterable[Finding]:
    at = Text(f"第 {number} 行第 {place} 列", f"line {number}, column {place}")
    first = names.index(name) + 1
    if not name:
        yield _finding("table.header", at, "没有列名", "there is no name")
    elif len(name) > MAX_CELL:
        yield _finding("table.header", at, "列名过长", "the name is too long")
    elif first != place:
        yield _finding("table.header", at, f"列名 {name} 与第 {first} 列重复", f"the name {name} is column {first} too")


def _row_faults(number: int, texts: list[str], header: list[str], *, ragged: bool) -> Iterable[Finding]:
    wanted, count = len(header), len(texts)
    if count > wanted or (count < wanted and not ragged):
        zh, en = f"有 {count} 格，表头有 {wanted} 列", f"{count} cells under a header of {wanted} columns"
        yield _finding("table.row", Text(f"第 {number} 行", f"line {number}"), zh, en)
    for name, text in zip(header, texts, strict=False):
        if len(text) > MAX_CELL:
            at = Text(f"第 {number} 行 {name}", f"line {number}, {name}")
            yield _finding("table.row", at, f"超过 {MAX_CELL} 个字符", f"longer than {MAX_CELL} characters", name)


def _finding(code: str, at: Text, zh: str, en: str, path: str = "") -> Finding:
    return Finding(code, Text(f"{at.zh}：{zh}；请改正", f"{at.en}: {en}; correct it"), path=path)


def cell_fault(number: int, column: str, zh: str, en: str) -> Finding:
    """Tell what is wrong with one cell."""
    return _finding("table.cell", Text(f"单元格 {column}{number}", f"cell {column}{number}"), zh, en)


def faulty_cells(found: Sequence[Finding]) -> Rejected:
    """Make the rejection of a table for its cells."""
    return _faulty("table.cell", found)


def _faulty(code: str, found: Sequence[Finding]) -> Rejected:
    shown = at_most(found)
    count = min(len(shown), MAX_FINDINGS)
    detail = Text(
        f"表格有 {count} 处有误：{shown[0].message.zh}",
        f"the table has {count} fault(s): {shown[0].message.en}",
    )
    return Rejected(code, detail, shown, status=400)


def _bound_rows(count: int, most: int) -> None:
    if count >= most:
        raise too_many(most, "行", "rows")


def too_many(limit: int, zh: str, en: str) -> Rejected:
    """More rows or columns than anybody needs in one body."""
    return rejections.reject(
        "table.size",
        f"表格超过 {limit} {zh}；请拆分后发送",
        f"the table has more than {limit} {en}; send it in parts",
        status=413,
    )


def lines(given: Tree, order: Order | None = None) -> list[list[str]]:
    """Give a tree's header and rows as text: the schema's columns in its order, then the others as they come."""
    rows = _rows(given)
    known = order.child(ROWS) if order is not None else None
    columns = dict.fromkeys(known.names if known is not None else ())
    columns.update(dict.fromkeys(name for row in rows for name in row))
    if not columns:
        raise rejections.reject("table.empty", "没有可写的列", "there is no column to write", status=422)
    return [list(columns), *([_cell(name, row.get(name)) for name in columns] for row in rows)]


def _rows(given: Tree) -> list[dict[str, Any]]:
    found = given.get(ROWS) if isinstance(given, dict) and set(given) == {ROWS} else None
    rows = [found] if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise rejections.reject(
            "table.shape",
            '表格应为 rows 下的记录；请写 envelope: {rows: ["{record}"]}',
            'a table is records under rows; write envelope: {rows: ["{record}"]}',
            status=422,
        )
    return rows


def _cell(name: str, value: Any) -> str:
    if isinstance(value, dict | list):
        raise rejections.reject(
            "table.nested",
            f"列 {name} 只能是一个值；请在映射中写成文本",
            f"column {name} holds one value; write it as text in the mapping",
            status=422,
            path=name,
        )
    text = as_text(value)
    if len(text) > MAX_CELL:
        raise rejections.reject(
            "table.cell",
            f"列 {name} 超过 {MAX_CELL} 个字符；请缩短",
            f"column {name} is longer than {MAX_CELL} characters; shorten it",
            status=422,
            path=name,
        )
    return text
