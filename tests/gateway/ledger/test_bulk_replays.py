from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import derived_id
from gateway.errors import Unavailable
from gateway.ledger.records import BulkReplay, DeliveryFilter
from gateway.message import State


@pytest.fixture
async def job(ledger: Any, claim: Any, small: Any) -> BulkReplay:
    """A bulk replay of four delivered deliveries, each of a lane of its own."""
    for i in range(4):
        await ledger.accept(small.intake(f"m{i}", lane=f"L{i}"))
        await ledger.begin(claim, f"m{i}/0", "p@1", small.request, small.now)
        await ledger.settle(claim, small.settlement(f"m{i}/0", State.DELIVERED))
    begun: BulkReplay = await ledger.begin_replay(
        BulkReplay("b1", DeliveryFilter(state=State.DELIVERED), "why", "operator", small.now), small.intent
    )
    return begun


def execute(path: Path, statement: str) -> None:
    """Do something to the database beside the ledger."""
    database = sqlite3.connect(path)
    database.execute(statement)
    database.commit()
    database.close()


async def replays(ledger: Any) -> list[str]:
    """The ids of the replays there are, in order of what they are of."""
    deliveries = await ledger.deliveries_of(*(f"m{i}" for i in range(4)))
    return [each.id for each in deliveries if each.replay_of]


async def test_a_step_that_fails_half_way(ledger: Any, job: BulkReplay, small: Any, path: Path) -> None:
    """When the third of four cannot be written, none of the step is, and the next step does each once."""
    execute(
        path,
        "CREATE TRIGGER full BEFORE INSERT ON deliveries WHEN NEW.replay_of = 'm2/0' "
        "BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    with pytest.raises(Unavailable):
        await ledger.step_replay("b1", 10, small.now)
    assert await replays(ledger) == []
    assert await ledger.replays(unfinished=True) == [job]
    assert await ledger.audit("m0/0") == []
    execute(path, "DROP TRIGGER full")
    done = await ledger.step_replay("b1", 10, small.now)
    assert (done.replayed, done.skipped) == (4, 0)
    assert await replays(ledger) == [derived_id(small.now, "b1", f"m{i}/0") for i in range(4)]


async def test_what_somebody_replayed_meanwhile(ledger: Any, job: BulkReplay, small: Any) -> None:
    """One that has an open replay already is skipped, and the others are replayed."""
    by_hand = await ledger.replay("m1/0", small.intent)
    done = await ledger.step_replay("b1", 10, small.now)
    assert (done.total, done.replayed, done.skipped) == (4, 3, 1)
    derived = [derived_id(small.now, "b1", f"m{i}/0") for i in (0, 2, 3)]
    assert sorted(await replays(ledger)) == sorted([by_hand.id, *derived])


async def test_steps_at_once(ledger: Any, job: BulkReplay, small: Any) -> None:
    """Two that go on with one replay at the same time share its work: each delivery is replayed once."""
    await asyncio.gather(*(ledger.step_replay("b1", 3, small.now) for _ in range(2)))
    [done] = await ledger.replays()
    assert (done.replayed, done.skipped) == (4, 0)
    assert len(await replays(ledger)) == 4
