"""Platform health is not one message's fault: poison retries and dies in its own lane, and the others flow."""

from __future__ import annotations

from typing import Any

import pytest
from faulty import UNREACHED, YES, Gate, Posted

from adapters.base import Reply
from gateway.delivery.breaker import BreakerPolicy
from gateway.delivery.no_answer import NoAnswer
from gateway.ledger.records import Hold
from gateway.message import HELD, HeldBy, State
from gateway.telemetry.events import AttemptEnded, EndpointHeld, EndpointReleased, PlatformHeld

HZ = "penalty.330100"
NOWHERE = "http://nowhere.invalid"
SERVER_ERROR = Reply(500)
TIMED_OUT = NoAnswer("timeout", may_have_left=True)
EXECUTIONS = "penalty.executed"
TRYING = {State.WAITING, State.READY, State.SENDING}


@pytest.fixture
async def platform(post: Any) -> Any:
    """Give a world with one platform and the breaker that a gateway has unless it is told otherwise."""
    post.policy = BreakerPolicy()
    post.dispatcher = post.new_dispatcher()
    await post.platform(HZ, base_url=NOWHERE)
    return post


def poisonous(posted: Posted) -> bool:
    """Tell whether a request is about a poison document."""
    return "POISON" in posted.request.path or b"POISON" in posted.request.body


async def with_poison(platform: Any, poison: int, good: int) -> tuple[list[Any], list[Any]]:
    """Post poison documents first, then good ones, each in a lane of its own, and start."""
    bad = [await platform.post(HZ, f"POISON-{n}") for n in range(poison)]
    fine = [await platform.post(HZ, f"A-{n}") for n in range(good)]
    await platform.dispatcher.start()
    return bad, fine


@pytest.mark.parametrize("poison", [3, 10])
async def test_documents_answered_500_keep_no_others_waiting(platform: Any, poison: int) -> None:
    """A hundred good ones flow at once; even when ten fail first, one cool-down is all they wait."""
    platform.sender.answer = lambda posted: Reply(500) if poisonous(posted) else YES
    bad, fine = await with_poison(platform, poison, 100)
    await platform.drained(*fine, within=10, step=1.0)
    assert {(await platform.now(one)).state for one in bad} <= TRYING


@pytest.mark.parametrize("poison", [3, 10])
async def test_poison_is_retried_and_dead_on_its_own_lane(platform: Any, poison: int) -> None:
    """Given up after the declared time of trying, while good ones go on flowing beside it."""
    platform.sender.answer = lambda posted: Reply(500) if poisonous(posted) else YES
    bad, fine = await with_poison(platform, poison, 10)
    await platform.drained(*fine, within=10, step=1.0)
    for number in range(200):
        if all([(await platform.now(one)).state is State.DEAD for one in bad]):
            break
        await platform.drained(await platform.post(HZ, f"B-{number}"), within=30)
        await platform.later(HZ, minutes=5)
    dead = [await platform.now(one) for one in bad]
    assert {(one.state, one.code) for one in dead} == {(State.DEAD, "gave-up")}
    assert all(one.attempts > 5 for one in dead)
    assert platform.events(PlatformHeld) == []


@pytest.mark.parametrize("poison", [3, 10])
async def test_documents_that_hang_keep_no_others_waiting(platform: Any, poison: int) -> None:
    """They hang until they time out; after the first time they take one slot of the four, the others flow."""
    gates: list[Gate] = []

    async def answer(posted: Posted) -> Any:
        if not poisonous(posted):
            return YES
        gates.append(Gate())
        await gates[-1].pass_through()
        return TIMED_OUT

    def time_out() -> None:
        for gate in gates:
            gate.open()

    platform.sender.answer = answer
    bad, fine = await with_poison(platform, poison, 100)
    for _ in range(4):  # four at once, so ten take three rounds; the breaker may open once
        await platform.quiet()
        time_out()
        await platform.quiet()
        await platform.later(HZ, seconds=6)
    await platform.drained(*fine, within=10, step=1.0)

    await platform.later(HZ, seconds=60)  # all poison is due again
    await platform.quiet()
    more = [await platform.post(HZ, f"B-{n}") for n in range(100)]
    await platform.drained(*more, within=1, step=1.0)  # while it hangs
    assert platform.sender.inside == 1
    assert {(await platform.now(one)).state for one in bad} <= TRYING
    time_out()


async def test_a_poison_document_alone_is_tried_as_its_schedule_says(platform: Any) -> None:
    """Nothing is held for it, however often it fails."""
    platform.sender.answer = lambda posted: UNREACHED
    (bad,), _ = await with_poison(platform, 1, 0)
    tries = 1
    while (await platform.tried(bad, tries)).state is State.WAITING:
        tries += 1
        await platform.later(HZ, minutes=11)
    assert tries > 5
    assert platform.events(PlatformHeld) == []
    assert platform.events(EndpointHeld) == []


