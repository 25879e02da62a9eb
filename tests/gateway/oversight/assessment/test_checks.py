"""Every check of a case file by example: met, missed and not applicable, with the days of real calendars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.oversight.assessment import CheckOutcome, Papers, Result, assess
from gateway.oversight.clocks import CaseDocument, clocks
from schemas import clocks as deadlines
from schemas.assessment_file import bundled
from schemas.calendar import PUBLISHED

ZONE = ZoneInfo("Asia/Shanghai")
NUMBER, OTHER, DAILY = "杭环罚〔2026〕1号", "杭环罚〔2026〕2号", "杭环罚〔2026〕9号"
ACME = {"name": "杭州示例化工有限公司", "credit_code": "91330110MA2H3J4K5L"}
OTHERS = {"name": "杭州另一家有限公司", "credit_code": "91330106MA27XYAB1C"}
LI, WANG, ZHAO = ({"name": name, "number": f"3301{n}00001"} for n, name in enumerate(("李一", "王二", "赵三")))
PERMIT = "91330110MA2H3J4K5L001P"

Said = tuple[str, dict[str, Any]]


def node(name: str, at: str, **more: Any) -> Said:
    """Give a node of the case's chain."""
    return "case.progressed", {"case_number": "AJ-1", "node": name, "at": at, **more}


def case(**more: Any) -> Said:
    """Give the case as it was handed over."""
    said = {"case_number": "AJ-1", "party": ACME, "found_at": "2026-03-02T09:00:00+08:00", "officers": [LI, WANG]}
    return "case.transferred", {**said, **more}


def decided(on: str = "2026-05-20", number: str = NUMBER, **more: Any) -> Said:
    """Give a decision that fines."""
    said = {"case_number": "AJ-1", "decision_number": number, "party": ACME, "decided_on": on, "status": "in-force"}
    authority = {"name": "杭州市生态环境局"}
    return "penalty.decided", {**said, "kinds": ["fine"], "fine": "20000", "authority": authority, **more}


def daily(on: str = "2026-07-10", **more: Any) -> Said:
    """Give a daily penalty of ten days, after a first decision of 20,000 yuan."""
    days = {"from": "2026-06-11", "to": "2026-06-20", "original_number": NUMBER}
    return decided(on, DAILY, **{"procedure": "daily", "daily": days, "fine": "200000", **more})


def inspected(on: str = "2026-03-01", **more: Any) -> Said:
    """Give an inspection by two officers."""
    said = {"inspection_number": "JC-1", "party": ACME, "started_at": f"{on}T09:00:00+08:00", "officers": [LI, WANG]}
    return "inspection.recorded", {**said, **more}


def certificate(officer: dict[str, str], until: str = "2027-12-31", **more: Any) -> Said:
    """Give an officer's certificate, valid from 2023 on."""
    said = {"number": officer["number"], "name": officer["name"], "valid_from": "2023-01-01", "valid_to": until}
    return "officer.changed", {**said, "status": "valid", **more}


def measure(kind: str, action: str, on: str, number: str = "ZG-1", **more: Any) -> Said:
    """Give a measure."""
    said = {"case_number": "AJ-1", "measure_number": number, "kind": kind, "action": action, "party": ACME}
    return "measure.ordered", {**said, "decided_on": on, **more}


def rechecked(on: str, result: str = "continuing") -> Said:
    """Give a recheck of the measure."""
    said = {"measure_number": "ZG-1", "at": f"{on}T10:00:00+08:00", "result": result, "officers": [LI, WANG]}
    return "recheck.recorded", {**said, "party": ACME}


def paid(amount: str, kind: str = "paid", number: str = NUMBER, on: str = "2026-06-01") -> Said:
    """Give a step of execution."""
    said = {"case_number": "AJ-1", "decision_number": number, "kind": kind, "amount": amount}
    return "penalty.executed", {**said, "at": f"{on}T10:00:00+08:00"}


def permit(since: str, until: str, **more: Any) -> Said:
    """Give a permit."""
    said = {"permit_number": PERMIT, "status": "new", "valid_from": since, "valid_to": until}
    return "permit.changed", {**said, **more}


