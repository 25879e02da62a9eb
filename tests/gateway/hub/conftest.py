"""A hub over a ledger on a file, with a network that answers as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import orjson
import pytest
from msgspec.structs import replace

from adapters.base import OutboundRequest, Reply, Setting
from gateway.bootstrap import build
from gateway.hub import Hub
from gateway.intake.steps import IntakeCall
from gateway.ledger.records import Intent, Platform
from gateway.ledger.sql import SqlLedger
from gateway.releases.installed import InstalledAdapters
from gateway.settings import Settings
from gateway.telemetry.events import DeliverySettled, Event

ADMIN = "admin-token-for-these-tests"
URL = {"base_url": "http://127.0.0.1:9"}


@dataclass
class Post:
    """Instead of the network: remembers what was sent, and answers as it is told to."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    status: int = 200

    def intent(self, reason: str = "", key: str | None = None) -> Intent:
        """What the administrator wants now."""
        return Intent("admin", reason, self.hub.clock(), key)

    async def send(self, platform: Platform, request: OutboundRequest, timeout: timedelta, most: int = 0) -> Reply:
        self.sent.append((platform.id, request.headers["Idempotency-Key"]))
        return Reply(self.status)

    async def forget(self, platform_id: str) -> None:
        return None

    async def close(self) -> None:
        return None


@dataclass
class House:
    """A hub and what it did."""

    hub: Hub
    post: Post
    settled: asyncio.Queue[DeliverySettled]
    told: list[Event]
    url: Mapping[str, str] = field(default_factory=lambda: URL)

    async def register(self, *ids: str, adapter: str = "plain") -> None:
        for one in ids:
            await self.hub.platforms.put(one, adapter, settings=URL, intent=self.intent())

    def intent(self, reason: str = "", key: str | None = None) -> Intent:
        """What the administrator wants now."""
        return Intent("admin", reason, self.hub.clock(), key)

    async def send(self, platform: str, operation: str, tree: Mapping[str, object]):
        return (await self.hub.receive(await self.call(platform, operation, tree))).receipt.entries[0]

    async def call(self, platform: str, operation: str, tree: Mapping[str, object]) -> IntakeCall:
        """A call as a platform makes it."""
        return IntakeCall(await self.hub.platforms.get(platform), operation, orjson.dumps(tree))

    async def next(self, state: str) -> DeliverySettled:
        """Wait until a delivery comes to an end, which must be this one."""
        event = await asyncio.wait_for(self.settled.get(), 5)
        assert event.state == state
        return event


@pytest.fixture
def make(plain, ledger_at, tmp_path):
    """Builds a hub without a network; unless it is given a ledger, hubs have the same one and follow each other."""

    def made(ledger=None, adapter=plain) -> House:
        settled: asyncio.Queue[DeliverySettled] = asyncio.Queue()
        told: list[Event] = []

        def hook(event: Event) -> None:
            told.append(event)
            if isinstance(event, DeliverySettled):
                settled.put_nowait(event)

        kept = ledger or SqlLedger(ledger_at(tmp_path / "hub.db"))
        locked = replace(adapter, name="locked", settings={"key": Setting("key", "secret", "密钥")})
        known = InstalledAdapters([adapter, replace(adapter, name="deaf", sends=frozenset()), locked])
        post = Post()
        hub = build(Settings(admin_token=ADMIN), adapters=known, sender=post, hooks=(hook,), ledger=kept)
        return House(hub, post, settled, told)

    return made


@pytest.fixture
async def house(make):
    """A hub that runs."""
    made = make()
    await made.hub.start()
    yield made
    await made.hub.stop()
