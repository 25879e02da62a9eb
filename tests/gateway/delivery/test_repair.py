"""A ledger that fails once, before or after its commit: everything drains without a restart, in order, once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from faulty import LOST, YES, Gate, Posted, disk_full

from adapters.base import Reply, RetrySchedule
from gateway.ledger.errors import superseded
from gateway.ledger.records import Hold
from gateway.message import HELD, HeldBy, State
from gateway.telemetry.events import (
    AttemptEnded,
    AttemptTakenBack,
    DeliverySettled,
    DeliveryStopped,
    EndpointHeld,
    PlatformHeld,
    PlatformReleased,
)

HZ = "penalty.330100"
NOWHERE = "http://nowhere.invalid"

WRITES = ("claim", "begin", "unbegin", "settle", "kill", "rescue", "hold_platform", "release_platform")
"""Every write that delivery makes."""


class Story:
    """Everything that delivery writes, in one platform's life: it is down, refuses credentials, is paused."""

    def __init__(self, post: Any) -> None:
        self.post = post
        self.answer: Any = YES
        self.taken: list[str] = []
        post.sender.answer = self.reply

    def reply(self, posted: Posted) -> Any:
        """Answer as the platform does now, and remember what it took."""
        if self.answer is YES:
            self.taken.append(posted.key)
        return self.answer

    async def run(self) -> None:
        """Tell the story; afterwards everything is delivered but the one that cannot be translated."""
        post = self.post
        await post.platform(HZ, base_url=NOWHERE)
        await post.dispatcher.start()
        posted = [await post.post(HZ, f"A-{n % 5}", opinion=str(n)) for n in range(20)]
        spoilt = await post.post(HZ, "SPOILT", at="not a time")
        await post.drained(*posted, within=60)

        self.answer = Reply(503)  # it goes down: its breaker opens, and closes when it is back
        down = [await post.post(HZ, f"B-{n}") for n in range(8)]
        await post.quiet()
        self.answer = YES
        await post.drained(*down, within=120)

        self.answer = Reply(401)  # its credentials expire
        refused = [await post.post(HZ, f"C-{n}") for n in range(8)]
        await post.quiet()
        self.answer = YES
        post.dispatcher.platform_changed(await post.put(await post.known(HZ), token="t-2"))
        await post.drained(*refused, within=120)

        slow = [await self.paused(n) for n in range(2)]  # it is paused while some wait for a slot
        await post.drained(*(one for some in slow for one in some), within=240)
        assert (await post.now(spoilt)).state is State.DEAD
        self.posted = [*posted, *down, *refused, *(one for some in slow for one in some)]

    async def paused(self, time: int) -> list[Any]:
        """Pause while four are being called and others wait."""
        post = self.post
        gate = post.sender_gate()
        posted = [await post.post(HZ, f"D-{time}-{n}") for n in range(12)]
        await post.until_true(lambda: post.sender.inside == 4)
        await post.pause(HZ)
        gate.open()
        await post.quiet()
        await post.resume(HZ)
        return posted

    async def check(self) -> None:
        """See that each was taken once, in the order of its lane, and that nothing is left behind."""
        post = self.post
        delivered = [await post.now(one) for one in self.posted]
        assert {one.state for one in delivered} == {State.DELIVERED}
        assert {key for key, times in Counter(self.taken).items() if times > 1} == set()
        for case in range(5):
            lane = [one.id for one in self.posted if one.lane == f"A-{case}"]
            assert [key for key in self.taken if key in lane] == lane
        assert await post.held(HZ) == set()
        assert (await post.known(HZ)).holds == ()
        settled = Counter(event.delivery_id for event in post.events(DeliverySettled))
        assert set(settled.values()) == {1}


async def test_the_story_makes_every_write(post: Any) -> None:
    """So that the faults below meet each of them."""
    story = Story(post)
    await story.run()
    await story.check()
    assert {name for name in WRITES if name not in post.ledger.calls} == set()


