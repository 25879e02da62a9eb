"""Assesses cases when they change: gathers their documents, keeps what the checks come to, and tells what is news."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta, tzinfo

from msgspec.structs import replace

from gateway.clock import Clock
from gateway.errors import HutongError
from gateway.intake.own import ITSELF, OwnMessages
from gateway.ledger.assessments import CaseFinding, FindingAnswer, FindingFilter
from gateway.ledger.base import Ledger
from gateway.ledger.records import MessageFilter
from gateway.message import Message, effective_document
from gateway.oversight.assessment import CheckOutcome, Papers, Result, assess
from gateway.oversight.assessment.papers import values
from gateway.oversight.cases import correlated, of_case
from gateway.oversight.clocks import CaseDocument, clocks
from gateway.oversight.years import known_days
from schemas import clocks as deadlines
from schemas.assessment import Beside, CaseChecks
from schemas.assessment_file import bundled
from schemas.documents.assessment import Assessment
from schemas.findings import Text

_log = logging.getLogger(__name__)

TOLD_BY = Assessment.CATALOG.name
"""The message type by which a finding is told, and answered."""

CASE = "case_number"
"""How the lanes of cases begin."""

HISTORY = timedelta(days=7)
"""What came longer ago is assessed, and nobody is told of it by itself: a gateway catches up with years at once."""

_NUMBERS, _EACH = 20, 50
"""Numbers of a case by which more is looked up beside it, and messages that are taken of each."""

_NEWS = (Result.MET, Result.MISSED)
"""Results that are told by themselves; of the others only that what was told is not so any more."""


def is_case(lane: str) -> bool:
    """Tell whether an ordering key is a case's."""
    return lane.startswith(f"{CASE}:")


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
        self._own = own
        self._clock = clock
        self._zone = zone
        self._tells = tells
        self._checks = checks or bundled()

    # ── on every change ───────────────────────────────────────────────────────────────────────
    async def see(self, messages: Sequence[Message]) -> None:
        """Assess each case that these belong to, once, and keep what authorities answered."""
        changed: dict[str, Message] = {}
        for each in messages:
            if each.type == TOLD_BY:
                # What the gateway says itself changes no case: else each assessment would lead to the next.
                await self._heard(each)
            elif is_case(each.ordering_key):
                changed[each.ordering_key] = each
        for last in changed.values():
            history = last.received_at < self._clock() - HISTORY
            await self.assess(last.ordering_key, last.correlation_id, tells=not history)
        await self.tell()

    async def _heard(self, message: Message) -> None:
        said = effective_document(message)
        reviewer, answer = said.get("reviewer"), said.get("answer")
        if message.source != ITSELF.id and (reviewer or answer):
            heard = FindingAnswer(message.source, message.received_at, reviewer, answer)
            await self._ledger.answer_finding(message.ordering_key, str(said["rule"]), heard)

    # ── one case ──────────────────────────────────────────────────────────────────────────────
    async def assess(self, lane: str, correlation_id: str, *, tells: bool = True) -> Sequence[CaseFinding]:
        """Assess a case as it stands, and keep what its checks come to; gives what is news.

        `tells`: whether that may be told. If not, it is kept as told to nobody at once: nothing tells it in between.
        A case that cannot be judged keeps the findings that it has.
        """
        # Check, put, check: who looked longer may put what an older look came to over a newer one. Whoever puts looks
        # again, so that the last one to put has seen everything.
        news: dict[str, CaseFinding] = {}
        while True:
            seen, found = await self._assessed(lane, correlation_id, tells=tells)
            news |= {each.rule: each for each in found}
            if seen == await self._newest(correlation_id):
                return tuple(news.values())

    async def _newest(self, correlation_id: str) -> str | None:
        page = await self._ledger.find_messages(MessageFilter(correlation_id=correlation_id), None, 1)
        return page.items[0].id if page.items else None

    async def _assessed(
        self, lane: str, correlation_id: str, *, tells: bool
    ) -> tuple[str | None, Sequence[CaseFinding]]:
        """Assess a case once; gives the newest message that was seen, and what is news."""
        every, complete = await correlated(self._ledger, correlation_id)
        messages = [each for each in of_case(every, lane) if each.document]
        own = [each for each in messages if each.ordering_key == lane and each.type != TOLD_BY]
        newest = every[-1].id if every else None
        if not own:
            return newest, ()
        outcomes = await self._outcomes(messages, lane)
        if not complete:
            outcomes = [_of_a_part(each) for each in outcomes]
        told = None if tells and self._tells else ""
        region = own[0].region
        kept = [self._finding(each, lane, correlation_id, region, told) for each in outcomes]
        return newest, await self._ledger.put_findings(kept)

    async def _outcomes(self, messages: Sequence[Message], lane: str) -> Sequence[CheckOutcome]:
        case = self._documents(messages)
        beside = self._documents(await self._beside(self._checks.beside, case, messages))
        others = [
            each for each in await self._beside(self._checks.elsewhere, case, messages) if each.ordering_key != lane
        ]
        now, days = self._clock(), known_days(await self._ledger.years())
        try:
            standing = clocks(case, deadlines.bundled(), days, now, self._zone)
            papers = Papers(case, beside, self._documents(others), standing, days, self._zone)
            return assess(self._checks, papers, now.astimezone(self._zone).date())
        except Exception as error:
            # Nothing here waits for the ledger: the case itself is what cannot be judged, and the others go on.
            _log.error("%s cannot be assessed: what was found of it stays", lane, exc_info=error)
            return ()

    async def _beside(
        self, wanted: Iterable[Beside], case: Sequence[CaseDocument], messages: Sequence[Message]
    ) -> Sequence[Message]:
        """Look up what stands beside a case: messages under the numbers that its documents name."""
        there = {each.id for each in messages}
        found: dict[str, Message] = {}
        for each in wanted:
            named = {str(one): None for paper in case for path in each.fields for one in values(paper.document, path)}
            for number in list(named)[:_NUMBERS]:
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

    def _finding(
        self, outcome: CheckOutcome, lane: str, correlation_id: str, region: str, told: str | None
    ) -> CaseFinding:
        return CaseFinding(
            lane=lane,
            rule=outcome.check.rule,
            case_number=number_of(lane),
            correlation_id=correlation_id,
            region=region,
            version=outcome.check.version,
            result=outcome.result.value,
            said_zh=outcome.said.zh,
            said_en=outcome.said.en,
            evidence=outcome.evidence,
            at=self._clock(),
            told=told,
        )

    # ── telling ───────────────────────────────────────────────────────────────────────────────
    async def tell(self) -> None:
        """Tell whatever is not told yet, of this process and of one that ended before it could.

        Kept first, told then, noted last: after a crash between two of them it is told again, as the same message.
        What cannot be told now is tried again at the next change, or in a minute.
        """
        after = 0
        while True:
            findings, after = await self._ledger.untold_findings(after)
            if not findings:
                return
            for each in findings:
                try:
                    await self._ledger.tell_finding(each, await self._told(each))
                except HutongError as error:
                    _log.warning("%s of %s is told later: %s", each.rule, each.case_number, error)

    async def tell_again(self, lane: str) -> None:
        """Tell the findings of a case that nobody was told of: whom to tell may have come since."""
        page = await self._ledger.find_findings(FindingFilter(lanes=(lane,)), None, _EACH)
        for each in page.items:
            if not each.told and each.result in _NEWS:
                await self._ledger.tell_finding(each, await self._told(each))

    async def _told(self, finding: CaseFinding) -> str:
        """Tell a finding; gives the message, empty where nobody is told."""
        if not self._tells or (finding.result not in _NEWS and finding.last_told in (None, finding.result)):
            return ""
        return await self._own.send(TOLD_BY, self._document(finding), issuer_of(finding.lane)) or ""

    def _document(self, finding: CaseFinding) -> dict[str, object]:
        said = {
            "subject": {"case_number": finding.case_number},
            "rule": finding.rule,
            "version": finding.version,
            "result": finding.result,
            "at": finding.at.astimezone(self._zone).isoformat(timespec="seconds"),
            "evidence": list(finding.evidence),
            "article": next((each.article for each in self._checks.checks if each.rule == finding.rule), None),
            "detail": finding.said_zh,
            "region": finding.region,
        }
        return {name: value for name, value in said.items() if value}


def _of_a_part(outcome: CheckOutcome) -> CheckOutcome:
    """Give what is known when only the newest messages were looked at: what is missed may be among the rest."""
    if outcome.result is not Result.MISSED:
        return outcome
    said = Text(f"{outcome.said.zh}案卷文书过多，未全部查看。", f"{outcome.said.en} Not all messages were looked at.")
    return replace(outcome, result=Result.UNKNOWN, said=said)


def number_of(lane: str) -> str:
    """Give the number of a case as its issuer writes it."""
    return lane.split(":", 2)[2]


def issuer_of(lane: str) -> str:
    """Give the platform that issued the number of a case."""
    return lane.split(":", 2)[1]
