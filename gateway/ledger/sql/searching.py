"""Finding many things, newest first, each through the index that finds the fewest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.records import Backlog, BulkReplay, DeliveryFilter, MessageFilter, Rejection, ResultPage
from gateway.ledger.sql import lanes, reading, rows, tables
from gateway.ledger.sql.codecs import micros, moment
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.statements import in_states, is_open, is_state, not_delivered
from gateway.ledger.sql.tables import DELIVERY, MESSAGE, REJECTION
from gateway.message import SETTLED, Delivery, HeldBy, Message, State

T = TypeVar("T")
Condition = sa.ColumnElement[bool]

_m, _d, _k, _j = tables.messages.c, tables.deliveries.c, tables.search_keys.c, tables.rejections.c
_stored = tables.messages.join(tables.documents)
_delivering = tables.deliveries.join(tables.messages)
_dead = tables.deliveries.alias("parking")


def _page(found: Sequence[Row], key: int, read: Callable[[Sequence[Row]], Sequence[T]], limit: int) -> ResultPage[T]:
    """Give the first `limit` of what was found; `key`: where in a row the number stands that a cursor names."""
    more = str(found[limit - 1][key]) if len(found) > limit else None
    return ResultPage(tuple(read(found[:limit])), more)


# ── messages ──────────────────────────────────────────────────────────────────────────────────
def find_messages(
    connection: sa.Connection, filter: MessageFilter, cursor: str | None, limit: int
) -> ResultPage[Message]:
    """Find messages: by number, case or state where one is given, else by time, else by platform or type."""
    before = decisions.read_cursor(cursor)
    conditions = _message_conditions(connection, filter)
    order: tuple[sa.ColumnElement[Any], ...] = (_m.seq.desc(),)
    if _finds_few(filter):
        seqs = _keys(connection, _by_message([*conditions, *_at_platform(filter)], before, limit))
    elif filter.since or filter.until:
        order = (_m.received_at.desc(), _m.seq.desc())
        seqs = _keys(connection, _by_time([*conditions, *_at_platform(filter)], before, limit))
    elif filter.platform is None:
        seqs = _keys(connection, _by_message(conditions, before, limit))
    else:
        seqs = _by_platform(connection, filter.platform, conditions, before, limit)
    query = sa.select(*rows.MESSAGE_COLUMNS).select_from(_stored).where(_m.seq.in_(seqs))
    return _page(connection.execute(query.order_by(*order)).fetchall(), MESSAGE.at("seq"), _messages, limit)


def _messages(found: Sequence[Row]) -> list[Message]:
    return [rows.message(row) for row in found]


def _finds_few(filter: MessageFilter) -> bool:
    named = filter.correlation_id or filter.case_number or filter.credit_code
    return bool(named) or filter.state not in (None, State.DELIVERED)


def _message_conditions(connection: sa.Connection, filter: MessageFilter) -> list[Condition]:
    conditions: list[Condition] = []
    if filter.correlation_id is not None:
        conditions.append(_m.correlation_id == filter.correlation_id)
    for name in ("case_number", "credit_code"):
        value = getattr(filter, name)
        if value is not None:
            conditions.append(_m.seq.in_(sa.select(_k.message).where(_k.value == value, _k.name == name)))
    if filter.type is not None:
        alone = not (_finds_few(filter) or filter.platform or filter.since or filter.until)
        conditions.append((_m.type if alone else _unindexed(_m.type)) == filter.type)
    if filter.state is not None:
        conditions.append(_in_state(connection, filter.state))
    received = _unindexed(_m.received_at) if _finds_few(filter) else _m.received_at
    if filter.since is not None:
        conditions.append(received >= micros(filter.since))
    if filter.until is not None:
        conditions.append(received < micros(filter.until))
    return conditions


def _unindexed(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Compare a column without its index, where another one finds fewer."""
    return sa.func.coalesce(column, None)


