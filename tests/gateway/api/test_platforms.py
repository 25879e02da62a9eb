"""Platforms are registered, changed, paused, asked and forgotten; their secrets never come back."""

from datetime import UTC, datetime

import pytest

from gateway.ledger.records import Hold, Intent
from gateway.message import HeldBy

MOBILE = "mobile-enforcement.330000"
PENALTY = "penalty.330000"
REASON = {"reason": "检修"}


async def test_secrets_are_named_and_never_shown(caller):
    """A platform shows its settings, but only the names of its secrets."""
    response = await caller.admin("GET", f"/v1/platforms/{PENALTY}")
    shown = response.json()
    assert shown["secrets"] == ["key"]
    assert shown["settings"] == {"base_url": "http://127.0.0.1:9", "office": "示例县局"}
    assert shown["region_name"] == "浙江省"


async def test_a_secret_that_is_left_out_stays(caller):
    """Another path at the same place needs no secret to be typed again; another place does."""
    path = f"/v1/platforms/{PENALTY}"
    known = (await caller.admin("GET", path)).json()["settings"]["base_url"]
    body = {"adapter": "town", "settings": {"base_url": f"{known}/below"}}
    changed = await caller.admin("PUT", path, json=body)
    assert changed.status_code == 200, changed.text
    assert changed.json()["secrets"] == ["key"]
    assert changed.json()["settings"]["base_url"] == f"{known}/below"
    moved = {"adapter": "town", "settings": {"base_url": "http://127.0.0.1:10"}}
    refused = await caller.admin("PUT", path, json=moved)
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "settings.key")
    assert (await caller.admin("GET", path)).json()["settings"]["base_url"] == f"{known}/below"


async def test_what_is_allowed_to_a_platform_is_shown_as_a_warning(caller):
    """It stays until it is taken away, and only known kinds are taken."""
    path, settings = f"/v1/platforms/{PENALTY}", {"base_url": "http://127.0.0.1:10", "key": "k"}
    body = {"adapter": "town", "settings": settings, "allow": ["http", "loopback"]}
    shown = (await caller.admin("PUT", path, json=body)).json()
    assert (shown["allow"], shown["warnings"]) == (
        ["http", "loopback"],
        ["destination.http", "destination.loopback"],
    )
    refused = await caller.admin("PUT", path, json={**body, "allow": ["metadata"]})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "allow.unknown")
    assert (await caller.admin("PUT", path, json={**body, "allow": []})).json()["warnings"] == []


@pytest.mark.parametrize(
    ("platform", "body", "status"),
    [
        ("penalty.999999", {"adapter": "town", "settings": {"base_url": "http://a", "key": "k"}}, 422),
        ("nonsense", {"adapter": "town", "settings": {"base_url": "http://a", "key": "k"}}, 422),
        ("penalty.330000", {"adapter": "none", "settings": {"base_url": "http://a"}}, 404),
        ("penalty.330000", {"adapter": "town", "version": "9.9.9", "settings": {"base_url": "http://a"}}, 404),
        ("penalty.330000", {"adapter": "town", "settings": {"base_url": "ftp://a"}}, 422),
        ("penalty.330000", {"adapter": "town", "settings": {"base_url": "http://a", "colour": "red"}}, 422),
        ("penalty.330000", {"adapter": "town", "settings": {"base_url": "http://a", "key": "k"}, "mode": "fetch"}, 422),
        ("penalty.330000", {"adapter": "town", "settings": {}, "other": 1}, 422),
        ("penalty.330000", {"adapter": "town", "settings": {"base_url": ["http://a"]}}, 422),
        ("penalty.330000", {}, 422),
    ],
)
async def test_a_registration_is_checked(caller, platform, body, status):
    """Every fault is named; nothing half-registered remains."""
    response = await caller.admin("PUT", f"/v1/platforms/{platform}", json=body)
    assert response.status_code == status, response.text
    assert response.json()["code"]


async def test_a_new_platform_gets_what_waited_for_it(caller, execution):
    """What was unrouted goes out the moment somebody can take it."""
    await caller.send(PENALTY, "execution", execution)
    await caller.outcome()
    await caller.register(
        "credit-publicity.330000",
        "credit-publicity",
        key="k",
        source_name="某市生态环境局",
        source_code="11330000MB1503899T",
    )
    assert (await caller.outcome()).platform == "credit-publicity.330000"


async def test_credentials_open_the_platforms_own_doors(caller):
    """A second credential works beside the first; deleting the platform closes both."""
    await caller.register("penalty.320000", "town", key="k")
    first = caller.credentials["penalty.320000"]
    issued = await caller.admin("POST", "/v1/platforms/penalty.320000/credentials")
    assert issued.status_code == 201
    for token in (first, issued.json()["credential"]):
        assert (await caller.call(token, "GET", "/v1/messages")).status_code == 200
    assert (await caller.admin("DELETE", "/v1/platforms/penalty.320000")).status_code == 204
    assert (await caller.call(first, "GET", "/v1/messages")).status_code == 401
    assert (await caller.admin("GET", "/v1/platforms/penalty.320000")).status_code == 404


async def test_pause_and_resume(caller):
    """A paused platform says so, until it is resumed."""
    paused = (await caller.admin("POST", f"/v1/platforms/{MOBILE}/pause", json=REASON)).json()
    assert paused["holds"] == ["paused"]
    (detail,) = paused["hold_details"]
    assert (detail["by"], detail["reason"], detail["type"]) == ("paused", "检修", None)
    assert paused["held_since"] == detail["since"]
    resumed = (await caller.admin("POST", f"/v1/platforms/{MOBILE}/resume", json=REASON)).json()
    assert resumed["holds"] == []


