"""The registered platforms, and the adapters they speak, as every request sees them, held in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from adapters.base import Adapter
from gateway.ledger.records import Platform


class Directory(dict[str, Platform]):
    """Platforms by id: kind, region, adapter and settings. Their holds may be out of date here; the ledger has them.

    `edition` grows with every change: what was decided under an earlier one may be out of date.
    """

    edition = 0

    def fill(self, platforms: Iterable[Platform]) -> None:
        """Replace all platforms by these."""
        self.clear()
        self.update((one.id, one) for one in platforms)

    def put(self, platform: Platform) -> None:
        """Add a platform, or replace it."""
        self[platform.id] = platform
        self.edition += 1

    def changed(self) -> None:
        """Say that the adapters of platforms changed."""
        self.edition += 1

    def remove(self, platform_id: str) -> None:
        """Forget a platform."""
        self.pop(platform_id, None)
        self.edition += 1


class SpokenAdapters(Protocol):
    """Which adapter a platform speaks now; handed in, since the versions live above intake."""

    def of(self, platform: Platform) -> Adapter:
        """Give the adapter that a platform speaks; NotFound `adapter.unknown`."""

    def can_send(self, platform: Platform, message_type: str) -> bool:
        """Tell whether a platform's adapter can send a message type; one that is not installed cannot."""
