"""Platforms that fetch for themselves: what is leased, what waits, what lapses, and what comes in between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest
from faulty import YES, disk_full
from msgspec.structs import replace

from adapters.base import OutboundRequest, Reply, VerdictKind
from gateway.clock import monotonic
from gateway.delivery.inbox import MOST_POLLS
from gateway.delivery.lapses import LEASE
from gateway.delivery.lease_receipt import LeaseReceipt, ReceiptOutcome
from gateway.errors import Busy, Conflict, NotFound, Unavailable
from gateway.ledger.errors import superseded
from gateway.message import HELD, LATE, HeldBy, State
from gateway.telemetry.events import (
    AttemptEnded,
    DeliveryLeased,
    DeliverySettled,
    DeliveryStopped,
    InboxAsked,
    LeaseLapsed,
    ReceiptLate,
)

HZ = "penalty.330100"
NB = "penalty.330200"
NOWHERE = "http://nowhere.invalid"
SECONDS = LEASE.total_seconds()


class Puller:
    """A platform that fetches: it asks for its inbox, and says what became of what it got."""

    def __init__(self, post: Any, platform_id: str = HZ) -> None:
        self.post = post
        self.id = platform_id

    @property
    def inboxes(self) -> Any:
        """The inboxes of the gateway as it runs now."""
        return self.post.dispatcher.inboxes

    async def fetch(self, most: int = 100, wait: float = 0, gone: Any = None) -> list[Any]:
        """Ask once."""
        return list(await self.inboxes.fetch(await self.post.known(self.id), most, wait, gone))

    def waiting(self, wait: float = 1000, gone: Any = None) -> asyncio.Task[Any]:
        """Ask, and wait."""
        return asyncio.create_task(self.fetch(wait=wait, gone=gone))

    async def waits(self, polls: int = 1) -> None:
        """Wait until so many polls wait."""
        async with asyncio.timeout(10):
            while self.inboxes.polls() != polls:
                await asyncio.sleep(0)
        await self.post.quiet()

    async def say(
        self, leased: Any, verdict: VerdictKind = VerdictKind.ACCEPTED, *, named: bool = True, **receipt: Any
    ) -> ReceiptOutcome:
        """Post a receipt for what was leased."""
        number = leased.attempt if named else None
        body = orjson.dumps({"verdict": verdict, **{name: str(value) for name, value in receipt.items()}})
        said = LeaseReceipt(verdict, body, attempt=number, **receipt)
        return await self.inboxes.receipt(await self.post.known(self.id), leased.work.delivery.id, said)

    async def lapse(self, seconds: float = SECONDS) -> None:
        """Let so much time pass, and the gateway look."""
        await self.post.later(self.id, seconds=seconds)
        await self.post.dispatcher.reconcile()


def ids(leased: Sequence[Any]) -> list[str]:
    """The deliveries that were leased."""
    return [one.work.delivery.id for one in leased]


@pytest.fixture
async def puller(post: Any) -> Puller:
    """A platform behind a one-way gate, and a gateway that runs."""
    await post.platform(HZ, base_url=NOWHERE, mode="pull")
    await post.dispatcher.start()
    return Puller(post)


# ── fetching ──────────────────────────────────────────────────────────────────────────────────
async def test_nobody_calls_it(puller: Puller, post: Any) -> None:
    """What is accepted for it waits until it asks."""
    delivery = await post.post(HZ, "A-1")
    await post.quiet()
    assert (await post.now(delivery)).state is State.READY
    assert post.sender.sent == []


async def test_it_gets_what_push_would_send(puller: Puller, post: Any) -> None:
    """The same method, path, body and headers, the delivery's id as the key; the wire tap sees it."""
    await post.platform(NB, base_url=NOWHERE)
    post.dispatcher.platform_changed(await post.known(NB))
    await post.delivered(await post.post(NB, "A-1"))
    [sent] = [one.request for one in post.sender.sent]
    delivery = await post.post(HZ, "A-1")
    [leased] = await puller.fetch()
    assert (leased.request.method, leased.request.path, leased.request.body) == (sent.method, sent.path, sent.body)
    assert leased.request.headers["Idempotency-Key"] == leased.work.delivery.id == delivery.id
    assert set(sent.headers) - set(leased.request.headers) <= {"authorization", "Authorization", "webhook-timestamp"}
    assert (leased.attempt, leased.until) == (1, post.clock() + LEASE)
    assert [event.number for event in post.events(DeliveryLeased)] == [1]


