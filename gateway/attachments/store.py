"""What keeps the content of uploads: an object store, beside the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Protocol


class ObjectStore(Protocol):
    """Keeps content under names of ours. It may be shared by several processes; each name is written once."""

    async def put(self, name: str, content: AsyncIterator[bytes]) -> None:
        """Keep content piece by piece; durable when this returns, and never in memory as a whole.

        All or nothing: whatever ends it early, an exception of `content` or being cancelled included, leaves nothing
        under the name. Raises Unavailable `attachment.unkept` when it cannot be written.
        """
        ...

    def read(self, name: str) -> AsyncIterator[bytes]:
        """Give content piece by piece; Unavailable `attachment.lost` when it is not there."""
        ...

    async def delete(self, name: str) -> None:
        """Let content go, also what is half-written; one that is not there is no error."""
        ...

    async def some_names(self) -> Collection[str]:
        """Name some of what is there, half-written content too: by and by all of it, over and over again."""
        ...
