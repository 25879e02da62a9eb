"""What waits is shown with its age and its id, and a message's timeline tells whose a delay was."""

from __future__ import annotations

from datetime import datetime

from adapters.base import Reply

PENALTY, MOBILE = "penalty.330000", "mobile-enforcement.330000"


async def test_the_oldest_is_named(caller, execution):
    """By platform and state, what has waited longest first; also what nobody can take."""
    await caller.admin("POST", f"/v1/platforms/{MOBILE}/pause", json={"reason": "检修"})
    first = (await caller.send(PENALTY, "execution", execution)).json()
    await caller.send(PENALTY, "execution", {**execution, "ZXSJ": "2026-05-07 09:30:00"})
    found = (await caller.admin("GET", "/v1/backlog")).json()["backlog"]
    ids = {one["kind"]: one["id"] for one in first["deliveries"]}
    shown = {
        one["kind"]: (one["platform"], one["state"], one["held_by"], one["count"], one["oldest_id"]) for one in found
    }
    assert shown == {
        "mobile-enforcement": (MOBILE, "held", "paused", 2, ids["mobile-enforcement"]),
        "credit-publicity": (None, "unrouted", None, 2, ids["credit-publicity"]),
    }
    assert all(one["oldest_seconds"] >= 0 and datetime.fromisoformat(one["oldest_at"]) for one in found)
    only = (await caller.admin("GET", f"/v1/backlog?platform={MOBILE}")).json()["backlog"]
    assert [one["platform"] for one in only] == [MOBILE]
    page = (await caller.admin("GET", "/metrics")).text
    assert ids["mobile-enforcement"] not in page


async def test_a_platform_shows_its_backlog_and_its_last_contacts(caller, execution):
    """Heard by operation, delivered by message type, and what waits; in the list of platforms there is none of it."""
    await caller.send(PENALTY, "execution", execution)
    assert (await caller.outcome()).state == "delivered"
    await caller.send(PENALTY, "progress", b"<nonsense>")
    penalty = (await caller.admin("GET", f"/v1/platforms/{PENALTY}")).json()
    mobile = (await caller.admin("GET", f"/v1/platforms/{MOBILE}")).json()
    assert [one["name"] for one in penalty["heard"]] == ["execution", "progress"]
    assert [one["name"] for one in mobile["delivered"]] == ["penalty.executed"]
    assert (penalty["delivered"], mobile["heard"], mobile["backlog"]) == ([], [], [])
    page = (await caller.admin("GET", "/metrics")).text
    assert f'hutong_last_heard_timestamp_seconds{{operation="execution",platform="{PENALTY}"}}' in page
    assert f'hutong_last_delivered_timestamp_seconds{{platform="{MOBILE}",type="penalty.executed"}}' in page
    assert f'hutong_claimed{{platform="{MOBILE}"}} 1.0' in page
    assert "hutong_commit_operations_count" in page


async def test_the_timeline_tells_the_four_moments(caller, execution):
    """Received and accepted, sent and answered, in this order, each by whose doing it was."""
    message = (await caller.send(PENALTY, "execution", execution)).json()["message_id"]
    await caller.outcome()
    story = (await caller.admin("GET", f"/v1/messages/{message}")).json()["timeline"]
    assert [(one["action"], one["actor"]) for one in story] == [
        ("message.received", PENALTY),
        ("message.accepted", PENALTY),
        ("delivery.sent", "gateway"),
        ("delivery.answered", MOBILE),
    ]
    assert [one["at"] for one in story] == sorted(one["at"] for one in story)
    assert story[3]["detail"] == {"attempt": 1, "verdict": "accepted", "status": 200}


async def test_silence_is_told_apart_from_an_answer(caller, execution):
    """What nobody answered is no act of the platform's."""
    caller.sender.silent = True
    message = (await caller.send(PENALTY, "execution", execution)).json()["message_id"]
    while not (story := await _attempts(caller, message)):
        pass
    sent, silent = story[:2]
    assert (sent["action"], silent["action"], silent["actor"]) == ("delivery.sent", "delivery.unanswered", "gateway")
    assert silent["reason"] == "connection.refused"
    caller.sender.silent, caller.sender.reply = False, Reply(200, {}, b'{"message_id": "m-1"}')


async def _attempts(caller, message):
    story = (await caller.admin("GET", f"/v1/messages/{message}")).json()["timeline"]
    return [one for one in story if one["action"].startswith("delivery.")]


async def test_strangers_cannot_grow_the_metrics(caller, execution):
    """Whatever is called, with whatever token, operation, code or number: the second time no series is new."""

    async def attack(round: int) -> None:
        junk = [f"{round}-{number}" for number in range(30)]
        for one in junk:
            await caller.call(f"token-{one}", "POST", f"/v1/inbound/{one}", content=b"x")
            await caller.call(None, "GET", f"/v1/messages/{one}")
            await caller.call(None, "GET", f"/{one}")
            await caller.send(PENALTY, one, execution)
            await caller.send(PENALTY, "execution", {"AH": one, one: one}, headers={"content-type": f"text/{one}"})
            await caller.send(PENALTY, "execution", {**execution, "WSH": f"浙环罚[2026]第{round}号", "AH": one})
            await caller.outcome()
            await caller.platform(MOBILE, "POST", "/v1/messages", json={"type": one, "document": {one: one}})

    await attack(1)
    before = await _series(caller)
    await attack(2)
    assert await _series(caller) == before


async def _series(caller):
    """Give every series but those of how things stand at the moment, and of what a busy machine brings."""
    page = (await caller.admin("GET", "/metrics")).text
    found = {line.rpartition(" ")[0] for line in page.splitlines() if not line.startswith("#")}
    return {one for one in found if not one.startswith(("hutong_backlog", "hutong_loop_blocked"))}
