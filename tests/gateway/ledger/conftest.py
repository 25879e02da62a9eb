"""A SQLite ledger in a folder of its own, and the least that can be kept in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.base import OutboundRequest
from gateway.ledger.records import Intake, IntakeDraft, Settlement
from gateway.ledger.sql import SqlLedger
from gateway.message import Attempt, Delivery, Message, State

NOW = datetime(2026, 9, 1, tzinfo=UTC)
REQUEST = OutboundRequest("POST", "/api/cases", {}, b"{}")


class Small:
    """Builds the smallest values there are."""

    now, request, platform = NOW, REQUEST, "penalty.330000"

    def intake(self, name: str, lane: str = "L1", **message: Any) -> Intake:
        """One document for one platform: message `name`, delivery `name/0`."""
        fields: dict[str, Any] = {"document": {"name": name}, **message}
        kept = Message(
            id=name,
            type="case.transferred",
            source="mobile-enforcement.330100",
            operation="case",
            adapter="mobile-enforcement@1.0.0",
            region="330100",
            ordering_key=lane,
            correlation_id=lane,
            received_at=NOW,
            identity=name,
            digest=name,
            **fields,
        )
        delivery = Delivery(f"{name}/0", name, kept.type, "penalty", self.platform, lane, State.READY, NOW)
        return Intake(kept.source, "case", NOW, name.encode(), "text/plain", (IntakeDraft(0, kept, (delivery,)),))

    def settlement(self, delivery_id: str, state: State) -> Settlement:
        """An attempt that ended in a state."""
        due = NOW if state is State.WAITING else None
        return Settlement(Attempt(delivery_id, 1, NOW, NOW, state.value), state, due)


@pytest.fixture
def small() -> Small:
    """Builds the smallest values there are."""
    return Small()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is kept."""
    return tmp_path / "ledger.db"


@pytest.fixture
def opened(path: Path) -> Callable[..., SqlLedger]:
    """Makes a ledger on that file; the caller starts it."""
    return lambda **arguments: SqlLedger(f"sqlite:///{path}", **arguments)


@pytest.fixture
async def ledger(opened: Callable[..., SqlLedger]) -> AsyncIterator[SqlLedger]:
    """The ledger, started."""
    started = opened()
    await started.start()
    yield started
    await started.stop()
