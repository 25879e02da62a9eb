"""Deliveries: find them, see what was sent, and replay, discard, hold or release them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field

from gateway.access import Principal
from gateway.api.approvals import WAITS, waiting
from gateway.api.limits import StrictRoute
from gateway.api.masking import MASKED, TheMasking, path_masked, reply_masked, sent_masked
from gateway.api.models import Cursor, Limit, Reason, RestModel, Shown
from gateway.api.openapi import NATIVE_BYTES, problems
from gateway.api.rights import Caller, Intends, Role, TheHub, has_role
from gateway.api.sight import TheSight, delivery_in_sight, is_in_sight, page_in_sight
from gateway.errors import NotFound
from gateway.ledger.errors import body_pruned
from gateway.ledger.records import DeliveryFilter
from gateway.message import SETTLED, UNWANTED, Attempt, Delivery, HeldBy, Message, State, reached, unnamed
from schemas.findings import Text


class AttemptView(RestModel):
    """One try of one delivery."""

    number: int
    started_at: datetime
    ended_at: datetime
    verdict: str
    status: int | None = Field(description="The HTTP status, None without an answer")
    reference: str | None
    reason: str | None
    code: str | None
    level: Literal["transport", "schema", "business"] | None = Field(
        description="How far the answer proves that the document came; None: that is not known"
    )
    reply: str | None = Field(default=None, description="The beginning of the reply; operators only")
    receipt: Literal["in-time", "late"] | None = Field(
        description="When the platform fetched it: how the receipt came that is the reply"
    )


class ReceiptView(RestModel):
    """The platform's acceptance: its own number for what it took."""

    reference: str | None
    at: datetime | None


class LevelView(RestModel):
    """A level that the delivery reached: how far an answer of the platform proves that the document came."""

    level: Literal["transport", "schema", "business"] = Field(
        description="It arrived and was answered; its format passed the platform's check; it was taken on"
    )
    at: datetime
    digest: str = Field(description="SHA-256 of the answer that shows it, hexadecimal")
    attempt: int = Field(description="The attempt that was answered so")


class DeliveryView(RestModel):
    """One message to one platform, as it stands."""

    id: str
    message_id: str
    type: str
    kind: str
    platform: str | None
    lane: str
    position: int
    state: Shown = Field(
        description="`held` where something holds a delivery that could go: see `held_by`; `unwanted` where an "
        "unrouted one waits for a kind of platform that its region was declared not to have: see `reason`"
    )
    held_by: HeldBy | None
    toward: str | None = Field(
        description="Whom an unrouted one waits for: `nearest`, `nearest.REGION`, `national`, or a platform's id"
    )
    due_at: datetime | None
    leased_until: datetime | None = Field(description="Until when its platform has it, which fetched it from its inbox")
    in_doubt: bool
    attempts: int
    reference: str | None
    reason: str | None
    code: str | None
    adapter: str | None
    replay_of: str | None
    created_at: datetime
    changed_at: datetime | None


class DeliveryDetail(DeliveryView):
    """A delivery with each of its attempts and, once accepted, its receipt."""

    tries: list[AttemptView]
    receipt: ReceiptView | None
    levels: list[LevelView] = Field(description="What of it the platform's answers prove; what is not known is absent")


class DeliveryPage(RestModel):
    """Deliveries, newest first."""

    deliveries: list[DeliveryView]
    cursor: str | None


class ReplayReason(Reason):
    """Why a delivery is replayed. `stale_ok`: even though a later one of its lane was delivered."""

    stale_ok: bool = False


class ShownReplies(Struct, frozen=True):
    """What platforms answered to a message, as it is shown to whoever reads bodies."""

    message: Message
    masked: bool

    def shown(self, said: str) -> str:
        """Show a reply: never the citizen ids that were sent, and nothing personal while it is masked."""
        # Masked before it is cut: half an id is hidden by nothing.
        said = unnamed(self.message, said)
        return (reply_masked(self.message, said) if self.masked else said)[:LONGEST_REPLY]


