"""Offering signed heads to the platforms that keep them as witnesses, beside everything that is delivered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from adapters.base import Adapter, OutboundRequest
from gateway.audit.signing import SignedHead
from gateway.audit.witness import Elsewhere, Taken, Untaken, judged, offer
from gateway.clock import Clock, new_id
from gateway.delivery.authorised import AuthorisedSender
from gateway.delivery.no_answer import NoAnswer, Unsendable
from gateway.delivery.outgoing import keyed
from gateway.errors import HutongError
from gateway.hub.evidence import shown_head
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform, Witnessed
from gateway.message import HeldBy
from schemas.findings import Rejected

_log = logging.getLogger(__name__)

_PATIENCE = timedelta(seconds=10)
_FIRST_RETRY = timedelta(minutes=1)
_LONGEST_ANSWER = 2000
"""Characters of a witness's answer that are kept."""


class Failing(Struct, frozen=True):
    """How often a witness has failed in a row, and when it is offered a head again."""

    times: int
    until: datetime


def failed_again(before: Failing | None, now: datetime, every: timedelta) -> Failing:
    """Wait twice as long after each failure, from a minute up to the usual time between two offers."""
    times = before.times + 1 if before else 1
    return Failing(times, now + min(every, _FIRST_RETRY * 2 ** min(times - 1, 20)))


def is_due(taken: Witnessed | None, failing: Failing | None, size: int, now: datetime, every: timedelta) -> bool:
    """Tell whether a witness is offered the head of a size now: one that is new to it, and not too soon."""
    if failing is not None and now < failing.until:
        return False
    return taken is None or (taken.size < size and now >= taken.at + every)


class Witnesses:
    """Offers the newest head to each platform with the setting `witness`, at most once in `every` so much time.

    A platform that fails is offered one again by itself: neither the others nor any delivery wait for it, and nothing
    of it counts as a failure of its deliveries. Of several processes the one that grows the tree offers. A platform
    that an operator paused is left alone.
    """

    def __init__(
        self,
        ledger: Ledger,
        platforms: Mapping[str, Platform],
        adapter_of: Callable[[Platform], Adapter],
        sender: AuthorisedSender,
        clock: Clock,
        *,
        every: timedelta,
    ) -> None:
        self._ledger = ledger
        self._platforms = platforms
        self._adapter_of = adapter_of
        self._sender = sender
        self._clock = clock
        self._every = every
        self._failing: dict[str, Failing] = {}
        self._since: datetime | None = None

    def behind_seconds(self, now: datetime) -> float:
        """Give for how long the witness that is furthest behind has not taken the head that was due; 0: none is."""
        return 0.0 if self._since is None else max(0.0, (now - self._since).total_seconds())

    async def look(self) -> None:
        """Offer the newest head to every witness that it is due for."""
        standing, head = await self._ledger.tree_standing(), await self._ledger.newest_head()
        witnesses = [one for one in self._platforms.values() if one.settings.get("witness") and not one.fetches]
        self._failing = {one.id: self._failing[one.id] for one in witnesses if one.id in self._failing}
        self._since = None
        if head is None or standing.elsewhere or not witnesses:
            return
        ids = [one.id for one in witnesses]
        taken = {one.platform: one for one in await self._ledger.witnessed(ids, head.size)}
        now, size = self._clock(), head.size
        due = [one for one in witnesses if is_due(taken.get(one.id), self._failing.get(one.id), size, now, self._every)]
        await asyncio.gather(*(self._offer(one, head, taken.get(one.id)) for one in due if not _paused(one)))
        newest = {one.platform: one for one in await self._ledger.witnessed(ids, size)}
        self._since = min(
            (
                newest[one.id].at + self._every if one.id in newest else one.created_at
                for one in witnesses
                if one.id not in newest or newest[one.id].size < size
            ),
            default=None,
        )

    async def _offer(self, platform: Platform, head: SignedHead, taken: Witnessed | None) -> None:
        key = str(platform.settings.get("witness_key") or "")
        said, answer = await self._asked(platform, head, taken.size if taken else 0, key)
        if isinstance(said, Elsewhere) and said.size <= head.size:
            said, answer = await self._asked(platform, head, said.size, key)
        if isinstance(said, Taken):
            self._failing.pop(platform.id, None)
            kept = Witnessed(
                platform.id, head.size, head.root, self._clock(), answer, key, said.signed_at, said.signature
            )
            await self._ledger.keep_witnessed(kept)
            return
        self._failing[platform.id] = failed_again(self._failing.get(platform.id), self._clock(), self._every)
        if isinstance(said, Elsewhere):
            # It has seen a longer past than this ledger has: leaves were cut off, or an older copy was restored.
            _log.error("the witness %s has a head of size %d, this ledger %d", platform.id, said.size, head.size)
        else:
            _log.warning("the witness %s did not take the head of size %d: %s", platform.id, head.size, said.reason)

    async def _asked(
        self, platform: Platform, head: SignedHead, old: int, key: str
    ) -> tuple[Taken | Elsewhere | Untaken, str]:
        keys = {each.id: each for each in await self._ledger.signing_keys()}
        shown = shown_head(head, keys[head.key_id].public)
        proof = await self._ledger.prove_consistency(old, head.size)
        body = offer(shown, old, proof.path)
        headers = {"content-type": "application/json"}
        request = OutboundRequest("POST", str(platform.settings["witness"]), headers, body)
        try:
            keyed_request = keyed(request, new_id(self._clock()), None)
            reply = await self._sender.send(self._adapter_of(platform), platform, keyed_request, _PATIENCE)
        except NoAnswer as none:
            return Untaken(none.reason), ""
        except (Rejected, HutongError) as fault:
            return Untaken(fault.code), ""
        except Unsendable:
            return Untaken("request.unwritable"), ""
        answer = reply.body.decode("utf-8", "replace").replace("\x00", "\ufffd")[:_LONGEST_ANSWER]
        return judged(reply.status, reply.body, shown, key), answer


def _paused(platform: Platform) -> bool:
    return HeldBy.PAUSED in platform.held_by()
