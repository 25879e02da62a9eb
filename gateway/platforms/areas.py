"""What a functional area must say, checked; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date

from gateway.intake.coverage import lineage
from gateway.ledger.records import Area
from schemas import regions
from schemas.findings import Finding, Rejected, Text

CODE = r"[1-9]\d(?:0000|(?!00)\d{4})|[A-Z]{2}\d{4}"
"""Six digits as GB/T 2260 writes them, or two letters and four digits for a body that has no such code."""

_DEEPEST = 8
"""As many regions and areas lie in each other at most."""


def check_area(area: Area, areas: Mapping[str, Area]) -> None:
    """Let an area pass; Rejected `area.invalid` names every fault of its code, title, parent and days."""
    faults = [*_code_faults(area.code), *_title_faults(area.title), *_parent_faults(area, areas), *_day_faults(area)]
    if faults:
        raise Rejected("area.invalid", _MEND, faults)


_MEND = Text(
    "功能区登记有误，请按 errors 更正后重发",
    "The area has faults: correct them as `errors` says and send it again",
)


def _code_faults(code: str) -> Iterator[Finding]:
    if not re.fullmatch(CODE, code):
        zh = "应为六位数字（如 370171、660000），或两个大写字母加四位数字（如 LY0001）"
        yield _fault("area.code", "code", zh, "must be six digits, or two capital letters and four digits")
    elif (row := regions.row(code)) is not None:
        zh, en = f"{code} 是 GB/T 2260 中的{row.title}，不必登记", f"{code} is {row.title} of GB/T 2260 already"
        yield _fault("area.taken", "code", zh, en)


def _title_faults(title: str) -> Iterator[Finding]:
    if not title.strip() or not title.isprintable():
        yield _fault("area.title", "title", "应为非空文本", "must be text that is not empty")


def _parent_faults(area: Area, areas: Mapping[str, Area]) -> Iterator[Finding]:
    if area.parent != regions.NATIONAL and area.parent not in areas and regions.row(area.parent) is None:
        zh, en = f"没有区划或功能区 {area.parent}", f"there is no region and no area {area.parent}"
        yield _fault("area.parent", "parent", zh, en)
        return
    above = lineage(area.code, {**areas, area.code: area})
    if above[-1] != regions.NATIONAL:
        yield _fault("area.circle", "parent", f"上级形成循环：{' → '.join(above)}", f"goes round: {' → '.join(above)}")
    elif len(above) > _DEEPEST:
        yield _fault("area.deep", "parent", f"层级不能超过 {_DEEPEST}", f"at most {_DEEPEST} lie in each other")


def _day_faults(area: Area) -> Iterator[Finding]:
    days: list[date] = []
    for name in ("valid_from", "valid_to"):
        value = getattr(area, name)
        try:
            days += [date.fromisoformat(value)] if value else []
        except ValueError:
            yield _fault("area.day", name, "应为日期 YYYY-MM-DD", "must be a day, YYYY-MM-DD")
    if len(days) == 2 and days[1] < days[0]:
        yield _fault("area.days", "valid_to", "早于启用日期", "is before it begins")


def _fault(code: str, path: str, zh: str, en: str) -> Finding:
    return Finding(code, Text(zh, en), path=path)
