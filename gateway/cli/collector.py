"""Garbage collection of a serving process: full passes only while nothing large is under way."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

EVERY = 60.0
"""Seconds between two full passes."""

SOON = 1.0
"""Seconds after which to look again when something large was under way."""

LARGE = 1024 * 1024
"""Bytes of bodies under way from which on a full pass would take long."""

YOUNG = 20_000
"""Objects by which their number grows before the young ones are looked through. By Python's own 700 those of the
requests under way are looked through over and over, though hardly any of them is garbage."""

_NEVER = 1_000_000_000


def set_up() -> None:
    """Keep what was made at start out of every pass, and let no full pass begin by itself.

    A full pass visits every object there is. A package of ten thousand records is a million of them,
    and all requests stand still for half a second. What lives short is collected as ever.
    """
    gc.collect()
    gc.freeze()
    _, middle, _ = gc.get_threshold()
    gc.set_threshold(YOUNG, middle, _NEVER)


async def collect(
    under_way: Callable[[], int], full_pass: Callable[[], object] = gc.collect, every: float = EVERY, soon: float = SOON
) -> None:
    """Make full passes until cancelled, each at a moment when few bytes of bodies are `under_way`."""
    while True:
        await asyncio.sleep(every)
        while under_way() >= LARGE:
            await asyncio.sleep(soon)
        full_pass()
