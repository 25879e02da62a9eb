"""Fetches the public keys of token issuers, over the one outbound socket and within its bounds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from adapters.base import OutboundRequest
from gateway.access import Unfetched
from gateway.clock import Clock
from gateway.delivery.no_answer import NoAnswer, Unsendable
from gateway.delivery.sender import Sender
from gateway.ledger.records import Platform

_PATIENCE = timedelta(seconds=5)
_MOST = 64 * 1024
"""Bytes of a set of keys."""


class KeyFetcher:
    """A `gateway.access.Fetch`. `allow`: what the address may be beside what every platform's may."""

    def __init__(self, sender: Sender, clock: Clock, allow: Sequence[str] = ()) -> None:
        self._sender = sender
        self._clock = clock
        self._allow = tuple(allow)

    async def __call__(self, url: str) -> bytes:
        """Get what is at an address."""
        parts = urlsplit(url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        origin = f"{parts.scheme}://{parts.netloc}"
        # The sender keeps connections by platform; an issuer is none, and is called like one.
        issuer = Platform(f"keys of {origin}", "", "", "", {"base_url": origin}, self._clock(), allow=self._allow)
        request = OutboundRequest("GET", path, {"Accept": "application/json"}, b"")
        try:
            reply = await self._sender.send(issuer, request, _PATIENCE, _MOST)
        except NoAnswer as none:
            raise Unfetched(none.reason) from None
        except Unsendable as fault:
            raise Unfetched(str(fault)) from None
        if reply.status != 200 or len(reply.body) > _MOST:
            raise Unfetched(f"HTTP {reply.status}, {len(reply.body)} bytes")
        return reply.body
