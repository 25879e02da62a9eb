"""A gateway and platform doubles as real processes on loopback, registered with each other over REST (the stage)."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

_START_SECONDS = 60.0


class NotServing(Exception):
    """A process ended, or did not answer in time; the message holds what it printed last."""


_PORTS = range(20_000, 30_000)
"""Below those that systems give to outgoing connections: one of these could take a port before its server does, or
while that is started anew."""

_taken: list[socket.socket] = []
"""A name of its own for each port that was given, so that no other process on this machine is given it."""


def free_port() -> int:
    """Give a loopback port that nothing listens on now, and that is given to nobody else while this process lives."""
    for port in random.sample(_PORTS, len(_PORTS)):
        name = socket.socket(socket.AF_UNIX)
        try:
            if sys.platform == "linux":  # an abstract address: freed when the process ends, and no file
                name.bind(f"\0hutong port {port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            continue
        _taken.append(name)
        return port
    raise OSError(f"no port of {_PORTS.start} to {_PORTS.stop - 1} is free")


@dataclass
class Served:
    """One server process. `health` is the path that answers 200 once it serves; its output goes to `log`."""

    command: Sequence[str]
    port: int
    health: str
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Give the base address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process without waiting for it to serve."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    def wait_until_serving(self, seconds: float = _START_SECONDS) -> None:
        """Return once it answers; NotServing when it ended or the time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                break
            try:
                if httpx.get(self.url + self.health, timeout=2).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise NotServing(f"{' '.join(self.command)} does not serve on port {self.port}:\n{self._last_words()}")

    def kill(self) -> None:
        """End it with SIGKILL, so that nothing is flushed or closed: what a power cut leaves behind."""
        self._end(signal.SIGKILL)

    def stop(self, seconds: float = 15.0) -> None:
        """Ask it to end (SIGTERM), and kill it when it does not."""
        try:
            self._end(signal.SIGTERM, seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def _end(self, how: signal.Signals, seconds: float = 15.0) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(seconds)
        self.process = None

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""


def gateway(folder: Path, *, admin_token: str, port: int | None = None, **settings: str) -> Served:
    """Describe a gateway whose SQLite ledger and log are in `folder`; `settings` become HUTONG_ variables."""
    port = port or free_port()
    environment = {
        "HUTONG_LEDGER": f"sqlite:///{folder / 'hutong.db'}",
        "HUTONG_PORT": str(port),
        "HUTONG_ADMIN_TOKEN": admin_token,
        **{f"HUTONG_{name.upper()}": value for name, value in settings.items()},
    }
    command = [sys.executable, "-m", "gateway.cli.main", "serve"]
    return Served(command, port, "/health/ready", folder / "gateway.log", environment)


def double(adapter: str, folder: Path, port: int | None = None, *, name: str | None = None) -> Served:
    """Describe the double of the platform that `adapter` (an installed name or a bundle's folder) speaks for."""
    port = port or free_port()
    command = [sys.executable, "-m", "gateway.cli.main", "sandbox", "--adapter", adapter, "--port", str(port)]
    log = folder / f"double-{name or Path(adapter).name}.log"
    return Served(command, port, "/_double/received", log)


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

    def upload(self, platform: str, content: bytes) -> dict[str, str]:
        """Upload an attachment as a platform does; gives its id and its digest, as a document names them."""
        digest = b64encode(sha256(content).digest()).decode()
        headers = {
            "Authorization": f"Bearer {self.credentials[platform]}",
            "Content-Type": "image/jpeg",
            "Content-Digest": f"sha-256=:{digest}:",
        }
        response = httpx.post(f"{self.gateway.url}/v1/attachments", content=content, headers=headers, timeout=_SECONDS)
        response.raise_for_status()
        taken = response.json()
        return {"upload": taken["upload_id"], "digest": taken["digest"]}

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
