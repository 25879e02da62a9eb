"""A transport that parts with its caller: who closes it leaves to the connection how."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class PartingTransport:
    """A transport whose `close` asks its connection how to part; everything else is the transport's own."""

    def __init__(self, transport: asyncio.Transport, part: Callable[[], None]) -> None:
        self._transport = transport
        self._part = part
        self.parting = False
        self.write = transport.write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Tell whether it is closed, or will be."""
        return self.parting or self._transport.is_closing()

    def close(self) -> None:
        """Close once the caller has got its answer."""
        if not self.is_closing():
            self.parting = True
            self._part()

    def end(self) -> None:
        """Close, once what was written has left."""
        self.parting = True
        self._transport.close()
