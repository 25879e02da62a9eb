"""Retention: how long what is settled is kept, what went, what would go now, and one more step of it."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field

from gateway.api.limits import StrictRoute
from gateway.api.models import Cursor, Limit, RestModel
from gateway.api.openapi import problems
from gateway.api.rights import Actor, TheHub
from gateway.ledger.records import Pruned

STRETCH = 500
"""Messages that one call of a dry run looks at."""


class PrunedView(RestModel):
    """How much of one message type went, or would."""

    type: str = Field(description="A message type; empty for rejections")
    what: str = Field(description="`messages`, `bodies` or `rejections`", examples=["bodies"])
    until: datetime = Field(description="When the youngest of them came, by the ledger's own time")
    count: int
    size: int = Field(description="About how many bytes were kept of them")


class PruningView(PrunedView):
    """What went on one day, by one actor."""

    day: str = Field(examples=["2029-09-01"])
    actor: str
    at: datetime = Field(description="The last time on that day")


class RetentionView(RestModel):
    """How long what is settled is kept, in days, and what went, newest day first."""

    messages_days: int
    bodies_days: int
    types_days: dict[str, int]
    prunings: list[PruningView]
    cursor: str | None


class PrunableView(RestModel):
    """What would go of a stretch of the ledger. `cursor`: ask for the next one with it; None: that was all."""

    would: list[PrunedView]
    cursor: str | None
    done: int = Field(description="How far it is, of `total`")
    total: int


class StepView(RestModel):
    """What one step let go of. `more`: there is more to do at once."""

    pruned: list[PrunedView]
    more: bool


router = APIRouter(prefix="/v1/retention", tags=["operations"], route_class=StrictRoute)


@router.get("", summary="What is kept for how long, and what went · 保留期限", responses=problems(401, 403, 422))
async def show(hub: TheHub, actor: Actor, cursor: Cursor = None, limit: Limit = 50) -> RetentionView:
    """Give the retention that is in force, and the record of what was pruned."""
    kept = hub.pruner.retention
    page = await hub.ledger.prunings(cursor, limit)
    return RetentionView(
        messages_days=kept.messages.days,
        bodies_days=kept.bodies.days,
        types_days={type: span.days for type, span in kept.types.items()},
        prunings=[PruningView.of(one) for one in page.items],
        cursor=page.cursor,
    )


@router.get("/prunable", summary="What would go now · 可清除数据统计", responses=problems(401, 403, 422, 503))
async def prunable(hub: TheHub, actor: Actor, cursor: Cursor = None) -> PrunableView:
    """Count what would go, by type, a stretch of the ledger at a time; nothing is changed."""
    found = await hub.ledger.prunable(hub.pruner.retention, cursor, STRETCH)
    return PrunableView(would=_views(found.would), cursor=found.cursor, done=found.done, total=found.total)


@router.post("/prune", summary="Prune a little more · 清除一批", responses=problems(401, 403, 503))
async def prune(hub: TheHub, actor: Actor) -> StepView:
    """Let go of a few messages that are old enough, recorded under the caller; ask again while there is `more`."""
    step = await hub.pruner.step(actor)
    return StepView(pruned=_views(step.pruned), more=step.more)


def _views(pruned: tuple[Pruned, ...]) -> list[PrunedView]:
    return [PrunedView.of(one) for one in pruned]
