from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.base import OutboundRequest
from gateway.errors import Conflict, NotFound
from gateway.ledger.base import Ledger
from gateway.ledger.records import Inbox, LeaseSettled, Work
from gateway.message import IN_TIME, LATE, HeldBy, State

LEASE, LONGEST = 60.0, 200.0
BODY = b'{"verdict": "accepted"}'


class Fetching:
    """Plays a platform that fetches its deliveries: `fetch` leases for a minute, `receipt` answers, `lapse` sweeps."""

    def __init__(self, play: Any, make: Any) -> None:
        self.play = play
        self.make = make
        self.ledger: Ledger = play.ledger

    async def inbox(self, platform: str | None = None) -> Inbox:
        """The right of a platform, which is registered as one that fetches where it is not registered yet."""
        id = platform or self.make.penalty
        if id not in (await self.ledger.registry()).platforms:
            await self.play.register(id, mode="pull")
        return Inbox(id, (await self.ledger.registry()).platforms[id].revision)

    async def works(self, *, at: float = 0, limit: int = 100) -> Sequence[Work]:
        """What may be leased."""
        return await self.ledger.heads(await self.inbox(), self.make.at(at), self.make.at(at + LONGEST), limit)

    async def lease(self, delivery_id: str, *, at: float = 0, **which: Any) -> int | None:
        """Lease one delivery for a minute."""
        inbox = await self.inbox()
        request = which.pop("request", self.make.request)
        until = self.make.at(at + which.pop("seconds", LEASE))
        return await self.ledger.lease(inbox, delivery_id, "penalty@1.0.0", request, self.make.at(at), until, **which)

    async def fetch(self, *, at: float = 0) -> list[str]:
        """Lease every head there is; gives the deliveries."""
        ids = [work.delivery.id for work in await self.works(at=at)]
        return [id for id in ids if await self.lease(id, at=at) is not None]

    async def receipt(
        self,
        delivery_id: str,
        state: State = State.DELIVERED,
        *,
        body: bytes = BODY,
        by: str | None = None,
        **more: Any,
    ) -> LeaseSettled:
        """Post a receipt."""
        settlement = self.make.settlement(delivery_id, state, reply=body, **more)
        return await self.ledger.settle_lease(by or self.make.penalty, settlement)

    async def lapse(self, *, at: float, limit: int = 100) -> list[str]:
        """Let lapse what is over; gives the deliveries."""
        moment = self.make.at(at)
        return [one.id for one in await self.ledger.lapse(moment, self.make.at(at + LONGEST), moment, limit)]

    async def next_lapse(self, *, at: float = 0) -> Any:
        """When the next lease lapses."""
        return await self.ledger.next_lapse(self.make.at(at), self.make.at(at + LONGEST))


@pytest.fixture
async def fetching(play: Any, make: Any) -> Fetching:
    """A penalty platform that fetches."""
    made = Fetching(play, make)
    await made.inbox()
    return made


# ── leasing ───────────────────────────────────────────────────────────────────────────────────
async def test_leased(fetching: Any, play: Any, ledger: Any, make: Any) -> None:
    """A lease counts an attempt, fixes adapter and request, and says until when."""
    await play.accept("m1")
    assert await fetching.lease("m1/0", at=5) == 1
    delivery = await ledger.delivery("m1/0")
    assert (delivery.state, delivery.attempts, delivery.in_doubt) == (State.SENDING, 1, False)
    assert (delivery.leased_until, delivery.adapter) == (make.at(65), "penalty@1.0.0")
    assert await ledger.sent("m1/0") == make.request
    assert await ledger.attempts_of("m1/0") == []


async def test_only_heads_are_leased(fetching: Any, play: Any) -> None:
    """Of a lane one at a time, in order; other lanes do not wait."""
    for name, lane in (("a1", "A"), ("a2", "A"), ("b1", "B")):
        await play.accept(name, lane=lane)
    assert await fetching.fetch() == ["a1/0", "b1/0"]
    assert await fetching.lease("a2/0") is None
    assert await fetching.fetch() == []
    await fetching.receipt("a1/0")
    assert await fetching.fetch() == ["a2/0"]


async def test_two_at_once(fetching: Any, play: Any) -> None:
    """However many ask at once, each delivery is leased once."""
    for name in ("m1", "m2"):
        await play.accept(name, lane=name)
    numbers = await asyncio.gather(*(fetching.lease(id) for id in ("m1/0", "m2/0", "m1/0", "m2/0", "m1/0")))
    assert sorted(numbers, key=str) == [1, 1, None, None, None]


