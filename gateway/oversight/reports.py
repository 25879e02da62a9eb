"""The regular report 通报: figures of a period and a region, and the use of the gateway, from what is tallied."""

from __future__ import annotations

import asyncio
import re
from calendar import monthrange
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.clock import Clock
from gateway.errors import Invalid, NotFound
from gateway.intake.coverage import Coverage
from gateway.ledger.base import Ledger
from gateway.ledger.occurrences import (
    ARRIVAL,
    DELIVERY,
    OFFICER,
    RECEIVED,
    REGION,
    REJECTED,
    FoundOccurrence,
    OccurrenceFilter,
    OccurrenceTally,
    TallyFilter,
)
from gateway.ledger.records import Contact, ContactWay, ResultPage
from gateway.oversight.figures import Durations, Figure, Known, durations, figures
from gateway.oversight.occurrences import OccurrenceReader
from schemas import regions
from schemas.codes import table
from schemas.figures import FigureRule, Figures, Part, Place
from schemas.findings import Text

_NO_CITY = ("省直辖县级行政单位", "自治区直辖县级行政单位")
_NO_COUNTY = ("市辖区", "县")


class GroupedBy(StrEnum):
    """What a report is told apart by, beside the whole."""

    REGION = "region"
    AUTHORITY = "authority"
    MONTH = "month"


class Period(Struct, frozen=True):
    """A month or a year; months are the year times a hundred and the month."""

    name: str
    first: date
    last: date

    @property
    def since(self) -> int:
        """Its first month."""
        return self.first.year * 100 + self.first.month

    @property
    def until(self) -> int:
        """Its last month."""
        return self.last.year * 100 + self.last.month

    @property
    def months(self) -> range:
        """Its months; they are all of one year."""
        return range(self.since, self.until + 1)


class ReportGroup(Struct, frozen=True):
    """A part of a report: a region, authority or month, how it is called, and its figures."""

    key: str
    title: str
    figures: tuple[Figure, ...]


class PlatformUse(Struct, frozen=True):
    """What came of a platform in a period, and when it was heard last (at all; None: not since that is kept)."""

    platform: str
    received: int
    rejected: int
    heard_at: datetime | None

    @property
    def rejection_rate(self) -> float | None:
        """The share of what it handed in that was not accepted; None: it handed in nothing."""
        asked = self.received + self.rejected
        return round(self.rejected / asked, 4) if asked else None


class CountyUse(Struct, frozen=True):
    """A county that is configured, and when a document about it came last; None: never."""

    region: str
    title: str
    heard_at: datetime | None


class GatewayUse(Struct, frozen=True):
    """How the gateway itself is used: who was heard from, and how soon documents arrive and are delivered.

    `officers`: how many acted in the period.
    """

    platforms: tuple[PlatformUse, ...]
    counties: tuple[CountyUse, ...]
    officers: int
    arrival: Durations
    delivery: Durations

    @property
    def counties_heard(self) -> int:
        """How many of the counties were ever heard of."""
        return sum(one.heard_at is not None for one in self.counties)


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
        registry = await self._ledger.registry()
        coverage = Coverage(registry.platforms, registry.areas)
        _check_region(region, coverage)
        holding = await self._holding(asked)
        heard = _Heard({}, {})
        if as_of is None:
            heard = _Heard(
                _last_contacts(await self._ledger.contacts()),
                {each.value: each.at for each in await self._ledger.heard_of(REGION)},
            )
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
        heard: _Heard,
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
            use=None if as_of else _use(here, scope.known, scope.region, scope.coverage, heard),
        )

    async def messages(
        self, figure: str, period: str, region: str, part: str, cursor: str | None, limit: int
    ) -> ResultPage[FoundOccurrence]:
        """Give the occurrences behind the numerator or the denominator of a figure, each with its message.

        NotFound `figure.unknown`; Invalid as `usage`, and `cursor.unknown`. Places have no messages.
        """
        rule = self._figure(figure)
        asked = read_period(period)
        registry = await self._ledger.registry()
        coverage = Coverage(registry.platforms, registry.areas)
        _check_region(region, coverage)
        wanted = rule.numerator if part == "numerator" else rule.denominator
        if wanted is None or not wanted.of:
            return ResultPage(())
        return await self._ledger.find_occurrences(await self._behind(wanted, asked, region, coverage), cursor, limit)

    # ── reading ───────────────────────────────────────────────────────────────────────────────
    async def _holding(self, period: Period) -> Sequence[OccurrenceTally]:
        names = {name for one in self._rules.figures for part in one.parts if part.valid for name in part.of}
        return await self._ledger.holding(sorted(names), period.last)

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
            here = frozenset(one for one in known if region in _above(one, coverage))
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
                grouped.setdefault(_child(place, scope.region, scope.coverage), [])
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
        places = _places(region, period.last, rules, coverage)
        self.known = Known(places, self.here(holding), settings, period.until, self._above)

    def here(self, tallies: Iterable[OccurrenceTally]) -> list[OccurrenceTally]:
        """Give those of the region and what lies in it."""
        found: list[OccurrenceTally] = []
        for each in tallies:
            if each.region not in self._above:
                self._above[each.region] = _above(each.region, self.coverage)
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


