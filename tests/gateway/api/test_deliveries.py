"""Operators find deliveries and decide over them, always with a reason."""

import pytest

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


@pytest.mark.parametrize("path", ["/v1/deliveries", "/v1/deliveries/x", "/v1/deliveries/x/sent", "/v1/replays/x"])
async def test_deliveries_are_for_operators(caller, path):
    """A platform's credential opens none of it."""
    assert (await caller.platform(PENALTY, "GET", path)).status_code == 403


@pytest.mark.parametrize("what", ["replay", "discard", "hold", "release"])
async def test_an_unknown_delivery_is_not_found(caller, what):
    """404, whatever was to be done."""
    assert (await caller.admin("POST", f"/v1/deliveries/nothing/{what}", json=REASON)).status_code == 404


async def test_nothing_was_sent_yet(caller, execution):
    """An unrouted delivery has no bytes to show, and says so."""
    await caller.send(PENALTY, "execution", execution)
    unrouted = (await caller.admin("GET", "/v1/deliveries?state=unrouted")).json()["deliveries"][0]["id"]
    assert (await caller.admin("GET", f"/v1/deliveries/{unrouted}/sent")).status_code == 404
