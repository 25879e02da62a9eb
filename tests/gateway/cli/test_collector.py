"""Full garbage collections wait for a quiet moment."""

from __future__ import annotations

import asyncio

from gateway.cli import collector


async def test_no_full_pass_is_made_while_a_large_body_is_under_way():
    """Once it is done, one is."""
    asked, passed = asyncio.Queue[int](), asyncio.Event()
    sizes = iter([collector.LARGE, collector.LARGE])

    def under_way() -> int:
        size = next(sizes, 0)
        asked.put_nowait(size)
        return size

    collecting = asyncio.create_task(collector.collect(under_way, passed.set, every=0, soon=0))
    for expected in (collector.LARGE, collector.LARGE):
        assert await asked.get() == expected
        assert not passed.is_set()
    await asyncio.wait_for(passed.wait(), 5)
    collecting.cancel()
