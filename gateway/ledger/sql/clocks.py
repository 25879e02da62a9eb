"""Deadlines of cases: replaced whole for each correlation, found by when they end, forgotten with their case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import blake2b
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.clocked import (
    ClockCount,
    ClockedCase,
    ClockFilter,
    ClockSpan,
    ClockStanding,
    CountedCorrelation,
    FoundClock,
    KeptClock,
)
from gateway.ledger.records import ResultPage
from gateway.ledger.sql import tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.codecs import text
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.dialects import ListedTexts
from gateway.ledger.sql.pruned_bodies import REMNANT
from gateway.ledger.sql.statements import Prepared, inserting, putting
from gateway.ledger.sql.writing import Group, Transaction

_m, _f, _c, _k = tables.messages.c, tables.followed.c, tables.clocks.c, tables.clocked_cases.c

NEVER = date.max.toordinal()
"""The last day of what has none: behind all others."""

_ASKED = (ClockStanding.OPEN, ClockStanding.STOPPED, ClockStanding.UNKNOWN)
"""What is counted for the metrics: what is not over."""

_FORGET_CLOCKS = Prepared(sa.delete(tables.clocks).where(_c.correlation_id == sa.bindparam("id_")), ("id_",))
_FORGET_CASES = Prepared(sa.delete(tables.clocked_cases).where(_k.correlation_id == sa.bindparam("id_")), ("id_",))
_PUT_CASE = putting(tables.clocked_cases)
_PUT_CLOCK = inserting(tables.clocks)
_OWNER = Prepared(sa.select(_f.owner).where(_f.name == sa.bindparam("name")), ("name",))
_KEPT = Prepared(sa.select(_m.seq).where(_m.correlation_id == sa.bindparam("id"), _m.body != REMNANT).limit(1), ("id",))
_OTHERS = tuple(
    Prepared(
        sa.select(_k.correlation_id).where(other).order_by(_k.counted_by).limit(sa.bindparam("limit")),
        ("counted_by", "limit"),
    )
    for other in (_k.counted_by < sa.bindparam("counted_by"), _k.counted_by > sa.bindparam("counted_by"))
)


# ── writing ───────────────────────────────────────────────────────────────────────────────────
PutClocks = tuple[str, Sequence[CountedCorrelation]]
"""Who counted, under which name it follows messages, and what."""


def put(transaction: Transaction, batch: Sequence[PutClocks]) -> Sequence[OperationResult]:
    """Keep deadlines instead of those that were kept before: the group for `Ledger.put_clocks`."""
    return [_put(transaction, name, counted) for name, counted in batch]


PUT = Group(put, lambda connection, batch: {f"clocks {one.correlation_id}" for _, counted in batch for one in counted})


def _put(transaction: Transaction, name: str, counted: Sequence[CountedCorrelation]) -> bool:
    connection = transaction.connection
    owner = _OWNER.row(connection, name)
    if owner is None or owner[0] != transaction.owner:
        return False  # whoever follows now has read what came since
    for each in counted:
        forget(connection, each.correlation_id)
        # Its messages may have gone, or over to another case, since they were read.
        if _KEPT.row(connection, each.correlation_id) is not None:
            _PUT_CASE.run(connection, [_case_row(one.case) for one in each.cases])
            _PUT_CLOCK.run(connection, [_clock_row(one.case, clock) for one in each.cases for clock in one.clocks])
    return True


def forget(connection: sa.Connection, correlation_id: str) -> None:
    """Forget the deadlines of a correlation's cases."""
    _FORGET_CLOCKS.run(connection, [(correlation_id,)])
    _FORGET_CASES.run(connection, [(correlation_id,)])


def _case_row(case: ClockedCase) -> Row:
    platforms = text(list(case.platforms))
    return (
        *(case.correlation_id, case.ordering_key, case.number, case.region, platforms),
        *(int(case.complete), case.counted_by),
    )


