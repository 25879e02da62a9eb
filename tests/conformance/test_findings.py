"""What checks of cases came to, and runs over many cases, on both engines and in the model."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import NotFound
from gateway.ledger.assessments import (
    AssessmentRun,
    CaseFinding,
    CaseSearch,
    FindingAnswer,
    FindingFilter,
    ToldFinding,
)
from gateway.ledger.records import Retention
from gateway.message import State

DAY = 86_400.0


def finding(
    make: Any, lane: str = "L1", rule: str = "officers.two", result: str = "missed", **more: Any
) -> CaseFinding:
    """A finding of a case."""
    said = {"case_number": lane, "correlation_id": lane, "region": "330100", "version": "1", "at": make.at()}
    shown = {"said_zh": "看过", "said_en": "looked", "evidence": ("m1",)}
    return CaseFinding(lane=lane, rule=rule, result=result, **{**said, **shown, **more})


async def rules(ledger: Any, **filter: Any) -> list[tuple[str, str]]:
    """The lane and rule of every finding that a filter finds, the newest first."""
    return [(each.lane, each.rule) for each in (await ledger.find_findings(FindingFilter(**filter))).items]


async def test_only_another_result_or_version_is_news(ledger: Any, make: Any) -> None:
    """The same result again is kept with what shows it now, and stays told, answered and as old as it was."""
    first = finding(make)
    assert await ledger.put_findings([first, finding(make, rule="law.in-force")]) == [
        first,
        finding(make, rule="law.in-force"),
    ]
    await ledger.tell_findings([ToldFinding(first, "t1")])
    assert await ledger.put_findings([finding(make, evidence=("m1", "m2"), at=make.at(9))]) == []
    [kept] = (await ledger.find_findings(FindingFilter(rule="officers.two"))).items
    assert kept == replace(first, evidence=("m1", "m2"), told="t1")
    for changed in (finding(make, result="met", at=make.at(10)), finding(make, version="2", at=make.at(11))):
        assert await ledger.put_findings([changed]) == [replace(changed, last_told="missed")]
    assert await rules(ledger) == [("L1", "officers.two"), ("L1", "law.in-force")]


async def test_what_took_the_place_of_a_finding_is_still_to_be_told(ledger: Any, make: Any) -> None:
    """Telling the old finding does not tell the new one, whenever it is noted."""
    old, new = finding(make), finding(make, result="met", at=make.at(5))
    await ledger.put_findings([old])
    await ledger.put_findings([new])
    await ledger.tell_findings([ToldFinding(old, "t1")])
    assert (await ledger.untold_findings())[0] == [new]
    await ledger.tell_findings([ToldFinding(new, "")])
    await ledger.put_findings([finding(make, result="unknown", at=make.at(6))])
    [newest] = (await ledger.untold_findings())[0]
    assert newest.last_told is None
    await ledger.tell_findings([ToldFinding(newest, "")])
    assert (await ledger.untold_findings())[0] == []


async def test_untold_findings_come_oldest_first_and_in_parts(ledger: Any, make: Any) -> None:
    """What is still to be told is found in the order in which it came, some at a time."""
    many = [finding(make, f"L{n}") for n in range(5)]
    await ledger.put_findings(many)
    first, after = await ledger.untold_findings(0, 3)
    rest, end = await ledger.untold_findings(after, 3)
    assert [*first, *rest] == many
    assert await ledger.untold_findings(end, 3) == ([], end)


async def test_an_answer_is_kept_with_the_finding(ledger: Any, make: Any) -> None:
    """What the authority says stays until the finding is another one; of none it is not kept."""
    await ledger.put_findings([finding(make)])
    said = FindingAnswer(make.penalty, make.at(3), "李一", "已补正")
    assert await ledger.answer_finding("L1", "officers.two", said)
    assert not await ledger.answer_finding("L1", "law.in-force", said)
    [kept] = (await ledger.find_findings(FindingFilter())).items
    assert (kept.answered_by, kept.answered_at, kept.reviewer, kept.answer) == (
        make.penalty, make.at(3), "李一", "已补正",
    )  # fmt: skip
    await ledger.put_findings([finding(make, result="met", at=make.at(4))])
    [kept] = (await ledger.find_findings(FindingFilter())).items
    assert (kept.answer, kept.answered_at) == (None, None)


async def test_findings_are_found_by_case_region_rule_and_result(ledger: Any, make: Any) -> None:
    """Each restricts, together they restrict further, and pages follow each other."""
    await ledger.put_findings(
        [
            finding(make, "A", "x", "met", region="330106"),
            finding(make, "B", "x", "missed", region="330200"),
            finding(make, "B", "y", "missed", region="330200"),
            finding(make, "C", "x", "unknown", region="110000"),
        ]
    )
    assert await rules(ledger) == [("C", "x"), ("B", "y"), ("B", "x"), ("A", "x")]
    assert await rules(ledger, regions=("330000", "339999")) == [("B", "y"), ("B", "x"), ("A", "x")]
    assert await rules(ledger, lanes=("A", "C")) == [("C", "x"), ("A", "x")]
    assert await rules(ledger, lanes=()) == []
    assert await rules(ledger, result="missed", rule="x") == [("B", "x")]
    page = await ledger.find_findings(FindingFilter(), None, 3)
    assert [each.lane for each in page.items] == ["C", "B", "B"]
    rest = await ledger.find_findings(FindingFilter(), page.cursor, 3)
    assert ([each.lane for each in rest.items], rest.cursor) == (["A"], None)


async def test_findings_go_with_their_case(play: Any, ledger: Any, make: Any) -> None:
    """When a case is pruned nothing is left of what its checks came to."""
    await play.accept("m1", lane="A")
    await play.end("m1/0", State.DELIVERED)
    await play.accept("m2", lane="B")
    await ledger.put_findings([finding(make, "A"), finding(make, "B")])
    kept = Retention(make.at(DAY) - make.at(), make.at(DAY) - make.at())
    for day, seen in ((0, 0.0), (5, 5 * DAY)):
        while (await ledger.prune(kept, "pruner", make.at(day * DAY), seen=seen)).more:
            seen = 0.0
    assert await rules(ledger) == [("B", "officers.two")]


async def test_cases_are_found_by_when_their_messages_came(play: Any, ledger: Any, make: Any) -> None:
    """Messages of cases in a time and a region come in their order, after any of them, and others never."""
    for number, (lane, region, at) in enumerate(
        [("case:A", "330100", 0), ("case:B", "330200", 0), ("order:C", "330100", 1), ("case:A", "330100", 2),
         ("case:D", "110000", 2), ("case:E", "330100", 9)]
    ):  # fmt: skip
        await play.accept(f"m{number}", lane=lane, region=region, received_at=make.at(at), correlation_id=f"c{lane}")
    search = CaseSearch("case", make.at(), make.at(9), ("330000", "339999"))
    found = await ledger.find_cases(search)
    assert [(each.lane, each.correlation_id) for each in found] == [
        ("case:A", "ccase:A"), ("case:B", "ccase:B"), ("case:A", "ccase:A"),
    ]  # fmt: skip
    assert [each.received_at for each in found] == [make.at(), make.at(), make.at(2)]
    for number, each in enumerate(found):
        assert await ledger.find_cases(search, each.cursor) == found[number + 1 :]
    assert await ledger.find_cases(search, "", 2) == found[:2]
    assert [each.lane for each in await ledger.find_cases(replace(search, regions=None))][-1] == "case:D"


async def test_messages_are_found_by_a_number_under_a_key(play: Any, ledger: Any) -> None:
    """The newest of a type that name a number come, the oldest first, however it is spelled."""
    for name in ("m1", "m2", "m3"):
        await play.accept(name, keys={"permit_number": "P-1"}, type="permit.changed")
    await play.accept("m4", keys={"permit_number": "P-1"}, type="case.transferred")
    await play.accept("m5", keys={"permit_number": "P-2"}, type="permit.changed")
    found = await ledger.naming("permit_number", "p-1", "permit.changed", 2)
    assert [each.id for each in found] == ["m2", "m3"]
    assert await ledger.naming("project_code", "P-1", "permit.changed") == []


async def test_a_run_goes_on_from_where_it_stands(ledger: Any, make: Any) -> None:
    """Of two that bring it further from one state, the first does; a run that nobody began is not known."""
    begun = AssessmentRun("r1", "operator", "现场核实", make.at(), "330100", make.at(), make.at(9))
    intent = make.intent(key="k")
    assert await ledger.begin_assessment(begun, intent) == begun
    assert await ledger.begin_assessment(begun, intent) == begun
    further, other = replace(begun, cursor="5-5", cases=2), replace(begun, cursor="3-3", cases=1)
    assert await ledger.step_assessment(begun, further) == further
    assert await ledger.step_assessment(begun, other) == further
    assert await ledger.assessments(unfinished=True) == [further]
    done = replace(further, finished_at=make.at(20))
    await ledger.step_assessment(further, done)
    assert (await ledger.assessments(unfinished=True), await ledger.assessments()) == ([], [done])
    with pytest.raises(NotFound) as raised:
        await ledger.step_assessment(replace(begun, id="r2"), replace(begun, id="r2", cases=1))
    assert raised.value.code == "assessment.unknown"
