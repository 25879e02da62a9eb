"""Beats: for how long a process may be sure of its claims, and how soon it sees that another's have lapsed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.delivery.beats import EVERY, MARGIN, Beats
from gateway.errors import Unavailable
from gateway.ledger.base import TERM
from gateway.ledger.records import Presence, StandingClaim
from schemas.findings import Text

START = datetime(2026, 9, 1, tzinfo=UTC)
PENALTY = "penalty.330000"
SURE = TERM.total_seconds() - MARGIN


class Ticks:
    """Seconds that stand still until they are moved on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Give the seconds so far."""
        return self.now


class Answers:
    """What a ledger answers to beats: a presence, or an error, perhaps after a while."""

    def __init__(self, ticks: Ticks) -> None:
        self.ticks = ticks
        self.presence = presence()
        self.fails = False
        self.takes = 0.0
        self.beats: list[bool] = []
        self.beaten = asyncio.Event()

    async def beat(self, *, leaving: bool = False) -> Presence:
        """Answer a beat."""
        self.beats.append(leaving)
        self.beaten.set()
        self.ticks.now += self.takes
        if self.fails:
            raise Unavailable(Text("断线", "gone"), code="ledger.unreachable")
        return self.presence

    async def next(self) -> None:
        """Wait for a beat that begins from now on."""
        self.beaten.clear()
        async with asyncio.timeout(10):
            await self.beaten.wait()


def presence(*, alone: bool = False, lapses_in: float | None = None) -> Presence:
    """A presence in which another process has a claim that lapses after so many seconds."""
    until = None if lapses_in is None else START + timedelta(seconds=lapses_in)
    claims = {PENALTY: StandingClaim("other:1:a", 3, until)} if lapses_in is not None else {}
    return Presence("me:1:a", frozenset({"me:1:a"}), claims, START, 0, alone)


@pytest.fixture
def ticks() -> Ticks:
    """Ticks that a test moves."""
    return Ticks()


@pytest.fixture
def answers(ticks: Ticks) -> Answers:
    """What the ledger answers."""
    return Answers(ticks)


@pytest.fixture
async def beating(answers: Answers, ticks: Ticks) -> AsyncIterator[Callable[..., Any]]:
    """Makes beats, and ends them."""
    made = []

    def make(every: float = EVERY, heard: Any = lambda presence, was_sure: None) -> Beats:
        made.append(Beats(answers, ticks, heard, every=every))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        await each.stop()


async def test_sure_until_a_second_before_a_claim_can_lapse(beating: Any, ticks: Ticks) -> None:
    """Counted from before the beat was begun: the ledger may have read its clock at that moment."""
    beats = beating()
    assert not beats.sure, "nothing was confirmed yet"
    await beats.beat()
    ticks.now += SURE - 0.001
    assert beats.sure
    ticks.now += 0.001
    assert not beats.sure


async def test_a_beat_that_takes_long_gives_less(beating: Any, answers: Answers, ticks: Ticks) -> None:
    """What it took counts as gone, and one that took too long gives nothing."""
    beats = beating()
    answers.takes = SURE - 0.5
    await beats.beat()
    assert beats.sure
    ticks.now += 0.5
    assert not beats.sure
    answers.takes = SURE
    await beats.beat()
    assert not beats.sure


async def test_a_beat_that_is_not_confirmed_gives_nothing(beating: Any, answers: Answers, ticks: Ticks) -> None:
    """What was confirmed before goes on, and ends in its time; the next one that is confirmed begins anew."""
    told: list[bool] = []
    beats = beating(heard=lambda presence, was_sure: told.append(was_sure))
    await beats.beat()
    answers.fails = True
    ticks.now += SURE / 2
    with pytest.raises(Unavailable):
        await beats.beat()
    assert beats.sure
    ticks.now += SURE / 2
    assert not beats.sure
    answers.fails = False
    await beats.beat()
    assert beats.sure
    assert told == [False, False], "each time it was not sure before"


async def test_who_is_alone_is_always_sure_and_beats_once(beating: Any, answers: Answers, ticks: Ticks) -> None:
    """Over a file nothing lapses, however long the process stood still."""
    answers.presence = presence(alone=True)
    beats = beating(every=0)
    await beats.start()
    ticks.now += 1e6
    assert beats.sure
    await asyncio.sleep(0.02)
    assert answers.beats == [False]


async def test_it_beats_again_and_again_also_after_a_failure(beating: Any, answers: Answers) -> None:
    """Nobody has to ask for it."""
    beats = beating(every=0.01)
    await beats.start()
    await answers.next()
    answers.fails = True
    await answers.next()
    answers.fails = False
    await answers.next()


async def test_a_claim_that_lapses_soon_is_looked_at_then(beating: Any, answers: Answers) -> None:
    """Its process is silent: the next beat comes when it has lapsed, and not a whole interval later."""
    answers.presence = presence(lapses_in=0.05)
    beats = beating(every=3600)
    await beats.start()
    await answers.next()


async def test_a_hastened_beat_comes_at_once(beating: Any, answers: Answers) -> None:
    """Somebody told that something changed."""
    beats = beating(every=3600)
    await beats.start()
    beats.hasten()
    await answers.next()


async def test_who_leaves_says_so(beating: Any, answers: Answers) -> None:
    """At once, and with every beat from then on."""
    beats = beating(every=3600)
    await beats.start()
    beats.leave()
    await answers.next()
    assert answers.beats == [False, True]
