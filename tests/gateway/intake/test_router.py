"""Where a message goes, by region: nearest, national, both, nobody."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapters.source import load
from gateway.intake import router
from gateway.intake.coverage import Coverage
from gateway.intake.routes import parse_routes
from gateway.ledger.records import Platform


def places(accepted) -> set[str | None]:
    """Name the platforms a message goes to; None for the unrouted."""
    return {one.platform for one in accepted.deliveries}


async def test_a_message_for_one_city_never_reaches_its_neighbour(desk, write):
    """威海 371000 and 日照 371100 share three digits and nothing else."""
    await desk.at("penalty.370000", "mobile-enforcement.371000", "mobile-enforcement.371100", "credit-publicity.370000")
    weihai = await desk.send("penalty.370000", "penalty.decided", write.decision(region="371002"))
    assert places(weihai) == {"mobile-enforcement.371000", "credit-publicity.370000"}


async def test_a_municipality_does_not_catch_the_province_beside_it(desk, write):
    """重庆 500000 does not cover 四川 510000: without a platform of its own 四川 is unrouted."""
    await desk.at("penalty.000000", "mobile-enforcement.500000", "credit-publicity.000000")
    sichuan = await desk.send("penalty.000000", "penalty.decided", write.decision(region="510100"))
    assert places(sichuan) == {None, "credit-publicity.000000"}


async def test_the_deepest_platform_that_covers_the_region_is_chosen(desk, write):
    """County before city before province before country."""
    await desk.at("penalty.330000", "credit-publicity.330000")
    expected = ["mobile-enforcement.000000", "mobile-enforcement.330000", "mobile-enforcement.330100"]
    for number, platform in enumerate([*expected, "mobile-enforcement.330110"]):
        await desk.at(platform)
        sent = await desk.send("penalty.330000", "penalty.decided", write.decision(case_number=f"AJ-{number}"))
        assert platform in places(sent)


async def test_a_province_without_a_platform_of_its_own_falls_to_the_national_one(desk, write):
    """浙江 has no credit platform: the national one takes its decisions."""
    await desk.at("penalty.330000", "mobile-enforcement.330000", "credit-publicity.000000", "credit-publicity.340000")
    sent = await desk.send("penalty.330000", "penalty.decided", write.decision())
    assert "credit-publicity.000000" in places(sent)


async def test_a_platform_that_cannot_take_the_type_is_passed_over(desk, write):
    """The nearest platform's adapter cannot send decisions: the next one around it gets them."""
    await desk.at("penalty.330000", "mobile-enforcement.330000", "credit-publicity.000000")
    await desk.at("credit-publicity.330000", adapter="deaf")
    sent = await desk.send("penalty.330000", "penalty.decided", write.decision())
    assert "credit-publicity.000000" in places(sent)
    assert "credit-publicity.330000" not in places(sent)


async def test_inspections_of_a_permit_go_to_the_province_and_to_the_country(desk, write):
    """排污许可管理条例 第二十五条: what is found goes back to the national platform as well; once each."""
    await desk.at("mobile-enforcement.330000", "pollutant-permit.330000", "pollutant-permit.000000")
    sent = await desk.send(
        "mobile-enforcement.330000", "inspection.recorded", write.inspection(permit_number="91330110MA2CXY1R13001P")
    )
    assert sorted(one.platform for one in sent.deliveries) == ["pollutant-permit.000000", "pollutant-permit.330000"]


async def test_both_is_one_delivery_where_both_are_one_platform(desk, write):
    """Only the national permit platform is there: it gets the inspection once."""
    await desk.at("mobile-enforcement.330000", "pollutant-permit.000000")
    sent = await desk.send(
        "mobile-enforcement.330000", "inspection.recorded", write.inspection(permit_number="91330110MA2CXY1R13001P")
    )
    assert [one.platform for one in sent.deliveries] == ["pollutant-permit.000000"]


PROVINCE, NATIONAL = "pollutant-permit.330000", "pollutant-permit.000000"


