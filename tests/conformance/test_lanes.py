from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adapters.base import OutboundRequest
from gateway.errors import Conflict, NotFound
from gateway.ledger.records import Settled
from gateway.message import HeldBy, State


# ── heads ─────────────────────────────────────────────────────────────────────────────────────
async def test_one_head_a_lane(play: Any) -> None:
    """Only the first open delivery of a lane is given out, and lanes do not wait for one another."""
    await play.accept("a1", lane="A")
    await play.accept("a2", lane="A")
    await play.accept("b1", lane="B")
    assert await play.heads() == ["a1/0", "b1/0"]


async def test_lanes_of_two_platforms(play: Any, make: Any) -> None:
    """The same ordering key at two platforms is two lanes."""
    await play.accept("m1", to=[make.penalty, make.credit])
    await play.accept("m2", to=[make.penalty, make.credit])
    await play.end("m1/0", State.DELIVERED)
    assert await play.heads(make.penalty) == ["m2/0"]
    assert await play.heads(make.credit) == ["m1/1"]


async def test_heads_are_limited_oldest_first(play: Any) -> None:
    """Heads come oldest first, at most as many as asked for."""
    for i in range(5):
        await play.accept(f"m{i}", lane=f"L{i}")
    assert await play.heads(limit=3) == ["m0/0", "m1/0", "m2/0"]


async def test_heads_of_some_types(play: Any) -> None:
    """Heads may be asked for by message type, and but for some: a failing endpoint takes no room of the others."""
    for i, type in enumerate(["case.transferred", "lead.reported", "case.transferred"]):
        await play.accept(f"m{i}", lane=f"L{i}", type=type)
    assert await play.heads(only=["lead.reported"]) == ["m1/0"]
    assert await play.heads(besides=["lead.reported"], limit=2) == ["m0/0", "m2/0"]
    assert await play.heads(only=[]) == []


async def test_heads_but_for_those_that_are_known(play: Any) -> None:
    """Who knows some heads asks for the others: those, ready or due, take no room of what is asked for."""
    for i in range(5):
        await play.accept(f"m{i}", lane=f"L{i}")
    await play.end("m1/0", State.WAITING, due=0)
    assert await play.heads(known=["m0/0", "m1/0", "m3/0"], limit=2) == ["m2/0", "m4/0"]
    assert await play.heads(known=[f"m{i}/0" for i in range(5)]) == []


async def test_work_has_all_that_is_needed(play: Any, make: Any) -> None:
    """A head comes with its message and, after the first attempt, with the request that attempt fixed."""
    accepted = await play.accept("m1")
    [work] = await play.works()
    assert (work.message, work.request, work.delivery.id) == (accepted.message, None, "m1/0")
    await play.end("m1/0", State.READY)
    [work] = await play.works()
    assert work.request == make.request


async def test_waiting_until_due(play: Any, ledger: Any, make: Any) -> None:
    """A head that waits is given out when it is due, and the ledger knows when that is."""
    await play.accept("m1")
    await play.accept("m2")
    await play.accept("n1", lane="N")
    await play.end("m1/0", State.WAITING, due=60, in_doubt=True)
    await play.end("n1/0", State.WAITING, due=30)
    assert await play.next_due() == make.at(30)
    assert await play.heads(at=29) == []
    assert await play.heads(at=30) == ["n1/0"]
    assert await play.heads(at=60) == ["m1/0", "n1/0"]
    assert (await ledger.delivery("m1/0")).in_doubt
    assert await play.next_due(make.credit) is None


async def test_next_due_is_what_is_not_given_out_yet(play: Any, make: Any) -> None:
    """What is due already, or so late that a clock was moved, is given out, and does not hide what falls due later."""
    for lane, due in (("A", 30), ("B", 60), ("C", 9000)):
        await play.accept(f"{lane}1", lane=lane)
        await play.end(f"{lane}1/0", State.WAITING, due=due)
    assert await play.heads(at=30, latest=3600) == ["A1/0", "C1/0"]
    assert await play.next_due(at=30, latest=3600) == make.at(60)
    assert await play.next_due(at=60, latest=3600) is None


