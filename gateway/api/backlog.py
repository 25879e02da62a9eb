"""What is not done with: how many deliveries stand where, and which has waited longest; and who was last in contact."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from gateway.api.limits import StrictRoute
from gateway.api.models import RestModel, Shown
from gateway.api.openapi import problems
from gateway.api.rights import TheHub
from gateway.api.sight import TheSight
from gateway.ledger.records import Backlog, Contact, ContactWay
from gateway.message import HeldBy


class BacklogView(RestModel):
    """Deliveries that stand alike, and the one of them that has waited longest."""

    platform: str | None = Field(description="None while there is no platform that can take them")
    kind: str
    state: Shown
    held_by: HeldBy | None
    count: int
    oldest_id: str = Field(description="The delivery that has waited longest")
    oldest_at: datetime = Field(description="When that one was made")
    oldest_seconds: float = Field(description="How long that one has waited")


class BacklogList(RestModel):
    """Everything that is not done with, what has waited longest first."""

    backlog: list[BacklogView]


class ContactView(RestModel):
    """When a platform last called us with an operation, or last accepted a message of a type."""

    name: str = Field(description="The operation, or the message type")
    at: datetime


router = APIRouter(prefix="/v1/backlog", tags=["operations"], route_class=StrictRoute)


@router.get("", summary="What waits, and for how long · 积压", responses=problems(401, 403))
async def find(
    hub: TheHub,
    sight: TheSight,
    platform: Annotated[str | None, Query(max_length=100, examples=["penalty.330000"])] = None,
) -> BacklogList:
    """Give how many deliveries stand where, with the age and the id of the one that has waited longest."""
    found = [one for one in await hub.ledger.backlog() if sight.platform(one.platform)]
    return BacklogList(backlog=backlog_views(found, hub.clock(), platform))


def backlog_views(backlog: Iterable[Backlog], now: datetime, platform: str | None = None) -> list[BacklogView]:
    """Show a backlog, or one platform's, what has waited longest first."""
    wanted = [each for each in backlog if platform in (None, each.platform)]
    return [_view(each, now) for each in sorted(wanted, key=lambda each: each.oldest)]


def contact_views(contacts: Iterable[Contact], way: ContactWay) -> list[ContactView]:
    """Show contacts of one way."""
    return [ContactView(name=each.name, at=each.at) for each in contacts if each.way is way]


def _view(backlog: Backlog, now: datetime) -> BacklogView:
    return BacklogView(
        platform=backlog.platform,
        kind=backlog.kind,
        state=backlog.state,
        held_by=backlog.held_by,
        count=backlog.count,
        oldest_id=backlog.oldest_id,
        oldest_at=backlog.oldest,
        oldest_seconds=max(0.0, (now - backlog.oldest).total_seconds()),
    )