def accepted(**more: Any) -> Said:
    """Give the acceptance of a project, on show for twenty working days."""
    said = {"project": {"name": "新建车间", "nature": "new"}, "builder": ACME, "approval_number": "杭环建审〔2025〕3号"}
    return "project.accepted", {**said, "public_from": "2026-03-02", "public_to": "2026-03-27", **more}


def approved(on: str) -> Said:
    """Give the EIA approval of the project."""
    said = {"project": {"name": "新建车间"}, "builder": ACME, "approval_number": "杭环建审〔2025〕3号"}
    return "project.approved", {**said, "approved_on": on}


def checked(rule: str, *said: Said, today: str = "2026-11-20", elsewhere: Sequence[Said] = ()) -> CheckOutcome:
    """Give what a check of a case comes to; the n-th document is the message `n`, those elsewhere `x0`, `x1` …"""
    papers = [CaseDocument(str(n), type, "penalty.330100", what, _came(what)) for n, (type, what) in enumerate(said)]
    others = [CaseDocument(f"x{n}", type, "penalty.330100", what) for n, (type, what) in enumerate(elsewhere)]
    now = datetime.fromisoformat(f"{today}T12:00:00+08:00")
    standing = clocks(papers, deadlines.bundled(), PUBLISHED, now, ZONE)
    found = assess(bundled(), Papers(papers, (), others, standing, PUBLISHED, ZONE), now.date())
    return next(each for each in found if each.check.rule == rule)


def _came(document: dict[str, Any]) -> date | None:
    return date.fromisoformat(document.pop("came")) if "came" in document else None


MET, MISSED, NONE, UNKNOWN = Result.MET, Result.MISSED, Result.NOT_APPLICABLE, Result.UNKNOWN
NOTIFIED = node("notified", "2026-04-28T10:00:00+08:00", served={"way": "direct", "on": "2026-04-28"})
ORDER = measure("correct", "impose", "2026-06-09", served_on="2026-06-10")
BASIS = ["《水污染防治法》第八十三条"]

