"""Tells authorities what the checks of their cases came to: what is news once, as messages of the gateway itself."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import tzinfo

from gateway.errors import HutongError
from gateway.intake.own import OwnMessages
from gateway.ledger.assessments import CaseFinding, FindingFilter, ToldFinding
from gateway.ledger.base import Ledger
from gateway.oversight.assessment import Result
from gateway.oversight.cases import issuer_of
from schemas.assessment import CaseChecks
from schemas.documents.assessment import Assessment

_log = logging.getLogger(__name__)

TOLD_BY = Assessment.CATALOG.name
"""The message type by which a finding is told, and answered."""

_NEWS = (Result.MET, Result.MISSED)
"""Results that are told by themselves; of the others only that what was told is not so any more."""

_EACH = 50
"""Findings of a case that are told again at most."""


class FindingTeller:
    """Tells findings. `tells`: whether platforms are told at all."""

    def __init__(
        self, ledger: Ledger, own: OwnMessages, zone: tzinfo, checks: CaseChecks, *, tells: bool = True
    ) -> None:
        self._ledger = ledger
        self._own = own
        self._zone = zone
        self._checks = checks
        self.tells = tells

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
            await self._tell(findings)

    async def tell_again(self, lane: str) -> None:
        """Tell the findings of a case that nobody was told of: whom to tell may have come since."""
        page = await self._ledger.find_findings(FindingFilter(lanes=(lane,)), None, _EACH)
        await self._tell([each for each in page.items if not each.told and each.result in _NEWS])

    async def _tell(self, findings: Iterable[CaseFinding]) -> None:
        """Tell findings, and note it of all in one write: of a new case most are told to nobody."""
        told: list[ToldFinding] = []
        for each in findings:
            try:
                told.append(ToldFinding(each, await self._told(each)))
            except HutongError as error:
                _log.warning("%s of %s is told later: %s", each.rule, each.case_number, error)
        if told:
            await self._note(told)

    async def _note(self, told: Sequence[ToldFinding]) -> None:
        try:
            await self._ledger.tell_findings(told)
        except HutongError as error:
            _log.warning("%d findings are told again later: %s", len(told), error)

    async def _told(self, finding: CaseFinding) -> str:
        """Tell a finding; gives the message, empty where nobody is told."""
        if not self.tells or (finding.result not in _NEWS and finding.last_told in (None, finding.result)):
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
