"""What stands around messages and deliveries, to rows and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from adapters.base import OutboundRequest
from gateway.ledger.records import AuditEntry, BulkReplay, DeliveryFilter, Platform, Rejection
from gateway.ledger.sql import tables
from gateway.ledger.sql.packing import pack, pack_words, text, unpack, unpack_json
from gateway.ledger.sql.times import micros, micros_or_none, moment, moment_or_none
from gateway.message import Attempt, HeldBy, State

Row = Sequence[Any]

# ── requests and attempts ─────────────────────────────────────────────────────────────────────
_r = tables.requests.c
REQUEST_COLUMNS: tuple[sa.ColumnElement[Any], ...] = (_r.method, _r.path, _r.headers, _r.body)


def from_request(position: int, request: OutboundRequest) -> Row:
    """Write what the first attempt sends."""
    return (position, request.method, request.path, text(dict(request.headers)), pack(request.body))


def request(row: Row) -> OutboundRequest | None:
    """Read a request from `REQUEST_COLUMNS`; None where there is none."""
    if row[0] is None:
        return None
    return OutboundRequest(row[0], row[1], orjson.loads(row[2]), unpack(row[3]))


_a = tables.attempts.c
ATTEMPT_COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    _a.number,
    _a.started_at,
    _a.ended_at,
    _a.verdict,
    _a.status,
    _a.reference,
    _a.reason,
    _a.code,
    _a.reply,
)


def from_attempt(position: int, attempt: Attempt) -> Row:
    """Write an attempt: the delivery's position, then `ATTEMPT_COLUMNS`."""
    return (
        position,
        attempt.number,
        micros(attempt.started_at),
        micros(attempt.ended_at),
        str(attempt.verdict),
        attempt.status,
        attempt.reference,
        attempt.reason,
        attempt.code,
        pack(attempt.reply),
    )


def attempt(delivery_id: str, row: Row) -> Attempt:
    """Read an attempt from `ATTEMPT_COLUMNS`."""
    return Attempt(
        delivery_id=delivery_id,
        number=row[0],
        started_at=moment(row[1]),
        ended_at=moment(row[2]),
        verdict=row[3],
        status=row[4],
        reference=row[5],
        reason=row[6],
        code=row[7],
        reply=unpack(row[8]),
    )


# ── rejections, platforms, audit, replays ─────────────────────────────────────────────────────
_j = tables.rejections.c
REJECTION_COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    _j.place,
    _j.id,
    _j.platform,
    _j.operation,
    _j.received_at,
    _j.record,
    _j.status,
    _j.code,
    _j.problem,
)


def rejection(row: Row) -> Rejection:
    """Read a rejection from `REJECTION_COLUMNS`."""
    return Rejection(row[1], row[2], row[3], moment(row[4]), row[5], row[6], row[7], unpack_json(row[8]))


def from_rejection(rejection: Rejection, body: int) -> Row:
    """Write a rejection: `REJECTION_COLUMNS` without the place, then where its bytes are."""
    return (
        rejection.id,
        rejection.platform,
        rejection.operation,
        micros(rejection.received_at),
        rejection.index,
        rejection.status,
        rejection.code,
        pack_words(rejection.problem),
        body,
    )


def plain_rejection(rejection: Rejection) -> dict[str, Any]:
    """Write a rejection as JSON values by field."""
    return {
        "id": rejection.id,
        "platform": rejection.platform,
        "operation": rejection.operation,
        "received_at": micros(rejection.received_at),
        "index": rejection.index,
        "status": rejection.status,
        "code": rejection.code,
        "problem": dict(rejection.problem),
    }


PLATFORM_COLUMNS: tuple[sa.ColumnElement[Any], ...] = tuple(tables.platforms.c)


def from_platform(platform: Platform) -> dict[str, Any]:
    """Write a platform by column name."""
    return {
        "id": platform.id,
        "kind": platform.kind,
        "region": platform.region,
        "adapter": platform.adapter,
        "version": platform.version,
        "mode": platform.mode,
        "settings": text(dict(platform.settings)),
        "created_at": micros(platform.created_at),
        "holds": " ".join(sorted(platform.holds)),
        "held_seconds": platform.held_seconds,
        "held_since": micros_or_none(platform.held_since),
    }


def platform(row: Row) -> Platform:
    """Read a platform from `PLATFORM_COLUMNS`."""
    return Platform(
        id=row[0],
        kind=row[1],
        region=row[2],
        adapter=row[3],
        version=row[4],
        mode=row[5],
        settings=orjson.loads(row[6]),
        created_at=moment(row[7]),
        holds=frozenset(HeldBy(each) for each in row[8].split()),
        held_seconds=row[9],
        held_since=moment_or_none(row[10]),
    )


_e = tables.audit.c
AUDIT_COLUMNS: tuple[sa.ColumnElement[Any], ...] = (_e.at, _e.actor, _e.action, _e.subject, _e.reason, _e.detail)


def from_audit(entry: AuditEntry) -> Row:
    """Write an audit entry in the order of `AUDIT_COLUMNS`."""
    return (micros(entry.at), entry.actor, entry.action, entry.subject, entry.reason, text(dict(entry.detail)))


def audit(row: Row) -> AuditEntry:
    """Read an audit entry from `AUDIT_COLUMNS`."""
    return AuditEntry(moment(row[0]), row[1], row[2], row[3], row[4], orjson.loads(row[5]))


def from_replay(replay: BulkReplay) -> str:
    """Write a replay of many."""
    return text(asdict(replay))


def replay(content: str) -> BulkReplay:
    """Read a replay of many."""
    values = orjson.loads(content)
    state = values["filter"].pop("state")
    values["filter"] = DeliveryFilter(state=State(state) if state else None, **values["filter"])
    for name in ("created_at", "finished_at"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return BulkReplay(**values)
