"""Decide where a message goes (Content-Based Router, Return Address); pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.intake.routes import Reach, Route, RouteDestination
from gateway.intake.steps import Planned
from gateway.ledger.records import Platform
from schemas import regions
from schemas.catalog import at

CanSend = Callable[[Platform, str], bool]
"""Tells whether a platform's adapter can send a message type."""


@dataclass(frozen=True, slots=True)
class Routable:
    """What routing looks at: the enriched document, where it is about, who sent it, whom it answers."""

    type: str
    document: Mapping[str, Any]
    region: str
    source: str
    answered: str | None = None


def plan(route: Route, message: Routable, platforms: Mapping[str, Platform], can_send: CanSend) -> tuple[Planned, ...]:
    """Give the deliveries of a message: one a platform, and one without a platform for a kind nobody can take.

    `platforms` are by id (`kind.region`). Never back to the source: where the source itself is the
    platform that covers the region, nobody else does.
    """
    planned = [
        one
        for destination in route.destinations
        if _applies(destination, message)
        for one in towards(destination, message, platforms, can_send)
    ]
    return tuple(dict.fromkeys(planned))


def towards(
    destination: RouteDestination, message: Routable, platforms: Mapping[str, Platform], can_send: CanSend
) -> Sequence[Planned]:
    """Give the deliveries to one destination; at least one, without a platform when nobody can take it."""
    if destination.answers:
        return [_back(message, platforms, can_send)]
    kind = destination.kind or ""
    covering = (platforms.get(f"{kind}.{code}") for code in regions.lineage(message.region))
    able = [one for one in covering if one is not None and can_send(one, message.type)]
    chosen = [Planned(kind, one.id) for one in _reached(destination.reach, able) if one.id != message.source]
    return chosen or [Planned(kind, None)]


def _applies(destination: RouteDestination, message: Routable) -> bool:
    return not destination.when or any(at(message.document, field) is not None for field in destination.when)


def _back(message: Routable, platforms: Mapping[str, Platform], can_send: CanSend) -> Planned:
    platform = platforms.get(message.answered or "")
    if platform is not None and can_send(platform, message.type):
        return Planned(platform.kind, platform.id)
    return Planned((message.answered or "").rpartition(".")[0], None)


def _reached(reach: Reach, able: Sequence[Platform]) -> Sequence[Platform]:
    """Choose among covering platforms, deepest first."""
    nearest, national = able[:1], [one for one in able[-1:] if one.region == regions.NATIONAL]
    if reach is Reach.NEAREST:
        return nearest
    if reach is Reach.NATIONAL:
        return national
    return [*nearest, *(one for one in national if one not in nearest)]
