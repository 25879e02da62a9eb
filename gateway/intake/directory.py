"""The registered platforms, and the adapters they speak, as every request sees them, held in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from adapters.base import Adapter
from gateway.ledger.values import Platform


class Directory(dict[str, Platform]):
    """Platforms by id. Their holds are the ledger's to tell: these are who and where they are, and what they speak.

    `edition` grows with every change: what was decided under an earlier one may be out of date.
    """

    edition = 0

    def fill(self, platforms: Iterable[Platform]) -> None:
        """Forget all platforms and know these."""
        self.clear()
        self.update((one.id, one) for one in platforms)

    def put(self, platform: Platform) -> None:
        """Know a platform, or know it better."""
        self[platform.id] = platform
        self.edition += 1

    def changed(self) -> None:
        """Say that what platforms speak is not what it was."""
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
