"""Bulk replays run in the background and tell how far they have come."""

import asyncio

import pytest

from adapters.base import Reply

MOBILE = "mobile-enforcement.330000"
PENALTY = "penalty.330000"
REASON = {"reason": "平台已修复"}


async def test_many_are_replayed_in_the_background(caller, dead):
    """A filter and a reason start it; its progress can be asked for."""
    caller.sender.reply = Reply(200, {}, b'{"code": "0000", "data": {"id": "7"}}')
    order = {"filter": {"state": "dead", "platform": MOBILE}, **REASON}
    started = await caller.admin("POST", "/v1/replays", json=order)
    assert started.status_code == 202, started.text
    assert (await caller.outcome()).state == "delivered"
    progress = started.json()
    while not progress["finished_at"]:
        await asyncio.sleep(0)
        progress = (await caller.admin("GET", f"/v1/replays/{started.json()['id']}")).json()
    assert (progress["total"], progress["replayed"], progress["skipped"], progress["failed"]) == (1, 1, 0, 0)
    (count,) = progress["counts"]
    assert (count["platform"], count["type"], count["count"]) == (MOBILE, "penalty.executed", 1)
    assert (await caller.admin("GET", "/v1/replays/nothing")).status_code == 404


async def test_a_dry_run_tells_what_would_be_replayed(caller, dead):
    """200 with counts by platform, type and code; nothing is sent, and there is nothing to look up."""
    shown = (await caller.admin("GET", f"/v1/deliveries/{dead}")).json()
    order = {"filter": {"code": shown["code"], "type": "penalty.executed"}, "dry_run": True, **REASON}
    found = await caller.admin("POST", "/v1/replays", json=order)
    assert found.status_code == 200, found.text
    told = found.json()
    assert (told["id"], told["dry_run"], told["total"], told["replayed"]) == (None, True, 1, 0)
    assert told["counts"] == [{"platform": MOBILE, "type": "penalty.executed", "code": shown["code"], "count": 1}]
    assert (await caller.admin("GET", f"/v1/deliveries/{dead}")).json()["state"] == "dead"


@pytest.mark.parametrize(
    "filter",
    [
        {"code": "another"},
        {"type": "case.transferred"},
        {"platform": PENALTY},
        {"until": "2020-01-01T00:00:00+08:00"},
        {"since": "2100-01-01T00:00:00+08:00"},
        {"state": "refused"},
        {"message_id": "another"},
    ],
)
async def test_what_a_filter_does_not_name_stays_as_it_is(caller, dead, filter):
    """Each part of it must fit."""
    order = {"filter": filter, "dry_run": True, **REASON}
    told = (await caller.admin("POST", "/v1/replays", json=order)).json()
    assert (told["total"], told["counts"]) == (0, [])


async def test_a_replay_is_cancelled(caller, dead):
    """One that has ended stays as it is; an unknown one is not found."""
    started = await caller.admin("POST", "/v1/replays", json={"filter": {}, **REASON})
    progress = started.json()
    while not progress["finished_at"]:
        await asyncio.sleep(0)
        progress = (await caller.admin("GET", f"/v1/replays/{started.json()['id']}")).json()
    cancelled = await caller.admin("POST", f"/v1/replays/{started.json()['id']}/cancel", json=REASON)
    assert (cancelled.status_code, cancelled.json()["cancelled_at"]) == (200, None)
    assert (await caller.admin("POST", "/v1/replays/nothing/cancel", json=REASON)).status_code == 404


async def test_one_key_starts_one_replay(caller, dead):
    """Two requests, one replay."""
    order = {"filter": {}, **REASON}
    ids = {
        (await caller.admin("POST", "/v1/replays", json=order, headers={"Idempotency-Key": "r-1"})).json()["id"]
        for _ in range(3)
    }
    assert len(ids) == 1
