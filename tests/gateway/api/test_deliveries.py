"""Operators find deliveries and decide over them, always with a reason."""

import orjson
import pytest

from adapters.adapter import bundled
from adapters.base import Reply

PENALTY = "penalty.330000"
MOBILE = "mobile-enforcement.330000"
REASON = {"reason": "平台已修复"}


async def test_a_dead_delivery_shows_what_the_platform_said(caller, dead):
    """Each attempt with status, code and the beginning of the reply."""
    shown = (await caller.admin("GET", f"/v1/deliveries/{dead}")).json()
    assert shown["code"] == "reply.unrecognised" or shown["code"]
    assert shown["tries"][0]["reply"] == '{"code": "7777"}'
    assert shown["receipt"] is None


async def test_a_replay_keeps_its_key_and_its_id(caller, dead):
    """The same delivery goes again, and is delivered when the platform is well."""
    caller.sender.reply = Reply(200, {}, b'{"code": "0000", "data": {"id": "7"}}')
    again = await caller.admin("POST", f"/v1/deliveries/{dead}/replay", json=REASON)
    assert again.status_code == 200, again.text
    assert again.json()["id"] == dead
    assert (await caller.outcome()).state == "delivered"
    shown = (await caller.admin("GET", f"/v1/deliveries/{dead}")).json()
    assert shown["receipt"]["reference"] == "7"
    keys = {request.headers["Idempotency-Key"] for request in caller.sender.sent}
    assert keys == {dead}


async def test_what_was_delivered_is_replayed_as_a_new_delivery(caller, dead):
    """A second sending has a key of its own and names the first."""
    caller.sender.reply = Reply(200, {}, b'{"code": "0000", "data": {"id": "7"}}')
    await caller.admin("POST", f"/v1/deliveries/{dead}/replay", json=REASON)
    await caller.outcome()
    new = (await caller.admin("POST", f"/v1/deliveries/{dead}/replay", json=REASON)).json()
    assert new["id"] != dead
    assert new["replay_of"] == dead


async def test_a_discard_is_final(caller, dead):
    """A discarded delivery is neither dead nor replayable."""
    assert (await caller.admin("POST", f"/v1/deliveries/{dead}/discard", json=REASON)).json()["state"] == "discarded"
    wrong = await caller.admin("POST", f"/v1/deliveries/{dead}/replay", json=REASON)
    assert wrong.status_code == 409
    assert wrong.json()["code"] == "state.wrong"
    message = (await caller.admin("GET", "/v1/messages")).json()["messages"][0]["id"]
    timeline = (await caller.admin("GET", f"/v1/messages/{message}")).json()["timeline"]
    assert ("admin", "平台已修复") in {(one["actor"], one["reason"]) for one in timeline}


async def test_a_held_delivery_waits_for_its_release(caller, dead, execution):
    """Hold and release are the operator's own; another hold is not lifted by it."""
    wrong = await caller.admin("POST", f"/v1/deliveries/{dead}/release", json=REASON)
    assert wrong.status_code == 409
    await caller.admin("POST", f"/v1/platforms/{MOBILE}/pause", json=REASON)
    response = await caller.send(PENALTY, "execution", {**execution, "AH": "浙环案2026005"})
    delivery = next(one["id"] for one in response.json()["deliveries"] if one["platform"] == MOBILE)
    shown = (await caller.admin("GET", f"/v1/deliveries/{delivery}")).json()
    assert (shown["state"], shown["held_by"]) == ("held", "paused")
    held = await caller.admin("POST", f"/v1/deliveries/{delivery}/hold", json=REASON)
    assert held.status_code == 200, held.text
    await caller.admin("POST", f"/v1/platforms/{MOBILE}/resume", json=REASON)
    shown = (await caller.admin("GET", f"/v1/deliveries/{delivery}")).json()
    assert (shown["state"], shown["held_by"]) == ("held", "operator")
    caller.sender.reply = Reply(200, {}, b'{"code": "0000", "data": {"id": "8"}}')
    released = await caller.admin("POST", f"/v1/deliveries/{delivery}/release", json=REASON)
    assert released.status_code == 200
    assert (await caller.outcome()).delivery_id == delivery


async def test_what_is_held_is_shown_and_found_as_held(caller, execution):
    """In the 202, in the list and in the message; since it is laid over the state, resuming is enough."""
    await caller.admin("POST", f"/v1/platforms/{MOBILE}/pause", json=REASON)
    accepted = (await caller.send(PENALTY, "execution", execution)).json()
    assert accepted["state"] == "unrouted"
    assert {one["state"] for one in accepted["deliveries"]} == {"held", "unrouted"}
    listed = (await caller.admin("GET", f"/v1/deliveries?state=held&platform={MOBILE}")).json()["deliveries"]
    assert [(one["state"], one["held_by"]) for one in listed] == [("held", "paused")]
    assert (await caller.admin("GET", f"/v1/deliveries?state=ready&platform={MOBILE}")).json()["deliveries"] == []
    await caller.admin("POST", f"/v1/platforms/{MOBILE}/resume", json=REASON)
    assert (await caller.outcome()).state == "delivered"


