"""People: each with a token and roles; what each role may do, call by call."""

from __future__ import annotations

import pytest

from gateway.api.rights import CALLS, PEOPLES, Role

PENALTY = "penalty.330000"
MOBILE = "mobile-enforcement.330000"
BODIES = {"POST", "PUT"}


async def join(caller, id, *roles, **more):
    """Give somebody a token."""
    order = {"id": id, "name": "王伟", "roles": [str(role) for role in roles], **more}
    added = await caller.admin("POST", "/v1/people", json=order)
    assert added.status_code == 201, added.text
    return added.json()["token"]


def paths():
    """Every call with a path that leads to nothing."""
    for call, role in CALLS.items():
        method, _, path = call.partition(" ")
        yield method, "/".join("x" if part.startswith("{") else part for part in path.split("/")), role


async def answered(caller, token, method, path):
    """Give status and code of a call with an empty body."""
    body = {"json": {}} if method in BODIES else {}
    answer = await caller.call(token, method, path, **body)
    is_problem = answer.headers.get("content-type", "").startswith("application/problem")
    return answer.status_code, answer.json()["code"] if is_problem else None


@pytest.mark.parametrize("role", PEOPLES)
async def test_every_call_for_every_role(caller, role):
    """403 `right.missing` for what the role may not do; what it may do is never 401 or 403."""
    token = await join(caller, "wang-wei", role)
    allowed = {Role.ANYBODY, Role.KNOWN, Role.VIEWER, role}
    for method, path, needed in paths():
        status, code = await answered(caller, token, method, path)
        if needed in allowed:
            assert status not in (401, 403), (method, path)
        else:
            assert (status, code) == (403, "right.missing"), (method, path)


async def test_what_somebody_does_is_recorded_under_their_name(caller):
    """In the audit of what they did it to; the administrator's token is `admin`."""
    token = await join(caller, "wang-wei", Role.OPERATOR)
    await caller.call(token, "POST", f"/v1/platforms/{PENALTY}/pause", json={"reason": "检修"})
    await caller.admin("POST", f"/v1/platforms/{PENALTY}/resume", json={"reason": "完成"})
    done = [(one.actor, one.action) for one in await caller.hub.ledger.audit(PENALTY)][-2:]
    assert done == [("wang-wei", "platform.held"), ("admin", "platform.released")]


async def test_a_viewer_sees_no_bodies(caller, execution):
    """Neither a reply, nor what was filled in, nor a value in a warning; whoever reads bodies does."""
    message = (await caller.send(PENALTY, "execution", execution)).json()["message_id"]
    await caller.outcome()
    viewer, reader = await join(caller, "li-na", Role.VIEWER), await join(caller, "wang-wei", Role.BODY_READER)
    seen = (await caller.call(viewer, "GET", f"/v1/messages/{message}")).json()
    read = (await caller.call(reader, "GET", f"/v1/messages/{message}")).json()
    assert {one.get("value") for one in seen["warnings"]} == {None}
    assert seen["enriched"] == {}
    delivery = next(one["id"] for one in seen["deliveries"] if one["platform"] == MOBILE)
    for token, shown in ((viewer, False), (reader, True)):
        detail = (await caller.call(token, "GET", f"/v1/deliveries/{delivery}")).json()
        assert [one["reply"] is not None for one in detail["tries"]] == [shown]
    replies = [[one["reply"] for one in each["tries"]] for each in seen["deliveries"]]
    assert all(reply is None for each in replies for reply in each)
    assert any(one["reply"] for each in read["deliveries"] for one in each["tries"])
    assert (await caller.call(viewer, "GET", f"/v1/messages/{message}/native")).status_code == 403
    assert (await caller.call(reader, "GET", f"/v1/messages/{message}/native")).status_code == 200


