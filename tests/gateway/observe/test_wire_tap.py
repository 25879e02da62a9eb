"""The wire tap: bounded, and unharmed by the work it does."""

from __future__ import annotations

from gateway.observe.wire_tap import WireTap


def test_a_tap_outlives_work_that_fails():
    """One failure is logged, and the next piece is done."""
    done: list[int] = []
    tap = WireTap(most=2)
    assert tap.offer(lambda: 1 // 0)
    assert tap.offer(lambda: done.append(1))
    assert not tap.offer(lambda: done.append(2))
    tap.drain()
    assert (done, tap.dropped) == ([1], 1)
