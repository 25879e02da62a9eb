"""Admission: how many calls, and how many bytes, are taken in at once; beyond that a caller has to come again."""

from __future__ import annotations

from collections.abc import Callable

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

    def enter(self, declared: int = 0, *, calls: int = 1) -> Admitted:
        """Let a call in whose body is said to have so many bytes, for as long as what this gives is entered.

        The body is counted as it arrives by what entering gives, beyond what was declared. Entering raises
        Busy `intake.busy` when there is no room. `calls` is 0 for what belongs to a call that is in already.
        """
        return Admitted(self, declared, calls)

    def begin(self, declared: int, calls: int) -> None:
        """Count a call and what it says it has; Busy when there is no room."""
        if self._calls + calls > self._most_calls or not self._fits(declared):
            raise _busy()
        self._calls += calls
        self.entered += calls
        self._bytes += declared

    def grow(self, more: int, own: int) -> None:
        """Count further bytes of a call that has `own` so far; Busy when there is no room."""
        if not self._fits(more, own):
            raise _busy()
        self._bytes += more

    def end(self, counted: int, calls: int) -> None:
        """Take note that a call is over."""
        self._calls -= calls
        self._bytes -= counted

    def under_way(self) -> int:
        """Give how many bytes of bodies are under way now."""
        return self._bytes

    def _fits(self, size: int, own: int = 0) -> bool:
        return self._bytes == own or self._bytes + size <= self._most_bytes


class Admitted:
    """One call on its way in, and the bytes that are counted for it."""

    __slots__ = ("_admission", "_arrived", "_calls", "_counted")

    def __init__(self, admission: Admission, declared: int, calls: int) -> None:
        self._admission = admission
        self._calls = calls
        self._counted = declared
        self._arrived = 0

    def __enter__(self) -> Take:
        self._admission.begin(self._counted, self._calls)
        return self._take

    def __exit__(self, *error: object) -> None:
        self._admission.end(self._counted, self._calls)

    def _take(self, size: int) -> None:
        self._arrived += size
        more = self._arrived - self._counted
        if more > 0:
            self._admission.grow(more, self._counted)
            self._counted += more


def _busy() -> Busy:
    return Busy(
        Text(
            "网关此刻正在受理的文书过多；请按 Retry-After 稍后原样重发",
            "The gateway is taking in as many documents as it can; send the same again after Retry-After",
        ),
        code="intake.busy",
    )
