"""Reconciliation: what was exchanged with a platform on a day, its own list beside it, and what it lacks again."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from io import StringIO
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from gateway.access import Principal
from gateway.api.approvals import WAITS, Waiting
from gateway.api.deliveries import ReplayReason
from gateway.api.limits import StreamedRoute, StrictRoute
from gateway.api.models import Moment, RestModel, in_utc
from gateway.api.openapi import problems
from gateway.api.platforms import platform_in_sight
from gateway.api.replays import BulkReplayView, asked_later, replay_view
from gateway.api.rights import Actor, Caller, Intends, TheHub, searched_platform
from gateway.api.sight import Sight, TheSight
from gateway.errors import Invalid
from gateway.hub import Hub
from gateway.hub.reconciliation import ComparedList, DayStatement, no_comparison
from gateway.ledger.reconciled import Direction, Exchanged
from schemas.findings import Text

PATH = "/v1/reconciliation"
"""Where lists are handed in."""

LARGEST = 128 * 1024 * 1024
"""Bytes of a list."""

CSV = "text/csv"
NDJSON = "application/x-ndjson"

_COLUMNS = ("id", "type", "at", "digest")
_NOT_YOURS = Text("平台只能核对自己的收发", "A platform reconciles only what it exchanged itself")
_UNNAMED = Text("请用 platform 指定要核对的平台", "Name the platform to reconcile with: ?platform=")


class TypeCount(RestModel):
    """How many documents of a type were exchanged, and their digest."""

    type: str
    count: int
    digest: str = Field(description="SHA-256 of the lines `id digest`, sorted, each ended by a line feed")


class DirectionCount(RestModel):
    """What went in one direction, in all and by type."""

    count: int
    digest: str
    types: list[TypeCount]


class StatementView(RestModel):
    """What was exchanged with a platform on a day."""

    platform: str
    day: date
    since: datetime
    until: datetime = Field(description="What came later is not counted: the day's end, or now")
    delivered: DirectionCount = Field(description="Deliveries that the platform accepted; ids are those of deliveries")
    accepted: DirectionCount = Field(description="Messages that came from the platform; ids are those of messages")
    pruned_until: datetime | None = Field(description="Messages up to then may have been pruned, and are not counted")


class FoundView(RestModel):
    """One document on which the two sides differ."""

    id: str = Field(description="As it was listed; ours where it was not")
    type: str | None
    at: datetime | None = Field(description="When it was exchanged")
    state: str | None
    digest: str | None = Field(description="What the gateway has: SHA-256, hexadecimal")
    listed: str | None = Field(description="What the list says")


class ComparisonView(RestModel):
    """What a platform's list of a day came to. Of each sort 1000 are named at most, and all counted."""

    id: str = Field(description="What `resend` is told; kept for 30 days")
    platform: str
    direction: Direction
    day: date
    until: datetime = Field(description="What was exchanged later is not missed")
    listed: int = Field(description="Lines of the list")
    digest: str = Field(description="Of the list: equal to the statement's when both have the same ids and digests")
    sound: bool = Field(description="False: empty, or of another day; nothing is sent again by it")
    counts: dict[str, int]
    missing: list[FoundView] = Field(description="The gateway has it, the list does not")
    unknown: list[FoundView] = Field(description="The list has it, the gateway does not")
    different: list[FoundView] = Field(description="Both have it, with other digests")
    other_day: list[FoundView] = Field(description="Listed, and exchanged on another day")
    undelivered: list[FoundView] = Field(description="Listed, and no acceptance is recorded yet: see `state`")
    twice: list[FoundView] = Field(description="Listed more than once")
    resent: list[FoundView] = Field(description="Not listed, and a replay stands for it already")
    pruned_until: datetime | None


class ResendRequest(ReplayReason):
    """Send again what a reconciliation found missing."""

    reconciliation_id: str = Field(max_length=100)


router = APIRouter(prefix=PATH, tags=["deliveries"], route_class=StrictRoute)

AskedPlatform = Annotated[
    str | None, Query(max_length=100, description="A platform may leave its own out", examples=["penalty.330000"])
]
AskedDay = Annotated[date, Query(description="A day in the gateway's zone", examples=["2026-11-28"])]
AskedDirection = Annotated[
    Direction, Query(description="delivered: gateway to platform; accepted: platform to gateway")
]
Accepts = Annotated[str, Header(include_in_schema=False)]

_BINARY: Mapping[str, Any] = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "",
    summary="What was exchanged on a day · 当日对账",
    responses={
        **problems(401, 403, 404, 422, 429, 503),
        200: {"description": "JSON, or CSV as `Accept` says", "content": {CSV: _BINARY}},
    },
    response_model=StatementView,
)
async def show(
    hub: TheHub, caller: Caller, sight: TheSight, day: AskedDay, platform: AskedPlatform = None, accept: Accepts = ""
) -> Any:
    """Count what was delivered to a platform on a day and what was accepted from it, by type, each with a digest."""
    said = _view(await hub.reconciliation.statement(await _chosen(hub, caller, sight, platform), day))
    if CSV not in accept:
        return said
    rows = [
        (direction, one.type, one.count, one.digest)
        for direction, counted in (("delivered", said.delivered), ("accepted", said.accepted))
        for one in (TypeCount(type="", count=counted.count, digest=counted.digest), *counted.types)
    ]
    content = _csv([("direction", "type", "count", "digest"), *rows])
    return Response(content, media_type=CSV, headers=_file(said.platform, day, "csv"))


