"""A gateway in one process, called over ASGI, delivering to platforms whose answers the tests write."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from faulty import FaultyLedger

from adapters import bundled
from adapters.adapter import load
from adapters.base import OutboundRequest, Reply
from gateway.api.app import create_app
from gateway.audit.signing import SigningKey
from gateway.bootstrap import build
from gateway.delivery.no_answer import NoAnswer
from gateway.delivery.sender import Sender
from gateway.hub import Hub
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform
from gateway.releases.installed import InstalledAdapters
from gateway.settings import Settings
from gateway.telemetry.events import DeliverySettled

ADMIN_TOKEN = "the-admin-token-of-these-tests"
TOWN, ROLLS = (Path(__file__).parents[2] / "adapters" / "bundles" / name for name in ("town", "rolls"))
NOWHERE = "http://127.0.0.1:9"
UNKNOWN = b'{"code": "7777"}'
"""An answer that no rule of the bundle knows."""


class Scripted(Sender):
    """Answers every request as the tests say, and never opens a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.reply = Reply(200, {}, b'{"message_id": "m-1"}')
        self.silent = False
        self.sent: list[OutboundRequest] = []

    async def send(self, platform: Platform, request: OutboundRequest, timeout: timedelta, most: int = 0) -> Reply:
        """Give the written answer, or none."""
        self.sent.append(request)
        if self.silent:
            raise NoAnswer("connection.refused", may_have_left=False, detail="Connection refused")
        return self.reply


@dataclass
class Caller:
    """Calls the gateway: as the administrator, as a platform, or as nobody."""

    client: httpx.AsyncClient
    hub: Hub
    sender: Scripted
    settled: asyncio.Queue[DeliverySettled]
    credentials: dict[str, str] = field(default_factory=dict)
    admin_token: str = ADMIN_TOKEN

    async def admin(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Call as the administrator."""
        return await self.call(ADMIN_TOKEN, method, path, **arguments)

    async def platform(self, platform: str, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Call as a platform."""
        return await self.call(self.credentials[platform], method, path, **arguments)

    async def call(self, token: str | None, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Call with a token, or without one."""
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **arguments.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **arguments)

    async def send(self, platform: str, operation: str, body: Any, **arguments: Any) -> httpx.Response:
        """Hand a document in; `body` is JSON, or bytes as they are."""
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return await self.platform(platform, "POST", f"/v1/inbound/{operation}", **content, **arguments)

    async def outcome(self) -> DeliverySettled:
        """Wait until a delivery reached its end."""
        return await asyncio.wait_for(self.settled.get(), 10)

    async def register(self, platform: str, adapter: str, **settings: Any) -> str:
        """Register a platform, and give its credential."""
        body = {"adapter": adapter, "settings": {"base_url": NOWHERE, **settings}}
        response = await self.admin("PUT", f"/v1/platforms/{platform}", json=body)
        assert response.status_code == 200, response.text
        issued = await self.admin("POST", f"/v1/platforms/{platform}/credentials")
        self.credentials[platform] = issued.json()["credential"]
        return self.credentials[platform]


@pytest.fixture(scope="session")
def installed() -> InstalledAdapters:
    """Every bundled adapter, and the small bundle of the tests."""
    return InstalledAdapters(load(path) for path in (*bundled().values(), TOWN, ROLLS))


@pytest.fixture
def four_eyes() -> str:
    """What needs a second person: nothing, unless a test's module says otherwise."""
    return ""


@pytest.fixture
async def caller(
    installed: InstalledAdapters, new_ledger: Callable[[], Ledger], tmp_path: Path, four_eyes: str
) -> AsyncIterator[Caller]:
    """A running gateway with a penalty system (the small bundle), an enforcement system and a canonical caller."""
    attachments = str(tmp_path / "attachments")
    settings = Settings(
        admin_token=ADMIN_TOKEN, attachments=attachments, attachment_megabytes=4, uploads=2, four_eyes=four_eyes
    )
    sender, settled = Scripted(), asyncio.Queue[DeliverySettled]()
    hub = build(
        settings,
        ledger=FaultyLedger(new_ledger(key=SigningKey.new())),
        adapters=installed,
        sender=sender,
        hooks=(lambda event: settled.put_nowait(event) if isinstance(event, DeliverySettled) else None,),
    )
    await hub.start()
    transport = httpx.ASGITransport(app=create_app(hub, settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        made = Caller(client, hub, sender, settled)
        hub.approvals.kinds = frozenset()  # the town is there before anybody looks at it with four eyes
        await made.register("penalty.330000", "town", key="k")
        await made.register("mobile-enforcement.330000", "canonical", token="t")
        hub.approvals.kinds = settings.four_eyes_kinds
        yield made
    await hub.stop()


@pytest.fixture
def execution() -> dict[str, Any]:
    """A penalty system's own document: a payment."""
    return {
        "AH": "浙环案2026001",
        "WSH": "浙环罚[2026]第003号",
        "LX": "1",
        "ZXSJ": "2026-05-06 09:30:00",
        "JE": 20000.5,
    }


@pytest.fixture
async def dead(caller: Caller, execution: dict[str, Any]) -> str:
    """A delivery that died of an answer that its platform's adapter does not know."""
    await caller.register("mobile-enforcement.330000", "mobile-enforcement", token="t")
    caller.sender.reply = Reply(200, {}, UNKNOWN)
    await caller.send("penalty.330000", "execution", execution)
    assert (await caller.outcome()).state == "dead"
    found = await caller.admin("GET", "/v1/deliveries?state=dead")
    delivery: str = found.json()["deliveries"][0]["id"]
    return delivery
