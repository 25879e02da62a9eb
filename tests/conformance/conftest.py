"""One suite for every ledger: what is built here is the same for all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.base import OutboundRequest
from gateway.errors import HutongError
from gateway.ledger.base import Ledger
from gateway.ledger.records import (
    Accepted,
    Claim,
    Credential,
    Hold,
    Intake,
    IntakeDraft,
    Intent,
    Platform,
    Reads,
    Receipt,
    Registered,
    Rejection,
    Settled,
    Settlement,
    Taker,
    Unrouted,
    Work,
)
from gateway.ledger.sql import SqlLedger
from gateway.message import Attempt, Delivery, HeldBy, Message, State

START = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SOURCE = "mobile-enforcement.330100"
PENALTY = "penalty.330000"
CREDIT = "credit-publicity.330000"
REQUEST = OutboundRequest("POST", "/api/cases", {"content-type": "application/json"}, b'{"case": 1}')
DAY = 86_400.0


class Make:
    """Builds values with everything filled in that a test does not speak of."""

    source, penalty, credit, request = SOURCE, PENALTY, CREDIT, REQUEST

    def at(self, seconds: float = 0) -> datetime:
        """A moment, counted from the start of the story."""
        return START + timedelta(seconds=seconds)

    def intent(
        self, reason: str = "现场核实", *, at: float = 0, actor: str = "operator", key: str | None = None
    ) -> Intent:
        """Who does something, why and when."""
        return Intent(actor, reason, self.at(at), key)

    def hold(self, by: HeldBy = HeldBy.PAUSED, *, at: float = 0, reason: str = "检修", type: str | None = None) -> Hold:
        """A reason for a platform to wait, or for one endpoint of it."""
        return Hold(by, self.at(at), reason, type)

    def nobody(self, unrouted: Unrouted) -> str | None:
        """Takes no unrouted delivery."""
        return None

    def takes(self, platform: str = PENALTY) -> Taker:
        """Gives every unrouted delivery of the platform's kind to it."""
        return lambda unrouted: platform if unrouted.kind == platform.split(".")[0] else None

    # ── intake ────────────────────────────────────────────────────────────────────────────────
    def delivery(self, name: str, message: str, to: str | None, lane: str, *, kind: str = "penalty") -> Delivery:
        """A delivery to a platform (`penalty.330000`), or an unrouted one.

        Unrouted are None and `nearest`, `national`, and `toward penalty.330000`; those are of `kind`.
        """
        if to is not None and "." in to and not to.startswith("toward "):
            return Delivery(name, message, "case.transferred", to.split(".")[0], to, lane, State.READY, START)
        toward = (to or "nearest").removeprefix("toward ")
        kind = toward.split(".")[0] if "." in toward else kind
        return Delivery(name, message, "case.transferred", kind, None, lane, State.UNROUTED, START, toward=toward)

    def draft(
        self,
        name: str = "m1",
        *,
        lane: str = "L1",
        to: Sequence[str | None] = (PENALTY,),
        kind: str = "penalty",
        identity: str | None = None,
        digest: str | None = None,
        keys: Mapping[str, str] | None = None,
        numbers: Mapping[str, str] | None = None,
        reads: Reads | None = None,
        index: int = 0,
        type: str = "case.transferred",
        **headers: Any,
    ) -> IntakeDraft:
        """A draft `name` with deliveries `name/0`, `name/1` … to the given platforms (see `delivery`)."""
        fields: dict[str, Any] = {
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
            type=type,
            ordering_key=lane,
            identity=identity or name,
            digest=digest or f"digest of {name}",
            keys=keys or {},
            **fields,
        )
        made = (self.delivery(f"{name}/{i}", name, where, lane, kind=kind) for i, where in enumerate(to))
        deliveries = tuple(replace(each, type=type) for each in made)
        return IntakeDraft(index, message, deliveries, numbers or {}, reads or Reads())

    def credential(
        self, name: str = "c1", *, platform: str = PENALTY, label: str = "", expires: float | None = None
    ) -> Credential:
        """A credential whose secret nobody knows."""
        until = None if expires is None else self.at(expires)
        return Credential(name, platform, f"hash of {name}", label, self.at(), until)

    def rejection(self, name: str = "r1", *, index: int = 0, platform: str = SOURCE) -> Rejection:
        return Rejection(name, platform, "case", START, index, 422, "document.invalid", {"detail": "缺少案号"})

    def intake(
        self,
        *entries: IntakeDraft | Rejection,
        revision: int = 0,
        key: str | None = None,
        body: bytes = b"<case/>",
        platform: str = SOURCE,
    ) -> Intake:
        """An intake, routed by a revision of the registry (see `Play.receive`)."""
        return Intake(platform, "case", START, body, "application/xml", entries, revision, key)

    # ── delivery ──────────────────────────────────────────────────────────────────────────────
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
        since: float | None = None,
        in_doubt: bool = False,
        tried_for: float = 0.0,
        hold: Hold | None = None,
        revision: int = 0,
        **attempt: Any,
    ) -> Settlement:
        """How attempt `number` of a delivery ended; more arguments are the attempt's."""
        moment = self.at(at)
        return Settlement(
            attempt=Attempt(delivery_id, number, moment, moment, state.value, **attempt),
            state=state,
            due_at=None if due is None else self.at(due),
            waits_since=None if since is None else self.at(since),
            in_doubt=in_doubt,
            tried_for=tried_for,
            alias=alias,
            hold=hold,
            revision=revision,
        )


