"""Working days 工作日: weekends, statutory holidays, and the weekend days that are worked to make up for them; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from chinese_calendar.constants import holidays, workdays
from msgspec import Struct


class YearOfDays(Struct, frozen=True):
    """What one year has beside its weekends: days that are free, and weekend days that are worked 调休上班."""

    holidays: frozenset[date]
    workdays: frozenset[date]


class Calendar(Struct, frozen=True):
    """The years that are known. A year that is not known has no working days and no free ones: it is unknown."""

    years: Mapping[int, YearOfDays]

    def works(self, day: date) -> bool | None:
        """Tell whether a day is a working day; None where its year is not known."""
        year = self.years.get(day.year)
        if year is None:
            return None
        return day in year.workdays or (day.weekday() < 5 and day not in year.holidays)

    def amended(self, years: Mapping[int, YearOfDays]) -> Calendar:
        """Give a calendar in which these years take the place of what was known of them."""
        return Calendar({**self.years, **years})


def _published() -> Mapping[int, YearOfDays]:
    """Sort what the package holds by year: the State Council's notices as they were published."""
    return MappingProxyType(
        {
            year: YearOfDays(
                frozenset(day for day in holidays if day.year == year),
                frozenset(day for day in workdays if day.year == year),
            )
            for year in sorted({day.year for day in holidays})
        }
    )


PUBLISHED = Calendar(_published())
"""The years whose holidays were published when this release was made."""
