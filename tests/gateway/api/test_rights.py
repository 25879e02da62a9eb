"""Who may make which call."""

import httpx
import pytest
from msgspec.structs import replace

from gateway.access import new_token
from gateway.api.app import create_app
from gateway.api.rights import CALLS, PEOPLES, PLATFORMS_TOO, Role
from gateway.settings import Settings

PENALTY = "penalty.330000"
ADMIN_TOKEN = "the-admin-token-of-these-tests"
BODIES = {"POST", "PUT"}


PEOPLES_CALLS = [call for call, role in CALLS.items() if role in PEOPLES]


def calls(*roles, among=CALLS):
    """Give the calls that need one of these roles, with something in every part of their path."""
    found = [call.split(" ") for call, role in CALLS.items() if role in roles and call in among]
    return [
        (method, "/".join("x" if part.startswith("{") else part for part in path.split("/"))) for method, path in found
    ]


@pytest.fixture
async def wrong(caller):
    """A token for each reason to be refused."""
    at = f"/v1/platforms/{PENALTY}/credentials"
    revoked, expired = [(await caller.admin("POST", at)).json() for _ in range(2)]
    await caller.admin("DELETE", f"{at}/{revoked['id']}")
    principals, kept = caller.hub.principals, await caller.hub.ledger.credentials()
    over = {expired["id"]: caller.hub.clock()}
    principals.know([replace(one, expires_at=over.get(one.id, one.expires_at)) for one in kept])
    return {
        "missing": None,
        "unknown": new_token(),
        "unknown and short": "never-issued",
        "unknown by a letter": caller.credentials[PENALTY] + "x",
        "revoked": revoked["credential"],
        "expired": expired["credential"],
    }


PRIVATE = calls(*set(Role) - {Role.ANYBODY})


async def test_the_list_of_rights_is_the_list_of_calls(caller):
    """Every described call has its role in the list, and the list names no other call."""
    document = (await caller.call(None, "GET", "/openapi.json")).json()
    described = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert described == set(CALLS)


@pytest.mark.parametrize(("method", "path"), calls(*set(Role) - {Role.ANYBODY}))
async def test_every_call_refuses_every_wrong_credential(caller, wrong, method, path):
    """401 with the code that says why, the same for every call."""
    for why, token in wrong.items():
        answer = await caller.call(token, method, path, **_body(method))
        assert (answer.status_code, answer.json()["code"]) == (401, f"credential.{why.split()[0]}")


@pytest.mark.parametrize("body", [b"{", b'{"a": 1, "a": 2}', b"x" * 20_000_000])
async def test_nothing_of_a_strangers_body_is_looked_at(caller, body):
    """401 from every call whatever the body is: broken, ambiguous or far too large."""
    for method, path in PRIVATE:
        answer = await caller.call(None, method, path, content=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "credential.missing"), (method, path)


async def test_nothing_of_a_strangers_body_is_even_asked_for(caller):
    """Every call answers before the first byte of it."""
    application = create_app(caller.hub)
    for method, path in PRIVATE:
        await _check_unasked(application, method, path)


async def _check_unasked(application, method, path):
    asked, sent = [], []

    async def receive():
        asked.append("body")
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(event):
        sent.append(event)

    headers = [(b"content-length", b"1000000"), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"limit=wrong",
        "headers": headers,
        "client": ("192.0.2.7", 1),
    }
    await application(scope, receive, send)
    assert (sent[0]["status"], asked) == (401, []), (method, path)


async def test_two_credentials_are_a_bad_request(caller):
    """Nobody could tell whose call it is; what stands between us and the caller may have read the other one."""
    headers = [("Authorization", f"Bearer {ADMIN_TOKEN}"), ("Authorization", "Bearer another")]
    for method, path in PRIVATE:
        answer = await caller.client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "authorization.twice"), (method, path)


async def test_failed_authentications_are_counted_and_told_without_the_token(caller):
    """By why and which call; the metric holds nothing that the caller chose."""
    await caller.call(None, "GET", "/v1/platforms")
    await caller.call("a-secret-of-somebody", "GET", "/v1/platforms/penalty.330000")
    await caller.call(ADMIN_TOKEN, "POST", "/v1/inbound/whatever")
    metrics = (await caller.admin("GET", "/metrics")).text
    for call, why in (
        ("GET /v1/platforms", "missing"),
        ("GET /v1/platforms/{platform_id}", "unknown"),
        ("POST /v1/inbound/{operation}", "no-platform"),
    ):
        assert f'hutong_authentications_failed_total{{call="{call}",why="{why}"}} 1.0' in metrics
    assert "a-secret-of-somebody" not in metrics


