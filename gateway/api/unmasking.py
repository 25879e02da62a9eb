"""Unmasking: see personal values of one message or case, for a time, for a purpose that is kept for good."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from gateway.api.limits import StrictRoute
from gateway.api.models import RestModel
from gateway.api.openapi import problems
from gateway.api.rights import Actor, Intends, TheHub
from gateway.clock import new_id
from gateway.ledger.records import Unmasking

MOST_MINUTES = 480
"""For so long at most, a day's work; then it is asked for again."""


class UnmaskOrder(RestModel):
    """What is to be seen unmasked, what for, and for how long."""

    subject: str = Field(
        min_length=1,
        max_length=200,
        pattern=r"\S",
        description="A message's id, the number of a case or decision, a rejection's id, or a dossier's credit code",
        examples=["浙杭环立〔2026〕1号"],
    )
    purpose: str = Field(min_length=1, max_length=1000, pattern=r"\S", examples=["核对当事人身份"])
    minutes: Annotated[int, Field(strict=True, ge=1, le=MOST_MINUTES, examples=[30])]


class UnmaskingView(RestModel):
    """Personal values that somebody sees until then."""

    subject: str
    purpose: str
    until: datetime


router = APIRouter(prefix="/v1/unmask", tags=["people"], route_class=StrictRoute)


@router.post(
    "",
    status_code=201,
    summary="See personal values for a time · 查看未脱敏信息",
    responses=problems(400, 401, 403, 409, 415, 422),
)
async def unmask(hub: TheHub, actor: Actor, intends: Intends, order: UnmaskOrder) -> UnmaskingView:
    """Show the caller, and nobody else, the personal values of one subject as they are, until the time is over.

    It gives no right: what is outside of the caller's regions stays so. Who, what and what for is audited, and so is
    each body that is read.
    """
    intent = intends(order.purpose)
    until = intent.at + timedelta(minutes=order.minutes)
    asked = Unmasking(new_id(intent.at), actor, order.subject, order.purpose, intent.at, until)
    return UnmaskingView.of(await hub.ledger.unmask(asked, intent))
