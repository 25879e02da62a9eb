"""What the processes of one ledger share for a moment; none of it is needed, and all of it may be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from gateway.clock import Ticks, monotonic
from gateway.coordination.rates import Rate, drawn

MOST = 32 * 1024 * 1024
"""Bytes that a process keeps in its own memory."""

_MOST_RATES = 10_000
"""Rates that are counted at once; of more, those that have rested are forgotten."""


class Unshared(Exception):
    """What is shared cannot be reached now: go on without it."""


class Forgetful(Exception):
    """What was kept before a moment may have been lost: whether something is done for the first time is not known."""


class Unsure(Exception):
    """It is the first time as far as the store knows, which may have lost an earlier one: ask somebody who knows."""


class SharedStore(Protocol):
    """Keeps values for a while, and counts how often something is done.

    A value may be gone, or be one that somebody else wrote: who reads it looks whether it is what it should be.
    Every call returns soon, and raises Unshared where the store cannot be reached.
    """

    async def get(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Give what is kept under each key."""
        ...

    async def put(self, values: Mapping[str, bytes], seconds: float) -> None:
        """Keep values for so long, and no longer."""
        ...

    async def draw(self, key: str, rate: Rate) -> float:
        """Let one call go if its rate allows it: 0, else the seconds to wait."""
        ...

    async def close(self) -> None:
        """Close what is open, and forget everything that only this process keeps."""
        ...


class SharedMemory(SharedStore, Protocol):
    """A store that several processes share, and that knows what it forgot."""

    async def first(self, key: str, at: float, seconds: float, ahead: float = 0) -> bool:
        """Tell whether this is the first time for a key, and remember it for so long.

        `at` is the Unix time at which it is said to have been made, whole seconds: Forgetful where the store lost, or
        may have lost, what it kept at that time. `ahead`: so many seconds before `at` somebody may ask. Unsure where
        it is remembered now, and `at` is ahead of the store's clock, or may have been when the store lost something.
        """
        ...


Later = Callable[[float, Callable[[], None]], Any]
"""Calls something after so many seconds."""


class MemoryStore:
    """Keeps values in this process alone, `most` bytes of them: the oldest make room. It is always there."""

    def __init__(self, ticks: Ticks = monotonic, later: Later | None = None, *, most: int = MOST) -> None:
        self._ticks = ticks
        self._later = later
        self._most = most
        self._kept: dict[str, tuple[bytes, float]] = {}  # a value, and the tick at which it ends
        self._size = 0
        self._due: dict[str, float] = {}

    async def get(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """See `SharedStore`."""
        now = self._ticks()
        found = (self._kept.get(key) for key in keys)
        return [one[0] if one is not None and now < one[1] else None for one in found]

    async def put(self, values: Mapping[str, bytes], seconds: float) -> None:
        """See `SharedStore`."""
        keys, ends = tuple(values), self._ticks() + seconds
        for key, value in values.items():
            self._drop(key)
            self._kept[key] = value, ends
            self._size += len(value)
        while self._size > self._most:
            self._drop(next(iter(self._kept)))
        # Nobody may ask again, and it is kept no longer all the same.
        later = self._later or asyncio.get_running_loop().call_later
        later(seconds, lambda: self._end(keys, ends))

    async def draw(self, key: str, rate: Rate) -> float:
        """See `SharedStore`."""
        now = self._ticks()
        if len(self._due) >= _MOST_RATES:
            self._due = {each: due for each, due in self._due.items() if due > now}
        self._due[key], wait = drawn(self._due.get(key, 0.0), now, rate)
        return wait

    async def close(self) -> None:
        """See `SharedStore`."""
        self._kept.clear()
        self._size = 0

    def _end(self, keys: Sequence[str], ends: float) -> None:
        for key in keys:
            if key in self._kept and self._kept[key][1] <= ends:
                self._drop(key)

    def _drop(self, key: str) -> None:
        dropped = self._kept.pop(key, None)
        if dropped is not None:
            self._size -= len(dropped[0])
