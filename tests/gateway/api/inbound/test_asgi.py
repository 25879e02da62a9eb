"""Documents in their own format: what a platform is told, and what it is told when they cannot be taken."""

from contextlib import ExitStack

import pytest

from gateway.api.authenticator import Authenticator
from gateway.api.inbound.asgi import Inbound
from gateway.intake.admission import BYTES, CALLS

PENALTY = "penalty.330000"
MOBILE = "mobile-enforcement.330000"

PACKAGE = """<?xml version="1.0" encoding="GBK"?>
<Package><Head><LX>AJJD</LX><JLS>{count}</JLS></Head><Data>
<Record><AH>浙环案2026001</AH><JD>{node}</JD><SJ>20260401083000</SJ><YJ>同意立案</YJ></Record>
<Record><AH>浙环案2026002</AH><JD>1</JD><SJ>20260402000000</SJ></Record>
</Data></Package>"""


async def test_an_accepted_document_is_answered_with_its_receipt(caller, execution):
    """202 with the message, its state and where it goes."""
    response = await caller.send(PENALTY, "execution", execution)
    assert response.status_code == 202, response.text
    body = response.json()
    assert set(body) == {"message_id", "type", "state", "duplicate", "warnings", "deliveries", "receipt"}
    assert body["type"] == "penalty.executed"
    assert body["duplicate"] is False
    assert {one["kind"]: one["platform"] for one in body["deliveries"]} == {
        "mobile-enforcement": MOBILE,
        "credit-publicity": None,
    }
    assert all(set(one) == {"id", "platform", "kind", "state"} for one in body["deliveries"])


async def test_nobody_to_send_to_is_said(caller, execution):
    """A kind that nobody covers is a warning in the 202, in the caller's language."""
    response = await caller.send(PENALTY, "execution", execution, headers={"Accept-Language": "en"})
    body = response.json()
    assert body["state"] == "unrouted"
    assert any("No credit-publicity platform" in one["message"] for one in body["warnings"])


async def test_the_same_document_again_is_a_duplicate(caller, execution):
    """Equal content of one identity is the message that was there already."""
    first = (await caller.send(PENALTY, "execution", execution)).json()
    second = (await caller.send(PENALTY, "execution", execution)).json()
    assert second["duplicate"] is True
    assert second["message_id"] == first["message_id"]


async def test_the_same_key_and_bytes_give_the_first_answer(caller, execution):
    """A resend under a key is answered as the first time, and says so."""
    first = await caller.send(PENALTY, "execution", execution, headers={"Idempotency-Key": "k-1"})
    second = await caller.send(PENALTY, "execution", execution, headers={"Idempotency-Key": "k-1"})
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.json()["message_id"] == first.json()["message_id"]


async def test_the_same_key_with_other_bytes_is_a_conflict(caller, execution):
    """A key names one body only."""
    await caller.send(PENALTY, "execution", execution, headers={"Idempotency-Key": "k-1"})
    response = await caller.send(PENALTY, "execution", {**execution, "LX": "2"}, headers={"Idempotency-Key": "k-1"})
    assert response.status_code == 409
    assert response.json()["code"] == "idempotency.key-reused"


@pytest.mark.parametrize("key", ["", "两个", "a b", "x" * 256])
async def test_a_malformed_key_is_rejected(caller, execution, key):
    """A key is short and visible ASCII, so that it survives every proxy."""
    response = await caller.send(PENALTY, "execution", execution, headers={"Idempotency-Key": key.encode()})
    assert response.status_code == 400
    assert response.json()["code"] == "idempotency.key-invalid"


async def test_a_package_is_answered_record_by_record(caller):
    """A package whose operation declares no answer of its own says what became of each record."""
    package = PACKAGE.format(count=2, node="01").encode("gbk")
    response = await caller.send(PENALTY, "progress", package, params={"dry_run": "true"})
    assert response.status_code == 200, response.text
    entries = response.json()["messages"]
    assert [one["index"] for one in entries] == [0, 1]
    assert entries[0]["document"]["opinion"] == "同意立案"
    assert entries[0]["routes"] == [{"kind": "mobile-enforcement", "platform": MOBILE}]


async def test_callers_that_cannot_read_json_get_their_own_answer(caller):
    """An operation's declared answer replaces receipt and problem alike."""
    accepted = await caller.send(PENALTY, "progress", PACKAGE.format(count=2, node="01").encode("gbk"))
    assert accepted.status_code == 200
    assert "<Code>0</Code>" in accepted.text
    assert accepted.headers["intake-decision"] == "accepted"
    rejected = await caller.send(PENALTY, "progress", PACKAGE.format(count=7, node="01").encode("gbk"))
    assert rejected.status_code == 200
    assert "<Code>1</Code>" in rejected.text
    assert rejected.headers["intake-decision"] == "rejected"
    broken = await caller.send(PENALTY, "progress", b"<Package>")
    assert "<Code>1</Code>" in broken.text
    assert broken.headers["intake-decision"] == "rejected"
    some = PACKAGE.format(count=2, node="01").replace("<JD>01<", "<JD>99<", 1)
    partial = await caller.send(PENALTY, "progress", some.encode("gbk"))
    assert "<Code>0</Code>" in partial.text
    assert partial.headers["intake-decision"] == "partial"


