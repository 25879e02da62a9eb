"""What an attempt makes of trouble on our own side: adapters that fail, a ledger that is away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from faulty import LOST, UNREACHED, YES, Posted

from adapters.base import Reply, VerdictKind
from gateway.clock import steady
from gateway.delivery.attempt import Attempts, DeliveryTarget, alone
from gateway.delivery.authorised import AuthorisedSender
from gateway.delivery.no_answer import NoAnswer
from gateway.delivery.settlement import CallOutcome
from gateway.message import Delivery, HeldBy, State
from gateway.readers import OnThreads, TooCostly
from gateway.telemetry.events import DeliveryStumbled, Events
from schemas.findings import Rejected, Text

PLATFORM = "penalty.330100"
HOUR = timedelta(hours=1)


def fail(*_: Any, **__: Any) -> Any:
    """Be a bug."""
    raise KeyError("bug")


def reject(*_: Any, **__: Any) -> Any:
    """Be a setting that is not filled in."""
    raise Rejected("setting.missing", Text("未填写", "not filled in"))


def answering(post: Any, *answers: Any) -> None:
    """Let the platform give one answer a call."""
    left = list(answers)
    post.sender.answer = lambda posted: left.pop(0)


def attempts_of(post: Any, readers: Any = None) -> Attempts:
    """Give what makes attempts, one after the other."""
    return Attempts(
        post.ledger,
        AuthorisedSender(post.sender, post.clock),
        post.clock,
        post.ticks,
        steady(post.clock, post.ticks),
        Events([post.heard.append]),
        pause=timedelta(0),
        readers=readers or OnThreads(),
    )


async def attempted(post: Any, adapter: Any, times: int = 1, readers: Any = None) -> Delivery:
    """Post one message and try it, as often as told; give the delivery as it stands."""
    await post.platform(PLATFORM, base_url="http://nowhere.invalid")
    posted = await post.post(PLATFORM, "A-1")
    for _ in range(times):
        await once(post, adapter, readers=readers)
    return await post.now(posted)


async def once(post: Any, adapter: Any, adapters: Any = None, readers: Any = None) -> list[CallOutcome]:
    """Try the head once, an hour later; give what was heard of the call."""
    claim = await post.ledger.claim(PLATFORM)
    now = post.clock() + HOUR
    (work,) = await post.ledger.heads(claim, now, now + HOUR, 1)
    heard: list[CallOutcome] = []
    to = DeliveryTarget(await post.known(PLATFORM), adapter, adapters or (lambda name: adapter))
    context = alone(to, claim)
    context = type(context)(to, claim, context.own, context.slots, context.may_call, heard.append, context.on_error)
    await attempts_of(post, readers).make(work, context)
    return heard


async def test_a_bug_in_translation_is_a_dead_letter_not_a_stop(post: Any, adapter: Any, spoil: Any) -> None:
    """The document is put aside with the name of the fault, and somebody is told."""
    dead = await attempted(post, spoil(adapter, translate_out=fail))
    assert (dead.state, dead.code, dead.reason) == (State.DEAD, "translation.failed", "KeyError")
    assert post.events(DeliveryStumbled) == [DeliveryStumbled(PLATFORM, "KeyError")]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_dead_letter_is_kept_though_the_ledger_fails_once(
    post: Any, adapter: Any, spoil: Any, when: str
) -> None:
    """It is written again until the ledger answers."""
    getattr(post.ledger, f"fail_{when}")("kill", times=2)
    dead = await attempted(post, spoil(adapter, translate_out=reject))
    assert (dead.state, dead.code, dead.attempts) == (State.DEAD, "setting.missing", 0)


async def test_a_bug_in_judging_leaves_it_in_doubt(post: Any, adapter: Any, spoil: Any) -> None:
    """The platform may have taken it: it is tried again, and asked first. It tells nothing of its health."""
    await post.platform(PLATFORM, base_url="http://nowhere.invalid")
    posted = await post.post(PLATFORM, "A-1")
    (heard,) = await once(post, spoil(adapter, judge=fail))
    waiting = await post.now(posted)
    assert (waiting.state, waiting.code, waiting.in_doubt) == (State.WAITING, "internal", True)
    assert heard.sign is None


async def test_what_a_platform_said_survives_a_ledger_that_is_away(post: Any, adapter: Any) -> None:
    """The answer is kept until it can be written down; the document is not sent again."""
    post.ledger.fail_before("settle", times=3)
    delivered = await attempted(post, adapter)
    assert delivered.state is State.DELIVERED
    assert len(post.sender.sent) == 1


async def test_doubt_stays_until_it_is_answered(post: Any, adapter: Any) -> None:
    """Lost once, then unreachable: the second failure does not take the first doubt away."""
    answering(post, LOST, UNREACHED)
    waiting = await attempted(post, adapter, times=2)
    assert (waiting.state, waiting.code, waiting.in_doubt) == (State.WAITING, "connection.failed", True)


@pytest.mark.parametrize(
    "answer", [Reply(504), Reply(200, {}, b"<html>log in</html>"), Reply(302), Reply(200)], ids=str
)
async def test_no_readable_answer_is_doubt_and_asked_about(post: Any, adapter: Any, answer: Reply) -> None:
    """It may have taken effect: the next attempt asks, and finds that it has."""
    answering(post, answer, YES)
    delivered = await attempted(post, adapter, times=2)
    assert [one.request.method for one in post.sender.sent] == ["POST", "GET"]
    assert (delivered.state, delivered.reference) == (State.DELIVERED, "9")


@pytest.mark.parametrize("answer", [Reply(500), Reply(503), Reply(200, {}, b'{"code": 5000}')], ids=str)
async def test_a_readable_failure_is_no_doubt(post: Any, adapter: Any, answer: Reply) -> None:
    """The platform said that it did not take it: it is sent again without a question."""
    answering(post, answer, YES)
    await attempted(post, adapter, times=2)
    assert [one.request.method for one in post.sender.sent] == ["POST", "POST"]


@pytest.mark.parametrize(
    "answer", [Reply(503, {"retry-after": "9"}), Reply(500), Reply(200, {}, b"<html>log in</html>")], ids=str
)
async def test_a_question_without_an_answer_gets_nothing_resent(post: Any, adapter: Any, answer: Reply) -> None:
    """It tells nothing: wait and ask again, do not resend blindly."""
    answering(post, LOST, answer)
    waiting = await attempted(post, adapter, times=2)
    assert [one.request.method for one in post.sender.sent] == ["POST", "GET"]
    assert (waiting.state, waiting.in_doubt) == (State.WAITING, True)


class Overtaxed:
    """Readers for which every reply is too much."""

    async def run(self, owner: str, adapter: Any, task: Any) -> list[Any]:
        """Give up."""
        raise TooCostly("time")


async def test_a_reply_that_is_too_costly_is_doubt_and_its_question_no_answer(post: Any, adapter: Any) -> None:
    """Neither says what became of the document: it waits, and is not sent a second time."""
    huge = Reply(200, {"content-type": "application/json"}, b" " * 100_000 + YES.body)
    answering(post, huge, huge)
    waiting = await attempted(post, adapter, times=2, readers=Overtaxed())
    assert (waiting.state, waiting.code, waiting.in_doubt) == (State.WAITING, "reply.too-costly", True)
    assert len(post.sender.keys()) == 2


async def test_a_declared_no_is_an_answer_whatever_page_comes_with_it(post: Any, adapter: Any) -> None:
    """404 is declared to mean that it never arrived; that it comes as a page is how servers say 404."""
    answering(post, LOST, Reply(404, {}, b"<html>not found</html>"), YES)
    delivered = await attempted(post, adapter, times=2)
    assert [one.request.method for one in post.sender.sent] == ["POST", "GET", "POST"]
    assert delivered.state is State.DELIVERED


async def test_a_question_has_a_key_of_its_own(post: Any, adapter: Any) -> None:
    """A receiver that remembers keys must not take the question for the document."""
    answering(post, LOST, Reply(404), YES)
    delivered = await attempted(post, adapter, times=2)
    first, question, second = post.sender.keys()
    assert first == second == delivered.id != question
    assert delivered.state is State.DELIVERED


async def test_a_setting_that_is_missing_holds_the_platform(post: Any, adapter: Any, spoil: Any) -> None:
    """Not the document's fault: it goes back, and the platform waits for its settings."""
    await post.platform(PLATFORM, base_url="http://nowhere.invalid")
    posted = await post.post(PLATFORM, "A-1")
    (heard,) = await once(post, spoil(adapter, authorise=reject))
    ready = await post.now(posted)
    assert (ready.state, ready.attempts, ready.held_by) == (State.READY, 1, HeldBy.CREDENTIALS)
    assert (heard.verdict.kind, heard.verdict.code) == (VerdictKind.CREDENTIALS, "setting.missing")
    assert post.sender.sent == []


