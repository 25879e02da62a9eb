"""The emergency token: it opens when nothing else does, and each use of it is an alarm."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faulty import FaultyLedger

from gateway.access import hash_token, new_token
from gateway.bootstrap import build
from gateway.hub.trail import EMERGENCY
from gateway.settings import Settings, Unset

TOKEN = new_token()


@pytest.fixture
def emergency(caller):
    """Calls under the emergency token."""
    caller.hub.principals.know_emergency(hash_token(TOKEN))

    async def call(method: str, path: str, **more: Any) -> Any:
        return await caller.call(TOKEN, method, path, **more)

    return call


async def used(ledger: Any, times: int) -> list[Any]:
    """Give what the audit keeps of its uses, once there are so many."""
    async with asyncio.timeout(30):
        while len(kept := [one for one in await ledger.audit(EMERGENCY) if one.action == "emergency.used"]) < times:
            await asyncio.sleep(0.01)
    return kept


async def test_it_may_do_everything_and_is_named_by_itself(caller, emergency):
    """In the audit of what it did, beside the administrator; it hands in no documents."""
    me = (await emergency("GET", "/v1/me")).json()
    assert (me["kind"], me["id"], me["name"]) == ("administrator", "emergency", "emergency")
    assert (await emergency("POST", "/v1/platforms/penalty.330000/pause", json={"reason": "抢修"})).is_success
    entries = (await caller.admin("GET", "/v1/audit?actor=emergency")).json()["entries"]
    assert "platform.held" in [one["action"] for one in entries]
    assert (await emergency("POST", "/v1/inbound/execution", json={})).status_code == 403


async def test_each_use_is_told_at_once(caller, emergency, caplog):
    """An entry of the audit a call with the address, a count, the time of the last, and an error in the log."""
    await emergency("GET", "/v1/backlog")
    await emergency("GET", "/v1/people")
    kept = await used(caller.hub.ledger, 2)
    assert [one.detail for one in kept] == [
        {"call": "GET /v1/backlog", "address": "127.0.0.1"},
        {"call": "GET /v1/people", "address": "127.0.0.1"},
    ]
    metrics = (await caller.admin("GET", "/metrics")).text
    assert 'hutong_emergency_calls_total{call="GET /v1/people"} 1.0' in metrics
    [last] = [line for line in metrics.splitlines() if line.startswith("hutong_emergency_used_seconds ")]
    assert abs(float(last.split()[1]) - caller.hub.clock().timestamp()) < 60
    assert TOKEN not in metrics + caplog.text + str(kept)


async def test_it_opens_while_nothing_can_be_written(caller, emergency):
    """The ledger's disk is full: the entry waits, is written once there is room, and the call is answered."""
    ledger: FaultyLedger = caller.hub.ledger
    ledger.fail_before("note")
    assert (await emergency("GET", "/v1/me")).status_code == 200
    async with asyncio.timeout(30):
        while ledger.calls.count("note") < 1:
            await asyncio.sleep(0.01)
    await caller.hub.trail.write()
    assert [one.detail["call"] for one in await used(ledger, 1)] == ["GET /v1/me"]


async def test_nobody_has_one_unless_it_is_set(caller, emergency):
    """Another token opens nothing, nor does this one once it is not set any more; the administrator's is another."""
    for token in (new_token(), hash_token(TOKEN), "emergency"):
        assert (await caller.call(token, "GET", "/v1/me")).status_code == 401
    caller.hub.principals.know_emergency(None)
    assert (await emergency("GET", "/v1/me")).status_code == 401
    assert (await caller.admin("GET", "/v1/me")).json()["id"] == "admin"


async def test_nobody_else_is_called_so(caller):
    """What the audit says of it is its own."""
    order = {"id": "emergency", "name": "王伟", "roles": ["viewer"]}
    assert (await caller.admin("POST", "/v1/people", json=order)).json()["code"] == "person.invalid"


def test_a_gateway_with_a_file_that_others_reach_does_not_start(tmp_path):
    """It says which setting to correct."""
    file = tmp_path / "emergency"
    file.write_text(hash_token(TOKEN))
    file.chmod(0o644)
    with pytest.raises(Unset, match="HUTONG_EMERGENCY_TOKEN_FILE"):
        build(Settings(emergency_token_file=str(file)))
    with pytest.raises(ValueError, match="SHA-256"):
        Settings(emergency_token_hash=TOKEN)
