"""Two gateways on one ledger with one Redis, put together as their settings say, called over ASGI."""

import asyncio
import json
import signal
import time
from contextlib import AsyncExitStack
from time import monotonic

import httpx
import pytest
from redis_server import RedisServer
from signers import signed

from adapters import bundled
from adapters.adapter import load
from adapters.base import Reply
from gateway.api.app import create_app
from gateway.bootstrap import build
from gateway.delivery.sender import Sender
from gateway.settings import Settings

ADMIN_TOKEN = "the-admin-token-of-these-tests"
CREDIT_CODE = "91330110MA2CXY1R13"
PENALTY = "penalty.330000"
BURST = 30


class Counting(Sender):
    """Answers every query with one decision, and counts."""

    def __init__(self):
        super().__init__()
        row = json.loads(load(bundled()["penalty"]).bundle.files["samples/decision/1.native.json"])
        self.body = json.dumps({"code": 0, "data": {"list": [row]}}).encode()
        self.asked = 0

    async def send(self, platform, request, timeout, most=0):
        """Answer."""
        self.asked += 1
        return Reply(200, {}, self.body)


ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


async def registered(client):
    """Register the penalty platform; give the header of its calls."""
    body = {"adapter": "penalty", "settings": {"base_url": "http://127.0.0.1:9", "app_key": "k"}}
    put = await client.put(f"/v1/platforms/{PENALTY}", json=body, headers=ADMIN)
    assert put.status_code == 200, put.text
    issued = await client.post(f"/v1/platforms/{PENALTY}/credentials", headers=ADMIN)
    return {"Authorization": f"Bearer {issued.json()['credential']}"}


@pytest.fixture
async def two(postgres_address):
    """Two running gateways that know the penalty platform, its credential, their Redis, and what it was asked."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(RedisServer())
        settings = Settings(
            ledger=postgres_address,
            redis=server.url,
            admin_token=ADMIN_TOKEN,
            query_seconds=600,
            call_rate=1,
            call_burst=BURST,
        )
        sender, clients, credential = Counting(), [], {}
        for _ in range(2):
            hub = build(settings, sender=sender)
            await hub.start()
            stack.push_async_callback(hub.stop)
            transport = httpx.ASGITransport(app=create_app(hub, settings))
            client = httpx.AsyncClient(transport=transport, base_url="http://gateway")
            clients.append(await stack.enter_async_context(client))
            credential = credential or await registered(client)
        yield clients, credential, server, sender


async def admitted(clients, credential):
    """Call all of them by turns, more often than is allowed; give how many calls were let in."""
    count = 0
    for _ in range(2 * BURST):
        for client in clients:
            count += (await client.get("/v1/rejections", headers=credential)).status_code != 429
    return count


@pytest.mark.postgresql
async def test_a_caller_is_counted_by_both_together(two):
    """A caller that comes to both has one rate; without Redis each gives it all of it, and calls are served."""
    clients, credential, server, _ = two
    began = monotonic()
    count = await admitted(clients, credential)
    assert BURST <= count <= BURST + (monotonic() - began) + 2
    server.stop(signal.SIGKILL)
    count = await admitted(clients, credential)
    assert count <= BURST + (monotonic() - began) + 2, "each has counted for itself all along"
    assert (await clients[0].get("/health/ready")).status_code == 200
    assert (await clients[1].get("/v1/platforms", headers=ADMIN)).status_code == 200


@pytest.mark.postgresql
async def test_a_platform_is_asked_once_by_both(two):
    """The second process gives the first's answer with its time, and asks when it is told to."""
    clients, _, server, sender = two

    async def look(client, **headers):
        read = await client.get(f"/v1/enterprises/{CREDIT_CODE}", headers={**ADMIN, **headers})
        assert read.status_code == 200, read.text
        part = read.json()["parts"]["penalties"]
        [source], [entry] = part["sources"], part["entries"]
        assert (source["state"], entry["message_id"], entry["at"]) == ("ok", None, source["at"])
        return source["at"]

    first = await look(clients[0])
    assert await look(clients[1]) == first
    assert sender.asked == 1
    for number, said in enumerate(("no-cache", "max-age=0", "No-Store , NO-CACHE"), 2):
        assert await look(clients[1], **{"Cache-Control": said}) > first
        assert sender.asked == number
    latest = await look(clients[0], **{"Cache-Control": "max-age=60, no-transform"})
    assert (latest > first, sender.asked) == (True, 4)
    server.client().flushall()
    assert await look(clients[0]) > latest
    server.stop()
    assert await look(clients[0]) > latest
    assert sender.asked == 6


# ── calls that are signed ─────────────────────────────────────────────────────────────────────
@pytest.fixture
async def signer(two):
    """Signs questions of the platform; it may call by its signature and by its credential."""
    (one, other), credential, server, _ = two
    access = [{"scheme": "hmac-sha256"}, {"scheme": "bearer"}]
    body = {"adapter": "penalty", "settings": {"base_url": "http://127.0.0.1:9", "app_key": "k"}, "access": access}
    assert (await one.put(f"/v1/platforms/{PENALTY}", json=body, headers=ADMIN)).status_code == 200
    order = {"kind": "hmac"}
    issued = (await one.post(f"/v1/platforms/{PENALTY}/credentials", json=order, headers=ADMIN)).json()
    while (await other.get("/v1/me", headers=headers(issued))).json().get("code") == "credential.unknown":
        await asyncio.sleep(0)  # until the other process has heard of the key
    return issued, (one, other), credential, server


def headers(issued, ahead=2):
    """Sign a question; a little ahead, since the server may have begun to remember within this second."""
    at = time.time() + ahead
    return signed("HUTONG-HMAC-SHA256", issued["id"], issued["credential"], "GET", "/v1/me", at=at)


async def test_a_signature_counts_once_for_all_processes(signer):
    """Whichever it is shown to first."""
    issued, (one, other), _, _ = signer
    for first, second in ((one, other), (other, one)):
        shown = headers(issued)
        assert (await first.get("/v1/me", headers=shown)).status_code == 200
        for each in (first, second):
            assert (await each.get("/v1/me", headers=shown)).json()["code"] == "credential.replayed"


async def test_while_redis_is_away_who_signs_waits_and_others_go_on(signer):
    """503 with Retry-After; once it is back, and empty, what was signed before is not let in, and what is new is."""
    issued, (one, _), credential, server = signer
    before = headers(issued, ahead=-10)
    server.stop(signal.SIGKILL)
    for _ in range(3):
        answer = await one.get("/v1/me", headers=headers(issued))
        assert (answer.status_code, answer.json()["code"]) == (503, "nonce.unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert (await one.get("/v1/me", headers=credential)).status_code == 200
    server.start()
    while (answer := await one.get("/v1/me", headers=headers(issued))).status_code == 503:
        assert (await one.get("/v1/me", headers=before)).status_code == 503
    assert answer.status_code == 200
    assert (await one.get("/v1/me", headers=before)).json()["code"] == "nonce.unavailable"
