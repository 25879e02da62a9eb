"""A thread that runs work in batches: all that was handed in meanwhile, answered with one call into the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from gateway.ledger.errors import stopped

W = TypeVar("W")

OperationResult = Any
"""What came of one piece of work: its value, or the exception to raise."""


@dataclass(frozen=True, slots=True)
class _Order(Generic[W]):
    work: W
    answer: asyncio.Future[Any]


class BatchThread(Generic[W]):
    """Runs batches of work in one thread of its own.

    `run` is given what has gathered, at most `most` at a time, and gives a result for each; it may
    not raise. Work handed in before `stop` is done before `stop` returns.
    """

    def __init__(self, name: str, run: Callable[[Sequence[W]], Sequence[OperationResult]], *, most: int) -> None:
        self._run = run
        self._most = most
        self._handed: SimpleQueue[list[_Order[W]] | None] = SimpleQueue()
        self._waiting: list[_Order[W]] = []
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._loop = asyncio.get_running_loop()
        self._stopped = False
        self._thread.start()

    def do(self, work: W) -> asyncio.Future[Any]:
        """Hand in a piece of work; await what comes of it."""
        if self._stopped:
            raise stopped()
        if not self._waiting:
            self._loop.call_soon(self._hand_over)
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append(_Order(work, answer))
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
        orders: list[_Order[W]] = []
        going = True
        while going or orders:
            going = self._gather(orders, going)
            now, orders = orders[: self._most], orders[self._most :]
            if now:
                results = self._run([order.work for order in now])
                self._loop.call_soon_threadsafe(_answer, now, results)

    def _gather(self, orders: list[_Order[W]], going: bool) -> bool:
        """Add what was handed over, waiting for it when there is nothing; tell whether there will be more."""
        while going and len(orders) < self._most:
            try:
                handed = self._handed.get(block=not orders)
            except Empty:
                break
            if handed is None:
                return False
            orders.extend(handed)
        return going


def _answer(orders: Sequence[_Order[Any]], results: Sequence[OperationResult]) -> None:
    for order, result in zip(orders, results, strict=True):
        if order.answer.done():
            continue
        if isinstance(result, BaseException):
            order.answer.set_exception(result)
        else:
            order.answer.set_result(result)
