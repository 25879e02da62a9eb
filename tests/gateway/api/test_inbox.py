"""The inbox over REST: what a platform that cannot be called fetches, and what it says of it."""

import asyncio
import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

MOBILE = "mobile-enforcement.330000"
PENALTY = "penalty.330000"


async def fetch(caller, platform=MOBILE, **query):
    """Ask for the inbox once; gives the deliveries."""
    answer = await caller.platform(platform, "GET", "/v1/inbox", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["deliveries"]


async def say(caller, leased, platform=MOBILE, **receipt):
    """Post a receipt."""
    path = f"/v1/inbox/{leased['delivery_id']}/receipt"
    return await caller.platform(platform, "POST", path, json={"verdict": "accepted", **receipt})


@pytest.fixture
async def puller(caller):
    """The enforcement system, registered again as one that fetches, without an address."""
    body = {"adapter": "canonical", "settings": {"token": "t"}, "mode": "pull"}
    answer = await caller.admin("PUT", f"/v1/platforms/{MOBILE}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["mode"] == "pull"
    return caller


async def test_the_whole_way(puller, execution):
    """Accepted for it, fetched by it, answered by it: delivered, with its number as the receipt."""
    accepted = (await puller.send(PENALTY, "execution", execution)).json()
    [leased] = await fetch(puller)
    assert leased["delivery_id"] == leased["key"] == leased["headers"]["Idempotency-Key"]
    assert (leased["type"], leased["content_type"], leased["attempt"]) == ("penalty.executed", "application/json", 1)
    assert b"2026" in base64.b64decode(leased["body_base64"])
    until = datetime.fromisoformat(leased["leased_until"])
    assert timedelta(seconds=100) < until - datetime.now(UTC) < timedelta(seconds=121)
    answer = await say(puller, leased, reference="ZF-1", attempt=leased["attempt"])
    delivery_id = leased["delivery_id"]
    assert answer.json() == {"delivery_id": delivery_id, "state": "delivered", "attempt": 1, "late": False}
    message = (await puller.admin("GET", f"/v1/messages/{accepted['message_id']}")).json()
    [delivery] = [one for one in message["deliveries"] if one["id"] == delivery_id]
    assert (delivery["state"], delivery["receipt"]["reference"]) == ("delivered", "ZF-1")
    shown = (await puller.admin("GET", f"/v1/deliveries/{delivery_id}")).json()
    assert [(one["verdict"], one["receipt"], one["status"]) for one in shown["tries"]] == [
        ("accepted", "in-time", None)
    ]
    assert '"reference"' in shown["tries"][0]["reply"]
    assert puller.sender.sent == []


async def test_what_is_leased_shows_until_when(puller, execution):
    """Operators see that the platform has it."""
    await puller.send(PENALTY, "execution", execution)
    [leased] = await fetch(puller)
    shown = (await puller.admin("GET", f"/v1/deliveries/{leased['delivery_id']}")).json()
    assert (shown["state"], shown["leased_until"]) == ("sending", leased["leased_until"])
    sent = await puller.admin("GET", f"/v1/deliveries/{leased['delivery_id']}/sent")
    assert sent.content == base64.b64decode(leased["body_base64"])


async def test_the_same_receipt_again(puller, execution):
    """It is answered the same; another one is told that there is one."""
    await puller.send(PENALTY, "execution", execution)
    [leased] = await fetch(puller)
    answers = [(await say(puller, leased, reference="ZF-1")).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    other = await say(puller, leased, verdict="refused")
    assert (other.status_code, other.json()["code"]) == (409, "lease.answered")


async def test_a_poll_waits(puller, execution):
    """It is answered as soon as something is accepted."""
    poll = asyncio.create_task(fetch(puller, wait=30))
    while not puller.hub.inboxes.polls():
        await asyncio.sleep(0)
    await puller.send(PENALTY, "execution", execution)
    assert len(await asyncio.wait_for(poll, 10)) == 1


async def test_an_empty_inbox(puller):
    """Nothing to wait for, nothing given; no cache may keep that."""
    answer = await puller.platform(MOBILE, "GET", "/v1/inbox")
    assert (answer.json(), answer.headers["cache-control"]) == ({"deliveries": []}, "no-store")


@pytest.mark.parametrize("query", [{"max": 0}, {"max": 101}, {"max": "x"}, {"wait": -1}, {"wait": 61}, {"wait": "nan"}])
async def test_bounds_of_a_poll(puller, query):
    """More than an answer holds, or longer than a connection lives, is asked of nobody: 422."""
    answer = await puller.platform(MOBILE, "GET", "/v1/inbox", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")


@pytest.mark.parametrize(
    "receipt",
    [
        {},
        {"verdict": "credentials"},
        {"verdict": "accepted", "reference": 7},
        {"verdict": "accepted", "reference": "x" * 201},
        {"verdict": "refused", "reason": "x" * 2001},
        {"verdict": "retry", "after": -1},
        {"verdict": "retry", "after": 1e9},
        {"verdict": "accepted", "after": 5},
        {"verdict": "accepted", "attempt": 0},
        {"verdict": "accepted", "attempt": 10**12},
        {"verdict": "accepted", "more": "than asked for"},
        [],
    ],
)
async def test_a_bad_receipt(puller, execution, receipt):
    """422 with what is wrong, and the lease stays as it is."""
    await puller.send(PENALTY, "execution", execution)
    [leased] = await fetch(puller)
    path = f"/v1/inbox/{leased['delivery_id']}/receipt"
    answer = await puller.platform(MOBILE, "POST", path, json=receipt)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")
    assert answer.json()["errors"]
    assert (await say(puller, leased)).status_code == 200


@pytest.mark.parametrize("content", [b"{", b'{"verdict": "accepted", "verdict": "dead"}', b"\xff"])
async def test_a_receipt_that_is_no_json(puller, execution, content):
    """422, whatever it is."""
    await puller.send(PENALTY, "execution", execution)
    [leased] = await fetch(puller)
    path, headers = f"/v1/inbox/{leased['delivery_id']}/receipt", {"content-type": "application/json"}
    answer = await puller.platform(MOBILE, "POST", path, content=content, headers=headers)
    assert answer.status_code == 422


async def test_deliveries_of_others(puller, execution):
    """Unknown ones and those of another platform are 404, the one as the other."""
    await puller.register("penalty.320000", "town", key="k")
    await puller.send(PENALTY, "execution", execution)
    [leased] = await fetch(puller)
    for platform, delivery_id in (("penalty.320000", leased["delivery_id"]), (MOBILE, "nothing")):
        answer = await say(puller, {"delivery_id": delivery_id}, platform)
        assert (answer.status_code, answer.json()["code"]) == (404, "delivery.unknown")


async def test_a_platform_that_is_called(caller):
    """409 with what to do."""
    answer = await caller.platform(PENALTY, "GET", "/v1/inbox", headers={"accept-language": "en"})
    assert (answer.status_code, answer.json()["code"]) == (409, "platform.not-pull")
    assert "mode: pull" in answer.json()["detail"]


async def test_too_many_polls(puller):
    """429 with Retry-After."""
    polls = [asyncio.create_task(fetch(puller, wait=30)) for _ in range(8)]
    while puller.hub.inboxes.polls() < 8:
        await asyncio.sleep(0)
    answer = await puller.platform(MOBILE, "GET", "/v1/inbox")
    assert (answer.status_code, answer.json()["code"]) == (429, "inbox.busy")
    assert answer.headers["retry-after"]
    puller.hub.inboxes.end()
    assert [await one for one in polls] == [[]] * 8


async def test_who_leaves(puller, execution):
    """The connection broke while it waited: what comes is not leased to it."""
    poll = asyncio.create_task(fetch(puller, wait=30))
    while not puller.hub.inboxes.polls():
        await asyncio.sleep(0)
    poll.cancel()
    with suppress(asyncio.CancelledError):
        await poll
    await puller.send(PENALTY, "execution", execution)
    assert [one["attempt"] for one in await fetch(puller)] == [1]


async def test_a_puller_is_not_pinged(puller):
    """It cannot be called: 409 says so, instead of a time-out."""
    answer = await puller.admin("POST", f"/v1/platforms/{MOBILE}/ping")
    assert (answer.status_code, answer.json()["code"]) == (409, "platform.pull")


async def test_a_puller_with_leases_is_not_deleted(puller, execution):
    """409 until its receipt."""
    await puller.send(PENALTY, "execution", execution)
    [leased] = await fetch(puller)
    path = f"/v1/platforms/{MOBILE}"
    assert (await puller.admin("DELETE", path)).json()["code"] == "platform.in-use"
    await say(puller, leased)
    assert (await puller.admin("DELETE", path)).status_code == 204


async def test_a_platform_that_is_called_needs_its_address(caller):
    """Only one that fetches does without."""
    body = {"adapter": "canonical", "settings": {"token": "t"}}
    answer = await caller.admin("PUT", f"/v1/platforms/{MOBILE}", json=body)
    assert [one["path"] for one in answer.json()["errors"]] == ["settings.base_url"]


async def test_metrics_of_leases(puller, execution):
    """How often it asks, what it was given, and what stands where."""
    await puller.send(PENALTY, "execution", execution)
    await fetch(puller)
    metrics = (await puller.admin("GET", "/metrics")).text
    for line in (
        f'hutong_inbox_polls_total{{platform="{MOBILE}"}} 1.0',
        f'hutong_deliveries_leased_total{{platform="{MOBILE}"}} 1.0',
        f'hutong_backlog{{held_by="",kind="mobile-enforcement",platform="{MOBILE}",state="sending"}} 1.0',
        "hutong_inbox_polls_now 0.0",
    ):
        assert line in metrics