async def test_heads_only_and_as_many_as_asked_for(puller: Puller, post: Any) -> None:
    """One of a lane at a time, in the order of their acceptance."""
    first, second = await post.post(HZ, "A"), await post.post(HZ, "A")
    others = [await post.post(HZ, f"B-{n}") for n in range(3)]
    assert ids(await puller.fetch(2)) == [first.id, others[0].id]
    assert ids(await puller.fetch(2)) == [others[1].id, others[2].id]
    assert await puller.fetch(2) == []
    assert (await post.now(second)).state is State.READY


async def test_an_answer_is_bounded(puller: Puller, post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its bytes; one that is larger alone is given alone, so that nothing gets stuck."""
    monkeypatch.setattr("gateway.delivery.inbox._MOST_BYTES", 1000)
    large = [await post.post(HZ, f"A-{n}", opinion="大" * 600) for n in range(2)]
    small = await post.post(HZ, "B-1")
    assert ids(await puller.fetch()) == [large[0].id]
    assert ids(await puller.fetch()) == [large[1].id]
    assert ids(await puller.fetch()) == [small.id]


async def test_what_cannot_be_translated_is_dead(puller: Puller, post: Any) -> None:
    """As when it is sent; what else there is comes at once, however many cannot be."""
    spoilt = [await post.post(HZ, f"SPOILT-{n}", at="not a time") for n in range(3)]
    good = await post.post(HZ, "A-1")
    assert ids(await puller.fetch(2)) == [good.id]
    for one in spoilt:
        assert (await post.now(one)).state is State.DEAD
    assert {event.delivery_id for event in post.events(DeliverySettled)} == {one.id for one in spoilt}


async def test_two_polls_at_once(puller: Puller, post: Any) -> None:
    """No delivery is leased twice, and none of a lane before the one ahead is answered."""
    posted = [await post.post(HZ, f"A-{n % 5}") for n in range(15)]
    polls = await asyncio.gather(*(puller.fetch(3) for _ in range(MOST_POLLS)))
    leased = [one for poll in polls for one in ids(poll)]
    assert sorted(leased) == sorted(one.id for one in posted[:5])


async def test_two_processes_at_once(puller: Puller, post: Any) -> None:
    """Whoever is asked leases, and needs no claim: the ledger gives each delivery once."""
    other = post.new_dispatcher()
    await other.start()
    posted = [await post.post(HZ, f"A-{n}") for n in range(10)]
    platform = await post.known(HZ)
    polls = await asyncio.gather(*(each.inboxes.fetch(platform, 10, 0) for each in (post.dispatcher, other) * 2))
    assert sorted(one for poll in polls for one in ids(poll)) == sorted(one.id for one in posted)
    await other.stop()


async def test_too_many_polls(puller: Puller, post: Any) -> None:
    """Beyond the bound a poll is told to come again; whoever ends makes room."""
    polls = [puller.waiting() for _ in range(MOST_POLLS)]
    await puller.waits(MOST_POLLS)
    with pytest.raises(Busy):
        await puller.fetch()
    polls[0].cancel()
    await asyncio.gather(polls[0], return_exceptions=True)
    assert await puller.fetch() == []
    for poll in polls:
        poll.cancel()


async def test_asking_is_told(puller: Puller, post: Any) -> None:
    """So that operators see a platform that comes no more."""
    await post.post(HZ, "A-1")
    await puller.fetch()
    await puller.fetch()
    assert [(event.platform, event.given) for event in post.events(InboxAsked)] == [(HZ, 1), (HZ, 0)]


# ── waiting ───────────────────────────────────────────────────────────────────────────────────
async def test_a_poll_is_answered_when_something_is_accepted(puller: Puller, post: Any) -> None:
    """At once, by whichever of several polls."""
    polls = [puller.waiting(), puller.waiting()]
    await puller.waits(2)
    delivery = await post.post(HZ, "A-1")
    done, waiting = await asyncio.wait(polls, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    assert [ids(one.result()) for one in done] == [[delivery.id]]
    [other] = waiting
    second = await post.post(HZ, "B-1")
    assert ids(await asyncio.wait_for(other, 10)) == [second.id]


async def test_a_poll_is_answered_when_its_lane_moves_on(puller: Puller, post: Any) -> None:
    """The receipt for the one ahead lets the next one go."""
    await post.post(HZ, "A")
    behind = await post.post(HZ, "A")
    [leased] = await puller.fetch()
    poll = puller.waiting()
    await puller.waits()
    await puller.say(leased)
    assert ids(await asyncio.wait_for(poll, 10)) == [behind.id]


async def test_a_poll_is_answered_when_something_falls_due(puller: Puller, post: Any) -> None:
    """What the platform wanted later comes when that is over, and not before."""
    delivery = await post.post(HZ, "A")
    [leased] = await puller.fetch()
    await puller.say(leased, VerdictKind.RETRY, after=timedelta(seconds=30))
    assert await puller.fetch() == []
    poll = puller.waiting()
    await puller.waits()
    await post.later(HZ, seconds=31)
    assert ids(await asyncio.wait_for(poll, 10)) == [delivery.id]


async def test_a_poll_is_answered_when_a_pause_ends(puller: Puller, post: Any) -> None:
    """While it is paused nothing is leased."""
    await post.pause(HZ)
    delivery = await post.post(HZ, "A-1")
    poll = puller.waiting()
    await puller.waits()
    assert (await post.now(delivery)).shown == HELD
    await post.resume(HZ)
    assert ids(await asyncio.wait_for(poll, 10)) == [delivery.id]


async def test_a_poll_ends_when_its_time_is_over(puller: Puller, post: Any) -> None:
    """With nothing."""
    poll = puller.waiting(wait=30)
    await puller.waits()
    await post.later(HZ, seconds=29)
    await post.quiet()
    assert not poll.done()
    await post.later(HZ, seconds=2)
    assert await asyncio.wait_for(poll, 10) == []


async def test_who_leaves_while_waiting_is_leased_nothing(puller: Puller, post: Any) -> None:
    """What comes afterwards is there for whoever asks next."""
    gone = asyncio.get_running_loop().create_future()
    poll = puller.waiting(gone=gone)
    await puller.waits()
    gone.set_result(None)
    delivery = await post.post(HZ, "A-1")
    assert await asyncio.wait_for(poll, 10) == []
    assert (await post.now(delivery)).state is State.READY
    assert ids(await puller.fetch()) == [delivery.id]


async def test_who_leaves_while_heads_are_read_is_leased_nothing(puller: Puller, post: Any) -> None:
    """The ledger was being asked when the connection broke."""
    gone = asyncio.get_running_loop().create_future()
    delivery = await post.post(HZ, "A-1")
    reading = post.ledger.hold_after("heads")
    poll = puller.waiting(gone=gone)
    await reading.reached()
    gone.set_result(None)
    reading.open()
    assert await asyncio.wait_for(poll, 10) == []
    assert (await post.now(delivery)).attempts == 0


async def test_polls_end_when_the_gateway_stops(puller: Puller, post: Any) -> None:
    """At once and with nothing; who asks then is told that it stops."""
    poll = puller.waiting()
    await puller.waits()
    post.dispatcher.inboxes.end()
    assert await asyncio.wait_for(poll, 10) == []
    await post.post(HZ, "A-1")
    with pytest.raises(Unavailable) as error:
        await puller.fetch()
    assert error.value.code == "gateway.not-running"


@pytest.mark.parametrize("call", ["rescue", "lapse"])
async def test_polls_end_when_another_process_has_the_ledger(puller: Puller, post: Any, call: str) -> None:
    """It is told once, and nothing more is leased from here."""
    post.ledger.fail_before(call, superseded(), times=1000)
    if call == "lapse":
        await post.post(HZ, "A-1")
        await puller.fetch()
    poll = puller.waiting()
    await puller.waits()
    await puller.lapse()
    assert await asyncio.wait_for(poll, 10) == []
    assert post.events(DeliveryStopped) == [DeliveryStopped("ledger.superseded")]
    with pytest.raises(Unavailable):
        await puller.fetch()


# ── receipts ──────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (VerdictKind.ACCEPTED, State.DELIVERED),
        (VerdictKind.REFUSED, State.REFUSED),
        (VerdictKind.DEAD, State.DEAD),
        (VerdictKind.RETRY, State.WAITING),
    ],
)
async def test_receipts_settle(puller: Puller, post: Any, verdict: VerdictKind, state: State) -> None:
    """As replies do: the state, the attempt with the receipt's bytes, and what is told."""
    delivery = await post.post(HZ, "A-1")
    [leased] = await puller.fetch()
    await post.later(HZ, seconds=7)
    outcome = await puller.say(leased, verdict, reference="R-1", reason="已处理")
    assert outcome == ReceiptOutcome(delivery.id, state, 1, late=False)
    now = await post.now(delivery)
    assert (now.state, now.reference, now.reason) == (state, "R-1", "已处理")
    [attempt] = await post.attempts(delivery)
    assert (attempt.verdict, attempt.number, attempt.status) == (verdict.value, 1, None)
    assert attempt.ended_at - attempt.started_at == timedelta(seconds=7)
    assert orjson.loads(attempt.reply)["verdict"] == verdict
    assert [(event.verdict, event.seconds) for event in post.events(AttemptEnded)] == [(verdict.value, 7)]
    assert len(post.events(DeliverySettled)) == (state is not State.WAITING)


async def test_a_receipt_twice(puller: Puller, post: Any) -> None:
    """The second is answered as the first was, and nothing is told twice."""
    delivery = await post.post(HZ, "A-1")
    [leased] = await puller.fetch()
    first = await puller.say(leased, reference="R-1")
    assert await puller.say(leased, reference="R-1") == first
    assert await puller.say(leased, reference="R-1", named=False) == first
    assert len(await post.attempts(delivery)) == len(post.events(AttemptEnded)) == 1


async def test_a_receipt_that_was_committed_and_whose_answer_was_lost(puller: Puller, post: Any) -> None:
    """The same receipt again is answered; the next of the lane is given out meanwhile."""
    await post.post(HZ, "A")
    behind = await post.post(HZ, "A")
    [leased] = await puller.fetch()
    poll = puller.waiting()
    await puller.waits()
    post.ledger.fail_after("settle_lease")
    with pytest.raises(Unavailable):
        await puller.say(leased)
    assert ids(await asyncio.wait_for(poll, 10)) == [behind.id]
    assert (await puller.say(leased)).state is State.DELIVERED


async def test_a_platform_gives_its_number(puller: Puller, post: Any) -> None:
    """What it calls the case is recognised when it speaks of it."""
    await post.post(HZ, "A-1", "case.transferred")
    [leased] = await puller.fetch()
    await puller.say(leased, reference="P-77")
    known = await post.ledger.recall(HZ, {"case_number": "P-77"})
    assert known["case_number"].original == "A-1"


async def test_what_a_receipt_says_is_plain_text(puller: Puller, post: Any) -> None:
    """No escape of a terminal and no turned line reaches a log or a list."""
    delivery = await post.post(HZ, "A-1")
    [leased] = await puller.fetch()
    await puller.say(leased, VerdictKind.REFUSED, reason="\x1b[31m不收\n\u202eabc")
    assert (await post.now(delivery)).reason == "\ufffd[31m不收 \ufffdabc"


async def test_asked_for_too_long_it_is_given_up(puller: Puller, post: Any) -> None:
    """As in push: after the time of the platform's schedule, of which only what it had it and waits count."""
    delivery = await post.post(HZ, "A-1")
    while (await post.now(delivery)).state is not State.DEAD:
        [leased] = await puller.fetch()
        outcome = await puller.say(leased, VerdictKind.RETRY, after=timedelta(minutes=10))
        await post.later(HZ, minutes=10)
    assert (await post.now(delivery)).code == "gave-up"
    assert outcome == ReceiptOutcome(delivery.id, State.DEAD, 7, late=False)
    assert await puller.say(leased, VerdictKind.RETRY, after=timedelta(minutes=10)) == outcome


async def test_another_platforms_and_unknown_deliveries(puller: Puller, post: Any) -> None:
    """404, the one as the other."""
    await post.platform(NB, base_url=NOWHERE, mode="pull")
    post.dispatcher.platform_changed(await post.known(NB))
    await post.post(HZ, "A-1")
    [leased] = await puller.fetch()
    with pytest.raises(NotFound) as foreign:
        await Puller(post, NB).say(leased)
    with pytest.raises(NotFound) as unknown:
        await post.dispatcher.inboxes.receipt(
            await post.known(HZ), "nothing", LeaseReceipt(VerdictKind.ACCEPTED, b"{}")
        )
    assert foreign.value.code == unknown.value.code == "delivery.unknown"


# ── lapsing ───────────────────────────────────────────────────────────────────────────────────
async def test_a_lapsed_lease_returns_by_itself(puller: Puller, post: Any) -> None:
    """Ready in its place and in doubt, without anybody asking; a poll that waits gets it, with the same bytes."""
    delivery = await post.post(HZ, "A")
    await post.post(HZ, "A")
    [first] = await puller.fetch()
    poll = puller.waiting()
    await puller.waits()
    await puller.lapse()
    [second] = await asyncio.wait_for(poll, 10)
    assert (second.work.delivery.id, second.attempt) == (delivery.id, 2)
    assert second.request == first.request
    assert [(event.delivery_id, event.number) for event in post.events(LeaseLapsed)] == [(delivery.id, 1)]
    assert (await post.now(delivery)).in_doubt


async def test_it_lapses_in_its_own_time(post: Any) -> None:
    """The loop wakes for the moment itself: nobody reconciles, and no clock is moved."""
    await post.platform(HZ, base_url=NOWHERE, mode="pull")
    post.dispatcher = post.new_dispatcher(ticks=monotonic, lease=timedelta(milliseconds=50))
    await post.dispatcher.start()
    delivery = await post.post(HZ, "A-1")
    await Puller(post).fetch()
    assert (await post.reached(delivery, State.READY)).in_doubt


async def test_a_slow_lease_lapses_in_its_own_time(post: Any) -> None:
    """It was looked for what lapses while the lease was being written: its moment is known all the same."""
    await post.platform(HZ, base_url=NOWHERE, mode="pull")
    post.dispatcher = post.new_dispatcher(ticks=monotonic, lease=timedelta(milliseconds=50))
    await post.dispatcher.start()
    delivery = await post.post(HZ, "A-1")
    gate = post.ledger.hold_before("lease")
    poll = Puller(post).waiting()
    await gate.reached()
    await post.dispatcher.reconcile()
    await post.quiet()
    gate.open()
    assert ids(await asyncio.wait_for(poll, 10)) == [delivery.id]
    await post.reached(delivery, State.READY)


async def test_a_late_receipt(puller: Puller, post: Any) -> None:
    """It counts while nobody fetched the delivery again, and is told; again, it is answered the same."""
    delivery = await post.post(HZ, "A-1")
    [leased] = await puller.fetch()
    await puller.lapse()
    await post.reached(delivery, State.READY)
    outcome = await puller.say(leased, named=False)
    assert (outcome.state, outcome.late) == (State.DELIVERED, True)
    assert await puller.say(leased, named=False) == outcome
    assert [event.delivery_id for event in post.events(ReceiptLate)] == [delivery.id]
    assert [attempt.receipt for attempt in await post.attempts(delivery)] == [LATE]


@pytest.mark.parametrize("named", [True, False])
async def test_a_late_receipt_after_it_was_fetched_again(puller: Puller, post: Any, named: bool) -> None:
    """It changes nothing, whether it names its lease or may be about either; the present lease's own does."""
    await post.post(HZ, "A-1")
    [first] = await puller.fetch()
    await puller.lapse()
    await post.quiet()
    [second] = await puller.fetch()
    with pytest.raises(Conflict) as error:
        await puller.say(first, named=named)
    assert error.value.code == "lease.lapsed"
    assert (await puller.say(second)).state is State.DELIVERED


async def test_without_a_name_after_a_retry(puller: Puller, post: Any) -> None:
    """The first lease was answered: the receipt is about the second, though it says the same."""
    delivery = await post.post(HZ, "A-1")
    for number in (1, 2):
        [leased] = await puller.fetch()
        assert (await puller.say(leased, VerdictKind.RETRY, named=False)).attempt == number
        await post.later(HZ, minutes=10)
    assert len(await post.attempts(delivery)) == 2


async def test_a_lease_that_was_committed_and_whose_answer_was_lost(puller: Puller, post: Any) -> None:
    """Nobody has it: it lapses, and is given out then."""
    delivery, other = await post.post(HZ, "A-1"), await post.post(HZ, "B-1")
    post.ledger.fail_after("lease", meant=lambda inbox, delivery_id, *rest, **more: delivery_id == delivery.id)
    assert ids(await puller.fetch()) == [other.id]
    assert (await post.now(delivery)).state is State.SENDING
    await puller.lapse()
    await post.reached(delivery, State.READY)
    assert delivery.id in ids(await puller.fetch())


@pytest.mark.parametrize("call", ["heads", "lease", "kill"])
async def test_a_ledger_that_fails_at_a_poll(puller: Puller, post: Any, call: str) -> None:
    """The poll fails, nothing is leased, and the next one gets it."""
    delivery = await post.post(HZ, "A-1", **({"at": "not a time"} if call == "kill" else {}))
    post.ledger.fail_before(call, disk_full())
    with pytest.raises(Unavailable):
        await puller.fetch()
    assert (await post.now(delivery)).state is State.READY
    assert len(await puller.fetch()) == (call != "kill")


async def test_a_ledger_that_fails_when_leases_lapse(puller: Puller, post: Any) -> None:
    """Before its commit or after it: it is looked at again until all that lapsed is ready."""
    delivery = await post.post(HZ, "A-1")
    await puller.fetch()
    post.ledger.fail_before("lapse", times=2)
    post.ledger.fail_after("lapse")
    poll = puller.waiting()
    await puller.lapse()
    await post.reached(delivery, State.READY, State.SENDING)
    await post.later(HZ, seconds=1)
    assert ids(await asyncio.wait_for(poll, 10)) == [delivery.id]


async def test_a_clock_that_is_set_back(puller: Puller, post: Any) -> None:
    """Leases go by a clock that no step of the wall clock moves."""
    delivery = await post.post(HZ, "A-1")
    await puller.fetch()
    post.clock.step(hours=-5)
    await puller.lapse(SECONDS - 1)
    await post.quiet()
    assert (await post.now(delivery)).state is State.SENDING
    await puller.lapse(2)
    await post.reached(delivery, State.READY)


async def test_a_clock_that_is_set_back_over_a_restart(puller: Puller, post: Any) -> None:
    """What would be leased for hours is over at once: nobody waits until the clock has caught up."""
    delivery = await post.post(HZ, "A-1")
    await puller.fetch()
    await post.dispatcher.stop()
    post.clock.step(hours=-5)
    post.dispatcher = post.new_dispatcher()
    await post.dispatcher.start()
    await post.reached(delivery, State.READY)


async def test_leases_go_on_after_a_restart(puller: Puller, post: Any) -> None:
    """What has not lapsed is not rescued; it lapses in its time, and receipts for it are taken."""
    posted = [await post.post(HZ, f"A-{n}") for n in range(2)]
    leased = await puller.fetch()
    await post.dispatcher.stop()
    post.dispatcher = post.new_dispatcher()
    await post.dispatcher.start()
    await post.dispatcher.reconcile()
    await post.quiet()
    assert [(await post.now(one)).state for one in posted] == [State.SENDING] * 2
    await puller.say(leased[0])
    await puller.lapse()
    assert (await post.reached(posted[1], State.READY)).in_doubt


async def test_paused_while_leased(puller: Puller, post: Any) -> None:
    """Receipts are taken, lapses happen, and nothing is given out."""
    posted = [await post.post(HZ, f"A-{n}") for n in range(2)]
    leased = await puller.fetch()
    await post.pause(HZ)
    await puller.say(leased[0])
    await puller.lapse()
    assert (await post.reached(posted[1], HELD)).held_by is HeldBy.PAUSED
    assert await puller.fetch() == []


# ── push and pull ─────────────────────────────────────────────────────────────────────────────
async def switched(post: Any, mode: str) -> None:
    """Register the platform with another mode, as the hub does."""
    post.dispatcher.platform_changed(await post.put(replace(await post.known(HZ), mode=mode)))


async def test_a_poll_while_the_platform_is_switched_to_push(puller: Puller, post: Any) -> None:
    """It is told so at once, and what comes is sent."""
    poll = puller.waiting()
    await puller.waits()
    await switched(post, "push")
    with pytest.raises(Conflict) as error:
        await asyncio.wait_for(poll, 10)
    assert error.value.code == "platform.not-pull"
    await post.delivered(await post.post(HZ, "A-1"))
    with pytest.raises(Conflict):
        await puller.fetch()


async def test_what_is_leased_is_not_sent_after_a_switch(puller: Puller, post: Any) -> None:
    """It stays leased until its receipt, or until it lapses and is sent in its place; its lane waits meanwhile."""
    posted = [await post.post(HZ, case) for case in ("A", "A", "B", "B")]
    answered, lapsing = await puller.fetch()
    post.sender.answer = lambda posted: Reply(404) if posted.request.method == "GET" else YES
    await switched(post, "push")
    await post.quiet()
    assert post.sender.sent == []
    await puller.say(answered)
    await post.until_true(lambda: len(post.sender.sent) == 1)
    await puller.lapse()
    await post.delivered(*posted)
    sent = [one.key for one in post.sender.sent if one.request.method == "POST"]
    assert sent == [posted[1].id, posted[2].id, posted[3].id]
    with pytest.raises(Conflict) as error:
        await puller.say(lapsing)
    assert error.value.code == "lease.lapsed"


async def test_what_is_being_sent_is_not_leased_after_a_switch(post: Any) -> None:
    """It is settled by its reply, and the next of its lane may be fetched then."""
    await post.platform(HZ, base_url=NOWHERE)
    await post.dispatcher.start()
    gate = post.sender_gate()
    sent, behind = await post.post(HZ, "A"), await post.post(HZ, "A")
    await post.until_true(lambda: post.sender.inside == 1)
    await switched(post, "pull")
    puller = Puller(post)
    assert await puller.fetch() == []
    with pytest.raises(Conflict) as error:
        await post.dispatcher.inboxes.receipt(await post.known(HZ), sent.id, LeaseReceipt(VerdictKind.ACCEPTED, b"{}"))
    assert error.value.code == "lease.none"
    gate.open()
    await post.delivered(sent)
    assert ids(await puller.fetch()) == [behind.id]


async def test_what_a_dead_process_was_sending_is_fetched(post: Any) -> None:
    """It crashed while it called the platform, which fetches now: what is `sending` and nobody's is ready again."""
    await post.platform(HZ, base_url=NOWHERE, mode="pull")
    delivery = await post.post(HZ, "A-1")
    claim, request = await post.ledger.claim(HZ), OutboundRequest("POST", "/api/progress", {}, b"{}")
    assert await post.ledger.begin(claim, delivery.id, "plain@1.2.0", request, post.clock()) == 1
    post.ledger.fail_before("rescue")
    await post.dispatcher.start()
    await post.dispatcher.reconcile()
    assert ids(await Puller(post).fetch()) == [delivery.id]


async def test_what_held_calls_does_not_hold_who_fetches(post: Any) -> None:
    """Its breaker was open when it was switched: nothing probes any more, and nothing waits for a probe."""
    await post.platform(HZ, base_url=NOWHERE)
    post.sender.answer = lambda posted: Reply(503)
    await post.dispatcher.start()
    posted = [await post.post(HZ, f"A-{n}") for n in range(6)]

    async def held() -> bool:
        return HeldBy.BREAKER in await post.held(HZ)

    await post.until(held)
    await switched(post, "pull")
    await post.quiet()
    await post.later(HZ, minutes=11)
    assert set(ids(await Puller(post).fetch())) == {one.id for one in posted}
    assert await post.held(HZ) == set()


async def test_a_platform_that_is_called_has_no_inbox(post: Any) -> None:
    """409 with a code of its own, for the inbox as for a receipt."""
    await post.platform(HZ, base_url=NOWHERE)
    await post.dispatcher.start()
    delivery = await post.post(HZ, "A-1")
    await post.delivered(delivery)
    puller = Puller(post)
    with pytest.raises(Conflict) as fetching:
        await puller.fetch()
    with pytest.raises(Conflict) as receipt:
        await post.dispatcher.inboxes.receipt(
            await post.known(HZ), delivery.id, LeaseReceipt(VerdictKind.ACCEPTED, b"{}")
        )
    assert fetching.value.code == receipt.value.code == "platform.not-pull"


async def test_a_registration_that_is_not_known_here_yet(puller: Puller, post: Any) -> None:
    """It was committed, and nobody was told: nothing is leased by what was known, and then it is told."""
    delivery = await post.post(HZ, "A-1")
    changed = await post.put(await post.known(HZ), token="t-2")
    assert not await post.dispatcher.inboxes.fetch(changed, 10, 0)
    post.dispatcher.platform_changed(changed)
    assert ids(await puller.fetch()) == [delivery.id]


async def test_a_platform_whose_adapter_is_not_installed(puller: Puller, post: Any) -> None:
    """It is told to ask later; its leases are settled all the same."""
    await post.post(HZ, "A-1")
    await post.post(HZ, "B-1")
    [leased] = await puller.fetch(1)
    post.dispatcher.platform_changed(await post.put(replace(await post.known(HZ), adapter="gone")))
    with pytest.raises(Unavailable) as error:
        await puller.fetch()
    assert error.value.code == "adapter.unknown"
    assert (await puller.say(leased)).state is State.DELIVERED


async def test_a_pause_between_reading_and_leasing(puller: Puller, post: Any) -> None:
    """Heads were read before the pause was committed: the lease looks again in its own transaction."""
    delivery = await post.post(HZ, "A-1")
    gate = post.ledger.hold_before("lease")
    poll = puller.waiting()
    await gate.reached()
    await post.pause(HZ)
    gate.open()
    await puller.waits()
    assert (await post.now(delivery)).attempts == 0
    await post.resume(HZ)
    assert ids(await asyncio.wait_for(poll, 10)) == [delivery.id]