def standing(deliveries) -> set[tuple[str, str | None, str | None]]:
    """Tell of each delivery its state, its platform and whom it seeks or sought."""
    return {(one.state.value, one.platform, one.toward) for one in deliveries}


@pytest.mark.parametrize("order", [(PROVINCE, NATIONAL), (NATIONAL, PROVINCE)])
async def test_both_keeps_both_whichever_is_registered_first(desk, write, order):
    """Art. 25: nobody is there yet, and in the end the province and the ministry each have the inspection, once."""
    await desk.at("mobile-enforcement.330000")
    inspection = write.inspection(permit_number="91330110MA2CXY1R13001P")
    sent = await desk.send("mobile-enforcement.330000", "inspection.recorded", inspection)
    assert standing(sent.deliveries) == {("unrouted", None, "national"), ("unrouted", None, "nearest")}
    assert [one["code"] for one in sent.message.warnings] == ["delivery.unrouted", "delivery.unrouted"]
    await desk.at(*order)
    now = await desk.ledger.deliveries_of(sent.message.id)
    assert standing(now) == {("ready", NATIONAL, "national"), ("ready", PROVINCE, "nearest")}


async def test_both_waits_for_the_country_where_only_the_province_is_there(desk, write):
    """The province gets its own at once; the ministry's copy waits for the ministry, and nobody else gets it."""
    await desk.at("mobile-enforcement.330000", PROVINCE)
    inspection = write.inspection(permit_number="91330110MA2CXY1R13001P")
    sent = await desk.send("mobile-enforcement.330000", "inspection.recorded", inspection)
    assert standing(sent.deliveries) == {("ready", PROVINCE, None), ("unrouted", None, "national")}
    await desk.at("pollutant-permit.330100")
    assert standing(await desk.ledger.deliveries_of(sent.message.id)) == standing(sent.deliveries)
    await desk.at(NATIONAL)
    assert places_now(await desk.ledger.deliveries_of(sent.message.id)) == {PROVINCE, NATIONAL}


async def test_a_platform_gets_a_message_once_however_many_of_its_deliveries_it_could_take(desk, write):
    """The ministry takes the copy that is meant for it; the nearest one's waits for a nearer platform."""
    await desk.at("mobile-enforcement.330000")
    inspection = write.inspection(permit_number="91330110MA2CXY1R13001P")
    sent = await desk.send("mobile-enforcement.330000", "inspection.recorded", inspection)
    await desk.at(NATIONAL)
    now = await desk.ledger.deliveries_of(sent.message.id)
    assert standing(now) == {("ready", NATIONAL, "national"), ("unrouted", None, "nearest")}


def places_now(deliveries) -> set[str | None]:
    """Name the platforms of deliveries."""
    return {one.platform for one in deliveries}


async def test_a_condition_that_does_not_hold_gives_no_delivery(desk, write):
    """An inspection that names neither permit nor project goes nowhere, and that is not `unrouted`."""
    await desk.at("mobile-enforcement.330000", "pollutant-permit.000000", "construction-project.000000")
    sent = await desk.send("mobile-enforcement.330000", "inspection.recorded", write.inspection())
    assert sent.deliveries == ()


async def test_without_a_platform_it_is_unrouted_warned_and_counted(desk, write):
    """The delivery is kept with its kind, the warning says so, and telemetry hears of it."""
    await desk.at("mobile-enforcement.330000")
    sent = await desk.send("mobile-enforcement.330000", "case.transferred", write.case())
    (delivery,) = sent.deliveries
    assert (delivery.state, delivery.kind, delivery.platform) == ("unrouted", "penalty", None)
    assert [one["code"] for one in sent.message.warnings] == ["delivery.unrouted"]
    assert [type(one).__name__ for one in desk.told] == ["MessageAccepted", "DeliveryUnrouted"]


