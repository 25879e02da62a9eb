"""One read for all who ask while another is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedRead(Generic[T]):
    """Reads once for everybody who asks while an earlier read is under way.

    That earlier read is not given to them: it may have begun before what they want to see. All of
    them get the next one, so that many who ask at once cost two reads.
    """

    def __init__(self, source: Callable[[], Awaitable[T]]) -> None:
        self._source = source
        self._now: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def read(self) -> T:
        """Give what a read says that began after this call."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._now))
        # Who gives up waiting must not end it for the others.
        return await asyncio.shield(self._next)

    async def _after(self, earlier: asyncio.Task[T] | None) -> T:
        if earlier is not None:
            await asyncio.wait([earlier])
        self._now, self._next = self._next, None
        return await self._source()
