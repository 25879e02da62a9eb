"""Every figure by example: what counts, what does not, and what a later version makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from report_documents import (
    Said,
    answer,
    decision,
    done,
    handover,
    inspection,
    lead,
    measure,
    node,
    officer,
    order,
    permit,
    publication,
    recheck,
    review,
)
from telling import MOBILE, Telling

from schemas.figures import bundled

CHAIN = (node("filed"), node("evidence"), node("notified"), decision())
Counted = tuple[float | None, float | None]

EXAMPLES: Mapping[str, tuple[tuple[Said, ...], Counted, tuple[Said, ...], Counted]] = {
    # figure → documents, how many that is, documents that come later (mostly another version), how many it is then
    "officer-use": (
        (officer(), officer("33010009", valid_to="2026-03-30"), inspection(), inspection("JC-2")), (2, 1),
        (officer(status="revoked"),), (2, 0),
    ),
    "entry-timeliness": (
        (inspection(), inspection("JC-2", "2026-03-01")), (1, 2),
        # What came in time stays so, however late it is corrected.
        (inspection(findings="更正"), inspection("JC-2", "2026-02-28")), (1, 1),
    ),
    "problem-discovery": (
        (inspection(problem_found=True), inspection("JC-2", problem_found=False), inspection("JC-3")), (1, 3),
        (inspection(problem_found=False),), (0, 3),
    ),
    "remote-inspections": (
        (inspection(mode="remote"), inspection("JC-2", mode="onsite")), (1, 2), (inspection(mode="onsite"),), (0, 2),
    ),
    "joint-inspections": (
        (inspection(joint_with=["消防"]), inspection("JC-2")), (1, 2), (inspection(),), (0, 2),
    ),
    "cap-breaches": (
        tuple(inspection(f"JC-{n}", f"2026-03-0{n}", mode="onsite") for n in (1, 2, 3)), (1, None),
        # An earlier one did not count after all.
        (inspection("JC-1", "2026-03-01", mode="onsite", cap_exemption="投诉举报"),), (0, None),
    ),
    "leads-on-time": (
        (lead(), answer("2026-03-20T12:00:00+08:00")), (1, 1),
        (lead(due_at="2026-03-20T11:00:00+08:00"),), (0, 1),
    ),
    "orders-on-time": (
        (order(), done("2026-03-19T09:00:00+08:00", "working")), (0, 1), (done("2026-03-20T09:00:00+08:00"),), (1, 1),
    ),
    "chain-completeness": (
        (*CHAIN[:-1], node("closed")), (0, 1), (decision(),), (1, 1),
    ),
    "publication-on-time": (
        # 11 March is the seventh working day.
        (decision(), publication("2026-03-11T20:00:00+08:00"), decision(number="杭环罚〔2026〕2号")), (1, 2),
        (decision(number="杭环罚〔2026〕2号", publish={"allowed": False}),), (1, 1),
    ),
    "corrections-closed": (
        (measure(), recheck("continuing")), (0, 1), (recheck("corrected", "2026-04-02T09:00:00+08:00"),), (1, 1),
    ),
    "daily-penalties": ((decision(procedure="daily"),), (1, None), (decision(procedure="ordinary"),), (0, None)),
    "seizures": (
        (measure("seal"), measure("seize", measure_number="KY-1"), measure("seal", "release")), (2, None),
        (measure("seal", decided_on="2026-04-01"),), (1, None),
    ),
    "restrictions": (
        (measure("suspend"), measure("restrict", "extend")), (1, None), (measure("seal"),), (0, None),
    ),
    "detentions": (
        (handover("detention"), handover("damages")), (1, None), (handover("detention", decided_on="2026-03-12"),),
        (2, None),
    ),
    "crimes": ((handover("crime"), handover("agency")), (1, None), (handover("crime", outcome="filed"),), (1, None)),
    "fines": (
        (decision(fine="20000.5", confiscated="0.25"), decision(number="杭环罚〔2026〕2号", fine="100")),
        (20100.75, 2), (decision(status="withdrawn"),), (100, 1),
    ),
    "overturned": (
        (review("changed"), review(None)), (0, 0), (review("changed"),), (1, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(EXAMPLES))
async def test_a_figure_counts_what_it_says(telling: Any, name: str) -> None:
    """Documents count by what their last version says; all of them shown again change nothing."""
    before, counted, later, then = EXAMPLES[name]
    for said in before:
        await telling.tell(*said)
    assert await telling.counted(name) == counted
    for said in later:
        await telling.tell(*said, at="2026-04-15T09:00:00+08:00")
    assert await telling.counted(name) == then
    report = await telling.report()
    await telling.again()
    assert await telling.report() == report


async def test_counties_are_covered_where_a_platform_is_registered(telling: Any) -> None:
    """Configured are the counties in force where a mobile enforcement platform is; a county counts once."""
    await telling.tell(*inspection())
    await telling.tell(*inspection("JC-2"))
    await telling.tell(*inspection("JC-3", region="340102"))
    covered, configured = await telling.counted("county-coverage")
    assert (covered, configured) == (1, 90)
    assert await telling.counted("county-coverage", region="330100") == (1, 13)
    elsewhere = await telling.figure("county-coverage", region="340000")
    assert (elsewhere.numerator, elsewhere.denominator, elsewhere.value) == (0, 0, None)
    assert "mobile-enforcement" in elsewhere.unknown.en
    await telling.tell(*inspection("JC-3", region="330106"), at="2026-04-15T09:00:00+08:00")
    assert await telling.counted("county-coverage") == (2, 90)


async def test_an_abolished_county_counts_as_what_took_its_place(telling: Any) -> None:
    """An inspection that names a county of former times covers the one in force."""
    await telling.tell(*inspection(region="330185"))
    assert await telling.counted("county-coverage") == (1, 90)


async def test_cities_without_any_of_the_five_kinds(telling: Any) -> None:
    """Cities count where a platform is registered and none of the five kinds of cases occurred."""
    assert await telling.counted("cities-without") == (11, 11)
    await telling.tell(*measure("seal"))
    await telling.tell(*handover("crime"), region="330203")
    await telling.tell(*decision())
    assert await telling.counted("cities-without") == (9, 11)
    await telling.tell(*measure("correct"), at="2026-04-15T09:00:00+08:00")
    assert await telling.counted("cities-without") == (10, 11)


async def test_what_was_written_back_was_accepted_by_the_permit_platform(telling: Any) -> None:
    """Inspections and decisions are of a known permit holder that name a permit, or whose enterprise has one."""
    await telling.tell(*inspection())
    await telling.tell(*decision(permit_number="91330110MA2CXY1R13001P"))
    assert await telling.counted("write-back") == (0, 1)
    await telling.tell(*permit(), at="2026-04-15T09:00:00+08:00")
    assert await telling.counted("write-back") == (0, 2)
    assert await telling.behind("write-back", "denominator") == ["m002", "m001"]
    await telling.again()
    assert await telling.counted("write-back") == (0, 2)


def test_every_figure_has_an_example() -> None:
    """No figure is without one."""
    others = {"county-coverage", "cities-without", "write-back"}
    assert {each.figure for each in bundled().figures} == set(EXAMPLES) | others


async def test_without_a_cap_nothing_is_beyond_it(empty: Any) -> None:
    """No number holds everywhere: where none is set, the figure is unknown and says why."""
    telling = Telling(empty)
    await telling.register(MOBILE)
    for day in (1, 2, 3):
        await telling.tell(*inspection(f"JC-{day}", f"2026-03-0{day}", mode="onsite"))
    found = await telling.figure("cap-breaches")
    assert (found.value, found.unknown.en) == (None, "HUTONG_INSPECTION_CAP is not set")


async def test_what_nobody_can_count_is_unknown(telling: Any) -> None:
    """A limit in a year whose holidays nobody entered, nothing to divide by, no certificates: each says its reason."""
    assert "nothing to count" in (await telling.figure("entry-timeliness")).unknown.en
    assert "certificate" in (await telling.figure("officer-use")).unknown.en
    await telling.tell(*decision("2027-03-01"))
    found = await telling.figure("publication-on-time", "2027-03")
    assert (found.numerator, found.denominator, found.value) == (0, 1, None)
    assert "holidays" in found.unknown.en
