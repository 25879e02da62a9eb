"""Functional areas are put, listed and deleted; platforms may be registered for them, and what waited goes out."""

import pytest

ZONE = "/v1/areas/370171"
JINAN = {"title": "济南高新技术产业开发区", "parent": "370100"}
TOWN = {"adapter": "town", "settings": {"base_url": "http://127.0.0.1:9", "key": "k"}}


async def test_an_area_is_put_shown_listed_and_deleted(caller):
    """With its full name; what was deleted is not found."""
    put = await caller.admin("PUT", ZONE, json={**JINAN, "valid_from": "1991-03-06"})
    assert put.status_code == 200, put.text
    assert put.json()["name"] == "山东省/济南市/济南高新技术产业开发区"
    assert (await caller.admin("GET", ZONE)).json() == put.json()
    assert (await caller.admin("GET", "/v1/areas")).json() == {"areas": [put.json()]}
    assert (await caller.admin("DELETE", ZONE)).status_code == 204
    for method in ("GET", "DELETE"):
        gone = await caller.admin(method, ZONE)
        assert (gone.status_code, gone.json()["code"]) == (404, "area.unknown")


@pytest.mark.parametrize(
    ("code", "body", "fault"),
    [
        ("330110", JINAN, "area.taken"),
        ("330104", JINAN, "area.taken"),
        ("37017", JINAN, "area.code"),
        ("370071", JINAN, "area.code"),
        ("ly0001", JINAN, "area.code"),
        ("000000", JINAN, "area.code"),
        ("370171", {**JINAN, "parent": "370199"}, "area.parent"),
        ("370171", {**JINAN, "parent": "370171"}, "area.parent"),
        ("370171", {**JINAN, "title": " "}, "area.title"),
        ("370171", {**JINAN, "title": "济南\u202e"}, "area.title"),
        ("370171", {**JINAN, "valid_from": "1991-3-6"}, "area.day"),
        ("370171", {**JINAN, "valid_from": "2026-01-01", "valid_to": "2025-12-31"}, "area.days"),
    ],
)
async def test_an_area_is_checked(caller, code, body, fault):
    """Every fault is named with its place, and nothing is kept."""
    refused = await caller.admin("PUT", f"/v1/areas/{code}", json=body)
    assert refused.status_code == 422, refused.text
    assert fault in {one["code"] for one in refused.json()["errors"]}
    assert (await caller.admin("GET", "/v1/areas")).json() == {"areas": []}


async def test_areas_never_lie_in_each_other(caller):
    """Neither directly nor through regions of GB/T 2260 and other areas."""
    await caller.admin("PUT", ZONE, json=JINAN)
    await caller.admin("PUT", "/v1/areas/370172", json={**JINAN, "parent": "370171"})
    for parent in ("370171", "370172"):
        round_about = await caller.admin("PUT", ZONE, json={**JINAN, "parent": parent})
        assert "area.circle" in {one["code"] for one in round_about.json()["errors"]}


async def test_a_platform_is_registered_for_an_area_and_by_what_it_covers(caller):
    """660000 and a bureau without a code are unknown until they are areas; then they have platforms, with names."""
    before = await caller.admin("PUT", "/v1/platforms/penalty.660000", json=TOWN)
    assert before.json()["errors"][0]["code"] == "region.unknown"
    await caller.admin("PUT", "/v1/areas/660000", json={"title": "新疆生产建设兵团", "parent": "000000"})
    await caller.admin("PUT", "/v1/areas/LY0001", json={"title": "长江流域局", "parent": "000000"})
    corps = await caller.admin("PUT", "/v1/platforms/penalty.660000", json=TOWN)
    assert (corps.status_code, corps.json()["region_name"]) == (200, "新疆生产建设兵团")
    granted = {**TOWN, "covers": ["320000", "330101-330109", "660000"], "mandates": ["cross"]}
    bureau = await caller.admin("PUT", "/v1/platforms/penalty.LY0001", json=granted)
    assert (bureau.status_code, bureau.json()["covers"], bureau.json()["mandates"]) == (
        200,
        granted["covers"],
        ["cross"],
    )
    in_use = await caller.admin("DELETE", "/v1/areas/660000")
    assert (in_use.status_code, in_use.json()["code"]) == (409, "area.in-use")
    audit = await caller.hub.ledger.audit("penalty.LY0001")
    assert audit[-1].detail["mandates"] == "cross"


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"covers": ["330110", "999999"]}, "covers[1]"),
        ({"covers": ["370171"]}, "covers[0]"),
        ({"covers": ["330109-330101"]}, "covers[0]"),
        ({"covers": ["330101-"]}, "covers[0]"),
        ({"covers": ["330101-33010x"]}, "covers[0]"),
        ({"mandates": ["cross", "annexed"]}, "mandates[1]"),
    ],
)
async def test_what_a_platform_covers_and_may_is_checked(caller, more, place):
    """Codes and areas that are there, ranges from the lower to the higher, and kinds of mandate that exist."""
    refused = await caller.admin("PUT", "/v1/platforms/penalty.330100", json={**TOWN, **more})
    assert refused.status_code == 422, refused.text
    assert place in {one["path"] for one in refused.json()["errors"]}


async def test_what_waited_goes_out_when_its_area_is_put_into_a_region(caller, execution):
    """An area that moves to another parent moves what waits for its nearest platform."""
    await caller.admin("PUT", "/v1/areas/660000", json={"title": "兵团", "parent": "000000"})
    await caller.register("penalty.660000", "town", key="k")
    await caller.register("credit-publicity.650000", "canonical", token="t")
    sent = await caller.send("penalty.660000", "execution", execution)
    waiting = [one for one in sent.json()["deliveries"] if one["kind"] == "credit-publicity"]
    assert [one["state"] for one in waiting] == ["unrouted"]
    await caller.admin("PUT", "/v1/areas/660000", json={"title": "兵团", "parent": "650000"})
    assert (await caller.outcome()).platform == "credit-publicity.650000"


async def test_a_platform_neither_reads_nor_changes_areas(caller):
    """They are the administrators'."""
    for method in ("GET", "PUT", "DELETE"):
        answer = await caller.platform("penalty.330000", method, ZONE, **({"json": JINAN} if method == "PUT" else {}))
        assert answer.status_code == 403
