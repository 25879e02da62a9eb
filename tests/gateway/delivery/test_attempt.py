"""What an attempt makes of trouble on our own side: adapters that fail, a ledger that is away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from gateway.ledger.memory import MemoryLedger

from adapters.adapter import DeclarativeAdapter
from adapters.base import OutboundRequest, Reply, Verdict, VerdictKind
from gateway.delivery.attempt import Attempts, DeliveryTarget
from gateway.delivery.sender import NoAnswer, Sender
from gateway.errors import Unavailable
from gateway.ledger.records import Platform, Settlement
from gateway.message import Delivery, State
from gateway.telemetry.events import DeliveryStumbled, Event, Events
from schemas.findings import Rejected, Text

PLATFORM = "penalty.330100"


class Spoilt:
    """An adapter with one method that does something else."""

    def __init__(self, adapter: DeclarativeAdapter, **methods: Any) -> None:
        self._adapter = adapter
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        """Give the other method, or the adapter's own."""
        return self._methods.get(name) or getattr(self._adapter, name)


class Answers(Sender):
    """A sender that says what it is told to, one answer a call."""

    def __init__(self, *answers: Reply | Exception) -> None:
        super().__init__()
        self.answers = list(answers)
        self.sent: list[OutboundRequest] = []

    async def send(self, platform: Platform, request: OutboundRequest, timeout: timedelta) -> Reply:
        """Give the next answer."""
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Away(MemoryLedger):
    """A ledger that cannot settle the first times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def settle(self, settlement: Settlement) -> bool:
        """Fail a few times."""
        self.times -= 1
        if self.times >= 0:
            raise Unavailable(Text("磁盘已满", "the disk is full"))
        return await super().settle(settlement)


def fail(*_: Any, **__: Any) -> Any:
    """Be a bug."""
    raise KeyError("bug")


def reject(*_: Any, **__: Any) -> Any:
    """Be a setting that is not filled in."""
    raise Rejected("setting.missing", Text("未填写", "not filled in"))


YES = Reply(200, {"content-type": "application/json"}, b'{"code": 0, "data": {"id": "9"}}')
LOST = NoAnswer("connection.lost", may_have_left=True)
REFUSED = NoAnswer("connection.failed", may_have_left=False)


@pytest.fixture
def heard() -> list[Event]:
    """Give the list that events go to."""
    return []


async def attempted(
    world: Any, adapter: Any, sender: Sender, heard: list[Event], ledger: MemoryLedger, times: int = 1
) -> tuple[Delivery, list[Verdict]]:
    """Post one message and try it, as often as told; give the delivery and the holds asked for."""
    holds: list[Verdict] = []

    async def hold(verdict: Verdict) -> None:
        holds.append(verdict)

    world.ledger = ledger
    await ledger.start()
    await world.platform(PLATFORM, base_url="http://nowhere.invalid")
    posted = await world.post(PLATFORM, "A-1")
    attempts = Attempts(ledger, sender, world.clock, Events([heard.append]), ledger_pause=timedelta(0))
    to = DeliveryTarget(await world.known(PLATFORM), adapter, lambda name: adapter)
    for _ in range(times):
        (work,) = await ledger.heads(PLATFORM, world.clock() + timedelta(hours=1), 1)
        await attempts.make(work, to, Slot(), hold)
    return await world.now(posted), holds


class Slot:
    """A slot that is always free."""

    async def __aenter__(self) -> None:
        """Take it."""

    async def __aexit__(self, *_: object) -> None:
        """Give it back."""


async def test_a_bug_in_translation_is_a_dead_letter_not_a_stop(world: Any, adapter: Any, heard: list[Event]) -> None:
    """The document is put aside with the name of the fault, and somebody is told."""
    dead, _ = await attempted(world, Spoilt(adapter, translate_out=fail), Answers(), heard, MemoryLedger())
    assert (dead.state, dead.code, dead.reason) == (State.DEAD, "translation.failed", "KeyError")
    assert [event for event in heard if isinstance(event, DeliveryStumbled)] == [DeliveryStumbled(PLATFORM, "KeyError")]


async def test_a_bug_in_judging_leaves_it_in_doubt(world: Any, adapter: Any, heard: list[Event]) -> None:
    """The platform may have taken it: it is tried again, and asked first."""
    waiting, _ = await attempted(world, Spoilt(adapter, judge=fail), Answers(YES), heard, MemoryLedger())
    assert (waiting.state, waiting.code, waiting.in_doubt) == (State.WAITING, "internal", True)


async def test_what_a_platform_said_survives_a_ledger_that_is_away(
    world: Any, adapter: Any, heard: list[Event]
) -> None:
    """The answer is kept until it can be written down; the document is not sent again."""
    sender = Answers(YES)
    delivered, _ = await attempted(world, adapter, sender, heard, Away(3))
    assert delivered.state is State.DELIVERED
    assert len(sender.sent) == 1
    assert len([event for event in heard if isinstance(event, DeliveryStumbled)]) == 3


async def test_doubt_stays_until_it_is_answered(world: Any, adapter: Any, heard: list[Event]) -> None:
    """Lost once, then unreachable: the second failure does not take the first doubt away."""
    waiting, _ = await attempted(world, adapter, Answers(LOST, REFUSED), heard, MemoryLedger(), times=2)
    assert (waiting.state, waiting.code, waiting.in_doubt) == (State.WAITING, "connection.failed", True)


async def test_a_platform_too_unwell_to_be_asked_gets_nothing_resent(
    world: Any, adapter: Any, heard: list[Event]
) -> None:
    """A question answered 503 tells nothing: wait and ask again, do not resend blindly."""
    sender = Answers(LOST, Reply(503, {"retry-after": "9"}))
    waiting, _ = await attempted(world, adapter, sender, heard, MemoryLedger(), times=2)
    assert [request.method for request in sender.sent] == ["POST", "GET"]
    assert (waiting.state, waiting.in_doubt) == (State.WAITING, True)


async def test_a_question_has_a_key_of_its_own(world: Any, adapter: Any, heard: list[Event]) -> None:
    """A receiver that remembers keys must not take the question for the document."""
    sender = Answers(LOST, Reply(404), YES)
    delivered, _ = await attempted(world, adapter, sender, heard, MemoryLedger(), times=2)
    first, question, second = (request.headers["Idempotency-Key"] for request in sender.sent)
    assert first == second == delivered.id != question
    assert delivered.state is State.DELIVERED


async def test_a_setting_that_is_missing_holds_the_platform(world: Any, adapter: Any, heard: list[Event]) -> None:
    """Not the document's fault: it goes back, and the platform waits for its settings."""
    ready, holds = await attempted(world, Spoilt(adapter, authorise=reject), Answers(), heard, MemoryLedger())
    assert (ready.state, ready.attempts) == (State.READY, 1)
    assert [(verdict.kind, verdict.code) for verdict in holds] == [(VerdictKind.CREDENTIALS, "setting.missing")]


