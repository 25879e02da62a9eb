"""Oversight of cases over intake, with what the gateway itself sends; and the reports of what a ledger was told of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from faulty import FaultyLedger
from msgspec.structs import replace
from telling import MOBILE, PENALTY, Telling

from gateway.intake.own import OwnMessages
from gateway.ledger.assessments import CaseFinding, FindingFilter
from gateway.ledger.base import Ledger
from gateway.ledger.records import Intent, MessageFilter
from gateway.message import Message
from gateway.oversight.assessments import Assessments
from gateway.oversight.assessor import TOLD_BY, Assessor
from gateway.oversight.cases import CaseFinder
from gateway.oversight.due_cases import DueCases
from gateway.oversight.follower import Follower

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass
class Office:
    """A desk, and what watches over its cases. `now` is what the assessor's clock says, if it is not the desk's."""

    desk: Any
    tells: bool = True
    now: Any = None

    def __post_init__(self) -> None:
        self.reopen()

    def reopen(self) -> None:
        """Begin anew over the same ledger, as another process does after a crash."""
        ledger, reception = self.desk.ledger, self.desk.reception
        self.cases = CaseFinder(ledger, self.clock, ZONE)
        self.own = OwnMessages(reception.preview_submission, reception.submit)
        self.assessor = Assessor(ledger, self.own, self.clock, ZONE, tells=self.tells)
        self.due = DueCases(ledger, self.assessor, self.clock, ZONE, most=2)
        self.assessments = Assessments(ledger, self.cases, self.assessor, self.clock, step=2, pause=0.0)
        self.follower = Follower(ledger, (self.assessor,), share=1.0)

    def clock(self) -> Any:
        """Give the time."""
        return self.now or self.desk.clock()

    def intent(self, reason: str = "稽查", key: str | None = None) -> Intent:
        """What an operator wants."""
        return Intent("operator", reason, self.clock(), key)

    async def follow(self) -> None:
        """Let the assessor see everything that there is, what it says itself included."""
        while await self.follower.step():
            pass

    async def look(self) -> int:
        """Let everything be looked at that is due; gives how many steps that took."""
        steps = 1
        while await self.due.step():
            steps += 1
        await self.follow()
        return steps

    async def findings(self, rule: str | None = None, **filter: Any) -> list[CaseFinding]:
        """What is kept."""
        found = await self.desk.ledger.find_findings(FindingFilter(rule=rule, **filter), None, 200)
        return list(found.items)

    async def said(self) -> list[Message]:
        """What the gateway said of cases, the first first."""
        found = await self.desk.ledger.find_messages(MessageFilter(type=TOLD_BY), None, 200)
        return list(found.items)[::-1]


@pytest.fixture
async def office(plain: Any, new_ledger: Callable[[], Ledger], desk_of: Any) -> AsyncIterator[Office]:
    """Oversight over a ledger that fails as it is told to; everybody speaks canonically."""
    ledger = FaultyLedger(new_ledger())
    await ledger.start()
    office = Office(desk_of(ledger, replace(plain, name="canonical")))
    yield office
    await office.assessments.stop()
    await ledger.stop()


@pytest.fixture
async def empty(new_ledger: Callable[[], Ledger]) -> AsyncIterator[Ledger]:
    """A ledger with nothing in it."""
    ledger = new_ledger()
    await ledger.start()
    yield ledger
    await ledger.stop()


@pytest.fixture
async def telling(empty: Ledger) -> Telling:
    """A ledger in which a province's mobile enforcement and penalty platform are registered; two checks a year."""
    made = Telling(empty, cap=2)
    await made.register(MOBILE, PENALTY)
    return made
