"""A gateway in memory, called over ASGI, with platforms whose addresses answer nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.declarative import load
from gateway.api.app import create_app
from gateway.bootstrap import build
from gateway.hub import Hub
from gateway.installed import BUNDLED, InstalledAdapters, bundles_in
from gateway.settings import Settings

ADMIN_TOKEN = "the-admin-token-of-these-tests"
TOWN = Path(__file__).parents[2] / "adapters" / "bundles" / "town"
NOWHERE = "http://127.0.0.1:9"


@dataclass
class Caller:
    """Calls the gateway: as the administrator, as a platform, or as nobody."""

    client: httpx.AsyncClient
    hub: Hub
    credentials: dict[str, str] = field(default_factory=dict)

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
    return InstalledAdapters(load(path) for path in (*bundles_in(BUNDLED), TOWN))


@pytest.fixture
async def caller(installed: InstalledAdapters) -> AsyncIterator[Caller]:
    """A running gateway with a penalty system (the small bundle), an enforcement system and a canonical caller."""
    settings = Settings(ledger="memory://", admin_token=ADMIN_TOKEN)
    hub = build(settings, adapters=installed)
    await hub.start()
    transport = httpx.ASGITransport(app=create_app(hub, settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        made = Caller(client, hub)
        await made.register("penalty.330000", "town", key="k")
        await made.register("mobile-enforcement.330000", "canonical", token="t")
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