async def test_the_reply_is_kept_but_not_all_of_it(post: Any, adapter: Any) -> None:
    """Enough to see what was said."""
    answering(post, Reply(200, {"content-type": "text/html"}, b"<html>" + b"x" * 100_000))
    waiting = await attempted(post, adapter)
    (attempt,) = await post.attempts(waiting)
    assert (attempt.status, attempt.verdict, attempt.code) == (200, "retry", "reply.unreadable")
    assert len(attempt.reply) == 16 * 1024


async def test_all_attempts_use_the_version_of_the_first(post: Any, adapter: Any, spoil: Any) -> None:
    """A newer adapter does not read the answers to an older one's request."""
    named: list[str] = []

    def version(name: str) -> Any:
        named.append(name)
        return adapter

    answering(post, Reply(503), YES)
    await post.platform(PLATFORM, base_url="http://nowhere.invalid")
    posted = await post.post(PLATFORM, "A-1")
    for current in (adapter, spoil(adapter, judge=fail, version="2.0.0")):
        await once(post, current, version)
    assert named == ["plain@1.2.0"]
    assert [one.verdict for one in await post.attempts(posted)] == ["retry", "accepted"]


async def test_what_was_never_sent_is_written_by_the_version_that_is_active_then(
    post: Any, adapter: Any, spoil: Any
) -> None:
    """It was begun and taken back: nothing is fixed yet."""
    await post.platform(PLATFORM, base_url="http://nowhere.invalid")
    posted = await post.post(PLATFORM, "A-1")
    claim = await post.ledger.claim(PLATFORM)
    request = adapter.translate_out
    to = DeliveryTarget(await post.known(PLATFORM), adapter, lambda name: adapter)
    quiet = alone(to, claim)
    shut = type(quiet)(to, claim, quiet.own, quiet.slots, lambda: False, quiet.on_outcome, quiet.on_error)
    (work,) = await post.ledger.heads(claim, post.clock(), post.clock() + HOUR, 1)
    await attempts_of(post).make(work, shut)
    assert post.sender.sent == []
    await once(post, spoil(adapter, version="2.0.0", translate_out=request))
    assert (await post.now(posted)).adapter == "plain@2.0.0"


