from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.ledger.records import DeliveryFilter, MessageFilter
from gateway.message import State

LARGE = ("messages", "deliveries", "documents", "bodies", "attempts", "requests", "search_keys", "numbers", "facts")


class Watched:
    """The statements that were run, and how SQLite runs them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.statements: list[str] = []

    def watch(self, connection: Any, _record: Any, _proxy: Any) -> None:
        connection.set_trace_callback(self.note)

    def note(self, statement: str) -> None:
        if statement.split()[0] in ("SELECT", "UPDATE", "DELETE"):
            self.statements.append(statement)

    def scans(self) -> list[str]:
        """The steps that walk through a large table instead of seeking in it."""
        with sqlite3.connect(self._path) as database:
            plans = [database.execute(f"EXPLAIN QUERY PLAN {each}") for each in self.statements]
            steps = [row[3] for plan in plans for row in plan]
        return [step for step in steps if step.startswith("SCAN") and step.split()[1] in LARGE]


@pytest.fixture
def watched(path: Path) -> Iterator[Watched]:
    """Watches every statement of the test."""
    watching = Watched(path)
    sa.event.listen(sa.pool.Pool, "checkout", watching.watch)
    yield watching
    sa.event.remove(sa.pool.Pool, "checkout", watching.watch)


async def test_hot_path_seeks(ledger: Any, small: Any, watched: Watched) -> None:
    """Accepting, recognising, sending and settling never walk through a table."""
    for name in ("m1", "m2", "m3"):
        await ledger.accept(small.intake(name))
    await ledger.recall(small.platform, {"case_number": "C1"})
    await ledger.facts("L1")
    for state in (State.WAITING, State.DELIVERED):
        [work] = await ledger.heads(small.platform, small.now, 10)
        await ledger.begin(work.delivery.id, "p@1", small.request, small.now)
        await ledger.settle(small.settlement(work.delivery.id, state))
    await ledger.next_due(small.platform)
    await ledger.rescue(small.now)
    await ledger.unrouted("penalty")
    assert len(watched.statements) > 20
    assert watched.scans() == []


@pytest.mark.parametrize("state", State)
async def test_operators_seek(ledger: Any, small: Any, watched: Watched, state: State) -> None:
    """Finding by a number, a case, a state, a platform or a time seeks, from any page."""
    await ledger.accept(small.intake("m1"))
    watched.statements.clear()
    for filter in (
        MessageFilter(case_number="C1"),
        MessageFilter(credit_code="C1", type="case.transferred"),
        MessageFilter(correlation_id="L1", platform=small.platform),
        MessageFilter(platform=small.platform),
        MessageFilter(type="case.transferred"),
        MessageFilter(since=small.now, until=small.now, type="case.transferred"),
        MessageFilter(state=state, correlation_id="L1"),
    ):
        await ledger.find_messages(filter, "1000")
    for narrow in (DeliveryFilter(state=state), DeliveryFilter(state=state, platform=small.platform)):
        await ledger.find_deliveries(narrow, "1000")
    await ledger.find_deliveries(DeliveryFilter(message_id="m1"), "1000")
    await ledger.dossier("91330100MA2XXXXX0A", ["case.transferred"])
    await ledger.backlog()
    await ledger.deliveries_of("m1")
    await ledger.audit("m1")
    assert watched.scans() == []


async def test_parked_lane_costs_nothing(ledger: Any, small: Any, path: Path) -> None:
    """With many deliveries behind a dead head, heads of other lanes are found in as few steps as without."""
    await ledger.accept(small.intake("dead"))
    await ledger.begin("dead/0", "p@1", small.request, small.now)
    await ledger.settle(small.settlement("dead/0", State.DEAD))
    await ledger.accept(small.intake("other", lane="L2"))
    before = _steps(path, small.now)
    await asyncio.gather(*(ledger.accept(small.intake(f"m{i}")) for i in range(500)))
    assert [each.delivery.id for each in await ledger.heads(small.platform, small.now, 10)] == ["other/0"]
    assert _steps(path, small.now) == before


def _steps(path: Path, now: datetime) -> int:
    """How many steps SQLite's machine takes to find what may be sent."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    with sqlite3.connect(path) as database:
        database.execute("SELECT count(*) FROM sqlite_master").fetchall()
        database.set_progress_handler(count, 1)
        database.execute(
            "SELECT position FROM deliveries WHERE platform = 'penalty.330000' AND head IS 1 AND state = 'ready'"
        ).fetchall()
    return taken
