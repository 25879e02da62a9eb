"""Something that is looked at now and then, beside the traffic."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.errors import HutongError

_log = logging.getLogger(__name__)


class Lookout:
    """Looks `every` so many seconds, for as long as the gateway runs; after an error again the next time."""

    def __init__(self, name: str, look: Callable[[], Awaitable[None]], *, every: float) -> None:
        self._name = name
        self._look = look
        self._every = every
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """End at once: a look that is under way is given up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                await self._look()
            except Exception as error:
                level = logging.WARNING if isinstance(error, HutongError) else logging.ERROR
                _log.log(level, "%s failed and goes on", self._name, exc_info=error)