# ── endpoints ─────────────────────────────────────────────────────────────────────────────────
async def failing_endpoint(platform: Any, failure: Any = SERVER_ERROR) -> list[Any]:
    """Let one message type fail always while another is answered in between, until its endpoint is held."""
    await platform.dispatcher.start()
    platform.sender.answer = lambda posted: failure if "executions" in posted.request.path else YES
    failed = []
    for number in range(5):
        failed.append(await platform.post(HZ, f"E-{number}", EXECUTIONS))
        await platform.tried(failed[-1], 1)
        await platform.delivered(await platform.post(HZ, f"A-{number}"))
    behind = [await platform.post(HZ, f"G-{number}", EXECUTIONS) for number in range(15)]
    await platform.until_true(lambda: bool(platform.events(EndpointHeld)))
    await platform.quiet()
    return [*failed, *behind]


@pytest.mark.parametrize("failure", [SERVER_ERROR, Reply(503), TIMED_OUT], ids=["500", "503", "time-out"])
async def test_an_endpoint_that_always_fails_is_held_alone(platform: Any, failure: Any) -> None:
    """Shown as held by its endpoint; the platform is not held, and other types flow."""
    held = await failing_endpoint(platform, failure)
    assert {(await platform.now(one)).held_by for one in held} == {HeldBy.ENDPOINT}
    assert [(hold.by, hold.type) for hold in (await platform.known(HZ)).holds] == [(HeldBy.ENDPOINT, EXECUTIONS)]
    assert platform.events(EndpointHeld) == [EndpointHeld(HZ, EXECUTIONS, "breaker.open")]
    assert platform.events(PlatformHeld) == []
    await platform.delivered(*[await platform.post(HZ, f"F-{n}") for n in range(50)])


async def test_a_held_endpoint_delays_no_retry_of_another_type(platform: Any) -> None:
    """Its heads are due all the time; when one of another type falls due is known all the same."""
    await failing_endpoint(platform)
    await platform.later(HZ, seconds=2)
    await platform.quiet()
    well = platform.sender.answer
    platform.sender.answer = lambda posted: SERVER_ERROR
    waiting = await platform.reached(await platform.post(HZ, "F-1"), State.WAITING)
    platform.sender.answer = well
    await platform.quiet(8)
    platform.ticks.now += 2  # nobody wakes the worker: it knows when to look
    await platform.delivered(waiting)


async def test_heads_that_wait_for_a_slot_are_not_read_over_and_over(platform: Any) -> None:
    """Poison that hangs takes its one slot; the rest of it is due, is known, and is not asked for meanwhile."""
    gate = Gate()

    async def answer(posted: Posted) -> Any:
        if platform.ticks.now > 1000:
            await gate.pass_through()
        return TIMED_OUT

    platform.sender.answer = answer
    bad, _ = await with_poison(platform, 4, 0)
    for one in bad:
        await platform.tried(one, 1)
    await platform.later(HZ, seconds=2)
    await platform.until_true(lambda: platform.sender.inside == 1)
    await platform.quiet(8)
    platform.ledger.calls.clear()
    await platform.quiet(12)
    assert platform.ledger.calls == []
    gate.open()


async def test_a_held_endpoint_is_probed_with_one_call_a_cool_down(platform: Any) -> None:
    """Each with another lane; an hour of it costs some sixty calls, not thousands."""
    held = await failing_endpoint(platform)
    platform.sender.sent.clear()
    probed = []
    for wait in (10, 20, 40, 60, 60, 60):
        await platform.later(HZ, seconds=wait)
        await platform.until_true(lambda: len(platform.sender.sent) > len(probed))
        await platform.quiet()
        probed.append(platform.sender.sent[-1].key)
    assert len(platform.sender.sent) == 6
    assert len(set(probed)) == 6
    assert set(probed) <= {one.id for one in held}


async def test_a_recovered_endpoint_gets_its_deliveries(platform: Any) -> None:
    """Its probe is answered; the hold is lifted in the ledger and told."""
    held = await failing_endpoint(platform)
    platform.sender.answer = lambda posted: YES
    await platform.drained(*held, within=60)
    assert (await platform.known(HZ)).holds == ()
    assert platform.events(EndpointReleased) == [EndpointReleased(HZ, EXECUTIONS)]