async def test_a_declared_answer_is_used_for_bodies_that_are_too_large(caller):
    """What is rejected before it is read is answered in the caller's format too."""
    response = await caller.send(PENALTY, "progress", b"x" * 200_000)
    assert "<Code>1</Code>" in response.text


async def test_a_dry_run_stores_nothing(caller, execution):
    """The translation and the routes are shown, and nothing is kept."""
    response = await caller.send(PENALTY, "execution", execution, params={"dry_run": "true"})
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {"type", "document", "warnings", "routes"}
    assert body["document"]["decision_number"] == "浙环罚〔2026〕3号"
    assert (await caller.admin("GET", "/v1/messages")).json()["messages"] == []


async def test_a_dry_run_shows_what_would_be_rejected(caller, execution):
    """A document that would be rejected is rejected, without a record to look up."""
    response = await caller.send(PENALTY, "execution", {**execution, "LX": "9"}, params={"dry_run": "true"})
    assert response.status_code == 422
    assert "rejection_id" not in response.json()
    assert (await caller.admin("GET", "/v1/rejections")).json()["rejections"] == []


@pytest.mark.parametrize(("value", "status"), [("false", 202), ("0", 202), ("perhaps", 422)])
async def test_dry_run_is_true_or_false(caller, execution, value, status):
    """A word that is neither is rejected rather than guessed."""
    response = await caller.send(PENALTY, "execution", execution, params={"dry_run": value})
    assert response.status_code == status


async def test_a_canonical_document_is_taken_as_it_is(caller):
    """A platform that speaks canonical hands in type and document."""
    document = {"case_number": "浙环案2026009", "node": "filed", "at": "2026-04-01T08:30:00+08:00"}
    await caller.register("penalty.330100", "canonical", token="t")
    response = await caller.platform(
        "penalty.330100", "POST", "/v1/messages", json={"type": "case.progressed", "document": document}
    )
    assert response.status_code == 202, response.text
    assert response.json()["deliveries"][0]["platform"] == MOBILE


async def test_a_canonical_document_can_be_tried(caller):
    """A dry run of a submission gives its routes."""
    document = {"case_number": "浙环案2026009", "node": "filed", "at": "2026-04-01T08:30:00+08:00"}
    await caller.register("penalty.330100", "canonical", token="t")
    response = await caller.platform(
        "penalty.330100",
        "POST",
        "/v1/messages?dry_run=true",
        json={"type": "case.progressed", "document": document},
    )
    assert response.status_code == 200
    assert response.json()["routes"] == [{"kind": "mobile-enforcement", "platform": MOBILE}]


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [(None, 401, "credential.missing"), ("wrong", 401, "credential.unknown"), ("ADMIN", 403, "right.missing")],
)
async def test_only_platforms_hand_documents_in(caller, execution, token, status, code):
    """Without a platform's credential nothing is read; the admin token is no platform's."""
    shown = "the-admin-token-of-these-tests" if token == "ADMIN" else token
    response = await caller.call(shown, "POST", "/v1/inbound/execution", json=execution)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_the_hot_path_takes_posts_only(caller, method):
    """Any other method is a 405 problem that says which is allowed."""
    response = await caller.platform(PENALTY, method, "/v1/inbound/execution")
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


async def test_more_than_can_be_taken_in_at_once_is_told_to_come_again(caller, execution):
    """429 with when to come, counted, and taken as soon as there is room."""
    with ExitStack() as taken:
        for _ in range(CALLS):
            taken.enter_context(caller.hub.admission.enter())
        busy = await caller.send(PENALTY, "execution", execution)
        assert (busy.status_code, busy.json()["code"]) == (429, "intake.busy")
        assert busy.headers["Retry-After"] == "1"
        assert busy.headers["Content-Type"] == "application/problem+json"
    assert (await caller.send(PENALTY, "execution", execution)).status_code == 202
    metrics = (await caller.admin("GET", "/metrics")).text
    assert f'hutong_intake_busy_total{{platform="{PENALTY}"}} 1.0' in metrics


async def test_a_body_that_there_is_no_room_for_is_not_even_read(caller):
    """Its length is declared, and the answer is there before the first byte is asked for."""
    asked: list[str] = []

    async def receive():
        asked.append("body")
        return {"type": "http.request", "body": b"{}", "more_body": False}

    headers = [
        (b"authorization", f"Bearer {caller.credentials[PENALTY]}".encode()),
        (b"content-length", b"1000"),
    ]
    scope = {"type": "http", "method": "POST", "path": "/v1/inbound/execution", "query_string": b"", "headers": headers}
    Authenticator(caller.hub).know(scope)
    with caller.hub.admission.enter(BYTES):
        answer = await Inbound(caller.hub)(scope, receive, "execution")
    assert (answer.status, asked) == (429, [])


async def test_two_keys_on_a_document_are_a_bad_request(caller, execution):
    """Nobody could tell which of them makes it the same document again."""
    headers = [
        ("Idempotency-Key", "a"),
        ("Idempotency-Key", "b"),
        ("Authorization", f"Bearer {caller.credentials[PENALTY]}"),
    ]
    answer = await caller.client.post("/v1/inbound/execution", json=execution, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.key-invalid")
