from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.errors import Conflict, NotFound
from gateway.message import State


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


async def test_work_has_all_that_is_needed(play: Any, ledger: Any, make: Any) -> None:
    """A head comes with its message and, after the first attempt, with the request that attempt fixed."""
    accepted = await play.accept("m1")
    [work] = await ledger.heads(make.penalty, make.at(), 10)
    assert (work.message, work.request, work.delivery.id) == (accepted.message, None, "m1/0")
    await play.end("m1/0", State.READY)
    [work] = await ledger.heads(make.penalty, make.at(), 10)
    assert work.request == make.request


async def test_being_sent(play: Any, ledger: Any, make: Any) -> None:
    """A delivery being sent is counted once, is not given out again, and keeps its lane waiting."""
    await play.accept("m1")
    await play.accept("m2")
    assert await ledger.begin("m1/0", "penalty@1.0.0", make.request, make.at(5))
    assert not await ledger.begin("m1/0", "penalty@1.0.0", make.request, make.at(5))
    delivery = await ledger.delivery("m1/0")
    assert (delivery.state, delivery.attempts, delivery.adapter) == (State.SENDING, 1, "penalty@1.0.0")
    assert delivery.changed_at == make.at(5)
    assert await play.heads() == []


async def test_only_heads_begin(play: Any, ledger: Any, make: Any) -> None:
    """A delivery behind another cannot be begun, and one nobody knows is not found."""
    await play.accept("m1")
    await play.accept("m2")
    assert not await ledger.begin("m2/0", "penalty@1.0.0", make.request, make.at())
    with pytest.raises(NotFound):
        await ledger.begin("nobody", "penalty@1.0.0", make.request, make.at())


async def test_begun_twice_at_once(play: Any, ledger: Any, make: Any) -> None:
    """Of two that begin the same delivery together one may."""
    await play.accept("m1")
    begun = await asyncio.gather(*(ledger.begin("m1/0", "penalty@1.0.0", make.request, make.at()) for _ in range(4)))
    assert sorted(begun) == [False, False, False, True]


async def test_adapter_and_request_stay(play: Any, ledger: Any, make: Any) -> None:
    """Adapter and request are fixed at the first attempt: a resend is byte-identical."""
    await play.accept("m1")
    await play.end("m1/0", State.READY)
    other = type(make.request)("PUT", "/other", {}, b"other")
    assert await ledger.begin("m1/0", "penalty@2.0.0", other, make.at())
    assert await ledger.sent("m1/0") == make.request
    assert (await ledger.delivery("m1/0")).adapter == "penalty@1.0.0"
    assert (await ledger.delivery("m1/0")).attempts == 2


@pytest.mark.parametrize("state", [State.DELIVERED, State.REFUSED])
async def test_settled_moves_on(play: Any, ledger: Any, state: State) -> None:
    """Delivered and refused both let the next one go: a business no is theirs, and parks nothing."""
    await play.accept("m1")
    await play.accept("m2")
    assert await play.end("m1/0", state, status=200, reference="R1", reason="已收", code="ok", reply=b"{}" * 200)
    assert await play.heads() == ["m2/0"]
    delivery = await ledger.delivery("m1/0")
    assert (delivery.state, delivery.reference, delivery.reason, delivery.code) == (state, "R1", "已收", "ok")
    [attempt] = await ledger.attempts_of("m1/0")
    assert (attempt.status, attempt.verdict, attempt.reply) == (200, state.value, b"{}" * 200)


async def test_last_of_a_lane(play: Any) -> None:
    """Settling the last one of a lane moves nothing on, and the lane starts anew with the next."""
    await play.accept("m1")
    assert not await play.end("m1/0", State.DELIVERED)
    assert await play.heads() == []
    await play.accept("m2")
    assert await play.heads() == ["m2/0"]


async def test_waiting_until_due(play: Any, ledger: Any, make: Any) -> None:
    """A head that waits is given out when it is due, and the ledger knows when that is."""
    await play.accept("m1")
    await play.accept("m2")
    await play.accept("n1", lane="N")
    await play.end("m1/0", State.WAITING, due=60, in_doubt=True)
    await play.end("n1/0", State.WAITING, due=30)
    assert await ledger.next_due(make.penalty) == make.at(30)
    assert await play.heads(at=29) == []
    assert await play.heads(at=30) == ["n1/0"]
    assert await play.heads(at=60) == ["m1/0", "n1/0"]
    assert (await ledger.delivery("m1/0")).in_doubt
    assert await ledger.next_due(make.credit) is None


async def test_ready_and_due_by_age(play: Any) -> None:
    """Waiting heads that are due and ready heads come in one order, the older first."""
    for name in ("a", "b", "c"):
        await play.accept(name, lane=name)
    await play.end("b/0", State.WAITING, due=10)
    assert await play.heads(at=10) == ["a/0", "b/0", "c/0"]
    assert await play.heads(at=10, limit=2) == ["a/0", "b/0"]


