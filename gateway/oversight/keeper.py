"""Keeps what messages tell of for the regular report, as the follower shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from gateway.ledger.base import Ledger
from gateway.message import Message
from gateway.oversight.occurrences import OccurrenceReader
from gateway.oversight.years import known_days
from schemas.figures import Figures


class OccurrenceKeeper:
    """An observer: other rules, or other settings that they ask for, have all messages read anew."""

    def __init__(self, ledger: Ledger, rules: Figures, zone: tzinfo, settings: Mapping[str, int | None]) -> None:
        self._ledger = ledger
        self._reader = OccurrenceReader(rules, zone, settings)
        said = "".join(f" {name}={value}" for name, value in sorted(settings.items()) if value is not None)
        self.name = f"occurrences {rules.digest}{said}"

    async def see(self, messages: Sequence[Message]) -> None:
        """Keep what these messages tell of."""
        days = known_days(await self._ledger.years())
        await self._ledger.keep_occurrences([self._reader.seen(each, days) for each in messages], self._reader)
