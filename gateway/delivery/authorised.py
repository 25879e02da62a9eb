"""Sends requests as their adapter authenticates them: signed at the moment, or under a token kept for a while."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import timedelta
from secrets import token_hex

from msgspec import Struct

from adapters.base import Adapter, IssuedToken, OutboundRequest, Reply, SigningMoment
from gateway.clock import Clock, Ticks, monotonic
from gateway.delivery.no_answer import NoAnswer
from gateway.delivery.outgoing import stamped
from gateway.delivery.sender import SHORT_REPLY, Sender
from gateway.ledger.records import Platform

_EARLY = 0.8
"""The share of a token's life after which another is fetched."""

_UNSAID = 300.0
"""Seconds for which a token is used that does not say how long it is good."""

_LATER = (408, 425, 429)
"""What asks to be tried again; any other status from 400 to 499 says that the client is refused."""


class _Refused(Exception):
    """The platform issues no token to the client."""


class _Kept(Struct, frozen=True):
    """A token, what it was asked with, and the tick at which another is fetched."""

    token: str
    asked: bytes
    until: float


class AuthorisedSender:
    """Sends over a `Sender`. Tokens are kept in this process alone, a platform its own.

    A platform that answers 401 to a token gets the request once more under a new one: it may have forgotten tokens, and
    has done nothing with the request. `nonce` makes what is said once.
    """

    def __init__(
        self, sender: Sender, clock: Clock, ticks: Ticks = monotonic, nonce: Callable[[], str] = lambda: token_hex(16)
    ) -> None:
        self._sender = sender
        self._clock = clock
        self._ticks = ticks
        self._nonce = nonce
        self._tokens: dict[str, _Kept] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def send(
        self,
        adapter: Adapter,
        platform: Platform,
        request: OutboundRequest,
        timeout: timedelta,
        most: int = SHORT_REPLY,
    ) -> Reply:
        """Send a request with its authentication; as `Sender.send`, and Rejected for what cannot be authenticated."""
        if not adapter.signs:
            ready = adapter.authorise(stamped(request, self._clock()), platform.settings)
            return await self._sender.send(platform, ready, timeout, most)
        question = adapter.ask_token(platform.settings)
        if question is None:
            return await self._signed(adapter, platform, request, timeout, most)
        try:
            token = await self._token(adapter, platform, question, timeout)
            reply = await self._signed(adapter, platform, request, timeout, most, token)
            if reply.status != 401:
                return reply
            newer = await self._token(adapter, platform, question, timeout, refused=token)
        except _Refused:
            return Reply(401)  # as if the call itself were refused: its credentials are wrong
        return await self._signed(adapter, platform, request, timeout, most, newer)

    async def forget(self, platform_id: str) -> None:
        """Forget a platform that is no more."""
        self._tokens.pop(platform_id, None)
        self._asking.pop(platform_id, None)
        await self._sender.forget(platform_id)

    async def _signed(
        self,
        adapter: Adapter,
        platform: Platform,
        request: OutboundRequest,
        timeout: timedelta,
        most: int,
        token: str = "",
    ) -> Reply:
        now = self._clock()
        moment = SigningMoment(now.timestamp(), self._nonce(), token)
        ready = adapter.authorise(stamped(request, now), platform.settings, moment)
        return await self._sender.send(platform, ready, timeout, most)

    async def _token(
        self,
        adapter: Adapter,
        platform: Platform,
        question: OutboundRequest,
        timeout: timedelta,
        *,
        refused: str | None = None,
    ) -> str:
        """Give a token, another than the one that was `refused`; whoever needs one meanwhile waits for the same.

        NoAnswer where none is to be had now, of which nothing of the call has left; _Refused where there will be none.
        """
        asked = hashlib.sha256(repr((platform.settings.get("base_url"), question)).encode()).digest()
        async with self._asking.setdefault(platform.id, asyncio.Lock()):
            kept = self._tokens.get(platform.id)
            if kept is not None and kept.asked == asked and kept.token != refused and self._ticks() < kept.until:
                return kept.token
            self._tokens.pop(platform.id, None)
            issued = await self._issued(adapter, platform, question, timeout)
            life = _UNSAID if issued.seconds is None else issued.seconds * _EARLY
            self._tokens[platform.id] = _Kept(issued.token, asked, self._ticks() + life)
            return issued.token

    async def _issued(
        self, adapter: Adapter, platform: Platform, question: OutboundRequest, timeout: timedelta
    ) -> IssuedToken:
        try:
            reply = await self._sender.send(platform, question, timeout)
        except NoAnswer as none:
            raise NoAnswer(none.reason, may_have_left=False, detail=none.detail) from None
        issued = adapter.read_token(reply)
        if issued is not None:
            return issued
        if 400 <= reply.status < 500 and reply.status not in _LATER:
            raise _Refused
        raise NoAnswer("token.none", may_have_left=False, detail=f"HTTP {reply.status}")
