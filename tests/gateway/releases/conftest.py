"""Versions of the small bundle `town` as zips, a hub that runs, and platforms that answer as written."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from faulty import FaultyLedger

from adapters.base import OutboundRequest, Reply
from adapters.check import check
from gateway.api.app import create_app
from gateway.bootstrap import build
from gateway.delivery.sender import Sender
from gateway.hub import Hub
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform
from gateway.ledger.sql import SqlLedger
from gateway.releases.installed import InstalledAdapters
from gateway.releases.upload import opened, packed
from gateway.settings import Settings
from gateway.telemetry.events import DeliverySettled, Event

TOWN = Path(__file__).parents[2] / "adapters" / "bundles" / "town"
TOKEN = "the-admin-token-of-these-tests"
PENALTY = "penalty.330000"
MOBILE = "mobile-enforcement.330000"


def town(version: str = "1.1.0", **changed: tuple[str, str]) -> bytes:
    """Give the small bundle as a zip, under a version and for any kind of platform.

    `changed` replaces a text in its `adapter`, or in its mapping `execution` or `progress`.
    """
    files = {one.relative_to(TOWN).as_posix(): one.read_bytes() for one in TOWN.rglob("*") if one.is_file()}
    named = [("adapter", ("version: 1.0.0", f"version: {version}")), ("adapter", ("kind: penalty", "kind: any"))]
    for name, (before, after) in (*named, *changed.items()):
        file = "adapter.yaml" if name == "adapter" else f"mappings/{name}.yaml"
        text = files[file].decode()
        assert before in text
        files[file] = text.replace(before, after, 1).encode()
    return packed(files)


class Post(Sender):
    """Answers every request as written, and remembers it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[OutboundRequest] = []
        self.reply = Reply(200, {}, b'{"code": 0, "data": {"no": "X-1"}}')

    async def send(self, platform: Platform, request: OutboundRequest, timeout: timedelta, most: int = 0) -> Reply:
        """Give the written answer."""
        self.sent.append(request)
        return self.reply


@dataclass
class Proof:
    """Proves by the bundle's files, in this process; a lenient one is content with everything."""

    lenient: bool = False

    async def __call__(self, content: bytes) -> dict[str, Any]:
        """Prove a zip."""
        if self.lenient:
            return {"ok": True, "findings": []}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bundle.zip"
            path.write_bytes(content)
            return check(path).to_dict()


@dataclass
class House:
    """A gateway, called over ASGI as its administrator, or as a platform."""

    hub: Hub
    post: Post
    proof: Proof
    client: httpx.AsyncClient
    settled: asyncio.Queue[DeliverySettled]
    events: list[Event]
    credentials: dict[str, str] = field(default_factory=dict)

    async def admin(self, method: str, path: str, *, key: str | None = None, **more: Any) -> httpx.Response:
        """Call as the administrator, under an Idempotency-Key when one is given."""
        headers = {"Authorization": f"Bearer {TOKEN}"} | ({} if key is None else {"Idempotency-Key": key})
        return await self.client.request(method, path, headers=headers, **more)

    async def upload(self, content: bytes) -> httpx.Response:
        """Upload a zip."""
        return await self.admin("POST", "/v1/adapters", content=content)

    async def step(self, version: str, step: str, **body: Any) -> httpx.Response:
        """Move a version of `town`."""
        return await self.admin("POST", f"/v1/adapters/town/{version}/{step}", json=body)

    async def bring(self, content: bytes, version: str = "1.1.0", *steps: str) -> None:
        """Upload a version that must pass its check, and take further steps."""
        assert (await self.upload(content)).status_code == 201
        for step in ("check", *steps):
            answer = await self.step(version, step)
            assert answer.status_code == 200, answer.text

    async def state(self, version: str) -> str:
        """Tell how a version of `town` stands."""
        return str((await self.admin("GET", f"/v1/adapters/town/{version}")).json()["state"])

    async def register(self, platform: str, adapter: str = "town", version: str | None = None, **settings: Any) -> None:
        """Register a platform and take its credential."""
        body = {
            "adapter": adapter,
            "version": version,
            "settings": {"base_url": "http://127.0.0.1:9", "key": "k", **settings},
        }
        answer = await self.admin("PUT", f"/v1/platforms/{platform}", json=body)
        assert answer.status_code == 200, answer.text
        issued = await self.admin("POST", f"/v1/platforms/{platform}/credentials")
        self.credentials[platform] = issued.json()["credential"]

    async def send(self, platform: str, path: str, body: Any) -> httpx.Response:
        """Hand a document in as a platform."""
        headers = {"Authorization": f"Bearer {self.credentials[platform]}"}
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return await self.client.post(path, headers=headers, **content)

    async def pay(self, number: int = 1, **more: Any) -> dict[str, Any]:
        """Hand a payment in, in the town's own words; gives the message."""
        body = {"AH": f"AH-{number}", "WSH": "浙环罚〔2026〕3号", "LX": "1", "ZXSJ": "2026-05-06 09:30:00", **more}
        answer = await self.send(PENALTY, "/v1/inbound/execution", body)
        assert answer.status_code == 202, answer.text
        return dict((await self.admin("GET", f"/v1/messages/{answer.json()['message_id']}")).json())

    async def outcome(self) -> DeliverySettled:
        """Wait until a delivery comes to its end."""
        return await asyncio.wait_for(self.settled.get(), 10)


async def begin(ledger: Ledger, *more: bytes) -> House:
    """Start a gateway in whose folders the small bundle is, in version 1.0.0."""
    settled: asyncio.Queue[DeliverySettled] = asyncio.Queue()
    events: list[Event] = []

    def hook(event: Event) -> None:
        events.append(event)
        if isinstance(event, DeliverySettled):
            settled.put_nowait(event)

    settings = Settings(admin_token=TOKEN)
    known = InstalledAdapters([opened(town("1.0.0")), *map(opened, more)])
    post, proof = Post(), Proof()
    hub = build(settings, adapters=known, sender=post, hooks=(hook,), ledger=ledger, prove=proof)
    await hub.start()
    transport = httpx.ASGITransport(app=create_app(hub, settings))
    client = httpx.AsyncClient(transport=transport, base_url="http://gateway")
    return House(hub, post, proof, client, settled, events)


@pytest.fixture
def ledger(ledger_at: Callable[[Path], str], tmp_path: Path) -> Callable[[], Ledger]:
    """Opens a ledger that outlives a gateway, and that can be made to fail."""
    return lambda: FaultyLedger(SqlLedger(ledger_at(tmp_path / "ledger.db")))


@pytest.fixture
async def house(ledger: Callable[[], Ledger]) -> AsyncIterator[House]:
    """A gateway whose penalty and enforcement platforms speak `town`: what one tells, the other gets."""
    made = await begin(ledger())
    await made.register(PENALTY)
    await made.register(MOBILE)
    yield made
    await made.hub.stop()
    await made.client.aclose()


@pytest.fixture
def again(house: House, ledger: Callable[[], Ledger]) -> Callable[..., Any]:
    """End the gateway and start another one over the same ledger."""

    async def restarted(*more: bytes) -> House:
        await house.hub.stop()
        return await begin(ledger(), *more)

    return restarted


@pytest.fixture
def bundle() -> Callable[..., bytes]:
    """Makes zips of the small bundle."""
    return town
