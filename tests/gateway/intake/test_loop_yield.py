"""Long work on the event loop lets others run."""

from __future__ import annotations

import asyncio

from gateway.intake.loop_yield import LoopYield


async def test_others_run_once_work_has_taken_long_enough():
    """By elapsed time: many quick steps give nothing away, one slow one does."""
    now, ran = [0.0], []
    asyncio.get_running_loop().call_soon(ran.append, "another")
    yielding = LoopYield(lambda: now[0], longest=0.005)
    for _ in range(100):
        await yielding()
    assert ran == []
    now[0] += 0.006
    await yielding()
    assert ran == ["another"]
