"""Whoever waited looks again before it speaks: nothing leaves after a hold but what was being called already."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faulty import LOST, YES, Posted
from msgspec.structs import replace

from adapters.base import Reply
from gateway.message import HELD, HeldBy, State
from gateway.telemetry.events import AttemptTakenBack, ClaimLost, PlatformHeld, PlatformReleased

HZ = "penalty.330100"
NOWHERE = "http://nowhere.invalid"
SLOTS, AHEAD = 4, 24
"""The bundle's concurrency, and how many are begun while the platform is quick."""


class Counter:
    """A platform that makes everybody wait, then says the same to all."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.opened = asyncio.Event()

    async def __call__(self, posted: Posted) -> Any:
        """Answer when it is open."""
        await self.opened.wait()
        return self.answer


async def crowd(post: Any, answer: Any, count: int = 40) -> tuple[Counter, list[Any]]:
    """Let a quick platform become slow: four are being called, and as many as may be wait for a slot."""
    await post.platform(HZ, base_url=NOWHERE)
    await post.dispatcher.start()
    await post.delivered(await post.post(HZ, "QUICK"))
    post.sender.answer = counter = Counter(answer)
    posted = [await post.post(HZ, f"A-{n}") for n in range(count)]
    await post.until_true(lambda: post.sender.inside == SLOTS and begun(post) == 1 + AHEAD)
    post.sender.sent.clear()
    return counter, posted


def begun(post: Any) -> int:
    """Count the attempts that the ledger began: one that it refused (the head was read before it ended) is none."""
    return sum(name == "begin" and answer is not None for name, answer in post.ledger.answers)


async def shown(post: Any, posted: list[Any]) -> dict[str, int]:
    """Count how deliveries are shown."""
    found = [(await post.now(one)).shown for one in posted]
    return {state: found.count(state) for state in set(found)}


async def test_nothing_leaves_once_a_pause_returned(post: Any) -> None:
    """Forty wait, four are being called: those four end, and nobody else is called until it is resumed."""
    counter, posted = await crowd(post, YES)
    await post.pause(HZ)
    counter.opened.set()
    await post.until_true(lambda: len(post.events(AttemptTakenBack)) == AHEAD - SLOTS)
    await post.quiet()
    assert post.sender.sent == []
    assert await shown(post, posted) == {State.DELIVERED: SLOTS, HELD: len(posted) - SLOTS}
    waiting = [one for one in [await post.now(one) for one in posted] if one.state is not State.DELIVERED]
    assert {(one.state, one.attempts, one.in_doubt, one.held_by) for one in waiting} == {
        (State.READY, 0, False, HeldBy.PAUSED)
    }
    await post.resume(HZ)
    await post.delivered(*posted)
    assert sorted(post.sender.keys()) == sorted(one.id for one in waiting)


async def test_what_waited_together_is_called_at_the_rate(post: Any, adapter: Any, spoil: Any) -> None:
    """A quick platform becomes slow and quick again: those that began meanwhile are not all called in one moment."""
    post.adapter = spoil(adapter, limits=replace(adapter.limits, rate=10.0))
    post.dispatcher = post.new_dispatcher()
    await post.platform(HZ, base_url=NOWHERE)
    await post.dispatcher.start()
    await post.delivered(await post.post(HZ, "QUICK"))
    post.sender.answer = counter = Counter(YES)
    posted = [await post.post(HZ, f"A-{n}") for n in range(AHEAD)]
    for begun in range(2, AHEAD + 2):  # one begins every tenth of a second
        await post.later(HZ, seconds=0.1)
        await post.until_true(lambda begun=begun: post.ledger.calls.count("begin") == begun)
    post.sender.sent.clear()
    counter.opened.set()
    await post.quiet()
    assert len(post.sender.sent) <= 1
    await post.drained(*posted, within=10, step=0.1)


async def test_waiting_attempts_are_taken_back_at_a_pause(post: Any) -> None:
    """They are shown as held though the slots are all still taken."""
    counter, posted = await crowd(post, YES)
    await post.pause(HZ)
    await post.until_true(lambda: len(post.events(AttemptTakenBack)) == AHEAD - SLOTS)
    assert await shown(post, posted) == {State.SENDING: SLOTS, HELD: len(posted) - SLOTS}
    counter.opened.set()


async def test_nothing_leaves_after_a_401_but_what_was_being_called(post: Any) -> None:
    """Forty more with a wrong password lock an account out."""
    counter, posted = await crowd(post, Reply(401))
    counter.opened.set()
    await post.until_true(lambda: len(post.events(AttemptTakenBack)) == AHEAD - SLOTS)
    await post.quiet()
    assert post.sender.sent == []
    assert await post.held(HZ) == {HeldBy.CREDENTIALS}
    assert await shown(post, posted) == {HELD: len(posted)}
    assert [(event.by, event.code) for event in post.events(PlatformHeld)] == [("credentials", "http.401")]
    post.sender.answer = lambda one: YES
    post.dispatcher.platform_changed(await post.put(await post.known(HZ), token="t-2"))
    await post.delivered(*posted)
    assert {one.settings["token"] for one in post.sender.sent} == {"t-2"}


async def test_a_late_401_for_old_credentials_adds_no_hold(post: Any) -> None:
    """They were mended while the platform was still refusing the old ones."""
    counter, posted = await crowd(post, Reply(401))
    post.sender.answer = lambda one: YES
    post.dispatcher.platform_changed(await post.put(await post.known(HZ), token="t-2"))
    counter.opened.set()
    await post.delivered(*posted)
    assert await post.held(HZ) == set()
    assert post.events(PlatformHeld) == []


async def test_a_401_for_replaced_credentials_leaves_no_hold(post: Any) -> None:
    """The ledger has the new ones already and the worker was not told: the hold here ends by comparison."""
    counter, posted = await crowd(post, Reply(401))
    await post.put(await post.known(HZ), token="t-2")
    post.sender.answer = lambda one: YES
    counter.opened.set()
    await post.delivered(*posted)
    assert await post.held(HZ) == set()
    assert [event.by for event in post.events(PlatformReleased)] == ["credentials"]
    assert {one.settings["token"] for one in post.sender.sent} == {"t-2"}


async def test_a_waiting_attempt_uses_the_platform_as_it_is_now(post: Any) -> None:
    """Another token while they waited: nobody uses the one before."""
    counter, posted = await crowd(post, YES)
    post.dispatcher.platform_changed(await post.put(await post.known(HZ), token="t-2"))
    counter.opened.set()
    await post.delivered(*posted)
    assert len(post.sender.sent) == len(posted) - SLOTS
    assert {one.settings["token"] for one in post.sender.sent} == {"t-2"}


async def test_waiting_attempts_are_taken_back_when_a_platform_asks_for_rest(post: Any) -> None:
    """429 with Retry-After concerns them, too; after the rest they go."""
    counter, posted = await crowd(post, Reply(429, {"retry-after": "30"}))
    counter.opened.set()
    await post.until_true(lambda: len(post.events(AttemptTakenBack)) == AHEAD - SLOTS)
    post.sender.answer = lambda one: YES
    await post.later(HZ, seconds=29)
    await post.quiet()
    assert post.sender.sent == []
    assert post.events(PlatformHeld) == []
    await post.later(HZ, seconds=31)
    await post.delivered(*posted)


async def test_attempts_waiting_when_the_gateway_stops_are_not_in_doubt(post: Any) -> None:
    """It never spoke; only what was being called is let end."""
    counter, posted = await crowd(post, YES)
    stopping = asyncio.create_task(post.dispatcher.stop())
    await post.until_true(lambda: len(post.events(AttemptTakenBack)) == AHEAD - SLOTS)
    counter.opened.set()
    await stopping
    assert post.sender.sent == []
    assert await shown(post, posted) == {State.DELIVERED: SLOTS, State.READY: len(posted) - SLOTS}
    assert not any([(await post.now(one)).in_doubt for one in posted])


async def test_an_opening_breaker_takes_waiting_attempts_back(post: Any) -> None:
    """Four lanes failed: the other twenty are not sent after them."""
    counter, posted = await crowd(post, Reply(503))
    counter.opened.set()
    await post.until_true(lambda: len(post.events(AttemptTakenBack)) == AHEAD - SLOTS)
    await post.quiet()
    assert post.sender.sent == []
    assert await post.held(HZ) == {HeldBy.BREAKER}
    assert await shown(post, posted) == {HELD: len(posted)}


async def test_after_a_question_it_is_checked_again_before_sending(post: Any) -> None:
    """Paused while it asked whether the first request arrived: the answer is no, and nothing is sent."""
    await post.platform(HZ, base_url=NOWHERE)
    post.sender.answer = lambda one: LOST
    await post.dispatcher.start()
    doubted = await post.reached(await post.post(HZ, "A-1"), State.WAITING)
    post.sender.answer = counter = Counter(Reply(404))
    await post.later(HZ, seconds=2)
    await post.until_true(lambda: post.sender.inside == 1)
    await post.pause(HZ)
    counter.opened.set()
    held = await post.reached(doubted, HELD)
    assert [one.request.method for one in post.sender.sent] == ["POST", "GET"]
    assert (held.in_doubt, held.attempts, held.held_by) == (True, 1, HeldBy.PAUSED)
    post.sender.answer = lambda one: Reply(404) if one.request.method == "GET" else YES
    await post.resume(HZ)
    await post.delivered(doubted)
    assert [one.request.method for one in post.sender.sent] == ["POST", "GET", "GET", "POST"]


async def noticed(post: Any, *, claimed: bool = False) -> None:
    """Take the claim as another process would, and let the worker notice when it compares itself with the ledger."""
    await post.quiet()  # what it is asking the ledger now would notice at once
    if not claimed:
        await post.ledger.real.claim(HZ)
    await post.later(HZ, seconds=61)
    await post.until_true(lambda: bool(post.events(ClaimLost)))


# ── claims ────────────────────────────────────────────────────────────────────────────────────
async def test_a_worker_that_lost_its_claim_stops_calling(post: Any) -> None:
    """Another process took over: nothing more leaves from here, one event tells it."""
    counter, _ = await crowd(post, YES)
    await noticed(post)
    counter.opened.set()
    await post.quiet()
    assert post.sender.sent == []
    assert post.events(ClaimLost) == [ClaimLost(HZ)]


async def test_a_lost_claim_is_taken_again_after_a_pause(post: Any) -> None:
    """Not at once: two that take it from each other would do nothing else. What was answered meanwhile counts."""
    counter, posted = await crowd(post, YES)
    claims = post.ledger.calls.count("claim")
    await noticed(post)
    counter.opened.set()
    await post.later(HZ, seconds=59)
    await post.quiet()
    assert post.ledger.calls.count("claim") == claims
    await post.later(HZ, seconds=2)
    await post.delivered(*posted)
    assert post.ledger.calls.count("claim") == claims + 1
    assert sorted(post.sender.keys()) == sorted(set(post.sender.keys()))
    assert len(post.sender.sent) == len(posted) - SLOTS


async def test_a_stop_does_not_wait_for_a_claim_that_is_lost(post: Any) -> None:
    """What was answered cannot be written here any more: its claim's owner asks for it. The grace is not waited for."""
    counter, posted = await crowd(post, YES)
    await noticed(post)
    counter.opened.set()
    async with asyncio.timeout(post.grace.total_seconds() / 2):
        await post.dispatcher.stop()
    assert await shown(post, posted) == {State.SENDING: AHEAD, State.READY: len(posted) - AHEAD}


