from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from gateway.clock import system_clock
from gateway.errors import HutongError, NotFound, Unavailable
from gateway.ledger.errors import no_platform
from gateway.ledger.records import Accepted, Settled
from gateway.ledger.sql.engines import sqlite as database
from gateway.ledger.sql.writing import Transaction, one_by_one
from gateway.message import State


async def test_failing_operation_fails_alone(ledger: Any, small: Any) -> None:
    """What cannot be kept fails alone: its neighbours of the same commit are kept, and none of it is."""
    await ledger.accept(small.intake("m0"))
    good = [ledger.accept(small.intake(f"m{i}", lane=f"L{i}")) for i in range(1, 11)]
    bad = ledger.accept(small.intake("m0", identity="other"))
    outcomes = await asyncio.gather(*good[:5], bad, *good[5:], return_exceptions=True)
    assert isinstance(outcomes[5], Unavailable)
    assert sum(isinstance(each, BaseException) for each in outcomes) == 1
    assert (await ledger.message("m0")).identity == "m0"
    assert len(await small.heads(ledger)) == 10


async def test_no_json(ledger: Any, small: Any) -> None:
    """A document that is no JSON value is refused before it comes near the writer."""
    with pytest.raises(TypeError):
        await ledger.accept(small.intake("bad", document={"when": object()}))
    assert await ledger.message("bad") is None


async def test_errors_among_others(ledger: Any, small: Any, claim: Any) -> None:
    """An error is its caller's alone."""
    await ledger.accept(small.intake("m1"))
    outcomes = await asyncio.gather(
        ledger.begin(claim, "m1/0", "p@1", small.request, small.now),
        ledger.begin(claim, "nobody", "p@1", small.request, small.now),
        ledger.hold("nobody", small.intent),
        ledger.accept(small.intake("m2")),
        return_exceptions=True,
    )
    assert outcomes[0] == 1
    assert isinstance(outcomes[1], NotFound)
    assert isinstance(outcomes[2], NotFound)
    assert isinstance(outcomes[3].entries[0], Accepted)


async def test_half_done_is_undone(ledger: Any, small: Any) -> None:
    """An operation that ends with an error of ours half-way has written and counted nothing."""

    def choose(unrouted: Any) -> str:
        raise no_platform(unrouted.kind)

    platform = (await ledger.registry()).platforms[small.platform]
    draft = small.draft("m1")
    lost = replace(draft.deliveries[0], platform=None, state=State.UNROUTED, toward="nearest")
    await ledger.accept(small.package(replace(draft, deliveries=(lost,))))
    with pytest.raises(NotFound):
        await ledger.put_platform(replace(platform, mode="pull"), small.intent, choose)
    registry = await ledger.registry()
    assert (registry.revision, registry.platforms[small.platform].mode) == (2, "push")
    assert [(each.state, each.count) for each in await ledger.backlog()] == [("unrouted", 1)]


def test_undone_among_others(path: Path, ledger_at: Callable[[Path], str]) -> None:
    """What an operation wrote and counted before its error is undone; what others did in the transaction stays."""
    engine = database.writing(ledger_at(path), patience=1)
    key = ("p", "penalty", "t", "ready", "")

    def change(revision: int, error: HutongError | None = None) -> Callable[[Transaction], int]:
        def operation(transaction: Transaction) -> int:
            transaction.connection.exec_driver_sql(f"UPDATE ledger SET revision = {revision}")
            transaction.counts[key] += revision
            if error is not None:
                raise error
            return revision

        return operation

    with engine.begin() as connection:
        transaction = Transaction(connection, database.sequences_after(connection), 1, "me", system_clock())
        error = no_platform("p")
        assert one_by_one(transaction, [change(5), change(70, error)]) == [5, error]
        assert transaction.counts == {key: 5}
        assert connection.exec_driver_sql("SELECT revision FROM ledger").scalar_one() == 5
    engine.dispose()