async def test_a_token_ends_with_its_person_and_stays_known_as_ended(caller):
    """Removed, or expired, at once; the id is never given again, and what was done under it stays."""
    token = await join(caller, "wang-wei", Role.VIEWER)
    assert (await caller.call(token, "GET", "/v1/backlog")).status_code == 200
    assert (await caller.admin("DELETE", "/v1/people/wang-wei")).status_code == 204
    assert await answered(caller, token, "GET", "/v1/backlog") == (401, "credential.revoked")
    again = await caller.admin("POST", "/v1/people", json={"id": "wang-wei", "name": "x", "roles": ["admin"]})
    assert (again.status_code, again.json()["code"]) == (409, "person.exists")
    [listed] = (await caller.admin("GET", "/v1/people")).json()["people"]
    assert (listed["id"], listed["roles"], listed["removed_at"] is None) == ("wang-wei", ["viewer"], False)
    assert (await caller.admin("DELETE", "/v1/people/nobody")).json()["code"] == "person.unknown"


async def test_who_am_i(caller):
    """A person, a platform, and the administrator; a stranger is nobody."""
    token = await join(caller, "wang-wei", Role.OPERATOR, Role.BODY_READER, regions=["330000"])
    me = (await caller.call(token, "GET", "/v1/me")).json()
    roles = ["body-reader", "operator"]
    assert me == {
        "kind": "person",
        "id": "wang-wei",
        "name": "王伟",
        "roles": roles,
        "regions": ["330000"],
        "unmasked": [],
    }
    assert (await caller.platform(PENALTY, "GET", "/v1/me")).json()["kind"] == "platform"
    assert (await caller.admin("GET", "/v1/me")).json()["kind"] == "administrator"
    assert (await caller.call(None, "GET", "/v1/me")).status_code == 401


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"id": "admin"}, "person.invalid"),
        ({"id": "gateway"}, "person.invalid"),
        ({"id": PENALTY}, "person.invalid"),
        ({"id": "王伟"}, "person.invalid"),
        ({"id": "a\n"}, "person.invalid"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "person.invalid"),
        ({"roles": []}, "request.invalid"),
        ({"roles": ["platform"]}, "request.invalid"),
        ({"roles": ["known"]}, "request.invalid"),
        ({"name": " "}, "request.invalid"),
        ({"regions": ["999999"]}, "person.invalid"),
        ({"regions": ["33"]}, "person.invalid"),
        ({"regions": ["330000"], "roles": ["admin"]}, "person.invalid"),
        ({"regions": ["330000"], "roles": ["auditor", "viewer"]}, "person.invalid"),
    ],
)
async def test_who_cannot_be_recorded_is_given_nothing(caller, changed, code):
    """A name of the gateway's own or of a platform, no role or one that is none, a region that is none or not its."""
    order = {"id": "wang-wei", "name": "王伟", "roles": ["viewer"], **changed}
    answer = await caller.admin("POST", "/v1/people", json=order)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await caller.admin("GET", "/v1/people")).json()["people"] == []


async def test_the_token_is_shown_once(caller):
    """Neither it nor its hash is in the list or the audit; under the same key it is not shown again."""
    order, key = {"id": "wang-wei", "name": "王伟", "roles": ["viewer"]}, {"Idempotency-Key": "k-1"}
    token = (await caller.admin("POST", "/v1/people", json=order, headers=key)).json()["token"]
    again = await caller.admin("POST", "/v1/people", json=order, headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "idempotency.secret-shown")
    [person] = await caller.hub.ledger.people()
    listed, audit = (await caller.admin("GET", "/v1/people")).text, str(await caller.hub.ledger.audit("wang-wei"))
    for secret in (token, person.digest):
        assert secret not in listed + audit


async def test_the_administrators_token_is_told_and_counted(caller):
    """Each call under it, and when it was used last; a person's calls are not."""
    token = await join(caller, "wang-wei", Role.VIEWER)
    await caller.admin("GET", "/v1/backlog")
    await caller.call(token, "GET", "/v1/platforms")
    metrics = (await caller.call(token, "GET", "/metrics")).text
    assert 'hutong_administrator_calls_total{call="GET /v1/backlog"} 1.0' in metrics
    assert 'hutong_administrator_calls_total{call="GET /v1/platforms"}' not in metrics
    assert "hutong_people 1.0" in metrics
    [used] = [line for line in metrics.splitlines() if line.startswith("hutong_administrator_used_seconds ")]
    assert abs(float(used.split()[1]) - caller.hub.clock().timestamp()) < 60
