"""A gateway's delivering half over a real ledger, calling doubles over sockets on loopback, or a post in memory.

Wall clock and ticks are handed in and stand still until a test moves them; waiting is for events.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from faulty import FaultyLedger, Gate, Post, Posted
from msgspec.structs import replace

from adapters.adapter import DeclarativeAdapter, load
from gateway.clock import new_id
from gateway.delivery import Dispatcher, Sender
from gateway.delivery.authorised import AuthorisedSender
from gateway.delivery.breaker import BreakerPolicy
from gateway.ledger.records import Hold, Intake, IntakeDraft, Intent, Platform, Work
from gateway.message import Attempt, Delivery, HeldBy, Message, State
from gateway.releases.installed import InstalledAdapters
from gateway.sandbox import Double, running
from gateway.telemetry.events import Event, Events

BUNDLE = Path(__file__).parents[1] / "sandbox" / "bundles" / "plain"
START = datetime(2026, 9, 1, 0, 0, tzinfo=UTC)
PATIENCE = 10.0
QUIET = 0.025
"""Seconds; three of them are longer than any worker waits before it asks the ledger something."""

DOCUMENTS: dict[str, dict[str, Any]] = {
    "case.progressed": {"node": "filed", "at": "2026-09-01T08:00:00+08:00"},
    "penalty.executed": {
        "decision_number": "浙环罚〔2026〕1号",
        "kind": "paid",
        "at": "2026-09-01T08:00:00+08:00",
        "amount": "20000",
    },
    "case.transferred": {
        "name": "某公司超标排放案",
        "party": {"name": "浙江某某化工有限公司", "credit_code": "91330100MA27XXXX0A"},
        "region": "330000",
        "found_at": "2026-09-01T08:00:00+08:00",
        "source": "inspection",
        "facts": "总排口化学需氧量超标。",
        "officers": [{"name": "张三", "number": "33010001"}, {"name": "李四", "number": "33010002"}],
    },
}


class HandedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Give the moment it was moved to."""
        return self.now

    def step(self, **time: float) -> None:
        """Set it forward or back, as an operator or a time server does."""
        self.now += timedelta(**time)


class HandedTicks:
    """Seconds that stand still until they are moved on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Give the seconds so far."""
        return self.now


class ShiftedTicks:
    """Seconds that pass, and that a test moves on besides."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Give the seconds so far."""
        return monotonic() + self.now


class Spoilt:
    """An adapter with some attributes that are something else."""

    def __init__(self, adapter: Any, **attributes: Any) -> None:
        self._adapter = adapter
        self._attributes = attributes

    def __getattr__(self, name: str) -> Any:
        """Give the other attribute, or the adapter's own."""
        return self._attributes[name] if name in self._attributes else getattr(self._adapter, name)