def _clock_row(case: ClockedCase, clock: KeptClock) -> Row:
    named = "\n".join((case.correlation_id, case.ordering_key, clock.rule, clock.about))
    return (
        blake2b(named.encode(), digest_size=16).hexdigest(),
        *(case.correlation_id, case.ordering_key, clock.rule, clock.about, case.region, clock.standing.value),
        *(clock.started_at.toordinal(), NEVER if clock.due_at is None else clock.due_at.toordinal()),
        *(clock.ended_at.toordinal() if clock.ended_at else None, text(list(clock.evidence)), clock.unknown_year),
    )


# ── reading ───────────────────────────────────────────────────────────────────────────────────
def counted_otherwise(connection: sa.Connection, counted_by: str, limit: int) -> Sequence[str]:
    """Give correlations whose deadlines were counted by other rules or another calendar."""
    found = [row[0] for statement in _OTHERS for row in statement.rows(connection, counted_by, limit)]
    return list(dict.fromkeys(found))[:limit]


def find(connection: sa.Connection, filter: ClockFilter, cursor: str | None, limit: int) -> ResultPage[FoundClock]:
    """Find deadlines, what ends first first."""
    after = decisions.read_clock_cursor(cursor)
    found = [row for span in filter.spans for row in connection.execute(_query(filter, span, after, limit)).fetchall()]
    found.sort(key=lambda row: (row.due, row.id))
    more = f"{found[limit - 1].due}.{found[limit - 1].id}" if len(found) > limit else None
    return ResultPage(tuple(map(_found, found[:limit])), more)


def _query(filter: ClockFilter, span: ClockSpan, after: tuple[int, str] | None, limit: int) -> sa.Select[Any]:
    first = 0 if span.first is None else span.first.toordinal()
    last = NEVER if span.last is None else span.last.toordinal()
    of_case = sa.and_(_k.correlation_id == _c.correlation_id, _k.ordering_key == _c.ordering_key)
    query = (
        sa.select(tables.clocks, _k.number, _k.platforms, _k.complete, _k.counted_by)
        .select_from(tables.clocks.join(tables.clocked_cases, of_case))
        .where(_c.standing == span.standing.value, _c.due >= first, _c.due <= last)
        .order_by(_c.due, _c.id)
        .limit(limit + 1)
    )
    if after is not None:
        due, id = after
        query = query.where(_c.due >= due, sa.or_(_c.due > due, _c.id > id))
    if filter.codes is not None:
        areas = ListedTexts(sa.literal(text(list(filter.areas)), sa.Text)).table_valued("value")
        query = query.where(sa.or_(_c.region.between(*filter.codes), _c.region.in_(sa.select(areas.c.value))))
    return query


def _found(row: Any) -> FoundClock:
    case = ClockedCase(
        *(row.correlation_id, row.ordering_key, row.number, row.region, tuple(orjson.loads(row.platforms))),
        *(bool(row.complete), row.counted_by),
    )
    clock = KeptClock(
        rule=row.rule,
        about=row.about,
        standing=ClockStanding(row.standing),
        started_at=date.fromordinal(row.started),
        due_at=None if row.due == NEVER else date.fromordinal(row.due),
        ended_at=None if row.ended is None else date.fromordinal(row.ended),
        evidence=tuple(orjson.loads(row.evidence)),
        unknown_year=row.unknown_year,
    )
    return FoundClock(case, clock)


def counts(connection: sa.Connection, bounds: Iterable[date]) -> Sequence[ClockCount]:
    """Count what is not over, by rule and by the last of some days that is not after its own last day."""
    # As literals: for PostgreSQL two parameters are never the same, and so neither are two expressions of them.
    days = [sa.literal_column(str(day.toordinal()), sa.BigInteger) for day in sorted(bounds, reverse=True)]
    since = sa.case(*((_c.due >= day, day) for day in days), else_=sa.literal_column("0")).label("since")
    query = (
        sa.select(_c.rule, _c.standing, since, sa.func.count())
        .where(_c.standing.in_([each.value for each in _ASKED]))
        .group_by(_c.rule, _c.standing, since)
    )
    return [
        ClockCount(rule, ClockStanding(standing), date.fromordinal(day) if day else None, count)
        for rule, standing, day, count in connection.execute(query).fetchall()
    ]
