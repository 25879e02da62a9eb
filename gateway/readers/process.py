"""One reader, from the gateway's side: it is started, asked, and ended."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.adapter import DeclarativeAdapter
from gateway.readers import frames
from gateway.readers.frames import Task
from schemas.findings import Rejected

_log = logging.getLogger(__name__)

MOST_ANSWER = 128 * 1024 * 1024
"""Bytes of one answer; a body that becomes more is not worth it."""

COMMAND = (sys.executable, "-I", "-m", "gateway.readers.child")
"""What runs as a reader; isolated from the folder that the gateway was started in."""

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV")
"""What a reader sees of our environment: nothing that is secret."""

_PARTING = 3.0
"""Seconds to wait for a process that was killed, or has closed its end: a moment is enough for nearly all."""

_LOOK = 0.005
"""Seconds between two looks at whether a process has ended."""


@dataclass(frozen=True, slots=True)
class ReaderBounds:
    """What a reader may take: bytes of memory in all, seconds of processor time and of waiting for each job."""

    megabytes: int = 1024
    seconds: int = 20
    patience: float = 60.0


class Stopped(Exception):
    """A reader stopped in the middle of a job. `why`: time, memory, answer, crash or killed (from outside)."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class ReaderFault(Exception):
    """An exception of ours in a reader."""


class ReaderProcess:
    """A process that reads. It does one job at a time, and is good for the next unless it stopped.

    Jobs and answers share one socket, and the process is waited for by its id. asyncio's own subprocesses
    are not used: their `wait` also waits until every pipe was read to its end, which never comes while
    reading is paused because an answer is not taken, or while another process has the other end too.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], answers: asyncio.StreamReader, asked: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._answers = answers
        self._asked = asked
        self._known: set[str] = set()
        self.peak = 0

    @classmethod
    async def start(cls, bounds: ReaderBounds, command: Sequence[str] = COMMAND) -> ReaderProcess:
        """Start one; OSError when the system has no room for it."""
        ours, its = socket.socketpair()
        with its:
            try:
                answers, asked = await asyncio.open_unix_connection(sock=ours)
            except BaseException:
                ours.close()
                raise
            try:
                return cls(_started(bounds, command, its), answers, asked)
            except BaseException:
                asked.transport.abort()
                raise

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it may be asked again."""
        return self._process.poll() is None

    async def do(self, adapter: DeclarativeAdapter, task: Task) -> list[Any]:
        """Have a job done; gives its values. Rejected, ReaderFault, or Stopped (it is gone then)."""
        files = None if adapter.digest in self._known else adapter.bundle.files
        found = await self._ask(adapter.digest, files, task)
        if found is None:  # it made room for others meanwhile
            found = await self._ask(adapter.digest, adapter.bundle.files, task)
        self._known.add(adapter.digest)
        return found or []

    async def _ask(self, digest: str, files: Mapping[str, bytes] | None, task: Task) -> list[Any] | None:
        job = frames.job(task, digest, files)
        try:
            self._asked.write(job)
            await self._asked.drain()
            return await self._hear()
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Stopped(await self._why()) from None
        except pickle.UnpicklingError:
            raise Stopped("crash") from None

    async def _hear(self) -> list[Any] | None:
        found: list[Any] = []
        size = 0
        while True:
            length, kind = frames.LENGTH.unpack(await self._answers.readexactly(frames.LENGTH.size))
            size += length
            if size > MOST_ANSWER:
                raise Stopped("answer")
            content = await self._answers.readexactly(length)
            if kind == frames.PART:
                found += frames.opened(content, list)
                await asyncio.sleep(0)
                continue
            return self._over(kind, content, found)

    def _over(self, kind: int, content: bytes, found: list[Any]) -> list[Any] | None:
        match kind:
            case frames.END:
                self.peak = frames.opened(content, int)
                return found
            case frames.UNKNOWN:
                return None
            case frames.REJECTED:
                raise frames.opened(content, Rejected)
            case frames.MEMORY:
                raise Stopped("memory")
            case _:
                raise ReaderFault(frames.opened(content, str))

    async def _why(self) -> str:
        """Tell of what it died. A process that closed its end and lives on is as good as crashed."""
        code = await self._gone()
        known = {-signal.SIGXCPU: "time", -signal.SIGKILL: "killed", -signal.SIGTERM: "killed"}
        return "crash" if code is None else known.get(code, "crash")

    async def end(self) -> None:
        """End it, whatever it does, and close what leads to it; takes `_PARTING` seconds at most."""
        self._process.kill()
        self._asked.transport.abort()
        if await self._gone() is None:
            _log.error("reader %d was killed and has not ended; it is left behind", self.pid)

    async def _gone(self) -> int | None:
        """Give how it ended; None when it has not ended in time."""
        try:
            async with asyncio.timeout(_PARTING):
                while (code := self._process.poll()) is None:
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            return None
        return code


def _started(bounds: ReaderBounds, command: Sequence[str], its: socket.socket) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*command, str(bounds.megabytes), str(bounds.seconds)],
        stdin=its.fileno(),
        stdout=its.fileno(),
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
        start_new_session=True,
    )
