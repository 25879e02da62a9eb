"""The regular report as files for people: CSV, and a formatted XLSX. No cell of either is ever taken for a formula."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

from msgspec import Struct
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from gateway.oversight.figures import Durations, Figure
from gateway.oversight.gateway_use import GatewayUse
from gateway.oversight.reports import UsageReport
from schemas.findings import Text
from schemas.plain import plain

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SUFFIXES: Mapping[str, str] = {CSV: "csv", XLSX: "xlsx"}

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a cell must not begin with in a CSV: spreadsheets would compute it."""

_FORMATS: Mapping[str, str] = {"share": "0.00%", "count": "#,##0", "yuan": "#,##0.00", "seconds": "#,##0"}
_HEAD = (
    (Text("分组代码", "group"), 14),
    (Text("分组", "group name"), 30),
    (Text("指标代码", "figure"), 24),
    (Text("指标", "figure name"), 46),
    (Text("单位", "unit"), 10),
    (Text("分子", "numerator"), 16),
    (Text("分母", "denominator"), 16),
    (Text("数值", "value"), 16),
    (Text("期末后变化", "late"), 12),
    (Text("未知原因", "why unknown"), 50),
)
"""The columns, and how wide each is in characters."""

_TITLE = Text("执法平台建设和应用情况通报", "Report on building and use of the enforcement platforms")
_WHOLE = Text("合计", "all")


class Line(Struct, frozen=True):
    """One line of a report."""

    group: str
    title: str
    figure: str
    name: str
    unit: str
    numerator: Decimal | None
    denominator: Decimal | None
    value: Decimal | None
    late: int | None = None
    unknown: str = ""

    def cells(self) -> Sequence[Any]:
        """Give its cells, in the order of the columns."""
        said = (self.group, self.title, self.figure, self.name, self.unit)
        return (*said, self.numerator, self.denominator, self.value, self.late, self.unknown)


def lines(report: UsageReport, language: str) -> Iterator[Line]:
    """Give the whole, then each group, then the use of the gateway."""
    whole = _WHOLE.say(language)
    for figure in report.figures:
        yield _line(report.region, f"{report.title} {whole}", figure, language)
    for group in report.groups:
        for figure in group.figures:
            yield _line(group.key, group.title, figure, language)
    if report.use is not None:
        yield from _use(report.use, report, language)


def _line(group: str, title: str, figure: Figure, language: str) -> Line:
    rule = figure.rule
    unknown = figure.unknown.say(language) if figure.unknown else ""
    counted = (figure.numerator, figure.denominator, figure.value)
    return Line(group, title, rule.figure, rule.text.say(language), rule.unit.value, *counted, figure.late, unknown)


_REJECTED = Text("退回率", "Documents rejected")
_HEARD = Text("有数据的县区", "Counties ever heard of")
_OFFICERS = Text("有执法记录的人员", "Officers who acted")
_TOOK = {
    "arrival": Text("从发生到到达", "From event to arrival"),
    "delivery": Text("从到达到送达", "From arrival to delivery"),
}
_SORTS = {"median": Text("中位数", "median"), "worst": Text("最长", "worst")}


def _use(use: GatewayUse, report: UsageReport, language: str) -> Iterator[Line]:
    for one in use.platforms:
        asked = Decimal(one.received + one.rejected)
        rate = None if one.rejection_rate is None else Decimal(str(one.rejection_rate))
        name = _REJECTED.say(language)
        yield Line(one.platform, one.platform, "use.rejected", name, "share", Decimal(one.rejected), asked, rate)
    whole = (report.region, f"{report.title} {_WHOLE.say(language)}")
    counties = Decimal(use.counties_heard), Decimal(len(use.counties))
    yield Line(*whole, "use.counties", _HEARD.say(language), "count", *counties, counties[0])
    officers = Decimal(use.officers)
    yield Line(*whole, "use.officers", _OFFICERS.say(language), "count", officers, None, officers)
    for name, took in (("arrival", use.arrival), ("delivery", use.delivery)):
        yield from _durations(whole, name, took, language)


