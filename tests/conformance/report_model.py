"""What the model of a ledger counts for the regular report: see `ledger_model`. All anew whenever it is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from kept_model import KeptModel
from msgspec.structs import replace

from gateway.ledger.occurrences import (
    UNCOUNTED,
    FoundOccurrence,
    Judging,
    LastHeard,
    Occurrence,
    OccurrenceFilter,
    OccurrenceTally,
    Seen,
    TallyFilter,
)
from gateway.ledger.records import ResultPage
from gateway.message import Message


class ReportModel(KeptModel):
    """Remembers what it was shown, each message once; what stands follows from that alone, and not from the order.

    It knows no moment but the present, and of the use of the gateway nothing.
    """

    told_of: dict[str, Seen]
    judging: Judging

    async def keep_occurrences(self, seen: Sequence[Seen], judging: Judging) -> int:
        self.judging = judging
        self.told_of = {**getattr(self, "told_of", {}), **{each.message_id: each for each in seen}}
        return 0

    async def count_use(self, judging: Judging, limit: int = 1000) -> bool:
        return False

    def stands(self) -> list[Occurrence]:
        """What stands, judged."""
        versions: dict[str, list[Seen]] = {}
        for each in sorted(self.told_of.values(), key=lambda each: (each.received_at, each.message_id)):
            if each.identity:
                versions.setdefault(each.identity, []).append(each)
        corrected = {each.corrects for each in self.told_of.values()}
        told = [one for each in versions.values() for one in self._last(each, corrected)]
        return [replace(one, traits=self._judged(one, told)) for one in told]

    def _last(self, versions: Sequence[Seen], corrected: set[str | None]) -> Sequence[Occurrence]:
        last: dict[str, Occurrence] = {}
        for version in versions:
            before, last = last, {}
            for one in () if version.message_id in corrected else version.occurrences:
                old = before.get(one.name)
                last[one.name] = one if old is None else self.judging.succeeding(one, old)
        return list(last.values())

    def _judged(self, one: Occurrence, told: Sequence[Occurrence]) -> tuple[str, ...]:
        case = [each for each in told if one.lane and each.lane == one.lane]
        party = [each for each in told if one.party and each.party == one.party]
        entered = {name for each in self.told_of.values() if each.party == one.party for name in each.registers}
        return self.judging.judged(one, case, party, frozenset(entered) if one.party else frozenset())

    async def tallies(self, filter: TallyFilter, judging: Judging) -> Sequence[OccurrenceTally]:
        assert filter.as_of is None
        counts: Counter[Any] = Counter()
        amounts: Counter[Any] = Counter()
        for one in self.stands():
            month = one.day.year * 100 + one.day.month
            if one.name in judging.tallied and filter.since <= month <= filter.until:
                key = (one.name, month, one.traits, one.region, one.authority, "")
                counts[key] += 1
                amounts[key] += one.amount
                counts.update((*key[:2], (), *key[3:5], thing) for thing in judging.things(one))
        return [
            OccurrenceTally(name, count, month, traits, region, authority, thing, amount=amounts[key])
            for key, count in counts.items()
            for name, month, traits, region, authority, thing in (key,)
        ]

    async def find_occurrences(
        self, filter: OccurrenceFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[FoundOccurrence]:
        found = [one for one in self.stands() if one.name in filter.names and {*filter.traits} <= {*one.traits}]
        listed = [FoundOccurrence(one.message_id, one.name, one.day, one.region, one.authority) for one in found]
        return ResultPage(tuple(listed[:limit]))

    async def holding(
        self, names: Sequence[str], day: date, as_of: datetime | None = None
    ) -> Sequence[OccurrenceTally]:
        assert as_of is None
        on = [one for one in self.stands() if one.name in names and one.until and one.day <= day <= one.until]
        counts = Counter((one.name, one.region, one.authority) for one in on)
        return [OccurrenceTally(name, n, region=place, authority=whose) for (name, place, whose), n in counts.items()]

    async def uncounted(self, after: int = 0, limit: int = 100) -> tuple[Sequence[Message], int]:
        kept = self.kept.messages
        found = [
            (place, kept[one.message_id].message)
            for place, one in enumerate(self.stands(), 1)
            if UNCOUNTED in one.own and one.message_id in kept and place > after
        ][:limit]
        return [each for _, each in found], found[-1][0] if found else after

    async def heard_of(self, what: str) -> Sequence[LastHeard]:
        last: dict[str, datetime] = {}
        for each in self.told_of.values():
            names = [each.region] if what == "region" else [each.party] if what in each.registers else []
            for name in filter(None, names):
                last[name] = max(each.received_at, last.get(name, each.received_at))
        return [LastHeard(what, name, at) for name, at in sorted(last.items())]