async def test_settled_twice(play: Any, ledger: Any, make: Any) -> None:
    """An attempt that was never begun, or is over, cannot be ended."""
    await play.accept("m1")
    with pytest.raises(Conflict, match="ready") as error:
        await ledger.settle(make.settlement("m1/0", State.DELIVERED))
    assert error.value.code == "state.wrong"
    with pytest.raises(NotFound):
        await ledger.settle(make.settlement("nobody", State.DELIVERED))
    assert await ledger.attempts_of("m1/0") == []


async def test_dead_parks_its_lane(play: Any, ledger: Any) -> None:
    """Behind a dead delivery the lane is held, those that arrive later too; other lanes go on."""
    await play.accept("m1")
    await play.accept("m2")
    assert not await play.end("m1/0", State.DEAD, code="reply.unrecognised")
    third = await play.accept("m3")
    await play.accept("n1", lane="N")
    assert await play.heads() == ["n1/0"]
    assert await play.state("m1/0") == "dead"
    assert await play.state("m2/0") == await play.state("m3/0") == "held:lane"
    assert third.deliveries[0].held_by == "lane"
    assert (await ledger.deliveries_of("m2"))[0].state is State.HELD


async def test_killed(play: Any, ledger: Any, make: Any) -> None:
    """A head that could not be translated is dead without an attempt; one that is no head is left alone."""
    await play.accept("m1")
    await play.accept("m2")
    await ledger.kill("m2/0", "translation.failed", "缺少案号", make.at(5))
    await ledger.kill("m1/0", "translation.failed", "缺少案号", make.at(5))
    delivery = await ledger.delivery("m1/0")
    assert (delivery.state, delivery.code, delivery.reason) == (State.DEAD, "translation.failed", "缺少案号")
    assert (delivery.attempts, await ledger.attempts_of("m1/0")) == (0, [])
    assert await play.state("m2/0") == "held:lane"


async def test_rescued_after_a_crash(play: Any, ledger: Any, make: Any) -> None:
    """What was being sent when the process died is ready again and in doubt; the rest is as it was."""
    await play.accept("m1")
    await play.accept("n1", lane="N")
    await ledger.begin("m1/0", "penalty@1.0.0", make.request, make.at())
    assert await ledger.rescue(make.at(9)) == 1
    assert await ledger.rescue(make.at(9)) == 0
    rescued = await ledger.delivery("m1/0")
    assert (rescued.state, rescued.in_doubt, rescued.attempts) == (State.READY, True, 1)
    assert not (await ledger.delivery("n1/0")).in_doubt
    assert await play.heads() == ["m1/0", "n1/0"]


async def test_unrouted_waits_for_a_platform(play: Any, ledger: Any, make: Any) -> None:
    """An unrouted delivery is listed by kind in order, and once assigned it is ready at its platform."""
    for i in range(3):
        await play.accept(f"m{i}", lane=f"L{i}", to=[None])
    listed = await ledger.unrouted("penalty")
    assert [(delivery.id, message.id) for delivery, message in listed] == [(f"m{i}/0", f"m{i}") for i in range(3)]
    assert [each.id for each, _ in await ledger.unrouted("penalty", after="m0/0", limit=1)] == ["m1/0"]
    assert await ledger.unrouted("pollutant-permit") == []
    assert await ledger.assign("m1/0", make.penalty, make.at())
    assert not await ledger.assign("m1/0", make.penalty, make.at())
    assert await play.heads() == ["m1/0"]
    assert [each.id for each, _ in await ledger.unrouted("penalty")] == ["m0/0", "m2/0"]


async def test_assigned_in_its_place(play: Any, ledger: Any, make: Any) -> None:
    """An unrouted delivery that gets its platform stands where it was accepted: before what came later."""
    await play.accept("early", to=[None])
    await play.accept("late")
    assert await play.heads() == ["late/0"]
    await ledger.assign("early/0", make.penalty, make.at())
    assert await play.heads() == ["early/0"]


async def test_assigned_while_another_is_sent(play: Any, ledger: Any, make: Any) -> None:
    """A lane sends one at a time: one that takes an earlier place waits until the one being sent is done."""
    await play.accept("early", to=[None])
    await play.accept("late")
    await ledger.begin("late/0", "penalty@1.0.0", make.request, make.at())
    await ledger.assign("early/0", make.penalty, make.at())
    assert await play.heads() == []
    assert await ledger.settle(make.settlement("late/0", State.WAITING, due=10))
    assert await play.heads(at=10) == ["early/0"]
    assert await play.end("early/0", State.DELIVERED)
    assert await play.heads(at=10) == ["late/0"]


async def test_held_back_by_credentials(play: Any) -> None:
    """An attempt that ends for its platform's credentials is ready again: what holds it is the platform's hold."""
    await play.accept("m1")
    await play.end("m1/0", State.READY, status=401)
    assert await play.state("m1/0") == "ready"
