"""A case is shown whole to those who took part in it, whatever number it is asked for by."""

from urllib.parse import quote

import pytest

from adapters.base import Reply

PENALTY = "penalty.330000"
MOBILE = "mobile-enforcement.330000"
CREDIT = "credit-publicity.330000"
NUMBER = "浙环案/2026/001"
DECISION = "浙环罚〔2026〕3号"


def canonical(kind, **fields):
    """A canonical document of the case, as `POST /v1/messages` takes it."""
    return {"type": kind, "document": {"case_number": NUMBER, **fields}}


def at(number):
    """The address of a case."""
    return f"/v1/cases/{quote(number, safe='')}"


async def say(caller, platform, kind, **fields):
    """Hand a canonical document in, and give its message id."""
    taken = await caller.platform(platform, "POST", "/v1/messages", json=canonical(kind, **fields))
    assert taken.status_code == 202, taken.text
    return taken.json()["message_id"]


@pytest.fixture
async def case(caller):
    """A case that was filed and decided by a penalty system, which the enforcement system learns of."""
    await caller.register("penalty.330100", "canonical", token="t")
    return [
        await say(caller, "penalty.330100", "case.progressed", node="filed", at="2025-03-03", region="330100"),
        await say(caller, "penalty.330100", "case.progressed", node="decided", at="2025-06-02", region="330100"),
    ]


async def test_a_case_is_shown_whole(caller, case):
    """Documents in their order with deliveries and receipts, the timeline, and each deadline with its article."""
    await caller.outcome()
    await caller.outcome()
    shown = await caller.admin("GET", at(NUMBER))
    assert shown.status_code == 200, shown.text
    whole = shown.json()
    assert (whole["case_number"], whole["complete"]) == (NUMBER, True)
    assert [one["id"] for one in whole["documents"]] == case
    assert [one["deliveries"][0]["platform"] for one in whole["documents"]] == [MOBILE, MOBILE]
    assert all(one["deliveries"][0]["receipt"] for one in whole["documents"])
    assert {one["action"] for one in whole["timeline"]} == {
        "message.received", "delivery.sent", "delivery.answered",
    }  # fmt: skip
    clocks = {one["rule"]: one for one in whole["clocks"]}
    assert clocks["case.decision"] == {
        "rule": "case.decision",
        "title": "作出处罚决定",
        "article": "行政处罚法第六十条",
        "bound": "authority",
        "about": "",
        "counting": "natural",
        "started_at": "2025-03-03",
        "due_at": "2025-06-01",
        "state": "missed",
        "ended_at": "2025-06-02",
        "days_left": None,
        "evidence": case,
        "unknown_year": None,
    }
    assert (clocks["decision.service"]["due_at"], clocks["decision.service"]["state"]) == ("2025-06-11", "missed")
    english = await caller.admin("GET", at(NUMBER), headers={"Accept-Language": "en"})
    assert english.json()["clocks"][0]["title"] == "Decision"


async def test_platforms_that_took_part_see_it_and_others_do_not(caller, case):
    """Source and destination see the case, each its own deliveries; for a stranger it is as one that is not there."""
    await caller.register(CREDIT, "canonical", token="t")
    source = (await caller.platform("penalty.330100", "GET", at(NUMBER))).json()
    destination = (await caller.platform(MOBILE, "GET", at(NUMBER))).json()
    assert [one["deliveries"] for one in source["documents"]] == [[], []]
    assert [len(one["deliveries"]) for one in destination["documents"]] == [1, 1]
    stranger = await caller.platform(CREDIT, "GET", at(NUMBER))
    nothing = await caller.platform(CREDIT, "GET", at("浙环案/2026/002"))
    assert (stranger.status_code, stranger.json()["code"]) == (404, "case.unknown")
    assert set(stranger.json()) == set(nothing.json())
    assert stranger.json()["detail"].replace("001", "002") == nothing.json()["detail"]
    assert (await caller.call(None, "GET", at(NUMBER))).status_code == 401


async def test_a_case_is_found_by_the_number_that_a_receiver_gave_it(caller):
    """What a platform answered as its reference finds the case, and so does its issuer's number in any spelling."""
    await caller.register("penalty.330100", "canonical", token="t")
    case_file = {
        "name": "某公司超标排放案",
        "party": {"name": "某公司"},
        "region": "330100",
        "found_at": "2025-03-01T09:00:00+08:00",
        "source": "inspection",
        "facts": "超标排放",
        "officers": [{"name": "甲", "number": "33010001"}, {"name": "乙", "number": "33010002"}],
    }
    caller.sender.reply = Reply(200, {}, b'{"message_id": "P-2025-77"}')
    sent = await caller.platform(MOBILE, "POST", "/v1/messages", json=canonical("case.transferred", **case_file))
    assert sent.status_code == 202, sent.text
    await caller.outcome()
    node = canonical("case.progressed", node="filed", at="2025-03-10", region="330100")
    node["document"]["case_number"] = "P-2025-77"
    filed = await caller.platform("penalty.330100", "POST", "/v1/messages", json=node)
    whole = [sent.json()["message_id"], filed.json()["message_id"]]
    for spelled in (NUMBER, "P-2025-77", "p-2025-77", NUMBER.replace("2026", "２０２６")):
        found = await caller.admin("GET", at(spelled))
        assert found.status_code == 200, found.text
        assert found.json()["case_number"] == NUMBER
        assert [one["id"] for one in found.json()["documents"]] == whole
        assert [one["state"] for one in found.json()["clocks"]] == ["met", "missed"]


async def test_two_cases_of_one_number_are_told_apart_by_their_platform(caller, case):
    """Without a platform it is 409 with candidates; whoever took part in one alone is shown that one."""
    await caller.register("penalty.320000", "canonical", token="t")
    await say(caller, "penalty.320000", "case.progressed", node="filed", at="2025-03-04", region="320000")
    several = await caller.admin("GET", at(NUMBER))
    assert (several.status_code, several.json()["code"]) == (409, "case.ambiguous")
    assert {tuple(one["platforms"]) for one in several.json()["candidates"]} >= {("penalty.320000",)}
    assert len(several.json()["candidates"]) == 2
    one = await caller.admin("GET", f"{at(NUMBER)}?platform=penalty.320000")
    assert one.json()["clocks"][0]["started_at"] == "2025-03-04"
    own = await caller.platform("penalty.320000", "GET", at(NUMBER))
    assert own.json()["clocks"][0]["started_at"] == "2025-03-04"
    none = await caller.admin("GET", f"{at(NUMBER)}?platform=penalty.440000")
    assert none.status_code == 404
