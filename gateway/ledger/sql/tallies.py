"""Reading what the report counts: tallies, as they stand or as they stood, and the occurrences behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from gateway.errors import Invalid
from gateway.ledger.occurrences import (
    FoundOccurrence,
    Judging,
    Occurrence,
    OccurrenceFilter,
    OccurrenceTally,
    TallyFilter,
    month_of,
)
from gateway.ledger.records import ResultPage
from gateway.ledger.sql import tables
from gateway.ledger.sql.codecs import micros, read_words, text
from gateway.ledger.sql.dialects import ListedTexts
from gateway.ledger.sql.tables import OCCURRENCE
from schemas.findings import Text

_t, _o = tables.tallies.c, tables.occurrences.c
_SEQ = OCCURRENCE.at("seq")
_ROWS = 5000


def _stood(at: datetime | None) -> sa.ColumnElement[bool]:
    """Restrict to what stood at a moment; None: to what stands."""
    if at is None:
        return _o.ended.is_(None)
    return sa.and_(_o.since <= micros(at), sa.or_(_o.ended.is_(None), _o.ended > micros(at)))


# ── tallies ───────────────────────────────────────────────────────────────────────────────────
def tallies(connection: sa.Connection, filter: TallyFilter) -> Sequence[OccurrenceTally]:
    """Give tallies as they stand."""
    month: sa.ColumnElement[int] = _t.month if filter.months else sa.literal_column("0")
    authority: sa.ColumnElement[str] = _t.authority if filter.authorities else sa.literal_column("''")
    of_months = (_t.month >= filter.since, _t.month <= filter.until)
    if filter.authorities and (filter.months or filter.since == filter.until):
        # Each row is a tally by itself: nothing has to be put in groups.
        columns = (_t.name, _t.count, month, _t.traits, _t.region, authority, _t.thing, _t.arrived, _t.amount)
        return [_tally(row) for row in connection.execute(sa.select(*columns).where(*of_months, _t.count != 0))]
    alike = [_t.name, _t.thing, _t.traits, _t.region, _t.arrived]
    alike += [_t.month] if filter.months else []
    alike += [_t.authority] if filter.authorities else []
    count, amount = (sa.cast(sa.func.sum(each), sa.BigInteger) for each in (_t.count, _t.amount))
    query = (
        sa.select(_t.name, count, month, _t.traits, _t.region, authority, _t.thing, _t.arrived, amount)
        .where(*of_months)
        .group_by(*alike)
        .having(sa.func.sum(_t.count) != 0)
    )
    return [_tally(row) for row in connection.execute(query)]


def _tally(row: Any) -> OccurrenceTally:
    name, count, month, traits, region, authority, thing, arrived, amount = row
    return OccurrenceTally(name, count, month, read_words(traits), region, authority, thing, arrived, amount)


Stretch = tuple[str, int, int]
"""A name, a month, and the row behind which to go on."""


class Then:
    """Tallies as they stood at a moment, counted from the occurrences that stood then, a page at a time."""

    def __init__(self, filter: TallyFilter, judging: Judging) -> None:
        assert filter.as_of is not None
        self._filter = filter
        self._judging = judging
        self._counts: Counter[Any] = Counter()
        self._amounts: Counter[Any] = Counter()
        self.left: list[Stretch] = [
            (name, month, 0) for name in sorted(judging.tallied) for month in _months(filter.since, filter.until)
        ]

    def count(self, connection: sa.Connection) -> None:
        """Count the next page."""
        name, month, after = self.left.pop()
        query = (
            sa.select(*OCCURRENCE.select(tables.occurrences))
            .where(_o.name == name, _o.month == month, _o.seq > after)
            .where(_stood(self._filter.as_of))
            .order_by(_o.seq)
            .limit(_ROWS)
        )
        page = connection.execute(query).fetchall()
        for row in page:
            self._add(OCCURRENCE.read(row))
        if len(page) == _ROWS:
            self.left.append((name, month, page[-1][_SEQ]))

    def _add(self, one: Occurrence) -> None:
        month = month_of(one.day) if self._filter.months else 0
        where = (one.region, one.authority if self._filter.authorities else "")
        key = (one.name, month, one.traits, *where, "", self._judging.month(one.since))
        self._counts[key] += 1
        self._amounts[key] += one.amount
        self._counts.update((one.name, month, (), *where, thing, 0) for thing in self._judging.things(one))

    def tallies(self) -> Sequence[OccurrenceTally]:
        """Give what was counted."""
        return [
            OccurrenceTally(name, count, month, traits, region, authority, thing, arrived, self._amounts[key])
            for key, count in self._counts.items()
            for name, month, traits, region, authority, thing, arrived in (key,)
        ]


# ── the occurrences behind them ───────────────────────────────────────────────────────────────
def find(
    connection: sa.Connection, filter: OccurrenceFilter, cursor: str | None, limit: int
) -> ResultPage[FoundOccurrence]:
    """Find occurrences that stand, by name and month and then in the order in which they were kept."""
    found: list[tuple[str, int, FoundOccurrence]] = []
    for name, month, after in _stretches(filter, cursor):
        query = _matching(name, month, after, filter).limit(limit + 1 - len(found))
        for seq, message, day, region, authority in connection.execute(query):
            found.append(
                (f"{name}|{month}|{seq}", seq, FoundOccurrence(message, name, date.fromordinal(day), region, authority))
            )
        if len(found) > limit:
            return ResultPage(tuple(each for _, _, each in found[:limit]), found[limit - 1][0])
    return ResultPage(tuple(each for _, _, each in found))


def _matching(name: str, month: int, after: int, filter: OccurrenceFilter) -> sa.Select[Any]:
    query = (
        sa.select(_o.seq, _o.message_id, _o.day, _o.region, _o.authority)
        .where(_o.name == name, _o.month == month, _o.seq > after, _stood(filter.as_of))
        .where(*(_o.traits.contains(f",{trait},", autoescape=True) for trait in filter.traits))
        .order_by(_o.seq)
    )
    if filter.regions is not None:
        each = ListedTexts(sa.literal(text(sorted(filter.regions)), sa.Text)).table_valued("value")
        query = query.where(_o.region.in_(sa.select(each.c.value)))
    if filter.holding_on is not None:
        day = filter.holding_on.toordinal()
        query = query.where(_o.day <= day, _o.until >= day)
    return query


def _stretches(filter: OccurrenceFilter, cursor: str | None) -> Iterator[tuple[str, int, int]]:
    """Give the names and months to look in, in order, and behind which row; those before the cursor are left out."""
    reached = _read(cursor)
    for name in sorted(filter.names):
        for month in _months(filter.since, filter.until):
            if (name, month) >= reached[:2]:
                yield name, month, reached[2] if (name, month) == reached[:2] else 0


def _read(cursor: str | None) -> tuple[str, int, int]:
    if cursor is None:
        return "", 0, 0
    try:
        name, month, seq = cursor.split("|")
        return name, int(month), int(seq)
    except ValueError:
        zh, en = "游标无法识别；请使用上一页给出的 cursor", "This is no cursor of ours: use the one of the page before"
        raise Invalid(Text(zh, en), code="cursor.unknown") from None


def _months(first: int, last: int) -> Iterator[int]:
    while first <= last:
        yield first
        first += 1 if first % 100 < 12 else 89


def holding(
    connection: sa.Connection, names: Sequence[str], day: date, as_of: datetime | None
) -> Sequence[OccurrenceTally]:
    """Count what holds on a day, by name, place and authority."""
    count = sa.func.count()
    query = (
        sa.select(_o.name, count, _o.region, _o.authority)
        .where(_o.name.in_(list(names)), _o.month <= month_of(day), _stood(as_of))
        .where(_o.day <= day.toordinal(), _o.until >= day.toordinal())
        .group_by(_o.name, _o.region, _o.authority)
    )
    return [
        OccurrenceTally(name, count, 0, (), region, authority)
        for name, count, region, authority in connection.execute(query)
    ]
