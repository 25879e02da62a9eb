"""Finding many things, newest first, each through the index that finds the fewest; and counts that are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.records import AuditEntry, AuditFilter, DeliveryFilter, MessageFilter, Rejection, ResultPage
from gateway.ledger.sql import overlay, rows, tables
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.tables import AUDIT, DELIVERY, MESSAGE, REJECTION
from gateway.message import Delivery, Message, State
from schemas.identifiers.folding import comparison_key

T = TypeVar("T")
Condition = sa.ColumnElement[bool]

_m, _d, _k, _j, _a = (
    tables.messages.c,
    tables.deliveries.c,
    tables.search_keys.c,
    tables.rejections.c,
    tables.audit.c,
)
_stored = tables.messages.join(tables.documents)
_delivering = tables.deliveries.join(tables.messages)
_any_of = tables.deliveries.alias("any_of")


def _page(found: Sequence[Row], key: int, read: Callable[[Sequence[Row]], Sequence[T]], limit: int) -> ResultPage[T]:
    """Give the first `limit` of what was found; `key`: where in a row the number stands that a cursor names."""
    more = str(found[limit - 1][key]) if len(found) > limit else None
    return ResultPage(tuple(read(found[:limit])), more)


def _keys(connection: sa.Connection, query: sa.Select[Any]) -> list[int]:
    return list(connection.scalars(query))


def _unindexed(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Compare a column without its index, where another one finds fewer."""
    return sa.func.coalesce(column, None)


def _between(column: sa.ColumnElement[Any], since: datetime | None, until: datetime | None) -> list[Condition]:
    from_then = [] if since is None else [column >= micros(since)]
    return from_then if until is None else [*from_then, column < micros(until)]


def _by_time(query: sa.Select[Any], time: sa.Column[Any], key: sa.Column[Any], before: int | None) -> sa.Select[Any]:
    """Order by time and then by number, after the row that a cursor names."""
    newest = query.order_by(time.desc(), key.desc())
    if before is None:
        return newest
    last = time.table.alias("last")
    moment = sa.select(last.c[time.name]).where(last.c[key.name] == before).scalar_subquery()
    same_moment = sa.and_(time == moment, _unindexed(key) >= before)
    return newest.where(time <= moment, ~same_moment)


def _by_number(query: sa.Select[Any], key: sa.Column[Any], before: int | None) -> sa.Select[Any]:
    newest = query.order_by(key.desc())
    return newest if before is None else newest.where(key < before)


# ── messages ──────────────────────────────────────────────────────────────────────────────────
def find_messages(
    connection: sa.Connection, filter: MessageFilter, cursor: str | None, limit: int
) -> ResultPage[Message]:
    """Find messages: by number, case or state where one is given, else by time, else by platform or type."""
    decisions.check_shown(filter.state)
    before = decisions.read_cursor(cursor)
    conditions = _message_conditions(connection, filter)
    query = sa.select(_m.seq).where(*conditions).limit(limit + 1)
    order: tuple[sa.ColumnElement[Any], ...] = (_m.seq.desc(),)
    if filter.platform is not None and not _finds_few(filter) and not _by_moment(filter):
        seqs = _at_platform(connection, filter.platform, query, conditions, before, limit)
    elif _by_moment(filter):
        order = (_m.received_at.desc(), _m.seq.desc())
        seqs = _keys(connection, _by_time(query, _m.received_at, _m.seq, before))
    else:
        seqs = _keys(connection, _by_number(query, _m.seq, before))
    found = sa.select(*rows.MESSAGE_COLUMNS).select_from(_stored).where(_m.seq.in_(seqs)).order_by(*order)
    return _page(connection.execute(found).fetchall(), MESSAGE.at("seq"), _messages, limit)


def _messages(found: Sequence[Row]) -> list[Message]:
    return [rows.message(row) for row in found]


def _named(filter: MessageFilter) -> bool:
    return bool(filter.correlation_id or filter.case_number or filter.credit_code)


def _finds_few(filter: MessageFilter) -> bool:
    return _named(filter) or filter.state not in (None, State.DELIVERED)


def _by_moment(filter: MessageFilter) -> bool:
    return not _finds_few(filter) and (filter.since or filter.until) is not None


def _message_conditions(connection: sa.Connection, filter: MessageFilter) -> list[Condition]:
    conditions = [*_by_words(filter), *_by_state(connection, filter)]
    received = _m.received_at if _by_moment(filter) else _unindexed(_m.received_at)
    conditions += _between(received, filter.since, filter.until)
    if filter.type is not None:
        alone = not (_finds_few(filter) or _by_moment(filter) or filter.platform)
        conditions.append((_m.type if alone else _unindexed(_m.type)) == filter.type)
    if filter.platform is not None and (_finds_few(filter) or _by_moment(filter)):
        conditions.append(_partakes(filter.platform))
    return conditions


def _by_words(filter: MessageFilter) -> list[Condition]:
    numbers = {"case_number": filter.case_number, "credit_code": filter.credit_code}
    keys: list[Condition] = [
        _m.seq.in_(sa.select(_k.message).where(_k.value == comparison_key(value), _k.name == name))
        for name, value in numbers.items()
        if value is not None
    ]
    return keys if filter.correlation_id is None else [*keys, _m.correlation_id == filter.correlation_id]


