"""The gateway says how it is, and documents itself without the internet."""

import re

import pytest

from gateway.errors import Unavailable
from schemas.findings import Text

PENALTY = "penalty.330000"


async def test_the_documentation_needs_no_internet(caller):
    """The page names nothing outside, and everything it names is served under a strict policy."""
    page = await caller.call(None, "GET", "/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "'unsafe" not in page.headers["Content-Security-Policy"]
    for name in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert (await caller.call(None, "GET", f"/{name}")).status_code == 200, name
    assert (await caller.call(None, "GET", "/docs/assets/nothing.js")).status_code == 404


async def test_health_and_metrics(caller, execution):
    """Alive, ready, and counting."""
    await caller.send(PENALTY, "execution", execution)
    assert (await caller.call(None, "GET", "/health/live")).json()["status"] == "ok"
    assert (await caller.call(None, "GET", "/health/ready")).json()["status"] == "ok"
    metrics = (await caller.admin("GET", "/metrics")).text
    assert 'hutong_messages_accepted_total{duplicate="false",platform="penalty.330000"' in metrics
    assert 'state="unrouted"' in metrics


async def test_a_paused_platform_is_shown_as_held_until_it_is_resumed(caller):
    """The metrics say what the ledger has, though no delivery met the hold."""
    line = f'hutong_platform_held{{by="paused",platform="{PENALTY}"}} 1.0'
    for step, held in (("pause", True), ("resume", False)):
        answer = await caller.admin("POST", f"/v1/platforms/{PENALTY}/{step}", json={"reason": "检修"})
        assert answer.status_code == 200, answer.text
        assert (line in (await caller.admin("GET", "/metrics")).text) is held


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/docs", "/openapi.json"])
async def test_what_can_be_got_can_be_asked_about(caller, path):
    """HEAD gives the headers of GET, without its body."""
    response = await caller.call(None, "HEAD", path)
    assert response.status_code == 200
    assert response.content == b""
    assert int(response.headers["Content-Length"]) > 0


@pytest.mark.parametrize("code", ["ledger.disk-full", "ledger.superseded"])
async def test_a_gateway_that_cannot_write_is_not_ready(caller, code):
    """503 with the reason, although it runs and can be read; ready again once it can."""
    fault = Unavailable(Text("无法写入", "The ledger cannot be written"), code=code)
    caller.hub.ledger.fail_before("check", fault)
    answer = await caller.call(None, "GET", "/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, code)
    assert (await caller.call(None, "GET", "/health/ready")).status_code == 200


async def test_a_gateway_that_stops_is_not_ready(caller):
    """503 tells whoever balances the load to look elsewhere, while it is still alive."""
    await caller.hub.stop()
    assert (await caller.call(None, "GET", "/health/ready")).status_code == 503
    assert (await caller.call(None, "GET", "/health/live")).status_code == 200
