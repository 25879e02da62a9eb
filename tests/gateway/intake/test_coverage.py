"""Who covers what: regions, functional areas, ranges of codes, and regions that took the place of others."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.intake import router
from gateway.intake.coverage import Coverage
from gateway.intake.sender_rights import jurisdiction, used
from gateway.ledger.records import Area, Intent, Platform
from schemas import regions
from schemas.findings import Finding, Rejected, Text

NOW = datetime(2026, 9, 1, tzinfo=UTC)
KIND = "mobile-enforcement"
AREAS = {
    code: Area(code, title, parent, NOW)
    for code, title, parent in [
        ("370171", "济南高新技术产业开发区", "370100"),
        ("370172", "开发区东区", "370171"),
        ("660000", "新疆生产建设兵团", "000000"),
        ("660800", "第八师", "660000"),
        ("660801", "一四三团", "660800"),
        ("LY0001", "长江流域生态环境监督管理局", "000000"),
    ]
}


def platform(region: str, *covers: str, kind: str = KIND, mandates: tuple[str, ...] = ()) -> Platform:
    """A platform of a region, with what it states beside it."""
    return Platform(f"{kind}.{region}", kind, region, "plain", {}, NOW, covers=covers, mandates=mandates)


def coverage(*platforms: Platform) -> Coverage:
    """These platforms, and the functional areas of these tests."""
    return Coverage({one.id: one for one in platforms}, AREAS)


def nearest(region: str, *platforms: Platform, toward: str = "nearest", source: str = "penalty.000000") -> str | None:
    """The region of the platform that a message about a place goes to."""
    choose = router.chooser(coverage(*platforms), lambda one, message_type: True)
    found = choose("case.transferred", KIND, toward, region, source)
    return found and found.partition(".")[2]


def test_an_area_lies_in_its_parent_and_what_that_lies_in():
    """By the parents that operators gave; regions below an area by their codes."""
    known = coverage()
    assert known.lineage("370172") == ["370172", "370171", "370100", "370000", "000000"]
    assert known.lineage("660801") == ["660801", "660800", "660000", "000000"]
    assert known.lineage("LY0001") == ["LY0001", "000000"]
    assert known.name("370172") == "山东省/济南市/济南高新技术产业开发区/开发区东区"
    assert known.name("660801") == "新疆生产建设兵团/第八师/一四三团"
    assert known.name("330110") == regions.path_name("330110")


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("370171", "370171"),  # a functional zone has a platform of its own
        ("370172", "370171"),  # and what lies in it has that one
        ("370102", "370100"),  # its neighbours have the city's
        ("660801", "660000"),  # a regiment's is the corps'
        ("650102", None),  # and 新疆's own places are not the corps'
    ],
)
def test_an_area_with_a_platform_of_its_own(region, expected):
    """The nearest is found through areas as through regions."""
    assert nearest(region, platform("370171"), platform("370100"), platform("660000")) == expected


def test_what_a_platform_states_is_found_level_by_level():
    """A basin bureau covers two provinces: it is there where nothing of the place itself is."""
    bureau = platform("LY0001", "320000", "330100-330199", "370171")
    assert nearest("320581", bureau) == "LY0001"
    assert nearest("330110", bureau) == "LY0001"
    assert nearest("330203", bureau) is None
    assert nearest("370172", bureau) == "LY0001"
    assert nearest("320581", bureau, platform("320500")) == "320500"
    assert nearest("320581", bureau, platform("320000")) == "320000"
    assert nearest("320581", bureau, platform("000000")) == "LY0001"


def test_of_several_that_state_a_place_the_first_by_id_is_chosen():
    """The choice is the same whatever order they were registered in."""
    one, other = platform("LY0001", "320000"), platform("320500", "320000")
    assert nearest("320000", one, other) == nearest("320000", other, one) == "320500"


def test_the_source_itself_is_never_chosen():
    """Where it states the place, nobody further away is taken instead."""
    bureau = platform("LY0001", "320000")
    assert nearest("320581", bureau, platform("000000"), source=bureau.id) is None


def test_the_national_reach_honours_what_is_stated():
    """The nation's own platform first; else one that states the whole country."""
    stated = platform("LY0001", "000000")
    assert nearest("320581", stated, toward="national") == "LY0001"
    assert nearest("320581", stated, platform("000000"), toward="national") == "000000"


