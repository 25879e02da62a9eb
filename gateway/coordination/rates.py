"""How often something may be done: so many times a second, and so many at once; pure."""

from __future__ import annotations

from msgspec import Struct


class Rate(Struct, frozen=True):
    """`calls` a second, of which `burst` may come at once after a rest; both at least 1."""

    calls: int
    burst: int

    @property
    def step(self) -> float:
        """The seconds that one call takes up."""
        return 1 / self.calls


def drawn(due: float, now: float, rate: Rate) -> tuple[float, float]:
    """Let one call go, if it may: when the calls so far are paid off, and the seconds to wait, 0 for one that goes.

    The generic cell rate algorithm: each call moves `due` on by a step, and none goes that would move it beyond a
    burst from now. All that has to be kept is that one number, 0 to begin with.
    """
    # No call can have moved it that far: the clock was set back.
    begins = now if due > now + rate.burst * rate.step else max(due, now)
    wait = begins - now - (rate.burst - 1) * rate.step
    # A wait that only rounding leaves is none.
    return (due, wait) if wait > 1e-9 else (begins + rate.step, 0.0)
