"""Give deliveries that nobody could take to the platforms that now can."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.intake import router
from gateway.intake.routes import Routes
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform
from gateway.message import Delivery, Message, effective_document

PAGE = 500


async def assign(
    ledger: Ledger, routes: Routes, platforms: Mapping[str, Platform], can_send: router.CanSend, kind: str, at: datetime
) -> set[str]:
    """Assign the unrouted deliveries of a kind, in order of acceptance; gives the platforms that got any.

    The same routing decides as at intake; what still nobody can take stays unrouted. One by one in
    order of acceptance: within a lane, the older delivery is ready first.
    """
    woken: set[str] = set()
    after: str | None = None
    while page := await ledger.unrouted(kind, after, PAGE):
        for delivery, message in page:
            taker = await _taker(ledger, routes, platforms, can_send, delivery, message)
            if taker is not None and await ledger.assign(delivery.id, taker, at):
                woken.add(taker)
        after = page[-1][0].id
    return woken


async def _taker(
    ledger: Ledger,
    routes: Routes,
    platforms: Mapping[str, Platform],
    can_send: router.CanSend,
    delivery: Delivery,
    message: Message,
) -> str | None:
    answered = await _answered(ledger, message) if routes.of(message.type).answers else None
    routable = router.Routable(message.type, effective_document(message), message.region, message.source, answered)
    planned = router.plan(routes.of(message.type), routable, platforms, can_send)
    return next((one.platform for one in planned if one.kind == delivery.kind and one.platform), None)


async def _answered(ledger: Ledger, message: Message) -> str | None:
    """Name the platform whose message this one answers: the one that caused it."""
    asked = await ledger.message(message.causation_id) if message.causation_id else None
    return asked.source if asked else None
