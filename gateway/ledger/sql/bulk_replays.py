"""Bulk replays: begun, done step by step with their progress in the same transaction, cancelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from msgspec import to_builtins
from msgspec.structs import replace

from gateway.clock import derived_id
from gateway.errors import Conflict, Invalid
from gateway.ledger import decisions
from gateway.ledger.errors import no_replay
from gateway.ledger.records import BulkReplay, DeliveryFilter, Intent, ReplayCount
from gateway.ledger.sql import lanes, operating, reconciling, rows, tables
from gateway.ledger.sql.auditing import intended, once
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.statements import Prepared, is_state, not_delivered, putting
from gateway.ledger.sql.writing import Transaction
from gateway.message import Delivery, State
from schemas.findings import Text

_d, _m, _r = tables.deliveries.c, tables.messages.c, tables.replays.c

_PUT = putting(tables.replays, ("id", "finished", "content"), ("id",))
_ONE = Prepared(sa.select(_r.content).where(_r.id == sa.bindparam("id")), ("id",))
_ALL = Prepared(sa.select(_r.content).order_by(_r.seq.desc()), ())
_UNFINISHED = Prepared(sa.select(_r.content).where(_r.finished.is_(sa.false())).order_by(_r.seq.desc()), ())
_LAST = Prepared(sa.select(sa.func.max(_d.position)), ())

_TESTS: Mapping[str, sa.ColumnElement[bool]] = {
    "platform": _d.platform == sa.bindparam("platform"),
    "type": _d.type == sa.bindparam("type"),
    "code": _d.code == sa.bindparam("code"),
    "message_id": _d.message == sa.select(_m.seq).where(_m.id == sa.bindparam("message_id")).scalar_subquery(),
    "since": _d.created_at >= sa.bindparam("since"),
    "until": _d.created_at < sa.bindparam("until"),
    "comparison": reconciling.IS_MISSING,
}
"""What each part of a filter but its state restricts to."""


# ── finding ───────────────────────────────────────────────────────────────────────────────────
Query = Callable[[Sequence[sa.ColumnElement[bool]]], sa.Select[Any]]
"""Makes a statement of the conditions of a filter."""


def _restricted(query: Query, filter: DeliveryFilter, *more: str) -> tuple[Prepared, tuple[Any, ...]]:
    """Prepare a statement for a filter, and give the values of its parameters but those named in `more`."""
    given = {name: getattr(filter, name) for name in _TESTS if getattr(filter, name) is not None}
    values = tuple(micros(value) if isinstance(value, datetime) else value for value in given.values())
    return _prepared(query, _replayable_state(filter), tuple(given), more), values


@lru_cache(maxsize=64)
def _prepared(query: Query, state: State, given: tuple[str, ...], more: tuple[str, ...]) -> Prepared:
    conditions = [is_state(_d.state, state), *(_TESTS[name] for name in given)]
    if state is not State.DELIVERED:
        conditions.append(not_delivered(_d.state))
    return Prepared(query(conditions), (*given, *more))


def _replayable_state(filter: DeliveryFilter) -> State:
    """Give the state a filter asks for; Invalid `replay.state` when that cannot be replayed."""
    found = next((state for state in decisions.REPLAYABLE if state == filter.state), None)
    if found is None:
        raise Invalid(
            Text(
                "只能批量重新投递 dead、refused 或 delivered 的投递；请在 filter.state 中指定其一。",
                "Only dead, refused or delivered deliveries are replayed; name one of them in filter.state.",
            ),
            code="replay.state",
        )
    return found


def _counting(conditions: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    return sa.select(sa.func.count()).where(*conditions, _d.position <= sa.bindparam("upto"))


def _counting_each(conditions: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    by = (_d.platform, _d.type, _d.code)
    return (
        sa.select(*by, sa.func.count())
        .where(*conditions, _d.position <= sa.bindparam("upto"))
        .where(operating.IS_REGISTERED, ~operating.IS_REPLAYED)
        .where(sa.or_(sa.bindparam("stale_ok") == sa.true(), ~lanes.MOVED_ON))
        .group_by(*by)
        .order_by(*by)
    )


def _following(conditions: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    # The positions first: they are sorted without their rows.
    positions = (
        sa.select(_d.position)
        .where(*conditions, _d.position > sa.bindparam("cursor"), _d.position <= sa.bindparam("upto"))
        .order_by(_d.position)
        .limit(sa.bindparam("limit"))
    )
    return (
        sa.select(*operating.REPLAYABLE_COLUMNS)
        .select_from(tables.deliveries.join(tables.messages))
        .where(_d.position.in_(positions))
        .order_by(_d.position)
    )


# ── reading ───────────────────────────────────────────────────────────────────────────────────
def measured(connection: sa.Connection, replay: BulkReplay) -> BulkReplay:
    """Tell how much a bulk replay that begins now finds; a dry run is finished with that."""
    [(last,)] = _LAST.rows(connection)
    upto = last or 0
    count, values = _restricted(_counting, replay.filter, "upto")
    [(total,)] = count.rows(connection, *values, upto)
    replay = replace(replay, upto=upto, total=total)
    return _dry(connection, replay) if replay.dry_run else replay


def _dry(connection: sa.Connection, replay: BulkReplay) -> BulkReplay:
    count, values = _restricted(_counting_each, replay.filter, "upto", "stale_ok")
    counts = tuple(ReplayCount(*row) for row in count.rows(connection, *values, replay.upto, replay.stale_ok))
    skipped = replay.total - sum(each.count for each in counts)
    return replace(replay, counts=counts, skipped=skipped, finished_at=replay.created_at)


def replays(connection: sa.Connection, *, unfinished: bool) -> Sequence[BulkReplay]:
    """Give the bulk replays, newest first."""
    return [rows.bulk_replay(content) for (content,) in (_UNFINISHED if unfinished else _ALL).rows(connection)]


def _one(transaction: Transaction, replay_id: str) -> BulkReplay | None:
    row = _ONE.row(transaction.connection, replay_id)
    return rows.bulk_replay(row[0]) if row else None


def _known(transaction: Transaction, replay_id: str) -> BulkReplay:
    found = _one(transaction, replay_id)
    if found is None:
        raise no_replay(replay_id)
    return found


# ── writing ───────────────────────────────────────────────────────────────────────────────────
def begin(transaction: Transaction, replay: BulkReplay, intent: Intent) -> BulkReplay:
    """Keep a bulk replay that was `measured`; one that is kept already stays as it is."""

    def do() -> str:
        if _one(transaction, replay.id) is None:
            _put(transaction, replay)
            intended(transaction, intent, replay.id, "replay.begun")
        return replay.id

    asked = {"filter": to_builtins(replay.filter), "stale_ok": replay.stale_ok}
    return _known(transaction, once(transaction, intent, "replay.begin", "", do, asked))


def step(transaction: Transaction, replay_id: str, limit: int, at: datetime) -> BulkReplay:
    """Replay the next ones, and keep how far it came in the same transaction: each is done once, whatever happens."""
    replay = _known(transaction, replay_id)
    if _ended(replay):
        return replay
    query, values = _restricted(_following, replay.filter, "cursor", "upto", "limit")
    found = query.rows(transaction.connection, *values, replay.cursor, replay.upto, limit)
    looked_at = [operating.replayable(row) for row in found]
    decided = [(each.stored, again) for each in looked_at if (again := _decided(replay, each, at)) is not None]
    operating.write_replays(transaction, decided, Intent(replay.actor, replay.reason, at))
    after = _advanced(replay, looked_at, [stored.delivery for stored, _ in decided])
    if len(found) < limit:
        after = _finished(after, at)
    _put(transaction, after)
    return after


def _decided(replay: BulkReplay, found: operating.Replayable, at: datetime) -> Delivery | None:
    new_id = derived_id(replay.created_at, replay.id, found.stored.delivery.id)
    try:
        return found.replayed(new_id, at, stale_ok=replay.stale_ok)
    except Conflict:
        return None


def _advanced(
    replay: BulkReplay, looked_at: Sequence[operating.Replayable], replayed: Sequence[Delivery]
) -> BulkReplay:
    counts = Counter({(each.platform, each.type, each.code): each.count for each in replay.counts})
    counts.update((each.platform or "", each.type, each.code) for each in replayed)
    in_order = sorted(counts.items(), key=lambda each: (each[0][0], each[0][1], each[0][2] or ""))
    return replace(
        replay,
        cursor=max((each.stored.delivery.position for each in looked_at), default=replay.cursor),
        replayed=replay.replayed + len(replayed),
        skipped=replay.skipped + len(looked_at) - len(replayed),
        counts=tuple(ReplayCount(*key, count) for key, count in in_order),
    )


def _finished(replay: BulkReplay, at: datetime) -> BulkReplay:
    """End a bulk replay; what was there when it began and is in another state now was skipped, too."""
    return replace(replay, finished_at=at, skipped=max(replay.skipped, replay.total - replay.replayed))


def cancel(transaction: Transaction, replay_id: str, intent: Intent) -> BulkReplay:
    """End a bulk replay where it is."""

    def do() -> str:
        replay = _known(transaction, replay_id)
        if not _ended(replay):
            _put(transaction, replace(replay, cancelled_at=intent.at))
            intended(transaction, intent, replay_id, "replay.cancelled")
        return replay_id

    return _known(transaction, once(transaction, intent, "replay.cancel", replay_id, do))


def _ended(replay: BulkReplay) -> bool:
    return replay.finished_at is not None or replay.cancelled_at is not None


def _put(transaction: Transaction, replay: BulkReplay) -> None:
    _PUT.run(transaction.connection, [(replay.id, _ended(replay), rows.from_bulk_replay(replay))])
