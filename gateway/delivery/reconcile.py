"""What differs between a platform as the ledger has it and as its worker knows it: pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.delivery.health import WHOLE, Scope
from gateway.ledger.records import Platform
from gateway.message import HeldBy

_JUDGED_HERE = frozenset({HeldBy.BREAKER, HeldBy.ENDPOINT})
"""The holds that a worker decides from what it sees; of all others the ledger decides."""


@dataclass(frozen=True, slots=True)
class Repairs:
    """What has to be done so that ledger and worker say the same again.

    `misrecorded`: what the ledger holds for a breaker and should not, or should and does not.
    `take_over`: the platform is not registered as the worker knows it, or was held or resumed without
    its hearing of it. `gone`: it is not registered any more.
    """

    misrecorded: frozenset[Scope] = frozenset()
    take_over: bool = False
    gone: bool = False


def compare(recorded: Platform | None, known: Platform, stopped: frozenset[HeldBy], held: frozenset[Scope]) -> Repairs:
    """Compare a platform as the ledger has it with what its worker knows.

    `known` is the platform as the worker took it over, `stopped` the holds that it obeys, `held`
    what its breakers hold.
    """
    if recorded is None:
        return Repairs(gone=True)
    changed = recorded.revision != known.revision or obeyed(recorded) != stopped
    return Repairs(misrecorded=judged(recorded) ^ held, take_over=changed)


def judged(platform: Platform) -> frozenset[Scope]:
    """Give what breakers hold of a platform, as it is recorded."""
    return frozenset(hold.type or WHOLE for hold in platform.holds if hold.by in _JUDGED_HERE)


def obeyed(platform: Platform) -> frozenset[HeldBy]:
    """Give the holds of a platform that its worker obeys: those that somebody else decides."""
    return platform.held_by() - _JUDGED_HERE