async def test_a_second_lease_gives_the_same_bytes(fetching: Any, play: Any, ledger: Any, make: Any) -> None:
    """The request is fixed at the first lease."""
    await play.accept("m1")
    await fetching.lease("m1/0")
    await fetching.lapse(at=61)
    [work] = await fetching.works(at=61)
    assert work.request == make.request
    assert await fetching.lease("m1/0", at=61, request=OutboundRequest("PUT", "/other", {}, b"other")) == 2
    assert await ledger.sent("m1/0") == make.request


async def test_what_was_tied_to_another_case_since_is_not_leased(fetching: Any, play: Any, ledger: Any) -> None:
    """The request was made of the message as it was read."""
    await play.accept("m1")
    message = await ledger.message("m1")
    assert await fetching.lease("m1/0", message=replace(message, correlation_id="another")) is None
    assert await fetching.lease("m1/0", message=message) == 1


async def test_what_is_held_is_not_leased(fetching: Any, play: Any, ledger: Any, make: Any) -> None:
    """A paused platform, and what an operator holds; lifted, it may be fetched."""
    await play.accept("m1")
    await play.accept("n1", lane="N")
    await ledger.hold("n1/0", make.intent())
    assert await fetching.fetch() == ["m1/0"]
    assert await fetching.lease("n1/0") is None
    await fetching.receipt("m1/0")
    await play.accept("m2")
    await play.hold()
    assert not await fetching.works()
    assert await fetching.lease("m2/0") is None
    await play.lift()
    assert await fetching.fetch() == ["m2/0"]


async def test_behind_a_dead_one_nothing_is_leased(fetching: Any, play: Any) -> None:
    """What cannot be translated becomes dead, and its lane waits."""
    await play.accept("m1")
    await play.accept("m2")
    assert await play.ledger.kill(await fetching.inbox(), "m1/0", "translation.failed", "why", play.make.at())
    assert await play.state("m1/0") == "dead"
    assert await fetching.fetch() == []
    assert await play.state("m2/0") == "held:lane"


async def test_due_again(fetching: Any, play: Any, make: Any) -> None:
    """What its platform wants later is given out when that is due."""
    await play.accept("m1")
    await fetching.fetch()
    await fetching.receipt("m1/0", State.WAITING, due=30)
    inbox = await fetching.inbox()
    assert not await fetching.works(at=29)
    assert await fetching.ledger.next_due(inbox, make.at(1), make.at(LONGEST)) == make.at(30)
    assert [work.delivery.id for work in await fetching.works(at=30)] == ["m1/0"]


@pytest.mark.parametrize("call", ["heads", "next_due", "lease", "kill"])
async def test_the_right_of_an_inbox(fetching: Any, play: Any, make: Any, call: str) -> None:
    """A platform that is called, one that was registered anew since, and one that is not there have none."""
    await play.accept("m1")
    old = await fetching.inbox()
    await play.register(mode="pull")
    await play.register(make.credit)
    for inbox in (old, Inbox(make.credit, await play.revision()), Inbox("penalty.110000", 1)):
        with pytest.raises(Conflict) as error:
            await use(fetching.ledger, inbox, make, call)
        assert error.value.code == "inbox.closed"
    assert await play.state("m1/0") == "ready"


def use(ledger: Ledger, inbox: Inbox, make: Any, call: str) -> Any:
    """Make a call with the right of an inbox."""
    now, later = make.at(), make.at(LONGEST)
    calls: dict[str, Callable[[], Any]] = {
        "heads": lambda: ledger.heads(inbox, now, later, 1),
        "next_due": lambda: ledger.next_due(inbox, now, later),
        "lease": lambda: ledger.lease(inbox, "m1/0", "a@1", make.request, now, later),
        "kill": lambda: ledger.kill(inbox, "m1/0", "code", "why", now),
    }
    return calls[call]()


async def test_only_its_own(fetching: Any, play: Any, make: Any) -> None:
    """No platform leases, kills or answers what goes to another: to it there is no such delivery."""
    await play.register(make.credit, mode="pull")
    await play.accept("m1")
    inbox = await fetching.inbox(make.credit)
    for call in ("lease", "kill"):
        with pytest.raises(NotFound):
            await use(fetching.ledger, inbox, make, call)
    await fetching.fetch()
    for id, by in (("m1/0", make.credit), ("nobody", make.penalty)):
        with pytest.raises(NotFound) as error:
            await fetching.receipt(id, by=by)
        assert error.value.code == "delivery.unknown"
    assert await play.state("m1/0") == "sending"


