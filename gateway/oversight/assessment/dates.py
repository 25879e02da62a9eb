"""Tests of days: their order, what lies between them, what must come first, and statutory deadlines; pure."""

from __future__ import annotations

from datetime import date, timedelta

from gateway.oversight.assessment.papers import DatedDocument, Looked, Papers, Result
from gateway.oversight.clocks import CaseClock, CaseDocument, ClockState
from gateway.oversight.days import months_later
from schemas.assessment import DatesTest, DayTerm, PresentTest, WindowTest
from schemas.calendar import Calendar
from schemas.clocks import Counting
from schemas.findings import Text

_LONGEST = 1000
"""As many days are walked at most."""


def dates(test: DatesTest, subject: CaseDocument, papers: Papers) -> Looked | None:
    """Compare two days."""
    firsts, thens = papers.events(test.first, subject), papers.events(test.then, subject)
    if not firsts or not thens:
        shown = [*firsts, *thens]
        said = Text("文书中没有所需的日期", "a day that is needed stands in no document")
        return Looked(Result.UNKNOWN, said, (subject.message_id, *_ids(shown)))
    then = next((each for each in thens if each.day >= firsts[0].day), thens[-1])
    first = next((each for each in reversed(firsts) if each.day <= then.day), firsts[0])
    result, last = _compared(test, first.day, then.day, papers.calendar)
    shown = [first, then]
    if result is Result.MISSED and test.waived:
        waived = [each for each in papers.events(test.waived, subject) if first.day <= each.day <= then.day]
        if waived:
            result, shown = Result.UNKNOWN, [first, *waived, then]
    zh, en = f"从{first.day}到{then.day}", f"from {first.day} to {then.day}"
    if last is not None:
        zh, en = f"{zh}，届满之日为{last}", f"{en}, the last day of the term being {last}"
    if then.day < first.day:
        zh, en = f"{then.day}早于{first.day}", f"{then.day} is before {first.day}"
    return Looked(result, Text(zh, en), _ids(shown))


def _compared(test: DatesTest, first: date, then: date, calendar: Calendar) -> tuple[Result, date | None]:
    """Give the result, and the day that was counted to."""
    term = test.after or test.through or test.within
    if term is None:
        return _of(then >= first), None
    last = _last(first, term, calendar, through=test.through is not None)
    if last is None:
        return Result.UNKNOWN, None
    if test.after is not None:
        return _of(then > last), last
    if test.through is not None:
        return _of(then >= last), last
    doubt = _last(first, test.doubt, calendar, through=False) if test.doubt else None
    if doubt is not None and last < then <= doubt:
        return Result.UNKNOWN, last
    return _of(then <= last), last


def _last(first: date, term: DayTerm, calendar: Calendar, *, through: bool) -> date | None:
    """Give the last day of a term from a day, which itself counts only `through`; None: it cannot be counted.

    A year of the calendar is not known, or it ends later than any day.
    """
    try:
        return _walked(first, term, calendar, through=through)
    except OverflowError:
        return None


def _walked(first: date, term: DayTerm, calendar: Calendar, *, through: bool) -> date | None:
    if term.months is not None:
        return months_later(first, term.months)
    day = first - timedelta(days=1) if through else first
    left = term.days or 0
    for _ in range(_LONGEST):
        if left == 0:
            return day
        day += timedelta(days=1)
        works = calendar.works(day) if term.counting is Counting.WORKING else True
        if works is None:
            return None
        left -= works
    return None


def present(test: PresentTest, subject: CaseDocument, papers: Papers) -> Looked | None:
    """Look whether something is there before something else."""
    since = papers.day(subject, test.since) or date.min
    wanted = [each for each in papers.events(test.wants, subject) if each.day >= since]
    there = papers.there(test.wants, subject)
    before = next((each for each in papers.events(test.before, subject) if each.day >= since), None)
    own = (subject.message_id,)
    if before is None:
        if not wanted:
            return None  # it may come yet
        return Looked(Result.MET, Text(f"有，{wanted[0].day}", f"there on {wanted[0].day}"), (*own, *_ids(wanted)))
    early = [each for each in wanted if each.day <= before.day]
    if early:
        said = Text(f"{early[-1].day}有，在{before.day}之前", f"there on {early[-1].day}, before {before.day}")
        return Looked(Result.MET, said, (*own, *_ids([early[-1], before])))
    if wanted:
        said = Text(f"{wanted[0].day}才有，晚于{before.day}", f"only on {wanted[0].day}, after {before.day}")
        return Looked(Result.MISSED, said, (*own, *_ids([before, wanted[0]])))
    if any(papers.day(each, said.days) is None for each in there for said in test.wants if said.type == each.type):
        said = Text("有，但没有日期", "there, but without its day")
        return Looked(Result.UNKNOWN, said, (*own, *(each.message_id for each in there)))
    due = [each for said in test.due for each in papers.named(said, subject)] if test.due else []
    result = Result.MISSED if papers.enough(test.due, subject) else Result.UNKNOWN
    said = Text(f"{before.day}之前没有", f"nothing before {before.day}")
    return Looked(result, said, (*own, *(each.message_id for each in due), *_ids([before])))


def window(test: WindowTest, subject: CaseDocument, papers: Papers) -> Looked | None:
    """Look whether a day lies within the days of something."""
    day = papers.day(subject, (test.on,))
    own = (subject.message_id,)
    if day is None:
        return Looked(Result.UNKNOWN, Text("没有日期", "there is no day"), own)
    valid, shown = papers.valid_on(day, test.of, subject.document)
    if valid is None:
        return Looked(Result.UNKNOWN, Text("没有收到相应的文书", "no document of it has come"), own)
    said = (
        Text(f"{day}在有效期内", f"{day} lies within") if valid else Text(f"{day}不在有效期内", f"{day} lies outside")
    )
    return Looked(_of(valid), said, (*own, *(each.message_id for each in shown)))


def deadline(rule: str, papers: Papers) -> Looked | None:
    """Look how the deadlines of a rule stand: all met, one missed, or not to be told."""
    found = {
        state: [each for each in papers.clocks if each.rule.rule == rule and each.state is state]
        for state in ClockState
    }
    for result, states in (
        (Result.MISSED, (ClockState.MISSED,)),
        (Result.UNKNOWN, (ClockState.UNKNOWN, ClockState.STOPPED)),
        (Result.MET, (ClockState.MET,)),
    ):
        clocks = [each for state in states for each in found[state]]
        if clocks:
            said = [_told(each) for each in clocks]
            text = Text("、".join(each.zh for each in said), ", ".join(each.en for each in said))
            return Looked(result, text, tuple(id for each in clocks for id in each.evidence))
    return None


def _told(clock: CaseClock) -> Text:
    due = clock.due_at or "?"
    ended = Text(f"{clock.ended_at}办结", f"done {clock.ended_at}") if clock.ended_at else Text("尚未办结", "not done")
    return Text(f"{clock.started_at}起，{due}届满，{ended.zh}", f"from {clock.started_at}, due {due}, {ended.en}")


def _of(holds: bool) -> Result:
    return Result.MET if holds else Result.MISSED


def _ids(shown: list[DatedDocument]) -> tuple[str, ...]:
    return tuple(each.paper.message_id for each in shown)
