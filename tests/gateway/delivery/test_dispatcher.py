from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.base import Reply
from gateway.ledger.records import Hold
from gateway.message import HeldBy, State
from gateway.telemetry.events import AttemptEnded, DeliverySettled, DeliveryStumbled, PlatformHeld, PlatformReleased

HZ = "penalty.330100"
NB = "penalty.330200"
JX = "penalty.330400"
NOWHERE = "http://nowhere.invalid"


@pytest.fixture
def nowhere() -> Iterator[str]:
    """Give an address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def cases(world: Any, platform_id: str) -> list[str]:
    """Give the case numbers a double received, in order."""
    return [one["native"]["AJBH"] for one in world.received(platform_id)]


async def open_breaker(world: Any, platform_id: str, count: int = 4) -> list[Any]:
    """Post to a platform that is down until its breaker opens."""
    posted = [await world.post(platform_id, f"CASE-{n}") for n in range(count)]

    async def held() -> bool:
        return HeldBy.BREAKER in await world.held(platform_id)

    await world.until(held)
    return posted


async def tried_to_the_end(world: Any, delivery: Any) -> Any:
    """Let time pass, so much after each attempt that the next is due, until the delivery is given up."""
    tried = 0
    while (await world.tried(delivery, tried + 1)).state is State.WAITING:
        tried = len(await world.attempts(delivery))
        await world.later(delivery.platform, minutes=11)
    return await world.reached(delivery, State.DEAD)


# ── delivering ────────────────────────────────────────────────────────────────────────────────
async def test_what_the_ledger_holds_is_delivered(world: Any) -> None:
    """Accepted, sent in the platform's words, settled with its receipt."""
    await world.platform(HZ)
    await world.dispatcher.start()
    delivery = await world.post(HZ, "A-1")
    settled = await world.reached(delivery, State.DELIVERED)
    (received,) = world.received(HZ)
    assert received["native"] == {"AJBH": "A-1", "JD": "filed", "SJ": "2026-09-01 08:00:00"}
    assert (received["valid"], received["times"]) == (True, 1)
    assert settled.reference == received["reference"]
    assert settled.adapter == "plain@1.2.0"
    assert [event.state for event in world.events(DeliverySettled)] == ["delivered"]


async def test_what_was_there_before_the_start_is_delivered_too(world: Any) -> None:
    """Nobody has to call for what was accepted before."""
    await world.platform(HZ)
    posted = [await world.post(HZ, f"A-{n}") for n in range(100)]
    await world.dispatcher.start()
    await world.delivered(*posted)


async def test_every_call_carries_key_trace_and_time(world: Any) -> None:
    """The delivery id is the key; the trace goes on; a receiver can make a resend once."""
    await world.platform(HZ)
    await world.dispatcher.start()
    delivery = await world.post(HZ, "A-1")
    await world.delivered(delivery)
    (received,) = world.doubles[HZ].platform.memory
    headers = received.call.headers
    assert headers["idempotency-key"] == headers["webhook-id"] == delivery.id
    assert headers["webhook-timestamp"] == str(int(world.clock().timestamp()))
    assert headers["traceparent"].split("-")[1] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert headers["authorization"] == "Bearer t-1"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("hutong/")


async def test_a_lane_is_delivered_strictly_in_order(world: Any) -> None:
    """One case, one at a time; many cases side by side."""
    await world.platform(HZ)
    posted = [await world.post(HZ, f"A-{n % 3}", opinion=str(n)) for n in range(60)]
    await world.dispatcher.start()
    await world.delivered(*posted)
    for case in ("A-0", "A-1", "A-2"):
        said = [int(one["native"]["YJ"]) for one in world.received(HZ) if one["native"]["AJBH"] == case]
        assert said == sorted(said)
        assert len(said) == 20


