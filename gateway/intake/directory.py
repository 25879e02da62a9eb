"""The registered platforms as every request sees them, held in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gateway.ledger.values import Platform


class Directory(Mapping[str, Platform]):
    """Platforms by id. Their holds are the ledger's to tell: these are who and where they are, and what they speak."""

    def __init__(self, platforms: Iterable[Platform] = ()) -> None:
        self._platforms: dict[str, Platform] = {}
        self.fill(platforms)

    def fill(self, platforms: Iterable[Platform]) -> None:
        """Forget all platforms and know these."""
        self._platforms = {one.id: one for one in platforms}

    def put(self, platform: Platform) -> None:
        """Know a platform, or know it better."""
        self._platforms[platform.id] = platform

    def remove(self, platform_id: str) -> None:
        """Forget a platform."""
        self._platforms.pop(platform_id, None)

    def __getitem__(self, platform_id: str) -> Platform:
        return self._platforms[platform_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._platforms)

    def __len__(self) -> int:
        return len(self._platforms)
