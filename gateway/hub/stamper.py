"""Having signed heads stamped by a time-stamp authority (RFC 3161), beside the traffic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import rfc3161_client as rfc3161

from adapters.base import OutboundRequest
from gateway.audit.signatures import head_text
from gateway.audit.stamps import StampFault, stamped_at
from gateway.clock import Clock
from gateway.delivery.no_answer import NoAnswer, Unsendable
from gateway.delivery.sender import Sender
from gateway.hub.witnesses import Failing, failed_again
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform, Stamp

_log = logging.getLogger(__name__)

_PATIENCE = timedelta(seconds=10)
_MOST = 64 * 1024
"""Bytes of an authority's answer."""


class Stamper:
    """Has the newest head stamped, at most once in `every` so much time, and keeps the answer where it holds.

    An authority that is away, slow, or answers something else is asked again, later each time: nothing waits for it.
    Of several processes the one that grows the tree asks. `roots`: as `stamped_at` takes them.
    """

    def __init__(
        self,
        ledger: Ledger,
        url: str,
        roots: Sequence[Any],
        sender: Sender,
        clock: Clock,
        *,
        every: timedelta,
        patience: timedelta = _PATIENCE,
    ) -> None:
        parts = urlsplit(url)
        self._path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        self._origin = f"{parts.scheme}://{parts.netloc}" if url else ""
        self._ledger = ledger
        self._roots = roots
        self._sender = sender
        self._clock = clock
        self._every = every
        self._patience = patience
        self._failing: Failing | None = None
        self._since: datetime | None = None

    def behind_seconds(self, now: datetime) -> float:
        """Give for how long, beyond the pace, a signed head has waited that no time-stamp covers; 0: none has."""
        return 0.0 if self._since is None else max(0.0, (now - self._since).total_seconds())

    async def look(self) -> None:
        """Have the newest head stamped where that is due."""
        if not self._origin:
            return
        standing, newest = await self._ledger.tree_standing(), await self._ledger.newest_stamp()
        self._since = None
        unstamped = await self._ledger.signed_heads(newest.size + 1 if newest else 0, 1)
        if standing.elsewhere or not unstamped:
            return
        now, waits = self._clock(), unstamped[0].at
        due = newest is None or now >= newest.at + self._every
        if due and (self._failing is None or now >= self._failing.until) and await self._stamp():
            self._failing = None
        elif due:
            self._since = _moment(waits) + self._every

    async def _stamp(self) -> bool:
        head = await self._ledger.newest_head()
        if head is None:
            return False
        text = head_text(head.origin, head.size, head.root, head.at)
        try:
            answer, at = await self._asked(text)
        except StampFault as fault:
            self._failing = failed_again(self._failing, self._clock(), self._every)
            _log.warning("no time-stamp of the head of size %d: %s", head.size, fault)
            return False
        await self._ledger.keep_stamp(Stamp(head.size, at, answer))
        return True

    async def _asked(self, text: bytes) -> tuple[bytes, datetime]:
        asked = rfc3161.TimestampRequestBuilder().data(text).hash_algorithm(rfc3161.HashAlgorithm.SHA256).build()
        # The sender keeps connections by platform; an authority is none, and is called like one.
        authority = Platform("time-stamp authority", "", "", "", {"base_url": self._origin}, self._clock())
        headers = {"content-type": "application/timestamp-query"}
        request = OutboundRequest("POST", self._path, headers, asked.as_bytes())
        try:
            reply = await self._sender.send(authority, request, self._patience, _MOST)
        except NoAnswer as none:
            raise StampFault(none.reason) from None
        except Unsendable as fault:
            raise StampFault(str(fault)) from None
        if reply.status != 200 or len(reply.body) > _MOST:
            raise StampFault(f"HTTP {reply.status}, {len(reply.body)} bytes")
        return reply.body, await asyncio.to_thread(stamped_at, reply.body, text, self._roots, asked.nonce)


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC)