async def test_no_more_calls_at_once_than_the_platform_takes(world: Any) -> None:
    """The bundle says 4 at once."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(latency_ms=5)
    posted = [await world.post(HZ, f"A-{n}") for n in range(40)]
    await world.dispatcher.start()
    await world.delivered(*posted)
    assert world.doubles[HZ].most == 4


async def test_a_document_that_cannot_be_written_is_dead_and_never_leaves(world: Any) -> None:
    """The reason names what is missing; the lane waits behind it, other lanes do not."""
    await world.platform(HZ)
    await world.dispatcher.start()
    bad = await world.post(HZ, "A-1", at="not a time")
    behind = await world.post(HZ, "A-1")
    beside = await world.post(HZ, "A-2")
    await world.delivered(beside)
    dead = await world.reached(bad, State.DEAD)
    assert dead.reason
    assert (await world.now(behind)).held_by is HeldBy.LANE
    assert cases(world, HZ) == ["A-2"]


async def test_the_platforms_own_number_becomes_an_alias(world: Any) -> None:
    """A case that was accepted under another number is known under both, and sent on under theirs."""
    await world.platform(HZ)
    await world.dispatcher.start()
    first = await world.post(HZ, "A-1", "case.transferred")
    theirs = (await world.reached(first, State.DELIVERED)).reference
    known = await world.ledger.recall(HZ, {"case_number": theirs})
    assert known["case_number"].original == "A-1"
    await world.delivered(await world.post(HZ, "A-1"))
    assert cases(world, HZ) == ["A-1", theirs]


# ── verdicts ──────────────────────────────────────────────────────────────────────────────────
async def test_a_business_no_is_not_a_yes(world: Any) -> None:
    """200 with a refusing code is refused, with the platform's words, and does not park the lane."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(refuse=True)
    await world.dispatcher.start()
    refused = await world.reached(await world.post(HZ, "A-1"), State.REFUSED)
    assert refused.reason == "业务校验未通过"
    world.doubles[HZ].misbehave()
    await world.delivered(await world.post(HZ, "A-1"))


@pytest.mark.parametrize(
    ("reply", "code"),
    [(Reply(400), "http.400"), (Reply(200, {}, b'{"code": 77}'), "reply.unrecognised")],
)
async def test_an_answer_nobody_declared_is_dead(post: Any, reply: Reply, code: str) -> None:
    """A client error, a code that no rule knows: never delivered, never repeated blindly."""
    await post.platform(HZ, base_url=NOWHERE)
    post.sender.answer = lambda posted: reply
    await post.dispatcher.start()
    dead = await post.reached(await post.post(HZ, "A-1"), State.DEAD)
    assert dead.code == code


@pytest.mark.parametrize("status", [200, 302])
async def test_an_answer_that_is_none_is_in_doubt(world: Any, status: int) -> None:
    """A page with status 200, a redirect to a log-in: it is tried again, and the platform is asked first."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(status=status)
    await world.dispatcher.start()
    waiting = await world.reached(await world.post(HZ, "A-1"), State.WAITING)
    assert (waiting.code, waiting.in_doubt) == ("reply.unreadable", True)


async def test_retry_after_is_honoured(world: Any) -> None:
    """429 with Retry-After 30: not before 30 seconds, then at once, under the same key."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(retry_after_s=30)
    await world.dispatcher.start()
    delivery = await world.reached(await world.post(HZ, "A-1"), State.WAITING)
    assert delivery.due_at >= world.clock() + timedelta(seconds=30)
    world.doubles[HZ].misbehave()
    await world.later(HZ, seconds=29)
    await world.a_while()
    assert (await world.now(delivery)).state is State.WAITING
    await world.later(HZ, seconds=2)
    await world.delivered(delivery)
    assert [one["times"] for one in world.received(HZ)] == [1]


async def test_a_platform_that_asks_for_rest_is_not_called(world: Any) -> None:
    """Too many requests concerns every lane of the platform, not only the one that heard it."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(retry_after_s=30)
    await world.dispatcher.start()
    await world.reached(await world.post(HZ, "A-1"), State.WAITING)
    world.doubles[HZ].misbehave()
    other = await world.post(HZ, "A-2")
    await world.later(HZ, seconds=20)
    await world.a_while()
    assert (await world.now(other)).state is State.READY
    await world.later(HZ, seconds=11)
    await world.delivered(other)


async def test_a_changed_platform_rests_no_longer(world: Any) -> None:
    """An operator who resumes a platform, or gives it another address, need not wait for what the old one asked."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(retry_after_s=300)
    await world.dispatcher.start()
    await world.reached(await world.post(HZ, "A-1"), State.WAITING)
    world.doubles[HZ].misbehave()
    other = await world.post(HZ, "A-2")
    await world.a_while()
    assert (await world.now(other)).state is State.READY
    world.dispatcher.platform_changed(await world.known(HZ))
    await world.delivered(other)


