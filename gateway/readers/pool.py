"""A few readers, started when they are needed; what becomes of one is its caller's, never the gateway's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from adapters.adapter import DeclarativeAdapter
from adapters.base import Adapter
from gateway.clock import Ticks, monotonic
from gateway.errors import Busy, Unavailable
from gateway.readers.frames import Task
from gateway.readers.places import Places
from gateway.readers.process import ReaderBounds, ReaderFault, ReaderProcess, Stopped
from gateway.telemetry.events import Events, ReadApart
from schemas.findings import Rejected, Text

_log = logging.getLogger(__name__)

MOST_WAITING = 64
"""Jobs of one owner that wait for a reader."""

_AGAIN = frozenset({"killed"})
"""What says nothing of the job: it is done again, once."""


Start = Callable[[ReaderBounds], Awaitable[ReaderProcess]]
"""Starts a reader."""


class TooCostly(Exception):
    """Something takes more than it may. `why`: time, memory, answer or crash."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class TaskRunner(Protocol):
    """Does tasks apart from the event loop."""

    async def run(self, owner: str, adapter: Adapter, task: Task) -> list[Any]:
        """Do a task; see `Readers.run`."""
        ...


class OnThreads:
    """Does tasks on threads of this process."""

    async def run(self, owner: str, adapter: Adapter, task: Task) -> list[Any]:
        """Do a task."""
        return await asyncio.to_thread(lambda: list(task(adapter)))


class Readers:
    """At most `most` readers. A reader that stopped is replaced when the next one is needed."""

    def __init__(
        self,
        bounds: ReaderBounds,
        events: Events,
        *,
        most: int = 2,
        ticks: Ticks = monotonic,
        start: Start = ReaderProcess.start,
    ) -> None:
        self._bounds = bounds
        self._events = events
        self._ticks = ticks
        self._start = start
        self._places = Places(most, MOST_WAITING)
        self._idle: list[ReaderProcess] = []
        self._running: set[ReaderProcess] = set()

    async def run(self, owner: str, adapter: Adapter, task: Task) -> list[Any]:
        """Do a task in a reader, with the adapter; `owner` is whose turn it takes.

        Raises what the task raises (Rejected), TooCostly, Busy when its owner has too many waiting, and
        Unavailable `reader.unavailable` when no reader can be had. An adapter that is no bundle is
        used on a thread here.
        """
        if not isinstance(adapter, DeclarativeAdapter):
            return await OnThreads().run(owner, adapter, task)
        if self._places.full(owner):
            raise _busy()
        async with self._places.place(owner):
            began = self._ticks()
            outcome = "ok"
            try:
                return await self._done(adapter, task)
            except Rejected:
                outcome = "rejected"
                raise
            except TooCostly as error:
                outcome = error.why
                raise
            except (Unavailable, ReaderFault):
                outcome = "failed"
                raise
            finally:
                self._events(ReadApart(owner, outcome, self._ticks() - began))

    async def _done(self, adapter: DeclarativeAdapter, task: Task) -> list[Any]:
        for last in (False, True):
            reader = await self._reader()
            try:
                async with asyncio.timeout(self._bounds.patience):
                    found = await reader.do(adapter, task)
            except Stopped as stopped:
                await self._end(reader)
                if stopped.why not in _AGAIN:
                    raise TooCostly(stopped.why) from None
                if last:
                    raise _unavailable() from None
                continue
            except TimeoutError:
                # By the processor's time it was not over yet: the machine is slow, the job need not be bad.
                await self._end(reader)
                raise _unavailable() from None
            except (Rejected, ReaderFault):
                self._idle.append(reader)
                raise
            except BaseException:
                await asyncio.shield(self._end(reader))  # its caller is gone; what it does is for nobody
                raise
            await self._rest(reader)
            return found
        raise _unavailable()

    async def _reader(self) -> ReaderProcess:
        while self._idle:
            reader = self._idle.pop()
            if reader.alive:
                return reader
            await self._end(reader)
        try:
            reader = await self._start(self._bounds)
        except OSError as error:
            _log.error("no reader can be started: %s", error)
            raise _unavailable() from None
        self._running.add(reader)
        return reader

    async def _rest(self, reader: ReaderProcess) -> None:
        if reader.peak > self._bounds.megabytes * 1024 * 1024 // 2:
            await self._end(reader)  # a fresh one has more room for the next
        else:
            self._idle.append(reader)

    async def _end(self, reader: ReaderProcess) -> None:
        self._running.discard(reader)
        await reader.end()

    def count(self) -> int:
        """Give how many readers there are."""
        return len(self._running)

    async def stop(self) -> None:
        """End every reader."""
        self._idle.clear()
        for reader in list(self._running):
            await self._end(reader)


def _busy() -> Busy:
    return Busy(
        Text(
            "本平台有过多较大的文书在等待处理；请按 Retry-After 稍后原样重发",
            "Too many large documents of this platform wait to be read; send the same again after Retry-After",
        ),
        code="reader.busy",
    )


def _unavailable() -> Unavailable:
    return Unavailable(
        Text(
            "较大的文书此刻无法处理；请稍后原样重发",
            "Large documents cannot be read at this moment; send the same again later",
        ),
        code="reader.unavailable",
    )
