"""The claim on one platform in this process, and what is under way to it; both outlive a worker of the platform."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from gateway.errors import Conflict, Unavailable
from gateway.ledger.records import Claim
from schemas.findings import Text

T = TypeVar("T")

CLAIM_LOST = "claim.lost"
"""The code of a call under a claim that somebody else has now."""

CLAIM_TAKEN = "claim.taken"
"""The code of claiming what another process has."""

SETTLE_STALE = "settle.stale"
"""The code of a settlement of an attempt that is not under way any more."""

SUPERSEDED = "ledger.superseded"
"""The code of every write once another process has the ledger."""

_AGAIN = 60.0
"""Seconds before a claim that was lost over a file is taken again: else two would keep taking it from each other."""


@dataclass(slots=True)
class OwnClaim:
    """The right to deliver to one platform, handed from a worker to its successor.

    A worker that leaves (its platform became another) may still be calling while its successor
    claims the platform: it settles under the successor's claim, and the successor does not rescue
    what is still `under_way` (delivery ids, from before `begin` until after `settle`).
    """

    claim: Claim | None = None
    not_before: float = float("-inf")
    under_way: set[str] = field(default_factory=set)
    given_up: bool = False
    """Whether a lost claim is not taken again, because delivery stops here."""

    def successor(self) -> OwnClaim:
        """Give what a later claim of the platform goes on with; nothing more is written under this one."""
        self.given_up = True
        return OwnClaim(under_way=self.under_way)

    def may_claim(self, now: float) -> bool:
        """Tell whether the claim may be taken (again) at these ticks."""
        return self.claim is None and now >= self.not_before

    def lose(self, claim: Claim | None, now: float) -> bool:
        """Take note that a claim is lost; False when it was not the present one any more."""
        if claim is None or claim != self.claim:
            return False
        self.claim, self.not_before = None, now + _AGAIN
        return True


async def persist(
    own: OwnClaim,
    write: Callable[[Claim], Awaitable[T]],
    pause: timedelta,
    on_error: Callable[[Exception, Claim | None], None],
    *,
    committed: T | None = None,
) -> T:
    """Write, and again until the ledger answers: the outcome of a call must not be lost.

    It writes under whatever claim this process has by then; while it has none it waits, or gives up when
    it will have none: Conflict `claim.lost`, and whoever has the claim rescues the delivery. After an
    error nobody knows whether the write was committed: when the next try finds the attempt ended
    (`settle.stale`), it was, and the answer is `committed`. `on_error` is called with each error that it outlives.
    """
    unknown = False
    while True:
        claim = own.claim
        try:
            if claim is not None:
                return await write(claim)
        except Unavailable as error:
            if error.code == SUPERSEDED:
                raise
            unknown = True
            on_error(error, claim)
        except Conflict as error:
            if error.code == SETTLE_STALE and unknown and committed is not None:
                return committed
            if error.code != CLAIM_LOST:
                raise
            on_error(error, claim)
        if own.claim is None and own.given_up:
            raise _lost_for_good()
        await asyncio.sleep(pause.total_seconds())


def _lost_for_good() -> Conflict:
    return Conflict(
        Text(
            "另一进程已接管该平台的投递，本进程正在停止；结果由接管者查证",
            "Another process delivers to this platform, and this one stops; what became of it is asked there",
        ),
        code=CLAIM_LOST,
    )