EXAMPLES: tuple[tuple[str, Result, str, tuple[Said, ...]], ...] = (
    ("authority.competent", MET, "the city's bureau decided", (decided(),)),
    (
        "authority.competent",
        MISSED,
        "a branch bureau decided",
        (decided(authority={"name": "杭州市生态环境局余杭分局"}),),
    ),
    ("authority.competent", MISSED, "a detachment decided", (decided(authority={"name": "杭州市综合执法支队"}),)),
    (
        "authority.competent",
        NONE,
        "a branch bureau decided, and was entrusted",
        (decided(authority={"name": "余杭分局"}, mandate={"kind": "entrusted", "number": "委〔2026〕1号"}),),
    ),
    ("authority.competent", NONE, "nothing was decided", (case(),)),
    ("officers.two", MET, "two with valid certificates", (inspected(), certificate(LI), certificate(WANG))),
    ("officers.two", MISSED, "one officer named twice", (inspected(officers=[LI, LI]), certificate(LI))),
    (
        "officers.two",
        MISSED,
        "one certificate ended the day before",
        (inspected(), certificate(LI), certificate(WANG, "2026-02-28")),
    ),
    (
        "officers.two",
        MET,
        "one certificate ended on that very day",
        (inspected(), certificate(LI), certificate(WANG, "2026-03-01")),
    ),
    (
        "officers.two",
        MISSED,
        "one certificate had been revoked by then",
        (
            certificate(LI, came="2023-01-01"),
            certificate(WANG, came="2023-01-01"),
            certificate(WANG, status="revoked", came="2026-02-01"),
            inspected(),
        ),
    ),
    (
        "officers.two",
        MET,
        "one certificate was revoked only later",
        (
            certificate(LI, came="2023-01-01"),
            certificate(WANG, came="2023-01-01"),
            certificate(WANG, status="revoked", came="2026-06-01"),
            inspected(),
        ),
    ),
    ("officers.two", UNKNOWN, "nobody told us of the certificates", (inspected(),)),
    ("officers.two", NONE, "nothing was inspected", (case(),)),
    ("party.identical", MET, "the decision names the party of the case", (case(), decided())),
    (
        "party.identical",
        MET,
        "it names another party of the same case",
        (case(other_parties=[OTHERS]), decided(party=OTHERS)),
    ),
    ("party.identical", MISSED, "the decision names another company", (case(), decided(party=OTHERS))),
    (
        "party.identical",
        MET,
        "only the brackets of the name differ",
        (case(party={"name": "示例（杭州）公司"}), decided(party={"name": "示例(杭州)公司"})),
    ),
    ("party.identical", NONE, "there is but one document", (case(),)),
    (
        "law.in-force",
        MET,
        "the law held when the act was done",
        (case(occurred_on="2026-03-01", violations=[{"facts": "x", "legal_basis": BASIS}]),),
    ),
    (
        "law.in-force",
        MISSED,
        "the law was repealed the day before",
        (case(occurred_on="2026-08-15"), decided("2026-10-20", legal_basis=BASIS)),
    ),
    (
        "law.in-force",
        MET,
        "the act was done on its last day",
        (case(occurred_on="2026-08-14"), decided("2026-10-20", legal_basis=BASIS)),
    ),
    (
        "law.in-force",
        UNKNOWN,
        "the table knows no days of it",
        (case(occurred_on="2026-03-01"), decided(legal_basis=["《排污许可管理条例》第三十四条"])),
    ),
    (
        "law.in-force",
        UNKNOWN,
        "a newer law than the act, which may be milder",
        (case(occurred_on="2026-03-01"), decided("2026-10-20", legal_basis=["《生态环境法典》"])),
    ),
    ("law.in-force", NONE, "nothing is cited", (case(),)),
    (
        "fine.not-raised",
        MET,
        "the fine is what was proposed",
        (node("pleaded", "2026-04-30"), decided(proposed_fine="20000")),
    ),
    (
        "fine.not-raised",
        MISSED,
        "it is a cent more",
        (node("pleaded", "2026-04-30"), decided(fine="20000.01", proposed_fine="20000")),
    ),
    ("fine.not-raised", UNKNOWN, "nobody says what was proposed", (node("pleaded", "2026-04-30"), decided())),
    ("fine.not-raised", NONE, "the party did not plead", (decided(fine="30000", proposed_fine="20000"),)),
    # 2026-04-28 is a Tuesday; 1 to 5 May are free, 9 May is worked: the fifth working day is 8 May.
    ("notice.waited", MET, "decided on the day after the fifth working day", (NOTIFIED, decided("2026-05-09"))),
    ("notice.waited", MISSED, "decided on the fifth working day", (NOTIFIED, decided("2026-05-08"))),
    ("notice.waited", MISSED, "decided before the notice", (NOTIFIED, decided("2026-04-20"))),
    (
        "notice.waited",
        UNKNOWN,
        "the party had pleaded by then",
        (NOTIFIED, node("pleaded", "2026-04-30"), decided("2026-05-07")),
    ),
    (
        "notice.waited",
        MISSED,
        "a second notice began the days anew",
        (NOTIFIED, node("notified", "2026-05-19"), decided("2026-05-20")),
    ),
    ("notice.waited", UNKNOWN, "there is no notice", (decided(),)),
    ("notice.waited", NONE, "a simple procedure", (NOTIFIED, decided("2026-04-29", procedure="simple"))),
    (
        "hearing.held",
        MET,
        "held before the decision",
        (node("hearing-requested", "2026-04-01"), node("hearing", "2026-04-15"), decided()),
    ),
    ("hearing.held", MISSED, "decided without it", (node("hearing-requested", "2026-04-01"), decided())),
    (
        "hearing.held",
        MISSED,
        "held only after the decision",
        (node("hearing-requested", "2026-04-01"), decided(), node("hearing", "2026-05-21")),
    ),
    ("hearing.held", NONE, "nobody asked for one", (decided(),)),
    ("hearing.held", NONE, "nothing is decided yet", (node("hearing-requested", "2026-04-01"),)),
    (
        "legal-review.done",
        MET,
        "reviewed on the day of the decision",
        (node("legal-reviewed", "2026-05-20"), decided()),
    ),
    (
        "legal-review.done",
        MISSED,
        "a hearing was held, and nobody reviewed",
        (node("hearing", "2026-04-15"), decided()),
    ),
    ("legal-review.done", MISSED, "reviewed only afterwards", (decided(), node("legal-reviewed", "2026-05-21"))),
    ("legal-review.done", UNKNOWN, "nobody says whether it was due", (decided(),)),
    ("legal-review.done", NONE, "a simple procedure", (decided(procedure="simple"),)),
    ("discussion.held", MET, "discussed the day before", (node("discussed", "2026-05-19"), decided())),
    (
        "discussion.held",
        MISSED,
        "extended twice, and never discussed",
        (node("extended", "2026-04-01"), node("extended", "2026-05-01"), decided()),
    ),
    (
        "discussion.held",
        UNKNOWN,
        "extended once, and nobody says whether it was due",
        (node("extended", "2026-04-01"), decided()),
    ),
    ("discussion.held", NONE, "nothing was decided", (node("extended", "2026-04-01"),)),
    (
        "investigators.apart",
        MET,
        "others voted",
        (case(), node("discussed", "2026-05-01", participants=[{**ZHAO, "role": "voter"}])),
    ),
    (
        "investigators.apart",
        MISSED,
        "an investigator voted",
        (case(), node("discussed", "2026-05-01", participants=[{**LI, "role": "voter"}])),
    ),
    (
        "investigators.apart",
        MET,
        "an investigator only reported",
        (
            case(),
            node("discussed", "2026-05-01", participants=[{**LI, "role": "investigator"}, {**ZHAO, "role": "voter"}]),
        ),
    ),
    ("investigators.apart", UNKNOWN, "nobody says who voted", (case(), node("discussed", "2026-05-01"))),
    ("investigators.apart", NONE, "it was neither reviewed nor discussed", (case(),)),
    ("limitation.kept", MET, "found two years later to the day", (case(occurred_on="2024-03-02"),)),
    ("limitation.kept", UNKNOWN, "a day later: five years if it did harm", (case(occurred_on="2024-03-01"),)),
    ("limitation.kept", MISSED, "more than five years later", (case(occurred_on="2021-03-01"),)),
    (
        "limitation.kept",
        MET,
        "the act went on until last year",
        (case(occurred_on="2021-03-01"), decided(acts={"from": "2021-03-01", "to": "2025-06-30"})),
    ),
    ("limitation.kept", NONE, "there is no case file", (decided(),)),
    ("reviewers.apart", MET, "somebody else examined it", (case(), node("reviewed", "2026-05-01", officers=[ZHAO]))),
    (
        "reviewers.apart",
        MISSED,
        "an investigator examined it",
        (case(), node("reviewed", "2026-05-01", participants=[{**WANG, "role": "reviewer"}])),
    ),
    ("reviewers.apart", NONE, "nobody examined it yet", (case(),)),
    ("daily.order-first", MET, "ordered the day before", (ORDER, daily())),
    ("daily.order-first", MISSED, "no order at all", (daily(),)),
    (
        "daily.order-first",
        MISSED,
        "served only during the days",
        (measure("correct", "impose", "2026-06-09", served_on="2026-06-15"), daily()),
    ),
    (
        "daily.order-first",
        UNKNOWN,
        "nobody says when it was served",
        (measure("correct", "impose", "2026-06-09"), daily()),
    ),
    ("daily.order-first", NONE, "an ordinary decision", (decided(),)),
    ("recheck.in-time", MET, "rechecked on the thirtieth day", (ORDER, rechecked("2026-07-10"))),
    ("recheck.in-time", MISSED, "rechecked a day later", (ORDER, rechecked("2026-07-11"))),
    ("recheck.in-time", MISSED, "never rechecked, and the days are over", (ORDER,)),
    ("recheck.in-time", NONE, "nothing was ordered", (case(),)),
    (
        "daily.counted",
        MET,
        "ten days of the first fine",
        (decided("2026-06-01"), ORDER, rechecked("2026-06-20"), daily()),
    ),
    (
        "daily.counted",
        MISSED,
        "a day too many",
        (decided("2026-06-01"), ORDER, rechecked("2026-06-20"), daily(fine="220000")),
    ),
    (
        "daily.counted",
        MISSED,
        "decided before the first decision",
        (decided("2026-07-11"), ORDER, rechecked("2026-06-20"), daily()),
    ),
    (
        "daily.counted",
        MISSED,
        "counts the day of service",
        (
            decided("2026-06-01"),
            measure("correct", "impose", "2026-06-09", served_on="2026-06-11"),
            rechecked("2026-06-20"),
            daily(),
        ),
    ),
    (
        "daily.counted",
        MISSED,
        "counts a day after the recheck",
        (decided("2026-06-01"), ORDER, rechecked("2026-06-19"), daily()),
    ),
    ("daily.counted", UNKNOWN, "the first decision did not come", (ORDER, rechecked("2026-06-20"), daily())),
    ("daily.counted", NONE, "an ordinary decision", (decided(),)),
    (
        "seizure.in-time",
        MET,
        "released on the thirtieth day",
        (
            measure("seal", "impose", "2026-03-01", "CF-1"),
            measure("seal", "release", "2026-03-31", "CF-2", parent_number="CF-1"),
        ),
    ),
    (
        "seizure.in-time",
        MISSED,
        "released a day later",
        (
            measure("seize", "impose", "2026-03-01", "CF-1"),
            measure("seize", "release", "2026-04-01", "CF-2", parent_number="CF-1"),
        ),
    ),
    (
        "seizure.in-time",
        MET,
        "extended in time",
        (
            measure("seal", "impose", "2026-03-01", "CF-1"),
            measure("seal", "extend", "2026-03-20", "CF-2", parent_number="CF-1"),
            measure("seal", "release", "2026-04-30", "CF-3", parent_number="CF-1"),
        ),
    ),
    ("seizure.in-time", NONE, "nothing was sealed", (ORDER,)),
    ("act.fined-once", MET, "there is but one decision", (decided(),)),
    (
        "act.fined-once",
        MET,
        "the other fines another act",
        (
            decided(acts={"from": "2026-01-01", "to": "2026-01-31"}),
            decided(number=OTHER, acts={"from": "2026-04-01", "to": "2026-04-02"}),
        ),
    ),
    (
        "act.fined-once",
        MISSED,
        "two fines for the same act",
        tuple(
            decided(
                number=number,
                acts={"from": "2026-01-01", "to": "2026-01-31"},
                violations=[{"item_code": "33-1", "facts": "x"}],
            )
            for number in (NUMBER, OTHER)
        ),
    ),
    ("act.fined-once", MET, "the second corrects the first", (decided(), decided(number=OTHER, corrects=NUMBER))),
    ("act.fined-once", UNKNOWN, "nobody says whether it is the same act", (decided(), decided(number=OTHER))),
    ("act.fined-once", NONE, "nobody was fined", (decided(kinds=["warning"]),)),
    ("payments.match", MET, "paid in full", (decided(), paid("20000"))),
    (
        "payments.match",
        MET,
        "paid in two parts",
        (decided(), paid("5000", "instalment"), paid("15000", on="2026-07-01")),
    ),
    ("payments.match", MET, "a first part, as far as it goes", (decided(), paid("5000", "instalment"))),
    ("payments.match", MISSED, "more was paid than fined", (decided(), paid("20001"))),
    ("payments.match", MISSED, "said to be paid, but too little", (decided(), paid("19000"))),
    (
        "payments.match",
        MET,
        "with the surcharge",
        (decided(), paid("600", "surcharge", on="2026-06-20"), paid("20600", on="2026-07-01")),
    ),
    (
        "payments.match",
        MISSED,
        "a review halved the fine, and the whole was paid",
        (
            decided(),
            (
                "decision.reviewed",
                {
                    "case_number": "AJ-1",
                    "decision_number": NUMBER,
                    "stage": "first",
                    "filed_on": "2026-06-01",
                    "result": "changed",
                    "fine": "10000",
                },
            ),
            paid("20000"),
        ),
    ),
    ("payments.match", NONE, "nothing was paid yet", (decided(),)),
    (
        "permit.valid-at-inspection",
        MET,
        "inspected on its last day",
        (inspected(permit_number=PERMIT), permit("2021-03-02", "2026-03-01")),
    ),
    (
        "permit.valid-at-inspection",
        MISSED,
        "it ended the day before",
        (inspected(permit_number=PERMIT), permit("2021-03-01", "2026-02-28")),
    ),
    (
        "permit.valid-at-inspection",
        MET,
        "it was valid then, and renewed since",
        (
            permit("2021-03-02", "2026-03-01", came="2021-03-02"),
            inspected(permit_number=PERMIT),
            permit("2026-03-02", "2031-03-01", came="2026-03-05"),
        ),
    ),
    ("permit.valid-at-inspection", UNKNOWN, "nobody told us of the permit", (inspected(permit_number=PERMIT),)),
    (
        "permit.valid-at-inspection",
        NONE,
        "the inspection names none",
        (inspected(), permit("2021-03-02", "2026-03-01")),
    ),
    # From Monday 2026-03-02 the twentieth working day is Friday 2026-03-27; 4 to 6 April are free.
    ("acceptance.shown", MET, "twenty working days", (accepted(),)),
    ("acceptance.shown", MISSED, "nineteen", (accepted(public_to="2026-03-26"),)),
    (
        "acceptance.shown",
        MISSED,
        "three days of Qingming do not count",
        (accepted(public_from="2026-03-16", public_to="2026-04-10"),),
    ),
    ("acceptance.shown", NONE, "nothing was accepted", (case(),)),
    (
        "project.approved-first",
        MET,
        "finished after the approval",
        (approved("2025-03-01"), accepted(completed_on="2026-02-01")),
    ),
    (
        "project.approved-first",
        MISSED,
        "finished before the approval",
        (approved("2026-02-02"), accepted(completed_on="2026-02-01")),
    ),
    (
        "project.approved-first",
        MISSED,
        "as the acceptance itself says",
        (accepted(completed_on="2026-02-01", approved_on="2026-02-10"),),
    ),
    ("project.approved-first", NONE, "nobody says when it was finished", (accepted(),)),
    (
        "project.accepted-first",
        MET,
        "used after it had been on show",
        (accepted(permit_number=PERMIT), permit("2026-01-01", "2030-12-31", production_on="2026-04-01")),
    ),
    (
        "project.accepted-first",
        MISSED,
        "used while it was on show",
        (accepted(permit_number=PERMIT), permit("2026-01-01", "2030-12-31", production_on="2026-03-10")),
    ),
    (
        "project.accepted-first",
        NONE,
        "an old plant was expanded",
        (
            accepted(permit_number=PERMIT, project={"name": "扩建", "nature": "expanded"}),
            permit("2026-01-01", "2030-12-31", production_on="2010-03-10"),
        ),
    ),
    (
        "law.not-repealed",
        MET,
        "only the Code is cited",
        (
            case(occurred_on="2026-09-01"),
            decided("2026-11-10", legal_basis=["《生态环境法典》", "《排污许可管理条例》"]),
        ),
    ),
    (
        "law.not-repealed",
        MISSED,
        "a law that it took the place of",
        (
            case(occurred_on="2026-09-01"),
            decided("2026-11-10", legal_basis=["违反《中华人民共和国大气污染防治法》第九十九条"]),
        ),
    ),
    (
        "law.not-repealed",
        MISSED,
        "without brackets",
        (case(occurred_on="2026-09-01"), decided("2026-11-10", legal_basis=["海洋环境保护法第一条"])),
    ),
    (
        "law.not-repealed",
        NONE,
        "the act was done before",
        (case(occurred_on="2026-08-14"), decided("2026-11-10", legal_basis=BASIS)),
    ),
)


