"""Tables as people make them: under a title, with a total below, empty columns beside them."""

from __future__ import annotations

import io
from collections.abc import Callable

import openpyxl
import pytest

from adapters import formats
from adapters.formats import Format, read
from schemas.findings import Rejected

Read = Callable[..., object]


def _as_csv(text: str, row: int) -> object:
    return read(Format("csv", header=row), text.encode()).tree["rows"]


def _as_xlsx(text: str, row: int) -> object:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for number, line in enumerate(text.split("\n"), 1):
        for place, cell in enumerate(line.split(","), 1):
            if cell:
                sheet.cell(number, place, cell)
    out = io.BytesIO()
    book.save(out)
    return read(Format("xlsx", header=row), out.getvalue()).tree["rows"]


@pytest.mark.parametrize("as_table", [_as_csv, _as_xlsx], ids=["csv", "xlsx"])
@pytest.mark.parametrize(
    ("text", "row", "rows"),
    [
        ("a,b,,,\n1,2,,,\n3,,,,", 1, [{"a": "1", "b": "2"}, {"a": "3"}]),
        ("日报表,,\n日期：5日,,填报人：甲\na,b,c\n1,2,3", 3, [{"a": "1", "b": "2", "c": "3"}]),
        (",\n,\na,b\n1,2", 3, [{"a": "1", "b": "2"}]),
        ("序号,单位,,备注\n,名称,代码,\n1,甲,9,无", 2, [{"序号": "1", "名称": "甲", "代码": "9", "备注": "无"}]),
        ("a,b\n1,2\n合计,1", 1, [{"a": "1", "b": "2"}]),
        ("a,b\n1,2\n,\n 合 计 ： ,1\n,", 1, [{"a": "1", "b": "2"}]),
        ("a,b\n1,2\n,总计（1家）", 1, [{"a": "1", "b": "2"}]),
        ("a,b\n1,2\n小计,1\n共1条,\n填表人：甲,审核人：乙", 1, [{"a": "1", "b": "2"}]),
        ("a,b\n1,2\nTotal,2", 1, [{"a": "1", "b": "2"}]),
        ("a,b\n合计,1\n1,2", 1, [{"a": "合计", "b": "1"}, {"a": "1", "b": "2"}]),
        ("a,b\n1,2\n合计有限公司,2", 1, [{"a": "1", "b": "2"}, {"a": "合计有限公司", "b": "2"}]),
        ("a,b\n1,备注：无", 1, [{"a": "1", "b": "备注：无"}]),
    ],
)
def test_the_table_is_found_among_what_stands_around_it(as_table: Read, text: str, row: int, rows: object) -> None:
    """In both formats."""
    assert as_table(text, row) == rows


@pytest.mark.parametrize(("text", "row"), [("a", 3), ("a,b\n1,2", 9), (",\n,", 2), ("", 1)])
def test_a_header_that_is_not_there_is_told(text: str, row: int) -> None:
    """When the file ends before it, or nothing is in it and above it."""
    with pytest.raises(Rejected) as caught:
        _as_csv(text, row)
    assert caught.value.code in ("table.header", "body.empty")


def test_more_columns_than_a_table_may_have_are_refused() -> None:
    """In the header itself; what a title has beyond them is not looked at."""
    with pytest.raises(Rejected) as caught:
        _as_csv("x\n" + "," * 400 + "a\n1", 2)
    assert caught.value.code == "table.size"
    assert _as_csv("," * 400 + "x\na,b\n1,2", 2) == [{"a": "1", "b": "2"}]


def test_a_filled_cell_beyond_the_last_column_is_a_fault() -> None:
    """Only empty ones do not count."""
    with pytest.raises(Rejected) as caught:
        _as_csv("a,b\n1,2,,x", 1)
    assert caught.value.findings[0].message.en.startswith("line 2: 4 cells under a header of 2 columns")


def test_faults_are_told_by_the_line_of_the_file() -> None:
    """Whatever stands above the header."""
    with pytest.raises(Rejected) as caught:
        _as_csv('"title\nof two lines",\na,b\n1', 2)
    assert "line 4" in caught.value.findings[0].message.en


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('="AJ-7"', "AJ-7"),
        ('"=""AJ-7"""', "AJ-7"),
        ('="0012"', "0012"),
        ('"=""say """"no"""""""', 'say "no"'),
        ('=""', None),
        ('" =""AJ-7"" "', "AJ-7"),
        ("'=1+1", "=1+1"),
        ("=1+1", "=1+1"),
        ('"=""a""&""b"""', '="a"&"b"'),
    ],
)
def test_a_text_that_a_spreadsheet_was_made_to_keep_is_that_text(cell: str, value: str | None) -> None:
    """`="AJ-7"` is how long numbers survive a spreadsheet."""
    assert _as_csv(f"a,b\n{cell},x", 1) == [{"a": value, "b": "x"} if value else {"b": "x"}]


@pytest.mark.parametrize(
    ("formula", "value"), [('="AJ-7"', "AJ-7"), ('="a""b"', 'a"b'), ("=A1", None), ('="a"&"b"', None)]
)
def test_a_formula_that_is_a_text_is_that_text(formula: str, value: str | None) -> None:
    """Any other is refused, as before."""
    if value is not None:
        assert _as_xlsx(f"a\n{formula}", 1) == [{"a": value}]
        return
    with pytest.raises(Rejected):
        _as_xlsx(f"a\n{formula}", 1)


def _with_hidden(*states: str) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, state in enumerate(states):
        sheet = book.create_sheet(f"S{number}")
        sheet.sheet_state = state
        sheet.append(["a"])
        sheet.append([f"of S{number}"])
    book.active = states.index("visible")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("states", "found"),
    [
        (("visible", "hidden"), "of S0"),
        (("hidden", "visible"), "of S1"),
        (("veryHidden", "hidden", "visible", "visible"), "of S2"),
    ],
)
def test_the_first_sheet_that_a_person_sees_is_read(states: tuple[str, ...], found: str) -> None:
    """Hidden ones hold lists of codes."""
    assert read(Format("xlsx"), _with_hidden(*states)).tree == {"rows": [{"a": found}]}


def test_a_hidden_sheet_can_be_asked_for() -> None:
    """By name."""
    body = _with_hidden("hidden", "visible")
    assert read(Format("xlsx", sheet="S0"), body).tree == {"rows": [{"a": "of S0"}]}


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a,b\n1,2", 1),
        ("日报表,,\n日期,,甲\na,b,c\n1,2,3", 3),
        ("", 1),
        ("一列\n1", 1),
        ("x;y\n1;2", 1),
        ("日报表,,\n序号,当事人,\n,名称,代码\n1,甲,9", 3),
    ],
)
def test_the_header_of_a_sample_is_guessed(text: str, header: int) -> None:
    """The first row that names as many columns as any."""
    assert formats.recognise("1.csv", text.encode() or b"\n").header == header


def test_what_cannot_be_decoded_is_recognised_all_the_same() -> None:
    """Reading it says what is wrong."""
    assert formats.recognise("1.csv", b"\xff\xff,\xff").body == "csv"
