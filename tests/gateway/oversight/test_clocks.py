"""Every deadline by example: met, missed, running and not there, with the days of real calendars."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.oversight.clocks import CaseClock, CaseDocument, clocks
from schemas.calendar import PUBLISHED, YearOfDays
from schemas.clocks import ClockRule, bundled, read_clocks

ZONE = ZoneInfo("Asia/Shanghai")
Said = tuple[str, dict[str, Any]]


def node(name: str, at: str, **more: Any) -> Said:
    """Give a node of the case's chain."""
    return "case.progressed", {"case_number": "AJ-1", "node": name, "at": at, **more}


def found(on: str, **more: Any) -> Said:
    """Give the case as it was handed over."""
    return "case.transferred", {"case_number": "AJ-1", "found_at": f"{on}T09:00:00+08:00", **more}


def decided(on: str, **more: Any) -> Said:
    """Give a decision that may be published and fines."""
    said = {"case_number": "AJ-1", "decision_number": "杭环罚〔2026〕1号", "decided_on": on, "status": "in-force"}
    return "penalty.decided", {**said, "kinds": ["warning", "fine"], "publish": {"allowed": True}, **more}


def published(state: str, at: str, number: str = "杭环罚〔2026〕1号") -> Said:
    """Give what publicity says of a decision."""
    return "penalty.published", {"decision_number": number, "state": state, "at": at}


def paid(on: str, kind: str = "paid") -> Said:
    """Give a step of execution."""
    said = {"case_number": "AJ-1", "decision_number": "杭环罚〔2026〕1号", "kind": kind}
    return "penalty.executed", {**said, "at": f"{on}T10:00:00+08:00"}


def measure(kind: str, action: str, on: str, number: str = "ZG-1", **more: Any) -> Said:
    """Give a measure."""
    return "measure.ordered", {"measure_number": number, "kind": kind, "action": action, "decided_on": on, **more}


def recheck(on: str, number: str = "ZG-1") -> Said:
    """Give a recheck."""
    return "recheck.recorded", {"measure_number": number, "at": f"{on}T10:00:00+08:00", "result": "corrected"}


def handed(to: str, **more: Any) -> Said:
    """Give a hand-over."""
    return "case.handed-over", {"case_number": "AJ-1", "to": to, **more}


def reviewed(result: str, on: str) -> Said:
    """Give the end of a review."""
    said = {"case_number": "AJ-1", "decision_number": "杭环罚〔2026〕1号", "stage": "reconsideration"}
    return "decision.reviewed", {**said, "filed_on": "2026-03-01", "result": result, "concluded_on": on}


def of(
    rule: str, now: str, *said: Said, rules: tuple[ClockRule, ...] | None = None, calendar: Any = PUBLISHED
) -> list[CaseClock]:
    """Give the deadlines of one rule in a case, at noon of a day; the n-th document is the message `n`."""
    case = [CaseDocument(str(n), type, "penalty.330100", what) for n, (type, what) in enumerate(said)]
    when = datetime.fromisoformat(f"{now}T12:00:00+08:00")
    return [each for each in clocks(case, rules or bundled(), calendar, when, ZONE) if each.rule.rule == rule]


RIGHTS = ("case.plea", "case.hearing-request")
"""Rules of what a party may do and need not."""

SERVED = node("served", "2026-03-10", served={"way": "direct", "on": "2026-03-11"})