async def test_refused_credentials_hold_the_platform_once(world: Any) -> None:
    """Several calls hear 401; one hold, one alert, nothing lost, nothing dead; new credentials set it all going."""
    platform = await world.platform(HZ)
    world.doubles[HZ].misbehave(status=401)
    posted = [await world.post(HZ, f"A-{n}") for n in range(12)]
    await world.dispatcher.start()

    async def calm() -> bool:
        return bool(world.events(PlatformHeld)) and len(world.events(AttemptEnded)) >= 4

    await world.until(calm)
    assert [(event.by, event.code) for event in world.events(PlatformHeld)] == [("credentials", "http.401")]
    assert await world.held(HZ) == {HeldBy.CREDENTIALS}
    assert {(await world.now(one)).held_by for one in posted} == {HeldBy.CREDENTIALS}
    tried = len(world.events(AttemptEnded))
    assert tried <= 8

    world.doubles[HZ].misbehave()
    world.dispatcher.platform_changed(await world.put(platform, token="t-2"))
    await world.delivered(*posted)


# ── in doubt ──────────────────────────────────────────────────────────────────────────────────
async def test_in_doubt_it_asks_and_does_not_resend(world: Any) -> None:
    """The connection broke after the platform took it: a question confirms it, no second sending."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(reset_after_accept=True)
    await world.dispatcher.start()
    doubted = await world.reached(await world.post(HZ, "A-1"), State.WAITING)
    assert (doubted.in_doubt, doubted.code) == (True, "connection.lost")
    await world.later(HZ, seconds=2)
    confirmed = await world.reached(doubted, State.DELIVERED)
    (received,) = world.received(HZ)
    assert received["times"] == 1
    assert confirmed.reference == received["reference"]
    assert [attempt.verdict for attempt in await world.attempts(doubted)] == ["retry", "accepted"]


async def test_in_doubt_it_resends_what_never_arrived(world: Any) -> None:
    """The question says no: the same bytes go again."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(reset_before_read=True)
    await world.dispatcher.start()
    doubted = await world.reached(await world.post(HZ, "A-1"), State.WAITING)
    assert doubted.in_doubt
    world.doubles[HZ].misbehave()
    await world.later(HZ, seconds=2)
    await world.delivered(doubted)
    assert [one["times"] for one in world.received(HZ)] == [1]


async def test_what_cannot_be_asked_is_resent_under_the_same_key(world: Any) -> None:
    """The receiver sees the key again and makes it once; the resend is byte for byte the first."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(reset_after_accept=True)
    await world.dispatcher.start()
    doubted = await world.reached(await world.post(HZ, "A-1", "penalty.executed"), State.WAITING)
    await world.later(HZ, seconds=2)
    await world.delivered(doubted)
    (received,) = world.received(HZ)
    assert (received["times"], received["problems"]) == (2, [])


async def test_a_resend_is_byte_identical_whatever_changed_meanwhile(world: Any) -> None:
    """Body, path and key were fixed at the first attempt; only time and authentication are new."""
    platform = await world.platform(HZ)
    world.doubles[HZ].misbehave(status=503)
    await world.dispatcher.start()
    delivery = await world.reached(await world.post(HZ, "A-1"), State.WAITING)
    sent = await world.ledger.sent(delivery.id)
    world.doubles[HZ].misbehave()
    world.dispatcher.platform_changed(await world.put(platform, token="t-2"))
    await world.later(HZ, seconds=2)
    await world.delivered(delivery)
    (received,) = world.doubles[HZ].platform.memory
    assert received.call.body == sent.body
    assert {name.lower(): value for name, value in sent.headers.items()}.items() <= received.call.headers.items()
    assert received.call.headers["authorization"] == "Bearer t-2"


async def test_what_a_crash_left_half_sent_is_in_doubt(world: Any) -> None:
    """A new process finds it sending, asks, and learns that it had arrived."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(latency_ms=60_000)
    await world.dispatcher.start()
    delivery = await world.reached(await world.post(HZ, "A-1"), State.SENDING)
    await world.dispatcher.stop(timedelta(0))
    assert (await world.now(delivery)).state is State.SENDING

    world.doubles[HZ].misbehave()
    world.dispatcher = world.new_dispatcher()
    await world.dispatcher.start()
    await world.delivered(delivery)
    assert [one["times"] for one in world.received(HZ)] == [1]