# ── receipts ──────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("state", [State.DELIVERED, State.REFUSED])
async def test_a_receipt_moves_the_lane_on(fetching: Any, play: Any, ledger: Any, state: State) -> None:
    """What its platform took or refused is settled, with the receipt's bytes, and the next one may be fetched."""
    await play.accept("m1")
    await play.accept("m2")
    await fetching.fetch()
    settled = await fetching.receipt("m1/0", state, reference="R1", reason="已收", at=3)
    assert (settled.lane_moved, settled.repeated, settled.attempt.receipt) == (True, False, IN_TIME)
    delivery = await ledger.delivery("m1/0")
    assert (delivery.state, delivery.leased_until, delivery.reference) == (state, None, "R1")
    assert await ledger.attempts_of("m1/0") == [settled.attempt]
    assert (settled.attempt.reply, settled.attempt.status) == (BODY, None)
    assert await fetching.fetch() == ["m2/0"]


async def test_dead_by_receipt(fetching: Any, play: Any) -> None:
    """Its lane waits until an operator replays it; then it is fetched again in its place."""
    await play.accept("m1")
    await play.accept("m2")
    await fetching.fetch()
    assert not (await fetching.receipt("m1/0", State.DEAD, code="receipt.dead")).lane_moved
    assert await fetching.fetch() == []
    await fetching.ledger.replay("m1/0", play.make.intent())
    assert await fetching.fetch() == ["m1/0"]


async def test_an_alias_by_receipt(fetching: Any, play: Any, ledger: Any, make: Any) -> None:
    """What a platform calls what it took is recognised when it speaks of it."""
    await play.accept("m1", numbers={"case_number": "A-1"})
    await fetching.fetch()
    await fetching.receipt("m1/0", reference="P-7", alias=("case_number", "A-1"))
    known = await ledger.recall(make.penalty, {"case_number": "P-7"})
    assert (known["case_number"].original, known["case_number"].message_id) == ("A-1", "m1")


async def test_the_same_receipt_again(fetching: Any, play: Any, ledger: Any) -> None:
    """It is answered the same and changes nothing, also when it comes twice in one commit or much later."""
    await play.accept("m1")
    await play.accept("m2")
    await fetching.fetch()
    first, second = await asyncio.gather(fetching.receipt("m1/0", at=3), fetching.receipt("m1/0", at=4))
    assert (first.repeated, second) == (False, LeaseSettled(first.attempt, repeated=True))
    await fetching.fetch()
    assert await fetching.receipt("m1/0", at=99) == LeaseSettled(first.attempt, repeated=True)
    assert await ledger.attempts_of("m1/0") == [first.attempt]


async def test_another_receipt_for_the_same_lease(fetching: Any, play: Any) -> None:
    """The first one counts."""
    await play.accept("m1")
    await fetching.fetch()
    await fetching.receipt("m1/0")
    with pytest.raises(Conflict) as error:
        await fetching.receipt("m1/0", State.REFUSED, body=b'{"verdict": "refused"}')
    assert error.value.code == "lease.answered"
    assert await play.state("m1/0") == "delivered"


async def test_a_receipt_for_no_lease(fetching: Any, play: Any) -> None:
    """Of what was never leased, and of an attempt that there was not; nothing changes."""
    await play.accept("m1")
    for number in (0, 1):
        with pytest.raises(Conflict) as error:
            await fetching.receipt("m1/0", number=number)
        assert error.value.code == "lease.none"
    await fetching.fetch()
    with pytest.raises(Conflict) as error:
        await fetching.receipt("m1/0", number=2)
    assert error.value.code == "lease.none"
    assert await play.state("m1/0") == "sending"


# ── lapsing ───────────────────────────────────────────────────────────────────────────────────
async def test_lapsed(fetching: Any, play: Any, ledger: Any, make: Any) -> None:
    """When its time is over it is ready in its place, in doubt, and says why; the next of the lane waits on."""
    await play.accept("m1")
    await play.accept("m2")
    await fetching.fetch()
    assert await fetching.next_lapse(at=1) == make.at(60)
    assert await fetching.lapse(at=59.9) == []
    assert await fetching.next_lapse(at=61) == make.at(61)
    assert await fetching.lapse(at=60) == ["m1/0"]
    assert await fetching.lapse(at=60) == []
    delivery = await ledger.delivery("m1/0")
    assert (delivery.state, delivery.in_doubt, delivery.code) == (State.READY, True, "lease.lapsed")
    assert (delivery.leased_until, delivery.attempts, delivery.changed_at) == (None, 1, make.at(60))
    assert await fetching.next_lapse(at=60) is None
    assert await fetching.fetch(at=60) == ["m1/0"]


