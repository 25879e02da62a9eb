"""The inbox of a platform that cannot be called: it fetches its deliveries here, and says what became of them."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, model_validator

from adapters.base import VerdictKind
from gateway.api.limits import StrictRoute
from gateway.api.models import RestModel
from gateway.api.openapi import problems
from gateway.api.rights import CallingPlatform, TheHub
from gateway.delivery.inbox import Leased
from gateway.delivery.lease_receipt import LeaseReceipt

LONGEST_WAIT = 60
"""Seconds for which a poll may wait; proxies end what is silent for longer."""

MOST = 100
"""Deliveries in one answer."""

_LONGEST_AFTER = 24 * 3600
_BYTES = "application/octet-stream"


class LeasedView(RestModel):
    """One delivery that was fetched: the request as the gateway would have sent it to a platform that it calls."""

    delivery_id: str
    type: str = Field(description="The message type", examples=["case.transferred"])
    key: str = Field(description="The same each time this is given out: a document with a known key was taken before")
    content_type: str
    body_base64: str = Field(description="The exact bytes of the body; the same each time")
    leased_until: datetime = Field(description="Without a receipt by then it is given out again")
    attempt: int = Field(description="The number of this lease; send it back in the receipt")
    method: str = Field(description="How it would have been sent")
    path: str = Field(description="Where to, below the platform's own address")
    headers: dict[str, str] = Field(description="What it would have been sent with, but for authentication")


class InboxView(RestModel):
    """What was fetched, in order: the heads of lanes, at most one of a lane."""

    deliveries: list[LeasedView]


class InboxReceipt(RestModel):
    """What became of a delivery."""

    verdict: Literal["accepted", "refused", "retry", "dead"] = Field(
        description="`accepted`: taken. `refused`: understood, and no; the next of its lane follows. `retry`: give it "
        "out again later. `dead`: it can never be taken; its lane waits for an operator"
    )
    reference: str | None = Field(default=None, max_length=200, description="The platform's own number for it")
    reason: str | None = Field(default=None, max_length=2000, description="Why not, for people")
    after: float | None = Field(
        default=None, ge=0, le=_LONGEST_AFTER, description="With `retry`: seconds to wait at least"
    )
    attempt: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="The lease's; without it no receipt is taken once a lease lapsed"
    )

    @model_validator(mode="after")
    def _after_goes_with_retry(self) -> Self:
        if self.after is not None and self.verdict != "retry":
            raise ValueError("`after` goes with the verdict `retry` only")
        return self


class ReceiptAnswer(RestModel):
    """What the receipt came to; the same for the same receipt, however often it comes."""

    delivery_id: str
    state: Literal["delivered", "refused", "waiting", "dead"]
    attempt: int
    late: bool = Field(description="The lease had lapsed before; nobody had fetched the delivery again, so it counts")


router = APIRouter(prefix="/v1/inbox", tags=["inbox"], route_class=StrictRoute)

_FETCHED: dict[int | str, dict[str, Any]] = {200: {"model": InboxView, "description": "What was leased; may be empty"}}


@router.get(
    "",
    summary="Fetch deliveries · 取件",
    responses=problems(401, 409, 422, 429) | _FETCHED,
    response_class=Response,
)
async def fetch(
    hub: TheHub,
    platform: CallingPlatform,
    request: Request,
    max: Annotated[int, Query(ge=1, le=MOST, description="How many at most")] = 10,
    wait: Annotated[
        float,
        Query(ge=0, le=LONGEST_WAIT, allow_inf_nan=False, description="Seconds to wait when there is nothing yet"),
    ] = 0,
) -> Response:
    """Lease lane heads to the calling platform; when there are none, wait until something comes.

    Each is the platform's until its receipt or until `leased_until`. Who leaves while it waits is leased nothing.
    """
    with _gone(request) as gone:
        leased = await hub.inboxes.fetch(platform, max, wait, gone)
    view = InboxView(deliveries=[_view(one) for one in leased])
    return Response(view.model_dump_json(), 200, {"cache-control": "no-store"}, "application/json")


@router.post(
    "/{delivery_id}/receipt",
    summary="Say what became of a delivery · 回执",
    responses=problems(401, 404, 409, 415, 422, 429),
)
async def receipt(
    hub: TheHub,
    platform: CallingPlatform,
    request: Request,
    delivery_id: Annotated[str, Path(max_length=100, description="The delivery's id")],
    receipt: InboxReceipt,
) -> ReceiptAnswer:
    """Settle a lease. A receipt after its lapse counts as long as the delivery was not fetched again."""
    said = LeaseReceipt(
        verdict=VerdictKind(receipt.verdict),
        body=await request.body(),
        reference=receipt.reference or None,
        reason=receipt.reason or None,
        after=None if receipt.after is None else timedelta(seconds=receipt.after),
        attempt=receipt.attempt,
    )
    return ReceiptAnswer.of(await hub.inboxes.receipt(platform, delivery_id, said))


@contextmanager
def _gone(request: Request) -> Iterator[asyncio.Future[None]]:
    """Give what is done once the caller is there no more; the body was read before."""

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    watching = asyncio.create_task(left())
    try:
        yield watching
    finally:
        watching.cancel()


def _view(leased: Leased) -> LeasedView:
    request, delivery = leased.request, leased.work.delivery
    kinds = {name.lower(): value for name, value in request.headers.items()}
    return LeasedView(
        delivery_id=delivery.id,
        type=delivery.type,
        key=delivery.id,
        content_type=kinds.get("content-type", _BYTES),
        body_base64=b64encode(request.body).decode("ascii"),
        leased_until=leased.until,
        attempt=leased.attempt,
        method=request.method,
        path=request.path,
        headers=dict(request.headers),
    )