async def test_many_share_a_commit(ledger: Any, small: Any, claim: Any) -> None:
    """Concurrent calls cost far fewer commits than calls."""
    commits: list[object] = []

    def committed(connection: object) -> None:
        commits.append(connection)

    sa.event.listen(sa.Engine, "commit", committed)
    try:
        await asyncio.gather(*(ledger.accept(small.intake(f"m{i}", lane=f"L{i}")) for i in range(300)))
        begun = [ledger.begin(claim, f"m{i}/0", "p@1", small.request, small.now) for i in range(300)]
        assert await asyncio.gather(*begun) == [1] * 300
        settled = [ledger.settle(claim, small.settlement(f"m{i}/0", State.DELIVERED)) for i in range(300)]
        assert set(await asyncio.gather(*settled)) == {Settled(lane_moved=False)}
    finally:
        sa.event.remove(sa.Engine, "commit", committed)
    assert len(commits) <= 90


async def test_cancelled_caller(ledger: Any, small: Any) -> None:
    """A caller that goes away does not stop what it handed in, nor anybody else."""
    call = asyncio.ensure_future(ledger.accept(small.intake("m1")))
    await asyncio.sleep(0)
    call.cancel()
    await ledger.accept(small.intake("m2", lane="L2"))
    assert (await ledger.message("m1")).id == "m1"
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_stop_finishes_what_was_handed_in(ledger: Any, opened: Any, small: Any) -> None:
    """What was handed in before stop is committed; what comes after is refused."""
    calls = [asyncio.ensure_future(ledger.accept(small.intake(f"m{i}", lane=f"L{i}"))) for i in range(50)]
    await asyncio.sleep(0)
    await ledger.stop()
    assert len([call for call in calls if call.result()]) == 50
    for call in (ledger.accept(small.intake("late")), ledger.registry(), ledger.backlog(), ledger.check()):
        with pytest.raises(Unavailable) as error:
            await call
        assert error.value.code == "ledger.stopped"
    again = await small.start(opened())
    assert len(await small.heads(again)) == 50
    await again.stop()


async def test_never_started(opened: Any, small: Any) -> None:
    """A ledger that was not started says so."""
    ledger = opened()
    for call in (ledger.accept(small.intake("m1")), ledger.message("m1"), ledger.replays(), ledger.check()):
        with pytest.raises(Unavailable):
            await call
    await ledger.stop()


async def test_large_package(ledger: Any, small: Any) -> None:
    """A package larger than any batch is kept whole, its bytes once, and leaves no note of its progress."""
    package = small.package(*(small.draft(f"m{i}", lane=f"L{i % 3}") for i in range(700)))
    assert sum(not each.duplicate for each in (await ledger.accept(package)).entries) == 700
    assert all(each.duplicate for each in (await ledger.accept(package)).entries)
    assert len(await small.heads(ledger)) == 3


async def test_bytes_are_kept_once(ledger: Any, small: Any, path: Path) -> None:
    """The bytes of a large package are kept once, and its progress only until it is complete."""
    await ledger.accept(small.package(*(small.draft(f"m{i}") for i in range(700)), key="k"))
    await ledger.stop()
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        counted = [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            for table in ("bodies", "packages", "receipts", "messages")
        ]
    engine.dispose()
    assert counted == [1, 0, 1, 700]


async def test_check_writes(ledger: Any, small: Any, opened: Any) -> None:
    """To check a ledger something is written, once a second, however many ask."""
    now = 100.0
    await ledger.stop()
    checked = await small.start(opened(ticks=lambda: now))
    commits: list[object] = []

    def committed(connection: object) -> None:
        commits.append(connection)

    sa.event.listen(sa.Engine, "commit", committed)
    try:
        await asyncio.gather(*(checked.check() for _ in range(20)))
        await checked.check()
        assert len(commits) == 1
        now = 101.0
        await checked.check()
        assert len(commits) == 2
    finally:
        sa.event.remove(sa.Engine, "commit", committed)
    await checked.stop()


async def test_cancelled_check(ledger: Any) -> None:
    """Of those who wait for one check, one that goes away does not take it from the others."""
    gone, stays = asyncio.ensure_future(ledger.check()), asyncio.ensure_future(ledger.check())
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert gone.cancelled()