CASES: Mapping[str, tuple[tuple[Said, ...], Said | None, Said | None, str, tuple[Said, ...]]] = {
    # rule → the documents that start it, one that meets it, one that misses it, its last day, documents without it
    "case.filing": (
        (found("2026-03-02"),), node("filed", "2026-03-17"), node("not-filed", "2026-03-18"), "2026-03-17",
        (node("filed", "2026-03-17"),),
    ),
    "case.plea": (
        (node("notified", "2026-03-06"),), node("pleaded", "2026-03-13"), node("pleaded", "2026-03-16"), "2026-03-13",
        (node("notice", "2026-03-06"),),
    ),
    "case.hearing-request": (
        (node("notified", "2026-03-05", served={"way": "post", "on": "2026-03-06"}),),
        node("hearing-requested", "2026-03-13"), node("hearing-requested", "2026-03-16"), "2026-03-13",
        (node("hearing-requested", "2026-03-13"),),
    ),
    "case.decision": (
        (node("filed", "2026-01-05"),), decided("2026-04-05"), node("decided", "2026-04-06"), "2026-04-05",
        (found("2026-01-05"), decided("2026-04-05")),
    ),
    "decision.service": (
        (decided("2026-03-02"),), node("served", "2026-03-11"), node("served", "2026-03-12"), "2026-03-11",
        (node("filed", "2026-03-02"),),
    ),
    "decision.publication": (
        (decided("2026-03-02"),), published("published", "2026-03-11T18:00:00+08:00"),
        published("published", "2026-03-12"), "2026-03-11",
        (decided("2026-03-02", publish={"allowed": False}), published("published", "2026-03-11")),
    ),
    "decision.withdrawal": (
        (published("published", "2026-03-11"), reviewed("annulled", "2026-04-02")),
        published("withdrawn", "2026-04-08"), published("withdrawn", "2026-04-09"), "2026-04-08",
        (reviewed("annulled", "2026-04-02"),),
    ),
    "execution.payment": (
        (decided("2026-03-02"), SERVED), paid("2026-03-26"), paid("2026-03-27"), "2026-03-26",
        (decided("2026-03-02", kinds=["warning"]), SERVED),
    ),
    "execution.urging": (
        (node("urged", "2026-03-02"),), paid("2026-03-16"), paid("2026-03-17"), "2026-03-16", (paid("2026-03-16"),),
    ),
    "correction.recheck": (
        (measure("correct", "impose", "2026-03-01", served_on="2026-03-02"),),
        recheck("2026-04-01"), recheck("2026-04-02"), "2026-04-01",
        (measure("seal", "impose", "2026-03-01", served_on="2026-03-02"),),
    ),
    "seizure.release": (
        (measure("seal", "impose", "2026-03-02"),), measure("seal", "release", "2026-04-01"),
        measure("seal", "release", "2026-04-02"), "2026-04-01", (measure("restrict", "impose", "2026-03-02"),),
    ),
    "restriction.service": (
        (measure("suspend", "impose", "2026-03-02"),),
        measure("suspend", "impose", "2026-03-02", served_on="2026-03-11"),
        measure("suspend", "impose", "2026-03-02", served_on="2026-03-12"), "2026-03-11",
        (measure("seal", "impose", "2026-03-02"),),
    ),
    "restriction.release": (
        (measure("restrict", "impose", "2026-03-02"),),
        measure("restrict", "release", "2026-06-02", "JC-1", parent_number="ZG-1"),
        measure("restrict", "release", "2026-06-03", "JC-1", parent_number="ZG-1"), "2026-06-02",
        (measure("suspend", "impose", "2026-03-02"),),
    ),
    "restriction.follow-up": (
        (measure("restrict", "release", "2026-03-02"),), recheck("2026-04-01"), recheck("2026-04-02"), "2026-04-01",
        (measure("correct", "release", "2026-03-02"),),
    ),
    "detention.hand-over": (
        (handed("detention", decided_on="2026-03-02"),),
        handed("detention", decided_on="2026-03-02", sent_at="2026-03-05T17:00:00+08:00"),
        handed("detention", decided_on="2026-03-02", sent_at="2026-03-06"), "2026-03-05",
        (handed("crime", decided_on="2026-03-02"),),
    ),
    "crime.filing": (
        (handed("crime", decided_on="2026-03-01", sent_at="2026-03-02"),),
        handed("crime", decided_on="2026-03-01", sent_at="2026-03-02", outcome="filed", outcome_on="2026-04-01"),
        handed("crime", decided_on="2026-03-01", sent_at="2026-03-02", outcome="declined", outcome_on="2026-04-02"),
        "2026-04-01", (handed("detention", decided_on="2026-03-01", sent_at="2026-03-02"),),
    ),
    # What is judged once it ended never runs: the start alone makes no deadline.
    "case.limitation": (
        (), found("2026-03-02", occurred_on="2024-03-02"), found("2026-03-03", occurred_on="2024-03-02"),
        "2026-03-02", (found("2026-03-02"),),
    ),
    "seizure.release-service": (
        (measure("seize", "release", "2026-03-02"),), measure("seize", "release", "2026-03-02", served_on="2026-03-05"),
        measure("seize", "release", "2026-03-02", served_on="2026-03-06"), "2026-03-05",
        (measure("seize", "impose", "2026-03-02", served_on="2026-03-05"),),
    ),
    "detention.supplement": (
        (), handed("detention", decided_on="2026-03-01", sent_at="2026-03-02", outcome="supplement",
                   outcome_on="2026-03-05"),
        handed("detention", decided_on="2026-03-01", sent_at="2026-03-02", outcome="supplement",
               outcome_on="2026-03-06"), "2026-03-05",
        (handed("detention", decided_on="2026-03-01", sent_at="2026-03-02"),),
    ),
    "detention.return": (
        (), handed("detention", decided_on="2026-03-01", sent_at="2026-03-02", outcome="returned",
                   outcome_on="2026-03-09"),
        handed("detention", decided_on="2026-03-01", sent_at="2026-03-02", outcome="declined",
               outcome_on="2026-03-10"), "2026-03-09",
        (handed("detention", decided_on="2026-03-01", sent_at="2026-03-02"),),
    ),
}  # fmt: skip