async def test_the_reply_is_kept_but_not_all_of_it(world: Any, adapter: Any, heard: list[Event]) -> None:
    """Enough to see what was said."""
    page = Reply(200, {"content-type": "text/html"}, b"<html>" + b"x" * 100_000)
    dead, _ = await attempted(world, adapter, Answers(page), heard, MemoryLedger())
    (attempt,) = await world.attempts(dead)
    assert (attempt.status, attempt.verdict, attempt.code) == (200, "dead", "reply.unrecognised")
    assert len(attempt.reply) == 16 * 1024


async def test_the_version_of_the_first_attempt_speaks_for_it_ever_after(
    world: Any, adapter: Any, heard: list[Event]
) -> None:
    """A newer adapter does not read the answers to an older one's request."""
    named: list[str] = []

    def version(name: str) -> Any:
        named.append(name)
        return adapter

    ledger = world.ledger = MemoryLedger()
    await ledger.start()
    await world.platform(PLATFORM, base_url="http://nowhere.invalid")
    await world.post(PLATFORM, "A-1")
    attempts = Attempts(ledger, Answers(Reply(503), YES), world.clock, Events())
    newer = Spoilt(adapter, judge=fail, version="2.0.0")
    for current in (adapter, newer):
        (work,) = await ledger.heads(PLATFORM, world.clock() + timedelta(hours=1), 1)
        await attempts.make(work, DeliveryTarget(await world.known(PLATFORM), current, version), Slot(), reject)
    assert named == ["plain@1.2.0"]
    assert [one.verdict for one in await world.attempts(work.delivery)] == ["retry", "accepted"]