async def test_what_waits_since_a_moment_to_come_is_due(play: Any, make: Any) -> None:
    """A process that begins with its clock set back gives out what one before it let wait: else that waits as long."""
    for lane, since, due in (("A", 3600, 3660), ("B", 0, 60), ("C", None, 90)):
        await play.accept(f"{lane}1", lane=lane)
        await play.end(f"{lane}1/0", State.WAITING, since=since, due=due)
    assert await play.heads(at=10) == ["A1/0"]
    assert await play.next_due(at=10) == make.at(60)
    assert await play.heads(at=60) == ["A1/0", "B1/0"]
    assert await play.heads(at=3600) == ["B1/0", "C1/0"]
    assert await play.next_due(at=3600) == make.at(3660)


async def test_next_due_of_some_types(play: Any, make: Any) -> None:
    """A type that is passed over now does not hide when another one falls due."""
    for name, due in (("a", 10), ("b", 20)):
        await play.accept(name, lane=name, type=f"case.{name}")
        await play.end(f"{name}/0", State.WAITING, due=due)
    assert await play.next_due() == make.at(10)
    assert await play.next_due(besides=["case.a"]) == make.at(20)
    assert await play.next_due(only=["case.b"]) == make.at(20)
    assert await play.next_due(only=["case.c"]) is None


async def test_due_further_than_any_wait(play: Any) -> None:
    """A head that is due later than the longest wait is due now: the clock was set back meanwhile."""
    await play.accept("m1")
    await play.end("m1/0", State.WAITING, due=3600)
    assert await play.heads(at=0, latest=3600) == []
    assert await play.heads(at=0, latest=3599) == ["m1/0"]


async def test_ready_and_due_by_age(play: Any) -> None:
    """Waiting heads that are due and ready heads come in one order, the older first."""
    for name in ("a", "b", "c"):
        await play.accept(name, lane=name)
    await play.end("b/0", State.WAITING, due=10)
    assert await play.heads(at=10) == ["a/0", "b/0", "c/0"]
    assert await play.heads(at=10, limit=2) == ["a/0", "b/0"]


# ── claims ────────────────────────────────────────────────────────────────────────────────────
async def test_a_later_claim_ends_the_one_before(play: Any, ledger: Any, make: Any) -> None:
    """Who had the claim of a platform can do nothing more for it, and nothing it tries is kept."""
    await play.accept("m1")
    await play.accept("n1", lane="N")
    old = await play.claimed()
    await play.begin("m1/0")
    new = await play.claim()
    assert new.epoch > old.epoch
    for call in (
        ledger.heads(old, make.at(), make.at(9), 10),
        ledger.next_due(old, make.at(), make.at(9)),
        ledger.begin(old, "n1/0", "penalty@1.0.0", make.request, make.at()),
        ledger.unbegin(old, "m1/0", 1, make.at()),
        ledger.settle(old, make.settlement("m1/0", State.DELIVERED)),
        ledger.kill(old, "n1/0", "translation.failed", "why", make.at()),
        ledger.rescue(old, (), make.at()),
    ):
        with pytest.raises(Conflict) as error:
            await call
        assert error.value.code == "claim.lost"
    assert [await play.state(each) for each in ("m1/0", "n1/0")] == ["sending", "ready"]
    assert await ledger.attempts_of("m1/0") == []
    assert await ledger.rescue(new, (), make.at()) == ["m1/0"]


async def test_a_lost_claim_fails_alone(play: Any, ledger: Any, make: Any) -> None:
    """What shares a commit with a call under an old claim goes on."""
    await play.accept("m1", to=[make.penalty, make.credit])
    old, credit = await play.claimed(), await play.claimed(make.credit)
    await play.claim()
    lost, begun = await asyncio.gather(
        ledger.begin(old, "m1/0", "penalty@1.0.0", make.request, make.at()),
        ledger.begin(credit, "m1/1", "credit@1.0.0", make.request, make.at()),
        return_exceptions=True,
    )
    assert (lost.code, begun) == ("claim.lost", 1)


async def test_a_claim_is_for_one_platform(play: Any, ledger: Any, make: Any) -> None:
    """Under the claim of one platform the deliveries to another are not found."""
    await play.accept("m1")
    credit = await play.claimed(make.credit)
    with pytest.raises(NotFound):
        await ledger.begin(credit, "m1/0", "penalty@1.0.0", make.request, make.at())
    with pytest.raises(NotFound):
        await ledger.kill(credit, "m1/0", "translation.failed", "why", make.at())


async def test_no_claim_on_an_unknown_platform(ledger: Any) -> None:
    """A platform nobody registered cannot be claimed."""
    with pytest.raises(NotFound) as error:
        await ledger.claim("nobody.000000")
    assert error.value.code == "platform.unknown"