async def test_an_outcome_is_not_applied_after_another_process_rescued(post: Any) -> None:
    """Its attempt ended there: what the platform answered here is not applied, and the claim's owner goes on."""
    counter, posted = await crowd(post, YES)
    await post.quiet()
    theirs = await post.ledger.real.claim(HZ)
    rescued = await post.ledger.real.rescue(theirs, (), post.clock())
    assert len(rescued) == AHEAD
    await noticed(post, claimed=True)
    counter.opened.set()
    await post.quiet()
    assert post.sender.sent == []
    in_doubt = [(await post.now(one)).in_doubt for one in posted]
    assert in_doubt.count(True) == AHEAD


# ── a worker and its successor ────────────────────────────────────────────────────────────────
async def test_a_new_worker_does_not_rescue_what_the_former_is_calling(post: Any) -> None:
    """The platform fetched for itself for a moment: the call under way ends, once, under the new claim."""
    counter, posted = await crowd(post, YES)
    platform = await post.known(HZ)
    for mode in ("pull", "push"):
        changed = await post.put(type(platform)(**{**fields(platform), "mode": mode}))
        post.dispatcher.platform_changed(changed)
    await post.until_true(lambda: post.ledger.calls.count("rescue") == 2)
    counter.opened.set()
    await post.delivered(*posted)
    assert len(post.sender.sent) == len(posted) - SLOTS
    assert not post.events(ClaimLost)
    assert {len(await post.attempts(one)) for one in posted} == {1}


