"""A double that fetches from a real gateway's inbox, and says what became of what it got."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from adapters import bundled
from adapters.adapter import DeclarativeAdapter, load
from gateway.api.app import create_app
from gateway.bootstrap import build
from gateway.hub import Hub
from gateway.ledger.base import Ledger
from gateway.ledger.records import Intent
from gateway.releases.installed import InstalledAdapters
from gateway.sandbox import Double
from gateway.sandbox.pulling import PullingDouble
from gateway.settings import Settings

MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330000"
CASE = {
    "name": "某公司超标排放案",
    "party": {"name": "浙江某某化工有限公司"},
    "region": "330000",
    "found_at": "2026-09-01T08:00:00+08:00",
    "source": "inspection",
    "facts": "总排口化学需氧量超标。",
    "officers": [{"name": "张三", "number": "33010001"}, {"name": "李四", "number": "33010002"}],
}


@dataclass
class Gated:
    """A gateway, a penalty system that fetches from it, and who sends it cases."""

    hub: Hub
    double: Double
    pulling: PullingDouble
    client: httpx.AsyncClient
    credentials: dict[str, str] = field(default_factory=dict)

    async def once(self) -> int:
        """Let the double ask once."""
        return await self.pulling.once(self.client)

    async def case(self, number: str, **more: Any) -> None:
        """Hand in a case, which goes to the penalty system."""
        body = {"type": "case.transferred", "document": {**CASE, "case_number": number, **more}}
        headers = {"Authorization": f"Bearer {self.credentials[MOBILE]}"}
        answer = await self.client.post("/v1/messages", json=body, headers=headers)
        assert answer.status_code == 202, answer.text

    async def states(self) -> list[str]:
        """Where the deliveries stand, oldest first."""
        headers = {"Authorization": "Bearer the-admin-token-of-these-tests"}
        found = (await self.client.get("/v1/deliveries", headers=headers)).json()["deliveries"]
        return [one["state"] for one in reversed(found)]


@pytest.fixture
async def gated(plain: DeclarativeAdapter, new_ledger: Callable[[], Ledger]) -> AsyncIterator[Gated]:
    """Everything, started; the double asks when it is told to."""
    settings = Settings(admin_token="the-admin-token-of-these-tests")
    adapters = InstalledAdapters([plain, load(bundled()["canonical"])])
    hub = build(settings, ledger=new_ledger(), adapters=adapters, lease=timedelta(milliseconds=100))
    await hub.start()
    intent, double = Intent("test", "", hub.clock()), Double(plain, chance=lambda: 0.5)
    await hub.platforms.put(MOBILE, "canonical", settings={"base_url": "http://a", "token": "t"}, intent=intent)
    await hub.platforms.put(PENALTY, "plain", mode="pull", intent=intent)
    issued = {one: (await hub.platforms.issue_credential(one, intent)).token for one in (MOBILE, PENALTY)}
    headers = {"Authorization": f"Bearer {issued[PENALTY]}"}
    transport = httpx.ASGITransport(app=create_app(hub, settings))
    pulling = PullingDouble(double, "http://gateway", issued[PENALTY], wait=10)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        yield Gated(hub, double, pulling, client, issued)
    await hub.stop()


async def test_it_takes_what_it_fetches(gated: Gated) -> None:
    """In order, under its key, as if it had been sent; and its number comes back."""
    await gated.case("AJ-1")
    await gated.case("AJ-1", facts="第二次。")
    await gated.once()
    await gated.once()
    received = gated.double.platform.received()
    assert [one["valid"] for one in received] == [True, True]
    assert await gated.states() == ["delivered", "delivered"]


async def test_it_refuses_as_it_is_told(gated: Gated) -> None:
    """A business no is the receipt's verdict."""
    gated.double.misbehave(refuse=True)
    await gated.case("AJ-1")
    await gated.once()
    assert await gated.states() == ["refused"]


async def test_it_asks_for_it_later_while_it_fails(gated: Gated) -> None:
    """What a failing platform answers to a call is a retry here."""
    gated.double.misbehave(status=503)
    await gated.case("AJ-1")
    await gated.once()
    assert await gated.states() == ["waiting"]


async def test_a_receipt_that_is_lost(gated: Gated) -> None:
    """It took the document and says nothing: the lease lapses, it gets it again, and knows the key."""
    gated.double.misbehave(reset_after_accept=True)
    await gated.case("AJ-1")
    assert await gated.once() == 1
    assert await gated.states() in (["sending"], ["ready"])  # leased, or lapsed already
    assert await gated.once() == 1
    assert [one["times"] for one in gated.double.platform.received()] == [2]
    assert await gated.states() == ["delivered"]


async def test_it_waits_for_what_comes(gated: Gated) -> None:
    """Asked once, it is answered when something is accepted."""
    asking = asyncio.create_task(gated.once())
    while not gated.hub.inboxes.polls():
        await asyncio.sleep(0)
    await gated.case("AJ-1")
    assert await asyncio.wait_for(asking, 10) == 1
