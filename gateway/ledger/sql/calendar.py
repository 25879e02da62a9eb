"""Years of the calendar that operators entered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from gateway.ledger.assessments import CALENDAR, Ground
from gateway.ledger.records import CalendarYear, Intent
from gateway.ledger.sql import assessed, tables
from gateway.ledger.sql.auditing import intended, once
from gateway.ledger.sql.codecs import micros, moment
from gateway.ledger.sql.statements import Prepared, putting
from gateway.ledger.sql.tables import CALENDAR_YEAR
from gateway.ledger.sql.writing import Transaction

_ALL = Prepared(sa.select(*CALENDAR_YEAR.select(tables.calendar)).order_by(tables.calendar.c.year), ())
_PUT = putting(tables.calendar, CALENDAR_YEAR.inserted)


def years(connection: sa.Connection) -> Sequence[CalendarYear]:
    """Give every year, in order."""
    return [CALENDAR_YEAR.read(row) for row in _ALL.rows(connection)]


def put(transaction: Transaction, year: CalendarYear, intent: Intent) -> CalendarYear:
    """Keep a year, as entered at the intent's moment, instead of what was entered of it before."""

    def do() -> dict[str, Any]:
        _PUT.run(transaction.connection, [CALENDAR_YEAR.write(replace(year, at=intent.at))])
        assessed.change(transaction, [Ground(CALENDAR, str(year.year))])
        intended(transaction, intent, str(year.year), "calendar.put")
        return {"holidays": year.holidays, "workdays": year.workdays, "at": micros(intent.at)}

    said = {"holidays": list(year.holidays), "workdays": list(year.workdays)}
    kept = once(transaction, intent, "calendar.put", str(year.year), do, said)
    return CalendarYear(year.year, tuple(kept["holidays"]), tuple(kept["workdays"]), moment(kept["at"]))
