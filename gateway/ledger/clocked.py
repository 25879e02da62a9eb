"""Deadlines of cases as they are kept: counted when a document comes, and judged by the day when they are asked for."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from msgspec import Struct


class ClockStanding(StrEnum):
    """How a deadline stood when it was counted, whatever day it was.

    Open: it has a last day and has not ended; whether it runs or is missed is for whoever asks on a day to say.
    """

    OPEN = "open"
    MET = "met"
    MISSED = "missed"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class ClockedCase(Struct, frozen=True):
    """A case whose deadlines were counted, with who takes part in it.

    `number`: as its issuer writes it. `complete`: no document was left out for there being too many. `counted_by`:
    the rules and the calendar that it was counted by.
    """

    correlation_id: str
    ordering_key: str
    number: str
    region: str
    platforms: tuple[str, ...]
    complete: bool
    counted_by: str


class KeptClock(Struct, frozen=True):
    """One deadline of a case; what its fields mean stands at `CaseClock`."""

    rule: str
    about: str
    standing: ClockStanding
    started_at: date
    due_at: date | None
    ended_at: date | None
    evidence: tuple[str, ...]
    unknown_year: int | None = None


class CountedCase(Struct, frozen=True):
    """A case with all its deadlines."""

    case: ClockedCase
    clocks: tuple[KeptClock, ...]


class CountedCorrelation(Struct, frozen=True):
    """All cases of a correlation, as they were counted from its messages."""

    correlation_id: str
    cases: tuple[CountedCase, ...]


class FoundClock(Struct, frozen=True):
    """A deadline, and the case that it belongs to."""

    case: ClockedCase
    clock: KeptClock


class ClockSpan(Struct, frozen=True):
    """Deadlines that stand alike and whose last day is within two days, both included; None: open.

    Those without a last day are behind every day.
    """

    standing: ClockStanding
    first: date | None = None
    last: date | None = None


class ClockFilter(Struct, frozen=True):
    """What is looked for: within any of the spans, and of a place where one is given.

    `codes`: the first and the last code of the region; `areas`: what lies in it beside.
    """

    spans: tuple[ClockSpan, ...]
    codes: tuple[str, str] | None = None
    areas: tuple[str, ...] = ()


class ClockCount(Struct, frozen=True):
    """How many deadlines of a rule stand alike; of the open ones, those whose last day is not before `since`.

    `since` None: their last day is before every bound that was asked for.
    """

    rule: str
    standing: ClockStanding
    since: date | None
    count: int