class SignallingDouble(Double):
    """A double that says when a call arrives, and how many it is serving at once."""

    def __init__(self, adapter: DeclarativeAdapter, clock: HandedClock, signal: Callable[[], None]) -> None:
        super().__init__(adapter, clock=clock)
        self.signal = signal
        self.inside = self.most = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one call."""
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.signal()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.inside -= 1


@dataclass
class World:
    """Everything a test needs: the ledger, a dispatcher, and a double for each platform it registered."""

    adapter: Any
    stack: AsyncExitStack
    ledger: Any
    clock: HandedClock = field(default_factory=HandedClock)
    ticks: Any = field(default_factory=HandedTicks)
    sender: Any = field(default_factory=Sender)
    doubles: dict[str, SignallingDouble] = field(default_factory=dict)
    heard: list[Event] = field(default_factory=list)
    policy: BreakerPolicy = field(default_factory=lambda: BreakerPolicy(lanes=4, cool_down=timedelta(seconds=5)))
    reply: Any = None
    grace: timedelta = timedelta(seconds=15)
    numbers: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.happened = asyncio.Event()
        self.dispatcher = self.new_dispatcher()

    def new_dispatcher(self, **other: Any) -> Dispatcher:
        """Give a dispatcher as a new process would; arguments as the dispatcher's, in place of the usual ones."""
        self.ledger.told = self.signal
        return Dispatcher(
            self.ledger,
            InstalledAdapters([self.adapter]),
            AuthorisedSender(self.sender, self.clock),
            self.clock,
            Events([self._on_outcome]),
            **{
                "ticks": self.ticks,
                "policy": self.policy,
                "pause": timedelta(0),
                "grace": self.grace,
                **other,
            },
        )

    def intent(self, reason: str = "test") -> Intent:
        """Give an operator's intent."""
        return Intent("test", reason, self.clock())

    def _on_outcome(self, event: Event) -> None:
        self.heard.append(event)
        self.signal()

    def signal(self) -> None:
        self.happened.set()

    async def platform(self, platform_id: str, *, base_url: str | None = None, mode: str = "push") -> Platform:
        """Register a platform, with a double that answers for it unless an address is given."""
        if base_url is None:
            double = self.doubles[platform_id] = SignallingDouble(self.adapter, self.clock, self.signal)
            base_url = await self.stack.enter_async_context(running(double))
        kind, _, region = platform_id.partition(".")
        platform = Platform(platform_id, kind, region, "plain", {"base_url": base_url}, self.clock(), mode=mode)
        return await self.put(platform)

    async def put(self, platform: Platform, **settings: Any) -> Platform:
        """Register a platform, or change its settings, and give it as it stands; the dispatcher is not told."""
        changed = replace(platform, settings={**platform.settings, **settings})
        await self.ledger.put_platform(changed, self.intent(), lambda unrouted: None)
        return await self.known(platform.id)

    async def known(self, platform_id: str) -> Platform:
        """Give a platform as it stands."""
        return (await self.ledger.registry()).platforms[platform_id]

    async def held(self, platform_id: str) -> set[HeldBy]:
        """Give what the ledger says that holds the whole of a platform."""
        return set((await self.known(platform_id)).held_by())

    async def pause(self, platform_id: str) -> None:
        """Pause a platform as the hub does: in the ledger, then at the dispatcher."""
        hold = Hold(HeldBy.PAUSED, self.clock(), "works")
        await self.ledger.hold_platform(platform_id, hold, self.intent("works"))
        self.dispatcher.platform_changed(await self.known(platform_id))

    async def resume(self, platform_id: str) -> None:
        """Resume a platform as the hub does."""
        await self.ledger.release_platform(platform_id, HeldBy.PAUSED, self.intent("done"))
        self.dispatcher.platform_changed(await self.known(platform_id))

    async def post(self, platform_id: str, case: str, type: str = "case.progressed", /, **document: Any) -> Delivery:
        """Accept one message for one platform, as intake would, and say so."""
        delivery, _ = await self.accepted(platform_id, case, type, **document)
        self.dispatcher.wake(platform_id)
        return delivery

    async def accepted(
        self, platform_id: str, case: str, type: str = "case.progressed", /, **document: Any
    ) -> tuple[Delivery, tuple[Work, ...]]:
        """Accept one message for one platform; gives what may be sent at once, too, and wakes nobody."""
        number = next(self.numbers)
        whole = {"case_number": case, **DOCUMENTS[type], **document}
        message = Message(
            id=new_id(self.clock()),
            type=type,
            document=whole,
            source="mobile-enforcement.330000",
            operation="case",
            adapter="plain@1.2.0",
            region="330000",
            ordering_key=case,
            correlation_id=case,
            received_at=self.clock(),
            identity=f"{number}",
            digest=f"{number}",
            keys={"case_number": case},
            trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        )
        delivery = Delivery(
            id=new_id(self.clock()),
            message_id=message.id,
            type=type,
            kind="penalty",
            platform=platform_id,
            lane=case,
            state=State.READY,
            created_at=self.clock(),
        )
        draft = IntakeDraft(0, message, (delivery,), numbers={"case_number": case})
        revision = (await self.ledger.registry()).revision
        intake = Intake(message.source, "case", self.clock(), b"{}", "application/json", (draft,), revision)
        receipt = await self.ledger.accept(intake)
        return delivery, receipt.entries[0].heads

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something holds, looking again after each event; it fails when that takes too long."""
        async with asyncio.timeout(PATIENCE):
            self.happened.clear()
            while not await condition():
                await self.happened.wait()
                self.happened.clear()

    def sender_gate(self) -> Gate:
        """Let every call to a platform wait at a gate before it is answered, until it is opened."""
        gate, answer = Gate(), self.sender.answer

        async def answered(posted: Posted) -> Any:
            await gate.pass_through()
            reply = answer(posted) if self.reply is None else self.reply
            return await reply if inspect.isawaitable(reply) else reply

        self.sender.answer = answered
        return gate

    def replies(self, reply: Any) -> None:
        """Let the platform give this reply, also to the calls that wait at its gate."""
        self.reply = reply
        self.sender.answer = lambda posted: reply

    async def until_true(self, condition: Callable[[], bool]) -> None:
        """Wait until something that can be seen at once holds."""

        async def holds() -> bool:
            return condition()

        await self.until(holds)

    async def drained(self, *deliveries: Delivery, within: float, step: float = 5.0) -> None:
        """Let time pass in steps until all of these are delivered; fails when that takes more than `within` seconds."""
        began = self.ticks()
        left = list(deliveries)
        while left := [one for one in left if (await self.now(one)).state is not State.DELIVERED]:
            assert self.ticks() - began < within, f"{len(left)} are not delivered"
            await self.quiet(1)
            for platform_id in {one.platform for one in left}:
                await self.later(platform_id, seconds=step)

    async def quiet(self, looks: int = 3) -> None:
        """Wait until nothing happens any more: so many looks in a row find that the ledger does nothing."""
        calm = 0
        async with asyncio.timeout(PATIENCE):
            while calm < looks:
                steps = self.ledger.steps
                await asyncio.sleep(QUIET)
                calm = calm + 1 if not self.ledger.running and self.ledger.steps == steps else 0

    async def reached(self, delivery: Delivery, *shown: str) -> Delivery:
        """Wait until a delivery is shown as one of these."""

        async def there() -> bool:
            return (await self.now(delivery)).shown in shown

        await self.until(there)
        return await self.now(delivery)

    async def delivered(self, *deliveries: Delivery) -> None:
        """Wait until all of these are delivered."""
        for delivery in deliveries:
            await self.reached(delivery, State.DELIVERED)

    async def tried(self, delivery: Delivery, times: int) -> Delivery:
        """Wait until a delivery was tried so often."""

        async def often() -> bool:
            return len(await self.attempts(delivery)) >= times

        await self.until(often)
        return await self.now(delivery)

    async def unheld(self, platform_id: str) -> None:
        """Wait until the ledger has no hold of a platform or of an endpoint of it."""

        async def recorded() -> bool:
            return (await self.known(platform_id)).holds == ()

        await self.until(recorded)

    async def a_while(self) -> None:
        """Let everybody who has something to do come to it: a delivery to another platform goes all the way."""
        platform = await self.platform("penalty.999999")
        self.dispatcher.platform_changed(platform)
        await self.delivered(await self.post(platform.id, "MEANWHILE"))
        await asyncio.sleep(0)

    async def now(self, delivery: Delivery) -> Delivery:
        """Give a delivery as it stands."""
        found = await self.ledger.delivery(delivery.id)
        assert found is not None
        return found

    async def attempts(self, delivery: Delivery) -> list[Attempt]:
        """Give what was tried."""
        return list(await self.ledger.attempts_of(delivery.id))

    async def later(self, platform_id: str, **time: float) -> None:
        """Let time pass for a platform."""
        self.clock.step(**time)
        self.ticks.now += timedelta(**time).total_seconds()
        self.dispatcher.wake(platform_id)

    def received(self, platform_id: str) -> list[dict[str, Any]]:
        """Give what a double received."""
        return self.doubles[platform_id].platform.received()

    def events(self, kind: type[Any]) -> list[Any]:
        """Give the events of a kind."""
        return [event for event in self.heard if isinstance(event, kind)]


@pytest.fixture(scope="session")
def adapter() -> DeclarativeAdapter:
    """Give the plain bundle as an adapter."""
    return load(BUNDLE)


@pytest.fixture
def spoil() -> type[Spoilt]:
    """Give what makes an adapter with some attributes that are something else."""
    return Spoilt


@pytest.fixture
async def world(adapter: DeclarativeAdapter, new_ledger: Any) -> AsyncIterator[World]:
    """Give a world whose dispatcher is not started yet; its platforms answer over sockets on loopback."""
    async with AsyncExitStack() as stack:
        yield await opened(World(adapter, stack, FaultyLedger(new_ledger())))


@pytest.fixture
async def post(adapter: DeclarativeAdapter, new_ledger: Any) -> AsyncIterator[World]:
    """Give a world whose platforms answer as its `sender`, a `Post`, says."""
    async with AsyncExitStack() as stack:
        sender = Post()
        world = await opened(World(adapter, stack, FaultyLedger(new_ledger()), sender=sender))
        sender.told = world.signal
        yield world


@pytest.fixture
async def world_over(adapter: DeclarativeAdapter) -> AsyncIterator[Callable[[Any], Awaitable[World]]]:
    """Makes worlds like `post`, in which time passes, each over a ledger that it is given, as a process would be."""
    numbers = count(1)  # of documents, which are told apart by them
    async with AsyncExitStack() as stack:

        async def make(ledger: Any) -> World:
            sender = Post()
            world = World(adapter, stack, FaultyLedger(ledger), sender=sender, ticks=ShiftedTicks(), numbers=numbers)
            await opened(world)
            sender.told = world.signal
            return world

        yield make


async def opened(world: World) -> World:
    """Open a world's ledger, and close all of it at the end."""
    await world.ledger.start()
    world.stack.push_async_callback(world.ledger.stop)
    world.stack.push_async_callback(world.sender.close)
    world.stack.push_async_callback(lambda: world.dispatcher.stop(timedelta(seconds=0.1)))
    return world