async def test_leases_lapse_one_after_the_other(fetching: Any, play: Any, make: Any) -> None:
    """At most as many as asked for, those first that are over the longest; then comes the first that is left."""
    for number in range(4):
        await play.accept(f"m{number}", lane=f"L{number}")
        await fetching.lease(f"m{number}/0", at=10 - number)
    assert await fetching.lapse(at=68, limit=1) == ["m3/0"]
    assert await fetching.lapse(at=68) == ["m2/0"]
    assert await fetching.next_lapse(at=68) == make.at(69)


async def test_a_clock_set_back(fetching: Any, play: Any, make: Any) -> None:
    """A lease that would be longer than any is over: nobody waits until the clock has caught up."""
    await play.accept("m1")
    await fetching.lease("m1/0", at=3600)
    assert await fetching.next_lapse() == make.at()
    assert await fetching.lapse(at=0) == ["m1/0"]
    assert await fetching.next_lapse() is None


async def test_a_late_receipt(fetching: Any, play: Any, ledger: Any, make: Any) -> None:
    """As long as nobody leased it again it is applied, and told: in the answer, its attempt and the audit."""
    await play.accept("m1")
    await play.accept("m2")
    await fetching.fetch()
    await fetching.lapse(at=60)
    settled = await fetching.receipt("m1/0", at=70)
    assert (settled.attempt.receipt, settled.lane_moved) == (LATE, True)
    delivery = await ledger.delivery("m1/0")
    assert (delivery.state, delivery.attempts, delivery.in_doubt) == (State.DELIVERED, 1, False)
    entry = (await ledger.audit("m1/0"))[-1]
    assert (entry.action, entry.actor, entry.at) == ("delivery.receipt-late", make.penalty, make.at(70))
    assert await fetching.receipt("m1/0", at=80) == LeaseSettled(settled.attempt, repeated=True)
    assert [(one.platform, one.state) for one in await ledger.backlog()] == [(make.penalty, "ready")]
    assert await fetching.fetch(at=80) == ["m2/0"]


async def test_late_and_leased_again(fetching: Any, play: Any) -> None:
    """The receipt for the lease before changes nothing; the one for the present lease does."""
    await play.accept("m1")
    await fetching.fetch()
    await fetching.lapse(at=60)
    await fetching.fetch(at=61)
    with pytest.raises(Conflict) as error:
        await fetching.receipt("m1/0", number=1, at=62)
    assert error.value.code == "lease.lapsed"
    assert await play.state("m1/0") == "sending"
    assert (await fetching.receipt("m1/0", number=2, at=63)).attempt.receipt == IN_TIME


async def test_late_and_dealt_with_otherwise(fetching: Any, play: Any, ledger: Any, make: Any) -> None:
    """An operator gave it up meanwhile: that stays so."""
    await play.accept("m1")
    await fetching.fetch()
    await fetching.lapse(at=60)
    await ledger.discard("m1/0", make.intent())
    with pytest.raises(Conflict) as error:
        await fetching.receipt("m1/0", at=62)
    assert error.value.code == "lease.lapsed"
    assert await play.state("m1/0") == "discarded"


async def test_late_and_not_the_head_any_more(fetching: Any, play: Any, ledger: Any, make: Any) -> None:
    """One that came before it got its platform meanwhile and goes first: the later one is not settled before it."""
    await play.accept("early", to=[None])
    await play.accept("late")
    assert await fetching.fetch() == ["late/0"]
    await ledger.assign(["penalty"], make.takes(), make.at())
    await fetching.lapse(at=60)
    with pytest.raises(Conflict) as error:
        await fetching.receipt("late/0", at=61)
    assert error.value.code == "lease.lapsed"
    assert await fetching.fetch(at=62) == ["early/0"]


@pytest.mark.parametrize(("state", "shown"), [(State.DELIVERED, "delivered"), (State.WAITING, "held:operator")])
async def test_late_and_held(fetching: Any, play: Any, ledger: Any, make: Any, state: State, shown: str) -> None:
    """What its platform took is taken, whoever holds it; what is to be fetched again stays held."""
    await play.accept("m1")
    await fetching.fetch()
    await fetching.lapse(at=60)
    await ledger.hold("m1/0", make.intent())
    assert (await fetching.receipt("m1/0", state, at=61)).attempt.receipt == LATE
    assert await play.state("m1/0") == shown


async def test_answered_while_paused(fetching: Any, play: Any) -> None:
    """A pause keeps the next one from being fetched, and no receipt from being taken."""
    await play.accept("m1")
    await play.accept("m2")
    await fetching.fetch()
    await play.hold()
    await fetching.receipt("m1/0")
    assert await play.state("m1/0") == "delivered"
    assert await play.state("m2/0") == "held:paused"


