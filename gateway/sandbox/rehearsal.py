"""Deliveries to a double, one attempt at a time, on a clock that only the rehearsal moves."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.adapter import DeclarativeAdapter
from adapters.base import Reply, Verdict
from gateway.clock import monotonic, new_id
from gateway.delivery.attempt import Attempts, DeliveryTarget, alone
from gateway.delivery.authorised import AuthorisedSender
from gateway.delivery.sender import Sender
from gateway.ledger.base import Ledger
from gateway.ledger.records import Claim, Intake, IntakeDraft, Intent, Platform
from gateway.ledger.sql import SqlLedger
from gateway.message import Delivery, Message, State
from gateway.sandbox.double import Double
from gateway.sandbox.serve import running
from gateway.telemetry.events import Events

_PLATFORM = "rehearsal.000000"
_SOURCE = "sender.000000"
_START = datetime(2026, 9, 1, tzinfo=UTC)
_LONGEST_WAIT = timedelta(days=365)
"""What is due is for the rehearsal's own clock to say."""


@dataclass
class Rehearsal:
    """The delivery side of a gateway, with the double as its only platform."""

    adapter: DeclarativeAdapter
    double: Double
    platform: Platform
    sender: Sender
    ledger: Ledger
    claim: Claim
    revision: int
    now: datetime = _START

    def __post_init__(self) -> None:
        self._sending = AuthorisedSender(self.sender, self._clock)
        self._attempts = Attempts(self.ledger, self._sending, self._clock, monotonic, self._clock, Events())

    def _clock(self) -> datetime:
        return self.now

    async def post(self, message_type: str, document: Mapping[str, Any]) -> str:
        """Accept a document for the double; gives the delivery's id."""
        message = self._message(message_type, document)
        delivery = Delivery(
            id=new_id(self.now),
            message_id=message.id,
            type=message_type,
            kind=self.platform.kind,
            platform=self.platform.id,
            lane=message.id,
            state=State.READY,
            created_at=self.now,
        )
        draft = IntakeDraft(0, message, (delivery,))
        intake = Intake(_SOURCE, "rehearsal", self.now, b"", "application/json", (draft,), self.revision)
        await self.ledger.accept(intake)
        return delivery.id

    def _message(self, message_type: str, document: Mapping[str, Any]) -> Message:
        message_id = new_id(self.now)
        return Message(
            id=message_id,
            type=message_type,
            document=document,
            source=_SOURCE,
            operation="rehearsal",
            adapter=self.adapter.name,
            region="000000",
            ordering_key=message_id,
            correlation_id=message_id,
            received_at=self.now,
            identity=message_id,
            digest=message_id,
        )

    async def attempt(self, delivery_id: str) -> Delivery:
        """Make one attempt, as soon as it is due, and give the delivery after it."""
        due = (await self.delivery(delivery_id)).due_at
        self.now = max(self.now, due or self.now) + timedelta(milliseconds=1)
        heads = await self.ledger.heads(self.claim, self.now, self.now + _LONGEST_WAIT, 1000)
        work = next(head for head in heads if head.delivery.id == delivery_id)
        to = DeliveryTarget(self.platform, self.adapter, lambda name: self.adapter)
        await self._attempts.make(work, alone(to, self.claim))
        return await self.delivery(delivery_id)

    async def delivery(self, delivery_id: str) -> Delivery:
        """Give a delivery as it stands."""
        found = await self.ledger.delivery(delivery_id)
        if found is None:
            raise KeyError(delivery_id)
        return found

    async def again(self, delivery: Delivery) -> Verdict:
        """Send what a delivery sent once more, without the ledger, and read the answer."""
        request = await self.ledger.sent(delivery.id)
        if request is None:
            raise KeyError(delivery.id)
        reply: Reply = await self._sending.send(
            self.adapter, self.platform, request, self.adapter.limits.timeout, self.adapter.budget.body
        )
        return self.adapter.judge(delivery.type, reply)

    def received(self, delivery_id: str) -> Mapping[str, Any]:
        """Give what the double says it received under a delivery's key."""
        return next((one for one in self.double.platform.received() if one["key"] == delivery_id), {})


@asynccontextmanager
async def rehearsing(adapter: DeclarativeAdapter, settings: Mapping[str, Any]) -> AsyncIterator[Rehearsal]:
    """Serve a double of the bundle and give a rehearsal with it."""
    double, sender = Double(adapter), Sender()
    async with running(double) as address, _ledger() as ledger:
        platform = Platform(_PLATFORM, "rehearsal", "000000", adapter.name, {**settings, "base_url": address}, _START)
        # Attempts are made with the platform as it is here, which is of no revision: a verdict never holds it, and
        # the next attempt is made whatever the last one's was.
        registered = await ledger.put_platform(platform, Intent("rehearsal", "", _START), lambda unrouted: None)
        claim = await ledger.claim(platform.id)
        rehearsal = Rehearsal(adapter, double, platform, sender, ledger, claim, registered.revision)
        double.platform.clock = lambda: rehearsal.now
        try:
            yield rehearsal
        finally:
            await sender.close()


@asynccontextmanager
async def _ledger() -> AsyncIterator[Ledger]:
    """Keep a ledger for as long as it is used, in a folder that goes away with it."""
    with tempfile.TemporaryDirectory(prefix="hutong-rehearsal-") as folder:
        ledger = SqlLedger(f"sqlite:///{folder}/ledger.db")
        await ledger.start()
        try:
            yield ledger
        finally:
            await ledger.stop()
