"""The registered platforms as every request sees them, held in memory."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.ledger.records import Platform


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
