"""Decide where a message goes (Content-Based Router, Return Address); pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway.intake.coverage import Coverage
from gateway.intake.routes import About, Reach, Route, RouteDestination
from gateway.intake.steps import Planned
from gateway.ledger.records import Platform, Taker
from schemas import regions
from schemas.reprs import Discreet

CanSend = Callable[[Platform, str], bool]
"""Tells whether a platform's adapter can send a message type."""

Choose = Callable[[str, str, str, str, str], str | None]
"""Gives the id of the platform for (type, kind, toward, region, source), None while there is none."""

NEAREST, NATIONAL = "nearest", "national"
"""Which platform of its kind a delivery is for (`toward`): the nearest to its message's region, the national one.

`nearest.330100` is the nearest to another region than the message's. Any other value is the id of one platform.
"""

_TOWARD: Mapping[Reach, tuple[str, ...]] = {
    Reach.NEAREST: (NEAREST,),
    Reach.NATIONAL: (NATIONAL,),
    # National first. While neither is there both wait, in this order: when the national platform comes, it
    # is offered the delivery that only it may take, before the one that a nearer platform may still take.
    Reach.BOTH: (NATIONAL, NEAREST),
}


class Routable(Discreet, frozen=True):
    """What routing looks at: the enriched document, where it is about, who sent it, whom it answers."""

    type: str
    document: Mapping[str, Any]
    region: str
    source: str
    answered: str | None = None


def chooser(coverage: Coverage, can_send: CanSend) -> Choose:
    """Make the choice among the platforms of a moment; each question is answered once and remembered.

    Never the source: where the source itself is the platform that covers the region, no other one is chosen.
    """
    known: dict[tuple[str, str, str, str], str | None] = {}

    def choose(message_type: str, kind: str, toward: str, region: str, source: str) -> str | None:
        asked = (message_type, kind, toward, region)
        if asked not in known:
            sought = (one.id for one in _sought(coverage, kind, toward, region) if can_send(one, message_type))
            known[asked] = next(sought, None)
        found = known[asked]
        return None if found == source else found

    return choose


def taker(coverage: Coverage, can_send: CanSend) -> Taker:
    """Make the choice for unrouted deliveries; it decides as at intake.

    It is called on the ledger's thread: neither argument may change while it is in use.
    """
    choose = chooser(coverage, can_send)
    return lambda one: choose(one.type, one.kind, one.toward, one.region, one.source)


def plan(route: Route, message: Routable, choose: Choose, coverage: Coverage) -> tuple[Planned, ...]:
    """Give the deliveries of a message: one a platform, and one without a platform for each that was not found."""
    planned: list[Planned] = []
    for destination in route.destinations:
        if _applies(destination, message):
            planned.extend(_towards(destination, message, choose, coverage))
    return tuple(dict.fromkeys(planned)) if len(planned) > 1 else tuple(planned)


def _sought(coverage: Coverage, kind: str, toward: str, region: str) -> Iterator[Platform]:
    """Give the platforms that a delivery may go to, the one that is preferred first."""
    reach, _, place = toward.partition(".")
    if reach == NEAREST:
        for code in coverage.lineage(place or region):
            yield from coverage.of(kind, code)
    elif toward == NATIONAL:
        yield from coverage.of(kind, regions.NATIONAL)
    elif toward in coverage.platforms:
        yield coverage.platforms[toward]


def _towards(destination: RouteDestination, message: Routable, choose: Choose, coverage: Coverage) -> Sequence[Planned]:
    kind, sought = _seeking(destination, message, coverage)
    found = [(choose(message.type, kind, toward, message.region, message.source), toward) for toward in sought]
    planned = [Planned(kind, platform, None if platform else toward) for platform, toward in found]
    # Above many regions there is no platform of a kind, and none is missing there.
    spare = destination.optional or destination.reach is Reach.UP
    return [one for one in planned if one.platform] if spare else planned


def _seeking(destination: RouteDestination, message: Routable, coverage: Coverage) -> tuple[str, Sequence[str]]:
    """Give the kind of platform that a destination means, and whom to seek among it."""
    if destination.answers:
        answered = message.answered or ""
        return answered.rpartition(".")[0], (answered,)
    kind = destination.kind or ""
    if destination.reach is Reach.UP:
        return kind, [f"{NEAREST}.{above}" for above in coverage.lineage(_lowest(kind, message, coverage))[1:2]]
    towards = _TOWARD[destination.reach]
    if About.SENDER not in destination.regions:
        return kind, towards
    own = f"{NEAREST}.{_place(message.source)}"
    if About.DOCUMENT not in destination.regions:
        return kind, [own if one == NEAREST else one for one in towards]
    # Within what it covers the nearest platform to the document is the one for its sender, too.
    return kind, towards if _covered(message, coverage) else (*towards, own)


def _lowest(kind: str, message: Routable, coverage: Coverage) -> str:
    """Give the region above which a message goes up: its own, or its sender's where that is one of the way."""
    on_the_way = message.source.startswith(f"{kind}.") and _covered(message, coverage)
    return _place(message.source) if on_the_way else message.region


def _covered(message: Routable, coverage: Coverage) -> bool:
    """Tell whether a message is about a place that its sender is there for."""
    sender = coverage.platforms.get(message.source)
    return sender is not None and coverage.covers(sender, message.region)


def _place(platform_id: str) -> str:
    return platform_id.rpartition(".")[2]


def _applies(destination: RouteDestination, message: Routable) -> bool:
    sources = destination.sources
    from_it = not sources or message.source.rpartition(".")[0] in sources
    return from_it and destination.when.holds(message.document)
