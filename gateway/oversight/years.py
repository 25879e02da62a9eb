"""Years of the calendar: as they were published, and as operators enter them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Self

from msgspec import field
from msgspec.structs import replace

from gateway.errors import NotFound
from gateway.ledger.base import Ledger
from gateway.ledger.records import CalendarYear, Intent
from schemas.calendar import PUBLISHED, Calendar, YearOfDays
from schemas.findings import Finding, Rejected, Text

_MEND = Text(
    "日历有误，见 errors；改正后重发",
    "The calendar has faults: correct them as `errors` says and send it again",
)
FIRST_YEAR, LAST_YEAR = 2000, 2100
_MOST = 60
"""Days of each kind: no year has as many holidays."""


class AskedCalendar(Calendar, frozen=True):
    """A calendar that notes which years it was asked for."""

    asked: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, entered: Iterable[CalendarYear]) -> Self:
        """Make one of the published calendar and the years that operators entered."""
        return cls(known_days(entered).years)

    def works(self, day: date) -> bool | None:
        self.asked.add(day.year)
        return Calendar.works(self, day)


class CalendarYears:
    """The years by which working days are counted."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def of(self, year: int) -> CalendarYear:
        """Give the holidays and make-up days of a year, as entered or as published; NotFound `calendar.unknown`."""
        for each in await self._ledger.years():
            if each.year == year:
                return each
        known = PUBLISHED.years.get(year)
        if known is None:
            raise _no_year(year)
        holidays, workdays = (tuple(sorted(map(date.isoformat, days))) for days in (known.holidays, known.workdays))
        return CalendarYear(year, holidays, workdays, None)

    async def enter(self, year: CalendarYear, intent: Intent) -> CalendarYear:
        """Let a year count as an operator says; Rejected `calendar.invalid`. Every deadline follows at once."""
        year = replace(year, holidays=tuple(sorted(set(year.holidays))), workdays=tuple(sorted(set(year.workdays))))
        check_year(year)
        return await self._ledger.put_year(year, intent)


def known_days(entered: Iterable[CalendarYear]) -> Calendar:
    """Give the published calendar with the years that operators entered in place of what was known of them."""
    return PUBLISHED.amended({each.year: _days(each) for each in entered})


def check_year(year: CalendarYear) -> None:
    """Let a year pass; Rejected `calendar.invalid` names every fault."""
    faults = list(_faults(year))
    if faults:
        raise Rejected("calendar.invalid", _MEND, faults)


def _days(year: CalendarYear) -> YearOfDays:
    return YearOfDays(
        frozenset(map(date.fromisoformat, year.holidays)), frozenset(map(date.fromisoformat, year.workdays))
    )


def _faults(year: CalendarYear) -> Iterator[Finding]:
    if not FIRST_YEAR <= year.year <= LAST_YEAR:
        zh, en = f"年份应在 {FIRST_YEAR} 至 {LAST_YEAR} 之间", f"must be a year from {FIRST_YEAR} to {LAST_YEAR}"
        yield _fault("calendar.year", "year", zh, en)
    if not year.holidays:
        # A year without any would have every deadline of it wrong, and nobody would be told.
        yield _fault("calendar.empty", "holidays", "至少要有一个节假日", "at least one holiday is needed")
    for name, days in (("holidays", year.holidays), ("workdays", year.workdays)):
        if len(days) > _MOST:
            yield _fault("calendar.many", name, f"不能超过 {_MOST} 天", f"at most {_MOST} days")
        for index, day in enumerate(days[:_MOST]):
            yield from _day_faults(f"{name}[{index}]", day, year.year)
    for day in sorted({*year.holidays} & {*year.workdays}):
        yield _fault("calendar.both", "workdays", f"{day} 同时列为节假日", f"{day} is listed as a holiday, too")


def _day_faults(path: str, said: str, year: int) -> Iterator[Finding]:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        yield _fault("calendar.day", path, "应为日期 YYYY-MM-DD", "must be a day, YYYY-MM-DD")
        return
    if said != day.isoformat():
        yield _fault("calendar.day", path, "应为日期 YYYY-MM-DD", "must be a day, YYYY-MM-DD")
    elif day.year != year:
        yield _fault("calendar.other-year", path, f"{said} 不在 {year} 年", f"{said} is not in {year}")
    elif path.startswith("workdays") and day.weekday() < 5:
        zh, en = f"{said} 不是周末，本就上班", f"{said} is no weekend day: it is worked anyway"
        yield _fault("calendar.weekday", path, zh, en)


def _fault(code: str, path: str, zh: str, en: str) -> Finding:
    return Finding(code=code, message=Text(zh, en), path=path)


def _no_year(year: int) -> NotFound:
    zh = f"{year} 年的节假日未知；请用 PUT /v1/calendar/{year} 录入国务院办公厅公布的安排。"
    en = f"The holidays of {year} are not known; enter them with PUT /v1/calendar/{year} once they are published."
    return NotFound(Text(zh, en), code="calendar.unknown")
