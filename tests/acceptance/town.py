"""A gateway and the platforms around it, as real processes, for tests that look from outside."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from bundles import unlimited

from gateway.demo.processes import Served, Stage, double, gateway

ADMIN_TOKEN = "acceptance-admin-token-0123456789"
UNSETTLED = ("ready", "sending", "waiting", "held", "unrouted", "dead")


@dataclass
class Town(Stage):
    """A stage whose platforms move in one by one, and whose doubles can be made to misbehave."""

    folder: Path = Path()

    def settle_down(self, platform: str, adapter: str) -> None:
        """Start a platform's double, register the platform without rate limits and take a credential for it."""
        bundle = self.folder / "bundles" / f"fast-{adapter}"
        self.doubles[platform] = double(str(bundle), self.folder, name=platform)
        self.doubles[platform].start()
        self.doubles[platform].wait_until_serving()
        self.register(platform, bundle.name, self.doubles[platform].url)

    def submit(self, platform: str, message_type: str, document: dict[str, Any]) -> Any:
        """Hand in a canonical document as a platform does."""
        return self.post(platform, "/v1/messages", json={"type": message_type, "document": document}).json()

    def post(self, platform: str, path: str, **arguments: Any) -> httpx.Response:
        """Call the gateway as a platform, whatever it answers."""
        headers = {"Authorization": f"Bearer {self.credentials[platform]}", **arguments.pop("headers", {})}
        return httpx.post(self.gateway.url + path, headers=headers, timeout=30, **arguments)

    def faults(self, platform: str, **faults: Any) -> None:
        """Set the double's faults; none clears them."""
        httpx.put(self.doubles[platform].url + "/_double/faults", json=faults, timeout=30).raise_for_status()

    def drained(self, seconds: float) -> bool:
        """Wait until nothing is left to deliver; False when the time is over first."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not any(self.operator("GET", f"/v1/deliveries?state={one}")["deliveries"] for one in UNSETTLED):
                return True
            time.sleep(0.2)
        return False


@contextlib.contextmanager
def town(folder: Path, make: Callable[..., Served] = gateway) -> Iterator[Town]:
    """Run a gateway in `folder`, and end every process afterwards."""
    bundles = unlimited(folder / "bundles")
    # What is sent here is what clients sent: the gateway says nothing of its own.
    settings = {"admin_token": ADMIN_TOKEN, "adapters": str(bundles), "send_assessments": "false"}
    place = Town(make(folder, **settings), {}, ADMIN_TOKEN, folder=folder)
    try:
        place.gateway.start()
        place.gateway.wait_until_serving()
        yield place
    finally:
        for served in (place.gateway, *place.doubles.values()):
            served.kill()
