"""One suite for every ledger: what is built here is the same for all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.base import OutboundRequest
from gateway.ledger.base import Ledger
from gateway.ledger.memory import MemoryLedger
from gateway.ledger.records import Accepted, Intake, IntakeDraft, Platform, Receipt, Rejection, Settlement
from gateway.ledger.sql import SqlLedger
from gateway.message import Attempt, Delivery, Message, State

START = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SOURCE = "mobile-enforcement.330100"
PENALTY = "penalty.330000"
CREDIT = "credit-publicity.330000"
REQUEST = OutboundRequest("POST", "/api/cases", {"content-type": "application/json"}, b'{"case": 1}')


class Make:
    """Builds values with everything filled in that a test does not speak of."""

    source, penalty, credit, request = SOURCE, PENALTY, CREDIT, REQUEST

    def at(self, seconds: float = 0) -> datetime:
        """A moment, counted from the start of the story."""
        return START + timedelta(seconds=seconds)

    def delivery(self, name: str, message: str, platform: str | None, lane: str) -> Delivery:
        kind = (platform or "penalty").split(".")[0]
        state = State.READY if platform else State.UNROUTED
        return Delivery(name, message, "case.transferred", kind, platform, lane, state, START)

    def draft(
        self,
        name: str = "m1",
        *,
        lane: str = "L1",
        to: Sequence[str | None] = (PENALTY,),
        identity: str | None = None,
        digest: str | None = None,
        keys: Mapping[str, str] | None = None,
        numbers: Mapping[str, str] | None = None,
        index: int = 0,
        **headers: Any,
    ) -> IntakeDraft:
        """A draft `name` with deliveries `name/0`, `name/1` … to the given platforms (None: unrouted)."""
        fields: dict[str, Any] = {
            "type": "case.transferred",
            "document": {"case_number": lane, "name": name},
            "source": SOURCE,
            "operation": "case",
            "adapter": "mobile-enforcement@1.0.0",
            "region": "330100",
            "correlation_id": lane,
            "received_at": START,
            **headers,
        }
        message = Message(
            id=name,
            ordering_key=lane,
            identity=identity or name,
            digest=digest or f"digest of {name}",
            keys=keys or {},
            **fields,
        )
        deliveries = tuple(self.delivery(f"{name}/{i}", name, platform, lane) for i, platform in enumerate(to))
        return IntakeDraft(index, message, deliveries, numbers or {})

    def rejection(self, name: str = "r1", *, index: int = 0, platform: str = SOURCE) -> Rejection:
        return Rejection(name, platform, "case", START, index, 422, "document.invalid", {"detail": "缺少案号"})

    def intake(
        self,
        *entries: IntakeDraft | Rejection,
        key: str | None = None,
        body: bytes = b"<case/>",
        platform: str = SOURCE,
    ) -> Intake:
        return Intake(platform, "case", START, body, "application/xml", entries, key)

    def platform(self, id: str = PENALTY, **fields: Any) -> Platform:
        kind, region = id.split(".")
        return Platform(id, kind, region, kind, {"base_url": "http://127.0.0.1:9"}, START, **fields)

    def settlement(
        self,
        delivery_id: str,
        state: State,
        *,
        at: float = 0,
        number: int = 1,
        alias: tuple[str, str] | None = None,
        due: float | None = None,
        in_doubt: bool = False,
        **attempt: Any,
    ) -> Settlement:
        moment = self.at(at)
        tried = Attempt(delivery_id, number, moment, moment, state.value, **attempt)
        return Settlement(tried, state, None if due is None else self.at(due), in_doubt, alias)


class Play:
    """Plays what intake and delivery do, in a word or two each."""

    def __init__(self, ledger: Ledger, make: Make) -> None:
        self.ledger = ledger
        self.make = make

    async def accept(self, name: str, **draft: Any) -> Accepted:
        """Accept one draft."""
        entry = (await self.receive(self.make.draft(name, **draft))).entries[0]
        assert isinstance(entry, Accepted)
        return entry

    async def receive(self, *entries: IntakeDraft | Rejection, **intake: Any) -> Receipt:
        """Accept a package."""
        return await self.ledger.accept(self.make.intake(*entries, **intake))

    async def end(self, delivery_id: str, state: State, *, at: float = 0, **settlement: Any) -> bool:
        """Begin an attempt and end it in a state."""
        assert await self.ledger.begin(delivery_id, "penalty@1.0.0", REQUEST, self.make.at(at))
        return await self.ledger.settle(self.make.settlement(delivery_id, state, at=at, **settlement))

    async def heads(
        self, platform: str = PENALTY, *, at: float = 0, limit: int = 100, probe: bool = False
    ) -> list[str]:
        """The ids of the deliveries that may be sent."""
        work = await self.ledger.heads(platform, self.make.at(at), limit, probe=probe)
        return [each.delivery.id for each in work]

    async def state(self, delivery_id: str) -> str:
        """A delivery's state as it is shown, and by what it is held."""
        delivery = await self.ledger.delivery(delivery_id)
        assert delivery is not None
        return f"held:{delivery.held_by}" if delivery.held_by else delivery.state.value


Opening = Callable[[], Ledger]


@pytest.fixture
def make() -> Make:
    """Builds values."""
    return Make()


@pytest.fixture(params=["memory", "sqlite"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    """Gives the same store each time it is called: a new object where the store outlives one."""
    if request.param == "memory":
        kept = MemoryLedger(rejections=3)
        return lambda: kept
    return lambda: SqlLedger(f"sqlite:///{tmp_path}/ledger.db", rejections=3)


@pytest.fixture
async def ledger(opening: Opening) -> AsyncIterator[Ledger]:
    """The store, started."""
    opened = opening()
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
def play(ledger: Ledger, make: Make) -> Play:
    """Plays on that store."""
    return Play(ledger, make)
