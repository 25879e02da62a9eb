"""Keeps what messages tell of for the regular report, as the follower shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from gateway.ledger.base import Ledger
from gateway.message import Message
from gateway.oversight.occurrences import OccurrenceReader
from gateway.oversight.years import known_days
from schemas.figures import Figures

_AT_ONCE = 2000
"""Messages, attempts and rejections that are tallied in one step: while it lasts nobody else writes."""


class OccurrenceKeeper:
    """An observer of messages that keeps what they tell of, and the chore of tallying the use of the gateway.

    Other rules, or other settings that they ask for, have all messages read anew.
    """

    def __init__(self, ledger: Ledger, rules: Figures, zone: tzinfo, settings: Mapping[str, int | None]) -> None:
        self._ledger = ledger
        self._reader = OccurrenceReader(rules, zone, settings)
        said = "".join(f" {name}={value}" for name, value in sorted(settings.items()) if value is not None)
        self.name = f"occurrences {rules.digest}{said}"

    async def see(self, messages: Sequence[Message]) -> None:
        """Keep what these messages tell of."""
        days = known_days(await self._ledger.years())
        await self._ledger.keep_occurrences([self._reader.seen(each, days) for each in messages], self._reader)

    async def step(self) -> bool:
        """Tally what came, was delivered and was rejected since the last time."""
        if (await self._ledger.followed(self.name)).mine:
            await self._ledger.count_use(self._reader, _AT_ONCE)
        # Also when there is more: a second's pause leaves the ledger to those who write.
        return False
