"""Bulk replays: ask once, then watch how far it has come."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path

from gateway.api.deliveries import ReplayReason
from gateway.api.limits import StrictRoute
from gateway.api.models import RestModel
from gateway.api.openapi import problems
from gateway.api.rights import Actor, TheHub
from gateway.ledger.records import BulkReplay, DeliveryFilter
from gateway.message import State


class BulkReplayFilter(RestModel):
    """Which deliveries to replay: those in one state, of one platform or of one message where they are named."""

    state: Literal["dead", "refused", "delivered"] = "dead"
    platform: str | None = None
    message_id: str | None = None


class BulkReplayRequest(ReplayReason):
    """A bulk replay."""

    filter: BulkReplayFilter


class BulkReplayView(RestModel):
    """How far a bulk replay has come."""

    id: str
    filter: BulkReplayFilter
    reason: str
    actor: str
    stale_ok: bool
    total: int
    replayed: int
    failed: int
    created_at: datetime
    finished_at: datetime | None


router = APIRouter(prefix="/v1/replays", tags=["deliveries"], route_class=StrictRoute)


@router.post(
    "", status_code=202, summary="Replay many deliveries · 批量重新投递", responses=problems(401, 403, 415, 422)
)
async def start(hub: TheHub, actor: Actor, order: BulkReplayRequest) -> BulkReplayView:
    """Replay everything the filter finds, in the background; a restart of the gateway does not lose it."""
    looked_for = DeliveryFilter(State(order.filter.state), order.filter.platform, order.filter.message_id)
    return _view(await hub.replays.begin(looked_for, actor=actor, reason=order.reason, stale_ok=order.stale_ok))


@router.get(
    "/{replay_id}", summary="How far a bulk replay has come · 批量重新投递进度", responses=problems(401, 403, 404)
)
async def show(hub: TheHub, actor: Actor, replay_id: Annotated[str, Path(max_length=100)]) -> BulkReplayView:
    """Give the counts of a bulk replay."""
    return _view(await hub.replays.progress(replay_id))


def _view(replay: BulkReplay) -> BulkReplayView:
    wanted = replay.filter
    state = (wanted.state or State.DEAD).value
    shown = {name: getattr(replay, name) for name in BulkReplayView.model_fields if name != "filter"}
    chosen = {"state": state, "platform": wanted.platform, "message_id": wanted.message_id}
    return BulkReplayView(**shown, filter=BulkReplayFilter.model_validate(chosen))
