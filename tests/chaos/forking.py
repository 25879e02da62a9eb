"""Gateways that start quickly: forked by a process that has loaded the code and the bundles, and does nothing else.

A start takes seconds of processor time, most of it for what is the same each time; a run has thousands of starts.
A forked gateway is a process like any other: it has its own connections and threads, is killed and frozen
alone, and nothing of another gateway's memory is in it.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import adapters
from gateway.cli.main import app
from gateway.demo.processes import Served
from gateway.releases.installed import install


class Forker:
    """The process that forks. It takes orders on its standard input, a line each, and answers with the process's id."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        command = [sys.executable, str(Path(__file__))]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, env={**os.environ, **environment}, start_new_session=True
        )
        self._lock = threading.Lock()

    def start(self, environment: Mapping[str, str], log: Path) -> Forked:
        """Start a gateway with more in its environment, and its output at the end of a file."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            print(json.dumps([dict(environment), str(log)]), file=self._process.stdin, flush=True)
            return Forked(int(self._process.stdout.readline()))

    def close(self) -> None:
        """End it; what it has forked goes on."""
        self._process.kill()
        self._process.wait()


class Forked(subprocess.Popen[bytes]):
    """A process that somebody else has forked, known by its id; what it ended with is not known here."""

    def __init__(self, pid: int) -> None:
        # Not Popen's own: there is nothing to start, and nothing to wait for as a parent.
        self.pid = pid
        self.returncode = None
        self._handle = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Give 0 once it has ended."""
        if self.returncode is None and select.select([self._handle], [], [], 0)[0]:
            self._ended()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended."""
        if self.returncode is None:
            if not select.select([self._handle], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a forked gateway", timeout or 0)
            self._ended()
        return 0

    def send_signal(self, sig: int) -> None:
        """Send it a signal, if it has not ended; never to another process that has its number now."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, sig)

    def _ended(self) -> None:
        self.returncode = 0
        os.close(self._handle)

    def __del__(self) -> None:
        """Let go of what is known of it."""
        if self.returncode is None:
            os.close(self._handle)


@dataclass
class ForkedGateway(Served):
    """A gateway that is started by forking."""

    forker: Forker | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start the process without waiting for it to serve."""
        assert self.forker is not None
        self.process = self.forker.start(self.environment, self.log)


# ── the process that forks ────────────────────────────────────────────────────────────────────
def _serve() -> None:
    """Load everything, then fork a gateway for each order."""
    adapters.load = functools.cache(adapters.load)  # a bundle is the same for all
    install([Path(one) for one in os.environ["HUTONG_ADAPTERS"].split(":")])
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks what they ended with
    for line in sys.stdin:
        environment, log = json.loads(line)
        pid = os.fork()
        if not pid:
            _become(environment, log)
            app(["serve"])
        print(pid, flush=True)


def _become(environment: Mapping[str, str], log: str) -> None:
    """Be a process of its own: with its own session, signals, input and output."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.update(environment)
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for place, said in ((0, nothing), (1, output), (2, output)):
        os.dup2(said, place)
    os.closerange(3, 64)


if __name__ == "__main__":
    _serve()