async def test_registered_anew_revives_no_old_claim(play: Any, ledger: Any, make: Any) -> None:
    """A claim of before a platform was deleted is lost, also when it was registered and claimed again since."""
    old = await play.claim()
    await ledger.delete_platform(make.penalty, make.intent())
    for call in (ledger.claim(make.penalty), ledger.rescue(old, (), make.at())):
        with pytest.raises((NotFound, Conflict)):
            await call
    await play.register()
    assert await ledger.claim(make.penalty) != old
    with pytest.raises(Conflict):
        await ledger.rescue(old, (), make.at())


# ── begin and unbegin ─────────────────────────────────────────────────────────────────────────
async def test_being_sent(play: Any, ledger: Any, make: Any) -> None:
    """A delivery being sent is counted once, is not given out again, and keeps its lane waiting."""
    await play.accept("m1")
    await play.accept("m2")
    assert await play.begin("m1/0", at=5) == 1
    assert await play.begin("m1/0", at=5) is None
    delivery = await ledger.delivery("m1/0")
    assert (delivery.state, delivery.attempts, delivery.adapter) == (State.SENDING, 1, "penalty@1.0.0")
    assert delivery.changed_at == make.at(5)
    assert await play.heads() == []


async def test_only_heads_begin(play: Any) -> None:
    """A delivery behind another cannot be begun, and one nobody knows is not found."""
    await play.accept("m1")
    await play.accept("m2")
    assert await play.begin("m2/0") is None
    with pytest.raises(NotFound):
        await play.begin("nobody")


async def test_begun_twice_at_once(play: Any) -> None:
    """Of several that begin the same delivery together one may."""
    await play.accept("m1")
    await play.claimed()
    begun = await asyncio.gather(*(play.begin("m1/0") for _ in range(4)))
    assert sorted(begun, key=str) == [1, None, None, None]


@pytest.mark.parametrize(
    ("by", "type", "probe", "begins"),
    [
        (HeldBy.PAUSED, None, False, False),
        (HeldBy.PAUSED, None, True, False),
        (HeldBy.CREDENTIALS, None, True, False),
        (HeldBy.BREAKER, None, False, False),
        (HeldBy.BREAKER, None, True, True),
        (HeldBy.ENDPOINT, "case.transferred", False, False),
        (HeldBy.ENDPOINT, "case.transferred", True, True),
        (HeldBy.ENDPOINT, "lead.reported", False, True),
    ],
)
async def test_begin_checks_the_holds(play: Any, by: HeldBy, type: str | None, probe: bool, begins: bool) -> None:
    """A head that was given out before its platform or its endpoint was held is not begun; a probe tries what broke."""
    await play.accept("m1")
    assert await play.heads() == ["m1/0"]
    await play.hold(by=by, type=type)
    assert await play.begin("m1/0", probe=probe) == (1 if begins else None)


async def test_adapter_and_request_stay(play: Any, ledger: Any, make: Any) -> None:
    """Adapter and request are fixed at the first attempt: a resend is byte-identical."""
    await play.accept("m1")
    await play.end("m1/0", State.READY)
    other = OutboundRequest("PUT", "/other", {}, b"other")
    assert await ledger.begin(await play.claimed(), "m1/0", "penalty@2.0.0", other, make.at()) == 2
    assert await ledger.sent("m1/0") == make.request
    assert (await ledger.delivery("m1/0")).adapter == "penalty@1.0.0"
    assert (await ledger.delivery("m1/0")).attempts == 2


async def test_taken_back(play: Any, ledger: Any, make: Any) -> None:
    """A first attempt that never spoke leaves nothing behind: not counted, not in doubt, nothing fixed."""
    await play.accept("m1")
    await play.begin("m1/0")
    assert await play.unbegin("m1/0", at=3)
    delivery = await ledger.delivery("m1/0")
    assert (delivery.state, delivery.attempts, delivery.in_doubt) == (State.READY, 0, False)
    assert (delivery.adapter, await ledger.sent("m1/0"), await ledger.attempts_of("m1/0")) == (None, None, [])
    other = OutboundRequest("PUT", "/other", {}, b"other")
    assert await ledger.begin(await play.claimed(), "m1/0", "penalty@2.0.0", other, make.at()) == 1
    assert await ledger.sent("m1/0") == other