def test_every_bundled_rule_has_its_examples() -> None:
    """No deadline is without an example that meets it, one that misses it, and documents to which it does not apply."""
    assert set(CASES) == {rule.rule for rule in bundled()}
    for name, (before, meets, misses, _, elsewhere) in CASES.items():
        assert before or meets, name
        assert misses != meets, name
        assert elsewhere, name


@pytest.mark.parametrize("rule", CASES)
def test_a_deadline_is_met_on_its_last_day_and_missed_on_the_next(rule: str) -> None:
    """The last day still meets it, the day after does not, and the evidence names what shows it."""
    before, meets, misses, due, _ = CASES[rule]
    (met,) = of(rule, "2026-12-01", *before, *([meets] if meets else []))
    (missed,) = of(rule, "2026-12-01", *before, *([misses] if misses else []))
    assert (met.state, met.due_at, met.ended_at) == ("met", date.fromisoformat(due), date.fromisoformat(due))
    assert (missed.state, missed.due_at) == ("missed", date.fromisoformat(due))
    assert missed.ended_at is not None
    assert missed.ended_at > date.fromisoformat(due)
    assert met.days_left is None
    assert str(len(before)) in met.evidence


@pytest.mark.parametrize("rule", [name for name, case in CASES.items() if case[0] and name not in RIGHTS])
def test_a_deadline_runs_until_its_last_day_is_over(rule: str) -> None:
    """Without its end it runs on the last day and is missed the day after."""
    before, _, _, due, _ = CASES[rule]
    (running,) = of(rule, due, *before)
    last = date.fromisoformat(due)
    (missed,) = of(rule, date.fromordinal(last.toordinal() + 2).isoformat(), *before)
    assert (running.state, running.days_left) == ("running", 0)
    assert (missed.state, missed.days_left) == ("missed", -2)


@pytest.mark.parametrize("rule", RIGHTS)
def test_who_does_not_use_a_right_misses_nothing(rule: str) -> None:
    """A party that neither pleads nor asks for a hearing is not late, neither on the last day nor after it."""
    before, _, _, due, _ = CASES[rule]
    assert of(rule, due, *before) == of(rule, "2026-12-01", *before) == []


@pytest.mark.parametrize("rule", CASES)
def test_a_deadline_that_does_not_apply_is_not_there(rule: str) -> None:
    """Documents that start no deadline, or lack what it needs, have none of its rule."""
    assert of(rule, "2026-12-01", *CASES[rule][4]) == []


@pytest.mark.parametrize(
    ("on", "due"),
    [
        ("2025-09-26", "2025-10-13"),  # 28 (a Sunday worked), 29, 30 September; 9, 10, 11 (a Saturday worked), 13
        ("2025-09-30", "2025-10-16"),
        ("2026-09-18", "2026-09-29"),
        ("2026-09-30", "2026-10-15"),
    ],
)
def test_working_days_pass_over_the_national_day_and_count_make_up_days(on: str, due: str) -> None:
    """Seven working days over the National Day of 2025 and 2026: free days do not count, worked weekends do."""
    (clock,) = of("decision.service", on, decided(on))
    assert clock.due_at == date.fromisoformat(due)


def test_natural_days_do_not_wait_for_a_holiday_unless_the_article_says_so() -> None:
    """Fifteen natural days end in a holiday; a deadline that rolls over ends on the next working day."""
    (filing,) = of("case.filing", "2025-09-20", found("2025-09-18"))
    (police,) = of("crime.filing", "2025-09-20", handed("crime", decided_on="2025-09-01", sent_at="2025-09-03"))
    assert filing.due_at == date(2025, 10, 3)
    assert police.due_at == date(2025, 10, 9)