async def test_a_hold_of_one_message_type_is_shown_apart(caller):
    """The platform itself is not held; the first of its own holds is the one whose age is told."""
    intent = Intent("test", "", datetime(2026, 9, 1, tzinfo=UTC))
    since = {HeldBy.ENDPOINT: 1, HeldBy.BREAKER: 2, HeldBy.PAUSED: 3}
    for by, day in since.items():
        kind = "penalty.executed" if by is HeldBy.ENDPOINT else None
        hold = Hold(by, datetime(2026, 9, day, tzinfo=UTC), "http.500", kind)
        await caller.hub.ledger.hold_platform(MOBILE, hold, intent)
    shown = (await caller.admin("GET", f"/v1/platforms/{MOBILE}")).json()
    assert shown["holds"] == ["paused", "breaker"]
    assert shown["held_since"].startswith("2026-09-03")
    assert [(one["by"], one["type"]) for one in shown["hold_details"]] == [
        ("paused", None),
        ("breaker", None),
        ("endpoint", "penalty.executed"),
    ]


async def test_a_credential_is_shown_once_under_a_key(caller):
    """The repeat is 409, and says to take another key."""
    key = {"Idempotency-Key": "k-1"}
    first = await caller.admin("POST", f"/v1/platforms/{MOBILE}/credentials", headers=key)
    again = await caller.admin("POST", f"/v1/platforms/{MOBILE}/credentials", headers=key)
    assert (first.status_code, again.status_code) == (201, 409)
    assert again.json()["code"] == "idempotency.secret-shown"


async def test_a_registration_and_a_pause_are_made_once_under_a_key(caller):
    """A repeat that comes late changes nothing: the platform was resumed meanwhile, and stays so."""
    body = {"adapter": "town", "settings": {"base_url": "http://127.0.0.1:10", "key": "k"}}
    for _ in range(2):
        put = await caller.admin("PUT", "/v1/platforms/penalty.320000", json=body, headers={"Idempotency-Key": "put"})
        assert put.status_code == 200, put.text
    pause = {"method": "POST", "path": f"/v1/platforms/{MOBILE}/pause", "json": REASON}
    await caller.admin(**pause, headers={"Idempotency-Key": "pause"})
    await caller.admin("POST", f"/v1/platforms/{MOBILE}/resume", json=REASON)
    late = await caller.admin(**pause, headers={"Idempotency-Key": "pause"})
    assert (late.status_code, late.json()["holds"]) == (200, [])


async def test_ping_tells_whether_a_platform_answers(caller):
    """Reachable with its status, or unreachable with the reason."""
    well = (await caller.admin("POST", f"/v1/platforms/{MOBILE}/ping")).json()
    assert (well["reachable"], well["status"]) == (True, 200)
    caller.sender.silent = True
    ill = (await caller.admin("POST", f"/v1/platforms/{MOBILE}/ping")).json()
    assert (ill["reachable"], ill["code"]) == (False, "connection.refused")
    assert ill["detail"] == "connection.refused: Connection refused"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/ping", None),
        ("POST", "/credentials", None),
        ("POST", "/pause", REASON),
        ("POST", "/resume", REASON),
    ],
)
async def test_an_unknown_platform_is_not_found(caller, method, path, body):
    """404 with the name that was asked for."""
    response = await caller.admin(method, f"/v1/platforms/penalty.110000{path}", json=body)
    assert response.status_code == 404, response.text
    assert "penalty.110000" in response.json()["detail"]


async def test_a_platform_with_open_deliveries_stays(caller, execution):
    """Nothing is forgotten while something is on its way."""
    await caller.admin("POST", f"/v1/platforms/{MOBILE}/pause", json=REASON)
    await caller.send(PENALTY, "execution", execution)
    response = await caller.admin("DELETE", f"/v1/platforms/{MOBILE}")
    assert response.status_code == 409
    assert response.json()["code"] == "platform.in-use"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/platforms"), ("GET", "/v1/adapters"), ("PUT", "/v1/platforms/x")]
)
async def test_platforms_are_the_administrators(caller, method, path):
    """Neither a platform nor a stranger may look at them or change them."""
    body = {"adapter": "town", "settings": {}} if method == "PUT" else None
    assert (await caller.platform(PENALTY, method, path, json=body)).status_code == 403
    assert (await caller.call(None, method, path, json=body)).status_code == 401


async def test_adapters_show_what_they_need(caller):
    """A list, and one adapter with its settings."""
    listed = (await caller.admin("GET", "/v1/adapters")).json()["adapters"]
    assert {"canonical", "penalty", "town"} <= {one["name"] for one in listed}
    one = (await caller.admin("GET", "/v1/adapters/town/1.0.0")).json()
    assert {setting["name"]: setting["required"] for setting in one["settings"]} == {
        "base_url": True,
        "key": True,
        "office": False,
    }
    assert (await caller.admin("GET", "/v1/adapters/town/2.0.0")).status_code == 404


async def test_every_platform_is_listed(caller):
    """By id."""
    listed = (await caller.admin("GET", "/v1/platforms")).json()["platforms"]
    assert [one["id"] for one in listed] == [MOBILE, PENALTY]