async def test_what_a_crash_left_half_sent_to_a_platform_without_adapter_is_ready(post: Any) -> None:
    """Its bundle is not installed any more: people can see, replay and discard what waits for it."""
    platform = await post.platform(HZ, base_url=NOWHERE)
    post.sender_gate()
    await post.dispatcher.start()
    delivery = await post.reached(await post.post(HZ, "A-1"), State.SENDING)
    await post.dispatcher.stop(timedelta(0))
    await post.put(replace(platform, adapter="absent"))
    post.dispatcher = post.new_dispatcher()
    await post.dispatcher.start()
    found = await post.now(delivery)
    assert (found.state, found.in_doubt) == (State.READY, True)


async def test_what_is_cut_off_when_its_platform_is_called_no_more_is_ready(post: Any) -> None:
    """It fetches for itself now, and the last call to it did not end in time: nothing stays half-sent."""
    platform = await post.platform(HZ, base_url=NOWHERE)
    post.sender_gate()
    post.grace = timedelta(0)
    post.dispatcher = post.new_dispatcher()
    await post.dispatcher.start()
    delivery = await post.reached(await post.post(HZ, "A-1"), State.SENDING)
    post.dispatcher.platform_changed(await post.put(replace(platform, mode="pull")))
    found = await post.reached(delivery, State.READY)
    assert found.in_doubt


# ── giving up ─────────────────────────────────────────────────────────────────────────────────
async def test_it_gives_up_after_the_declared_time(world: Any, nowhere: str) -> None:
    """An hour of trying: dead, with the last reason."""
    await world.platform(HZ, base_url=nowhere)
    await world.dispatcher.start()
    dead = await tried_to_the_end(world, await world.post(HZ, "A-1"))
    assert (dead.code, dead.reason, dead.in_doubt) == ("gave-up", "connection.refused：Connection refused", False)


async def test_giving_up_counts_only_time_not_held(world: Any, nowhere: str) -> None:
    """A week under an operator's pause is no reason to give up; an hour of trying after it is."""
    await world.platform(HZ, base_url=nowhere)
    await world.dispatcher.start()
    delivery = await world.reached(await world.post(HZ, "A-1"), State.WAITING)
    await world.pause(HZ)
    await world.later(HZ, days=7)
    await world.resume(HZ)
    again = await world.tried(delivery, 2)
    assert again.state is State.WAITING
    assert again.tried_for < 60
    await tried_to_the_end(world, delivery)


# ── bulkheads ─────────────────────────────────────────────────────────────────────────────────
async def test_one_dead_and_one_slow_platform_delay_no_other(world: Any, nowhere: str) -> None:
    """While one refuses connections and one never answers, the third gets everything."""
    await world.platform(HZ, base_url=nowhere)
    await world.platform(NB)
    await world.platform(JX)
    world.doubles[NB].misbehave(latency_ms=60_000)
    await world.dispatcher.start()
    stuck = [await world.post(one, f"A-{n}") for n in range(20) for one in (HZ, NB)]
    fine = [await world.post(JX, f"A-{n}") for n in range(200)]
    await world.delivered(*fine)
    assert State.DELIVERED not in [(await world.now(one)).state for one in stuck]


async def test_the_breaker_holds_a_dead_platform(world: Any, nowhere: str) -> None:
    """After a few failures nothing is sent any more; everything is shown as held by the breaker."""
    await world.platform(HZ, base_url=nowhere)
    await world.dispatcher.start()
    posted = await open_breaker(world, HZ)
    later = await world.post(HZ, "B-1")
    assert {(await world.now(one)).held_by for one in [*posted, later]} == {HeldBy.BREAKER}
    assert [event.by for event in world.events(PlatformHeld)] == ["breaker"]


async def test_what_was_held_flows_in_order_after_the_return(world: Any) -> None:
    """One probe after the cool-down; it is answered, and every lane flows in its order."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(reset_before_read=True)
    await world.dispatcher.start()
    posted = await open_breaker(world, HZ)
    posted += [await world.post(HZ, f"CASE-{n % 4}", opinion=str(n)) for n in range(40)]
    world.doubles[HZ].misbehave()
    await world.later(HZ, seconds=6)
    await world.delivered(*posted)
    assert [event.by for event in world.events(PlatformReleased)] == ["breaker"]
    for case in range(4):
        mine = [one["native"] for one in world.received(HZ) if one["native"]["AJBH"] == f"CASE-{case}"]
        said = [int(native.get("YJ", -1)) for native in mine]
        assert said == sorted(said)


async def test_a_failed_probe_keeps_it_closed_for_longer(world: Any) -> None:
    """One call a cool-down, no more."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(reset_before_read=True)
    await world.dispatcher.start()
    posted = await open_breaker(world, HZ)
    before = len(world.events(AttemptEnded))
    await world.later(HZ, seconds=6)

    async def probed() -> bool:
        return len(world.events(AttemptEnded)) > before

    await world.until(probed)
    await world.later(HZ, seconds=6)
    await world.a_while()
    world.doubles[HZ].misbehave()
    await world.later(HZ, seconds=6)
    await world.delivered(*posted)
    tried = [event for event in world.events(AttemptEnded) if event.platform == HZ]
    assert len(tried) == before + 1 + len(posted)


