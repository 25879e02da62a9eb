"""Credentials: several at once, listed without their secret, expired and revoked at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

MOBILE = "mobile-enforcement.330000"
PENALTY = "penalty.330000"
PATH = f"/v1/platforms/{MOBILE}/credentials"


async def opens(caller, token):
    """Tell what a token opens the platform's own door with: 200, or the code of the problem."""
    answer = await caller.call(token, "GET", "/v1/messages")
    return answer.status_code if answer.status_code == 200 else answer.json()["code"]


async def test_credentials_rotate_with_an_overlap(caller):
    """The new one opens beside the old one; the old one is revoked, and the new one stays."""
    old = caller.credentials[MOBILE]
    issued = await caller.admin("POST", PATH, json={"label": "2027"})
    new = issued.json()
    assert (issued.status_code, new["label"], new["expires_at"]) == (201, "2027", None)
    assert [await opens(caller, token) for token in (old, new["credential"])] == [200, 200]
    listed = (await caller.admin("GET", PATH)).json()["credentials"]
    assert [one["label"] for one in listed] == ["", "2027"]
    assert (await caller.admin("DELETE", f"{PATH}/{listed[0]['id']}")).status_code == 204
    assert [await opens(caller, token) for token in (old, new["credential"])] == ["credential.revoked", 200]


async def test_an_order_may_have_no_body(caller):
    """As it was before there were labels; an empty object is the same."""
    for arguments in ({}, {"json": {}}, {"content": b""}):
        issued = await caller.admin("POST", PATH, **arguments)
        assert await opens(caller, issued.json()["credential"]) == 200


async def test_the_secret_is_shown_once(caller):
    """Neither the list nor the audit has it, nor its hash."""
    issued = (await caller.admin("POST", PATH, json={"label": "once"})).json()
    listed = await caller.admin("GET", PATH)
    assert set(listed.json()["credentials"][-1]) == {
        "id", "kind", "label", "created_at", "expires_at", "revoked_at", "last_used_at",
    }  # fmt: skip
    audit = await caller.hub.ledger.audit(MOBILE)
    kept = [one.digest for one in await caller.hub.ledger.credentials()]
    for secret in (issued["credential"], *kept):
        assert secret not in listed.text
        assert secret not in str(audit)
    assert audit[-1].detail == {"credential": issued["id"], "label": "once"}


async def test_the_last_use_is_listed_and_costs_no_write(caller):
    """It is known at once; the ledger learns of it with the other contacts, and has it after a restart."""
    first = (await caller.admin("GET", PATH)).json()["credentials"][0]
    assert first["last_used_at"] is None
    assert await opens(caller, caller.credentials[MOBILE]) == 200
    used = (await caller.admin("GET", PATH)).json()["credentials"][0]["last_used_at"]
    assert datetime.fromisoformat(used) >= datetime.fromisoformat(first["created_at"])
    await caller.hub.contacts.write()
    assert (await caller.admin("GET", PATH)).json()["credentials"][0]["last_used_at"] == used


async def test_it_expires_when_it_was_said_to(caller):
    """A time that is over is refused, and so is one that no ledger can keep; a time without an offset is China's."""
    soon = datetime.now(UTC) + timedelta(days=1)
    issued = (await caller.admin("POST", PATH, json={"expires_at": soon.isoformat()})).json()
    assert datetime.fromisoformat(issued["expires_at"]) == soon
    here = soon.astimezone(caller.hub.zone).replace(tzinfo=None)
    local = (await caller.admin("POST", PATH, json={"expires_at": here.isoformat()})).json()
    assert datetime.fromisoformat(local["expires_at"]) == soon
    over = await caller.admin("POST", PATH, json={"expires_at": "2020-01-01T00:00:00+08:00"})
    assert (over.status_code, over.json()["code"]) == (422, "credential.invalid")
    assert (await caller.admin("POST", PATH, json={"expires_at": "9999-12-31T23:59:59Z"})).status_code == 422


LONG = b'{"label": "' + b"x" * 201 + b'"}'


@pytest.mark.parametrize(
    "body", [b'{"label": 1}', b'{"name": "x"}', b"[]", b"null x", b'{"label": "a", "label": "b"}', LONG]
)
async def test_hostile_orders_issue_nothing(caller, body):
    """422 with a problem document, and the list is what it was."""
    before = (await caller.admin("GET", PATH)).json()
    answer = await caller.admin("POST", PATH, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert (await caller.admin("GET", PATH)).json() == before


async def test_a_credential_that_there_is_not_is_absent(caller):
    """Also another platform's, under whichever platform it is asked for."""
    own = (await caller.admin("GET", PATH)).json()["credentials"][0]["id"]
    for platform, id in ((MOBILE, "x"), (PENALTY, own)):
        answer = await caller.admin("DELETE", f"/v1/platforms/{platform}/credentials/{id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "credential.absent")
    for method in ("GET", "POST"):
        assert (await caller.admin(method, "/v1/platforms/penalty.110000/credentials")).status_code == 404
    assert await opens(caller, caller.credentials[MOBILE]) == 200


async def test_a_document_is_handed_in_by_basic(caller, execution):
    """Where a vendor's client speaks nothing else: the platform's id and one of its credentials."""
    basic = httpx.BasicAuth(PENALTY, caller.credentials[PENALTY])
    taken = await caller.client.post("/v1/inbound/execution", json=execution, auth=basic)
    assert taken.status_code == 202
    other = httpx.BasicAuth(MOBILE, caller.credentials[PENALTY])
    refused = await caller.client.post("/v1/inbound/execution", json=execution, auth=other)
    assert (refused.status_code, refused.json()["code"]) == (401, "credential.unknown")
