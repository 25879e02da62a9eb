"""Assesses cases when they change: gathers their documents, and keeps what the checks come to and until when."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta, tzinfo

from msgspec import Struct
from msgspec.structs import replace

from gateway.clock import Clock
from gateway.intake.own import ITSELF, OwnMessages
from gateway.ledger.assessments import CALENDAR, AssessedCase, CaseFinding, CaseFound, DueCase, FindingAnswer, Ground
from gateway.ledger.base import Ledger
from gateway.ledger.records import CalendarYear, MessageFilter
from gateway.message import Message, effective_document
from gateway.oversight.assessment import CheckOutcome, Papers, Result, assess, days_alike
from gateway.oversight.assessment.beside import changed_by, grounds_of, numbers_of
from gateway.oversight.cases import correlated, is_case, number_of, of_case
from gateway.oversight.clocks import CaseDocument, clocks
from gateway.oversight.finding_teller import TOLD_BY, FindingTeller
from gateway.oversight.years import AskedCalendar
from schemas import clocks as deadlines
from schemas.assessment import Beside, CaseChecks
from schemas.assessment_file import bundled
from schemas.findings import Text

_log = logging.getLogger(__name__)

HISTORY = timedelta(days=7)
"""What came longer ago is assessed, and nobody is told of it by itself: a gateway catches up with years at once."""

_EACH = 50
"""Messages that are looked up under one number beside a case."""


class _Seen(Struct, frozen=True):
    """What the findings of a correlation may change with: its newest message, and the years that operators entered."""

    newest: str | None
    years: tuple[CalendarYear, ...]


class _Look(Struct, frozen=True):
    """What a case came to, on which days it comes to that, and what it rests on outside the case."""

    outcomes: Sequence[CheckOutcome] = ()
    since: date | None = None
    until: date | None = None
    grounds: tuple[Ground, ...] = ()


class Assessor:
    """An observer of all messages, and what runs over many cases. `tells`: whether platforms are told of findings."""

    name = "assessment"

    def __init__(
        self,
        ledger: Ledger,
        own: OwnMessages,
        clock: Clock,
        zone: tzinfo,
        *,
        tells: bool = True,
        checks: CaseChecks | None = None,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._zone = zone
        self._checks = checks or bundled()
        asked = {test.deadline for check in self._checks.checks for test in check.tests}
        self._deadlines = [rule for rule in deadlines.bundled() if rule.rule in asked]
        self.teller = FindingTeller(ledger, own, zone, self._checks, tells=tells)

    # ── on every change ───────────────────────────────────────────────────────────────────────
    async def see(self, messages: Sequence[Message]) -> None:
        """Assess each case that these belong to, once, have those looked at that rest on them, and keep answers."""
        if grounds := [ground for each in messages for ground in changed_by(each, self._checks)]:
            await self._ledger.change_grounds(grounds)
        changed: dict[str, dict[str, bool]] = {}
        for each in messages:
            if each.type == TOLD_BY:
                # What the gateway says itself changes no case: else each assessment would lead to the next.
                await self._heard(each)
            elif is_case(each.ordering_key):
                history = each.received_at < self._clock() - HISTORY
                changed.setdefault(each.correlation_id, {})[each.ordering_key] = not history
        for correlation_id, lanes in changed.items():
            await self._assess(correlation_id, lanes)
        await self.teller.tell()

    async def _heard(self, message: Message) -> None:
        said = effective_document(message)
        reviewer, answer = said.get("reviewer"), said.get("answer")
        if message.source != ITSELF.id and (reviewer or answer):
            heard = FindingAnswer(message.source, message.received_at, reviewer, answer)
            await self._ledger.answer_finding(message.ordering_key, str(said["rule"]), heard)

    # ── cases ─────────────────────────────────────────────────────────────────────────────────
    async def assess(self, lanes: Iterable[str], correlation_id: str) -> Sequence[CaseFinding]:
        """Assess cases of one correlation as they stand, and keep what their checks come to; gives what is news.

        A case that cannot be judged keeps the findings that it has.
        """
        return await self._assess(correlation_id, dict.fromkeys(lanes, True))

    async def _assess(self, correlation_id: str, lanes: Mapping[str, bool]) -> Sequence[CaseFinding]:
        """Assess cases; of each it is said whether its news may be told.

        If not, they are kept as told to nobody at once: nothing tells them in between.
        """
        # Check, put, check: who looked longer may put what an older look came to over a newer one. Whoever puts looks
        # again, so that the last one to put has seen everything.
        news: dict[tuple[str, str], CaseFinding] = {}
        while True:
            seen, found = await self._assessed(correlation_id, lanes)
            news |= {(each.lane, each.rule): each for each in found}
            if seen == await self._standing(correlation_id):
                return tuple(news.values())

    async def _standing(self, correlation_id: str) -> _Seen:
        page = await self._ledger.find_messages(MessageFilter(correlation_id=correlation_id), None, 1)
        return _Seen(page.items[0].id if page.items else None, tuple(await self._ledger.years()))

    async def _assessed(self, correlation_id: str, lanes: Mapping[str, bool]) -> tuple[_Seen, Sequence[CaseFinding]]:
        """Assess cases once; gives what was seen, and what is news."""
        changes = await self._ledger.ground_changes(list(lanes))
        years = tuple(await self._ledger.years())
        every, complete = await correlated(self._ledger, correlation_id)
        findings: list[CaseFinding] = []
        cases: list[AssessedCase] = []
        for lane, tells in lanes.items():
            messages = [each for each in of_case(every, lane) if each.document]
            own = [each for each in messages if each.ordering_key == lane and each.type != TOLD_BY]
            looked = await self._looked(messages, lane, years) if own else _Look()
            case = AssessedCase(lane, correlation_id, looked.since, looked.until, looked.grounds, changes.get(lane, 0))
            cases.append(case)
            outcomes = looked.outcomes if complete else [_of_a_part(each) for each in looked.outcomes]
            told = None if tells and self.teller.tells else ""
            findings += [self._finding(each, case, own[0].region, told) for each in outcomes]
        news = await self._ledger.put_findings(findings, cases)
        return _Seen(every[-1].id if every else None, years), news

    async def _looked(self, messages: Sequence[Message], lane: str, years: Iterable[CalendarYear]) -> _Look:
        case = self._documents(messages)
        there = {each.id for each in messages}
        beside = self._documents(await self._beside(self._checks.beside, case, there))
        others = [each for each in await self._beside(self._checks.elsewhere, case, there) if each.ordering_key != lane]
        now, calendar = self._clock(), AskedCalendar.of(years)
        today = now.astimezone(self._zone).date()
        try:
            standing = clocks(case, self._deadlines, calendar, now, self._zone)
            papers = Papers(case, beside, self._documents(others), standing, calendar, self._zone)
            outcomes = assess(self._checks, papers, today)
            since, until = days_alike(self._checks, papers, today)
        except Exception as error:
            # Nothing here waits for the ledger: the case itself is what cannot be judged, and the others go on.
            _log.error("%s cannot be assessed: what was found of it stays", lane, exc_info=error)
            outcomes, since, until = (), today, today + timedelta(days=1)
        years_asked = (Ground(CALENDAR, str(year)) for year in calendar.asked)
        return _Look(outcomes, since, until, (*grounds_of(self._checks, case), *years_asked))

    async def _beside(
        self, wanted: Iterable[Beside], case: Sequence[CaseDocument], there: Collection[str]
    ) -> Sequence[Message]:
        """Look up what stands beside a case: messages under the numbers that its documents name."""
        found: dict[str, Message] = {}
        for each in wanted:
            for number in numbers_of(each, case):
                page = await self._ledger.naming(each.key, number, each.type, _EACH)
                found.update((one.id, one) for one in page if one.id not in there)
        return sorted(found.values(), key=lambda one: one.received_at)

    def _documents(self, messages: Iterable[Message]) -> Sequence[CaseDocument]:
        return [
            CaseDocument(
                each.id,
                each.type,
                each.source,
                effective_document(each),
                each.received_at.astimezone(self._zone).date(),
            )
            for each in messages
        ]

    def _finding(self, outcome: CheckOutcome, case: AssessedCase, region: str, told: str | None) -> CaseFinding:
        return CaseFinding(
            lane=case.lane,
            rule=outcome.check.rule,
            case_number=number_of(case.lane),
            correlation_id=case.correlation_id,
            region=region,
            version=outcome.check.version,
            result=outcome.result.value,
            said_zh=outcome.said.zh,
            said_en=outcome.said.en,
            evidence=outcome.evidence,
            at=self._clock(),
            told=told,
        )


def by_correlation(cases: Iterable[CaseFound | DueCase]) -> Mapping[str, Sequence[str]]:
    """Give the lanes of cases by the correlation in which each was found last: what they share is read once."""
    last = {each.lane: each.correlation_id for each in cases}
    lanes: dict[str, list[str]] = {}
    for lane, correlation_id in last.items():
        lanes.setdefault(correlation_id, []).append(lane)
    return lanes


def _of_a_part(outcome: CheckOutcome) -> CheckOutcome:
    """Give what is known when only the newest messages were looked at: what is missed may be among the rest."""
    if outcome.result is not Result.MISSED:
        return outcome
    said = Text(f"{outcome.said.zh}案卷文书过多，未全部查看。", f"{outcome.said.en} Not all messages were looked at.")
    return replace(outcome, result=Result.UNKNOWN, said=said)
