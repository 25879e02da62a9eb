from __future__ import annotations

import asyncio
from collections.abc import Sequence
from threading import Event
from typing import Any

import pytest

from gateway.errors import Unavailable
from gateway.ledger.sql.batch_thread import BatchThread


class Doubling:
    """Doubles numbers, notes the batches it was given, and waits at the first one until it may go on."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.reached, self.may_go_on = Event(), Event()

    def run(self, batch: Sequence[int]) -> Sequence[Any]:
        """Double them; what is below nothing is an error, zero breaks the batch, one is answered with too little."""
        self.batches.append(list(batch))
        self.reached.set()
        self.may_go_on.wait()
        if 0 in batch:
            raise ZeroDivisionError
        if 1 in batch:
            return []
        return [ValueError(each) if each < 0 else each * 2 for each in batch]

    async def busy(self, thread: BatchThread[int]) -> asyncio.Future[Any]:
        """Keep the thread busy with a first piece of work, so that what comes after gathers."""
        first = thread.do(1000)
        await asyncio.to_thread(self.reached.wait)
        return first


def gathered(doubling: Doubling, **bounds: int) -> BatchThread[int]:
    """A thread that doubles, with small batches."""
    return BatchThread("doubling", doubling.run, **{"most": 10, **bounds})


async def test_what_gathered_is_done_together() -> None:
    """All that was handed in while the thread was busy is one batch, in the order it came."""
    doubling = Doubling()
    thread = gathered(doubling)
    first = await doubling.busy(thread)
    calls = [thread.do(each) for each in (5, 6, 7)]
    doubling.may_go_on.set()
    assert await asyncio.gather(first, *calls) == [2000, 10, 12, 14]
    assert doubling.batches == [[1000], [5, 6, 7]]
    await thread.stop()


async def test_bounded_by_rows() -> None:
    """A batch takes as many pieces of work as their rows allow; one that is larger than that goes alone."""
    doubling = Doubling()
    thread = gathered(doubling)
    await doubling.busy(thread)
    calls = [thread.do(each, rows=each) for each in (4, 5, 2, 25, 3)]
    doubling.may_go_on.set()
    await asyncio.gather(*calls)
    assert doubling.batches[1:] == [[4, 5], [2], [25], [3]]
    await thread.stop()


async def test_bounded_by_bytes() -> None:
    """A batch takes as many pieces of work as their bytes allow."""
    doubling = Doubling()
    thread = gathered(doubling, largest=100)
    await doubling.busy(thread)
    calls = [thread.do(each, size=each) for each in (60, 40, 1001, 2, 99)]
    doubling.may_go_on.set()
    await asyncio.gather(*calls)
    assert doubling.batches[1:] == [[60, 40], [1001], [2], [99]]
    await thread.stop()


@pytest.mark.parametrize(("breaking", "error"), [(0, ZeroDivisionError), (1, ValueError)])
async def test_broken_batch(breaking: int, error: type[Exception]) -> None:
    """When the work of a batch raises, or answers too little, everybody in it is told, and the thread goes on."""
    doubling = Doubling()
    thread = gathered(doubling)
    await doubling.busy(thread)
    calls = [thread.do(each) for each in (5, breaking)]
    doubling.may_go_on.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each) for each in results] == [error, error]
    assert await thread.do(7) == 14
    await thread.stop()


async def test_error_of_one() -> None:
    """A result that is an exception is raised to its own caller alone."""
    doubling = Doubling()
    doubling.may_go_on.set()
    thread = gathered(doubling)
    bad, good = await asyncio.gather(thread.do(-1), thread.do(2), return_exceptions=True)
    assert isinstance(bad, ValueError)
    assert good == 4
    await thread.stop()


async def test_cancelled_caller() -> None:
    """What a caller handed in before it was cancelled is done, and the others get their answers."""
    doubling = Doubling()
    thread = gathered(doubling)
    await doubling.busy(thread)
    gone, stays = thread.do(5), thread.do(6)
    gone.cancel()
    doubling.may_go_on.set()
    assert await stays == 12
    assert doubling.batches[1] == [5, 6]
    await thread.stop()


async def test_watched() -> None:
    """Whoever watches is told of each batch, how many pieces it had and how long it took, also of one that breaks."""
    doubling, told, ticks = Doubling(), list[tuple[int, float]](), iter(range(100))
    thread = BatchThread(
        "doubling", doubling.run, most=10, watch=lambda *batch: told.append(batch), ticks=lambda: float(next(ticks))
    )
    await doubling.busy(thread)
    calls = [thread.do(each) for each in (5, 0)]
    doubling.may_go_on.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert told == [(1, 1.0), (2, 1.0)]
    await thread.stop()


async def test_stop() -> None:
    """What was handed in is done before the thread ends; afterwards nothing is taken."""
    doubling = Doubling()
    thread = gathered(doubling)
    await doubling.busy(thread)
    calls = [thread.do(each, rows=10) for each in (5, 6)]
    stopping = asyncio.ensure_future(thread.stop())
    await asyncio.sleep(0)
    doubling.may_go_on.set()
    await stopping
    assert await asyncio.gather(*calls) == [10, 12]
    with pytest.raises(Unavailable):
        thread.do(7)
