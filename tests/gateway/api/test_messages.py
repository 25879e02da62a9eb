"""A message can be found, followed and explained, by those whom it concerns."""

import pytest

from adapters.base import Reply

PENALTY = "penalty.330000"
MOBILE = "mobile-enforcement.330000"


@pytest.fixture
async def message(caller, execution) -> str:
    """A payment that was delivered to the enforcement system."""
    response = await caller.send(PENALTY, "execution", execution)
    assert (await caller.outcome()).state == "delivered"
    return response.json()["message_id"]


async def test_a_message_tells_its_whole_story(caller, message):
    """Headers, warnings, deliveries with attempts and receipts, and a timeline."""
    shown = (await caller.admin("GET", f"/v1/messages/{message}")).json()
    assert shown["type"] == "penalty.executed"
    assert shown["source"] == PENALTY
    assert shown["keys"]["case_number"] == "浙环案2026001"
    delivered = next(one for one in shown["deliveries"] if one["platform"] == MOBILE)
    assert delivered["state"] == "delivered"
    assert delivered["receipt"]["at"]
    assert [one["verdict"] for one in delivered["tries"]] == ["accepted"]
    assert delivered["tries"][0]["reply"] == '{"message_id": "m-1"}'
    assert [one["action"] for one in shown["timeline"]][:2] == ["message.received", "message.accepted"]
    assert shown["warnings"][0]["message"]


async def test_source_and_destination_may_look_and_nobody_else(caller, message):
    """The source sees all deliveries, a destination its own; strangers see nothing."""
    source = (await caller.platform(PENALTY, "GET", f"/v1/messages/{message}")).json()
    destination = (await caller.platform(MOBILE, "GET", f"/v1/messages/{message}")).json()
    assert len(source["deliveries"]) == 2
    assert [one["platform"] for one in destination["deliveries"]] == [MOBILE]
    assert destination["deliveries"][0]["tries"][0]["reply"] is None
    await caller.register("penalty.320000", "town", key="k")
    stranger = await caller.platform("penalty.320000", "GET", f"/v1/messages/{message}")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "message.unknown")
    assert (await caller.call(None, "GET", f"/v1/messages/{message}")).status_code == 401


async def test_the_exact_bytes_can_be_had(caller, execution):
    """Native bytes, canonical document, lineage and sent bytes, for operators."""
    body = '{"AH":"浙环案2026001","WSH":"浙环罚[2026]第003号","LX":"1","ZXSJ":"2026-05-06 09:30:00"}'.encode()
    message = (await caller.send(PENALTY, "execution", body)).json()["message_id"]
    await caller.outcome()
    native = await caller.admin("GET", f"/v1/messages/{message}/native")
    assert native.content == body
    assert native.headers["Record-Index"] == "0"
    canonical = (await caller.admin("GET", f"/v1/messages/{message}/canonical")).json()
    assert canonical["decision_number"] == "浙环罚〔2026〕3号"
    lineage = (await caller.admin("GET", f"/v1/messages/{message}/lineage")).json()
    assert {one["field"]: one["path"] for one in lineage["fields"]}["decision_number"] == "WSH"
    delivery = (await caller.admin("GET", f"/v1/deliveries?platform={MOBILE}")).json()["deliveries"][0]["id"]
    sent = await caller.admin("GET", f"/v1/deliveries/{delivery}/sent")
    assert sent.content == caller.sender.sent[0].body
    assert sent.headers["Sent-Method"] == "POST"


@pytest.mark.parametrize("part", ["native", "canonical", "lineage"])
async def test_bytes_are_for_operators(caller, message, part):
    """A platform does not read what others wrote, and unknown messages are 404."""
    assert (await caller.platform(PENALTY, "GET", f"/v1/messages/{message}/{part}")).status_code == 403
    assert (await caller.admin("GET", f"/v1/messages/nothing/{part}")).status_code == 404


async def test_messages_are_found_by_what_they_say(caller, message, execution):
    """Type, platform, case and state find; newest first; a cursor goes on."""
    other = (await caller.send(PENALTY, "execution", {**execution, "AH": "浙环案2026002"})).json()["message_id"]

    async def found(**query) -> list[str]:
        page = (await caller.admin("GET", "/v1/messages", params=query)).json()
        return [one["id"] for one in page["messages"]]

    assert await found() == [other, message]
    assert await found(case_number="浙环案2026001") == [message]
    assert await found(type="case.transferred") == []
    assert await found(platform=MOBILE) == [other, message]
    assert await found(platform="penalty.320000") == []
    assert await found(state="unrouted") == [other, message]
    assert await found(state="delivered", platform=MOBILE, case_number="浙环案2026001") == [message]
    assert await found(state="held") == []
    assert await found(until="2020-01-01T00:00:00") == []
    assert await found(since="2020-01-01T00:00:00+08:00") == [other, message]
    first = (await caller.admin("GET", "/v1/messages?limit=1")).json()
    rest = (await caller.admin("GET", f"/v1/messages?limit=1&cursor={first['cursor']}")).json()
    assert [one["id"] for one in first["messages"] + rest["messages"]] == [other, message]


async def test_a_platform_finds_its_own_messages(caller, message):
    """Without naming itself a platform sees its own; another's are forbidden."""
    own = (await caller.platform(PENALTY, "GET", "/v1/messages")).json()
    assert [one["id"] for one in own["messages"]] == [message]
    assert (await caller.platform(PENALTY, "GET", f"/v1/messages?platform={MOBILE}")).status_code == 403


async def test_refused_and_dead_are_told_apart(caller, execution):
    """The platform's no is refused; an answer that means nothing to us is dead, and parks its lane."""
    await caller.register(MOBILE, "mobile-enforcement", token="t")
    caller.sender.reply = Reply(200, {}, '{"code": "4001", "msg": "案件不存在"}'.encode())
    await caller.send(PENALTY, "execution", execution)
    assert (await caller.outcome()).state == "refused"
    caller.sender.reply = Reply(200, {}, b'{"code": "7777"}')
    second = (await caller.send(PENALTY, "execution", {**execution, "LX": "5"})).json()
    assert (await caller.outcome()).state == "dead"
    shown = (await caller.admin("GET", f"/v1/messages/{second['message_id']}")).json()
    assert shown["state"] == "dead"
