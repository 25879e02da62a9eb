"""Bulk replays run in the background and tell how far they have come."""

import asyncio

from adapters.base import Reply

MOBILE = "mobile-enforcement.330000"
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
    assert (progress["total"], progress["replayed"], progress["failed"]) == (1, 1, 0)
    assert (await caller.admin("GET", "/v1/replays/nothing")).status_code == 404