router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"], route_class=StrictRoute)

LONGEST_REPLY = 4096
"""Characters of a platform's reply that are shown."""

DeliveryId = Annotated[str, Path(max_length=100, description="The delivery's id")]

_STEP = problems(400, 401, 403, 404, 409, 415, 422)

_BY_OPERATORS = frozenset({State.DISCARDED.value, UNWANTED})
"""How a delivery stands by an operator's word; its reason is that operator's."""

_UNSENT = Text(
    "这个投递还没有发送过，没有可看的报文",
    "This delivery was not sent yet, so there are no bytes to show",
)


@router.get("", summary="Find deliveries · 查找投递", responses=problems(401, 403, 422))
async def find(
    hub: TheHub,
    sight: TheSight,
    state: Annotated[Shown | None, Query(examples=["dead"])] = None,
    platform: Annotated[str | None, Query(max_length=100, examples=["penalty.330000"])] = None,
    message_id: Annotated[str | None, Query(max_length=100)] = None,
    type: Annotated[str | None, Query(max_length=100, examples=["case.transferred"])] = None,
    code: Annotated[str | None, Query(max_length=100, examples=["http.500"])] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> DeliveryPage:
    """Find deliveries, newest first: those of the caller's regions.

    A page may be shorter than asked for, and even empty: there is more while it has a `cursor`.
    """
    looked_for = DeliveryFilter(state, platform, message_id, type, code)
    page = await page_in_sight(
        lambda cursor: hub.ledger.find_deliveries(looked_for, cursor, limit),
        lambda one: is_in_sight(hub, sight, one),
        cursor,
    )
    return DeliveryPage(deliveries=[_view(one) for one in page.items], cursor=page.cursor)


@router.get("/{delivery_id}", summary="Show a delivery · 查看投递", responses=problems(401, 403, 404))
async def show(
    hub: TheHub, caller: Caller, sight: TheSight, masking: TheMasking, delivery_id: DeliveryId
) -> DeliveryDetail:
    """Give a delivery with each of its attempts, and to whom may read bodies the platform's replies."""
    delivery = await delivery_in_sight(hub, sight, delivery_id)
    message = await hub.ledger.message(delivery.message_id) if has_role(caller, Role.BODY_READER) else None
    replies = None if message is None else ShownReplies(message, masked=await masking.hides_message(message))
    return delivery_detail(delivery, await hub.ledger.attempts_of(delivery_id), caller, replies=replies)


@router.get(
    "/{delivery_id}/sent",
    summary="The exact bytes sent · 已发报文",
    responses=problems(401, 403, 404, 410) | NATIVE_BYTES,
    response_class=Response,
)
async def sent(hub: TheHub, sight: TheSight, masking: TheMasking, delivery_id: DeliveryId) -> Response:
    """Give the body of the request as it left; `Sent-Method` and `Sent-Path` say where to."""
    delivery = await delivery_in_sight(hub, sight, delivery_id)
    request = await hub.ledger.sent(delivery_id)
    if request is None and delivery.attempts and delivery.state in SETTLED:
        raise body_pruned(delivery_id)
    if request is None:
        raise NotFound(_UNSENT, code="delivery.unsent")
    kinds = {name.lower(): value for name, value in request.headers.items()}
    headers = {
        "sent-method": request.method,
        "sent-path": _header_safe(request.path),
        "x-content-type-options": "nosniff",
    }
    message = await hub.ledger.message(delivery.message_id)
    if message is not None:
        await masking.read_message(message, f"sent {delivery_id}")
    if message is not None and await masking.hides_message(message):
        headers |= MASKED | {"sent-path": _header_safe(path_masked(message, request.path))}
        body = sent_masked(hub, message, delivery.adapter, request.body)
        return Response(body, 200, headers, "application/json")
    return Response(request.body, 200, headers, kinds.get("content-type", "application/octet-stream"))


@router.post(
    "/{delivery_id}/replay",
    summary="Replay a delivery · 重新投递",
    responses=_STEP,
)
async def replay(
    hub: TheHub, sight: TheSight, intends: Intends, delivery_id: DeliveryId, order: ReplayReason
) -> DeliveryView:
    """Send a dead or refused one again, under its key and at its position; a delivered one as a new delivery."""
    await delivery_in_sight(hub, sight, delivery_id)
    return _view(await hub.deliveries.replay(delivery_id, intends(order.reason), stale_ok=order.stale_ok))


@router.post(
    "/{delivery_id}/discard",
    summary="Give a delivery up · 放弃投递",
    responses=_STEP | WAITS,
    response_model=DeliveryView,
)
async def discard(hub: TheHub, sight: TheSight, intends: Intends, delivery_id: DeliveryId, order: Reason) -> Any:
    """Give up a delivery that is not settled; its lane moves on. Where four eyes are set, once it is approved."""
    delivery, intent = await delivery_in_sight(hub, sight, delivery_id), intends(order.reason)
    if (kind := hub.approvals.kind_of({"discard"})) is not None:
        asked = {"step": "discard", "delivery_id": delivery_id, "state": delivery.state.value}
        shown = {"platform": delivery.platform, "message_id": delivery.message_id, "state": delivery.state.value}
        return waiting(await hub.approvals.ask(kind, delivery_id, asked, shown, intent))
    return _view(await hub.deliveries.discard(delivery_id, intent))


@router.post("/{delivery_id}/hold", summary="Hold a delivery · 暂缓投递", responses=_STEP)
async def hold(hub: TheHub, sight: TheSight, intends: Intends, delivery_id: DeliveryId, order: Reason) -> DeliveryView:
    """Hold a delivery, and so the lane behind it, until it is released."""
    await delivery_in_sight(hub, sight, delivery_id)
    return _view(await hub.deliveries.hold(delivery_id, intends(order.reason)))


@router.post(
    "/{delivery_id}/release",
    summary="Release a delivery · 解除暂缓",
    responses=_STEP,
)
async def release(
    hub: TheHub, sight: TheSight, intends: Intends, delivery_id: DeliveryId, order: Reason
) -> DeliveryView:
    """Lift an operator's hold; a hold for any other reason stays."""
    await delivery_in_sight(hub, sight, delivery_id)
    return _view(await hub.deliveries.release(delivery_id, intends(order.reason)))


def _header_safe(path: str) -> str:
    return path.encode("ascii", "backslashreplace").decode("ascii").replace("\r", "").replace("\n", "")


def delivery_detail(
    delivery: Delivery, attempts: Sequence[Attempt], caller: Principal, *, replies: ShownReplies | None
) -> DeliveryDetail:
    """Show a delivery with its attempts; the platform's replies only to whom they are shown.

    A platform is not told the reasons that operators gave: why it was discarded, or is wanted by nobody.
    """
    if caller.platform is not None and delivery.shown in _BY_OPERATORS:
        delivery = replace(delivery, reason=None)
    receipt = None
    if delivery.state is State.DELIVERED:
        receipt = ReceiptView(reference=delivery.reference, at=delivery.changed_at)
    tries = [_attempt(one, replies) for one in attempts]
    levels = [
        LevelView(level=each.level.value, at=each.at, digest=each.digest.hex(), attempt=each.attempt)
        for each in reached(attempts)
    ]
    return DeliveryDetail(**_told(delivery), tries=tries, receipt=receipt, levels=levels)


def _view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(**_told(delivery))


def _told(delivery: Delivery) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in DeliveryView.model_fields} | {"state": delivery.shown}


def _attempt(attempt: Attempt, replies: ShownReplies | None) -> AttemptView:
    shown = {name: getattr(attempt, name) for name in AttemptView.model_fields if name != "reply"}
    said = None if replies is None else replies.shown(attempt.reply.decode("utf-8", "replace"))
    return AttemptView(**shown, reply=said)
