"""A thread that runs work in batches: all that was handed in meanwhile, answered with one call into the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from msgspec import Struct

from gateway.clock import Ticks, monotonic
from gateway.ledger.errors import stopped

W = TypeVar("W")

OperationResult = Any
"""What came of one piece of work: its value, or the exception to raise."""


BatchWatch = Callable[[int, float], None]
"""Told in the event loop of every batch: its pieces of work, and the seconds that it took."""


def unwatched(pieces: int, seconds: float) -> None:
    """Watch nothing."""


class _Order(Struct, Generic[W], frozen=True):
    work: W
    rows: int
    size: int
    answer: asyncio.Future[Any]


class BatchThread(Generic[W]):
    """Runs batches of work in one thread of its own.

    `run` is given what has gathered, up to `most` rows and `largest` bytes at a time (a piece of
    work that is larger goes alone), and gives a result for each. When it raises, that is the result
    of the whole batch, and the thread goes on. Work handed in before `stop` is done before `stop`
    returns, also when its caller was cancelled meanwhile. `watch` is told of each batch before its callers are.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Sequence[W]], Sequence[OperationResult]],
        *,
        most: int,
        largest: int = 4 << 20,
        watch: BatchWatch = unwatched,
        ticks: Ticks = monotonic,
    ) -> None:
        self._run = run
        self._most = most
        self._largest = largest
        self._watch = watch
        self._ticks = ticks
        self._handed: SimpleQueue[list[_Order[W]] | None] = SimpleQueue()
        self._waiting: list[_Order[W]] = []
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._loop = asyncio.get_running_loop()
        self._stopped = False
        self._thread.start()

    def do(self, work: W, *, rows: int = 1, size: int = 0) -> asyncio.Future[Any]:
        """Hand in a piece of work, which writes about so many rows and bytes; await what comes of it."""
        if self._stopped:
            raise stopped()
        if not self._waiting:
            self._loop.call_soon(self._hand_over)
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append(_Order(work, rows, size, answer))
        return answer

    def _hand_over(self) -> None:
        """Wake the thread once for all that came in one turn of the loop: waking it costs more than most work."""
        if self._waiting:
            self._handed.put(self._waiting)
            self._waiting = []

    async def stop(self) -> None:
        """Finish what was handed in, then end the thread."""
        if not self._stopped:
            # First refuse new work, then hand over what waits, then the end mark: so nothing stands behind the mark.
            self._stopped = True
            self._hand_over()
            self._handed.put(None)
            await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        orders: deque[_Order[W]] = deque()
        going = True
        while going or orders:
            going = self._gather(orders, going)
            if orders:
                now, began = self._batch(orders), self._ticks()
                results = self._results(now)
                self._loop.call_soon_threadsafe(self._answer, results, self._ticks() - began)

    def _gather(self, orders: deque[_Order[W]], going: bool) -> bool:
        """Add what was handed over, waiting for it when there is nothing; tell whether there will be more."""
        while going:
            try:
                handed = self._handed.get(block=not orders)
            except Empty:
                break
            if handed is None:
                return False
            orders.extend(handed)
        return going

    def _batch(self, orders: deque[_Order[W]]) -> list[_Order[W]]:
        """Take the first orders that fit into one batch, at least one."""
        batch = [orders.popleft()]
        rows, size = batch[0].rows, batch[0].size
        while orders and rows + orders[0].rows <= self._most and size + orders[0].size <= self._largest:
            batch.append(orders.popleft())
            rows, size = rows + batch[-1].rows, size + batch[-1].size
        return batch

    def _results(self, batch: list[_Order[W]]) -> list[tuple[_Order[W], OperationResult]]:
        try:
            return list(zip(batch, self._run([order.work for order in batch]), strict=True))
        except Exception as error:  # the callers get the error; the thread goes on
            return [(order, error) for order in batch]

    def _answer(self, results: Collection[tuple[_Order[Any], OperationResult]], seconds: float) -> None:
        self._watch(len(results), seconds)
        for order, result in results:
            if order.answer.done():  # its caller was cancelled
                continue
            if isinstance(result, BaseException):
                order.answer.set_exception(result)
            else:
                order.answer.set_result(result)
