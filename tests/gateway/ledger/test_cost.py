from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from gateway.errors import Conflict
from gateway.ledger.records import BulkReplay, DeliveryFilter, MessageFilter, Reads
from gateway.message import SHOWN, State

LARGE = ("messages", "deliveries", "documents", "bodies", "attempts", "requests", "search_keys", "numbers", "facts")


class Watched:
    """The statements that were run, and how SQLite runs them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.statements: list[str] = []
        self.run = 0

    def watch(self, connection: Any, _record: Any, _proxy: Any) -> None:
        connection.set_trace_callback(self.note)

    def note(self, statement: str) -> None:
        self.run += 1
        if statement.split()[0] in ("SELECT", "UPDATE", "DELETE"):
            self.statements.append(statement)

    def scans(self) -> list[str]:
        """The steps that walk through a large table instead of seeking in it.

        The index `deliveries_held` may be walked through: only what operators hold is in it.
        """
        with sqlite3.connect(self._path) as database:
            plans = [database.execute(f"EXPLAIN QUERY PLAN {each}") for each in self.statements]
            steps = [row[3] for plan in plans for row in plan]
        scans = [step for step in steps if step.startswith("SCAN") and step.split()[1] in LARGE]
        return [step for step in scans if not step.endswith("deliveries_held")]


@pytest.fixture
def watched(path: Path) -> Iterator[Watched]:
    """Watches every statement of the test."""
    watching = Watched(path)
    sa.event.listen(sa.pool.Pool, "checkout", watching.watch)
    yield watching
    sa.event.remove(sa.pool.Pool, "checkout", watching.watch)


NOBODY = Reads(
    numbers={("mobile-enforcement.330100", "case_number", "C1"): None},
    facts={("L1", "permit_number"): None},
    fresh=frozenset({"fresh"}),
)


async def test_hot_path_seeks(ledger: Any, small: Any, claim: Any, watched: Watched) -> None:
    """Accepting and verifying, recognising, sending and settling never walk through a table."""
    for name in ("m1", "m2", "m3"):
        await ledger.accept(small.package(replace(small.draft(name), reads=NOBODY), key=name))
    await ledger.accept(small.intake("m1"))
    await ledger.recall(small.platform, {"case_number": "C1"})
    await ledger.facts("L1")
    await ledger.partakes("L1", small.platform)
    for number, state in enumerate((State.WAITING, State.DELIVERED), 1):
        [head] = await small.heads(ledger, claim)
        assert await ledger.begin(claim, head, "p@1", small.request, small.now) == number
        await ledger.settle(claim, small.settlement(head, state, number))
    await ledger.next_due(claim, small.now, small.now + timedelta(days=1))
    await ledger.rescue(claim, (), small.now)
    await ledger.assign(["penalty"], lambda unrouted: None, small.now)
    assert len(watched.statements) > 20
    assert watched.scans() == []


async def test_large_package_seeks(ledger: Any, small: Any, watched: Watched) -> None:
    """Going on with a package, and answering it again, never walks through a table."""
    for _ in range(2):
        await ledger.accept(small.package(*(small.draft(f"m{i}") for i in range(300)), key="k"))
    assert watched.scans() == []


async def test_retying_seeks(ledger: Any, small: Any, claim: Any, watched: Watched) -> None:
    """Tying a case to another reads and changes no more than the two cases."""
    told = replace(small.draft("b1", "CF", source=small.platform), numbers={"case_number": "CF"})
    await ledger.accept(small.package(replace(small.draft("a1"), numbers={"case_number": "AJ"})))
    await ledger.begin(claim, "a1/0", "p@1", small.request, small.now)
    await ledger.accept(small.package(told))
    settlement = small.settlement("a1/0", State.DELIVERED)
    alias = replace(settlement, attempt=replace(settlement.attempt, reference="CF"), alias=("case_number", "AJ"))
    watched.statements.clear()
    await ledger.settle(claim, alias)
    assert (await ledger.message("b1")).correlation_id == "L1"
    assert watched.scans() == []


@pytest.mark.parametrize("state", SHOWN)
async def test_operators_seek(ledger: Any, small: Any, watched: Watched, state: str) -> None:
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
        MessageFilter(state=state, platform=small.platform),
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


async def test_parked_lane_costs_nothing(ledger: Any, small: Any, claim: Any, path: Path) -> None:
    """With many deliveries behind a dead head, heads of other lanes are found in as few steps as without."""
    await ledger.accept(small.intake("dead"))
    await ledger.kill(claim, "dead/0", "translation.failed", "why", small.now)
    await ledger.accept(small.intake("other", lane="L2"))
    before = _steps(path, small.now)
    await asyncio.gather(*(ledger.accept(small.intake(f"m{i}")) for i in range(500)))
    assert await small.heads(ledger, claim) == ["other/0"]
    assert _steps(path, small.now) == before


async def test_one_statement_a_table(ledger: Any, small: Any, watched: Watched) -> None:
    """What many intakes of one commit were decided on is verified in as few statements as for one."""
    await ledger.accept(small.intake("m0"))
    counts = []
    for run, many in (("a", 1), ("b", 30)):
        watched.statements.clear()
        drafts = [replace(small.draft(f"{run}{i}", f"{run}{i}"), reads=NOBODY) for i in range(many)]
        await asyncio.gather(*(ledger.accept(small.package(draft, body=draft.message.id.encode())) for draft in drafts))
        counts.append(len(watched.statements))
    assert counts[1] <= 2 * counts[0]


async def test_operators_write_by_seeking(ledger: Any, small: Any, claim: Any, watched: Watched) -> None:
    """What operators do to deliveries and platforms never walks through a table."""
    for i, state in enumerate((State.DEAD, State.REFUSED, State.DELIVERED)):
        for name in (f"{state}-1", f"{state}-2"):
            await ledger.accept(small.intake(name, lane=name))
            number = await ledger.begin(claim, f"{name}/0", "p@1", small.request, small.now)
            await ledger.settle(claim, small.settlement(f"{name}/0", state, number))
        await ledger.replay(f"{state}-1/0", small.intent)
        looked_for = DeliveryFilter(state=state, platform=small.platform)
        job = BulkReplay(f"b{i}", looked_for, "why", "operator", small.now)
        await ledger.begin_replay(job, small.intent)
        await ledger.begin_replay(replace(job, dry_run=True), small.intent)
        await ledger.step_replay(job.id, 10, small.now)
    for name in ("dead", "refused"):
        await ledger.hold(f"{name}-1/0", small.intent)
        await ledger.release(f"{name}-1/0", small.intent)
    with pytest.raises(Conflict):
        await ledger.delete_platform(small.platform, small.intent)
    for each in await ledger.deliveries_of(*(f"{state}-{i}" for state in State for i in (1, 2))):
        if each.state is State.READY:
            await ledger.discard(each.id, small.intent)
    await ledger.delete_platform(small.platform, small.intent)
    assert watched.scans() == []


async def test_thousands_are_assigned_in_few_statements(ledger: Any, small: Any, watched: Watched) -> None:
    """A platform that comes late gets all that waited for it in one transaction of few statements, each in its lane."""
    many = 5000
    for start in range(0, many, 250):
        drafts = [small.unrouted(f"m{i}", f"L{i % 2000}") for i in range(start, start + 250)]
        await ledger.accept(small.package(*drafts, body=str(start).encode()))
    watched.run = 0
    assert await ledger.assign(["penalty"], lambda unrouted: small.platform, small.now) == {small.platform}
    assert watched.run < many / 10
    assert watched.scans() == []
    assert await small.heads(ledger) == [f"m{i}/0" for i in range(1000)]


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
            "SELECT position FROM deliveries WHERE platform = 'penalty.330000' AND head IS 1 "
            "AND state = 'ready' AND held_at IS NULL"
        ).fetchall()
    return taken