def test_a_suspended_case_is_stopped_and_goes_on_where_it_was() -> None:
    """While it is suspended nothing runs; the days of the suspension are added when it goes on."""
    filed, suspended = node("filed", "2026-01-05"), node("suspended", "2026-02-01T09:00:00+08:00")
    (stopped,) = of("case.decision", "2026-12-01", filed, suspended)
    assert (stopped.state, stopped.due_at, stopped.days_left) == ("stopped", None, None)
    (on,) = of("case.decision", "2026-04-06", filed, suspended, node("resumed", "2026-02-11"))
    assert (on.state, on.due_at) == ("running", date(2026, 4, 15))
    assert on.evidence == ("0", "1", "2")


def test_two_stops_at_once_are_not_counted_twice() -> None:
    """A hearing within a suspension stops the case for as long as the longer of the two."""
    said = (
        node("filed", "2026-01-05"), node("suspended", "2026-02-01"), node("hearing-requested", "2026-02-03"),
        node("hearing", "2026-02-08"), node("resumed", "2026-02-11"),
    )  # fmt: skip
    (clock,) = of("case.decision", "2026-04-06", *said)
    assert clock.due_at == date(2026, 4, 15)


def test_a_hearing_stops_the_case_once_it_was_held() -> None:
    """A request alone stops nothing for good; when the hearing is told, the days up to it are not counted."""
    filed, asked = node("filed", "2026-01-05"), node("hearing-requested", "2026-02-03")
    (waiting,) = of("case.decision", "2026-12-01", filed, asked)
    assert (waiting.state, waiting.due_at, waiting.evidence) == ("missed", date(2026, 4, 5), ("0",))
    (held,) = of("case.decision", "2026-04-06", filed, asked, node("hearing", "2026-02-13"))
    assert (held.state, held.due_at, held.evidence) == ("running", date(2026, 4, 15), ("0", "1", "2"))


@pytest.mark.parametrize("result", ["changed", "annulled", "unlawful", "void"])
def test_whatever_takes_a_decision_away_has_its_publication_withdrawn(result: str) -> None:
    """Changed, annulled, found unlawful or void: three working days; upheld or given up: none."""
    shown = published("published", "2026-03-11")
    (clock,) = of("decision.withdrawal", "2026-04-08", shown, reviewed(result, "2026-04-02"))
    assert (clock.state, clock.due_at) == ("running", date(2026, 4, 8))
    for other in ("upheld", "withdrawn"):
        assert of("decision.withdrawal", "2026-04-08", shown, reviewed(other, "2026-04-02")) == []


def test_a_decision_that_was_corrected_starts_nothing_and_has_ended_what_it_ended() -> None:
    """The one that corrects it is published in its stead; that the case was decided in time stays so."""
    second = "杭环罚〔2026〕2号"
    filed, first = node("filed", "2026-01-05"), decided("2026-04-01")
    corrects = decided("2026-04-20", decision_number=second, corrects="杭环罚〔2026〕1号")
    (clock,) = of("decision.publication", "2026-12-01", filed, first, corrects)
    assert (clock.about, clock.evidence) == (second, ("2",))
    (made,) = of("case.decision", "2026-12-01", filed, first, corrects)
    assert (made.state, made.ended_at) == ("met", date(2026, 4, 1))


def test_an_extension_is_added_twice_at_most_and_never_after_the_end() -> None:
    """Thirty days twice make the ninety longer; a third, and one after the last day, do not."""
    filed = node("filed", "2026-01-05")
    extended = [node("extended", day) for day in ("2026-03-01", "2026-04-10", "2026-05-01")]
    (twice,) = of("case.decision", "2026-05-01", filed, *extended)
    assert (twice.due_at, twice.evidence) == (date(2026, 6, 4), ("0", "1", "2"))
    (late,) = of("case.decision", "2026-05-01", filed, node("extended", "2026-04-06"))
    assert (late.state, late.due_at) == ("missed", date(2026, 4, 5))


def test_a_restriction_is_extended_by_months_of_the_calendar() -> None:
    """Three and three months from the end of a month end on the last day of a shorter one."""
    start = measure("restrict", "impose", "2025-08-31")
    more = measure("restrict", "extend", "2025-11-20", "YC-1", parent_number="ZG-1")
    (clock,) = of("restriction.release", "2025-12-01", start, more)
    assert clock.due_at == date(2026, 2, 28)


