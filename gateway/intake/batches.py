"""Batches under way: how many there may be, whose turn it is, and that they end when the gateway does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from gateway.clock import monotonic
from gateway.errors import Busy, Unavailable
from gateway.intake.admission import Admission
from schemas.findings import Text

RECORDS = int(os.environ.get("RECS", "32"))
"""Records of a batch that are read together and kept in one commit: so long at most does anybody wait for a batch."""

SIZE = 512 * 1024
"""Bytes of such records, unless one is larger by itself."""


class Batches:
    """All batches together take one group of records at a time: many of them weigh no more on others than one.

    `answer_bytes` are those that may wait to be read; `ending`: they were asked to end.
    """

    def __init__(self, most: int, answer_bytes: int) -> None:
        self.answer_bytes = answer_bytes
        self._most = most
        self._turn = asyncio.Lock()
        self._entered = 0
        self._running: set[Callable[[], None]] = set()
        self.ending = False

    @contextmanager
    def enter(self, stop: Callable[[], None]) -> Iterator[None]:
        """Let a batch in, which `stop` asks to end; Busy `batch.busy` when there are too many."""
        if self.ending:
            raise stopping()
        if len(self._running) >= self._most:
            raise _busy()
        self._running.add(stop)
        try:
            yield
        finally:
            self._running.discard(stop)

    @asynccontextmanager
    async def turn(self, others: Admission) -> AsyncIterator[None]:
        """Wait for the turn to keep a group of records, and have it.

        While others come, a batch rests after each group for as long as it took: they have half of the time.
        """
        async with self._turn:
            began, entered = monotonic(), self._entered
            yield
            self._entered = others.entered
            if self._entered != entered:
                await asyncio.sleep(float(os.environ.get("REST", "1")) * (monotonic() - began))

    def end(self) -> None:
        """Ask every batch to end after the group that it is keeping; no other is let in."""
        self.ending = True
        for stop in list(self._running):
            stop()

    def under_way(self) -> int:
        """Give how many there are."""
        return len(self._running)


def stopping() -> Unavailable:
    """Say that the gateway ends."""
    return Unavailable(
        Text(
            "网关正在停止；之前的记录已处理，请稍后从这里（offset）继续发送",
            "The gateway is stopping; the records before were handled: go on from here (offset) later",
        ),
        code="gateway.stopping",
    )


def _busy() -> Busy:
    return Busy(
        Text(
            "网关此刻正在受理的批量文件过多；请按 Retry-After 稍后重发",
            "The gateway is taking in as many batches as it can; send this one after Retry-After",
        ),
        code="batch.busy",
    )