def _in_state(connection: sa.Connection, state: State) -> Condition:
    if state is State.DELIVERED:
        return sa.exists().where(_d.message == _m.seq, is_state(_d.state, state))
    branches = [sa.select(_d.message).where(*branch) for branch in _shown_as(connection, state)]
    return _m.seq.in_(sa.union_all(*branches))


def _at_platform(filter: MessageFilter) -> list[Condition]:
    if filter.platform is None:
        return []
    destination = sa.exists().where(_d.message == _m.seq, _unindexed(_d.platform) == filter.platform)
    return [sa.or_(_unindexed(_m.source) == filter.platform, destination)]


def _keys(connection: sa.Connection, query: sa.Select[Any]) -> list[int]:
    return list(connection.scalars(query))


def _by_message(conditions: Sequence[Condition], before: int | None, limit: int) -> sa.Select[Any]:
    query = sa.select(_m.seq).where(*conditions).order_by(_m.seq.desc()).limit(limit + 1)
    return query if before is None else query.where(_m.seq < before)


def _by_time(conditions: Sequence[Condition], before: int | None, limit: int) -> sa.Select[Any]:
    newest = (_m.received_at.desc(), _m.seq.desc())
    query = sa.select(_m.seq).where(*conditions).order_by(*newest).limit(limit + 1)
    if before is None:
        return query
    last = tables.messages.alias("last")
    moment = sa.select(last.c.received_at).where(last.c.seq == before).scalar_subquery()
    same_moment = sa.and_(_m.received_at == moment, _unindexed(_m.seq) >= before)
    return query.where(_m.received_at <= moment, ~same_moment)


def _by_platform(
    connection: sa.Connection, platform: str, conditions: Sequence[Condition], before: int | None, limit: int
) -> list[int]:
    """Look for a platform as source and as destination apart, each in its own index."""
    source = _by_message([*conditions, _m.source == platform], before, limit)
    destination = (
        sa.select(_d.message)
        .distinct()
        .select_from(_delivering)
        .where(_d.platform == platform, *conditions)
        .order_by(_d.message.desc())
        .limit(limit + 1)
    )
    if before is not None:
        destination = destination.where(_d.message < before)
    found = {*_keys(connection, source), *_keys(connection, destination)}
    return sorted(found, reverse=True)[: limit + 1]


# ── deliveries ────────────────────────────────────────────────────────────────────────────────
def _shown_as(connection: sa.Connection, state: State) -> list[list[Condition]]:
    """Give the ways in which a delivery is shown in a state, each findable in an index."""
    held = sorted(lanes.holds(connection))
    kept = is_state(_d.state, state)
    if state is State.DELIVERED:
        return [[kept]]
    kept = sa.and_(kept, not_delivered(_d.state))
    if state in decisions.SENDABLE:
        return [[kept, _d.platform.not_in(held), ~reading.PARKED]]
    if state is not State.HELD:
        return [[kept]]
    sendable = [_one_of(each) for each in decisions.SENDABLE]
    by_platform = [[each, _d.platform.in_(held)] for each in sendable] if held else []
    return [[kept], *by_platform, [in_states(_d.state, decisions.SENDABLE), _d.position.in_(_behind_dead())]]


def _one_of(state: State) -> Condition:
    return sa.and_(is_state(_d.state, state), not_delivered(_d.state))


def _behind_dead() -> sa.Select[Any]:
    behind = tables.deliveries.alias("behind")
    return sa.select(behind.c.position).where(
        is_state(_dead.c.state, State.DEAD),
        behind.c.lane == _dead.c.lane,
        behind.c.platform == _dead.c.platform,
        behind.c.position > _dead.c.position,
        is_open(behind.c.state),
    )


