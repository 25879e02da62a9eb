"""Rows to records and back, where a record is more than the columns of one table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from msgspec import Struct, to_builtins
from msgspec.structs import asdict

from adapters.base import OutboundRequest
from gateway.audit.hashing import sha256
from gateway.ledger.records import BulkReplay, DeliveryFilter, Rejection, ReplayCount
from gateway.ledger.sql.codecs import micros, moment, text, unpack
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.encryption import AtRest, at_rest
from gateway.ledger.sql.tables import DELIVERY, MESSAGE, REQUEST, deliveries, documents, messages, requests
from gateway.message import Delivery, Enriched, Message

MESSAGE_COLUMNS = MESSAGE.select(messages, document=documents.c.content)
DELIVERY_COLUMNS = DELIVERY.select(deliveries, message_id=messages.c.id)
REQUEST_COLUMNS = REQUEST.select(requests)
_HEADERS, _HEAD, _MESSAGE = MESSAGE.at("headers"), DELIVERY.at("head"), DELIVERY.at("message")
_CORRELATION, _METHOD = MESSAGE.at("correlation_id"), REQUEST.at("method")


# ── messages ──────────────────────────────────────────────────────────────────────────────────
def headers_of(message: Message, numbers: Mapping[str, str]) -> str:
    """Write what only some messages have, and the issued numbers that this one names."""
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
    """Read a message from `MESSAGE_COLUMNS`."""
    headers = orjson.loads(row[_HEADERS])
    return MESSAGE.read(
        row,
        keys=headers.get("keys", {}),
        enriched={field: Enriched(*each) for field, each in headers.get("enriched", {}).items()},
        raw_numbers=headers.get("raw", {}),
        warnings=tuple(headers.get("warnings", ())),
    )


def correlation(row: Row) -> str:
    """Read the correlation of a message from `MESSAGE_COLUMNS`."""
    return str(row[_CORRELATION])


def numbers(row: Row) -> Mapping[str, str]:
    """Read the issued numbers that a message names from `MESSAGE_COLUMNS`."""
    return numbers_in(row[_HEADERS])


def numbers_in(headers: str) -> Mapping[str, str]:
    """Read the issued numbers that a message names from its headers."""
    found: Mapping[str, str] = orjson.loads(headers).get("numbers", {})
    return found


def raw_numbers_in(headers: str) -> Mapping[str, str]:
    """Read the sender's own numbers that were replaced from a message's headers."""
    found: Mapping[str, str] = orjson.loads(headers).get("raw", {})
    return found


# ── deliveries and requests ───────────────────────────────────────────────────────────────────
class StoredDelivery(Struct, frozen=True):
    """A delivery as it is kept, whether it is the head of its lane, and the seq of its message."""

    delivery: Delivery
    head: bool
    message: int


def stored(row: Row) -> StoredDelivery:
    """Read a delivery and what is kept with it from `DELIVERY_COLUMNS`."""
    return StoredDelivery(DELIVERY.read(row), bool(row[_HEAD]), row[_MESSAGE])


def request(row: Row, kept: AtRest) -> OutboundRequest | None:
    """Read a request from `REQUEST_COLUMNS`; None where an outer join found none."""
    return None if row[_METHOD] is None else REQUEST.read(row, at_rest=kept)


def sent(connection: sa.Connection, position: int, body: bytes | None) -> bytes:
    """Give the SHA-256 of the bytes that were sent of a delivery, kept in `body`; of none where they were let go."""
    return sha256(unpack(at_rest(connection).read("requests.body", position, body)) if body is not None else b"")


# ── rejections in a receipt, and bulk replays ─────────────────────────────────────────────────
def plain_rejection(rejection: Rejection) -> dict[str, Any]:
    """Write a rejection as JSON values by attribute."""
    values = asdict(rejection)
    return {**values, "received_at": micros(rejection.received_at), "problem": dict(rejection.problem)}


def rejection(values: Mapping[str, Any]) -> Rejection:
    """Read what `plain_rejection` wrote."""
    return Rejection(**{**values, "received_at": moment(values["received_at"])})


def from_bulk_replay(replay: BulkReplay) -> str:
    """Write a bulk replay."""
    return text(to_builtins(replay))


def bulk_replay(content: str) -> BulkReplay:
    """Read a bulk replay."""
    values = orjson.loads(content)
    looked_for = _with_moments(values.pop("filter"), "since", "until")
    counts = tuple(ReplayCount(**each) for each in values.pop("counts", ()))
    values = _with_moments(values, "created_at", "finished_at", "cancelled_at")
    return BulkReplay(filter=DeliveryFilter(**looked_for), counts=counts, **values)


def _with_moments(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {**values, **{name: datetime.fromisoformat(values[name]) for name in names if values.get(name)}}
