"""Messages and deliveries to rows and back, column by column in one fixed order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.ledger.sql import tables
from gateway.ledger.sql.packing import text, unpack_json
from gateway.ledger.sql.times import micros, micros_or_none, moment, moment_or_none
from gateway.message import Delivery, Enriched, HeldBy, Message, State

Row = Sequence[Any]

# ── messages ──────────────────────────────────────────────────────────────────────────────────
_m = tables.messages.c
MESSAGE_COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    _m.place,
    _m.id,
    _m.type,
    _m.source,
    _m.operation,
    _m.adapter,
    _m.region,
    _m.ordering_key,
    _m.correlation_id,
    _m.received_at,
    _m.identity,
    _m.digest,
    _m.causation_id,
    _m.corrects,
    _m.trace_id,
    _m.headers,
)
STORED_COLUMNS = (*MESSAGE_COLUMNS, tables.documents.c.content)
STORED = len(STORED_COLUMNS)


def from_message(message: Message, numbers: Mapping[str, str], place: int, body: int, record: int) -> Row:
    """Write a message without its document."""
    return (
        place,
        message.id,
        message.type,
        message.source,
        message.operation,
        message.adapter,
        message.region,
        message.ordering_key,
        message.correlation_id,
        micros(message.received_at),
        message.identity,
        message.digest,
        message.causation_id,
        message.corrects,
        message.trace_id,
        _headers(message, numbers),
        body,
        record,
    )


def _headers(message: Message, numbers: Mapping[str, str]) -> str:
    headers: dict[str, Any] = {}
    if message.keys:
        headers["keys"] = dict(message.keys)
    if numbers:
        headers["numbers"] = dict(numbers)
    if message.raw_numbers:
        headers["raw"] = dict(message.raw_numbers)
    if message.enriched:
        headers["enriched"] = {field: [each.value, each.message_id] for field, each in message.enriched.items()}
    if message.warnings:
        headers["warnings"] = [dict(warning) for warning in message.warnings]
    return text(headers)


def message(row: Row) -> Message:
    """Read a message from `STORED_COLUMNS`."""
    headers = orjson.loads(row[15])
    return Message(
        id=row[1],
        type=row[2],
        document=unpack_json(row[16]),
        source=row[3],
        operation=row[4],
        adapter=row[5],
        region=row[6],
        ordering_key=row[7],
        correlation_id=row[8],
        received_at=moment(row[9]),
        identity=row[10],
        digest=row[11],
        keys=headers.get("keys", {}),
        causation_id=row[12],
        corrects=row[13],
        enriched={field: Enriched(*each) for field, each in headers.get("enriched", {}).items()},
        raw_numbers=headers.get("raw", {}),
        warnings=tuple(headers.get("warnings", ())),
        trace_id=row[14],
    )


def correlation(row: Row) -> str:
    """Read the correlation of a message, from `MESSAGE_COLUMNS`."""
    return str(row[8])


def numbers(row: Row) -> Mapping[str, str]:
    """Read the issued numbers a message speaks of, from `MESSAGE_COLUMNS`."""
    found: Mapping[str, str] = orjson.loads(row[15]).get("numbers", {})
    return found


# ── deliveries ────────────────────────────────────────────────────────────────────────────────
_d = tables.deliveries.c
DELIVERY_COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    _d.position,
    _d.id,
    _m.id,
    _d.type,
    _d.kind,
    _d.platform,
    _d.lane,
    _d.state,
    _d.created_at,
    _d.held_by,
    _d.due_at,
    _d.attempts,
    _d.in_doubt,
    _d.adapter,
    _d.reference,
    _d.reason,
    _d.code,
    _d.changed_at,
    _d.trying_since,
    _d.replay_of,
    _d.head,
    _d.message,
)
DELIVERY = len(DELIVERY_COLUMNS)
PLATFORM, STATE, HEAD, MESSAGE = 5, 7, 20, 21


def delivery(row: Row) -> Delivery:
    """Read a delivery as it is kept from `DELIVERY_COLUMNS`."""
    return Delivery(
        position=row[0],
        id=row[1],
        message_id=row[2],
        type=row[3],
        kind=row[4],
        platform=row[5],
        lane=row[6],
        state=State(row[7]),
        created_at=moment(row[8]),
        held_by=HeldBy(row[9]) if row[9] else None,
        due_at=moment_or_none(row[10]),
        attempts=row[11],
        in_doubt=bool(row[12]),
        adapter=row[13],
        reference=row[14],
        reason=row[15],
        code=row[16],
        changed_at=moment_or_none(row[17]),
        trying_since=row[18],
        replay_of=row[19],
    )


INSERTED = (
    "position",
    "id",
    "message",
    "type",
    "kind",
    "platform",
    "lane",
    "state",
    "head",
    "created_at",
    "held_by",
    "due_at",
    "attempts",
    "in_doubt",
    "adapter",
    "reference",
    "reason",
    "code",
    "changed_at",
    "trying_since",
    "replay_of",
)


def from_delivery(delivery: Delivery, message: int, *, head: bool) -> Row:
    """Write a new delivery in the order of `INSERTED`."""
    return (
        delivery.position,
        delivery.id,
        message,
        delivery.type,
        delivery.kind,
        delivery.platform,
        delivery.lane,
        delivery.state.value,
        head,
        micros(delivery.created_at),
        delivery.held_by,
        micros_or_none(delivery.due_at),
        delivery.attempts,
        delivery.in_doubt,
        delivery.adapter,
        delivery.reference,
        delivery.reason,
        delivery.code,
        micros_or_none(delivery.changed_at),
        delivery.trying_since,
        delivery.replay_of,
    )


CHANGED = (
    "state",
    "head",
    "held_by",
    "due_at",
    "attempts",
    "in_doubt",
    "adapter",
    "reference",
    "reason",
    "code",
    "changed_at",
    "trying_since",
    "position",
)


def from_change(delivery: Delivery, *, head: bool) -> Row:
    """Write what a step changed in the order of `CHANGED`."""
    return (
        delivery.state.value,
        head,
        delivery.held_by,
        micros_or_none(delivery.due_at),
        delivery.attempts,
        delivery.in_doubt,
        delivery.adapter,
        delivery.reference,
        delivery.reason,
        delivery.code,
        micros_or_none(delivery.changed_at),
        delivery.trying_since,
        delivery.position,
    )
