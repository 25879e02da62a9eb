"""The sequencer: it looks now and then, works while leaves wait, and goes on after a failure."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.errors import Unavailable
from gateway.hub.sequencer import Sequencer
from gateway.ledger.records import Sequenced, TreeStanding
from schemas.findings import Text

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Waiting:
    """Instead of a ledger: so many steps are needed until no leaf waits."""

    def __init__(self, steps: int, *, elsewhere: bool = False, failing: int = 0) -> None:
        self.steps = steps
        self.elsewhere = elsewhere
        self.failing = failing
        self.taken: list[bool] = []
        self.done = asyncio.Event()

    async def tree_standing(self) -> TreeStanding:
        return TreeStanding(0, 0, NOW if self.steps else None, self.elsewhere)

    async def sequence(self, limit: int, *, leaving: bool = False) -> Sequenced:
        if self.failing:
            self.failing -= 1
            raise Unavailable(Text("磁盘已满", "full"), code="ledger.disk-full")
        self.taken.append(leaving)
        self.steps = max(0, self.steps - 1)
        if not self.steps:
            self.done.set()
        return Sequenced(limit, more=bool(self.steps))


def sequencer(ledger: Any) -> Sequencer:
    """One that looks all the time."""
    return Sequencer(ledger, every=0.0)


async def test_it_works_until_nothing_waits() -> None:
    """Step after step, again after a failure; when it ends it lets another process go on."""
    ledger = Waiting(3, failing=2)
    running = sequencer(ledger)
    running.start()
    async with asyncio.timeout(10):
        await ledger.done.wait()
    await running.stop()
    assert ledger.taken == [False, False, False, True]


async def test_it_leaves_alone_what_another_does() -> None:
    """And tells for how long something has waited all the same."""
    ledger = Waiting(3, elsewhere=True)
    running = sequencer(ledger)
    await running.grow()
    await running.grow(leaving=True)
    assert ledger.taken == []
    assert running.behind_seconds(NOW + timedelta(seconds=7)) == 7


async def test_nothing_waits_nothing_is_written() -> None:
    """An idle gateway writes nothing for the tree's sake."""
    ledger = Waiting(0)
    running = sequencer(ledger)
    await running.grow()
    assert (ledger.taken, running.behind_seconds(NOW)) == ([], 0.0)