@pytest.mark.parametrize(("rule", "result", "why", "said"), EXAMPLES, ids=[f"{one[0]}: {one[2]}" for one in EXAMPLES])
def test_a_check_by_example(rule: str, result: Result, why: str, said: tuple[Said, ...]) -> None:
    """A check comes to what a lawyer would say of these documents."""
    assert checked(rule, *said).result is result, why


@pytest.mark.parametrize("rule", sorted({check.rule for check in bundled().checks}))
def test_every_check_has_an_example_of_each_sort(rule: str) -> None:
    """Each check of this release has a meeting, a missing and a not-applicable example."""
    assert {MET, MISSED, NONE} <= {result for name, result, _, _ in EXAMPLES if name == rule}


def test_a_finding_says_what_was_looked_at_and_names_the_messages_that_show_it() -> None:
    """The sentence is plain, in both languages; the evidence is what it was decided on, in the order of the case."""
    found = checked("notice.waited", case(), NOTIFIED, decided("2026-05-08"))
    assert found.said.zh == (
        "看作出决定之日是否在告知送达后五个工作日届满之后。从2026-04-28到2026-05-08，届满之日为2026-05-08。"
    )
    assert found.said.en.endswith("From 2026-04-28 to 2026-05-08, the last day of the term being 2026-05-08.")
    assert found.evidence == ("1", "2")