async def test_an_abolished_code_routes_by_its_parent_and_is_warned_about(desk, write):
    """江干区 330104 is no more: 杭州 330100 gets its old cases."""
    await desk.at("penalty.330000", "mobile-enforcement.330100", "credit-publicity.330000")
    sent = await desk.send("penalty.330000", "penalty.decided", write.decision(region="330104"))
    assert "mobile-enforcement.330100" in places(sent)
    assert "region.abolished" in {one["code"] for one in sent.message.warnings}


async def test_a_place_outside_the_callers_region_is_refused(desk, write):
    """浙江's platform does not speak about 威海: 403, kept as a rejection."""
    await desk.at("mobile-enforcement.330000", "penalty.000000")
    rejection = await desk.fail("mobile-enforcement.330000", "case.transferred", write.case(region="371002"))
    assert (rejection.status, rejection.code) == (403, "region.outside")
    assert await desk.ledger.rejection(rejection.id) == rejection


async def test_an_order_is_judged_and_routed_by_its_target(desk, write):
    """The national permit platform orders 杭州 to act: 杭州's own system gets it, signed by the platform."""
    await desk.at("pollutant-permit.000000", "mobile-enforcement.330100", "mobile-enforcement.330000")
    sent = await desk.send("pollutant-permit.000000", "dispatch.ordered", write.order(ordered_by="somebody else"))
    assert places(sent) == {"mobile-enforcement.330100"}
    assert sent.message.document["ordered_by"] == "pollutant-permit.000000"


async def test_a_message_is_never_routed_back_to_its_source(desk, write):
    """浙江 orders within 浙江 and is itself the nearest: the order waits for a city's system, it does not go up."""
    await desk.at("mobile-enforcement.330000", "mobile-enforcement.000000")
    sent = await desk.send("mobile-enforcement.330000", "dispatch.ordered", write.order())
    assert places(sent) == {None}


@pytest.mark.parametrize(
    ("platform", "operation", "document"),
    [
        ("credit-publicity.330000", "dispatch.ordered", "order"),
        ("mobile-enforcement.330000", "penalty.executed", "execution"),
        ("penalty.330000", "case.transferred", "case"),
    ],
)
async def test_a_type_comes_only_from_the_kinds_that_may_send_it(desk, write, platform, operation, document):
    """Anything else is 403, whatever the adapter can read."""
    await desk.at(platform)
    rejection = await desk.fail(platform, operation, getattr(write, document)())
    assert (rejection.status, rejection.code) == (403, "type.forbidden")


async def test_a_document_without_a_region_is_about_its_caller(desk, write):
    """A step of a case nobody knows falls to the caller's own region."""
    await desk.at("penalty.330100", "mobile-enforcement.330000", "mobile-enforcement.330100")
    sent = await desk.send("penalty.330100", "case.progressed", write.progress())
    assert sent.message.region == "330100"
    assert places(sent) == {"mobile-enforcement.330100"}


# ── by routes of one's own ────────────────────────────────────────────────────────────────────
def routed(to: str, region: str, source: str, *platforms: str) -> list[tuple[str | None, str | None]]:
    """Give the platform of each delivery of a case, and whom it waits for, where cases have one destination."""
    kinds = "kinds: {mobile-enforcement: M, penalty: P}\nroutes:\n  case.transferred:\n"
    text = f"{kinds}    from: [mobile-enforcement, penalty]\n    to: [{to}]\n"
    route = parse_routes(load(text.encode(), "routes.yaml")).of("case.transferred")
    at = datetime(2026, 9, 1, tzinfo=UTC)
    known = {one: Platform(one, *one.split("."), "plain", {}, at) for one in (*platforms, source)}
    coverage = Coverage(known, {})
    choose = router.chooser(coverage, lambda platform, message_type: True)
    message = router.Routable("case.transferred", {"region": region, "source": "inspection"}, region, source)
    return [(one.platform, one.toward) for one in router.plan(route, message, choose, coverage)]


