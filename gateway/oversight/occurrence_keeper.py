"""Keeps what messages tell of for the regular report, as the follower shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from msgspec import Struct

from gateway.ledger.base import Ledger
from gateway.ledger.records import CalendarYear
from gateway.message import Message
from gateway.oversight.occurrences import OccurrenceReader
from gateway.oversight.years import known_days
from schemas.figures import Figures

_AT_ONCE = 2000
"""Messages, attempts and rejections that are tallied in one step: while it lasts nobody else writes."""

_MENDED = 100
"""Messages that are read anew in one step after a year was entered."""


class OccurrenceKeeper:
    """An observer of messages that keeps what they tell of, and the chore of tallying the use of the gateway.

    Other rules, or other settings that they ask for, have all messages read anew. A year that is entered has those
    read anew that could not be counted for want of one; and whoever begins reads them once.
    """

    def __init__(self, ledger: Ledger, rules: Figures, zone: tzinfo, settings: Mapping[str, int | None]) -> None:
        self._ledger = ledger
        self._reader = OccurrenceReader(rules, zone, settings)
        said = "".join(f" {name}={value}" for name, value in sorted(settings.items()) if value is not None)
        self.name = f"occurrences {rules.digest}{said}"
        self._mending = _Mending(None)

    async def see(self, messages: Sequence[Message]) -> None:
        """Keep what these messages tell of."""
        years = None
        # A year that was entered meanwhile may have mended all else already, and would leave these behind.
        while years != (now := await self._ledger.years()):
            years, days = now, known_days(now)
            await self._ledger.keep_occurrences([self._reader.seen(each, days) for each in messages], self._reader)

    async def step(self) -> bool:
        """Tally what came, was delivered and was rejected since the last time, and count what can be counted now."""
        if (await self._ledger.followed(self.name)).mine:
            await self._ledger.count_use(self._reader, _AT_ONCE)
            await self._mend()
        # Also when there is more: a second's pause leaves the ledger to those who write.
        return False

    async def _mend(self) -> None:
        """Read some messages anew that could not be counted, once with every calendar."""
        years = tuple(await self._ledger.years())
        if self._mending.years != years:
            self._mending = _Mending(years)
        elif self._mending.done:
            return
        messages, reached = await self._ledger.uncounted(self._mending.reached, _MENDED)
        if messages:
            await self.see(messages)
        self._mending = _Mending(years, reached, done=len(messages) < _MENDED)


class _Mending(Struct, frozen=True):
    """With which entered years what could not be counted is read anew, and how far that has come."""

    years: tuple[CalendarYear, ...] | None
    reached: int = 0
    done: bool = False
