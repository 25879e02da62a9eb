"""A SQLite ledger in a folder of its own, with one platform, and the least that can be kept in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.base import OutboundRequest
from gateway.ledger.records import Claim, Intake, IntakeDraft, Intent, Platform, Settlement
from gateway.ledger.sql import SqlLedger
from gateway.message import Attempt, Delivery, Message, State

NOW = datetime(2026, 9, 1, tzinfo=UTC)
REQUEST = OutboundRequest("POST", "/api/cases", {}, b"{}")
ROUTED = 2
"""The revision of a registry with the one platform."""


class Small:
    """Builds the smallest values there are."""

    now, request, platform = NOW, REQUEST, "penalty.330000"
    intent = Intent("operator", "reason", NOW)

    def draft(self, name: str, lane: str = "L1", **message: Any) -> IntakeDraft:
        """One document for one platform: message `name`, delivery `name/0`."""
        fields: dict[str, Any] = {
            "type": "case.transferred",
            "document": {"name": name},
            "source": "mobile-enforcement.330100",
            "operation": "case",
            "adapter": "mobile-enforcement@1.0.0",
            "region": "330100",
            "correlation_id": lane,
            "received_at": NOW,
            "identity": name,
            "digest": name,
        }
        kept = Message(id=name, ordering_key=lane, **{**fields, **message})
        delivery = Delivery(f"{name}/0", name, kept.type, "penalty", self.platform, lane, State.READY, NOW)
        return IntakeDraft(0, kept, (delivery,))

    def unrouted(self, name: str, lane: str = "L1") -> IntakeDraft:
        """One document for a platform that is not there yet."""
        draft = self.draft(name, lane)
        [delivery] = draft.deliveries
        waits = replace(delivery, platform=None, state=State.UNROUTED, toward="nearest")
        return replace(draft, deliveries=(waits,), numbers={"case_number": f"number of {name}"})

    def intake(self, name: str, lane: str = "L1", **message: Any) -> Intake:
        """An intake of one such document."""
        return self.package(self.draft(name, lane, **message), body=name.encode())

    def package(self, *drafts: IntakeDraft, body: bytes = b"package", key: str | None = None) -> Intake:
        """An intake of several documents."""
        entries = tuple(replace(draft, index=index) for index, draft in enumerate(drafts))
        return Intake("mobile-enforcement.330100", "case", NOW, body, "text/plain", entries, ROUTED, key)

    def settlement(self, delivery_id: str, state: State, number: int = 1) -> Settlement:
        """An attempt that ended in a state."""
        due = NOW if state is State.WAITING else None
        return Settlement(Attempt(delivery_id, number, NOW, NOW, state.value), state, due)

    async def start(self, ledger: SqlLedger) -> SqlLedger:
        """Start a ledger, and register the platform where it is not."""
        await ledger.start()
        if not (await ledger.registry()).platforms:
            platform = Platform(self.platform, "penalty", "330000", "penalty", {}, NOW)
            await ledger.put_platform(platform, self.intent, lambda unrouted: None)
        return ledger

    async def heads(self, ledger: SqlLedger, claim: Claim | None = None) -> Sequence[str]:
        """The ids of the deliveries that may be sent, under a claim that is given or taken."""
        claim = claim or await ledger.claim(self.platform)
        works = await ledger.heads(claim, NOW, NOW + timedelta(days=1), 1000)
        return [each.delivery.id for each in works]


@pytest.fixture(scope="session")
def small() -> Small:
    """Builds the smallest values there are."""
    return Small()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is kept."""
    return tmp_path / "ledger.db"


@pytest.fixture
def opened(path: Path, ledger_at: Callable[[Path], str]) -> Callable[..., SqlLedger]:
    """Makes a ledger on that file; the caller starts it."""
    return lambda **arguments: SqlLedger(ledger_at(path), **arguments)


@pytest.fixture
async def ledger(opened: Callable[..., SqlLedger], small: Small) -> AsyncIterator[SqlLedger]:
    """The ledger, started."""
    started = await small.start(opened())
    yield started
    await started.stop()


@pytest.fixture
async def claim(ledger: SqlLedger, small: Small) -> Claim:
    """The right to deliver to the one platform."""
    return await ledger.claim(small.platform)