async def test_calls_are_measured_by_ticks(post: Any, adapter: Any) -> None:
    """The clock was set back during the call; it took two seconds all the same, and these count as trying."""

    def slow(posted: Posted) -> Reply:
        post.ticks.now += 2
        post.clock.step(hours=-1)
        return Reply(400)

    post.sender.answer = slow
    dead = await attempted(post, adapter)
    (attempt,) = await post.attempts(dead)
    assert attempt.ended_at - attempt.started_at == timedelta(seconds=2)
    assert dead.tried_for == 2.0


@pytest.mark.parametrize(
    ("body", "state", "code"),
    [
        (b'{"code": 0, "data": {"id": "9"}}', State.DELIVERED, None),
        (b'{"code": 1001, "msg": "no"}', State.REFUSED, None),
        (b'{"code": 0, "da', State.WAITING, "reply.broken"),
        (b"<html>", State.WAITING, "reply.broken"),
        (b'{"code": 77}', State.WAITING, "reply.broken"),
    ],
)
async def test_a_reply_that_broke_off_counts_if_it_is_whole(
    post: Any, adapter: Any, body: bytes, state: State, code: str | None
) -> None:
    """A yes or no that can be read is one, under a length that was counted wrong; anything else is in doubt."""
    cut = Reply(200, {"content-type": "application/json"}, body)
    answering(post, NoAnswer("reply.broken", may_have_left=True, detail="3 bytes are missing", cut=cut))
    settled = await attempted(post, adapter)
    assert (settled.state, settled.code, settled.in_doubt) == (state, code, state is State.WAITING)


async def test_an_attempt_keeps_what_was_met(post: Any, adapter: Any) -> None:
    """The stable word is its code, and what the system said its reason."""
    answering(post, NoAnswer("connection.refused", may_have_left=False, detail="Connection refused"))
    waiting = await attempted(post, adapter)
    assert (waiting.code, waiting.reason) == ("connection.refused", "Connection refused")
