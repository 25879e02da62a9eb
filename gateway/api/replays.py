"""Replays of many: ask once, then watch how far it has come."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from gateway.api import views, wire
from gateway.api.callers import Admin, TheHub
from gateway.api.openapi import problems
from gateway.api.strict import StrictRoute
from gateway.ledger.records import DeliveryFilter
from gateway.message import State

router = APIRouter(prefix="/v1/replays", tags=["deliveries"], route_class=StrictRoute)


@router.post(
    "", status_code=202, summary="Replay many deliveries · 批量重新投递", responses=problems(401, 403, 415, 422)
)
async def start(hub: TheHub, actor: Admin, order: wire.ReplayRequest) -> wire.ReplayView:
    """Replay everything the filter finds, in the background; a restart of the gateway does not lose it."""
    looked_for = DeliveryFilter(State(order.filter.state), order.filter.platform, order.filter.message_id)
    return views.replay_view(
        await hub.replays.begin(looked_for, actor=actor, reason=order.reason, stale_ok=order.stale_ok)
    )


@router.get("/{replay_id}", summary="How far a replay has come · 批量重投进度", responses=problems(401, 403, 404))
async def show(hub: TheHub, actor: Admin, replay_id: Annotated[str, Path(max_length=100)]) -> wire.ReplayView:
    """Give the counts of a replay of many."""
    return views.replay_view(await hub.replays.progress(replay_id))
