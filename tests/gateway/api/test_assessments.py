"""Findings are shown with what shows them, and cases are assessed on demand, to operators alone."""

import asyncio

import pytest

PENALTY, MOBILE = "penalty.330100", "mobile-enforcement.330100"
NUMBER = "浙环案/2026/001"


async def say(caller, platform, kind, **fields):
    """Hand a canonical document in, and give its message id."""
    told = {"type": kind, "document": fields}
    taken = await caller.platform(platform, "POST", "/v1/messages", json=told)
    assert taken.status_code == 202, taken.text
    return taken.json()["message_id"]


@pytest.fixture
async def case(caller):
    """A case of a city, found three years after the act, which has an answer to every rule."""
    await caller.register(MOBILE, "canonical", token="t")
    officers = [{"name": "王一", "number": "33010001"}, {"name": "李二", "number": "33010002"}]
    said = {
        "name": "示例案",
        "party": {"name": "示例公司"},
        "region": "330100",
        "source": "inspection",
        "facts": "超标",
    }
    found = {"found_at": "2026-08-02T11:00:00+08:00", "occurred_on": "2020-08-02", "officers": officers}
    return await say(caller, MOBILE, "case.transferred", case_number=NUMBER, **said, **found)


async def assessed(caller, **order):
    """Have something assessed, and wait until it is."""
    begun = await caller.admin("POST", "/v1/assessments", json={"reason": "季度评查", **order})
    assert begun.status_code == 202, begun.text
    run = begun.json()
    while run["finished_at"] is None:
        await asyncio.sleep(0)
        run = (await caller.admin("GET", f"/v1/assessments/{run['id']}")).json()
    return run


async def test_a_case_is_assessed_on_demand(caller, case):
    """The run tells how far it came; each finding says what was looked at, in the caller's language, and by what."""
    run = await assessed(caller, case_number=NUMBER)
    assert (run["case_number"], run["cases"], run["progress"]) == (NUMBER, 1, 1.0)
    shown = await caller.admin("GET", "/v1/assessments?rule=limitation.kept")
    assert shown.status_code == 200, shown.text
    [finding] = shown.json()["findings"]
    at = finding.pop("at")
    told = finding.pop("told")
    assert finding == {
        "case_number": NUMBER,
        "region": "330100",
        "rule": "limitation.kept",
        "title": "在追责时效内发现",
        "numbers": [20],
        "legality": True,
        "article": "行政处罚法第三十六条",
        "version": "1",
        "result": "missed",
        "said": "看违法行为终了之日到案件发现之日是否超过两年（造成危害后果的五年）。"
        "从2020-08-02到2026-08-02，届满之日为2022-08-02。",
        "evidence": [case],
        "answered": None,
    }
    assert at
    assert told
    english = await caller.admin("GET", "/v1/assessments?rule=limitation.kept", headers={"Accept-Language": "en"})
    assert english.json()["findings"][0]["title"] == "Found within limitation"


async def test_a_region_and_a_month_are_assessed(caller, case):
    """What came in the month is assessed; a month in which nothing came finds nothing."""
    month = caller.hub.clock().astimezone(caller.hub.zone).strftime("%Y-%m")
    assert (await assessed(caller, region="330000", period=month))["cases"] == 1
    assert (await assessed(caller, region="330200", period=month))["cases"] == 0
    assert (await assessed(caller, period="1999-12"))["cases"] == 0
    assert (await assessed(caller, since="2020-01-01T00:00:00", region="330100"))["cases"] == 1


async def test_findings_are_narrowed_and_paged(caller, case):
    """By case, region, rule and result; a page tells where the next begins."""
    await assessed(caller, case_number=NUMBER)

    async def rules(query):
        answer = await caller.admin("GET", f"/v1/assessments?{query}")
        assert answer.status_code == 200, answer.text
        return [one["rule"] for one in answer.json()["findings"]]

    every = await rules("limit=200")
    assert len(every) == 23
    assert await rules("result=missed") == ["limitation.kept"]
    assert await rules("region=330000&rule=limitation.kept") == ["limitation.kept"]
    assert await rules("region=110000") == []
    assert await rules(f"case_number={NUMBER}&limit=200") == every
    assert await rules("case_number=nobody") == []
    first = (await caller.admin("GET", "/v1/assessments?limit=20")).json()
    second = (await caller.admin("GET", f"/v1/assessments?limit=20&cursor={first['cursor']}")).json()
    assert [one["rule"] for one in (*first["findings"], *second["findings"])] == every
    assert second["cursor"] is None


@pytest.mark.parametrize(
    ("order", "status", "code"),
    [
        ({}, 422, "assessment.what"),
        ({"region": "330100"}, 422, "assessment.what"),
        ({"case_number": "x", "region": "330100"}, 422, None),
        ({"period": "2026-13"}, 422, None),
        ({"period": "2026-03", "since": "2026-03-01T00:00:00+08:00"}, 422, None),
        ({"period": "2026-03", "region": "33"}, 422, None),
        ({"case_number": "no-such-case"}, 404, "case.unknown"),
    ],
)
async def test_what_cannot_be_assessed_is_refused(caller, order, status, code):
    """Neither a case nor a time, both, half a region, or an unknown case: nothing is begun."""
    refused = await caller.admin("POST", "/v1/assessments", json={"reason": "季度评查", **order})
    assert refused.status_code == status, refused.text
    assert code in (None, refused.json()["code"])


async def test_an_unknown_run_is_not_found(caller):
    """There is no progress of what nobody began."""
    missing = await caller.admin("GET", "/v1/assessments/no-such-run")
    assert (missing.status_code, missing.json()["code"]) == (404, "assessment.unknown")


async def test_platforms_may_not_look(caller, case):
    """Findings are the operators'; a platform gets those of its cases as messages."""
    for method, path in (("GET", "/v1/assessments"), ("POST", "/v1/assessments")):
        refused = await caller.platform(MOBILE, method, path, **({"json": {"reason": "x"}} if method == "POST" else {}))
        assert refused.status_code == 403, refused.text
