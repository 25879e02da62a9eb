"""Retention over REST: what is kept for how long, what went, and what becomes of bytes that are gone."""

from datetime import timedelta

from gateway.ledger.records import Retention

PENALTY = "penalty.330000"
DAY = 86_400.0
SHORT = Retention(timedelta(days=400), timedelta(days=200))


async def after(caller, days, kept=SHORT):
    """Prune as if so many days had passed since the last time."""
    now = caller.hub.clock() + timedelta(days=days)
    step = await caller.hub.ledger.prune(kept, "admin", now, seen=days * DAY)
    while step.more:
        step = await caller.hub.ledger.prune(kept, "admin", now)


async def test_bytes_that_are_gone(caller, execution):
    """410 `body.pruned` for what was received and sent, while the message and its document are told as ever."""
    accepted = (await caller.send(PENALTY, "execution", execution)).json()
    await caller.outcome()
    await _nothing_unrouted(caller)
    await after(caller, 0)
    message = f"/v1/messages/{accepted['message_id']}"
    [sent] = [one["id"] for one in (await caller.admin("GET", message)).json()["deliveries"] if one["tries"]]
    paths = (f"{message}/native", f"/v1/deliveries/{sent}/sent")
    assert [(await caller.admin("GET", path)).status_code for path in paths] == [200, 200]
    await after(caller, 201)
    for path in paths:
        gone = await caller.admin("GET", path)
        assert (gone.status_code, gone.json()["code"]) == (410, "body.pruned")
    shown = (await caller.admin("GET", message)).json()
    assert "delivered" in {one["state"] for one in shown["deliveries"]}
    assert (await caller.admin("GET", f"{message}/canonical")).json()["case_number"]
    missing = await caller.admin("GET", "/v1/messages/nothing/native")
    assert (missing.status_code, missing.json()["code"]) == (404, "message.unknown")


async def test_a_whole_message_that_is_gone(caller, execution):
    """Its remnant is still told, without deliveries; a repeat is a duplicate of it; its document is 410."""
    first = (await caller.send(PENALTY, "execution", execution)).json()
    await caller.outcome()
    await _nothing_unrouted(caller)
    await caller.send(PENALTY, "execution", {**execution, "WSH": "浙环罚[2026]第099号", "AH": "浙环案2026099"})
    await caller.outcome()
    await after(caller, 0)
    await after(caller, 401)
    message = f"/v1/messages/{first['message_id']}"
    shown = (await caller.admin("GET", message)).json()
    assert (shown["deliveries"], shown["keys"], shown["state"]) == ([], {}, "recorded")
    for path in ("native", "canonical"):
        gone = await caller.admin("GET", f"{message}/{path}")
        assert (gone.status_code, gone.json()["code"]) == (410, "body.pruned")
    again = (await caller.send(PENALTY, "execution", execution)).json()
    assert (again["message_id"], again["duplicate"], again["deliveries"]) == (first["message_id"], True, [])
    records = (await caller.admin("GET", "/v1/retention")).json()["prunings"]
    assert {one["what"] for one in records} <= {"messages", "bodies"}
    assert {(one["actor"], one["count"]) for one in records if one["what"] == "messages"} == {("admin", 1)}


async def _nothing_unrouted(caller):
    """Give up what waits for platforms that are not there: it would keep its case."""
    for one in (await caller.admin("GET", "/v1/deliveries", params={"state": "unrouted"})).json()["deliveries"]:
        await caller.admin("POST", f"/v1/deliveries/{one['id']}/discard", json={"reason": "不设"})


async def test_what_is_in_force(caller):
    """The periods in days, and an empty record at first."""
    shown = (await caller.admin("GET", "/v1/retention")).json()
    assert (shown["messages_days"], shown["bodies_days"], shown["types_days"]) == (3660, 1116, {})
    assert (shown["prunings"], shown["cursor"]) == ([], None)


async def test_a_step_is_the_administrators(caller):
    """Platforms may neither look nor prune; the administrator is recorded as who did."""
    for method, path in (("GET", ""), ("GET", "/prunable"), ("POST", "/prune")):
        assert (await caller.platform(PENALTY, method, f"/v1/retention{path}")).status_code == 403
    assert (await caller.admin("POST", "/v1/retention/prune")).json() == {"pruned": [], "more": False}
    found = (await caller.admin("GET", "/v1/retention/prunable")).json()
    assert (found["would"], found["cursor"]) == ([], None)
    bad = await caller.admin("GET", "/v1/retention/prunable", params={"cursor": "x"})
    assert (bad.status_code, bad.json()["code"]) == (422, "cursor.unknown")


async def test_metrics(caller, execution):
    """The age of the oldest message that is kept is a gauge."""
    await caller.send(PENALTY, "execution", execution)
    await caller.hub.pruner.step("admin")
    lines = (await caller.admin("GET", "/metrics")).text.splitlines()
    [oldest] = [line for line in lines if line.startswith("hutong_oldest_message_seconds ")]
    assert 0 < float(oldest.split()[1]) < 60