async def test_a_business_no_never_opens_the_breaker(world: Any) -> None:
    """A platform that says no to everything is well."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(refuse=True)
    await world.dispatcher.start()
    for n in range(30):
        await world.reached(await world.post(HZ, f"A-{n}"), State.REFUSED)
    assert world.events(PlatformHeld) == []


async def test_server_errors_open_the_breaker(world: Any) -> None:
    """503 from everything is a platform that is down."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(status=503)
    await world.dispatcher.start()
    await open_breaker(world, HZ)


async def left_by_another(world: Any) -> None:
    """Let another process have found the platform down, and one endpoint of it."""
    breaker = Hold(HeldBy.BREAKER, world.clock(), "breaker.open")
    endpoint = Hold(HeldBy.ENDPOINT, world.clock(), "breaker.open", "case.progressed")
    for hold in (breaker, endpoint):
        await world.ledger.hold_platform(HZ, hold, world.intent())


async def test_breakers_left_by_another_process_end_by_a_probe_each(world: Any) -> None:
    """At once, and everything flows in order."""
    await world.platform(HZ)
    await left_by_another(world)
    posted = [await world.post(HZ, f"A-{n % 3}", opinion=str(n)) for n in range(9)]
    await world.dispatcher.start()
    await world.delivered(*posted)
    await world.unheld(HZ)
    assert world.events(PlatformReleased) == [PlatformReleased(HZ, "breaker")]
    for case in range(3):
        mine = [one["native"] for one in world.received(HZ) if one["native"]["AJBH"] == f"A-{case}"]
        assert [native["YJ"] for native in mine] == [str(n) for n in range(case, 9, 3)]


async def test_a_platform_that_another_process_found_down_gets_one_call(world: Any, nowhere: str) -> None:
    """A claim that moves brings no storm of calls: one probe, then the cool-down, and nothing is lost of it."""
    await world.platform(HZ, base_url=nowhere)
    await left_by_another(world)
    posted = [await world.post(HZ, f"CASE-{n}") for n in range(20)]
    await world.dispatcher.start()
    await world.until_true(lambda: bool(world.events(AttemptEnded)))
    await world.a_while()
    assert len([event for event in world.events(AttemptEnded) if event.platform == HZ]) == 1
    assert {(await world.now(one)).held_by for one in posted} == {HeldBy.BREAKER}
    assert world.events(PlatformReleased) == []


async def test_a_ledger_that_fails_between_claim_and_holds_keeps_nothing_held(world: Any) -> None:
    """The claim is had and nobody could read what another process held: delivery begins all the same."""
    await world.platform(HZ)
    await left_by_another(world)
    posted = [await world.post(HZ, f"A-{n}") for n in range(3)]
    world.ledger.fail_after("claim")
    world.ledger.fail_before("registry", meant=lambda: world.ledger.calls.count("claim") == 2)
    await world.dispatcher.start()
    await world.delivered(*posted)
    assert world.ledger.faults_left() == []
    await world.unheld(HZ)


async def test_a_start_tells_of_the_holds_that_stay(world: Any) -> None:
    """Metrics and alerts of a new process know what is held from before."""
    await world.platform(HZ)
    await world.ledger.hold_platform(HZ, Hold(HeldBy.PAUSED, world.clock(), "works"), world.intent())
    await world.dispatcher.start()
    assert world.events(PlatformHeld) == [PlatformHeld(HZ, "paused", "still-held")]


# ── a ledger that cannot write ────────────────────────────────────────────────────────────────
async def test_a_delivery_that_cannot_be_begun_keeps_nobody_else_waiting(world: Any) -> None:
    """It is still the head of its lane, and goes when it can be begun."""
    await world.platform(HZ)
    stuck = await world.post(HZ, "A-1")
    world.ledger.fail_before("begin", times=3, meant=lambda claim, delivery_id, *rest, **more: delivery_id == stuck.id)
    await world.dispatcher.start()
    await world.delivered(await world.post(HZ, "A-2"), stuck)
    assert world.events(DeliveryStumbled) == [DeliveryStumbled(HZ, "Unavailable")] * 3
    assert len(await world.attempts(stuck)) == 1


