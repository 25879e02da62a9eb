"""Looks again at cases whose findings do not hold any more: by the mere passing of days, or by what they rest on."""

from __future__ import annotations

from datetime import tzinfo

from gateway.clock import Clock
from gateway.ledger.base import Ledger
from gateway.oversight.assessor import Assessor, by_correlation

_AT_ONCE = 20
"""Cases that are looked at in one step."""


class DueCases:
    """The chore of assessing cases that are due, in the process that shows messages to the assessor.

    A day that passed, a year that was entered, a certificate that came late: each makes the cases due that it concerns,
    and no other. Few are looked at in a step, so that traffic goes on however many are due on one day. What a step did
    not come to is due still, in whatever process goes on.
    """

    name = Assessor.name

    def __init__(self, ledger: Ledger, assessor: Assessor, clock: Clock, zone: tzinfo, *, most: int = _AT_ONCE) -> None:
        self._ledger = ledger
        self._assessor = assessor
        self._clock = clock
        self._zone = zone
        self._most = most

    async def step(self) -> bool:
        """Look at some cases; tell whether there are more."""
        if not (await self._ledger.followed(self.name)).mine:
            return False
        more = await self._ledger.make_due()
        due = await self._ledger.due_cases(self._clock().astimezone(self._zone).date(), self._most)
        for correlation_id, lanes in by_correlation(due).items():
            await self._assessor.assess(lanes, correlation_id)
        if due:
            await self._assessor.teller.tell()
        return more or len(due) == self._most