async def test_taken_back_in_doubt(play: Any, ledger: Any, make: Any) -> None:
    """Taking back a later attempt leaves the doubt about an earlier one, and the request that one fixed."""
    await play.accept("m1")
    await play.end("m1/0", State.WAITING, due=5, in_doubt=True, tried_for=4.0)
    await play.begin("m1/0", at=5)
    assert await play.unbegin("m1/0", 2, at=5)
    delivery = await ledger.delivery("m1/0")
    assert (delivery.state, delivery.attempts, delivery.in_doubt) == (State.READY, 1, True)
    assert (delivery.adapter, delivery.tried_for) == ("penalty@1.0.0", 4.0)
    assert await ledger.sent("m1/0") == make.request


async def test_only_what_is_under_way_is_taken_back(play: Any, ledger: Any) -> None:
    """An attempt that is over, or was never begun, is not taken back, and another one under way goes on."""
    await play.accept("m1")
    assert not await play.unbegin("m1/0")
    await play.end("m1/0", State.READY)
    await play.begin("m1/0")
    assert not await play.unbegin("m1/0", 1)
    assert (await ledger.delivery("m1/0")).attempts == 2
    assert await play.state("m1/0") == "sending"
    with pytest.raises(NotFound):
        await play.unbegin("nobody")


# ── settle ────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("state", [State.DELIVERED, State.REFUSED])
async def test_settled_moves_on(play: Any, ledger: Any, state: State) -> None:
    """Delivered and refused both let the next one go: a business no is theirs, and parks nothing."""
    await play.accept("m1")
    await play.accept("m2")
    told = {"status": 200, "reference": "R1", "reason": "已收", "code": "ok", "reply": b"{}" * 200}
    assert await play.end("m1/0", state, tried_for=2.5, **told) == Settled(lane_moved=True)
    assert await play.heads() == ["m2/0"]
    delivery = await ledger.delivery("m1/0")
    assert (delivery.state, delivery.reference, delivery.reason, delivery.code) == (state, "R1", "已收", "ok")
    assert delivery.tried_for == 2.5
    [attempt] = await ledger.attempts_of("m1/0")
    assert (attempt.status, attempt.verdict, attempt.reply) == (200, state.value, b"{}" * 200)


async def test_last_of_a_lane(play: Any) -> None:
    """Settling the last one of a lane moves nothing on, and the lane starts anew with the next."""
    await play.accept("m1")
    assert await play.end("m1/0", State.DELIVERED) == Settled(lane_moved=False)
    assert await play.heads() == []
    await play.accept("m2")
    assert await play.heads() == ["m2/0"]


async def test_settled_without_an_attempt(play: Any, ledger: Any) -> None:
    """An attempt that was never begun cannot be ended, and one of nobody is not found."""
    await play.accept("m1")
    with pytest.raises(Conflict) as error:
        await play.settle("m1/0", State.DELIVERED)
    assert error.value.code == "settle.stale"
    with pytest.raises(NotFound):
        await play.settle("nobody", State.DELIVERED)
    assert await ledger.attempts_of("m1/0") == []


async def test_a_late_answer_settles_no_later_attempt(play: Any, ledger: Any) -> None:
    """The answer to attempt 1, when attempt 2 is on its way, changes nothing; the answer to attempt 2 does."""
    await play.accept("m1")
    await play.begin("m1/0")
    assert await play.rescue() == ["m1/0"]
    assert await play.begin("m1/0") == 2
    with pytest.raises(Conflict) as error:
        await play.settle("m1/0", State.REFUSED, number=1)
    assert error.value.code == "settle.stale"
    assert await play.state("m1/0") == "sending"
    await play.settle("m1/0", State.DELIVERED, number=2)
    assert [each.number for each in await ledger.attempts_of("m1/0")] == [2]


async def test_a_stale_answer_fails_alone(play: Any, ledger: Any) -> None:
    """Of settlements that share a commit the stale one is an error, and the others are kept, each attempt once."""
    for name in ("m1", "m2"):
        await play.accept(name, lane=name)
        await play.begin(f"{name}/0")
    stale, first, second, other = await asyncio.gather(
        play.settle("m1/0", State.DEAD, number=7),
        play.settle("m1/0", State.DELIVERED),
        play.settle("m1/0", State.REFUSED),
        play.settle("m2/0", State.DELIVERED),
        return_exceptions=True,
    )
    assert (stale.code, second.code) == ("settle.stale", "settle.stale")
    assert first == other == Settled(lane_moved=False)
    assert [each.verdict for each in await ledger.attempts_of("m1/0")] == ["delivered"]


