"""Gateways and platform doubles as real processes on loopback: start, wait until they serve, stop, kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

_START_SECONDS = 60.0


class NotServing(Exception):
    """A process ended, or did not answer in time; the message holds what it printed last."""


def free_port() -> int:
    """Give a loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