@pytest.mark.parametrize(
    ("source", "region", "above"),
    [
        ("mobile-enforcement.330110", "330110", "mobile-enforcement.330100"),
        ("mobile-enforcement.330100", "330110", "mobile-enforcement.330000"),
        ("mobile-enforcement.330000", "330110", "mobile-enforcement.000000"),
        ("mobile-enforcement.320000", "330110", "mobile-enforcement.330100"),
        ("penalty.330110", "330110", "mobile-enforcement.330100"),
    ],
)
def test_up_is_the_next_platform_above_the_region(source, region, above):
    """And above its sender, where that is one of those on the way up."""
    there = [f"mobile-enforcement.{one}" for one in ("330110", "330100", "330000", "000000", "320000")]
    assert routed("{kind: mobile-enforcement, reach: up}", region, source, *there) == [(above, None)]


def test_up_passes_over_a_level_without_a_platform():
    """The city has no system of its own: the province's is the next."""
    found = routed("{kind: mobile-enforcement, reach: up}", "330110", "penalty.330110", "mobile-enforcement.330000")
    assert found == [("mobile-enforcement.330000", None)]


@pytest.mark.parametrize("source", ["mobile-enforcement.330110", "mobile-enforcement.000000"])
def test_where_nothing_is_above_nothing_is_missing(source):
    """Most regions have no higher system of the kind: that is no `unrouted` delivery, and the nation is below none."""
    assert routed("{kind: mobile-enforcement, reach: up}", "330110", source) == []


def test_an_optional_destination_without_a_platform_is_not_missing():
    """Nothing waits for one that may come, where the route says so; one that is there gets it."""
    to, source = "{kind: penalty, optional: true}", "mobile-enforcement.330110"
    assert routed(to, "330110", source) == []
    assert routed(to, "330110", source, "penalty.330100") == [("penalty.330100", None)]
    assert routed("{kind: penalty}", "330110", source) == [(None, "nearest")]


def test_a_case_from_outside_goes_to_the_place_and_to_its_sender():
    """江苏 acts in 杭州: 杭州's penalty system has it, and 江苏's own."""
    both = "{kind: penalty, regions: [document, sender]}"
    there = ["penalty.330100", "penalty.320000"]
    assert routed(both, "330110", "mobile-enforcement.320000", *there) == [
        ("penalty.330100", None),
        ("penalty.320000", None),
    ]
    assert routed(both, "330110", "mobile-enforcement.320000") == [(None, "nearest"), (None, "nearest.320000")]
    assert routed(both, "330110", "mobile-enforcement.320000", "penalty.000000") == [("penalty.000000", None)]
    assert routed("{kind: penalty, regions: [sender]}", "330110", "mobile-enforcement.320000", *there) == [
        ("penalty.320000", None)
    ]


def test_within_its_region_a_sender_has_no_platform_of_its_own():
    """浙江 speaks of 杭州, which is in it: the nearest to the place is the only one."""
    both = "{kind: penalty, regions: [document, sender]}"
    there = ["penalty.330100", "penalty.330000"]
    assert routed(both, "330110", "mobile-enforcement.330000", *there) == [("penalty.330100", None)]


def test_a_destination_may_be_for_the_messages_of_some_kinds():
    """Penalty's own cases do not go back to penalty."""
    to = "{kind: mobile-enforcement, from: [penalty]}"
    assert routed(to, "330110", "penalty.330100") == [(None, "nearest")]
    assert routed(to, "330110", "mobile-enforcement.330100") == []


def test_what_waits_for_the_senders_region_goes_to_the_platform_that_comes_there():
    """`nearest.320000` is kept with the delivery: a platform of the document's region does not take it."""
    both = "{kind: penalty, regions: [document, sender]}"
    waiting = [toward for _, toward in routed(both, "330110", "mobile-enforcement.320000")]
    at = datetime(2026, 9, 1, tzinfo=UTC)
    come = {one: Platform(one, *one.split("."), "plain", {}, at) for one in ("penalty.330000", "penalty.320000")}
    choose = router.chooser(Coverage(come, {}), lambda platform, message_type: True)
    found = [choose("case.transferred", "penalty", one, "330110", "mobile-enforcement.320000") for one in waiting]
    assert found == ["penalty.330000", "penalty.320000"]
