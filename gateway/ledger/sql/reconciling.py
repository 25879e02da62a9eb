"""What was exchanged with a platform on a day, page by page through an index; and what a comparison found missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from gateway.clock import new_id
from gateway.errors import Invalid
from gateway.ledger.reconciled import Comparison, Direction, Exchanged
from gateway.ledger.records import ResultPage
from gateway.ledger.sql import receipts, tables
from gateway.ledger.sql.auditing import record
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.codecs import micros, moment, unpack_list
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.pruned_bodies import REMNANT
from gateway.ledger.sql.statements import Prepared, PreparedMany, inserting_first, is_state
from gateway.ledger.sql.tables import COMPARISON
from gateway.ledger.sql.writing import Group, Transaction
from gateway.message import State
from schemas.findings import Text

KEPT = timedelta(days=30)
"""For so long a comparison is kept."""

_FORGOTTEN = 2000
"""Rows of old comparisons that go with each write of a new one."""

_d, _m, _a, _r, _c, _x = (
    tables.deliveries.c,
    tables.messages.c,
    tables.attempts.c,
    tables.receipts.c,
    tables.comparisons.c,
    tables.missing.c,
)
_again = tables.deliveries.alias("again")

_GONE = (State.REFUSED, State.DISCARDED)

RESENT: sa.ColumnElement[bool] = sa.exists().where(
    _again.c.replay_of == _d.id,
    _again.c.replay_of.is_not(None),
    _again.c.state.not_in([sa.literal_column(f"'{state}'") for state in _GONE]),
)
"""Whether a replay stands for a delivery: one that is open, dead or delivered."""

IS_MISSING: sa.ColumnElement[bool] = sa.and_(
    _d.position.in_(sa.select(_x.delivery).where(_x.comparison == sa.bindparam("comparison"))), ~RESENT
)
"""Whether a comparison found a delivery missing, and it was not sent again since."""

_last = tables.attempts.alias("last")
_LAST = (
    sa.select(sa.func.max(_last.c.seq)).where(_last.c.delivery == _d.position).correlate(tables.deliveries)
).scalar_subquery()
# A delivery that was delivered has no attempt after that.
_SENT = sa.select(_a.sent).where(_a.seq == _LAST).correlate(tables.deliveries).scalar_subquery()
_DELIVERED: tuple[sa.ColumnElement[Any], ...] = (_d.id, _d.type, _d.changed_at, _SENT, _d.state, _d.position, RESENT)
_IS_WHOLE = _m.body != sa.literal_column(str(REMNANT))
_ACCEPTED: tuple[sa.ColumnElement[Any], ...] = (
    _m.id,
    _m.type,
    _m.received_at,
    _m.received,
    sa.literal_column("'accepted'"),
    _m.seq,
)
_PAGE = ("platform", "time", "place", "until", "limit")
_after = sa.tuple_(sa.bindparam("time"), sa.bindparam("place"))

_DELIVERED_ON = Prepared(
    sa.select(*_DELIVERED)
    .where(
        _d.platform == sa.bindparam("platform"),
        is_state(_d.state, State.DELIVERED),
        sa.tuple_(_d.changed_at, _d.position) > _after,
        _d.changed_at < sa.bindparam("until"),
    )
    .order_by(_d.changed_at, _d.position)
    .limit(sa.bindparam("limit")),
    _PAGE,
)
_ACCEPTED_ON = Prepared(
    sa.select(*_ACCEPTED)
    .where(
        _m.source == sa.bindparam("platform"),
        sa.tuple_(_m.received_at, _m.seq) > _after,
        _m.received_at < sa.bindparam("until"),
        _IS_WHOLE,
    )
    .order_by(_m.received_at, _m.seq)
    .limit(sa.bindparam("limit")),
    _PAGE,
)
_DELIVERED_AS = PreparedMany(
    ["id", "platform"],
    lambda wanted: (
        sa.select(*_DELIVERED, wanted.c.id)
        .select_from(wanted.join(tables.deliveries, _d.id == wanted.c.id))
        .where(_d.platform == wanted.c.platform)
    ),
)
_ACCEPTED_AS = PreparedMany(
    ["id", "platform"],
    lambda wanted: (
        sa.select(*_ACCEPTED, wanted.c.id)
        .select_from(wanted.join(tables.messages, _m.id == wanted.c.id))
        .where(_m.source == wanted.c.platform, _IS_WHOLE)
    ),
)
_KEYS = PreparedMany(
    ["sent_under", "platform"],
    lambda wanted: (
        sa.select(wanted.c.sent_under, _r.entries)
        .select_from(wanted.join(tables.receipts, _r.key == wanted.c.sent_under))
        .where(_r.platform == wanted.c.platform)
    ),
)
_PRUNED_UNTIL = Prepared(
    sa.select(sa.func.max(tables.prunings.c.until)).where(tables.prunings.c.what == sa.literal_column("'messages'")), ()
)
_ONE = Prepared(sa.select(*COMPARISON.select(tables.comparisons)).where(_c.id == sa.bindparam("id")), ("id",))
_KEEP = inserting_first(tables.comparisons)
_MISSED = inserting_first(tables.missing)
_OLD = Prepared(
    sa.select(_x.comparison, _x.delivery)
    .where(_x.comparison < sa.bindparam("before"))
    .order_by(_x.comparison, _x.delivery)
    .limit(sa.bindparam("limit")),
    ("before", "limit"),
)
_FORGET = Prepared(
    sa.delete(tables.missing).where(_x.comparison == sa.bindparam("comparison_"), _x.delivery == sa.bindparam("one_")),
    ("comparison_", "one_"),
)
_FORGET_OLD = Prepared(sa.delete(tables.comparisons).where(_c.id < sa.bindparam("before_")), ("before_",))


# ── reading ───────────────────────────────────────────────────────────────────────────────────
def exchanged(
    connection: sa.Connection,
    platform: str,
    direction: Direction,
    since: datetime,
    until: datetime,
    cursor: str | None,
    limit: int,
) -> ResultPage[Exchanged]:
    """Give what was exchanged in a time, the oldest first."""
    statement = _DELIVERED_ON if direction is Direction.DELIVERED else _ACCEPTED_ON
    time, place = (micros(since), -1) if cursor is None else _place(cursor)
    found = [_exchanged(row) for row in statement.rows(connection, platform, time, place, micros(until), limit + 1)]
    if len(found) <= limit:
        return ResultPage(tuple(found), None)
    last = found[limit - 1]
    assert last.at is not None
    return ResultPage(tuple(found[:limit]), f"{micros(last.at)}.{last.place}")


def _place(cursor: str) -> tuple[int, int]:
    time, _, place = cursor.partition(".")
    if not (time.isascii() and time.isdigit() and place.isascii() and place.isdigit() and len(cursor) < 40):
        raise Invalid(
            Text("cursor 不是本接口给出的；请从头查询", "This cursor is not one of ours; search from the start"),
            code="cursor.unknown",
        )
    return int(time), int(place)


def exchanged_as(
    connection: sa.Connection, platform: str, direction: Direction, ids: Sequence[str]
) -> Sequence[Exchanged]:
    """Give what ids stand for that a platform listed; of messages also under the key that they were sent with."""
    asked = [(each, platform) for each in dict.fromkeys(ids)]
    if direction is Direction.DELIVERED:
        return _each_once((row, row[-1]) for row in _DELIVERED_AS.rows(connection, asked))
    found = _each_once((row, row[-1]) for row in _ACCEPTED_AS.rows(connection, asked))
    known = {one.listed_as for one in found}
    keys = _KEYS.rows(connection, [each for each in asked if each[0] not in known])
    under = [(message, key) for key, entries in keys for message in receipts.named(unpack_list(entries))]
    rows = _ACCEPTED_AS.rows(connection, [(message, platform) for message in dict(under)])
    messages = {row[0]: row for row in rows}
    return [*found, *_each_once((messages[message], key) for message, key in under if message in messages)]


def _each_once(found: Iterable[tuple[Row, str]]) -> list[Exchanged]:
    """Read rows for several keys, of which some may have come twice."""
    return list({(row[0], listed_as): _exchanged(row[:-1], listed_as) for row, listed_as in found}.values())


def _exchanged(row: Row, listed_as: str = "") -> Exchanged:
    id, type, at, digest, state, place, *resent = row
    # An open delivery's last change is no answer; `changed_at` of a delivered one is when its answer came.
    came = moment(at) if at is not None and state in (State.DELIVERED, "accepted") else None
    known = bytes(digest) if digest is not None else None
    return Exchanged(id, type, came, known, state, place, listed_as, bool(resent and resent[0]))


def pruned_until(connection: sa.Connection) -> datetime | None:
    """Give when the youngest message came of those that were pruned; None: none was."""
    row = _PRUNED_UNTIL.row(connection)
    return None if row is None or row[0] is None else moment(row[0])


def comparison(connection: sa.Connection, comparison_id: str) -> Comparison | None:
    """Give a comparison that is kept."""
    row = _ONE.row(connection, comparison_id)
    return None if row is None else COMPARISON.read(row)


# ── writing ───────────────────────────────────────────────────────────────────────────────────
Missed = tuple[str, datetime, Sequence[int]]
"""A comparison, when it was made, and the places of deliveries that it found missing."""


def _keep_missing(transaction: Transaction, missed: Sequence[Missed]) -> Sequence[OperationResult]:
    for comparison_id, at, places in missed:
        _MISSED.run(transaction.connection, [(comparison_id, place) for place in places])
        old = _OLD.rows(transaction.connection, new_id(at - KEPT), _FORGOTTEN)
        _FORGET.run(transaction.connection, [tuple(row) for row in old])
    return [None] * len(missed)


MISSING = Group(_keep_missing, locks=lambda connection, missed: ())


def _keep(transaction: Transaction, kept: Sequence[Comparison]) -> Sequence[OperationResult]:
    for one in kept:
        if _ONE.row(transaction.connection, one.id) is None:
            _KEEP.run(transaction.connection, [COMPARISON.write(one)])
            counts = {name: str(count) for name, count in one.counts.items()}
            said = {"reconciliation": one.id, "day": one.day, "direction": one.direction.value, "digest": one.digest}
            record(transaction, one.platform, one.at, one.actor, "platform.reconciled", **said, **counts)
        _FORGET_OLD.run(transaction.connection, [(new_id(one.at - KEPT),)])
    return [None] * len(kept)


COMPARED = Group(_keep, locks=lambda connection, kept: ())