async def test_tried_for(play: Any, ledger: Any, make: Any) -> None:
    """How long a delivery was tried is what the last settlement said; a replay begins anew."""
    await play.accept("m1")
    await play.end("m1/0", State.WAITING, due=5, tried_for=12.25)
    assert (await ledger.delivery("m1/0")).tried_for == 12.25
    await play.end("m1/0", State.DEAD, at=5, tried_for=40.5)
    assert (await ledger.delivery("m1/0")).tried_for == 40.5
    assert (await ledger.replay("m1/0", make.intent())).tried_for == 0


# ── settle with a hold ────────────────────────────────────────────────────────────────────────
async def test_settled_and_held_in_one_step(play: Any, ledger: Any, make: Any) -> None:
    """An attempt that ends for its platform's credentials is ready again, and the platform is held with it."""
    registered = await play.register()
    await play.accept("m1")
    hold = make.hold(HeldBy.CREDENTIALS, at=5, reason="http.401")
    settled = await play.end("m1/0", State.READY, status=401, hold=hold, revision=registered.revision)
    assert settled == Settled(lane_moved=False, held=True)
    assert await play.state("m1/0") == "held:credentials"
    assert (await ledger.registry()).platforms[make.penalty].holds == (hold,)
    assert (await ledger.audit(make.penalty))[-1].action == "platform.held"


async def test_a_verdict_on_old_credentials_holds_nothing(play: Any, ledger: Any, make: Any) -> None:
    """An attempt that spoke before the platform was registered anew settles, and does not hold the newer one."""
    old = await play.register()
    await play.accept("m1")
    await play.begin("m1/0")
    await play.register()
    hold = make.hold(HeldBy.CREDENTIALS)
    assert await play.settle("m1/0", State.READY, hold=hold, revision=old.revision) == Settled(lane_moved=False)
    assert await play.state("m1/0") == "ready"
    assert (await ledger.registry()).platforms[make.penalty].holds == ()


async def test_one_hold_for_many_verdicts(play: Any, ledger: Any, make: Any) -> None:
    """Several attempts that end for one reason leave one hold, the first one's, and each is told that it is on."""
    registered = await play.register()
    for name in ("m1", "m2"):
        await play.accept(name, lane=name)
        await play.begin(f"{name}/0")
    settled = [
        await play.settle(
            f"{name}/0", State.READY, hold=make.hold(HeldBy.CREDENTIALS, at=at), revision=registered.revision
        )
        for at, name in enumerate(("m1", "m2"))
    ]
    assert [each.held for each in settled] == [True, True]
    assert (await ledger.registry()).platforms[make.penalty].holds == (make.hold(HeldBy.CREDENTIALS, at=0),)


async def test_a_stale_verdict_holds_nothing(play: Any, ledger: Any, make: Any) -> None:
    """A settlement that is not taken puts no hold either."""
    registered = await play.register()
    await play.accept("m1")
    with pytest.raises(Conflict):
        await play.settle("m1/0", State.READY, hold=make.hold(), revision=registered.revision)
    assert (await ledger.registry()).platforms[make.penalty].holds == ()


# ── dead, killed, rescued ─────────────────────────────────────────────────────────────────────
async def test_dead_parks_its_lane(play: Any, ledger: Any) -> None:
    """Behind a dead delivery the lane is held, those that arrive later too; other lanes go on."""
    await play.accept("m1")
    await play.accept("m2")
    assert not (await play.end("m1/0", State.DEAD, code="reply.unrecognised")).lane_moved
    third = await play.accept("m3")
    await play.accept("n1", lane="N")
    assert await play.heads() == ["n1/0"]
    assert await play.state("m1/0") == "dead"
    assert await play.state("m2/0") == await play.state("m3/0") == "held:lane"
    assert third.deliveries[0].held_by == "lane"
    [second] = await ledger.deliveries_of("m2")
    assert (second.state, second.shown) == (State.READY, "held")


async def test_killed(play: Any, ledger: Any) -> None:
    """A ready head that could not be translated is dead without an attempt; one that is no head is left alone."""
    await play.accept("m1")
    await play.accept("m2")
    assert not await play.kill("m2/0", at=5)
    assert await play.kill("m1/0", reason="缺少案号", at=5)
    assert await play.kill("m1/0", reason="缺少案号", at=5)
    delivery = await ledger.delivery("m1/0")
    assert (delivery.state, delivery.code, delivery.reason) == (State.DEAD, "translation.failed", "缺少案号")
    assert (delivery.attempts, await ledger.attempts_of("m1/0")) == (0, [])
    assert await play.state("m2/0") == "held:lane"
    with pytest.raises(NotFound):
        await play.kill("nobody")


