"""Days as documents say them, and months that are counted from them; pure.

A document may name a day so late that nothing can be counted from it. Whoever counts on then meets an OverflowError, as
`date` raises it, and says that the end is unknown.
"""

from __future__ import annotations

import calendar as months
from datetime import date, datetime, tzinfo


def said_day(said: str | None, zone: tzinfo) -> date | None:
    """Give the day that a text says, a time as the day that it is in a zone; None for what is neither."""
    if said is None:
        return None
    try:
        if len(said) == len("2026-01-01"):
            return date.fromisoformat(said)
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        # At the very end (or beginning) of all days another zone would have a day that there is not.
        return moment.date()


def months_later(start: date, count: int) -> date:
    """Give the same day of a later month, or the last of that month where it has no such day; OverflowError."""
    years, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    if years > date.max.year:
        raise OverflowError(f"{count} months from {start} is no day")
    return date(years, month + 1, min(start.day, months.monthrange(years, month + 1)[1]))