def fields(platform: Any) -> dict[str, Any]:
    """Give a platform's fields."""
    return {name: getattr(platform, name) for name in platform.__struct_fields__}


@pytest.mark.parametrize("late", ["changed", "removed"])
async def test_a_change_of_an_older_revision_is_ignored(post: Any, late: str) -> None:
    """What was read or removed before the platform was registered anew comes late, and changes nothing."""
    await post.platform(HZ, base_url=NOWHERE)
    await post.dispatcher.start()
    before = await post.known(HZ)
    post.dispatcher.platform_changed(await post.put(before, token="t-2"))
    if late == "changed":
        post.dispatcher.platform_changed(before)
    else:
        post.dispatcher.platform_removed(HZ, before.revision)
    await post.delivered(await post.post(HZ, "A-1"))
    assert post.sender.sent[-1].settings["token"] == "t-2"


async def test_a_removed_platform_is_called_no_more(post: Any) -> None:
    """What was under way ends."""
    counter, posted = await crowd(post, YES)
    post.dispatcher.platform_removed(HZ, (await post.ledger.registry()).revision)
    await post.until_true(lambda: len(post.events(AttemptTakenBack)) == AHEAD - SLOTS)
    counter.opened.set()
    await post.quiet()
    assert post.sender.sent == []
    assert await shown(post, posted) == {State.DELIVERED: SLOTS, State.READY: len(posted) - SLOTS}
