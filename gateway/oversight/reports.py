"""The regular report 通报: figures of a period and a region, and the use of the gateway, from what is tallied."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.clock import Clock
from gateway.errors import NotFound
from gateway.intake.coverage import Coverage
from gateway.ledger.base import Ledger
from gateway.ledger.occurrences import REGION, FoundOccurrence, OccurrenceFilter, OccurrenceTally, TallyFilter
from gateway.ledger.records import ResultPage
from gateway.oversight.figures import Figure, Known, figures
from gateway.oversight.gateway_use import GatewayUse, HeardOf, use_of
from gateway.oversight.occurrences import OccurrenceReader
from gateway.oversight.periods import Period, read_period
from gateway.oversight.report_places import above, check_region, part_of, places_of
from schemas import regions
from schemas.figures import FigureRule, Figures, Part
from schemas.findings import Text


class GroupedBy(StrEnum):
    """What a report is told apart by, beside the whole."""

    REGION = "region"
    AUTHORITY = "authority"
    MONTH = "month"


class ReportGroup(Struct, frozen=True):
    """A part of a report: a region, authority or month, how it is called, and its figures."""

    key: str
    title: str
    figures: tuple[Figure, ...]


class UsageReport(Struct, frozen=True):
    """The regular report of a period and a region, as it was made at a moment. `over`: the period has ended.

    `use` is None as of a moment: of that only the present is known.
    """

    period: Period
    region: str
    title: str
    by: GroupedBy | None
    as_of: datetime | None
    made_at: datetime
    over: bool
    figures: tuple[Figure, ...]
    groups: tuple[ReportGroup, ...]
    use: GatewayUse | None


class Reports:
    """Makes regular reports. `settings`: what figures may need, by name; None: not set."""

    def __init__(
        self,
        ledger: Ledger,
        rules: Figures,
        clock: Clock,
        zone: tzinfo,
        settings: Mapping[str, int | None],
    ) -> None:
        self._ledger = ledger
        self._rules = rules
        self._clock = clock
        self._zone = zone
        self._settings = settings
        self._reader = OccurrenceReader(rules, zone, settings)

    async def usage(
        self, period: str, region: str, by: GroupedBy | None = None, as_of: datetime | None = None
    ) -> UsageReport:
        """Make the report; Invalid `period.invalid`, `region.unknown`."""
        asked = read_period(period)
        coverage = await self._coverage(region, as_of)
        holding = await self._holding(asked, as_of)
        heard = HeardOf({}, {})
        if as_of is None:
            heard = HeardOf.of(await self._ledger.contacts(), await self._ledger.heard_of(REGION))
        # A nation has many tallies: the loop must not wait for their sums.
        scope = await asyncio.to_thread(_Scope, region, asked, self._rules, coverage, holding, self._settings)
        whole, months = _Whole(), []
        for month in asked.months:
            # A month at a time: each is a search with a deadline of its own, and all of a year would fill the memory.
            tallies = await self._ledger.tallies(TallyFilter(month, month, authorities=True, as_of=as_of), self._reader)
            here = await asyncio.to_thread(scope.here, tallies)
            await asyncio.to_thread(whole.add, here)
            if by is GroupedBy.MONTH and any(not each.name.startswith("@") for each in here):
                months.append(await asyncio.to_thread(self._month, month, here, scope))
        return await asyncio.to_thread(self._made, by, as_of, whole.tallies(), months, heard, scope)

    def _month(self, month: int, here: Sequence[OccurrenceTally], scope: _Scope) -> ReportGroup:
        name = f"{month // 100}-{month % 100:02d}"
        return ReportGroup(name, name, tuple(figures(self._rules.figures, here, replace(scope.known, until=month))))

    def _made(
        self,
        by: GroupedBy | None,
        as_of: datetime | None,
        here: Sequence[OccurrenceTally],
        months: Sequence[ReportGroup],
        heard: HeardOf,
        scope: _Scope,
    ) -> UsageReport:
        now = self._clock()
        groups = months if by in (None, GroupedBy.MONTH) else list(self._groups(by, here, scope))
        return UsageReport(
            period=scope.period,
            region=scope.region,
            title=scope.coverage.name(scope.region),
            by=by,
            as_of=as_of,
            made_at=now,
            over=scope.period.last < now.astimezone(self._zone).date(),
            figures=tuple(figures(self._rules.figures, here, scope.known)),
            groups=tuple(groups),
            use=None if as_of else use_of(here, scope.known, scope.region, scope.coverage, heard),
        )

    async def messages(
        self,
        figure: str,
        period: str,
        region: str,
        part: str,
        cursor: str | None,
        limit: int,
        as_of: datetime | None = None,
    ) -> ResultPage[FoundOccurrence]:
        """Give the occurrences behind the numerator or the denominator of a figure, each with its message.

        NotFound `figure.unknown`; Invalid as `usage`, and `cursor.unknown`. Places have no messages.
        """
        rule = self._figure(figure)
        asked = read_period(period)
        coverage = await self._coverage(region, as_of)
        wanted = rule.numerator if part == "numerator" else rule.denominator
        if wanted is None or not wanted.of:
            return ResultPage(())
        behind = await self._behind(wanted, asked, region, coverage)
        return await self._ledger.find_occurrences(replace(behind, as_of=as_of), cursor, limit)

    # ── reading ───────────────────────────────────────────────────────────────────────────────
    async def _coverage(self, region: str, as_of: datetime | None) -> Coverage:
        """Give the places of platforms, as they are or as they were; Invalid `region.unknown`."""
        registry = await (self._ledger.registry() if as_of is None else self._ledger.registry_at(as_of))
        coverage = Coverage(registry.platforms, registry.areas)
        check_region(region, coverage)
        return coverage

    async def _holding(self, period: Period, as_of: datetime | None) -> Sequence[OccurrenceTally]:
        names = {name for one in self._rules.figures for part in one.parts if part.valid for name in part.of}
        return await self._ledger.holding(sorted(names), period.last, as_of)

    def _figure(self, name: str) -> FigureRule:
        rule = self._rules.figure(name)
        if rule is None:
            known = "、".join(one.figure for one in self._rules.figures)
            raise NotFound(
                Text(f"没有指标 {name}；有：{known}", f"There is no figure {name}; there are: {known}"),
                code="figure.unknown",
            )
        return rule

    async def _behind(self, part: Part, period: Period, region: str, coverage: Coverage) -> OccurrenceFilter:
        here: frozenset[str] | None = None
        if region != regions.NATIONAL:
            known = {each.value for each in await self._ledger.heard_of(REGION)}
            here = frozenset(one for one in known if region in above(one, coverage))
        if part.valid:
            first = 199001  # what holds may have begun at any time
            return OccurrenceFilter(part.of, part.traits, first, period.until, here, period.last)
        return OccurrenceFilter(part.of, part.traits, period.since, period.until, here)

    # ── groups ────────────────────────────────────────────────────────────────────────────────
    def _groups(self, by: GroupedBy, tallies: Sequence[OccurrenceTally], scope: _Scope) -> Iterable[ReportGroup]:
        key = _KEYS[by](scope.region, scope.coverage)
        grouped: dict[str, list[OccurrenceTally]] = {}
        for each in tallies:
            if not each.name.startswith("@"):
                grouped.setdefault(key(each), []).append(each)
        if by is GroupedBy.REGION:
            configured = {place for places in (scope.known.places or {}).values() for place in places}
            for place in configured:
                grouped.setdefault(part_of(place, scope.region, scope.coverage), [])
        for name in sorted(grouped):
            known = _narrowed(scope.known, by, name, key, scope.coverage)
            title = scope.coverage.name(name) if by is GroupedBy.REGION else name
            yield ReportGroup(name, title, tuple(figures(self._rules.figures, grouped[name], known)))


class _Scope:
    """Where and when a report is of, and what is known there."""

    def __init__(
        self,
        region: str,
        period: Period,
        rules: Figures,
        coverage: Coverage,
        holding: Sequence[OccurrenceTally],
        settings: Mapping[str, int | None],
    ) -> None:
        self.region, self.period, self.coverage = region, period, coverage
        self._above: dict[str, frozenset[str]] = {}
        places = places_of(region, period.last, rules, coverage)
        self.known = Known(places, self.here(holding), settings, period.until, self._above)

    def here(self, tallies: Iterable[OccurrenceTally]) -> list[OccurrenceTally]:
        """Give those of the region and what lies in it."""
        found: list[OccurrenceTally] = []
        for each in tallies:
            if each.region not in self._above:
                self._above[each.region] = above(each.region, self.coverage)
            if self.region in self._above[each.region]:
                found.append(each)
        return found


class _Whole:
    """The tallies of several months as one: what is alike is added up."""

    def __init__(self) -> None:
        self._sums: dict[tuple[Any, ...], tuple[int, int]] = {}

    def add(self, tallies: Iterable[OccurrenceTally]) -> None:
        """Add those of another month."""
        for each in tallies:
            key = (each.name, each.traits, each.region, each.authority, each.thing, each.arrived)
            count, amount = self._sums.get(key, (0, 0))
            self._sums[key] = (count + each.count, amount + each.amount)

    def tallies(self) -> Sequence[OccurrenceTally]:
        """Give the sums."""
        return [
            OccurrenceTally(name, count, 0, traits, region, authority, thing, arrived, amount)
            for (name, traits, region, authority, thing, arrived), (count, amount) in self._sums.items()
        ]


Key = Callable[[OccurrenceTally], str]


def _by_region(region: str, coverage: Coverage) -> Key:
    children: dict[str, str] = {}

    def child(tally: OccurrenceTally) -> str:
        if tally.region not in children:
            children[tally.region] = part_of(tally.region, region, coverage)
        return children[tally.region]

    return child


def _by_authority(region: str, coverage: Coverage) -> Key:
    return lambda tally: tally.authority


_KEYS: Mapping[GroupedBy, Callable[[str, Coverage], Key]] = {
    GroupedBy.REGION: _by_region,
    GroupedBy.AUTHORITY: _by_authority,
}


def _narrowed(known: Known, by: GroupedBy, name: str, key: Key, coverage: Coverage) -> Known:
    """Give what is known of one group."""
    holding = [each for each in known.holding if key(each) == name]
    if by is GroupedBy.AUTHORITY:
        return Known(None, holding, known.settings, known.until, known.above)
    places = {
        each: frozenset(one for one in codes if name in coverage.lineage(one))
        for each, codes in (known.places or {}).items()
    }
    return Known(places, holding, known.settings, known.until, known.above)
