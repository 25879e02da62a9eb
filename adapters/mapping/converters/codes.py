"""The code converter: a platform's code table beside the canonical one."""

from __future__ import annotations

from typing import Any

from adapters.mapping.codes import CodeTable, load
from adapters.mapping.converters.kind import BadArgument, Codes, Converter, Kind, OutsideDomain, Specimen
from adapters.mapping.converters.texts import text_of
from schemas.findings import Text

SHOWN = 12

EXAMPLE = load("native,canonical,title\n1,report-book,报告书\n2,report-table,报告表\n".encode(), "eia-form")


def _code(argument: Any, codes: Codes) -> Converter:
    table = codes.get(argument) if isinstance(argument, str) else None
    if table is None:
        there = "、".join(sorted(codes)) or "—"
        raise BadArgument(f"没有码表 {argument}；有：{there}", f"there is no code table {argument}; there are: {there}")
    inward, outward = table.inward, table.outward
    unread, unwritten = _among(table.inward, table), _among(table.outward, table)

    def forward(value: Any) -> str:
        found = inward.get(value) if value.__class__ is str else inward.get(text_of(value))
        if found is None:
            raise OutsideDomain("code.unknown", unread)
        return found

    def backward(value: Any) -> str:
        found = outward.get(value) if value.__class__ is str else outward.get(text_of(value))
        if found is None:
            raise OutsideDomain("code.unknown", unwritten)
        return found

    return Converter("code", forward, backward, argument, codes=table)


def _among(codes: Any, table: CodeTable) -> Text:
    shown = "、".join(list(codes)[:SHOWN]) + ("…" if len(codes) > SHOWN else "")
    return Text(f"码表 {table.name} 中的代码：{shown}", f"a code of table {table.name}: {shown}")


KINDS = (
    Kind(
        "code",
        Text("按码表换码", "a code of a table"),
        Text("码表中的标准代码", "canonical codes of the table"),
        lambda argument, codes: _code(argument, codes or {EXAMPLE.name: EXAMPLE}),
        (Specimen("1", "report-book", "eia-form"), Specimen(2, "report-table", "eia-form", written="2")),
        Text("码表名", "a code table's name"),
    ),
)