@router.get(
    "/lines",
    summary="Everything that was exchanged on a day · 当日明细",
    responses={
        **problems(401, 403, 404, 422),
        200: {"description": "NDJSON, or CSV as `Accept` says", "content": {NDJSON: _BINARY, CSV: _BINARY}},
    },
    response_class=StreamingResponse,
)
async def lines(
    hub: TheHub,
    caller: Caller,
    sight: TheSight,
    day: AskedDay,
    platform: AskedPlatform = None,
    direction: AskedDirection = Direction.DELIVERED,
    accept: Accepts = "",
) -> StreamingResponse:
    """Give id, type, moment and digest of each document, the oldest first, as a stream."""
    chosen = await _chosen(hub, caller, sight, platform)
    pages = hub.reconciliation.lines(chosen, direction, day)
    as_csv = CSV in accept
    headers = _file(f"{chosen}-{direction}", day, "csv" if as_csv else "ndjson")
    return StreamingResponse(_written(pages, as_csv=as_csv), media_type=CSV if as_csv else NDJSON, headers=headers)


async def compare(
    hub: TheHub,
    caller: Caller,
    sight: TheSight,
    actor: Actor,
    request: Request,
    day: AskedDay,
    platform: AskedPlatform = None,
    direction: AskedDirection = Direction.DELIVERED,
    as_of: Moment = None,
    content_type: Annotated[str, Header(include_in_schema=False)] = NDJSON,
) -> ComparisonView:
    """Compare a platform's own list of a day with what the gateway has: what either side lacks, differs, is twice.

    A line is an id and, if wanted, a digest. `as_of`: when the list was made; what was exchanged later is not missed.
    Nothing is sent again by this.
    """
    chosen = await _chosen(hub, caller, sight, platform)
    is_csv = content_type.partition(";")[0].strip().lower() == CSV
    compared = await hub.reconciliation.compare(
        chosen, direction, day, actor, request.stream(), is_csv=is_csv, as_of=in_utc(as_of, hub.zone)
    )
    return _compared(compared)


router.add_api_route(
    "",
    compare,
    methods=["POST"],
    summary="Compare a platform's own list · 比对平台清单",
    responses=problems(400, 401, 403, 404, 408, 413, 415, 422, 429, 503),
    route_class_override=StreamedRoute,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "每行一个编号，可带摘要 · an id a line, with a digest if wanted",
            "content": {NDJSON: _BINARY, CSV: _BINARY},
        }
    },
)


@router.post(
    "/resend",
    status_code=202,
    summary="Send again what was missing · 补发缺失",
    responses=problems(400, 401, 403, 404, 409, 415, 422) | WAITS,
    response_model=BulkReplayView | Waiting,
)
async def resend(hub: TheHub, sight: TheSight, intends: Intends, order: ResendRequest) -> Any:
    """Replay exactly what a reconciliation found missing, as a bulk replay of the same id, once however often asked.

    What was sent again meanwhile is passed over, and what a lane has moved on from, too, unless `stale_ok`.
    """
    comparison, chosen = await hub.reconciliation.to_resend(order.reconciliation_id)
    if not sight.platform(comparison.platform):
        raise no_comparison(order.reconciliation_id)
    intent = intends(order.reason)
    shown = {"platform": comparison.platform, "day": comparison.day, "missing": comparison.counts["missing"]}
    later = await asked_later(hub, chosen, intent, shown, stale_ok=order.stale_ok)
    if later is not None:
        return later
    return replay_view(await hub.replays.begin(chosen, intent, stale_ok=order.stale_ok))


async def _chosen(hub: Hub, caller: Principal, sight: Sight, asked: str | None) -> str:
    """Give the platform that is meant; Forbidden for another's, NotFound for one that is not there."""
    platform = searched_platform(caller, asked, _NOT_YOURS)
    if platform is None:
        raise Invalid(_UNNAMED, code="platform.unnamed")
    return (await platform_in_sight(hub, sight, platform)).id


def _view(said: DayStatement) -> StatementView:
    counted = {
        direction.value: DirectionCount(
            count=counts[""].count,
            digest=counts[""].digest,
            types=[TypeCount(type=name, count=one.count, digest=one.digest) for name, one in counts.items() if name],
        )
        for direction, counts in said.counts.items()
    }
    day = date.fromisoformat(said.day.name)
    times = {"since": said.day.since, "until": said.until, "pruned_until": said.pruned_until}
    return StatementView(platform=said.platform, day=day, **times, **counted)


def _compared(compared: ComparedList) -> ComparisonView:
    one = compared.comparison
    kept = {name: getattr(one, name) for name in ComparisonView.model_fields if name in one.__struct_fields__}
    found = {sort: [FoundView.of(each) for each in each_found] for sort, each_found in compared.found.items()}
    return ComparisonView(**{**kept, "day": date.fromisoformat(one.day)}, **found, pruned_until=compared.pruned_until)


async def _written(pages: AsyncIterator[Sequence[Exchanged]], *, as_csv: bool) -> AsyncIterator[bytes]:
    if as_csv:
        yield _csv([_COLUMNS])
    async for page in pages:
        rows = [
            (one.id, one.type, one.at.isoformat() if one.at else "", one.digest.hex() if one.digest else "")
            for one in page
        ]
        if as_csv:
            yield _csv(rows)
        else:
            yield b"".join(
                orjson.dumps(dict(zip(_COLUMNS, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE) for row in rows
            )


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    written = StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode()


def _file(name: str, day: date, suffix: str) -> dict[str, str]:
    said = f'attachment; filename="hutong-{name}-{day.isoformat()}.{suffix}"'
    return {"Content-Disposition": said, "Vary": "Accept"}