def test_a_year_that_nobody_entered_is_unknown_and_never_guessed() -> None:
    """A deadline that reaches into an unknown year says so; entered, the year decides; what ended before is met."""
    start = decided("2026-12-28")
    (unknown,) = of("decision.service", "2027-03-01", start)
    assert (unknown.state, unknown.due_at, unknown.unknown_year) == ("unknown", None, 2027)
    (met,) = of("decision.service", "2027-03-01", start, node("served", "2026-12-30"))
    assert met.state == "met"
    year = YearOfDays(frozenset({date(2027, 1, 1)}), frozenset({date(2027, 1, 3)}))
    (known,) = of("decision.service", "2027-03-01", start, calendar=PUBLISHED.amended({2027: year}))
    assert (known.state, known.due_at) == ("missed", date(2027, 1, 6))


def test_what_ends_beyond_all_days_is_unknown() -> None:
    """From the last days that there are nothing can be counted, and no walk fails; what ended is met."""
    (service,) = of("decision.service", "2026-12-01", decided("9999-12-31"))
    (filing,) = of("case.filing", "2026-12-01", found("9999-12-30"))
    (release,) = of("restriction.release", "2026-12-01", measure("restrict", "impose", "9999-11-30"))
    assert [(each.state, each.due_at) for each in (service, filing, release)] == [("unknown", None)] * 3
    assert (service.unknown_year, filing.unknown_year) == (9999, 9999)
    (met,) = of("case.filing", "2026-12-01", found("9999-12-20"), node("filed", "9999-12-30"))
    assert met.state == "met"


def test_a_time_that_another_zone_has_no_day_for_counts_as_it_is_written() -> None:
    """The last hour of all days in UTC, and the first one of all in China, are the days that they say."""
    (late,) = of("case.decision", "2026-12-01", node("filed", "9999-12-31T23:00:00+00:00"))
    (early,) = of("case.decision", "2026-12-01", node("filed", "0001-01-01T01:00:00+08:00"))
    assert (late.started_at, early.started_at) == (date(9999, 12, 31), date(1, 1, 1))


def test_a_rule_that_changed_counts_as_it_was_on_the_day_of_the_start() -> None:
    """A case that started before the change keeps the old deadline, a later one has the new."""
    entry = """\
  - {rule: case.filing, title: 立案, en: Filing, article: 旧, bound: authority, days: 7, counting: working,
     starts: [{type: case.transferred, day: found_at}], valid: {to: 2026-06-30},
     ends: [{type: case.progressed, day: at, where: {node: filed}}]}
"""
    new = entry.replace("旧", "新").replace("days: 7, counting: working", "days: 15, counting: natural")
    rules = read_clocks(f"clocks:\n{entry}{new.replace('to: 2026-06-30', 'from: 2026-07-01')}")
    (old_one,) = of("case.filing", "2026-07-05", found("2026-06-30"), rules=rules)
    (new_one,) = of("case.filing", "2026-07-05", found("2026-07-01"), rules=rules)
    assert (old_one.rule.article, old_one.due_at) == ("旧", date(2026, 7, 9))
    assert (new_one.rule.article, new_one.due_at) == ("新", date(2026, 7, 16))


def test_each_measure_of_a_case_has_its_own_deadline() -> None:
    """A recheck of one order meets that order's deadline alone."""
    first = measure("correct", "impose", "2026-03-01", served_on="2026-03-02")
    second = measure("correct", "impose", "2026-03-01", "ZG-2", served_on="2026-03-03")
    found_ = of("correction.recheck", "2026-12-01", first, second, recheck("2026-03-20", "ZG-2"))
    assert [(each.about, each.state) for each in found_] == [("ZG-1", "missed"), ("ZG-2", "met")]


def test_what_was_sent_again_counts_as_it_was_said_last() -> None:
    """A decision that was sent again with another day is that day's; the first message shows nothing any more."""
    (clock,) = of("decision.service", "2026-03-05", decided("2026-03-02"), decided("2026-03-04"))
    assert (clock.started_at, clock.evidence) == (date(2026, 3, 4), ("1",))


def test_times_are_days_of_the_zone() -> None:
    """What happened late in the evening elsewhere happened the next morning here."""
    (clock,) = of("case.decision", "2026-03-05", node("filed", "2026-01-04T20:00:00+00:00"))
    assert clock.started_at == date(2026, 1, 5)