def test_no_finding_names_a_person() -> None:
    """What is said of a case never names an officer: it is a finding about a file, never a verdict about a person."""
    everything = [said for _, _, _, documents in EXAMPLES for said in documents]
    for check in bundled().checks:
        found = checked(check.rule, *everything)
        assert not any(one["name"] in found.said.zh + found.said.en for one in (LI, WANG, ZHAO)), check.rule


def test_another_case_of_the_party_is_looked_at_only_for_the_same_act() -> None:
    """A decision of another case is compared with, and is itself no document of this one."""
    act = {"acts": {"from": "2026-01-01", "to": "2026-01-31"}, "violations": [{"item_code": "33-1", "facts": "x"}]}
    other = decided(number=OTHER, authority={"name": "余杭分局"}, **act)
    assert checked("act.fined-once", decided(**act), elsewhere=[other]).evidence == ("0", "x0")
    assert checked("authority.competent", decided(**act), elsewhere=[other]).result is MET


def test_an_unknown_year_of_the_calendar_is_unknown() -> None:
    """Working days of a year that nobody entered cannot be counted, and are not guessed."""
    late = node("notified", "2035-03-01")
    assert checked("notice.waited", late, decided("2035-03-20")).result is UNKNOWN


def test_the_amount_of_the_last_review_counts_and_what_was_confiscated_is_paid_too() -> None:
    """Two reviews are not added up; who pays fine and confiscated amount pays not too much, who pays more does."""
    said = {"case_number": "AJ-1", "decision_number": NUMBER, "result": "changed"}
    first = "decision.reviewed", {**said, "filed_on": "2026-06-01", "concluded_on": "2026-07-01", "fine": "15000"}
    second = "decision.reviewed", {**said, "filed_on": "2026-07-02", "concluded_on": "2026-09-01", "fine": "10000"}
    assert checked("payments.match", decided(), first, second, paid("10000")).result is MET
    assert checked("payments.match", decided(), second, first, paid("10000")).result is MET
    assert checked("payments.match", decided(), first, second, paid("25000")).result is MISSED
    assert checked("payments.match", decided(confiscated="5000"), paid("25000")).result is MET
    assert checked("payments.match", decided(confiscated="5000"), paid("25001")).result is MISSED