async def test_deliveries_are_found_by_why_they_ended(caller, dead):
    """Type and code, as a bulk replay finds them."""
    shown = (await caller.admin("GET", f"/v1/deliveries/{dead}")).json()

    async def found(**query) -> list[str]:
        return [one["id"] for one in (await caller.admin("GET", "/v1/deliveries", params=query)).json()["deliveries"]]

    assert await found(state="dead", code=shown["code"], type="penalty.executed") == [dead]
    assert await found(state="dead", code="another") == []
    assert await found(state="dead", type="case.transferred") == []


async def test_many_clicks_under_one_key_are_one_replay(caller, dead):
    """Eight times the same answer, and one more sending; the key for something else is a conflict."""
    caller.sender.reply = Reply(200, {}, b'{"code": "0000", "data": {"id": "7"}}')
    await caller.admin("POST", f"/v1/deliveries/{dead}/replay", json=REASON)
    await caller.outcome()
    key = {"Idempotency-Key": "click-1"}
    answers = [await caller.admin("POST", f"/v1/deliveries/{dead}/replay", json=REASON, headers=key) for _ in range(8)]
    assert {one.status_code for one in answers} == {200}
    assert len({one.json()["id"] for one in answers}) == 1
    await caller.outcome()
    assert len(caller.sender.sent) == 3
    other = await caller.admin("POST", f"/v1/deliveries/{dead}/discard", json=REASON, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency.key-reused")


async def test_a_second_copy_is_not_made_while_the_first_is_on_its_way(caller, dead):
    """409 without a key as well: a click too many makes no second one."""
    caller.sender.reply = Reply(200, {}, b'{"code": "0000", "data": {"id": "7"}}')
    await caller.admin("POST", f"/v1/deliveries/{dead}/replay", json=REASON)
    await caller.outcome()
    await caller.admin("POST", f"/v1/platforms/{MOBILE}/pause", json=REASON)
    assert (await caller.admin("POST", f"/v1/deliveries/{dead}/replay", json=REASON)).status_code == 200
    again = await caller.admin("POST", f"/v1/deliveries/{dead}/replay", json=REASON)
    assert (again.status_code, again.json()["code"]) == (409, "replay.open")


async def test_two_keys_are_a_bad_request(caller, dead):
    """Nobody could tell under which of them it is to be known."""
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("Authorization", f"Bearer {caller.admin_token}")]
    answer = await caller.client.post(f"/v1/deliveries/{dead}/replay", json=REASON, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.key-invalid")


@pytest.mark.parametrize("path", ["/v1/deliveries", "/v1/deliveries/x", "/v1/deliveries/x/sent", "/v1/replays/x"])
async def test_deliveries_are_for_operators(caller, path):
    """A platform's credential opens none of it."""
    assert (await caller.platform(PENALTY, "GET", path)).status_code == 403


@pytest.mark.parametrize("what", ["replay", "discard", "hold", "release"])
async def test_an_unknown_delivery_is_not_found(caller, what):
    """404, whatever was to be done."""
    answer = await caller.admin("POST", f"/v1/deliveries/nothing/{what}", json=REASON)
    assert (answer.status_code, answer.json()["code"]) == (404, "delivery.unknown")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("deliveries/nothing", "delivery.unknown"),
        ("deliveries/nothing/sent", "delivery.unknown"),
        ("messages/nothing", "message.unknown"),
        ("messages/nothing/native", "message.unknown"),
        ("messages/nothing/canonical", "message.unknown"),
        ("messages/nothing/lineage", "message.unknown"),
        ("rejections/nothing", "rejection.unknown"),
        ("rejections/nothing/native", "rejection.unknown"),
        ("replays/nothing", "replay.unknown"),
        ("platforms/nothing", "platform.unknown"),
        ("platforms/nothing/drift", "platform.unknown"),
        ("adapters/nothing/1.0.0", "adapter.unknown"),
    ],
)
async def test_what_is_missing_has_one_code_wherever_it_is_missed(caller, path, code):
    """A program knows by it what there is none of."""
    answer = await caller.admin("GET", f"/v1/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_nothing_was_sent_yet(caller, execution):
    """An unrouted delivery has no bytes to show, and says so."""
    await caller.send(PENALTY, "execution", execution)
    unrouted = (await caller.admin("GET", "/v1/deliveries?state=unrouted")).json()["deliveries"][0]["id"]
    assert (await caller.admin("GET", f"/v1/deliveries/{unrouted}/sent")).status_code == 404


async def test_a_citizen_id_that_a_platform_repeats_is_masked_wherever_its_reply_is_shown(caller):
    """The case number of as many digits stays; the id is cut by nothing before it is masked."""
    citizen, case = "330102199001011234", "330110202607100018"
    await caller.register("penalty.330000", "penalty", app_key="k")
    document = orjson.loads(bundled()["penalty"].joinpath("samples/decision/1.native.json").read_bytes())
    document = {**document, "CASEID": case, "PARTY": {**document["PARTY"], "USERCODE": citizen}}
    said = f"{case} {' ' * 4040}{citizen} 重复"
    caller.sender.reply = Reply(200, {}, orjson.dumps({"code": "7777", "msg": said}))
    accepted = await caller.send("penalty.330000", "decision", document)
    assert accepted.status_code == 202, accepted.text
    await caller.outcome()
    delivery = next(one["id"] for one in accepted.json()["deliveries"] if one["platform"])
    for path in (f"/v1/deliveries/{delivery}", f"/v1/messages/{accepted.json()['message_id']}"):
        shown = (await caller.admin("GET", path)).text
        assert case[:16] in shown
        assert citizen[:7] not in shown