async def test_what_its_operator_holds_is_not_killed(play: Any, ledger: Any, make: Any) -> None:
    """An operator who was told that it is held finds it so."""
    await play.accept("m1")
    await ledger.hold("m1/0", make.intent())
    assert not await play.kill("m1/0")
    assert await play.state("m1/0") == "held:operator"


async def test_what_was_sent_is_not_killed(play: Any) -> None:
    """A head that waits, or is being sent, has its request already: it is not translated again."""
    await play.accept("m1")
    await play.begin("m1/0")
    await play.kill("m1/0")
    assert await play.state("m1/0") == "sending"
    await play.settle("m1/0", State.WAITING, due=5)
    await play.kill("m1/0")
    assert await play.state("m1/0") == "waiting"


async def test_rescued(play: Any, ledger: Any) -> None:
    """What nobody is sending any more is ready again and in doubt; the rest is as it was."""
    await play.accept("m1")
    await play.accept("n1", lane="N")
    await play.begin("m1/0")
    assert await play.rescue(at=9) == ["m1/0"]
    assert await play.rescue(at=9) == []
    rescued = await ledger.delivery("m1/0")
    assert (rescued.state, rescued.in_doubt, rescued.attempts) == (State.READY, True, 1)
    assert not (await ledger.delivery("n1/0")).in_doubt
    assert await play.heads() == ["m1/0", "n1/0"]


async def test_what_is_under_way_is_not_rescued(play: Any, make: Any) -> None:
    """Only the platform's own deliveries are rescued, and of these none that is under way here."""
    await play.accept("m1", to=[make.penalty, make.credit])
    await play.accept("n1", lane="N")
    for delivery_id in ("m1/0", "m1/1", "n1/0"):
        await play.begin(delivery_id)
    assert await play.rescue(under_way=["m1/0"]) == ["n1/0"]
    assert [await play.state(each) for each in ("m1/0", "m1/1", "n1/0")] == ["sending", "sending", "ready"]


# ── unrouted ──────────────────────────────────────────────────────────────────────────────────
async def test_assigned_in_its_place(play: Any, ledger: Any, make: Any) -> None:
    """An unrouted delivery that gets its platform stands where it was accepted: before what came later."""
    await play.accept("early", to=[None])
    await play.accept("late")
    await play.register()
    assert await play.heads() == ["late/0"]
    assert await ledger.assign(["penalty"], make.takes(), make.at(3)) == {make.penalty}
    assert await play.heads() == ["early/0"]
    early = await ledger.delivery("early/0")
    assert (early.platform, early.changed_at) == (make.penalty, make.at(3))


async def test_assigned_while_another_is_sent(play: Any, ledger: Any, make: Any) -> None:
    """A lane sends one at a time: one that takes an earlier place waits until the one being sent is done."""
    await play.accept("early", to=[None])
    await play.accept("late")
    await play.begin("late/0")
    await ledger.assign(["penalty"], make.takes(), make.at())
    assert await play.heads() == []
    assert (await play.settle("late/0", State.WAITING, due=10)).lane_moved
    assert await play.heads(at=10) == ["early/0"]
    assert (await play.end("early/0", State.DELIVERED)).lane_moved
    assert await play.heads(at=10) == ["late/0"]


async def test_rescued_behind_one_that_came_before_it(play: Any, ledger: Any, make: Any) -> None:
    """What is rescued stands in its place again, and the earlier one that waited for it goes first."""
    await play.accept("early", to=[None])
    await play.accept("late")
    await play.begin("late/0")
    await ledger.assign(["penalty"], make.takes(), make.at())
    await play.rescue()
    assert await play.heads() == ["early/0"]


async def test_taken_back_behind_one_that_came_before_it(play: Any, ledger: Any, make: Any) -> None:
    """What is taken back stands in its place again, and the earlier one that waited for it goes first."""
    await play.accept("early", to=[None])
    await play.accept("late")
    await play.begin("late/0")
    await ledger.assign(["penalty"], make.takes(), make.at())
    assert await play.unbegin("late/0")
    assert await play.heads() == ["early/0"]
