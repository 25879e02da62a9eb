"""The registered platforms, and the adapters they speak, as every request sees them, held in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from adapters.base import Adapter
from gateway.intake.coverage import Coverage
from gateway.ledger.records import Platform, Registry


class Directory(Mapping[str, Platform]):
    """Platforms by id: kind, region, adapter and settings. Their holds may be out of date here; the ledger has them.

    All of it is replaced at once by a later revision of the registry: whoever took `registry` has
    one moment's platforms for as long as it needs them. `coverage` tells which of them are there for a place.
    """

    def __init__(self) -> None:
        self.registry = Registry(0, {})
        self.coverage = Coverage({}, {})

    def take(self, registry: Registry) -> None:
        """See these platforms and areas from now on; an earlier revision than the present one is passed over."""
        if registry.revision >= self.registry.revision:
            self.registry = registry
            self.coverage = Coverage(registry.platforms, registry.areas)

    def __getitem__(self, platform_id: str) -> Platform:
        return self.registry.platforms[platform_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.registry.platforms)

    def __len__(self) -> int:
        return len(self.registry.platforms)


class SpokenAdapters(Protocol):
    """Which adapter a platform speaks; handed in, since the versions live above intake."""

    def of(self, platform: Platform) -> Adapter:
        """Give the adapter that a platform speaks; NotFound `adapter.unknown`."""

    def can_send(self, platform: Platform, message_type: str) -> bool:
        """Tell whether a platform's adapter can send a message type; one that is not installed cannot."""
