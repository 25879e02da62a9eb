"""The deadlines that are kept, as they stand today: found by state, place and day, and counted for the metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta, tzinfo
from enum import StrEnum

from msgspec import Struct

from gateway.clock import Clock
from gateway.intake.coverage import lineage
from gateway.ledger.base import Ledger
from gateway.ledger.clocked import ClockCount, ClockedCase, ClockFilter, ClockSpan, ClockStanding, FoundClock, KeptClock
from gateway.ledger.records import Area, ResultPage
from gateway.oversight.clocks import CaseClock, ClockState, warned_until
from gateway.oversight.years import known_days
from gateway.telemetry.standing import StandingClocks
from schemas import regions
from schemas.clocks import ClockRule, bundled


class ListedState(StrEnum):
    """What deadlines are looked for by: how they stand today. Lapsing: running, and due within the days of warning."""

    RUNNING = "running"
    LAPSING = "lapsing"
    MISSED = "missed"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    MET = "met"


class ListedClock(Struct, frozen=True):
    """A deadline as it stands today, its case, and whether its last day is near."""

    case: ClockedCase
    clock: CaseClock
    lapsing: bool


class Warned(Struct, frozen=True):
    """Today, and the last day of which it is time to warn."""

    today: date
    until: date

    def spans(self, state: ListedState | None, until: date | None) -> tuple[ClockSpan, ...]:
        """Give where the deadlines of a state are found, of those that are due by a day; None: whatever there is."""
        last = date.max if until is None else until
        open_, over = ClockStanding.OPEN, self.today - timedelta(days=1)
        if state is None:
            return tuple(ClockSpan(each, None, until) for each in ClockStanding)
        if state is ListedState.RUNNING:
            return (ClockSpan(open_, self.today, until),)
        if state is ListedState.LAPSING:
            return (ClockSpan(open_, self.today, min(last, self.until)),)
        if state is ListedState.MISSED:
            return ClockSpan(open_, None, min(last, over)), ClockSpan(ClockStanding.MISSED, None, until)
        return (ClockSpan(ClockStanding(state.value), None, until),)

    def state(self, kept: KeptClock) -> ClockState:
        """Tell how a deadline stands today."""
        if kept.standing is not ClockStanding.OPEN or kept.due_at is None:
            return ClockState(kept.standing.value)
        return ClockState.RUNNING if self.today <= kept.due_at else ClockState.MISSED

    def lapsing(self, kept: KeptClock) -> bool:
        """Tell whether a deadline runs and its last day is near."""
        return (
            kept.standing is ClockStanding.OPEN and kept.due_at is not None and self.today <= kept.due_at <= self.until
        )


class ClockList:
    """Finds deadlines. `days`: how many working days before its last one a deadline is told to lapse."""

    def __init__(
        self, ledger: Ledger, clock: Clock, zone: tzinfo, days: int, rules: Sequence[ClockRule] | None = None
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._zone = zone
        self._days = days
        self._rules = bundled() if rules is None else rules
        self._standing: Sequence[StandingClocks] = ()

    async def find(
        self,
        state: ListedState | None = None,
        region: str | None = None,
        until: date | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> ResultPage[ListedClock]:
        """Find deadlines, what ends first first: of a region and all that lies in it, due by a day.

        One whose rule this release does not have is left out: it is counted anew.
        """
        warned = await self._warned()
        codes, areas = (None, ()) if region is None else within(region, (await self._ledger.registry()).areas)
        page = await self._ledger.find_clocks(ClockFilter(warned.spans(state, until), codes, areas), cursor, limit)
        shown = (self._listed(found, warned) for found in page.items)
        return ResultPage(tuple(each for each in shown if each is not None), page.cursor)

    async def look(self) -> None:
        """Count what is not over, for `standing`."""
        warned = await self._warned()
        counted = await self._ledger.count_clocks(bounds(warned))
        self._standing = standing(counted, warned)

    def standing(self) -> Sequence[StandingClocks]:
        """Tell how many deadlines stand where, as it was when last looked."""
        return self._standing

    async def _warned(self) -> Warned:
        today = self._clock().astimezone(self._zone).date()
        return Warned(today, warned_until(today, self._days, known_days(await self._ledger.years())))

    def _listed(self, found: FoundClock, warned: Warned) -> ListedClock | None:
        kept = found.clock
        named = (each for each in self._rules if each.rule == kept.rule)
        rule = next((each for each in named if each.valid.holds(kept.started_at)), None)
        if rule is None:
            return None
        left = None if kept.due_at is None or kept.ended_at else (kept.due_at - warned.today).days
        clock = CaseClock(
            rule=rule,
            about=kept.about,
            started_at=kept.started_at,
            due_at=kept.due_at,
            state=warned.state(kept),
            ended_at=kept.ended_at,
            days_left=left,
            evidence=kept.evidence,
            unknown_year=kept.unknown_year,
        )
        return ListedClock(found.case, clock, warned.lapsing(kept))


def within(region: str, areas: Mapping[str, Area]) -> tuple[tuple[str, str] | None, tuple[str, ...]]:
    """Give the first and the last code that lie in a region, and the areas that lie in it; None: all do."""
    if region == regions.NATIONAL:
        return None, ()
    start = region[: 2 * regions.depth(region)]
    inside = tuple(code for code in areas if region in lineage(code, areas))
    return (start.ljust(6, "0"), start.ljust(6, "9")), inside


# ── counts ────────────────────────────────────────────────────────────────────────────────────
_DAYS = (0, 4, 8, 16, 31)
"""Days that are left, from which on a deadline is counted apart."""


def bounds(warned: Warned) -> tuple[date, ...]:
    """Give the days that counts are asked for by."""
    return (*(warned.today + timedelta(days=days) for days in _DAYS), warned.until + timedelta(days=1))


def standing(counted: Iterable[ClockCount], warned: Warned) -> Sequence[StandingClocks]:
    """Give how many deadlines of each rule stand in each state, and of those that run by the days that are left."""
    found: Counter[tuple[str, str, str]] = Counter()
    for each in counted:
        for state in _states(each, warned):
            found[each.rule, state, _left(each, warned)] += each.count
    return [StandingClocks(rule, state, days, count) for (rule, state, days), count in found.items()]


def _states(counted: ClockCount, warned: Warned) -> tuple[str, ...]:
    if counted.standing is not ClockStanding.OPEN:
        return (counted.standing.value,)
    if counted.since is None:
        return ("missed",)
    return ("running", "lapsing") if counted.since <= warned.until else ("running",)


def _left(counted: ClockCount, warned: Warned) -> str:
    """Name the days that are left: `0-3`, `31+`; empty for what does not run."""
    if counted.standing is not ClockStanding.OPEN or counted.since is None:
        return ""
    left = (counted.since - warned.today).days
    index = max(n for n, days in enumerate(_DAYS) if days <= left)
    return f"{_DAYS[index]}-{_DAYS[index + 1] - 1}" if index + 1 < len(_DAYS) else f"{_DAYS[index]}+"
