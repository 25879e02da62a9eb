"""What waits for long is told by its id, and not again and again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from gateway.ledger.records import Backlog
from gateway.message import HeldBy
from gateway.observe.waits import LONG, Told, to_tell
from gateway.telemetry.events import DeliveryWaits

NOW = datetime(2026, 9, 1, tzinfo=UTC)
P = "penalty.330000"


def waiting(id: str = "d-1", since: datetime = NOW, state: str = "ready", by: HeldBy | None = None) -> Backlog:
    """Two deliveries that stand alike."""
    return Backlog(P, "penalty", state, by, 2, since, id)


def told_at(minutes: Iterable[float], backlog: Backlog) -> list[float]:
    """Look at these minutes, and give those at which something is told."""
    told: Told = {}
    found: list[float] = []
    for minute in minutes:
        events, told = to_tell([backlog], told, NOW + timedelta(minutes=minute))
        found += [minute] * len(events)
    return found


def test_what_waits_for_long_is_told_with_its_id() -> None:
    """Which one, of how many, where, and for how long."""
    events, _ = to_tell([waiting(state="held", by=HeldBy.BREAKER)], {}, NOW + LONG)
    assert events == [DeliveryWaits("d-1", P, "penalty", "held", "breaker", 2, 600.0)]


def test_what_does_not_wait_for_long_is_not_told() -> None:
    """Nor what waits for a platform that its region was declared not to have."""
    young, unwanted = waiting(), waiting(state="unwanted")
    assert to_tell([young], {}, NOW + LONG - timedelta(seconds=1))[0] == []
    assert to_tell([unwanted], {}, NOW + 100 * LONG)[0] == []


def test_the_same_one_is_told_again_when_it_is_twice_as_old() -> None:
    """So that a delivery which waits for months fills no log."""
    assert told_at(range(200), waiting()) == [10, 20, 40, 80, 160]


def test_another_one_is_told_after_a_while() -> None:
    """A backlog that moves, slowly, is told every ten minutes."""
    told: Told = {}
    minutes = []
    for minute in range(10, 45):
        moving = waiting(f"d-{minute}", NOW + timedelta(minutes=minute) - LONG)
        events, told = to_tell([moving], told, NOW + timedelta(minutes=minute))
        minutes += [minute] * len(events)
    assert minutes == [10, 20, 30, 40]


def test_what_was_done_with_is_forgotten() -> None:
    """When it happens anew it is told at once."""
    _, told = to_tell([waiting()], {}, NOW + LONG)
    _, told = to_tell([], told, NOW + LONG)
    assert told == {}
    assert to_tell([waiting("d-2")], told, NOW + LONG)[0] != []


def test_each_state_is_told_apart() -> None:
    """What is held and what is ready are two backlogs."""
    both = [waiting(), waiting("d-2", state="held", by=HeldBy.LANE)]
    assert [each.delivery_id for each in to_tell(both, {}, NOW + LONG)[0]] == ["d-1", "d-2"]
