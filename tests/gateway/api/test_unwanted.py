"""Kinds of platforms that a region does not have are declared, listed and withdrawn; what waits for them shows it."""

import pytest

PENALTY = "penalty.330000"
CREDIT = "/v1/unwanted/credit-publicity/330000"
MENDED = {"source_name": "某市生态环境局", "source_code": "11330000MB1503899T"}
WHY = {"reason": "本省由部里统一公示"}


async def places(caller, **query):
    """Where deliveries to credit publicity stand, and why."""
    found = (await caller.admin("GET", "/v1/deliveries", params=query)).json()["deliveries"]
    return [(one["state"], one["code"], one["reason"]) for one in found if one["kind"] == "credit-publicity"]


async def backlog(caller):
    """The lines of the backlog that tell of credit publicity."""
    lines = (await caller.admin("GET", "/metrics")).text.splitlines()
    wanted = [line for line in lines if line.startswith("hutong_backlog{") and "credit-publicity" in line]
    return {state: line.split()[-1] for line in wanted for state in ("unrouted", "unwanted") if f'"{state}"' in line}


async def counter(caller):
    """How many were ever unrouted."""
    lines = (await caller.admin("GET", "/metrics")).text.splitlines()
    return [line for line in lines if line.startswith("hutong_deliveries_unrouted_total")]


async def test_what_a_region_does_not_have_alarms_nobody(caller, execution):
    """What waits and what comes is listed with the reason, and no gauge or counter has it as unrouted."""
    await caller.send(PENALTY, "execution", execution)
    assert await backlog(caller) == {"unrouted": "1.0"}
    declared = await caller.admin("PUT", CREDIT, json=WHY)
    assert declared.status_code == 200, declared.text
    assert declared.json()["region_name"] == "浙江省"
    before = await counter(caller)
    later = await caller.send(PENALTY, "execution", {**execution, "WSH": "浙环罚[2026]第004号"})
    assert "unwanted" in {one["state"] for one in later.json()["deliveries"]}
    assert await places(caller) == [("unwanted", "kind.unwanted", WHY["reason"])] * 2
    assert await places(caller, state="unwanted") == await places(caller)
    assert await places(caller, state="unrouted") == []
    assert await backlog(caller) == {"unwanted": "2.0"}
    assert await counter(caller) == before


async def test_a_withdrawn_declaration_leaves_nothing_behind(caller, execution):
    """It is unrouted again, and withdrawing it once more is 404."""
    await caller.send(PENALTY, "execution", execution)
    await caller.admin("PUT", CREDIT, json=WHY)
    assert [one["reason"] for one in (await caller.admin("GET", "/v1/unwanted")).json()["unwanted"]] == [WHY["reason"]]
    assert (await caller.admin("GET", CREDIT)).json()["reason"] == WHY["reason"]
    assert (await caller.admin("DELETE", CREDIT, params={"reason": "已建成"})).status_code == 204
    assert (await caller.admin("GET", "/v1/unwanted")).json() == {"unwanted": []}
    assert await places(caller) == [("unrouted", None, None)]
    again = await caller.admin("DELETE", CREDIT)
    assert (again.status_code, again.json()["code"]) == (404, "unwanted.unknown")
    shown = await caller.admin("GET", CREDIT)
    assert (shown.status_code, shown.json()["code"]) == (404, "unwanted.unknown")
    audit = await caller.hub.ledger.audit("credit-publicity.330000")
    assert [(one.action, one.reason) for one in audit] == [
        ("unwanted.declared", WHY["reason"]),
        ("unwanted.withdrawn", "已建成"),
    ]


async def test_a_platform_gets_what_was_unwanted(caller, execution):
    """A declaration loses nothing: a platform of the kind that is registered all the same gets everything."""
    await caller.send(PENALTY, "execution", execution)
    await caller.outcome()
    await caller.admin("PUT", CREDIT, json=WHY)
    await caller.register("credit-publicity.330000", "credit-publicity", key="k", **MENDED)
    assert (await caller.outcome()).platform == "credit-publicity.330000"
    assert await places(caller, state="unwanted") == []


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/unwanted/nothing/330000", WHY, "unwanted.invalid"),
        ("/v1/unwanted/penalty/999999", WHY, "unwanted.invalid"),
        ("/v1/unwanted/penalty/330000", {}, "request.invalid"),
        ("/v1/unwanted/penalty/330000", {"reason": " "}, "request.invalid"),
    ],
)
async def test_a_declaration_is_checked(caller, path, body, code):
    """Neither an unknown kind nor an unknown region is declared, and nothing without a reason."""
    answer = await caller.admin("PUT", path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await caller.admin("GET", "/v1/unwanted")).json() == {"unwanted": []}
