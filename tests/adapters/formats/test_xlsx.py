"""XLSX bodies: read as text without trusting anything, written without formulas."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pytest

from adapters.formats import Format, read, write
from schemas.findings import Rejected

XLSX = Format("xlsx")
_AT = datetime.fromisoformat("2025-08-06T09:30:00")
_DAY = datetime.fromisoformat("2025-08-06T00:00:00")


def _book(*lines: list[Any], title: str = "Sheet1", formats: dict[str, str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for line in lines:
        sheet.append(line)
    for where, pattern in (formats or {}).items():
        sheet[where].number_format = pattern
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _with(body: bytes, name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, content if entry == name else old.read(entry))
        if name not in old.namelist():
            new.writestr(name, content)
    return out.getvalue()


def _refused(body: bytes, declared: Format = XLSX) -> Rejected:
    with pytest.raises(Rejected) as caught:
        read(declared, body, limit=64 * 1024 * 1024)
    return caught.value


def test_cells_become_text() -> None:
    """Numbers exact, dates as ISO 8601, what is empty is not there."""
    body = _book(
        ["案号", "罚款", "比例", "决定日期", "时间", "钟点", "是否", "备注"],
        ["001", 20000, 0.1, date(2025, 8, 6), _AT, time(9, 30), True, None],
        [None, None],
        ["002", 1234.5, 1e-7, _DAY, _DAY, None, False, " x "],
        formats={"E4": "yyyy-mm-dd hh:mm:ss"},
    )
    assert read(XLSX, body).tree == {
        "rows": [
            {
                "案号": "001",
                "罚款": "20000",
                "比例": "0.1",
                "决定日期": "2025-08-06",
                "时间": "2025-08-06T09:30:00",
                "钟点": "09:30:00",
                "是否": "true",
            },
            {
                "案号": "002",
                "罚款": "1234.5",
                "比例": "0.0000001",
                "决定日期": "2025-08-06T00:00:00",
                "时间": "2025-08-06T00:00:00",
                "是否": "false",
                "备注": "x",
            },
        ]
    }


def test_a_day_is_told_from_a_moment_by_how_the_cell_shows_it() -> None:
    """What a person sees in the sheet."""
    shown = read(XLSX, _book(["日"], [_DAY], formats={"A2": 'yyyy"年"m"月"d"日"'})).tree
    assert shown == {"rows": [{"日": "2025-08-06"}]}


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("=1+1", "cell B2: a formula"),
        ("#N/A", "cell B2: the error #N/A"),
        (330110199001010000, "cell B2: a number of more than 15 digits"),
    ],
)
def test_what_cannot_be_trusted_is_refused_by_its_cell(cell: Any, said: str) -> None:
    """A formula is never evaluated, and a number that lost its digits is never passed on."""
    error = _refused(_book(["a", "b"], ["1", cell]))
    assert (error.status, error.code) == (400, "table.cell")
    assert said in error.findings[0].message.en


def test_headers_are_held_to_the_same_rules_as_in_csv() -> None:
    """Duplicate, empty or missing."""
    assert _refused(_book(["a", "a"], [1, 2])).code == "table.header"
    assert _refused(_book(["a", None, "b"], [1, 2, 3])).code == "table.header"
    assert _refused(_book([None], [1, 2])).code == "table.header"
    assert _refused(_book(["a"], [1, 2])).code == "table.row"


def test_the_declared_sheet_is_read() -> None:
    """Else the first; a name that is not there is told with those that are."""
    body = _book(["a"], ["1"], title="处罚")
    assert read(Format("xlsx", sheet="处罚"), body).tree == {"rows": [{"a": "1"}]}
    error = _refused(body, Format("xlsx", sheet="许可"))
    assert (error.status, error.code) == (422, "xlsx.sheet")
    assert "处罚" in error.detail.zh


def test_what_is_written_is_text_and_reads_back() -> None:
    """A formula in a document is only text in the sheet."""
    rows = [{"案号": "=1+1", "罚款": "20000.50", "备注": " 一\n二 & <三>"}, {"案号": "-1", "罚款": 7}]
    written = write(XLSX, {"rows": rows})
    assert written.content_type.endswith("spreadsheetml.sheet")
    sheet = openpyxl.load_workbook(io.BytesIO(written.body)).active
    assert sheet is not None
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s", "n"}
    assert (sheet["A2"].value, sheet["A2"].data_type, sheet["B3"].value) == ("=1+1", "s", "7")
    assert read(XLSX, written.body).tree == {
        "rows": [{"案号": "=1+1", "罚款": "20000.50", "备注": "一\n二 & <三>"}, {"案号": "-1", "罚款": "7"}]
    }


def test_the_same_table_gives_the_same_bytes() -> None:
    """No clock stands in the file."""
    assert write(XLSX, {"rows": [{"a": "1"}]}) == write(XLSX, {"rows": [{"a": "1"}]})


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    """By what it says it holds."""
    error = _refused(_with(_book(["a"]), "xl/worksheets/sheet1.xml", b" " * (65 * 1024 * 1024)))
    assert (error.status, error.code) == (413, "xlsx.size")


def test_entities_are_refused() -> None:
    """Whatever part they hide in, and however it is encoded."""
    evil = '<!DOCTYPE x [<!ENTITY a "b">]><worksheet/>'
    assert _refused(_with(_book(["a"]), "xl/worksheets/sheet1.xml", evil.encode())).code == "xlsx.dtd"
    assert _refused(_with(_book(["a"]), "xl/workbook.xml", evil.encode("utf-16"))).code == "xlsx.dtd"


def test_far_cells_cost_nothing() -> None:
    """A sheet may claim a million rows or sixteen thousand columns with one cell."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<worksheet xmlns="{main}"><sheetData>{{}}</sheetData></worksheet>'
    row = '<row r="{0}"><c r="{1}{0}" t="str"><v>x</v></c></row>'
    deep = sheet.format(row.format(1, "A") + row.format(1048576, "A")).encode()
    wide = sheet.format(row.format(1, "A") + row.format(2, "XFD")).encode()
    assert _refused(_with(_book(["a"]), "xl/worksheets/sheet1.xml", deep)).code == "table.size"
    assert _refused(_with(_book(["a"]), "xl/worksheets/sheet1.xml", wide)).code == "table.size"


