"""A version in the shadow of the active one: translates the same, sends nothing, tells every difference."""

from __future__ import annotations

import pytest

PENALTY = "penalty.330000"
MARKED = ('X-Batch: "{', 'X-Batch: "second {')
OTHER_TIME = ('ZXSJ, as: {datetime: "%Y-%m-%d %H:%M:%S"}', 'ZXSJ, as: {datetime: "%Y-%m-%d %S:%M:%H"}')
NO_AMOUNT = ("  amount: {at: JE, as: decimal}\n", "")


@pytest.fixture
async def report(house):
    """Gives the report of a version in shadow, once the tap is empty."""

    async def now(version: str = "1.1.0"):
        house.hub.observers.tap.drain()
        return (await house.admin("GET", f"/v1/adapters/town/{version}/shadow")).json()

    return now


async def bring(house, content: bytes, **order: object):
    """Upload a version and put it in shadow; gives the report. Its samples need not agree with it."""
    house.proof.lenient = True
    await house.bring(content)
    answer = await house.step("1.1.0", "shadow", **order)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_live_traffic_is_compared_both_ways(house, bundle, report):
    """What comes in and what goes out; the platforms get what the active version writes."""
    house.hub.observers.tap.stop()
    await bring(house, bundle(adapter=MARKED, execution=OTHER_TIME))
    for number in range(5):
        await house.pay(number, ZXSJ="2026-05-06 09:30:08")
        await house.outcome()
    found = await report()
    assert (found["compared"], found["equal"], found["errors"], found["active"]) == (10, 0, 0, "1.0.0")
    fields = {(one["name"], one["field"]): one for one in found["fields"]}
    assert fields["execution", "at"]["count"] == 5
    assert fields["penalty.executed", "headers.x-batch"]["examples"][0]["shadow"].startswith("second")
    assert set(fields) == {
        ("execution", "at"),
        ("penalty.executed", "headers.x-batch"),
        ("penalty.executed", "body.rows[].ZXSJ"),
    }
    assert fields["penalty.executed", "body.rows[].ZXSJ"]["examples"] == [
        {"active": "2026-05-06 09:30:08", "shadow": "2026-05-06 08:30:09"}
    ]
    assert all("second" not in one.headers["X-Batch"] for one in house.post.sent)
    assert found["speed"] > 0


async def test_recorded_traffic_is_compared_once(house, bundle, report):
    """The last messages of each platform, whichever way they went; asked again, none is counted twice."""
    for number in range(4):
        await house.pay(number, JE=5)
        await house.outcome()
    found = await bring(house, bundle(execution=NO_AMOUNT), recorded=100)
    assert (found["compared"], found["equal"]) == (8, 0)
    amounts = {(one["name"], one["field"]): one for one in found["fields"]}
    assert amounts["execution", "amount"]["examples"] == [{"active": "5", "shadow": "—"}]
    assert amounts["penalty.executed", "body.rows[].JE"]["count"] == 4
    again = (await house.step("1.1.0", "shadow", recorded=100)).json()
    assert again["compared"] == 8


async def test_unexplained_differences_stop_activation(house, bundle):
    """Declared they do not, forced they do not; and what nobody had compared yet is compared then."""
    await house.pay(1, JE=5)
    await house.outcome()
    await bring(house, bundle(execution=NO_AMOUNT))
    refused = await house.step("1.1.0", "activate")
    assert (refused.status_code, refused.json()["code"]) == (409, "shadow.differences")
    assert "execution amount ×1" in refused.json()["detail"]
    declared = (await house.step("1.1.0", "shadow", expected=["amount", "body.rows[].JE"])).json()
    assert (declared["unexplained"], [one["expected"] for one in declared["fields"]]) == (0, [True, True])
    assert (await house.step("1.1.0", "activate")).status_code == 200
    assert (await house.admin("GET", "/v1/adapters/town/1.1.0/shadow")).json()["code"] == "shadow.unknown"


async def test_force_is_recorded_with_its_reason(house, bundle):
    """Whoever activates in spite of differences signs for it."""
    await house.pay(1, JE=5)
    await bring(house, bundle(execution=NO_AMOUNT), recorded=10)
    forced = await house.step("1.1.0", "activate", force="金额另行报送")
    assert forced.json()["timeline"][-1]["reason"] == "金额另行报送"
    assert forced.json()["state"] == "active"


async def test_a_shadow_that_fails_is_counted(house, bundle):
    """The active version goes on; the shadow's failure is an error and a difference."""
    await house.pay(1, JE=5)
    await house.outcome()
    strict = ('datetime: "%Y-%m-%d %H:%M:%S"', 'datetime: "%d.%m.%Y %H:%M:%S"')
    found = await bring(house, bundle(execution=strict), recorded=10)
    assert (found["errors"], found["compared"]) == (1, 2)
    [rejected] = [one for one in found["fields"] if one["field"] == "rejected"]
    assert rejected["examples"] == [{"active": "translated", "shadow": "mapping.value"}]


async def test_one_shadow_a_name_and_it_outlives_the_gateway(house, bundle, again):
    """A second one takes its place; another gateway goes on with it."""
    await bring(house, bundle())
    await house.bring(bundle("1.2.0", adapter=MARKED), "1.2.0", "shadow")
    assert [await house.state(one) for one in ("1.1.0", "1.2.0")] == ["checked", "shadow"]
    await house.hub.stop()
    second = await again()
    assert (await second.admin("GET", "/v1/adapters/town/1.2.0/shadow")).json()["version"] == "1.2.0"
    await second.hub.stop()


async def test_a_shadow_needs_an_active_version(house, bundle):
    """The active version is no shadow, nor is a draft; an unknown one is not found."""
    assert (await house.step("1.0.0", "shadow")).json()["code"] == "state.wrong"
    await house.upload(bundle())
    assert (await house.step("1.1.0", "shadow")).json()["code"] == "state.wrong"
    assert (await house.step("9.9.9", "shadow")).status_code == 404
    assert (await house.step("1.1.0", "shadow", expected=[""])).status_code == 422


async def test_a_full_tap_drops_and_counts(house, bundle, report):
    """The live path never waits for a shadow."""
    house.hub.observers.tap.stop()
    await bring(house, bundle())
    for number in range(300):
        body = {"AH": f"AH-{number}", "WSH": "浙环罚〔2026〕3号", "LX": "1", "ZXSJ": "2026-05-06 09:30:00"}
        assert (await house.send(PENALTY, "/v1/inbound/execution", body)).status_code == 202
    house.hub.observers.tap.drain()
    found = (await house.admin("GET", "/v1/adapters/town/1.1.0/shadow")).json()
    assert found["dropped"] > 0
    assert found["compared"] + found["dropped"] >= 300
