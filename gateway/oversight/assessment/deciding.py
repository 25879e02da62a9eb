"""What the checks of a case file come to, decided from its documents; pure, and it names no document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from gateway.oversight.assessment.amounts import amounts
from gateway.oversight.assessment.dates import dates, deadline, present, window
from gateway.oversight.assessment.papers import Looked, Papers, Result
from gateway.oversight.assessment.people import alike, apart, once, people
from gateway.oversight.assessment.texts import name, provisions
from gateway.oversight.clocks import CaseDocument
from schemas.assessment import CaseCheck, CaseChecks, CheckTest
from schemas.findings import Text

_TESTS: Mapping[str, Callable[[Any, CaseDocument, Papers], Looked | None]] = {
    "people": people, "apart": apart, "alike": alike, "once": once, "name": name, "provisions": provisions,
    "amounts": amounts, "dates": dates, "present": present, "window": window,
}  # fmt: skip
"""What decides a test of a document, by the name that it has in the file."""

_WORST = (Result.MISSED, Result.UNKNOWN, Result.MET)
_TOLD = 3
"""As many things that were seen are told in one sentence."""

MOST_EVIDENCE = 50
"""As many messages are named at most."""


class CheckOutcome(Struct, frozen=True):
    """What one check of a case came to, and the messages that show it, in the order of the case."""

    check: CaseCheck
    result: Result
    said: Text
    evidence: tuple[str, ...]


def assess(checks: CaseChecks, papers: Papers, today: date) -> tuple[CheckOutcome, ...]:
    """Give every check of a case as it comes out, in the order of the file.

    Of each rule the version counts that holds on the day of the case, and today where it has none.
    """
    case = next(iter(papers.events(checks.dated, None)), None)
    day = case.day if case is not None else today
    return tuple(_checked(check, papers) for check in checks.of(day))


def days_alike(checks: CaseChecks, papers: Papers, today: date) -> tuple[date | None, date | None]:
    """Give the days on which, if no document comes, every check comes out as today: from one until before another.

    None: on all days before, or after.
    """
    turns = set(_turning_days(checks, papers))
    since = max((day for day in turns if day <= today), default=None)
    until = min((day for day in turns if day > today), default=None)
    return since, until


def _turning_days(checks: CaseChecks, papers: Papers) -> Iterator[date]:
    """Give the days on which a check may begin to come out otherwise than on the day before."""
    case = next(iter(papers.events(checks.dated, None)), None)
    if case is None:
        for each in checks.checks:
            yield from (day for day in (each.valid.since, _day_after(each.valid.until)) if day is not None)
    asked = {test.deadline for check in checks.checks for test in check.tests}
    for clock in papers.clocks:
        # What has ended stays met or missed; what has not is missed from the day after its last one on.
        if clock.rule.rule in asked and clock.ended_at is None and (missed := _day_after(clock.due_at)) is not None:
            yield missed


def _day_after(day: date | None) -> date | None:
    return None if day is None or day == date.max else day + timedelta(days=1)


def _checked(check: CaseCheck, papers: Papers) -> CheckOutcome:
    found = [looked for looked in _looked(check, papers) if looked is not None]
    result = next((each for each in _WORST if any(one.result is each for one in found)), Result.NOT_APPLICABLE)
    telling = [one for one in found if one.result is result]
    evidence = papers.in_order(id for one in telling for id in one.evidence)
    return CheckOutcome(check, result, _sentence(check, telling), evidence[:MOST_EVIDENCE])


def _looked(check: CaseCheck, papers: Papers) -> Iterator[Looked | None]:
    subjects: Iterable[CaseDocument | None] = papers.there(check.of, None) if check.of else (None,)
    for subject in subjects:
        if papers.enough(check.when, subject):
            for test in check.tests:
                yield _tested(test, subject, papers)


def _tested(test: CheckTest, subject: CaseDocument | None, papers: Papers) -> Looked | None:
    if not papers.enough(test.when, subject):
        return None
    if test.deadline is not None:
        return deadline(test.deadline, papers)
    assert subject is not None, "the file was refused otherwise"
    return _TESTS[test.kind](getattr(test, test.kind), subject, papers)


def _sentence(check: CaseCheck, telling: list[Looked]) -> Text:
    """Say what was looked at and what was seen; never what anybody is to be blamed for."""
    if not telling:
        return Text(f"{check.looks}没有可看的文书。", f"{check.looked.en} There is no document to look at.")
    zh = "；".join(dict.fromkeys(each.said.zh for each in telling[:_TOLD]))
    en = "; ".join(dict.fromkeys(each.said.en for each in telling[:_TOLD]))
    more = len(telling) - _TOLD
    if more > 0:
        zh, en = f"{zh}；另有{more}处", f"{en}; and {more} more"
    return Text(f"{check.looks}{zh}。", f"{check.looked.en} {en[:1].upper()}{en[1:]}.")