async def test_lapsed_while_paused(fetching: Any, play: Any) -> None:
    """It is ready in its place, and held as everything is."""
    await play.accept("m1")
    await fetching.fetch()
    await play.hold()
    assert await fetching.lapse(at=60) == ["m1/0"]
    assert await play.state("m1/0") == "held:paused"


# ── push and pull ─────────────────────────────────────────────────────────────────────────────
async def test_what_is_leased_is_no_business_of_a_claim(fetching: Any, play: Any, ledger: Any) -> None:
    """Neither rescued nor taken back nor settled by whoever may call the platform."""
    await play.accept("m1")
    await fetching.fetch()
    await play.claim()
    assert await play.rescue() == []
    assert not await play.unbegin("m1/0")
    with pytest.raises(Conflict) as error:
        await play.settle("m1/0", State.DELIVERED)
    assert error.value.code == "settle.stale"
    assert await play.begin("m1/0") is None
    assert (await ledger.delivery("m1/0")).attempts == 1


async def test_switched_to_push_while_leased(fetching: Any, play: Any, ledger: Any) -> None:
    """It stays leased until its receipt, and the next of its lane is sent after it."""
    await play.accept("m1")
    await play.accept("m2")
    await play.accept("n1", lane="N")
    await fetching.lease("m1/0")
    await play.register(mode="push")
    assert await play.heads() == ["n1/0"]
    await fetching.receipt("m1/0")
    assert await play.heads() == ["m2/0", "n1/0"]


async def test_switched_to_push_and_lapsed(fetching: Any, play: Any) -> None:
    """It is sent in its place; a receipt that comes then is too late."""
    await play.accept("m1")
    await fetching.fetch()
    await play.register(mode="push")
    await fetching.lapse(at=60)
    assert await play.begin("m1/0", at=61) == 2
    with pytest.raises(Conflict) as error:
        await fetching.receipt("m1/0", at=62)
    assert error.value.code == "lease.lapsed"
    await play.settle("m1/0", State.DELIVERED, number=2, at=63)


async def test_switched_to_pull_while_sent(play: Any, make: Any) -> None:
    """What is being sent is settled by who sends it, and not by a receipt; it is not leased meanwhile."""
    await play.accept("m1")
    await play.begin("m1/0")
    await play.register(mode="pull")
    fetching = Fetching(play, make)
    assert await fetching.fetch() == []
    for _ in range(2):
        with pytest.raises(Conflict) as error:
            await fetching.receipt("m1/0")
        assert error.value.code == "lease.none"
        if await play.state("m1/0") == "sending":
            await play.settle("m1/0", State.DELIVERED)


@pytest.mark.parametrize(
    ("by", "type"), [(HeldBy.BREAKER, None), (HeldBy.ENDPOINT, "case.transferred"), (HeldBy.CREDENTIALS, None)]
)
async def test_what_judged_calls_does_not_hold_who_fetches(play: Any, make: Any, by: HeldBy, type: str | None) -> None:
    """It ends with the calls, and no late verdict brings it back."""
    await play.register()
    await play.hold(by=by, type=type)
    await play.register(mode="pull")
    fetching = Fetching(play, make)
    await play.accept("m1")
    assert not await play.hold(by=by, type=type)
    assert await fetching.fetch() == ["m1/0"]
    assert (await play.ledger.registry()).platforms[make.penalty].holds == ()


async def test_a_platform_with_a_lease_is_in_use(fetching: Any, play: Any, ledger: Any, make: Any) -> None:
    """It is not deleted before its receipt or its lapse and what then becomes of it."""
    await play.accept("m1")
    await fetching.fetch()
    with pytest.raises(Conflict) as error:
        await ledger.delete_platform(make.penalty, make.intent())
    assert error.value.code == "platform.in-use"
    await fetching.receipt("m1/0")
    await ledger.delete_platform(make.penalty, make.intent())


async def test_leases_outlive_the_process(fetching: Any, play: Any, ledger: Any, opening: Any) -> None:
    """After a restart a lease goes on until its moment, and its receipt is taken."""
    for name in ("m1", "m2"):
        await play.accept(name, lane=name)
    await fetching.fetch()
    await ledger.stop()
    again = play.ledger = fetching.ledger = opening()
    await again.start()
    await play.claim()
    assert await play.rescue() == []
    assert await fetching.lapse(at=59) == []
    await fetching.receipt("m1/0", at=59)
    assert await fetching.lapse(at=61) == ["m2/0"]
    await again.stop()
