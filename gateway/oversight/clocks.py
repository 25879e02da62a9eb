"""What has become of every deadline of a case, decided from its documents, the rules and the calendar; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from msgspec import Struct

from gateway.oversight.days import months_later, said_day
from schemas.calendar import Calendar
from schemas.catalog import TYPES, at
from schemas.clocks import CaseEvent, ClockRule, Counting
from schemas.identifiers.folding import comparison_key, same_number
from schemas.reprs import Discreet

_LONGEST = 20 * 366
"""As many days are walked at most; no deadline is as long, however often it was stopped."""


class ClockState(StrEnum):
    """How a deadline stands. Unknown: it needs a year of the calendar that nobody entered, or ends beyond all days."""

    RUNNING = "running"
    MET = "met"
    MISSED = "missed"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class CaseDocument(Discreet, frozen=True):
    """A canonical document of a case: the message that brought it, its type, who sent it, what it says, and when."""

    message_id: str
    type: str
    source: str
    document: Mapping[str, Any]
    came: date | None = None


class CaseClock(Struct, frozen=True):
    """One deadline of a case.

    `about` is the number that it is counted for (a measure, a decision), empty for the case itself. `due_at` is the
    last day, None while it is stopped or unknown. `days_left`: days of the calendar until then, negative when it is
    over; only of what has not ended. `evidence`: the messages that it was decided on, in the order of the case.
    `unknown_year`: the year that the calendar lacks; 9999 also for what ends later than any day.
    """

    rule: ClockRule
    about: str
    started_at: date
    due_at: date | None
    state: ClockState
    ended_at: date | None
    days_left: int | None
    evidence: tuple[str, ...]
    unknown_year: int | None = None


class _Happened(Struct, frozen=True):
    """An event as it was found: its day, and the message that says so."""

    day: date
    message_id: str


class _Counted(Struct, frozen=True):
    """How far a deadline was counted: its last day, or the first day that could not be counted and why."""

    due: date | None = None
    barred: date | None = None
    unknown: int | None = None


def clocks(
    documents: Iterable[CaseDocument], rules: Sequence[ClockRule], calendar: Calendar, now: datetime, zone: tzinfo
) -> tuple[CaseClock, ...]:
    """Give every deadline that a case has, by rule and then by when it started.

    `documents` in the order in which they came: of one that was sent again, what it says last counts. Days are those
    of `zone`. A rule applies that held on the day on which the deadline started.
    """
    last = latest(documents)
    valid = frozenset(each.message_id for each in standing(last))
    today = now.astimezone(zone).date()
    return tuple(clock for rule in rules for clock in _of_rule(rule, last, valid, calendar, today, zone))


def warned_until(today: date, days: int, calendar: Calendar) -> date:
    """Give the last day of which it is time to warn: so many working days ahead, Monday to Friday in unknown years."""
    day = today
    while days > 0:
        day += timedelta(days=1)
        works = calendar.works(day)
        days -= day.weekday() < 5 if works is None else works
    return day


def latest(documents: Iterable[CaseDocument]) -> tuple[CaseDocument, ...]:
    """Give each document as it was said last, whoever sent it how often; what has no known type is left out."""
    last: dict[tuple[str, str, str], CaseDocument] = {}
    for each in documents:
        known = TYPES.get(each.type)
        if known is not None and each.document:
            last[each.source, each.type, known.identity(each.document)] = each
    return tuple(last.values())


def standing(documents: Sequence[CaseDocument]) -> tuple[CaseDocument, ...]:
    """Leave out, of documents as they were said last, those that another one of the same type corrects."""
    gone = {
        (each.type, field, comparison_key(number))
        for each in documents
        for field, number in TYPES[each.type].amended(each.document).items()
        if not same_number(number, str(each.document.get(field)))
    }
    return tuple(each for each in documents if not gone or _number(each) not in gone)


def _number(document: CaseDocument) -> tuple[str, str, str]:
    """Give the number of a document by which another one may correct it."""
    field = TYPES[document.type].amends
    return document.type, field, comparison_key(str(document.document.get(field)))


def _of_rule(
    rule: ClockRule,
    documents: Sequence[CaseDocument],
    valid: Set[str],
    calendar: Calendar,
    today: date,
    zone: tzinfo,
) -> Iterator[CaseClock]:
    groups: dict[str, tuple[str, list[CaseDocument]]] = {}
    for each in documents:
        number = next((str(found) for path in rule.per if (found := at(each.document, path))), "")
        if number or not rule.per:
            groups.setdefault(comparison_key(number), (number, []))[1].append(each)
    found = [
        clock
        for about, theirs in groups.values()
        if (clock := _clock(rule, about, _Case(theirs, valid, zone), calendar, today)) is not None
    ]
    yield from sorted(found, key=lambda clock: (clock.started_at, clock.about))


class _Case:
    """The documents that a deadline is looked for in. `valid`: the messages of those that no other one corrects."""

    def __init__(self, documents: Sequence[CaseDocument], valid: Set[str], zone: tzinfo) -> None:
        self._documents = documents
        self._valid = valid
        self._zone = zone

    def begin(self, events: Iterable[CaseEvent]) -> list[_Happened]:
        """Give what happened of events that start a deadline, by day: what was corrected starts none."""
        return [each for each in self.find(events) if each.message_id in self._valid]

    def find(self, events: Iterable[CaseEvent], since: date = date.min) -> list[_Happened]:
        """Give what happened of some events on a day or later, by day."""
        wanted = tuple(events)
        found = [
            _Happened(day, each.message_id)
            for each in self._documents
            for event in wanted
            if event.type == each.type
            and (day := said_day(event.on(each.document), self._zone)) is not None
            and day >= since
        ]
        return sorted(found, key=lambda happened: happened.day)

    def in_order(self, messages: Iterable[str]) -> tuple[str, ...]:
        """Give messages once each, in the order of the case."""
        wanted = set(messages)
        return tuple(each.message_id for each in self._documents if each.message_id in wanted)


def _clock(rule: ClockRule, about: str, case: _Case, calendar: Calendar, today: date) -> CaseClock | None:
    needed = case.begin(rule.needs)
    started = case.begin(rule.starts)
    if not started or (rule.needs and not needed) or not rule.valid.holds(started[0].day):
        return None
    start = started[0]
    ended = next(iter(case.find(rule.ends, start.day)), None)
    if ended is None and not rule.awaited:
        return None
    until = ended.day if ended else date.max
    stops, stopping = _stops(rule, case, start.day, until)
    extended: list[_Happened] = []
    counted = _count(rule, start.day, stops, 0, calendar)
    for each in _extensions(rule, case, start.day, until):
        # What is over already cannot be made longer.
        if counted.due is not None and each.day > counted.due:
            break
        extended.append(each)
        counted = _count(rule, start.day, stops, len(extended), calendar)
    shown = [*needed[:1], start, *extended, *stopping, *([ended] if ended else [])]
    return CaseClock(
        rule=rule,
        about=about,
        started_at=start.day,
        due_at=counted.due,
        state=_state(counted, ended, today),
        ended_at=ended.day if ended else None,
        days_left=None if counted.due is None or ended else (counted.due - today).days,
        evidence=case.in_order(each.message_id for each in shown),
        unknown_year=counted.unknown,
    )


def _state(counted: _Counted, ended: _Happened | None, today: date) -> ClockState:
    if counted.due is None:
        # What ended before the first day that could not be counted was in time, whatever that day is.
        if ended is not None and counted.barred is not None and ended.day < counted.barred:
            return ClockState.MET
        return ClockState.STOPPED if counted.unknown is None else ClockState.UNKNOWN
    if ended is not None:
        return ClockState.MET if ended.day <= counted.due else ClockState.MISSED
    return ClockState.RUNNING if today <= counted.due else ClockState.MISSED


def _stops(
    rule: ClockRule, case: _Case, start: date, until: date
) -> tuple[list[tuple[date, date | None]], list[_Happened]]:
    """Give the days that are not counted (the first, and the first that is counted again or None), and what says so."""
    periods: list[tuple[date, date | None]] = []
    shown: list[_Happened] = []
    for stop in rule.stops:
        over = case.find(stop.until, start)
        for begun in case.find(stop.since, start):
            if begun.day > until:
                continue
            end = next((each for each in over if each.day >= begun.day), None)
            if end is None and stop.told:
                continue
            # A deadline that has ended is not stopped any more.
            last = end.day if end else None if until == date.max else until
            periods.append((begun.day, last))
            shown += [begun, *([end] if end else [])]
    return periods, shown


def _extensions(rule: ClockRule, case: _Case, start: date, until: date) -> list[_Happened]:
    if rule.extends is None:
        return []
    return [each for each in case.find(rule.extends.by, start) if each.day <= until][: rule.extends.most]


def _count(
    rule: ClockRule, start: date, stops: Sequence[tuple[date, date | None]], extensions: int, calendar: Calendar
) -> _Counted:
    """Count as many days from the start as the rule and its extensions give; what goes beyond all days is unknown."""
    try:
        return _walked(rule, start, stops, extensions, calendar)
    except OverflowError:
        return _Counted(barred=date.max, unknown=date.max.year)


def _walked(
    rule: ClockRule, start: date, stops: Sequence[tuple[date, date | None]], extensions: int, calendar: Calendar
) -> _Counted:
    """Walk from the day after the start until all days were counted."""
    left = _days(rule, start, extensions)
    counts: Callable[[date], bool | None] = calendar.works if rule.counting is Counting.WORKING else _every_day
    day = start
    for _ in range(_LONGEST):
        day += timedelta(days=1)
        stop = next((each for each in stops if each[0] <= day and (each[1] is None or day < each[1])), None)
        if stop is not None:
            if stop[1] is None:
                return _Counted(barred=day)
            continue
        counted = counts(day)
        if counted is None:
            return _Counted(barred=day, unknown=day.year)
        left -= counted
        if left == 0:
            return _rolled(day, calendar) if rule.roll_over else _Counted(due=day)
    return _Counted(barred=day)


def _days(rule: ClockRule, start: date, extensions: int) -> int:
    """Give how many days there are to count; those of months are the days of the calendar from the start."""
    more = rule.extends
    whole = months_later(start, rule.months + (more.months * extensions if more else 0))
    return rule.days + (more.days * extensions if more else 0) + (whole - start).days


def _rolled(day: date, calendar: Calendar) -> _Counted:
    last = day
    while not (works := calendar.works(last)):
        if works is None:
            return _Counted(barred=day, unknown=last.year)
        last += timedelta(days=1)
    return _Counted(due=last)


def _every_day(day: date) -> bool:
    return True