@pytest.mark.parametrize("body", [b"PK\x03\x04 no zip", b"\xd0\xcf\x11\xe0 an old xls", b"a,b\n1,2", b"PK"])
def test_what_is_no_workbook_is_told_so(body: bytes) -> None:
    """With what to save it as."""
    error = _refused(body)
    assert (error.status, error.code) == (400, "xlsx.syntax")
    assert ".xlsx" in error.detail.zh


@pytest.mark.parametrize("part", ["_rels/.rels", "xl/workbook.xml", "xl/worksheets/sheet1.xml"])
def test_a_broken_part_is_told_so(part: str) -> None:
    """Cut off, or without what it must name."""
    assert _refused(_with(_book(["a"]), part, b"<cut")).code == "xlsx.syntax"
    assert _refused(_with(_book(["a"]), part, b"<empty/>")).status in (400, 422)


def test_an_archive_that_lies_about_its_sizes_costs_no_memory() -> None:
    """What a part unpacks to is bounded by what the archive said, not by what is in it."""
    body = bytearray(_with(_book(["a"]), "xl/worksheets/sheet1.xml", b" " * (60 * 1024 * 1024)))
    entry = body.rindex(b"xl/worksheets/sheet1.xml") - 46
    assert body[entry : entry + 4] == b"PK\x01\x02"
    body[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    tracemalloc.start()
    try:
        error = _refused(bytes(body))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert error.code == "xlsx.syntax"
    assert peak < 8 * 1024 * 1024


def test_what_is_not_cells_is_bounded_more_tightly() -> None:
    """A style sheet grows when it is parsed."""
    body = _book(["日"], [_DAY])
    grown = b'<styleSheet xmlns="m">' + b" " * (9 * 1024 * 1024) + b"</styleSheet>"
    assert _refused(_with(body, "xl/styles.xml", grown)).code == "xlsx.size"


_SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)


def _stored(cell: str, **parts: str) -> str:
    """Give the one cell of a sheet that stores it so."""
    rows = f'<row r="1"><c t="str"><v>a</v></c></row><row r="2">{cell}</row>'
    body = _with(_book(["a"], [_DAY]), "xl/worksheets/sheet1.xml", _SHEET.format(rows).encode())
    for name, content in parts.items():
        body = _with(body, f"xl/{name}.xml", content.encode())
    return str(read(XLSX, body).tree["rows"][0]["a"])


@pytest.mark.parametrize(
    ("stored", "number"),
    [
        ("1.1000000000000001", "1.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("120.153576", "120.153576"),
        ("1E-3", "0.001"),
        ("1.5E+3", "1500"),
        ("-2.50", "-2.5"),
        ("999999999999999", "999999999999999"),
    ],
)
def test_numbers_are_those_that_were_entered(stored: str, number: str) -> None:
    """Excel stores the double with 17 digits; the shortest decimal that is the same double is what was typed."""
    assert _stored(f"<c><v>{stored}</v></c>") == number


_STYLES = (
    '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs>{}</cellXfs></styleSheet>'
)


@pytest.mark.parametrize(
    ("form", "serial", "text"),
    [
        (14, "45875", "2025-08-06"),
        (22, "45875.395833333336", "2025-08-06T09:30:00"),
        (31, "45875", "2025-08-06"),
        (57, "45870", "2025-08-01"),
        (58, "45875", "2025-08-06"),
        (21, "0.3958333333333333", "09:30:00"),
        (0, "45875", "45875"),
        (49, "45875", "45875"),
    ],
)
def test_dates_are_known_by_the_formats_of_a_chinese_excel_too(form: int, serial: str, text: str) -> None:
    """The built-in 2025年8月6日 has no format text in the file."""
    styles = _STYLES.format(f'<xf numFmtId="{form}"/>')
    assert _stored(f'<c s="0"><v>{serial}</v></c>', styles=styles) == text


def test_rich_text_is_its_runs_without_the_readings() -> None:
    """As it is seen in the cell."""
    runs = "<is><r><t>浙环</t></r><r><t>罚</t></r><rPh><t>zhehuan</t></rPh></is>"
    assert _stored(f'<c t="inlineStr">{runs}</c>') == "浙环罚"


def test_a_sheet_of_merged_cells_is_read_for_its_rows_alone() -> None:
    """What else a sheet holds is passed over."""
    merged = "<mergeCells>" + '<mergeCell ref="A1:B2"/>' * 200_000 + "</mergeCells>"
    rows = '<row r="1"><c t="str"><v>a</v></c></row><row r="2"><c><v>1</v></c></row>'
    sheet = _SHEET.format(rows).replace("</worksheet>", merged + "</worksheet>")
    assert read(XLSX, _with(_book(["a"]), "xl/worksheets/sheet1.xml", sheet.encode())).tree == {"rows": [{"a": "1"}]}


def test_a_control_character_cannot_be_written() -> None:
    """It is told by its cell."""
    with pytest.raises(Rejected, match="cell A2"):
        write(XLSX, {"rows": [{"a": "x\x01"}]})