class _Heard(Struct, frozen=True):
    """When platforms, and regions, were heard of last."""

    platforms: Mapping[str, datetime]
    regions: Mapping[str, datetime]


def read_period(said: str) -> Period:
    """Read `2026-03` or `2026`; Invalid `period.invalid`."""
    if re.fullmatch(r"(19|20)\d\d(-(0[1-9]|1[0-2]))?", said):
        year, first, last = int(said[:4]), int(said[5:] or 1), int(said[5:] or 12)
        return Period(said, date(year, first, 1), date(year, last, monthrange(year, last)[1]))
    zh, en = f"{said} 不是期间；请写 2026-03 或 2026", f"{said} is no period; write 2026-03 or 2026"
    raise Invalid(Text(zh, en), code="period.invalid")


def _check_region(region: str, coverage: Coverage) -> None:
    if regions.row(region) is None and region not in coverage.areas:
        zh, en = f"没有区划 {region}", f"There is no region {region}"
        raise Invalid(Text(f"{zh}；请写六位代码，如 330000", f"{en}; write a code, like 330000"), code="region.unknown")


def _above(region: str, coverage: Coverage) -> frozenset[str]:
    """Give everything that a region lies in, itself included; an abolished one lies where its successors do, too."""
    return frozenset(step for one in (region, *regions.successors(region)) for step in coverage.lineage(one))


# ── grouping ──────────────────────────────────────────────────────────────────────────────────
Key = Callable[[OccurrenceTally], str]


def _by_region(region: str, coverage: Coverage) -> Key:
    children: dict[str, str] = {}

    def child(tally: OccurrenceTally) -> str:
        if tally.region not in children:
            children[tally.region] = _child(tally.region, region, coverage)
        return children[tally.region]

    return child


def _child(place: str, region: str, coverage: Coverage) -> str:
    """Give what a place lies in one level below a region; the region itself for what is of no part of it."""
    for one in (place, *regions.successors(place)):
        lineage = list(coverage.lineage(one))
        if region in lineage:
            return lineage[max(0, lineage.index(region) - 1)]
    return region


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


# ── places ────────────────────────────────────────────────────────────────────────────────────
def _places(region: str, day: date, rules: Figures, coverage: Coverage) -> Mapping[tuple[Place, str], frozenset[str]]:
    """Give the cities and counties in force on a day where platforms of the kinds that figures name are registered."""
    asked = {
        (part.places, part.covered_by)
        for one in rules.figures
        for part in one.parts
        if part.places is not None and part.covered_by is not None
    }
    return {(place, kind): _covered(place, kind, region, day, coverage) for place, kind in asked}


def _covered(place: Place, kind: str, region: str, day: date, coverage: Coverage) -> frozenset[str]:
    level, besides = (3, _NO_COUNTY) if place is Place.COUNTY else (2, _NO_CITY)
    return frozenset(
        one.code
        for one in table("region")
        if regions.depth(one.code) == level
        and one.title not in besides
        and one.valid_on(day)
        and region in coverage.lineage(one.code)
        and _is_covered(kind, one.code, coverage)
    )


def _is_covered(kind: str, code: str, coverage: Coverage) -> bool:
    return any(True for step in coverage.lineage(code) for _ in coverage.of(kind, step))


# ── use ───────────────────────────────────────────────────────────────────────────────────────
def _use(
    tallies: Sequence[OccurrenceTally], known: Known, region: str, coverage: Coverage, heard: _Heard
) -> GatewayUse:
    here = {id for id, one in coverage.platforms.items() if region in _above(one.region, coverage)}
    came = _by_platform(tallies, RECEIVED), _by_platform(tallies, REJECTED)
    places = known.places or {}
    counties = frozenset[str]().union(*(codes for (place, _), codes in places.items() if place is Place.COUNTY))
    last = _last_heard(heard.regions, counties, coverage)
    return GatewayUse(
        tuple(
            PlatformUse(id, came[0].get(id, 0), came[1].get(id, 0), heard.platforms.get(id))
            for id in sorted(here | {*came[0], *came[1]})
        ),
        tuple(CountyUse(one, coverage.name(one), last.get(one)) for one in sorted(counties)),
        len({each.thing for each in tallies if each.thing.startswith(OFFICER) and each.count}),
        durations(tallies, ARRIVAL),
        durations(tallies, DELIVERY),
    )


def _by_platform(tallies: Iterable[OccurrenceTally], name: str) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for each in tallies:
        if each.name == name:
            counts[each.authority] = counts.get(each.authority, 0) + each.count
    return counts


def _last_contacts(contacts: Iterable[Contact]) -> Mapping[str, datetime]:
    last: dict[str, datetime] = {}
    for each in contacts:
        if each.way is ContactWay.HEARD:
            last[each.platform] = max(each.at, last.get(each.platform, each.at))
    return last


def _last_heard(heard: Mapping[str, datetime], counties: Collection[str], coverage: Coverage) -> Mapping[str, datetime]:
    last: dict[str, datetime] = {}
    for region, at in heard.items():
        for place in _above(region, coverage) & frozenset(counties):
            last[place] = max(at, last.get(place, at))
    return last
