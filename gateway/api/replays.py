"""Bulk replays: ask once, or try it dry, then watch how far it has come, and cancel it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from msgspec import to_builtins
from pydantic import Field

from gateway.api.approvals import Waiting, waiting
from gateway.api.deliveries import ReplayReason
from gateway.api.limits import StrictRoute
from gateway.api.models import Instant, Reason, RestModel, in_utc
from gateway.api.openapi import problems
from gateway.api.rights import Intends, TheHub
from gateway.api.sight import Sight, TheSight
from gateway.hub import Hub
from gateway.ledger.errors import no_replay
from gateway.ledger.records import BulkReplay, DeliveryFilter, Intent

Text100 = Annotated[str, Field(max_length=100)]


class BulkReplayFilter(RestModel):
    """Which deliveries to replay: those in one state, and what else is named here must fit as well."""

    state: Literal["dead", "refused", "delivered"] = "dead"
    platform: Text100 | None = Field(default=None, examples=["penalty.330000"])
    message_id: Text100 | None = None
    type: Text100 | None = Field(default=None, examples=["case.transferred"])
    code: Text100 | None = Field(default=None, description="Why it ended as it did", examples=["http.500"])
    since: Instant | None = Field(default=None, description="Made at this time or later")
    until: Instant | None = Field(default=None, description="Made before this time")


class BulkReplayRequest(ReplayReason):
    """A bulk replay. `dry_run`: only tell what would be replayed."""

    filter: BulkReplayFilter
    dry_run: bool = False


class ReplayCountView(RestModel):
    """How many of one platform, type and code were replayed, or would be."""

    platform: str
    type: str
    code: str | None
    count: int


class BulkReplayView(RestModel):
    """How far a bulk replay has come."""

    id: str | None = Field(description="None for a dry run, which is not kept")
    filter: BulkReplayFilter
    reconciliation_id: str | None = Field(description="It sends again only what that one found missing")
    reason: str
    actor: str
    stale_ok: bool
    dry_run: bool
    total: int = Field(description="Found when it began")
    replayed: int
    skipped: int = Field(
        description="Passed over: a later one of its lane is there, it is being replayed, or it stands otherwise by now"
    )
    failed: int = Field(description="The same as `skipped`, under its earlier name", deprecated=True)
    counts: list[ReplayCountView] = Field(description="What was replayed, or for a dry run would be")
    created_at: datetime
    finished_at: datetime | None
    cancelled_at: datetime | None


router = APIRouter(prefix="/v1/replays", tags=["deliveries"], route_class=StrictRoute)

ReplayId = Annotated[str, Path(max_length=100, description="The replay's id")]

_DRY: dict[int | str, dict[str, Any]] = {200: {"model": BulkReplayView, "description": "What a dry run found"}}


@router.post(
    "",
    status_code=202,
    summary="Replay many deliveries · 批量重新投递",
    responses=problems(400, 401, 403, 409, 415, 422) | _DRY,
    response_model=BulkReplayView | Waiting,
)
async def start(hub: TheHub, sight: TheSight, intends: Intends, order: BulkReplayRequest, response: Response) -> Any:
    """Replay everything the filter finds, in the background; errors and restarts of the gateway do not stop it.

    Whoever works for some regions names a platform of theirs. Where four eyes are set, it begins once it is approved.
    """
    chosen = order.filter
    sight.check_platform(chosen.platform)
    times = {"since": in_utc(chosen.since, hub.zone), "until": in_utc(chosen.until, hub.zone)}
    looked_for = DeliveryFilter(**{**chosen.model_dump(), **times})
    intent = intends(order.reason)
    if not order.dry_run:
        shown = {**chosen.model_dump(mode="json", exclude_none=True), "platform": chosen.platform}
        later = await asked_later(hub, looked_for, intent, shown, stale_ok=order.stale_ok)
        if later is not None:
            return later
    replay = await hub.replays.begin(looked_for, intent, stale_ok=order.stale_ok, dry_run=order.dry_run)
    response.status_code = 200 if order.dry_run else 202
    return replay_view(replay)


async def asked_later(
    hub: Hub, looked_for: DeliveryFilter, intent: Intent, shown: Mapping[str, Any], *, stale_ok: bool
) -> Response | None:
    """Have a bulk replay wait for a second person, where four eyes are set for it; None: it may begin at once."""
    kind = hub.approvals.kind_of({"bulk-replay"})
    if kind is None:
        return None
    hub.replays.check(looked_for)
    asked = {"step": "replay", "filter": to_builtins(looked_for), "stale_ok": stale_ok}
    return waiting(await hub.approvals.ask(kind, "replay", asked, shown, intent))


@router.get(
    "/{replay_id}", summary="How far a bulk replay has come · 批量重新投递进度", responses=problems(401, 403, 404)
)
async def show(hub: TheHub, sight: TheSight, replay_id: ReplayId) -> BulkReplayView:
    """Give the counts of a bulk replay, by platform, type and code too."""
    return replay_view(await _in_sight(hub, sight, replay_id))


@router.post(
    "/{replay_id}/cancel",
    summary="Cancel a bulk replay · 取消批量重新投递",
    responses=problems(400, 401, 403, 404, 409, 415, 422),
)
async def cancel(hub: TheHub, sight: TheSight, intends: Intends, replay_id: ReplayId, order: Reason) -> BulkReplayView:
    """End a bulk replay where it is; what was replayed stays replayed, and one that has ended stays as it is."""
    await _in_sight(hub, sight, replay_id)
    return replay_view(await hub.replays.cancel(replay_id, intends(order.reason)))


async def _in_sight(hub: Hub, sight: Sight, replay_id: str) -> BulkReplay:
    replay = await hub.replays.progress(replay_id)
    if not sight.platform(replay.filter.platform):
        raise no_replay(replay_id)
    return replay


def replay_view(replay: BulkReplay) -> BulkReplayView:
    """Show how far a bulk replay has come."""
    shown = {name: getattr(replay, name) for name in BulkReplay.__struct_fields__ if name in _SHOWN}
    chosen = {name: getattr(replay.filter, name) for name in BulkReplayFilter.model_fields}
    return BulkReplayView(
        **shown,
        id=None if replay.dry_run else replay.id,
        filter=BulkReplayFilter.model_validate(chosen),
        failed=replay.skipped,
        reconciliation_id=replay.filter.comparison,
        counts=[ReplayCountView.of(one) for one in replay.counts],
    )


_SHOWN = BulkReplayView.model_fields.keys() - {"id", "filter", "failed", "counts", "reconciliation_id"}
