"""Rejections: documents that were not accepted from their sender, kept so that they can be corrected."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from gateway.api.limits import StrictRoute
from gateway.api.masking import TheMasking, problem_masked, unmaskable
from gateway.api.models import Cursor, Limit, Problem, RestModel
from gateway.api.openapi import NATIVE_BYTES, problems
from gateway.api.rights import Caller, TheHub, TheIncoming, searched_platform
from gateway.api.sight import Sight, TheSight, page_in_sight
from gateway.errors.problems import told
from gateway.hub import Hub
from gateway.ledger.errors import no_rejection
from gateway.ledger.records import Rejection
from schemas.findings import Text


class RejectionView(RestModel):
    """A document that was not accepted from its sender."""

    id: str
    platform: str
    operation: str
    received_at: datetime
    index: int
    status: int
    code: str
    problem: Problem


class RejectionPage(RestModel):
    """Rejections, newest first."""

    rejections: list[RejectionView]
    cursor: str | None


router = APIRouter(prefix="/v1/rejections", tags=["rejections"], route_class=StrictRoute)

RejectionId = Annotated[str, Path(max_length=100, description="The `rejection_id` of the problem document")]

_FOREIGN = Text("平台只能查看自己的拒收记录", "A platform may only see its own rejections")


@router.get("", summary="Find rejections · 查找拒收记录", responses=problems(401, 403, 422, 429))
async def find(
    hub: TheHub,
    caller: Caller,
    sight: TheSight,
    masking: TheMasking,
    incoming: TheIncoming,
    platform: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> RejectionPage:
    """Find rejections, newest first. A platform finds its own, operators those of their regions.

    A page may be shorter than asked for, and even empty: there is more while it has a `cursor`. People see what looks
    personal masked.
    """
    searched = searched_platform(caller, platform, _FOREIGN)

    async def seen(rejection: Rejection) -> bool:
        return sight.rejection(rejection)

    page = await page_in_sight(lambda cursor: hub.ledger.find_rejections(searched, cursor, limit), seen, cursor)
    masked = await masking.hides()
    shown = [_view(one, incoming.language, masked=masked) for one in page.items]
    return RejectionPage(rejections=shown, cursor=page.cursor)


@router.get("/{rejection_id}", summary="Show a rejection · 查看拒收记录", responses=problems(401, 403, 404, 429))
async def show(
    hub: TheHub, sight: TheSight, masking: TheMasking, incoming: TheIncoming, rejection_id: RejectionId
) -> RejectionView:
    """Give the problem document as it was answered; to people what looks personal in it is masked."""
    rejection = await _kept(hub, sight, rejection_id)
    return _view(rejection, incoming.language, masked=await masking.hides())


@router.get(
    "/{rejection_id}/native",
    summary="The exact bytes rejected · 拒收原文",
    responses=problems(401, 403, 404, 429) | NATIVE_BYTES,
    response_class=Response,
)
async def native(hub: TheHub, sight: TheSight, masking: TheMasking, rejection_id: RejectionId) -> Response:
    """Give the body as it arrived, to be corrected and sent again; to a person once they unmasked the rejection."""
    await _kept(hub, sight, rejection_id)
    if await masking.hides(rejection_id):
        raise unmaskable()
    if sight.caller.platform is None:
        await masking.read("body.read", rejection_id, part="rejected")
    found = await hub.ledger.rejection_native(rejection_id)
    if found is None:
        raise no_rejection(rejection_id)
    headers = {"record-index": str(found.index), "x-content-type-options": "nosniff"}
    return Response(found.body, 200, headers, found.content_type or "application/octet-stream")


async def _kept(hub: Hub, sight: Sight, rejection_id: str) -> Rejection:
    rejection = await hub.ledger.rejection(rejection_id)
    if rejection is None or not sight.rejection(rejection):
        raise no_rejection(rejection_id)
    return rejection


def _view(rejection: Rejection, language: str, *, masked: bool) -> RejectionView:
    shown = {name: getattr(rejection, name) for name in RejectionView.model_fields if name != "problem"}
    problem = told(rejection.problem, language)
    return RejectionView(**shown, problem=Problem(**problem_masked(problem) if masked else problem))
