"""CSV bodies: a header and records, strict in, and never a formula out."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats import Format, read, write
from adapters.formats.csv import escaped, unescaped
from schemas.findings import Rejected

CSV = Format("csv")
GBK = Format("csv", "gbk", delimiter=";")


def _refused(body: bytes, declared: Format = CSV) -> Rejected:
    with pytest.raises(Rejected) as caught:
        read(declared, body)
    return caught.value


def _written(*rows: dict[str, Any]) -> str:
    return write(CSV, {"rows": list(rows)}).body.decode()


def test_a_table_is_records_under_its_header() -> None:
    """Every cell is text; an empty one is not there; blank lines do not count."""
    tree = read(CSV, '﻿案号,罚款,备注\r\n001, 20000.50 ,\r\n,,\r\n\r\n002,,"一,二\n三"\r\n'.encode()).tree
    assert tree == {"rows": [{"案号": "001", "罚款": "20000.50"}, {"案号": "002", "备注": "一,二\n三"}]}


def test_charset_and_delimiter_are_the_declared_ones() -> None:
    """GBK with semicolons, both ways."""
    written = write(GBK, {"rows": [{"名称": "测试；公司", "金额": "1;5"}]})
    assert written.body == '名称;金额\r\n测试；公司;"1;5"\r\n'.encode("gbk")
    assert written.content_type == "text/csv; charset=GBK; header=present"
    assert read(GBK, written.body, "text/csv; charset=gb2312").tree == {"rows": [{"名称": "测试；公司", "金额": "1;5"}]}


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("a,b,a\n1,2,3", "table.header", "line 1, column 3"),
        ("a,,b\n1,2,3", "table.header", "line 1, column 2"),
        (",,\n1,2,3", "table.header", "no header"),
        ("a,b\n1,2\n1,2,3\n", "table.row", "line 3: 3 cells under a header of 2 columns"),
        ('a,b\n"x\ny",2\n1\n', "table.row", "line 4: 1 cells"),
        ('a,b\n"x"y,2\n', "csv.syntax", "line 2"),
        ('a,b\n"x,2\n', "csv.syntax", "line 2"),
        ("a\n" + "x" * 40_000, "table.row", "line 2, a: longer than 32767"),
    ],
)
def test_a_fault_is_told_by_its_line_and_column(body: str, code: str, said: str) -> None:
    """So that whoever made the file finds it."""
    error = _refused(body.encode())
    assert (error.status, error.code) == (400, code)
    assert said in error.findings[0].message.en
    assert error.findings[0].message.zh


def test_every_ragged_line_is_told_at_once() -> None:
    """Up to fifty, and one more that says that there are others."""
    error = _refused(b"a,b\n" + b"1\n" * 80)
    assert [one.code for one in error.findings] == ["table.row"] * 50 + ["bound.findings"]


def test_rows_and_columns_are_bounded() -> None:
    """A body within its size may still hold too many of them."""
    assert _refused(b",".join(b"c%d" % n for n in range(301))).code == "table.size"
    assert _refused(b"a\n" + b"1\n" * 50_001).status == 413


def test_the_columns_of_the_schema_come_first() -> None:
    """In its order, there or not; then what else the mapping wrote."""

    class Columns:
        names = ("案号", "当事人", "备注")

        def child(self, name: str) -> Columns | None:
            return self if name == "rows" else None

    body = write(CSV, {"rows": [{"其他": "x", "备注": "y", "案号": "1"}]}, Columns()).body.decode()
    assert body == "案号,当事人,备注,其他\r\n1,,y,x\r\n"


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "'=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    """A spreadsheet that opens the file shows text, and reading it back gives the same."""
    (_, (shown,)) = csv.reader(io.StringIO(_written({"a": cell})))
    assert shown.startswith("'")
    assert read(CSV, _written({"a": cell}).encode()).tree == {"rows": [{"a": cell.strip()}]}


@pytest.mark.parametrize("cell", ["-12.5", "+8613800000000", "-", "120.15", "/", "2000"])
def test_plain_numbers_are_left_alone(cell: str) -> None:
    """They are no formulas, and machines read them."""
    assert _written({"a": cell}) == f"a\r\n{cell}\r\n"


@given(st.text("=+-@'x1. \t", max_size=6).map(str.strip))
def test_escaping_is_undone_by_reading(text: str) -> None:
    """Whatever the cell holds."""
    assert unescaped(escaped(text)) == text


@pytest.mark.parametrize("tree", [{"a": 1}, {"rows": [1]}, {"rows": [{"a": 1}], "b": 2}, [{"a": 1}]])
def test_what_is_no_table_cannot_be_written(tree: Any) -> None:
    """The remedy shows the envelope to declare."""
    with pytest.raises(Rejected, match=r"envelope: \{rows"):
        write(CSV, tree)


def test_a_cell_holds_one_value() -> None:
    """A list or an object has no place in a table."""
    with pytest.raises(Rejected, match="column 明细 holds one value"):
        _written({"明细": [{"a": 1}]})