async def test_the_probe_of_a_platform_is_not_the_poison_that_stopped_it(platform: Any) -> None:
    """Five poison documents hang and open the breaker; the probe is a good one, and closes it."""
    platform.sender.answer = lambda posted: TIMED_OUT if poisonous(posted) else YES
    bad = [await platform.post(HZ, f"POISON-{n}") for n in range(5)]
    await platform.dispatcher.start()
    await platform.until_true(lambda: bool(platform.events(PlatformHeld)))
    fine = [await platform.post(HZ, f"A-{n}") for n in range(10)]
    await platform.quiet()
    platform.sender.sent.clear()
    await platform.later(HZ, seconds=6)
    await platform.delivered(*fine)
    assert platform.sender.sent[0].key in {one.id for one in fine}
    assert await platform.held(HZ) == set()
    assert bad


# ── rests ─────────────────────────────────────────────────────────────────────────────────────
async def test_a_platform_that_asks_for_rest_is_not_unhealthy(platform: Any) -> None:
    """429 with Retry-After on every lane: they wait as asked, nothing is held, and nobody calls meanwhile."""
    platform.sender.answer = lambda posted: Reply(429, {"retry-after": "30"})
    _, fine = await with_poison(platform, 0, 40)
    for _ in range(5):
        await platform.quiet()
        calls = len(platform.sender.sent)
        assert calls <= 4 * 5
        await platform.later(HZ, seconds=29)
        await platform.quiet()
        assert len(platform.sender.sent) == calls
        await platform.later(HZ, seconds=2)
    assert platform.events(PlatformHeld) == []
    platform.sender.answer = lambda posted: YES
    await platform.drained(*fine, within=120)


async def test_too_many_without_a_time_is_a_failure(platform: Any) -> None:
    """It does not say when: the breaker finds out."""
    platform.sender.answer = lambda posted: Reply(429)
    _, fine = await with_poison(platform, 0, 10)
    await platform.until_true(lambda: bool(platform.events(PlatformHeld)))
    platform.sender.answer = lambda posted: YES
    await platform.drained(*fine, within=120)


# ── holds found at the start ──────────────────────────────────────────────────────────────────
async def test_breaker_holds_of_a_former_process_end_with_the_first_answers(platform: Any) -> None:
    """What is sent first is the probe; that they end is told."""
    for hold in (Hold(HeldBy.BREAKER, platform.clock()), Hold(HeldBy.ENDPOINT, platform.clock(), type=EXECUTIONS)):
        await platform.ledger.hold_platform(HZ, hold, platform.intent())
    await platform.dispatcher.start()
    await platform.delivered(await platform.post(HZ, "A-1"), await platform.post(HZ, "A-2", EXECUTIONS))
    await platform.unheld(HZ)
    assert platform.events(EndpointReleased) == [EndpointReleased(HZ, EXECUTIONS)]


@pytest.mark.parametrize("status", [200, 404, 403, 503])
async def test_unreadable_answers_count_as_the_platforms(platform: Any, status: int) -> None:
    """A maintenance page with any status: the platform is held, no lane is parked, and all of it flows afterwards."""
    platform.sender.answer = lambda posted: Reply(status, {}, b"<html>maintenance</html>")
    _, fine = await with_poison(platform, 0, 20)
    await platform.until_true(lambda: bool(platform.events(PlatformHeld)))
    await platform.quiet()
    assert {(await platform.now(one)).shown for one in fine} == {HELD}
    assert {event.verdict for event in platform.events(AttemptEnded)} == {"retry"}

    def answer(posted: Posted) -> Reply:
        return Reply(404) if posted.request.method == "GET" else YES

    platform.sender.answer = answer
    await platform.drained(*fine, within=120)


async def test_a_firewalls_page_for_one_document_keeps_no_other_waiting(platform: Any) -> None:
    """403 as a page says nothing of our credentials: that document is tried again, the others flow."""
    page = Reply(403, {"content-type": "text/html"}, b"<!DOCTYPE html><title>blocked</title>")
    platform.sender.answer = lambda posted: page if poisonous(posted) else YES
    [bad], fine = await with_poison(platform, 1, 30)
    await platform.drained(*fine, within=10, step=1.0)
    assert platform.events(PlatformHeld) == []
    assert platform.events(EndpointHeld) == []
    waiting = await platform.now(bad)
    assert waiting.state in TRYING
    assert (waiting.code, waiting.in_doubt) == ("reply.unreadable", True)
    assert waiting.reason.startswith("HTTP 403, text/html")


async def test_a_yes_or_no_that_no_rule_knows_stays_dead(platform: Any) -> None:
    """It can be read, so trying again changes nothing: people must look at it. It holds nobody else."""
    platform.sender.answer = lambda posted: Reply(200, {}, b'{"code": 7777}') if poisonous(posted) else YES
    [bad], fine = await with_poison(platform, 1, 5)
    await platform.drained(*fine, within=10, step=1.0)
    dead = await platform.now(bad)
    assert (dead.state, dead.code, dead.attempts) == (State.DEAD, "reply.unrecognised", 1)
    assert platform.events(PlatformHeld) == []
