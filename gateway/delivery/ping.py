"""One call to a platform's base address, to see whether it can be reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from msgspec import Struct

from adapters.base import Adapter, OutboundRequest
from gateway.clock import Clock, Ticks, new_id
from gateway.delivery.authorised import AuthorisedSender
from gateway.delivery.no_answer import NoAnswer, Unsendable
from gateway.delivery.outgoing import keyed
from gateway.errors import HutongError
from gateway.ledger.records import Platform
from schemas.findings import Rejected

_PING = timedelta(seconds=5)
_REFUSED = (401, 403)


class Ping(Struct, frozen=True):
    """Whether a platform can be reached. `status` is whatever it answered; `reason` why it is not `ok`.

    `detail` says what was met, in words for people.
    """

    ok: bool
    seconds: float
    status: int | None = None
    reason: str | None = None
    detail: str = ""


async def ping(
    platform: Platform, adapter_of: Callable[[Platform], Adapter], sender: AuthorisedSender, clock: Clock, ticks: Ticks
) -> Ping:
    """Call a platform's base address once; any answer but 401 and 403 will do."""
    began = ticks()
    request = keyed(OutboundRequest("GET", "/"), new_id(clock()), None)
    status, reason, detail = await _call(platform, request, adapter_of, sender)
    return Ping(reason is None, ticks() - began, status, reason, detail)


async def _call(
    platform: Platform,
    request: OutboundRequest,
    adapter_of: Callable[[Platform], Adapter],
    sender: AuthorisedSender,
) -> tuple[int | None, str | None, str]:
    try:
        reply = await sender.send(adapter_of(platform), platform, request, _PING)
    except NoAnswer as none:
        return None, none.reason, none.detail
    except (Rejected, HutongError) as fault:
        return None, fault.code, ""
    except Unsendable as fault:
        return None, "request.unwritable", str(fault)
    return reply.status, "credentials" if reply.status in _REFUSED else None, ""
