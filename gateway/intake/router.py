"""Decide where a message goes (Content-Based Router, Return Address); pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from gateway.intake.routes import Reach, Route, RouteDestination
from gateway.intake.steps import Planned
from gateway.ledger.records import Platform, Taker
from schemas import regions
from schemas.catalog import at

CanSend = Callable[[Platform, str], bool]
"""Tells whether a platform's adapter can send a message type."""

Choose = Callable[[str, str, str, str, str], str | None]
"""Gives the id of the platform for (type, kind, toward, region, source), None while there is none."""

NEAREST, NATIONAL = "nearest", "national"
"""Which platform of its kind a delivery is for (`toward`); any other value is the id of one platform."""

_TOWARD: Mapping[Reach, tuple[str, ...]] = {
    Reach.NEAREST: (NEAREST,),
    Reach.NATIONAL: (NATIONAL,),
    # National first. While neither is there both wait, in this order: when the national platform comes, it
    # is offered the delivery that only it may take, before the one that a nearer platform may still take.
    Reach.BOTH: (NATIONAL, NEAREST),
}


class Routable(Struct, frozen=True):
    """What routing looks at: the enriched document, where it is about, who sent it, whom it answers."""

    type: str
    document: Mapping[str, Any]
    region: str
    source: str
    answered: str | None = None


def chooser(platforms: Mapping[str, Platform], can_send: CanSend) -> Choose:
    """Make the choice among these platforms; each question is answered once and remembered.

    Never the source: where the source itself is the platform that covers the region, no other one is chosen.
    """
    known: dict[tuple[str, str, str, str], str | None] = {}

    def choose(message_type: str, kind: str, toward: str, region: str, source: str) -> str | None:
        asked = (message_type, kind, toward, region)
        if asked not in known:
            known[asked] = None
            for name in _sought(kind, toward, region):
                one = platforms.get(name)
                if one is not None and can_send(one, message_type):
                    known[asked] = one.id
                    break
        found = known[asked]
        return None if found == source else found

    return choose


def taker(platforms: Mapping[str, Platform], can_send: CanSend) -> Taker:
    """Make the choice for unrouted deliveries; it decides as at intake.

    It is called on the ledger's thread: neither argument may change while it is in use.
    """
    choose = chooser(platforms, can_send)
    return lambda one: choose(one.type, one.kind, one.toward, one.region, one.source)


def plan(route: Route, message: Routable, choose: Choose) -> tuple[Planned, ...]:
    """Give the deliveries of a message: one a platform, and one without a platform for each that was not found."""
    planned: list[Planned] = []
    for destination in route.destinations:
        if _applies(destination, message):
            planned.extend(_towards(destination, message, choose))
    return tuple(dict.fromkeys(planned)) if len(planned) > 1 else tuple(planned)


@lru_cache(maxsize=8192)
def _sought(kind: str, toward: str, region: str) -> tuple[str, ...]:
    """Name the platforms that a delivery may go to, the one that is preferred first."""
    if toward == NEAREST:
        return tuple(f"{kind}.{code}" for code in regions.lineage(region))
    return (f"{kind}.{regions.NATIONAL}",) if toward == NATIONAL else (toward,)


def _towards(destination: RouteDestination, message: Routable, choose: Choose) -> Sequence[Planned]:
    kind, sought = _seeking(destination, message)
    found = [(choose(message.type, kind, toward, message.region, message.source), toward) for toward in sought]
    return [Planned(kind, platform, None if platform else toward) for platform, toward in found]


def _seeking(destination: RouteDestination, message: Routable) -> tuple[str, tuple[str, ...]]:
    """Give the kind of platform that a destination means, and whom to seek among it."""
    if destination.answers:
        answered = message.answered or ""
        return answered.rpartition(".")[0], (answered,)
    return destination.kind or "", _TOWARD[destination.reach]


def _applies(destination: RouteDestination, message: Routable) -> bool:
    return not destination.when or any(at(message.document, field) is not None for field in destination.when)
