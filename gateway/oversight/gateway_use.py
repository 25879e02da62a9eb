"""How the gateway itself is used: which platforms and counties were heard from, and how soon documents arrive; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from gateway.intake.coverage import Coverage
from gateway.ledger.occurrences import ARRIVAL, DELIVERY, OFFICER, RECEIVED, REJECTED, LastHeard, OccurrenceTally
from gateway.ledger.records import Contact, ContactWay
from gateway.oversight.figures import Durations, Known, durations
from gateway.oversight.report_places import above
from schemas.figures import Place


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


class HeardOf(Struct, frozen=True):
    """When platforms, and regions, were heard of last."""

    platforms: Mapping[str, datetime]
    regions: Mapping[str, datetime]

    @classmethod
    def of(cls, contacts: Iterable[Contact], heard: Iterable[LastHeard]) -> HeardOf:
        """Give it as the ledger keeps it."""
        return cls(_last_contacts(contacts), {each.value: each.at for each in heard})


def use_of(
    tallies: Sequence[OccurrenceTally], known: Known, region: str, coverage: Coverage, heard: HeardOf
) -> GatewayUse:
    """Give how the gateway is used in a region, by the tallies of a period."""
    here = {id for id, one in coverage.platforms.items() if region in above(one.region, coverage)}
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
        for place in above(region, coverage) & frozenset(counties):
            last[place] = max(at, last.get(place, at))
    return last
