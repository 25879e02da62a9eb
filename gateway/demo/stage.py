"""The processes of the story: a gateway and five doubles, registered with each other over REST."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from gateway.demo.processes import Served, double, gateway

_SECONDS = 30


@dataclass
class Stage:
    """The running processes, and calls to them. `credentials` is by platform id."""

    gateway: Served
    doubles: dict[str, Served]
    admin_token: str
    credentials: dict[str, str] = field(default_factory=dict)

    def operator(self, method: str, path: str, **arguments: Any) -> Any:
        """Call the gateway as its operator; anything but success is an HTTPStatusError."""
        headers = {"Authorization": f"Bearer {self.admin_token}"}
        response = httpx.request(method, self.gateway.url + path, headers=headers, timeout=_SECONDS, **arguments)
        response.raise_for_status()
        return response.json()

    def deliveries(self) -> Iterator[dict[str, Any]]:
        """Give every delivery the gateway keeps."""
        cursor: str | None = None
        while True:
            page = self.operator("GET", "/v1/deliveries", params={"cursor": cursor} if cursor else None)
            yield from page["deliveries"]
            cursor = page["cursor"]
            if cursor is None:
                return

    def send(self, platform: str, operation: str, body: bytes, content_type: str) -> Any:
        """Hand in a native document as a platform does."""
        headers = {"Authorization": f"Bearer {self.credentials[platform]}", "Content-Type": content_type}
        url = f"{self.gateway.url}/v1/inbound/{operation}"
        response = httpx.post(url, content=body, headers=headers, timeout=_SECONDS)
        response.raise_for_status()
        return response.json()

    def received(self, platform: str) -> list[dict[str, Any]]:
        """Give a double's own record of what it took."""
        records: list[dict[str, Any]] = httpx.get(
            self.doubles[platform].url + "/_double/received", timeout=_SECONDS
        ).json()
        return records

    def register(self, platform: str, adapter: str, base_url: str) -> None:
        """Register a platform, with invented values for what its adapter asks, and take a credential for it."""
        asked = next(one for one in self.operator("GET", "/v1/adapters")["adapters"] if one["name"] == adapter)
        settings = {one["name"]: _invented(one) for one in asked["settings"] if one["required"]}
        body = {"adapter": adapter, "settings": settings | {"base_url": base_url}, "dossier": True}
        self.operator("PUT", f"/v1/platforms/{platform}", json=body)
        self.credentials[platform] = self.operator("POST", f"/v1/platforms/{platform}/credentials")["credential"]


def _invented(setting: Mapping[str, Any]) -> Any:
    if setting["choices"]:
        return setting["choices"][0]
    return {"int": 1, "bool": False, "url": "http://127.0.0.1"}.get(setting["type"], secrets.token_hex(8))


@contextlib.contextmanager
def staged(folder: Path, platforms: Mapping[str, str], port: int | None = None) -> Iterator[Stage]:
    """Start everything, register every platform, and end every process afterwards.

    `platforms` is platform id → adapter. NotServing when a process does not come up.
    """
    token = secrets.token_urlsafe(24)
    doubles = {platform: double(adapter, folder, name=platform) for platform, adapter in platforms.items()}
    stage = Stage(gateway(folder, admin_token=token, port=port), doubles, token)
    served = (stage.gateway, *doubles.values())
    try:
        for one in served:
            one.start()
        for one in served:
            one.wait_until_serving()
        for platform, adapter in platforms.items():
            stage.register(platform, adapter, doubles[platform].url)
        yield stage
    finally:
        for one in served:
            one.stop()
