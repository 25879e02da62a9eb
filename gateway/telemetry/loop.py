"""How long the event loop stands still, and whose step it was."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway.clock import Ticks, monotonic
from gateway.telemetry.events import Events, LoopBlocked, LoopLagged

T = TypeVar("T")

LONG = 0.1
"""Seconds that one step may take before it is told."""

EVERY = 0.1
"""Seconds between two beats."""


@dataclass(slots=True)
class Doing:
    """Whose work a task does, as far as it is known by now."""

    platform: str
    operation: str


_doing: ContextVar[Doing | None] = ContextVar("doing", default=None)


def doing(platform: str, operation: str) -> None:
    """Say whose work the present task does, once that is known."""
    known = _doing.get()
    if known is not None:
        known.platform, known.operation = platform, operation


class LoopWatch:
    """Measures each step of the work that it is handed, and by its own beat what nobody handed to it.

    A step is what a task does between two waits: for as long nobody else does anything.
    """

    def __init__(self, events: Events, ticks: Ticks = monotonic, long: float = LONG) -> None:
        self.ticks = ticks
        self.long = long
        self._events = events
        self._told = 0

    def steps(self, work: Coroutine[Any, Any, T], platform: str = "", operation: str = "") -> Steps[T]:
        """Give what does the work when it is awaited, and tells of each step that takes too long."""
        return Steps(self, work, Doing(platform, operation))

    def tell(self, doing: Doing, seconds: float) -> None:
        """Tell of a step that took too long."""
        self._told += 1
        self._events(LoopBlocked(doing.platform, doing.operation, seconds))

    async def beat(self, every: float = EVERY) -> None:
        """Measure how late a timer comes, again and again, until cancelled."""
        while True:
            began, told = self.ticks(), self._told
            await asyncio.sleep(every)
            self.late(max(0.0, self.ticks() - began - every), explained=self._told != told)

    def late(self, seconds: float, *, explained: bool) -> None:
        """Take note of how late a beat came; a long wait that no step explains is told as nobody's."""
        self._events(LoopLagged(seconds))
        if seconds > self.long and not explained:
            self._events(LoopBlocked("", "other", seconds))


class Steps(Generic[T]):
    """Work whose steps are measured. It is awaited once, as the work itself would be."""

    def __init__(self, watch: LoopWatch, work: Coroutine[Any, Any, T], label: Doing) -> None:
        self._watch = watch
        self._work = work
        self._label = label

    def __await__(self) -> Generator[Any, Any, T]:
        ticks, long = self._watch.ticks, self._watch.long
        outer = _doing.set(self._label)
        steps = self._work.__await__()
        resume, value = steps.send, None
        try:
            while True:
                began = ticks()
                try:
                    waits_for = resume(value)
                except StopIteration as end:
                    done: T = end.value
                    return done
                finally:
                    took = ticks() - began
                    if took > long:
                        self._watch.tell(self._label, took)
                try:
                    resume, value = steps.send, (yield waits_for)
                except BaseException as error:  # it is cancelled, say: the work hears of it where it waits
                    resume, value = steps.throw, error
        finally:
            _doing.reset(outer)
