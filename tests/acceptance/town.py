"""A gateway and the platforms around it, as real processes, for tests that look from outside."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from gateway.demo.processes import Served, double, gateway

ADMIN_TOKEN = "acceptance-admin-token-0123456789"
_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@dataclass
class Town:
    """One gateway, and a double for each platform registered with it. `credentials` is by platform id."""

    gateway: Served
    folder: Path
    doubles: dict[str, Served] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)

    def admin(self, method: str, path: str, **arguments: Any) -> Any:
        """Call the gateway as its administrator; anything but success is an error."""
        response = httpx.request(method, self.gateway.url + path, headers=_ADMIN, timeout=30, **arguments)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def settle_down(self, platform: str, adapter: str, settings: dict[str, Any] | None = None) -> None:
        """Start a platform's double, register the platform and take a credential for it."""
        self.doubles[platform] = double(adapter, self.folder, name=platform)
        self.doubles[platform].start()
        self.doubles[platform].wait_until_serving()
        self.register(platform, adapter, self.doubles[platform].url, settings)

    def register(
        self, platform: str, adapter: str, base_url: str, settings: dict[str, Any] | None = None
    ) -> None:
        """Register a platform at any address, and take a credential for it."""
        body = {"adapter": adapter, "settings": {"base_url": base_url, **(settings or {})}}
        self.admin("PUT", f"/v1/platforms/{platform}", json=body)
        self.credentials[platform] = self.admin("POST", f"/v1/platforms/{platform}/credentials")["credential"]

    def send(self, platform: str, path: str, *, key: str | None = None, **arguments: Any) -> httpx.Response:
        """Call the gateway as a platform."""
        headers = {"Authorization": f"Bearer {self.credentials[platform]}", **arguments.pop("headers", {})}
        if key is not None:
            headers["Idempotency-Key"] = key
        return httpx.post(self.gateway.url + path, headers=headers, timeout=30, **arguments)

    def received(self, platform: str) -> list[dict[str, Any]]:
        """Give the double's own record, in the order of first receipt."""
        records: list[dict[str, Any]] = httpx.get(
            self.doubles[platform].url + "/_double/received", timeout=30
        ).json()
        return records

    def faults(self, platform: str, **faults: Any) -> None:
        """Set the double's faults; none clears them."""
        httpx.put(self.doubles[platform].url + "/_double/faults", json=faults, timeout=30).raise_for_status()

    def pages(self, path: str, items: str) -> Iterator[dict[str, Any]]:
        """Walk through a listing to its end."""
        cursor: str | None = None
        while True:
            page = self.admin("GET", path, params={"cursor": cursor} if cursor else None)
            yield from page[items]
            cursor = page.get("cursor")
            if not cursor:
                return


@contextlib.contextmanager
def town(folder: Path, make: Callable[..., Served] = gateway) -> Iterator[Town]:
    """Run a gateway in `folder`, and end every process afterwards."""
    place = Town(make(folder, admin_token=ADMIN_TOKEN), folder)
    try:
        place.gateway.start()
        place.gateway.wait_until_serving()
        yield place
    finally:
        for served in (place.gateway, *place.doubles.values()):
            served.kill()