@pytest.mark.parametrize(("method", "path"), calls(*PEOPLES, among=set(CALLS) - PLATFORMS_TOO - {"GET /metrics"}))
async def test_a_platform_may_not_do_what_is_for_people(caller, method, path):
    """403, before anything is said about the object or the body."""
    assert (await caller.platform(PENALTY, method, path, **_body(method))).status_code == 403


@pytest.mark.parametrize(("method", "path"), calls(Role.PLATFORM))
async def test_the_administrator_hands_in_no_documents(caller, method, path):
    """403: the admin token stands for no platform."""
    answer = await caller.admin(method, path, json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "right.missing")


@pytest.mark.parametrize("path", ["/v1/nothing", "/", "/v1", "/metrics", "/health", "/schemas", "/docsx"])
async def test_a_stranger_learns_nothing_of_what_there_is(caller, path):
    """401 before routing, the same for what is there and for what is not; whoever is known hears 404."""
    for method in ("GET", "POST", "HEAD", "OPTIONS", "TRACE"):
        assert (await caller.call(None, method, path)).status_code == 401, method
    if path != "/metrics":
        assert (await caller.platform(PENALTY, "GET", path)).status_code == 404


async def test_metrics_are_for_operators_unless_a_setting_opens_them(caller):
    """401 for strangers, 403 for platforms; open they ask for nothing, and nothing else is."""
    assert (await caller.platform(PENALTY, "GET", "/metrics")).json()["code"] == "right.missing"
    assert (await caller.admin("GET", "/metrics")).status_code == 200
    application = create_app(caller.hub, Settings(admin_token=ADMIN_TOKEN, metrics_open=True))
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as stranger:
        assert (await stranger.get("/metrics")).status_code == 200
        assert (await stranger.get("/v1/backlog")).status_code == 401


@pytest.mark.parametrize("kind", ["messages", "rejections"])
async def test_what_a_platform_may_not_see_is_as_if_it_were_not_there(caller, execution, kind):
    """Byte for byte and header for header what one of an id that never was is answered."""
    good, bad = await caller.send(PENALTY, "execution", execution), await caller.send(PENALTY, "execution", {})
    id = {"messages": good.json().get("message_id"), "rejections": bad.json().get("rejection_id")}[kind]
    trace = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    await caller.register("penalty.320000", "town", key="k")
    for part in ("", "/native") if kind == "rejections" else ("",):
        path = f"/v1/{kind}/{id}{part}"
        assert (await caller.admin("GET", path)).status_code == 200
        foreign = await caller.platform("penalty.320000", "GET", path, headers=trace)
        absent = await caller.platform("penalty.320000", "GET", path.replace(id, "x" * len(id)), headers=trace)
        assert (foreign.status_code, absent.status_code) == (404, 404)
        assert foreign.text.replace(id, "x" * len(id)) == absent.text
        assert foreign.headers == absent.headers


async def test_a_platform_sees_neither_operators_names_nor_reasons_nor_others_states(caller, execution):
    """A destination sees the state of its own delivery alone; of what operators did only that it was done."""
    message = (await caller.send(PENALTY, "execution", execution)).json()["message_id"]
    await caller.outcome()
    shown = (await caller.admin("GET", f"/v1/messages/{message}")).json()
    own = next(one["id"] for one in shown["deliveries"] if one["platform"] == "mobile-enforcement.330000")
    await caller.admin("POST", f"/v1/deliveries/{own}/replay", json={"reason": "a secret reason"})
    assert shown["state"] == "unrouted"
    for platform in (PENALTY, "mobile-enforcement.330000"):
        seen = await caller.platform(platform, "GET", f"/v1/messages/{message}")
        assert "a secret reason" not in seen.text
        assert {one["actor"] for one in seen.json()["timeline"]} <= {
            PENALTY,
            "mobile-enforcement.330000",
            "gateway",
            "operator",
        }
        assert "operator" in {one["actor"] for one in seen.json()["timeline"]}
    assert seen.json()["state"] != "unrouted"
    found = (await caller.platform("mobile-enforcement.330000", "GET", "/v1/messages")).json()
    assert "unrouted" not in {one["state"] for one in found["messages"]}


@pytest.mark.parametrize(("method", "path"), calls(Role.ANYBODY))
async def test_what_is_public_asks_for_no_credential(caller, method, path):
    """Anything but 401 or 403."""
    assert (await caller.call(None, method, path)).status_code not in (401, 403)


def _body(method):
    return {"json": {}} if method in BODIES else {}