def test_a_range_has_what_lies_in_its_last_code():
    """From 杭州 to 宁波 with their counties; not 温州."""
    known = coverage(one := platform("330000", "320100-320200"))
    assert [known.covers(one, code) for code in ("320102", "320150", "320213", "320300")] == [True, True, True, False]


def test_an_abolished_region_is_covered_by_who_took_its_place():
    """余杭县 is 余杭区 now: its platform may still send the old cases. Of 江干区, which was divided, nobody knows."""
    known = coverage(district := platform("330110"), city := platform("330100"))
    assert regions.successors("330125") == ("330110",)
    assert known.covers(district, "330125")
    assert not known.covers(district, "330104")
    assert known.covers(city, "330104")
    assert regions.successors("330110") == ()


# ── mandates ──────────────────────────────────────────────────────────────────────────────────
CROSS = {"kind": "cross", "number": "苏环执法〔2026〕12号"}


def test_a_granted_mandate_lifts_the_border_and_is_audited():
    """江苏's team acts in 杭州: it may speak of it, and the audit says by which mandate."""
    known = coverage(caller := platform("320000", mandates=("cross",)))
    found = jurisdiction("330110", None, CROSS, caller, known)
    assert (found.region, found.mandate) == ("330110", CROSS)
    (entry,) = used(found, "m-1", caller.id, NOW)
    assert (entry.action, entry.subject, entry.actor) == ("mandate.used", "m-1", caller.id)
    assert (entry.reason, entry.detail) == (CROSS["number"], {"kind": "cross", "region": "330110"})


@pytest.mark.parametrize(
    ("mandate", "granted", "code"),
    [
        (CROSS, (), "mandate.not-allowed"),
        (CROSS, ("entrusted", "escalated"), "mandate.not-allowed"),
        ({"number": "1"}, ("cross",), "mandate.not-allowed"),
        ({"kind": ["cross"]}, ("cross",), "mandate.not-allowed"),
        (None, ("cross",), "region.outside"),
        ("cross", ("cross",), "region.outside"),
        ([CROSS], ("cross",), "region.outside"),
    ],
)
def test_nothing_else_lifts_the_border(mandate: Any, granted, code):
    """A kind that was not granted, none, or what only looks like one: 403."""
    known = coverage(caller := platform("320000", mandates=granted))
    with pytest.raises(Rejected) as caught:
        jurisdiction("330110", None, mandate, caller, known)
    assert (caught.value.code, caught.value.status) == (code, 403)


def test_at_home_no_mandate_is_needed_or_used():
    """A mandate for a place that the platform covers anyway is neither asked for nor audited."""
    known = coverage(caller := platform("330000", "370171"))
    for region in ("330110", "370172"):
        found = jurisdiction(region, None, CROSS, caller, known)
        assert (found.region, used(found, "m-1", caller.id, NOW)) == (region, ())


# ── doubts ────────────────────────────────────────────────────────────────────────────────────
def test_an_area_is_no_unknown_region_while_it_is_there():
    """Its code is not in GB/T 2260, and that is no warning; after its last day there is another one."""
    area = Area("370171", "济南高新区", "370100", NOW, "1991-03-06", "2026-06-30")
    known = Coverage({}, {"370171": area})
    unknown = [Finding("region.unknown", Text("", ""), field="region", value=code) for code in ("370171", "370199")]
    assert known.doubts(unknown, date(2026, 6, 30)) == unknown[1:]
    assert [one.code for one in known.doubts(unknown, date(2026, 7, 1))] == ["area.expired", "region.unknown"]
    assert [one.code for one in known.doubts(unknown, date(1990, 1, 1))] == ["area.expired", "region.unknown"]


async def test_a_document_of_an_area_goes_to_its_platform_without_a_warning(desk, write):
    """370171 is registered as an area: known, routed to the zone's own platform, and spoken of by its city's."""
    area = Area("370171", "济南高新区", "370100", NOW)
    await desk.ledger.put_area(area, Intent("admin", "", NOW), ["penalty"], lambda one: None)
    await desk.refresh()
    await desk.at("mobile-enforcement.370000", "penalty.370171", "penalty.370100")
    sent = await desk.send("mobile-enforcement.370000", "case.transferred", write.case(region="370171"))
    assert [one.platform for one in sent.deliveries] == ["penalty.370171"]
    assert "region.unknown" not in {one["code"] for one in sent.message.warnings}


