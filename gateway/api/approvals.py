"""Approvals: changes that wait for a second person, where four eyes are set (HUTONG_FOUR_EYES)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from gateway.api.authors import check_author
from gateway.api.limits import StrictRoute
from gateway.api.models import Reason, RestModel
from gateway.api.openapi import problems
from gateway.api.rights import Intends, TheHub
from gateway.api.sight import Sight, TheSight
from gateway.errors import Forbidden
from gateway.hub import Hub
from gateway.ledger.errors import no_approval
from gateway.ledger.records import ApprovalState, SecondApproval

ShownState = Literal["pending", "expired", "approved", "rejected", "done", "failed"]


class Waiting(RestModel):
    """A change that happens when another person approves it."""

    approval_id: str


class ApprovalView(RestModel):
    """A change that waits for a second person, or did."""

    id: str
    kind: str
    subject: str = Field(description="A platform, a delivery, or an adapter's version")
    change: dict[str, Any] = Field(description="What is asked for; secrets are named, never shown")
    reason: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    state: ShownState = Field(description="`approved`: decided, and not done yet; `failed`: see `failed`")
    decided_by: str | None
    decided_at: datetime | None
    decision: str = Field(description="Why it was rejected")
    failed: str | None = Field(description="Why it could not be done any more, a stable word")


class ApprovalList(RestModel):
    """Approvals, the newest first."""

    approvals: list[ApprovalView]


router = APIRouter(prefix="/v1/approvals", tags=["operations"], route_class=StrictRoute)

ApprovalId = Annotated[str, Path(max_length=100, description="As the 202 said it")]

WAITS: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "Four eyes are set: it happens when another person approves"}
}


def waiting(approval: SecondApproval) -> Response:
    """Answer that a change waits for a second person."""
    return Response(orjson.dumps({"approval_id": approval.id}), 202, None, "application/json")


@router.get("", summary="Changes that wait for approval · 待复核事项", responses=problems(401, 403, 422))
async def find(
    hub: TheHub, sight: TheSight, state: Annotated[ShownState | None, Query(examples=["pending"])] = None
) -> ApprovalList:
    """Give what waits for a second person, and what was decided."""
    found = [_view(hub, one) for one in await hub.approvals.all() if await _is_seen(hub, sight, one)]
    return ApprovalList(approvals=[one for one in found if state in (None, one.state)])


@router.post(
    "/{approval_id}/approve",
    summary="Approve a change · 复核通过",
    responses=problems(400, 401, 403, 404, 409, 415, 422),
)
async def approve(hub: TheHub, sight: TheSight, intends: Intends, approval_id: ApprovalId) -> ApprovalView:
    """Do what somebody else asked for. Asked again, it is done once; what changed since it was asked is a 409."""
    await _in_sight(hub, sight, approval_id)
    return _view(hub, await hub.approvals.approve(approval_id, intends("")))


@router.post(
    "/{approval_id}/reject",
    summary="Reject a change · 复核不通过",
    responses=problems(400, 401, 403, 404, 409, 415, 422),
)
async def reject(
    hub: TheHub, sight: TheSight, intends: Intends, approval_id: ApprovalId, order: Reason
) -> ApprovalView:
    """Have it not done, for a reason that is kept."""
    await _in_sight(hub, sight, approval_id)
    return _view(hub, await hub.approvals.reject(approval_id, intends(order.reason)))


async def _in_sight(hub: Hub, sight: Sight, approval_id: str) -> None:
    if not await _is_seen(hub, sight, await hub.approvals.get(approval_id)):
        raise no_approval(approval_id)


async def _is_seen(hub: Hub, sight: Sight, approval: SecondApproval) -> bool:
    """Tell whether a change is of a person's regions: of the platform that it is about, or of the adapter's."""
    if approval.kind != "activation" or "platform" in approval.shown:
        return sight.platform(approval.shown.get("platform"))
    try:
        await check_author(hub, sight, str(approval.shown["adapter"]))
    except Forbidden:
        return False
    return True


def _view(hub: Hub, approval: SecondApproval) -> ApprovalView:
    over = approval.state is ApprovalState.PENDING and approval.until <= hub.clock()
    same = ("id", "kind", "subject", "reason", "asked_by", "decided_by", "decided_at", "decision", "failed")
    return ApprovalView(
        **{name: getattr(approval, name) for name in same},
        change=dict(approval.shown),
        asked_at=approval.at,
        expires_at=approval.until,
        state="expired" if over else approval.state.value,
    )