# ── platforms come and go ─────────────────────────────────────────────────────────────────────
async def test_a_platform_registered_later_gets_its_worker(world: Any) -> None:
    """No restart."""
    await world.dispatcher.start()
    world.dispatcher.platform_changed(await world.platform(HZ))
    await world.delivered(await world.post(HZ, "A-1"))


async def test_a_paused_platform_gets_nothing_until_it_is_resumed(world: Any) -> None:
    """Held by `paused`, then delivered."""
    await world.platform(HZ)
    await world.dispatcher.start()
    await world.pause(HZ)
    delivery = await world.post(HZ, "A-1")
    await world.a_while()
    assert (await world.now(delivery)).held_by is HeldBy.PAUSED
    await world.resume(HZ)
    await world.delivered(delivery)


async def test_a_platform_that_fetches_for_itself_is_not_called(world: Any) -> None:
    """Pull mode has no worker."""
    await world.platform(HZ)
    url = (await world.known(HZ)).settings["base_url"]
    await world.platform(NB, base_url=url, mode="pull")
    await world.dispatcher.start()
    pulled = await world.post(NB, "A-1")
    await world.delivered(await world.post(HZ, "A-2"))
    assert (await world.now(pulled)).state is State.READY


async def test_stop_lets_calls_under_way_end(world: Any) -> None:
    """What is being sent is settled, what is not is left for the next start."""
    await world.platform(HZ)
    world.doubles[HZ].misbehave(latency_ms=100)
    await world.dispatcher.start()
    first = await world.reached(await world.post(HZ, "A-1"), State.SENDING)
    behind = await world.post(HZ, "A-1")
    await world.dispatcher.stop()
    assert (await world.now(first)).state is State.DELIVERED
    assert (await world.now(behind)).state is State.READY
    assert len(world.received(HZ)) == 1


# ── ping ──────────────────────────────────────────────────────────────────────────────────────
async def test_ping_tells_whether_somebody_answers(world: Any, nowhere: str) -> None:
    """Any answer is good, refused credentials are named, silence has its reason."""
    well = await world.platform(HZ)
    assert (await world.dispatcher.ping(well)).ok
    world.doubles[HZ].misbehave(status=401)
    refused = await world.dispatcher.ping(well)
    assert (refused.ok, refused.status, refused.reason) == (False, 401, "credentials")
    gone = await world.dispatcher.ping(await world.platform(NB, base_url=nowhere))
    assert (gone.ok, gone.status, gone.reason) == (False, None, "connection.refused")


# ── heads from memory ─────────────────────────────────────────────────────────────────────────
async def test_what_was_just_accepted_is_sent_without_being_read_back(post: Any) -> None:
    """The ledger gave it with the answer; nobody asks it for heads."""
    await post.platform(HZ, base_url=NOWHERE)
    await post.dispatcher.start()
    await post.delivered(await post.post(HZ, "A-1"))
    await post.quiet()
    asked = post.ledger.calls.count("heads")
    delivery, [work] = await post.accepted(HZ, "A-2")
    post.dispatcher.offer(work)
    await post.delivered(delivery)
    assert post.ledger.calls.count("heads") == asked
    assert post.sender.keys().count(delivery.id) == 1


async def test_what_was_just_accepted_waits_for_a_platform_that_is_held(post: Any) -> None:
    """It is offered after the pause, and goes when the platform is resumed, once."""
    await post.platform(HZ, base_url=NOWHERE)
    await post.dispatcher.start()
    delivery, [work] = await post.accepted(HZ, "A-1")
    await post.pause(HZ)
    post.dispatcher.offer(work)
    await post.quiet()
    assert post.sender.sent == []
    await post.resume(HZ)
    await post.delivered(delivery)
    assert post.sender.keys() == [delivery.id]


async def test_what_ended_before_it_was_offered_is_not_sent_again(post: Any) -> None:
    """Another look at the ledger may have been quicker than whoever offers."""
    await post.platform(HZ, base_url=NOWHERE)
    await post.dispatcher.start()
    delivery, [work] = await post.accepted(HZ, "A-1")
    post.dispatcher.wake(HZ)
    await post.delivered(delivery)
    post.dispatcher.offer(work)
    await post.quiet()
    assert post.sender.keys() == [delivery.id]