def _durations(whole: tuple[str, str], name: str, took: Durations, language: str) -> Iterator[Line]:
    for sort, seconds in (("median", took.median), ("worst", took.worst)):
        title = f"{_TOOK[name].say(language)} · {_SORTS[sort].say(language)}"
        value = None if seconds is None else Decimal(seconds)
        yield Line(*whole, f"use.{name}-{sort}", title, "seconds", None, Decimal(took.count), value)


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────
def write_csv(report: UsageReport, language: str, zone: tzinfo) -> bytes:
    """Write a report as CSV in UTF-8, with the mark by which spreadsheets know it."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([head.say(language) for head, _ in _HEAD])
    for line in lines(report, language):
        writer.writerow([_harmless(cell) for cell in line.cells()])
    return text.getvalue().encode("utf-8-sig")


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str):
        return "" if cell is None else format(cell, "f") if isinstance(cell, Decimal) else cell
    said = plain(cell)
    return f"'{said}" if said.startswith(_FORMULA) else said


# ── XLSX ──────────────────────────────────────────────────────────────────────────────────────
_BOLD, _LARGE = Font(bold=True), Font(bold=True, size=14)
_SHADE = PatternFill("solid", fgColor="DDE7F0")
_FIRST = 4
"""The row of the headings: above it stand what it is, and of when."""


def write_xlsx(report: UsageReport, language: str, zone: tzinfo) -> bytes:
    """Write a report as a workbook: a sheet of figures under a fixed heading, and one of who was heard from when."""
    book = Workbook()
    sheet = book.active
    sheet.title = Text("指标", "figures").say(language)
    _text(sheet.cell(1, 1), f"{_TITLE.say(language)} · {report.title} · {report.period.name}").font = _LARGE
    _text(sheet.cell(2, 1), _when(report, language, zone))
    _heading(sheet, _FIRST, [(head.say(language), width) for head, width in _HEAD])
    for number, line in enumerate(lines(report, language), _FIRST + 1):
        for column, value in enumerate(line.cells(), 1):
            cell = sheet.cell(number, column)
            if isinstance(value, str):
                _text(cell, value)
            elif value is not None:
                cell.value = value
                cell.number_format = _format(line, column)
    sheet.freeze_panes = sheet.cell(_FIRST + 1, 1)
    sheet.auto_filter.ref = f"A{_FIRST}:{get_column_letter(len(_HEAD))}{max(sheet.max_row, _FIRST)}"
    if report.use is not None:
        _heard_sheet(book.create_sheet(Text("最近上报", "last heard").say(language)), report.use, language, zone)
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def _when(report: UsageReport, language: str, zone: tzinfo) -> str:
    made = report.made_at.astimezone(zone).isoformat(timespec="seconds")
    said = Text(f"生成于 {made}", f"made at {made}").say(language)
    if report.as_of is not None:
        then = report.as_of.astimezone(zone).isoformat(timespec="seconds")
        said += Text(f"；按 {then} 时的情况", f"; as of {then}").say(language)
    if not report.over:
        said += Text("；期间尚未结束", "; the period has not ended yet").say(language)
    return said


def _format(line: Line, column: int) -> str:
    value, numerator = 8, 6
    if column == value or (column == numerator and line.unit == "yuan"):
        return _FORMATS[line.unit]
    return _FORMATS["count"]


def _heading(sheet: Any, row: int, heads: Sequence[tuple[str, int]]) -> None:
    for column, (head, width) in enumerate(heads, 1):
        cell = _text(sheet.cell(row, column), head)
        cell.font, cell.fill, cell.alignment = _BOLD, _SHADE, Alignment(wrap_text=True, vertical="center")
        sheet.column_dimensions[get_column_letter(column)].width = width


def _text(cell: Any, said: str) -> Any:
    """Write a text as text: openpyxl would take one that begins with `=` for a formula."""
    cell.value = plain(said)
    cell.data_type = "s"
    return cell


def _heard_sheet(sheet: Any, use: GatewayUse, language: str, zone: tzinfo) -> None:
    heads = (Text("平台或县区", "platform or county"), Text("名称", "name"), Text("最近上报", "last heard"))
    _heading(sheet, 1, [(head.say(language), width) for head, width in zip(heads, (30, 40, 22), strict=True)])
    rows = [(one.platform, "", one.heard_at) for one in use.platforms]
    rows += [(one.region, one.title, one.heard_at) for one in use.counties]
    for number, (key, name, at) in enumerate(rows, 2):
        _text(sheet.cell(number, 1), key)
        _text(sheet.cell(number, 2), name)
        if at is not None:
            _moment(sheet.cell(number, 3), at.astimezone(zone))
    sheet.freeze_panes = "A2"


def _moment(cell: Any, at: datetime) -> None:
    # A spreadsheet knows no zones: the time is that of the gateway's.
    cell.value = at.replace(tzinfo=None, microsecond=0)
    cell.number_format = "yyyy-mm-dd hh:mm:ss"


Writer = Callable[[UsageReport, str, tzinfo], bytes]

WRITERS: Mapping[str, Writer] = {CSV: write_csv, XLSX: write_xlsx}
"""Media type → what writes it."""