class Play:
    """Plays what intake and delivery do, in a word or two each.

    It claims a platform when a test first delivers to it, and registers it before if it has to.
    """

    def __init__(self, ledger: Ledger, make: Make) -> None:
        self.ledger = ledger
        self.make = make
        self.claims: dict[str, Claim] = {}

    # ── intake ────────────────────────────────────────────────────────────────────────────────
    async def revision(self) -> int:
        """The registry's revision now."""
        return (await self.ledger.registry()).revision

    async def accept(self, name: str, **draft: Any) -> Accepted:
        """Accept one draft."""
        entry = (await self.receive(self.make.draft(name, **draft))).entries[0]
        assert isinstance(entry, Accepted)
        return entry

    async def receive(self, *entries: IntakeDraft | Rejection, **intake: Any) -> Receipt:
        """Accept a package that was routed by the registry as it is now, or by `revision`."""
        routed = {"revision": await self.revision(), **intake}
        return await self.ledger.accept(self.make.intake(*entries, **routed))

    async def accept_all(self, *intakes: Intake) -> Sequence[Receipt | HutongError]:
        """Accept several intakes in their order, routed by the registry as it is now."""
        revision = await self.revision()
        return await self.ledger.accept_all([replace(each, revision=revision) for each in intakes])

    # ── platforms ─────────────────────────────────────────────────────────────────────────────
    async def register(self, *ids: str, take: Taker | None = None, **fields: Any) -> Registered:
        """Register platforms; nothing unrouted is taken, unless `take` is given. Gives what the last one answered."""
        registered = Registered(0)
        for one in ids or (PENALTY,):
            platform = self.make.platform(one, **fields)
            registered = await self.ledger.put_platform(platform, self.make.intent(), take or self.make.nobody)
        return registered

    async def hold(self, platform: str = PENALTY, by: HeldBy = HeldBy.PAUSED, **hold: Any) -> bool:
        """Hold a platform, or with `type` an endpoint of it."""
        return await self.ledger.hold_platform(platform, self.make.hold(by, **hold), self.make.intent())

    async def lift(self, platform: str = PENALTY, by: HeldBy = HeldBy.PAUSED, *, type: str | None = None) -> bool:
        """Lift a hold of a platform, or of an endpoint of it."""
        return await self.ledger.release_platform(platform, by, self.make.intent(), type=type)

    async def claim(self, platform: str = PENALTY) -> Claim:
        """Take the claim of a platform anew; the one before is lost."""
        if platform not in (await self.ledger.registry()).platforms:
            await self.register(platform)
        self.claims[platform] = await self.ledger.claim(platform)
        return self.claims[platform]

    async def claimed(self, platform: str = PENALTY) -> Claim:
        """The claim of a platform that this play has."""
        return self.claims.get(platform) or await self.claim(platform)

    async def claim_for(self, delivery_id: str) -> Claim:
        """The claim of the platform that a delivery goes to."""
        delivery = await self.ledger.delivery(delivery_id)
        return await self.claimed(delivery.platform or PENALTY if delivery else PENALTY)

    # ── delivery ──────────────────────────────────────────────────────────────────────────────
    async def begin(
        self, delivery_id: str, *, at: float = 0, adapter: str = "penalty@1.0.0", **which: Any
    ) -> int | None:
        """Begin an attempt; gives its number."""
        claim = await self.claim_for(delivery_id)
        return await self.ledger.begin(claim, delivery_id, adapter, REQUEST, self.make.at(at), **which)

    async def unbegin(self, delivery_id: str, number: int = 1, *, at: float = 0) -> bool:
        """Take an attempt back."""
        claim = await self.claim_for(delivery_id)
        return await self.ledger.unbegin(claim, delivery_id, number, self.make.at(at))

    async def settle(self, delivery_id: str, state: State, *, at: float = 0, **settlement: Any) -> Settled:
        """End an attempt that was begun: number 1, unless `number` is given."""
        claim = await self.claim_for(delivery_id)
        return await self.ledger.settle(claim, self.make.settlement(delivery_id, state, at=at, **settlement))

    async def end(
        self, delivery_id: str, state: State, *, at: float = 0, probe: bool = False, **settlement: Any
    ) -> Settled:
        """Begin an attempt and end it in a state."""
        number = await self.begin(delivery_id, at=at, probe=probe)
        assert number is not None
        return await self.settle(delivery_id, state, at=at, **{"number": number, **settlement})

    async def kill(
        self, delivery_id: str, code: str = "translation.failed", reason: str = "why", *, at: float = 0
    ) -> bool:
        """Make a head dead that could not be translated."""
        return await self.ledger.kill(await self.claim_for(delivery_id), delivery_id, code, reason, self.make.at(at))

    async def rescue(self, platform: str = PENALTY, *, under_way: Collection[str] = (), at: float = 0) -> Sequence[str]:
        """Make what is being sent, but is not under way here, ready."""
        return await self.ledger.rescue(await self.claimed(platform), under_way, self.make.at(at))

    async def works(
        self, platform: str = PENALTY, *, at: float = 0, latest: float | None = None, limit: int = 100, **which: Any
    ) -> Sequence[Work]:
        """What may be sent. The longest wait is a day, unless `latest` is given."""
        until = self.make.at(at + DAY if latest is None else latest)
        return await self.ledger.heads(await self.claimed(platform), self.make.at(at), until, limit, **which)

    async def heads(self, platform: str = PENALTY, **which: Any) -> list[str]:
        """The ids of the deliveries that may be sent; arguments as for `works`."""
        return [each.delivery.id for each in await self.works(platform, **which)]

    async def next_due(
        self, platform: str = PENALTY, *, at: float = 0, latest: float | None = None, **which: Any
    ) -> datetime | None:
        """When the next waiting head is due; arguments as for `works`."""
        until = self.make.at(at + DAY if latest is None else latest)
        return await self.ledger.next_due(await self.claimed(platform), self.make.at(at), until, **which)

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


@pytest.fixture
def opening(kept_at: str) -> Opening:
    """Gives the same store each time it is called, in a new object."""
    return lambda: SqlLedger(kept_at, rejections=3 * 1024)


@pytest.fixture
async def ledger(opening: Opening) -> AsyncIterator[Ledger]:
    """The store, started."""
    opened = opening()
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
def playing(make: Make) -> Callable[[Ledger], Play]:
    """Plays on another store than the one of `play`."""
    return lambda ledger: Play(ledger, make)


@pytest.fixture
def play(ledger: Ledger, make: Make) -> Play:
    """Plays on that store."""
    return Play(ledger, make)