async def test_what_a_platform_covers_it_may_send(desk, write):
    """A basin bureau speaks of a place far from any code of its own; of others it does not."""
    await desk.at("mobile-enforcement.LY0001", covers=("330000",))
    await desk.at("penalty.330000")
    sent = await desk.send("mobile-enforcement.LY0001", "case.transferred", write.case())
    assert [one.platform for one in sent.deliveries] == ["penalty.330000"]
    rejection = await desk.fail("mobile-enforcement.LY0001", "case.transferred", write.case(region="370102"))
    assert rejection.code == "region.outside"


async def test_what_waited_goes_out_when_a_platform_states_the_place(desk, write):
    """Unrouted at first; the platform that covers the place by a range takes it, and it alone."""
    await desk.at("mobile-enforcement.330000")
    sent = await desk.send("mobile-enforcement.330000", "case.transferred", write.case())
    await desk.at("penalty.LY0001", covers=("330101-330109",))
    await desk.at("penalty.LY0002", covers=("330101-330110",))
    found = await desk.ledger.deliveries_of(sent.message.id)
    assert [(one.platform, one.state.value) for one in found] == [("penalty.LY0002", "ready")]


# ── mandates in documents ─────────────────────────────────────────────────────────────────────
async def test_a_case_under_a_mandate_goes_to_both_sides_and_is_audited(desk, write):
    """江苏's team hands over a case of 杭州: both penalty systems get it, and both hear the answer.

    Without the grant the same bytes are 403; each use is in the audit once.
    """
    await desk.at("penalty.330100", "penalty.320000", "mobile-enforcement.330100")
    await desk.at("mobile-enforcement.320000")
    case = write.case(mandate=CROSS)
    rejection = await desk.fail("mobile-enforcement.320000", "case.transferred", case)
    assert (rejection.status, rejection.code) == (403, "mandate.not-allowed")
    await desk.at("mobile-enforcement.320000", mandates=("cross",))
    sent = await desk.send("mobile-enforcement.320000", "case.transferred", case)
    own, both = "mobile-enforcement.330100", ["penalty.330100", "penalty.320000"]
    assert [one.platform for one in sent.deliveries] == [*both, own]
    audit = await desk.ledger.audit(sent.message.id)
    assert [(one.action, one.reason) for one in audit] == [
        ("message.accepted", ""),
        ("mandate.used", CROSS["number"]),
    ]
    again = await desk.send("mobile-enforcement.320000", "case.transferred", case)
    assert again.duplicate
    assert await desk.ledger.audit(sent.message.id) == audit
    filed = await desk.send("penalty.320000", "case.progressed", write.progress(region="330110"))
    assert {one.platform for one in filed.deliveries} == {"mobile-enforcement.330100", "mobile-enforcement.320000"}


async def test_a_grant_that_is_taken_back_while_a_case_is_decided_counts(racing, write):
    """Decided while the mandate was granted, kept after it was not: it is decided again, and 403."""
    await racing.at("penalty.330100")
    await racing.at("mobile-enforcement.320000", mandates=("cross",))
    gate = racing.ledger.hold_before("accept")
    call = racing.receive("mobile-enforcement.320000", "case.transferred", write.case(mandate=CROSS))
    waiting = asyncio.create_task(call)
    await gate.reached()
    await racing.at("mobile-enforcement.320000")
    gate.open()
    (entry,) = (await waiting).receipt.entries
    assert (entry.status, entry.code) == (403, "mandate.not-allowed")


async def test_a_case_settles_where_its_later_documents_may_be_about(desk, write):
    """Steps of a case cannot state a mandate: who takes part in it may name its place, another place or who has no
    part in it may not; a decision can state one, and needs it."""
    await desk.at("penalty.320000", "penalty.350000")
    await desk.at("mobile-enforcement.320000", mandates=("cross",))
    await desk.send("mobile-enforcement.320000", "case.transferred", write.case(mandate=CROSS))
    for platform, region, code in [
        ("penalty.320000", "330203", "region.outside"),
        ("penalty.350000", "330110", "region.outside"),
    ]:
        rejection = await desk.fail(platform, "case.progressed", write.progress(region=region))
        assert rejection.code == code
    assert (await desk.send("penalty.320000", "case.progressed", write.progress(region="330110"))).deliveries
    decision = write.decision(region="330110")
    assert (await desk.fail("penalty.320000", "penalty.decided", decision)).code == "region.outside"
    stated = write.decision(region="330110", mandate=CROSS)
    assert (await desk.fail("penalty.320000", "penalty.decided", stated)).code == "mandate.not-allowed"
