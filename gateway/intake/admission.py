"""Admission: how many calls, and how many bytes, are taken in at once; beyond that a caller has to come again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.errors import Busy
from schemas.findings import Text

CALLS = 512
"""Calls under way at once, unless the settings say otherwise."""

BYTES = 256 * 1024 * 1024
"""Bytes of bodies under way at once, unless the settings say otherwise."""

Take = Callable[[int], None]
"""Counts so many further bytes of a body; Busy when that is too many."""


class Admission:
    """Counts the calls under way and the bytes of their bodies. Nothing waits in a hidden queue.

    `entered` is how many calls were let in so far.

    One call alone is always let in, however large its body is: that is the business of its adapter's limit.
    """

    def __init__(self, calls: int = CALLS, size: int = BYTES) -> None:
        self._most_calls = calls
        self._most_bytes = size
        self._calls = 0
        self._bytes = 0
        self.entered = 0

    @contextmanager
    def enter(self, declared: int = 0, *, calls: int = 1) -> Iterator[Take]:
        """Let a call in whose body is said to have so many bytes; Busy `intake.busy` when there is no room.

        The body is counted as it arrives by what this gives, beyond what was declared. `calls` is 0 for
        what belongs to a call that is in already.
        """
        if self._calls + calls > self._most_calls or not self._fits(declared):
            raise _busy()
        arrived, counted = 0, declared

        def take(size: int) -> None:
            nonlocal arrived, counted
            arrived += size
            more = arrived - counted
            if more <= 0:
                return
            if not self._fits(more, own=counted):
                raise _busy()
            counted += more
            self._bytes += more

        self._calls += calls
        self.entered += calls
        self._bytes += declared
        try:
            yield take
        finally:
            self._calls -= calls
            self._bytes -= counted

    def under_way(self) -> int:
        """Give how many bytes of bodies are under way now."""
        return self._bytes

    def _fits(self, size: int, own: int = 0) -> bool:
        return self._bytes == own or self._bytes + size <= self._most_bytes


def _busy() -> Busy:
    return Busy(
        Text(
            "网关此刻正在受理的文书过多；请按 Retry-After 稍后原样重发",
            "The gateway is taking in as many documents as it can; send the same again after Retry-After",
        ),
        code="intake.busy",
    )