def find_deliveries(
    connection: sa.Connection, filter: DeliveryFilter, cursor: str | None, limit: int
) -> ResultPage[Delivery]:
    """Find deliveries as they are shown."""
    before = decisions.read_cursor(cursor)
    conditions: list[Condition] = []
    if filter.platform is not None:
        conditions.append(_d.platform == filter.platform)
    if filter.message_id is not None:
        conditions.append(_d.message.in_(sa.select(_m.seq).where(_m.id == filter.message_id)))
    if before is not None:
        conditions.append(_d.position < before)
    ways: list[list[Condition]] = [[]] if filter.state is None else _shown_as(connection, filter.state)
    positions = {
        position
        for way in ways
        for position in _keys(
            connection,
            sa.select(_d.position).where(*way, *conditions).order_by(_d.position.desc()).limit(limit + 1),
        )
    }
    newest = sorted(positions, reverse=True)[: limit + 1]
    query = sa.select(*reading.SHOWN_COLUMNS).select_from(_delivering).where(_d.position.in_(newest))
    found = connection.execute(query.order_by(_d.position.desc())).fetchall()
    return _page(found, DELIVERY.at("position"), lambda page: reading.as_shown(connection, page), limit)


def backlog(connection: sa.Connection) -> Sequence[Backlog]:
    """Count what is not settled, as it is shown."""
    kept = (_d.platform, _d.kind, _d.state, _d.held_by, reading.PARKED.label("parked"))
    query = (
        sa.select(*kept, sa.func.count(), sa.func.min(_d.created_at))
        .where(
            in_states(_d.state, set(State) - SETTLED),
            not_delivered(_d.state),
        )
        .group_by(*kept[:-1], sa.literal_column("parked"))
    )
    holds = lanes.holds(connection)
    groups: dict[tuple[str | None, str, State, HeldBy | None], Backlog] = {}
    for row in connection.execute(query):
        _count(groups, row, holds)
    return list(groups.values())


def _count(
    groups: dict[tuple[str | None, str, State, HeldBy | None], Backlog], row: Sequence[Any], holds: lanes.Holds
) -> None:
    platform, kind, kept, kept_by, parked, count, oldest = row
    before = State(kept), HeldBy(kept_by) if kept_by else None
    state, held_by = decisions.shown_state(*before, holds.get(platform, ()), parked=bool(parked))
    group = (platform, kind, state, held_by)
    here = groups.get(group)
    groups[group] = Backlog(
        *group,
        count=count + (here.count if here else 0),
        oldest=min(moment(oldest), here.oldest) if here else moment(oldest),
    )


# ── the rest ──────────────────────────────────────────────────────────────────────────────────
def find_rejections(
    connection: sa.Connection, platform: str | None, cursor: str | None, limit: int
) -> ResultPage[Rejection]:
    """Find rejections."""
    before = decisions.read_cursor(cursor)
    query = sa.select(*REJECTION.select(tables.rejections)).order_by(_j.seq.desc()).limit(limit + 1)
    if platform is not None:
        query = query.where(_j.platform == platform)
    if before is not None:
        query = query.where(_j.seq < before)
    found = connection.execute(query).fetchall()
    return _page(found, REJECTION.at("seq"), lambda page: [REJECTION.read(row) for row in page], limit)


def dossier(connection: sa.Connection, credit_code: str, types: Sequence[str], limit: int) -> Sequence[Message]:
    """Give the latest message of each identity about an enterprise."""
    about = sa.select(_k.message).where(_k.value == credit_code, _k.name == "credit_code")
    newest = (
        sa.select(sa.func.max(_m.seq))
        .where(_m.seq.in_(about), _unindexed(_m.type).in_(list(types)))
        .group_by(_m.source, _m.operation, _m.identity)
    )
    query = sa.select(*rows.MESSAGE_COLUMNS).select_from(_stored).where(_m.seq.in_(newest))
    return [rows.message(row) for row in connection.execute(query.order_by(_m.seq.desc()).limit(limit))]


def bulk_replays(connection: sa.Connection, *, unfinished: bool) -> Sequence[BulkReplay]:
    """Give the bulk replays, newest first."""
    query = sa.select(tables.replays.c.content).order_by(tables.replays.c.seq.desc())
    if unfinished:
        query = query.where(tables.replays.c.finished.is_(sa.false()))
    return list(map(rows.bulk_replay, connection.scalars(query)))
