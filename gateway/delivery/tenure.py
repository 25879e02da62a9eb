"""What the workers of one platform have in common in this process: its claim, and what is under way to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.ledger.records import Claim

CLAIM_LOST = "claim.lost"
"""The code of a call under a claim that somebody else has now."""

SETTLE_STALE = "settle.stale"
"""The code of a settlement of an attempt that is not under way any more."""

SUPERSEDED = "ledger.superseded"
"""The code of every write once another process has the ledger."""

_AGAIN = 60.0
"""Seconds before a claim that was lost is taken again: two that take it from each other at once would do nothing else."""


@dataclass(slots=True)
class Tenure:
    """The right to deliver to one platform, handed from a worker to its successor.

    A worker that leaves (its platform became another) may still be calling while its successor
    claims the platform: it settles under the successor's claim, and the successor does not rescue
    what is still `under_way` (delivery ids, from before `begin` until after `settle`).
    """

    claim: Claim | None = None
    not_before: float = float("-inf")
    under_way: set[str] = field(default_factory=set)

    def may_claim(self, now: float) -> bool:
        """Tell whether the claim may be taken (again) at these ticks."""
        return self.claim is None and now >= self.not_before

    def lose(self, claim: Claim | None, now: float) -> bool:
        """Take note that a claim is lost; False when it was not the present one any more."""
        if claim is None or claim != self.claim:
            return False
        self.claim, self.not_before = None, now + _AGAIN
        return True
