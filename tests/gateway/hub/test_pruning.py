"""Pruning beside the traffic: how often, how much at a time, and what of a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.errors import Unavailable
from gateway.hub.pruning import ACTOR, FEWEST, MOST, Pruner
from gateway.ledger.records import Pruned, PruneStep, Retention
from gateway.telemetry.events import Event, Events, LedgerPruned
from schemas.findings import Text

NOW = datetime(2030, 1, 1, tzinfo=UTC)
KEPT = Retention(timedelta(days=400), timedelta(days=200))


class Steps:
    """Instead of a ledger: answers each step as it is told to, and lets ticks pass."""

    def __init__(self, *more: bool, took: float = 0.02) -> None:
        self.more = list(more)
        self.took = took
        self.now = 100.0
        self.calls: list[tuple[str, float, int]] = []
        self.failing = 0
        self.called = asyncio.Event()

    def ticks(self) -> float:
        return self.now

    async def prune(self, kept: Retention, actor: str, now: datetime, *, seen: float, limit: int) -> PruneStep:
        self.calls.append((actor, seen, limit))
        self.now += self.took
        if self.failing:
            self.failing -= 1
            raise Unavailable(Text("磁盘已满", "full"), code="ledger.disk-full")
        more = self.more.pop(0) if self.more else False
        if not self.more:
            self.called.set()
        return PruneStep((Pruned("case.transferred", "bodies", NOW, 2, 90),), more, NOW, NOW - timedelta(days=1))


def pruner(steps: Steps, told: Callable[[Event], None] = lambda event: None, **more: Any) -> Pruner:
    """Make a pruner over these steps."""
    return Pruner(steps, KEPT, lambda: NOW, Events([told]), ticks=steps.ticks, **{"first": 0.0, **more})  # type: ignore[arg-type]


async def test_it_goes_on_until_there_is_no_more() -> None:
    """Step after step while there is more; then it waits for its time."""
    steps = Steps(True, True, False, took=0.0001)
    running = pruner(steps)
    running.start()
    async with asyncio.timeout(10):
        await steps.called.wait()
    await running.stop()
    assert [actor for actor, _, _ in steps.calls] == [ACTOR] * 3


async def test_time_is_told_once_and_none_is_lost() -> None:
    """The first step has seen no time pass; one that failed leaves its time to the next."""
    steps = Steps()
    one = pruner(steps)
    await one.step("operator")
    steps.now += 10
    steps.failing = 1
    try:
        await one.step("operator")
    except Unavailable:
        steps.now += 5
    await one.step("operator")
    assert [round(seen, 2) for _, seen, _ in steps.calls] == [0, 10.02, 15.04]


async def test_a_failure_is_tried_again() -> None:
    """It waits, and goes on; nothing of it reaches anybody else."""
    steps = Steps(took=0.0001)
    steps.failing = 2
    running = pruner(steps, pause=0.001)
    running.start()
    async with asyncio.timeout(10):
        await steps.called.wait()
    await running.stop()
    assert len(steps.calls) == 3


async def test_a_step_takes_as_much_as_goes_quickly() -> None:
    """Quick steps grow and slow ones shrink, within bounds."""
    steps = Steps(took=0.001)
    one = pruner(steps)
    for _ in range(40):
        await one.step(ACTOR)
    assert steps.calls[-1][2] == MOST
    steps.took = 0.5
    for _ in range(10):
        await one.step(ACTOR)
    assert steps.calls[-1][2] == FEWEST


async def test_a_slow_step_is_followed_by_a_long_pause() -> None:
    """While others keep the writer busy, it asks for a twentieth of the time at most."""
    steps = Steps(True, True, took=10.0)
    running = pruner(steps)
    running.start()
    async with asyncio.timeout(10):
        while not steps.calls:
            await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(steps.calls) == 1
    await running.stop()


async def test_what_went_is_told() -> None:
    """As events, for the metrics; and how old the oldest is."""
    told: list[Event] = []
    one = pruner(Steps(), told.append)
    assert one.oldest_seconds(NOW) == 0.0
    await one.step("operator")
    assert told == [LedgerPruned("operator", "case.transferred", "bodies", 2, 90)]
    assert one.oldest_seconds(NOW) == 86_400.0
