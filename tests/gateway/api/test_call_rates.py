"""A platform that calls more often than it may is told when to come again, and nobody else notices."""

import pytest

from gateway.coordination import MemoryStore, Rate
from gateway.coordination.call_rates import CallRates

PENALTY, MOBILE = "penalty.330000", "mobile-enforcement.330000"
CALLS = [
    ("POST", "/v1/inbound/execution"),
    ("POST", "/v1/inbound/execution/batch"),
    ("POST", "/v1/messages"),
    ("GET", "/v1/messages"),
    ("GET", "/v1/rejections"),
    ("GET", "/v1/inbox"),
    ("POST", "/v1/inbox/any/receipt"),
]


@pytest.fixture
def limited(caller):
    """A gateway where a platform may call twice, and then once a second by a clock that stands still."""
    caller.hub.call_rates = CallRates(MemoryStore(lambda: 100.0), Rate(1, 2))
    return caller


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_every_call_of_a_platform_counts(limited, method, path):
    """The third is 429 with the seconds to wait, whatever it is; others go on, and so does the administrator."""
    for _ in range(2):
        assert (await limited.platform(PENALTY, method, path)).status_code != 429
    refused = await limited.platform(PENALTY, method, path, headers={"Accept-Language": "en"})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate.limited")
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["title"] == "Called too often"
    assert "once" not in refused.json()["detail"]
    assert (await limited.platform(MOBILE, method, path)).status_code != 429
    for _ in range(5):
        assert (await limited.admin("GET", "/v1/platforms")).status_code == 200


async def test_what_was_refused_is_not_read_and_can_be_sent_again(caller, execution):
    """Nothing of it is kept, and the same is accepted when its time has come."""
    now = [100.0]
    caller.hub.call_rates = CallRates(MemoryStore(lambda: now[0]), Rate(1, 1))
    assert (await caller.send(PENALTY, "execution", {})).status_code == 422
    refused = await caller.send(PENALTY, "execution", execution)
    assert refused.status_code == 429
    assert (await caller.admin("GET", "/v1/messages")).json()["messages"] == []
    now[0] += int(refused.headers["retry-after"])
    assert (await caller.send(PENALTY, "execution", execution)).json()["duplicate"] is False


async def test_who_is_not_known_is_not_counted(limited):
    """Nobody uses up another's calls with a wrong credential, and none is told of rates."""
    for _ in range(10):
        assert (await limited.call("hutong_wrong", "GET", "/v1/messages")).status_code == 401
        assert (await limited.platform(PENALTY, "GET", "/v1/platforms")).status_code == 403
    assert (await limited.platform(PENALTY, "GET", "/v1/messages")).status_code == 200


async def test_a_platforms_registration_says_its_own_rate(caller):
    """Off in the settings, and on for one platform; what is no rate is told with its place."""
    body = {"adapter": "town", "settings": {"base_url": "http://127.0.0.1:9"}, "limits": {"call_rate": 1}}
    caller.hub.call_rates = CallRates(MemoryStore(lambda: 100.0))
    changed = await caller.admin("PUT", f"/v1/platforms/{PENALTY}", json=body)
    assert changed.json()["limits"] == {"call_rate": 1}
    statuses = [(await caller.platform(PENALTY, "GET", "/v1/messages")).status_code for _ in range(3)]
    assert statuses == [200, 429, 429]
    statuses = [(await caller.platform(MOBILE, "GET", "/v1/messages")).status_code for _ in range(3)]
    assert statuses == [200, 200, 200]
    for wrong in (0, -1, 100_001):
        refused = await caller.admin("PUT", f"/v1/platforms/{PENALTY}", json={**body, "limits": {"call_burst": wrong}})
        assert refused.status_code == 422
        assert [one["path"] for one in refused.json()["errors"]] == ["limits.call_burst"]


async def test_refused_calls_are_counted_by_platform(limited):
    """An operator sees who calls too often."""
    for _ in range(5):
        await limited.platform(PENALTY, "GET", "/v1/messages")
    text = (await limited.admin("GET", "/metrics")).text
    assert f'hutong_calls_limited_total{{platform="{PENALTY}"}} 3.0' in text