def test_a_hearing_is_looked_for_between_its_request_and_the_decision_after_it() -> None:
    """A hearing asked for before a daily penalty is compared with that, not with the decision before the request."""
    asked = node("hearing-requested", "2026-07-01")
    assert checked("hearing.held", decided(), asked, node("hearing", "2026-07-05"), daily()).result is MET
    assert checked("hearing.held", decided(), node("hearing", "2026-05-01"), asked, daily()).result is MISSED


def test_an_extension_of_the_filing_is_none_of_the_decision() -> None:
    """A term that was extended before the case was filed was another one: only two after it make a discussion due."""
    said = [node("extended", "2026-03-10"), node("filed", "2026-03-20"), node("extended", "2026-04-10")]
    assert checked("discussion.held", *said, decided()).result is UNKNOWN
    assert checked("discussion.held", *said, node("extended", "2026-05-10"), decided()).result is MISSED


def test_what_is_still_running_is_not_missed() -> None:
    """A recheck that is not due yet is not applicable, and missed only when its last day is over."""
    assert checked("recheck.in-time", ORDER, today="2026-07-10").result is NONE
    assert checked("recheck.in-time", ORDER, today="2026-07-11").result is MISSED


def test_what_was_sent_again_counts_as_it_was_sent_last() -> None:
    """Of a document that came twice, what it says last counts."""
    assert checked("authority.competent", decided(authority={"name": "余杭分局"}), decided()).result is MET
