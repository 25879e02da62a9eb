"""The event loop's lag, and whose step it was."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.telemetry.events import Event, Events, LoopBlocked, LoopLagged
from gateway.telemetry.loop import LoopWatch, doing


@pytest.fixture
def watch() -> Any:
    """Give a watch with a clock that the work itself turns on, and what it told."""
    now, told = [0.0], list[Event]()
    made = LoopWatch(Events([told.append]), lambda: now[0])
    made.now, made.told = now, told  # type: ignore[attr-defined]
    return made


async def test_a_long_step_is_told_with_whose_it_was(watch: Any) -> None:
    """Each step by itself: waiting costs nobody anything."""

    async def work() -> str:
        doing("penalty.330000", "decision")
        watch.now[0] += 0.3
        await asyncio.sleep(0)
        watch.now[0] += 0.05
        return "done"

    assert await watch.steps(work()) == "done"
    assert watch.told == [LoopBlocked("penalty.330000", "decision", 0.3)]


async def test_time_spent_waiting_is_no_step(watch: Any) -> None:
    """However long it is."""

    async def work() -> None:
        waiting = asyncio.get_running_loop().create_future()

        def wake() -> None:
            watch.now[0] += 60
            waiting.set_result(None)

        asyncio.get_running_loop().call_soon(wake)
        await waiting

    await watch.steps(work())
    assert watch.told == []


async def test_work_that_is_watched_fails_and_is_cancelled_as_ever(watch: Any) -> None:
    """An exception passes, and a cancellation reaches the work where it waits."""

    async def failing() -> None:
        await asyncio.sleep(0)
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await watch.steps(failing())
    heard: list[str] = []

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    async def outer() -> None:
        await watch.steps(waiting())

    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert heard == ["cancelled"]


async def test_work_that_times_out_inside_is_told_so(watch: Any) -> None:
    """Timeouts, which cancel and then catch, work through the watch."""

    async def work() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "late"
        return "never"

    assert await watch.steps(work()) == "late"


async def test_the_label_is_the_innermost_works(watch: Any) -> None:
    """A task within a task names itself, and leaves the outer name as it was."""

    async def inner() -> None:
        doing("mobile.330000", "inspection")
        watch.now[0] += 0.2

    async def outer() -> None:
        doing("penalty.330000", "decision")
        await watch.steps(inner())
        await asyncio.sleep(0)
        watch.now[0] += 0.2

    await watch.steps(outer())
    assert {(one.platform, one.operation) for one in watch.told} == {
        ("mobile.330000", "inspection"),
        ("penalty.330000", "decision"),
    }


def test_a_late_beat_that_no_step_explains_is_nobodys(watch: Any) -> None:
    """The lag is always measured; what is known already is not told twice."""
    watch.late(0.5, explained=False)
    watch.late(0.5, explained=True)
    watch.late(0.01, explained=False)
    assert [one for one in watch.told if isinstance(one, LoopBlocked)] == [LoopBlocked("", "other", 0.5)]
    assert [one.seconds for one in watch.told if isinstance(one, LoopLagged)] == [0.5, 0.5, 0.01]


async def test_the_beat_measures_how_late_it_comes(watch: Any) -> None:
    """By the handed clock: it stands still, so no beat is late."""
    beating = asyncio.create_task(watch.beat(every=0.001))
    while len(watch.told) < 3:
        await asyncio.sleep(0.001)
    beating.cancel()
    assert {type(one) for one in watch.told} == {LoopLagged}