def _by_state(connection: sa.Connection, filter: MessageFilter) -> list[Condition]:
    if filter.state is None:
        return []
    holds = overlay.holds(connection)
    if _named(filter) or filter.state == State.DELIVERED:
        return [sa.exists().where(_any_of.c.message == _m.seq, overlay.shown_as(_any_of.c, filter.state, holds))]
    ways = [sa.select(_d.message).where(*way) for way in overlay.ways_to_find(filter.state, holds)]
    return [_m.seq.in_(sa.union_all(*ways))]


def _partakes(platform: str) -> Condition:
    sent_to = sa.exists().where(_any_of.c.message == _m.seq, _any_of.c.platform == platform)
    return sa.or_(_unindexed(_m.source) == platform, sent_to)


def _at_platform(
    connection: sa.Connection,
    platform: str,
    query: sa.Select[Any],
    conditions: Iterable[Condition],
    before: int | None,
    limit: int,
) -> list[int]:
    """Look for a platform as source and as destination apart, each in its own index."""
    source = _by_number(query.where(_m.source == platform), _m.seq, before)
    sent_to = sa.select(_d.message).distinct().select_from(_delivering).where(_d.platform == platform, *conditions)
    destination = _by_number(sent_to.limit(limit + 1), _d.message, before)
    found = {*_keys(connection, source), *_keys(connection, destination)}
    return sorted(found, reverse=True)[: limit + 1]


# ── deliveries ────────────────────────────────────────────────────────────────────────────────
def find_deliveries(
    connection: sa.Connection, filter: DeliveryFilter, cursor: str | None, limit: int
) -> ResultPage[Delivery]:
    """Find deliveries as they are shown: by message or state where one is given, else by time, else by platform."""
    decisions.check_shown(filter.state)
    before = decisions.read_cursor(cursor)
    order: tuple[sa.ColumnElement[Any], ...] = (_d.position.desc(),)
    if _by_birth(filter):
        order = (_d.created_at.desc(), _d.position.desc())
    positions = {
        position
        for way in _delivery_ways(connection, filter)
        for position in _keys(connection, _delivery_query(filter, way, before).limit(limit + 1))
    }
    query = sa.select(*overlay.SHOWN_COLUMNS).select_from(_delivering).where(_d.position.in_(positions))
    found = connection.execute(query.order_by(*order).limit(limit + 1)).fetchall()
    return _page(found, DELIVERY.at("position"), lambda page: overlay.as_shown(connection, page), limit)


def _by_birth(filter: DeliveryFilter) -> bool:
    few = filter.message_id is not None or filter.state not in (None, State.DELIVERED)
    return not few and (filter.since or filter.until) is not None


def _delivery_ways(connection: sa.Connection, filter: DeliveryFilter) -> list[list[Condition]]:
    if filter.state is None:
        return [[]]
    holds = overlay.holds(connection)
    if filter.message_id is not None:
        return [[overlay.shown_as(_d, filter.state, holds)]]
    return overlay.ways_to_find(filter.state, holds, filter.platform)


def _delivery_query(filter: DeliveryFilter, way: Sequence[Condition], before: int | None) -> sa.Select[Any]:
    conditions = [*way]
    if filter.message_id is not None:
        conditions.append(_d.message == sa.select(_m.seq).where(_m.id == filter.message_id).scalar_subquery())
    if filter.platform is not None:
        conditions.append((_unindexed(_d.platform) if _by_birth(filter) else _d.platform) == filter.platform)
    for column, value in ((_d.type, filter.type), (_d.code, filter.code)):
        if value is not None:
            conditions.append(column == value)
    created = _d.created_at if _by_birth(filter) else _unindexed(_d.created_at)
    query = sa.select(_d.position).where(*conditions, *_between(created, filter.since, filter.until))
    if _by_birth(filter):
        return _by_time(query, _d.created_at, _d.position, before)
    return _by_number(query, _d.position, before)


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
    about = sa.select(_k.message).where(_k.value == comparison_key(credit_code), _k.name == "credit_code")
    newest = (
        sa.select(sa.func.max(_m.seq))
        .where(_m.seq.in_(about), _unindexed(_m.type).in_(list(types)))
        .group_by(_m.source, _m.operation, _m.identity)
    )
    query = sa.select(*rows.MESSAGE_COLUMNS).select_from(_stored).where(_m.seq.in_(newest))
    return [rows.message(row) for row in connection.execute(query.order_by(_m.seq.desc()).limit(limit))]


def find_audit(
    connection: sa.Connection, filter: AuditFilter, cursor: str | None, limit: int
) -> ResultPage[AuditEntry]:
    """Find entries of the audit."""
    before = decisions.read_cursor(cursor)
    asked = ((_a.subject, filter.subject), (_a.actor, filter.actor), (_a.action, filter.action))
    conditions = [column == value for column, value in asked if value is not None]
    conditions += _between(_a.at, filter.since, filter.until)
    query = _by_number(sa.select(*AUDIT.select(tables.audit)).where(*conditions), _a.seq, before)
    found = connection.execute(query.limit(limit + 1)).fetchall()
    return _page(found, AUDIT.at("seq"), lambda page: [AUDIT.read(row) for row in page], limit)
