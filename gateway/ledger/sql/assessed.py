"""Until when the findings of cases hold: which cases are due for another look, by the day or by what they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import sqlalchemy as sa

from gateway.ledger.assessments import AssessedCase, DueCase, Ground
from gateway.ledger.sql import tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.dialects import Upserting
from gateway.ledger.sql.pruned_bodies import REMNANT
from gateway.ledger.sql.statements import Prepared, PreparedMany, PreparedRows, inserting_first, putting
from gateway.ledger.sql.writing import Group, Transaction

_a, _g, _x, _m = tables.assessed_cases.c, tables.grounds.c, tables.changed_grounds.c, tables.messages.c

_AT_ONCE = 20
"""Grounds whose cases are made due in one step."""


def _put(insert: Upserting) -> sa.ClauseElement:
    """Keep a case; one that has become due since it was read stays due."""
    adding = insert(tables.assessed_cases)
    new = adding.excluded
    unchanged = _a.changes == new.changes
    days = {name: sa.case((unchanged, new[name]), else_=_a[name]) for name in ("since", "until")}
    put: sa.ClauseElement = adding.on_conflict_do_update(
        index_elements=["lane"], set_={"correlation_id": new.correlation_id, **days}
    )
    return put


_PUT = PreparedRows(
    lambda dialect: _put(dialect.insert), [each.name for each in tables.assessed_cases.columns], ("lane",)
)
_KEPT = PreparedMany(
    ("lane", "correlation_id"),
    lambda wanted: sa.select(wanted.c.lane, wanted.c.correlation_id).where(
        sa.exists().where(
            _m.correlation_id == wanted.c.correlation_id,
            # Found by the correlation, whatever other index there is.
            sa.func.coalesce(_m.ordering_key, sa.null()) == wanted.c.lane,
            _m.body != sa.literal_column(str(REMNANT)),
        )
    ),
)
_RESTS_ON = PreparedMany(
    ("lane",),
    lambda wanted: sa.select(_g.name, _g.value, _g.lane).select_from(
        wanted.join(tables.grounds, _g.lane == wanted.c.lane)
    ),
)
_ADD_GROUND = inserting_first(tables.grounds)
_DROP_GROUND = Prepared(
    sa.delete(tables.grounds).where(
        _g.name == sa.bindparam("name_"), _g.value == sa.bindparam("value_"), _g.lane == sa.bindparam("lane_")
    ),
    ("name_", "value_", "lane_"),
)
_OF_CASE = Prepared(sa.select(_a.lane).where(_a.correlation_id == sa.bindparam("case")), ("case",))
_OF_LANE = PreparedMany(
    ("lane", "correlation_id"),
    lambda wanted: sa.select(_a.lane).select_from(
        wanted.join(
            tables.assessed_cases, sa.and_(_a.lane == wanted.c.lane, _a.correlation_id == wanted.c.correlation_id)
        )
    ),
)
_FORGET = Prepared(sa.delete(tables.assessed_cases).where(_a.lane == sa.bindparam("lane_")), ("lane_",))
_FORGET_GROUNDS = Prepared(sa.delete(tables.grounds).where(_g.lane == sa.bindparam("lane_")), ("lane_",))
_CHANGES = PreparedMany(
    ("lane",),
    lambda wanted: sa.select(_a.lane, _a.changes).select_from(
        wanted.join(tables.assessed_cases, _a.lane == wanted.c.lane)
    ),
)
_RESTING = Prepared(
    sa.select(_g.lane)
    .where(_g.name == sa.bindparam("name"), _g.value == sa.bindparam("value"), _g.lane > sa.bindparam("after"))
    .order_by(_g.lane)
    .limit(sa.bindparam("limit")),
    ("name", "value", "after", "limit"),
)
_MAKE_DUE = Prepared(
    sa.update(tables.assessed_cases).where(_a.lane == sa.bindparam("lane_")).values(until=0, changes=_a.changes + 1),
    ("lane_",),
)
_CHANGE = putting(tables.changed_grounds)
_CHANGED = Prepared(
    sa.select(_x.name, _x.value, _x.after).order_by(_x.name, _x.value).limit(sa.bindparam("limit")), ("limit",)
)
_SPREAD = Prepared(
    sa.delete(tables.changed_grounds).where(_x.name == sa.bindparam("name_"), _x.value == sa.bindparam("value_")),
    ("name_", "value_"),
)
_OVER = Prepared(
    sa.select(_a.lane, _a.correlation_id)
    .where(_a.until <= sa.bindparam("day"))
    .order_by(_a.until, _a.lane)
    .limit(sa.bindparam("limit")),
    ("day", "limit"),
)
_AHEAD = Prepared(
    sa.select(_a.lane, _a.correlation_id)
    .where(_a.since > sa.bindparam("day"))
    .order_by(_a.since, _a.lane)
    .limit(sa.bindparam("limit")),
    ("day", "limit"),
)


# ── cases ─────────────────────────────────────────────────────────────────────────────────────
def put(connection: sa.Connection, cases: Iterable[AssessedCase]) -> None:
    """Keep until when the findings of cases hold, of each the last; of one whose messages are gone nothing is kept."""
    last = {each.lane: each for each in sorted(cases, key=lambda case: case.lane)}
    asked = [(each.lane, each.correlation_id) for each in last.values()]
    there = {(lane, case) for lane, case in _KEPT.rows(connection, asked)}
    _forget(connection, _OF_LANE.rows(connection, [one for one in asked if one not in there]))
    kept = [each for each in last.values() if (each.lane, each.correlation_id) in there]
    _PUT.run(connection, [_row(each) for each in kept])
    rested = {(name, value, lane) for name, value, lane in _RESTS_ON.rows(connection, [(one.lane,) for one in kept])}
    rests = {(ground.name, ground.value, each.lane) for each in kept for ground in each.grounds}
    _DROP_GROUND.run(connection, sorted(rested - rests))
    _ADD_GROUND.run(connection, sorted(rests - rested))


def _row(case: AssessedCase) -> Row:
    since, until = (None if day is None else day.toordinal() for day in (case.since, case.until))
    return case.lane, case.correlation_id, since, until, case.changes


def forget_case(transaction: Transaction, correlation_id: str) -> None:
    """Let what was kept of the cases of a correlation go with them."""
    _forget(transaction.connection, _OF_CASE.rows(transaction.connection, correlation_id))


def forget_lane(transaction: Transaction, lane: str) -> None:
    """Let what was kept go of what turned out to be part of another case."""
    _forget(transaction.connection, [(lane,)])


def _forget(connection: sa.Connection, lanes: Sequence[Row]) -> None:
    _FORGET.run(connection, lanes)
    _FORGET_GROUNDS.run(connection, lanes)


def changes(connection: sa.Connection, lanes: Iterable[str]) -> Mapping[str, int]:
    """Tell how often something changed that the findings of cases rest on."""
    return {row[0]: row[1] for row in _CHANGES.rows(connection, [(lane,) for lane in sorted(set(lanes))])}


def due(connection: sa.Connection, day: date, limit: int) -> Sequence[DueCase]:
    """Give cases whose findings do not hold on a day, or may not."""
    found = [row for statement in (_OVER, _AHEAD) for row in statement.rows(connection, day.toordinal(), limit)]
    return [DueCase(*row) for row in dict.fromkeys(found)][:limit]


# ── grounds ───────────────────────────────────────────────────────────────────────────────────
def change(transaction: Transaction, grounds: Iterable[Ground]) -> None:
    """Note that grounds have changed, where a case rests on them."""
    connection = transaction.connection
    for each in sorted(set(grounds)):
        if _RESTING.row(connection, each.name, each.value, "", 1) is not None:
            _CHANGE.run(connection, [(each.name, each.value, "")])


def waiting(connection: sa.Connection) -> bool:
    """Tell whether any ground has changed whose cases are not all due yet."""
    return bool(_CHANGED.rows(connection, 1))


def _change(transaction: Transaction, batch: Sequence[Sequence[Ground]]) -> Sequence[OperationResult]:
    change(transaction, (each for grounds in batch for each in grounds))
    return [None] * len(batch)


CHANGE = Group(_change, lambda connection, batch: ("grounds",))


def _spread(transaction: Transaction, batch: Sequence[int]) -> Sequence[OperationResult]:
    return [_make_due(transaction.connection, limit) for limit in batch]


SPREAD = Group(_spread, lambda connection, batch: ("grounds",))
"""What changes meanwhile waits: else a ground that changed again would be taken for the one that was gone through."""


def _make_due(connection: sa.Connection, limit: int) -> bool:
    """Make the next cases due that rest on what has changed; True: there are more."""
    changed = _CHANGED.rows(connection, _AT_ONCE)
    each_limit = max(1, limit // max(1, len(changed)))
    more = len(changed) == _AT_ONCE
    for name, value, after in changed:
        lanes = _RESTING.rows(connection, name, value, after, each_limit)
        _MAKE_DUE.run(connection, lanes)
        if len(lanes) == each_limit:
            more = True
            _CHANGE.run(connection, [(name, value, lanes[-1][0])])
        else:
            _SPREAD.run(connection, [(name, value)])
    return more