@pytest.mark.parametrize(
    ("name", "skipped"), [(name, 0) for name in WRITES] + [(name, 3) for name in ("begin", "unbegin", "settle")]
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_no_write_that_fails_once_leaves_anything_behind(post: Any, name: str, when: str, skipped: int) -> None:
    """Before its commit or after it, the first time or a later one."""
    seen = iter(range(1_000_000))
    fail = post.ledger.fail_before if when == "before" else post.ledger.fail_after
    fail(name, meant=lambda *arguments, **named: next(seen) >= skipped)
    story = Story(post)
    await story.run()
    await story.check()
    assert not post.ledger.faults_left(), "the fault was never met"


# ── one by one ────────────────────────────────────────────────────────────────────────────────
async def started(post: Any, answer: Any = YES) -> None:
    """Start with one platform that answers so."""
    await post.platform(HZ, base_url=NOWHERE)
    post.sender.answer = lambda posted: answer
    await post.dispatcher.start()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_401_whose_settlement_fails_leaves_no_delivery_sending(post: Any, when: str) -> None:
    """The hold is in the settlement: both are written, or tried again together."""
    await started(post, Reply(401))
    getattr(post.ledger, f"fail_{when}")("settle", times=3)
    delivery = await post.reached(await post.post(HZ, "A-1"), HELD)
    assert (delivery.state, delivery.held_by) == (State.READY, HeldBy.CREDENTIALS)
    assert len(post.sender.sent) == 1
    post.sender.answer = lambda posted: YES
    post.dispatcher.platform_changed(await post.put(await post.known(HZ), token="t-2"))
    await post.delivered(delivery)
    assert [event.by for event in post.events(PlatformHeld)] == ["credentials"]


async def test_the_platform_is_held_here_though_the_ledger_is_away(post: Any) -> None:
    """While the refused credentials cannot be written down nobody else speaks with them."""
    await started(post, Reply(401))
    gate = post.ledger.hold_before("settle")
    await post.post(HZ, "A-1")
    await gate.reached()
    others = [await post.post(HZ, f"B-{n}") for n in range(5)]
    await post.quiet()
    assert len(post.sender.sent) == 1
    gate.open()
    for one in others:
        await post.reached(one, HELD)


async def test_an_answer_that_was_settled_is_not_settled_twice(post: Any) -> None:
    """The commit was made and its answer lost: the next try finds the attempt ended, and that is that."""
    await started(post)
    post.ledger.fail_after("settle")
    delivery = await post.post(HZ, "A-1")
    behind = await post.post(HZ, "A-1")
    await post.delivered(delivery, behind)
    assert [len(await post.attempts(one)) for one in (delivery, behind)] == [1, 1]
    assert [event.delivery_id for event in post.events(AttemptEnded)] == [delivery.id, behind.id]


async def test_an_attempt_that_may_have_begun_is_taken_back(post: Any) -> None:
    """Nothing was sent: it is neither counted nor in doubt."""
    await started(post)
    post.ledger.fail_after("begin")
    delivery = await post.post(HZ, "A-1")
    await post.delivered(delivery)
    (attempt,) = await post.attempts(delivery)
    assert attempt.number == 1
    assert [one.request.method for one in post.sender.sent] == ["POST"]


@pytest.mark.parametrize("step", ["discard", "hold"])
async def test_an_operator_who_is_first_is_not_overruled_by_a_failed_translation(post: Any, step: str) -> None:
    """It stays as the operator left it, and nobody is told of a dead letter."""
    await started(post)
    gate = post.ledger.hold_before("kill")
    spoilt = await post.post(HZ, "SPOILT", at="not a time")
    await gate.reached()
    left = await getattr(post.ledger, step)(spoilt.id, post.intent())
    gate.open()
    await post.a_while()
    assert (await post.now(spoilt)).shown == left.shown
    assert spoilt.id not in [event.delivery_id for event in post.events(DeliverySettled)]


async def test_deliveries_left_sending_are_rescued_at_the_next_comparison(post: Any) -> None:
    """It is `sending` in the ledger and under way nowhere: within a minute it is asked about and sent."""
    await started(post, Reply(429, {"retry-after": "120"}))
    seen: list[Any] = []
    post.ledger.fail_before("heads", meant=lambda claim, *rest, **more: bool(seen.append(claim)))
    await post.reached(await post.post(HZ, "REST"), State.WAITING)
    lost = await post.post(HZ, "A-1")
    request = (await post.ledger.sent(lost.id)) or post.sender.sent[0].request
    assert await post.ledger.real.begin(seen[-1], lost.id, "plain@1.2.0", request, post.clock()) == 1
    post.sender.answer = lambda posted: Reply(404) if posted.request.method == "GET" else YES
    await post.later(HZ, seconds=61)
    rescued = await post.reached(lost, State.READY)
    assert (rescued.in_doubt, rescued.attempts) == (True, 1)
    await post.later(HZ, seconds=61)
    await post.delivered(lost)
    assert [one.request.method for one in post.sender.sent if one.request.path.endswith(("A-1?node=filed", "progress"))]


async def test_what_is_being_called_is_never_rescued(post: Any) -> None:
    """However often the worker looks while the platform takes its time."""
    await started(post)
    gate = post.sender_gate()
    delivery = await post.post(HZ, "A-1")
    await post.until_true(lambda: post.sender.inside == 1)
    for _ in range(3):
        looks = post.ledger.calls.count("rescue")
        await post.later(HZ, seconds=61)
        await post.until_true(lambda looks=looks: post.ledger.calls.count("rescue") > looks)
    assert (await post.now(delivery)).state is State.SENDING
    gate.open()
    await post.delivered(delivery)
    assert len(post.sender.sent) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_breaker_that_closed_is_closed_in_the_ledger_too(post: Any, when: str) -> None:
    """The one write that says so failed: the next look writes it again."""
    await started(post, Reply(503))
    posted = [await post.post(HZ, f"A-{n}") for n in range(6)]
    await post.until(lambda: breaker_held(post))
    post.sender.answer = lambda one: YES
    getattr(post.ledger, f"fail_{when}")("release_platform", times=2)
    await post.drained(*posted, within=60)
    assert await post.held(HZ) == set()
    assert [event.by for event in post.events(PlatformReleased)] == ["breaker"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_breaker_that_opened_is_shown_in_the_ledger_too(post: Any, when: str) -> None:
    """Though the write failed at first; nobody is called meanwhile."""
    await started(post, Reply(503))
    getattr(post.ledger, f"fail_{when}")("hold_platform", times=2)
    posted = [await post.post(HZ, f"A-{n}") for n in range(12)]
    await post.until(lambda: breaker_held(post))
    assert len(post.sender.sent) < len(posted)
    assert [event.by for event in post.events(PlatformHeld)] == ["breaker"]


async def breaker_held(post: Any) -> bool:
    """Tell whether the ledger shows the breaker's hold."""
    return HeldBy.BREAKER in await post.held(HZ)


async def test_a_missed_pause_is_obeyed_within_a_minute(post: Any) -> None:
    """Its news were lost between commit and worker; so is its end."""
    await started(post)
    await post.delivered(await post.post(HZ, "A-1"))
    await post.ledger.hold_platform(HZ, Hold(HeldBy.PAUSED, post.clock(), "works"), post.intent())
    held = await post.reached(await post.post(HZ, "A-2"), HELD)
    await post.later(HZ, seconds=61)
    await post.quiet()
    await post.ledger.release_platform(HZ, HeldBy.PAUSED, post.intent())
    await post.quiet()
    assert (await post.now(held)).state is State.READY
    await post.later(HZ, seconds=61)
    await post.delivered(held)


async def test_a_repair_does_not_undo_what_was_changed_while_it_ran(post: Any) -> None:
    """It had read that the platform is paused; before it was done, the platform was resumed."""
    await started(post)
    await post.delivered(await post.post(HZ, "A-1"))
    await post.ledger.hold_platform(HZ, Hold(HeldBy.PAUSED, post.clock(), "works"), post.intent())
    gate = post.ledger.hold_before("rescue")
    await post.later(HZ, seconds=61)
    await gate.reached()
    await post.resume(HZ)
    gate.open()
    await post.quiet()
    await post.delivered(await post.post(HZ, "A-2"))


async def test_missed_settings_are_used_within_a_minute(post: Any) -> None:
    """Its registration changed, and nobody told the worker."""
    await started(post)
    await post.put(await post.known(HZ), token="t-2")
    await post.later(HZ, seconds=61)
    await post.quiet()
    await post.delivered(await post.post(HZ, "A-1"))
    assert post.sender.sent[-1].settings["token"] == "t-2"


async def test_a_platform_that_is_gone_is_called_no_more(post: Any) -> None:
    """Deleted, and nobody told the worker: it ends itself."""
    await started(post)
    await post.ledger.delete_platform(HZ, post.intent())
    await post.later(HZ, seconds=61)
    await post.quiet()
    calls = len(post.ledger.calls)
    await post.later(HZ, seconds=61)
    await post.quiet()
    assert len(post.ledger.calls) == calls


async def test_a_ledger_that_another_process_has_ends_delivery(post: Any) -> None:
    """It stops for all platforms, and says so once."""
    other = "penalty.330200"
    await post.platform(other, base_url=NOWHERE)
    await started(post)
    post.ledger.fail_before("begin", superseded(), times=1000)
    await post.post(HZ, "A-1")
    await post.until_true(lambda: bool(post.events(DeliveryStopped)))
    post.ledger.well_again()
    await post.post(HZ, "A-2")
    await post.post(other, "A-3")
    post.dispatcher.platform_changed(await post.known(HZ))
    await post.quiet()
    assert post.sender.sent == []
    assert post.events(DeliveryStopped) == [DeliveryStopped("ledger.superseded")]


async def test_an_answer_is_not_kept_for_a_ledger_that_is_another_processs(post: Any) -> None:
    """The other one rescues it; this one ends."""
    await started(post)
    post.ledger.fail_before("settle", superseded(), times=1000)
    delivery = await post.post(HZ, "A-1")
    await post.until_true(lambda: bool(post.events(DeliveryStopped)))
    await post.dispatcher.stop()
    assert (await post.now(delivery)).state is State.SENDING


async def test_a_ledger_that_is_away_for_long_is_waited_for(post: Any) -> None:
    """Everything fails over and over; what the platform said is kept, and not sent again."""
    await started(post)
    gate = post.sender_gate()
    posted = [await post.post(HZ, f"A-{n}") for n in range(4)]
    await post.until_true(lambda: post.sender.inside == 4)
    for name in ("settle", "begin", "rescue", "heads"):
        post.ledger.fail_before(name, disk_full(), times=20)
    gate.open()
    await post.drained(*posted, within=30)
    assert len(post.sender.sent) == 4


async def test_delivery_starts_once_the_ledger_is_back(post: Any) -> None:
    """Claim and rescue fail at first."""
    for name in ("claim", "rescue"):
        post.ledger.fail_before(name, times=3)
    await started(post)
    await post.drained(await post.post(HZ, "A-1"), within=10)


async def test_what_was_taken_back_in_doubt_stays_in_doubt(post: Any) -> None:
    """The earlier request may have arrived; that it waited for nothing this time changes nothing."""
    await started(post, LOST)
    doubted = await post.reached(await post.post(HZ, "A-1"), State.WAITING)
    post.sender.answer = lambda posted: YES
    gate = post.ledger.hold_after("begin")
    await post.later(HZ, seconds=2)
    await gate.reached()
    await post.pause(HZ)
    gate.open()
    held = await post.reached(doubted, HELD)
    assert (held.in_doubt, held.attempts, len(post.events(AttemptTakenBack))) == (True, 1, 1)


# ── what changes while the ledger is asked ────────────────────────────────────────────────────
async def refused_unsettled(post: Any) -> Gate:
    """Let the platform refuse its credentials, and the settlement that says so wait at a gate."""
    await started(post, Reply(401))
    gate = post.ledger.hold_before("settle")
    await post.post(HZ, "A-1")
    await gate.reached()
    return gate


async def test_a_comparison_lifts_no_hold_that_is_about_to_be_written(post: Any) -> None:
    """The ledger does not know yet that the credentials were refused; that is no reason to go on."""
    gate = await refused_unsettled(post)
    await post.later(HZ, seconds=61)
    await post.post(HZ, "B-1")
    await post.quiet()
    assert len(post.sender.sent) == 1
    gate.open()


async def test_an_early_reading_lifts_no_hold(post: Any) -> None:
    """The platform as it was read before the hold was written: it is the same revision, and stays held."""
    before = await refused_unsettled(post), await post.known(HZ)
    post.dispatcher.platform_changed(before[1])
    await post.post(HZ, "B-1")
    await post.quiet()
    assert len(post.sender.sent) == 1
    before[0].open()


async def test_what_was_read_before_a_change_does_not_undo_it(post: Any) -> None:
    """The registry was being read when the credentials were refused: it is read again."""
    await started(post)
    call = post.sender_gate()
    delivery = await post.post(HZ, "A-1")
    await post.until_true(lambda: post.sender.inside == 1)
    reading = post.ledger.hold_after("registry")
    await post.later(HZ, seconds=61)
    await reading.reached()
    post.replies(Reply(401))
    call.open()
    await post.reached(delivery, HELD)
    reading.open()
    await post.quiet()
    assert post.events(PlatformReleased) == []
    assert await post.held(HZ) == {HeldBy.CREDENTIALS}


async def test_what_was_held_while_heads_were_read_is_not_begun(post: Any) -> None:
    """They were heads when the ledger was asked; meanwhile their endpoint failed."""
    await started(post)
    call = post.sender_gate()
    for number in range(4):
        await post.post(HZ, f"A-{number}", "penalty.executed")
    await post.until_true(lambda: post.sender.inside == 4)
    post.replies(Reply(500))
    reading = post.ledger.hold_after("heads")
    await post.post(HZ, "B-1", "penalty.executed")
    await reading.reached()
    call.open()
    await post.until_true(lambda: bool(post.events(EndpointHeld)))
    await post.quiet()
    begun = post.ledger.calls.count("begin")
    reading.open()
    await post.quiet()
    assert post.ledger.calls.count("begin") == begun


async def test_what_ended_while_heads_were_read_is_not_begun_again(post: Any) -> None:
    """It was read as it was before it began; beginning it again would be refused, and waste a call of its rate."""
    await started(post)
    beginning = post.ledger.hold_before("begin")
    ended = await post.post(HZ, "A-1")
    await beginning.reached()
    reading = post.ledger.hold_after("heads")
    other = await post.post(HZ, "B-1")
    await reading.reached()
    beginning.open()
    await post.delivered(ended)
    await post.quiet()
    reading.open()
    await post.delivered(other)
    await post.quiet()
    assert post.ledger.calls.count("begin") == 2


async def test_a_probe_does_not_leave_when_the_platform_was_paused_meanwhile(post: Any) -> None:
    """It was chosen from what the ledger said before."""
    await started(post, Reply(503))
    for number in range(6):
        await post.post(HZ, f"A-{number}")
    await post.until(lambda: breaker_held(post))
    await post.quiet()
    reading = post.ledger.hold_after("heads", meant=lambda *rest, probe=False, **more: probe)
    await post.later(HZ, seconds=6)
    await reading.reached()
    begun = post.ledger.calls.count("begin")
    await post.pause(HZ)
    reading.open()
    await post.quiet()
    assert post.ledger.calls.count("begin") == begun


async def test_a_fault_that_is_no_outage_is_repaired_at_once(post: Any) -> None:
    """Nobody tries that settlement again, and the delivery is `sending`: it is found without waiting for a minute."""
    await started(post)
    post.ledger.fail_before("settle", KeyError("a bug"))
    delivery = await post.post(HZ, "A-1")
    await post.delivered(delivery)
    assert [one.request.method for one in post.sender.sent] == ["POST", "GET"]


async def test_what_is_due_at_once_is_not_passed_over_as_its_attempt_ends(post: Any, spoil: Any) -> None:
    """Its worker reads heads at the very moment between what the attempt came to and its end: it is tried again."""
    at_once = RetrySchedule(first=timedelta(0), max=timedelta(0))
    post.adapter = spoil(post.adapter, retry=at_once)
    post.dispatcher = post.new_dispatcher()
    answers = [Reply(503)]
    await post.platform(HZ, base_url=NOWHERE)
    post.sender.answer = lambda posted: answers.pop() if answers else YES
    await post.dispatcher.start()
    await post.quiet()

    def wake() -> None:
        post.signal()
        post.dispatcher.wake(HZ)  # at that moment there may be something else, too

    post.ledger.told = wake
    delivery, _ = await post.accepted(HZ, "A-1")
    await post.delivered(delivery)
    assert len(post.sender.sent) == 2
