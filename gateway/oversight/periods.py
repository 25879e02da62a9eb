"""Periods of reports: a month or a year; pure."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

from msgspec import Struct

from gateway.errors import Invalid
from schemas.findings import Text


class Period(Struct, frozen=True):
    """A month or a year; months are the year times a hundred and the month."""

    name: str
    first: date
    last: date

    @property
    def since(self) -> int:
        """Its first month."""
        return self.first.year * 100 + self.first.month

    @property
    def until(self) -> int:
        """Its last month."""
        return self.last.year * 100 + self.last.month

    @property
    def months(self) -> range:
        """Its months; they are all of one year."""
        return range(self.since, self.until + 1)


def read_period(said: str) -> Period:
    """Read `2026-03` or `2026`; Invalid `period.invalid`."""
    if re.fullmatch(r"(19|20)\d\d(-(0[1-9]|1[0-2]))?", said):
        year, first, last = int(said[:4]), int(said[5:] or 1), int(said[5:] or 12)
        return Period(said, date(year, first, 1), date(year, last, monthrange(year, last)[1]))
    zh, en = f"{said} 不是期间；请写 2026-03 或 2026", f"{said} is no period; write 2026-03 or 2026"
    raise Invalid(Text(zh, en), code="period.invalid")
