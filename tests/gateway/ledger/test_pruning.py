"""What pruning costs, and what of it is bounded in bytes."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.ledger.records import Claim, Intake, Rejection, Retention
from gateway.ledger.sql import SqlLedger, pruned_rejections, replies
from gateway.message import Attempt, State

DAY = 86_400.0
KEPT = Retention(timedelta(days=400), timedelta(days=200))


async def _pruned(ledger: SqlLedger, small: Any, day: float, days: float = 0.0, limit: int = 50) -> int:
    """One step; gives how many messages went."""
    step = await ledger.prune(KEPT, "pruner", small.now + timedelta(days=day), seen=days * DAY, limit=limit)
    return sum(one.count for one in step.pruned)


class Counting:
    """Counts what SQLite does, in hundreds of instructions of its virtual machine."""

    def __init__(self, ledger: SqlLedger) -> None:
        self.steps = 0
        writing = ledger._store._engine.writing
        with writing.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.set_progress_handler(self._count, 100)

    def _count(self) -> int:
        self.steps += 1
        return 0


async def _many_stay(path: Path, ledger: SqlLedger, small: Any, many: int) -> None:
    """Old messages with a dead delivery each, written beside the ledger, in front of everything else."""
    await ledger.accept(small.intake("first", "first"))
    connection = sqlite3.connect(path)
    for table, key in (("messages", "seq"), ("documents", "message"), ("deliveries", "position")):
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        new = {
            key: "n + 1000",
            "id": f"'{table} ' || n",
            "message": "n + 1000",
            "correlation_id": "'case ' || n",
            "ordering_key": "'lane ' || n",
            "lane": "'lane ' || n",
            "identity": "'identity ' || n",
            "state": "'dead'",
            "was": "NULL",
            "head": "1",
        }
        listed = ", ".join(new.get(name, f"{table}.{name}") for name in names)
        rows = f"WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {many})"
        connection.execute(f"INSERT INTO {table} {rows} SELECT {listed} FROM many, {table} WHERE {table}.{key} = 1")
    connection.commit()
    connection.close()
    await ledger.stop()
    await ledger.start()


@pytest.mark.parametrize("many", [300, 6000])
async def test_what_stays_in_front_costs_nothing(
    opened: Callable[..., SqlLedger], path: Path, small: Any, many: int
) -> None:
    """Old dead ones are passed once; after that a step costs as much whether there are hundreds or thousands."""
    ledger = await small.start(opened())
    await _many_stay(path, ledger, small, many)
    claim = await ledger.claim(small.platform)
    await _deliver(ledger, small, claim, "first")
    for name in range(40):
        await ledger.accept(small.intake(f"m{name}", f"L{name}"))
        await _deliver(ledger, small, claim, f"m{name}")
    await ledger.accept(small.intake("newest", "newest"))
    await _pruned(ledger, small, 0)
    await ledger.prune(KEPT, "pruner", small.now + timedelta(days=401), seen=401 * DAY, limit=1)
    while True:
        went = await _pruned(ledger, small, 401, limit=500)
        step = await ledger.prune(KEPT, "pruner", small.now + timedelta(days=401), limit=500)
        if not (went or step.more):
            break
    # Now all that stay were looked at, and 40 more have come and grown old.
    for name in range(40):
        await ledger.accept(small.intake(f"n{name}", f"N{name}"))
        await _deliver(ledger, small, claim, f"n{name}")
    await ledger.accept(small.intake("newer", "newer"))
    await _pruned(ledger, small, 402, days=1)
    await ledger.prune(KEPT, "pruner", small.now + timedelta(days=420), seen=18 * DAY, limit=1)
    counting = Counting(ledger)
    assert await _pruned(ledger, small, 421, days=1, limit=10) == 0
    idle = counting.steps
    assert idle < 200, "a step with nothing to do walks through what stays"
    await ledger.stop()


async def _deliver(ledger: SqlLedger, small: Any, claim: Claim, name: str, reply: bytes = b"") -> None:
    number = await ledger.begin(claim, f"{name}/0", "a@1", small.request, small.now)
    assert number is not None
    settlement = small.settlement(f"{name}/0", State.DELIVERED, number)
    attempt = Attempt(f"{name}/0", number, small.now, small.now, "accepted", reply=reply)
    await ledger.settle(claim, replace(settlement, attempt=attempt))


async def test_a_step_takes_no_more_than_its_limit(ledger: SqlLedger, small: Any, claim: Claim) -> None:
    """A thousand messages of one case go so many at a time, in transactions of about one size."""
    for name in range(60):
        await ledger.accept(small.intake(f"m{name}"))
        await _deliver(ledger, small, claim, f"m{name}")
    await ledger.accept(small.intake("newest", "newest"))
    await _pruned(ledger, small, 0)
    went = [await _pruned(ledger, small, 401, days=401, limit=25)]
    went += [await _pruned(ledger, small, 401, limit=25) for _ in range(3)]
    assert went == [25, 25, 10, 0]


async def test_a_crash_between_two_steps(opened: Callable[..., SqlLedger], small: Any) -> None:
    """What went is gone, what did not goes on from there; nothing names what is not there."""
    ledger = await small.start(opened())
    claim = await ledger.claim(small.platform)
    for name in range(9):
        draft = replace(small.draft(f"m{name}"), numbers={"case_number": "C"})
        await ledger.accept(small.package(draft, body=b"x", key=f"key {name}"))
        await _deliver(ledger, small, claim, f"m{name}")
    await ledger.accept(small.intake("newest", "newest"))
    await _pruned(ledger, small, 0)
    assert await _pruned(ledger, small, 401, days=401, limit=4) == 4
    again = opened()
    await ledger.stop()
    await again.start()
    assert await _pruned(again, small, 401, limit=4) == 4
    assert await _pruned(again, small, 401, limit=4) == 1
    await again.stop()


def dangling(path: Path) -> list[str]:
    """The tables with rows that name a message, or bytes, which are not there."""
    connection = sqlite3.connect(path)
    wanted = {
        "numbers": "SELECT COUNT(*) FROM numbers WHERE message NOT IN (SELECT seq FROM messages)",
        "facts": "SELECT COUNT(*) FROM facts WHERE message NOT IN (SELECT seq FROM messages)",
        "search_keys": "SELECT COUNT(*) FROM search_keys WHERE message NOT IN (SELECT seq FROM messages)",
        "latest": "SELECT COUNT(*) FROM latest WHERE message NOT IN (SELECT seq FROM messages)",
        "receipts": "SELECT COUNT(*) FROM receipts WHERE message NOT IN (SELECT seq FROM messages)",
        "messages": "SELECT COUNT(*) FROM messages WHERE body > 0 AND body NOT IN (SELECT seq FROM bodies)",
        "bodies": "SELECT COUNT(*) FROM bodies WHERE seq NOT IN (SELECT body FROM messages) "
        "AND seq NOT IN (SELECT body FROM rejections)",
    }
    found = [name for name, query in wanted.items() if connection.execute(query).fetchone()[0]]
    connection.close()
    return found


async def test_nothing_dangles(opened: Callable[..., SqlLedger], path: Path, small: Any) -> None:
    """After every step no row names what is gone, and no bytes are kept that nobody names."""
    ledger = await small.start(opened())
    claim = await ledger.claim(small.platform)
    for name in range(12):
        draft = replace(
            small.draft(f"m{name}", f"L{name % 3}", identity=f"i{name % 5}", keys={"case_number": f"C{name % 3}"}),
            numbers={"case_number": f"C{name % 3}", "document_number": f"D{name}"},
        )
        await ledger.accept(small.package(draft, body=f"x{name}".encode(), key=f"key {name}"))
        await _deliver(ledger, small, claim, f"m{name}")
    await ledger.accept(small.package(*(small.draft(f"p{i}", f"P{i}") for i in range(4)), body=b"package"))
    for name in range(3):
        await _deliver(ledger, small, claim, f"p{name}")
    await ledger.accept(small.intake("newest", "newest"))
    await _pruned(ledger, small, 0)
    await _pruned(ledger, small, 201, days=201, limit=2)
    for _ in range(20):
        await _pruned(ledger, small, 201, limit=2)
        assert dangling(path) == []
    await _pruned(ledger, small, 401, days=200, limit=2)
    for _ in range(20):
        await _pruned(ledger, small, 401, limit=2)
        assert dangling(path) == []
    await ledger.accept(small.intake("again", "again", identity="i4"))
    assert dangling(path) == []
    assert (await ledger.native("p3")) is not None
    await ledger.stop()


# ── bytes ─────────────────────────────────────────────────────────────────────────────────────
async def test_long_replies_are_bounded(opened: Callable[..., SqlLedger], small: Any) -> None:
    """The newest of a platform's long replies are kept, so many bytes; short ones, and what was read of them, stay."""
    ledger = await small.start(opened(replies=3 * replies.LONG))
    claim = await ledger.claim(small.platform)
    for name in range(6):
        reply = random.Random(name).randbytes(1500)
        await ledger.accept(small.intake(f"m{name}", f"L{name}"))
        await _deliver(ledger, small, claim, f"m{name}", reply)
    await ledger.accept(small.intake("short", "short"))
    await _deliver(ledger, small, claim, "short", b"short")
    kept = [len((await ledger.attempts_of(f"m{name}/0"))[0].reply) for name in range(6)]
    assert kept[-1] == 1500
    assert kept[0] == 0
    assert kept == sorted(kept)
    assert sum(kept) <= 3 * replies.LONG + 1500
    assert (await ledger.attempts_of("short/0"))[0].reply == b"short"
    await ledger.stop()


async def test_rejections_are_bounded_in_bytes(opened: Callable[..., SqlLedger], small: Any) -> None:
    """One large rejection pushes out as many as it is large; the newest is always kept."""
    ledger = await small.start(opened(rejections=8 * pruned_rejections.APIECE))

    async def reject(name: str, size: int) -> None:
        problem = Rejection(name, "p.330000", "case", small.now, 0, 422, "document.invalid", {})
        await ledger.accept(Intake("p.330000", "case", small.now, b"x" * size, "text/plain", (problem,), 2))

    for name in range(6):
        await reject(f"small {name}", 0)
    await reject("large", 5 * pruned_rejections.APIECE)
    left = [one.id for one in (await ledger.find_rejections()).items]
    assert left == ["large", "small 5", "small 4"]
    await reject("larger", 100 * pruned_rejections.APIECE)
    assert [one.id for one in (await ledger.find_rejections()).items] == ["larger"]
    await ledger.stop()
