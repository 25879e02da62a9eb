"""Counts the deadlines of every case that a message belongs to, and again whenever the rules or the calendar change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import tzinfo
from hashlib import blake2b

from gateway.clock import Clock
from gateway.ledger.base import Ledger
from gateway.ledger.clocked import ClockedCase, ClockStanding, CountedCase, CountedCorrelation, KeptClock
from gateway.message import Message
from gateway.oversight.cases import correlated, documents_of, of_case
from gateway.oversight.clocks import CaseClock, ClockState, clocks
from gateway.oversight.years import known_days
from schemas.calendar import Calendar
from schemas.catalog import TYPES
from schemas.clocks import ClockRule, bundled

_log = logging.getLogger(__name__)

NAME = "clocks"
"""Under which messages are followed."""

COUNTING = 2
"""One more whenever deadlines are counted otherwise by the same rules: then all are counted anew."""

_AT_ONCE = 20
"""Correlations that are counted anew in one step."""


class ClockKeeper:
    """An observer of messages that keeps the deadlines of their cases, and the chore of counting them anew."""

    name = NAME

    def __init__(self, ledger: Ledger, clock: Clock, zone: tzinfo, rules: Sequence[ClockRule] | None = None) -> None:
        self._ledger = ledger
        self._clock = clock
        self._zone = zone
        self._rules = bundled() if rules is None else rules
        self._lanes = lanes(self._rules)

    async def see(self, messages: Sequence[Message]) -> None:
        """Count every case of the messages' correlations: each once, by what stands in the ledger now."""
        await self._count({each.correlation_id: None for each in messages})

    async def step(self) -> bool:
        """Count some cases anew that were counted by other rules or another calendar; tell whether there are more."""
        if not (await self._ledger.followed(NAME)).mine:
            return False
        others = await self._ledger.counted_otherwise(counted_by(await self._calendar(), self._rules), _AT_ONCE)
        return await self._count(others) and len(others) == _AT_ONCE

    async def _count(self, correlations: Collection[str]) -> bool:
        if not correlations:
            return False
        calendar = await self._calendar()
        by = counted_by(calendar, self._rules)
        counted = [CountedCorrelation(id, await self._cases(id, calendar, by)) for id in correlations]
        return await self._ledger.put_clocks(NAME, counted)

    async def _calendar(self) -> Calendar:
        return known_days(await self._ledger.years())

    async def _cases(self, correlation_id: str, calendar: Calendar, by: str) -> tuple[CountedCase, ...]:
        messages, complete = await correlated(self._ledger, correlation_id)
        keys = dict.fromkeys(each.ordering_key for each in messages)
        reached: dict[str, list[str]] = {each.id: [each.source] for each in messages}
        for delivery in await self._ledger.deliveries_of(*reached):
            if delivery.platform is not None:
                reached[delivery.message_id].append(delivery.platform)
        counted: list[CountedCase] = []
        for key in keys:
            if key.partition(":")[0] in self._lanes:
                counted.append(self._case(of_case(messages, key), key, reached, calendar, by, complete=complete))
                await asyncio.sleep(0)  # one order may have led to hundreds of cases, and others have to go on
        return tuple(counted)

    def _case(
        self,
        messages: Sequence[Message],
        key: str,
        reached: Mapping[str, Sequence[str]],
        calendar: Calendar,
        by: str,
        *,
        complete: bool,
    ) -> CountedCase:
        newest = [each for each in messages if each.ordering_key == key][-1]
        case = ClockedCase(
            correlation_id=newest.correlation_id,
            ordering_key=key,
            number=key.split(":", 2)[-1],
            region=newest.region,
            platforms=tuple(dict.fromkeys(platform for each in messages for platform in reached[each.id])),
            complete=complete,
            counted_by=by,
        )
        return CountedCase(case, tuple(map(_kept, self._counted(messages, key, calendar))))

    def _counted(self, messages: Sequence[Message], key: str, calendar: Calendar) -> Sequence[CaseClock]:
        """Count the deadlines of a case; where that cannot be done it has none, and the others go on."""
        try:
            return clocks(documents_of(messages), self._rules, calendar, self._clock(), self._zone)
        except Exception as error:
            _log.error("the deadlines of %s cannot be counted: it has none", key, exc_info=error)
            return ()


def lanes(rules: Sequence[ClockRule]) -> frozenset[str]:
    """Give the names of the numbers that a case with deadlines goes by: those of the documents that start one."""
    return frozenset(lane for rule in rules for event in rule.starts for lane in TYPES[event.type].lanes)


def counted_by(calendar: Calendar, rules: Sequence[ClockRule]) -> str:
    """Name the rules and the calendar that deadlines are counted by: other ones have another name."""
    years = [(year, sorted(days.holidays), sorted(days.workdays)) for year, days in sorted(calendar.years.items())]
    said = f"{COUNTING} {tuple(rules)!r} {years!r}"
    return blake2b(said.encode(), digest_size=12).hexdigest()


def _kept(clock: CaseClock) -> KeptClock:
    return KeptClock(
        rule=clock.rule.rule,
        about=clock.about,
        standing=_standing(clock),
        started_at=clock.started_at,
        due_at=clock.due_at,
        ended_at=clock.ended_at,
        evidence=clock.evidence,
        unknown_year=clock.unknown_year,
    )


def _standing(clock: CaseClock) -> ClockStanding:
    if clock.ended_at is None and clock.state in (ClockState.RUNNING, ClockState.MISSED):
        return ClockStanding.OPEN
    return ClockStanding(clock.state.value)
