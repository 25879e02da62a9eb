"""A thread that does what it is handed, as much at a time as has gathered, and answers with one wake-up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from gateway.ledger.refusals import stopped

W = TypeVar("W")

Outcome = Any
"""What came of one piece of work: its value, or the exception to raise."""


@dataclass(frozen=True, slots=True)
class _Order(Generic[W]):
    work: W
    answer: asyncio.Future[Any]


class Worker(Generic[W]):
    """Runs batches of work in one thread of its own.

    `run` is given what has gathered, at most `most` at a time, and gives an outcome for each; it may
    not raise. Work handed in before `stop` is done before `stop` returns.
    """

    def __init__(self, name: str, run: Callable[[Sequence[W]], Sequence[Outcome]], *, most: int) -> None:
        self._run = run
        self._most = most
        self._orders: SimpleQueue[_Order[W] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._loop = asyncio.get_running_loop()
        self._stopped = False
        self._thread.start()

    def do(self, work: W) -> asyncio.Future[Any]:
        """Hand in a piece of work; await what comes of it."""
        if self._stopped:
            raise stopped()
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._orders.put(_Order(work, answer))
        return answer

    async def stop(self) -> None:
        """Finish what was handed in, then end the thread."""
        if not self._stopped:
            self._stopped = True
            self._orders.put(None)
            await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        going = True
        while going:
            orders, going = self._gather()
            if orders:
                outcomes = self._run([order.work for order in orders])
                self._loop.call_soon_threadsafe(_answer, orders, outcomes)

    def _gather(self) -> tuple[list[_Order[W]], bool]:
        first = self._orders.get()
        if first is None:
            return [], False
        orders = [first]
        while len(orders) < self._most:
            try:
                order = self._orders.get_nowait()
            except Empty:
                break
            if order is None:
                return orders, False
            orders.append(order)
        return orders, True


def _answer(orders: Sequence[_Order[Any]], outcomes: Sequence[Outcome]) -> None:
    for order, outcome in zip(orders, outcomes, strict=True):
        if order.answer.done():
            continue
        if isinstance(outcome, BaseException):
            order.answer.set_exception(outcome)
        else:
            order.answer.set_result(outcome)
