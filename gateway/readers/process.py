"""One reader, from the gateway's side: it is started, asked, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.adapter import DeclarativeAdapter
from gateway.readers import frames
from gateway.readers.frames import Task

MOST_ANSWER = 128 * 1024 * 1024
"""Bytes of one answer; a body that becomes more is not worth it."""

COMMAND = (sys.executable, "-I", "-m", "gateway.readers.child")
"""What runs as a reader; isolated from the folder that the gateway was started in."""

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV")
"""What a reader sees of our environment: nothing that is secret."""


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
    """A process that reads. It does one job at a time, and is good for the next unless it stopped."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._asked = process.stdin
        self._answers = process.stdout
        self._known: set[str] = set()
        self.peak = 0

    @classmethod
    async def start(cls, bounds: ReaderBounds, command: Sequence[str] = COMMAND) -> ReaderProcess:
        """Start one; OSError when the system has no room for it."""
        process = await asyncio.create_subprocess_exec(
            *command,
            str(bounds.megabytes),
            str(bounds.seconds),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it may be asked again."""
        return self._process.returncode is None

    async def do(self, adapter: DeclarativeAdapter, task: Task) -> list[Any]:
        """Have a job done; gives its values. Rejected, ReaderFault, or Stopped (it is gone then)."""
        files = None if adapter.digest in self._known else adapter.bundle.files
        found = await self._ask(adapter.digest, files, task)
        if found is None:  # it made room for others meanwhile
            found = await self._ask(adapter.digest, adapter.bundle.files, task)
        self._known.add(adapter.digest)
        return found or []

    async def _ask(self, digest: str, files: Mapping[str, bytes] | None, task: Task) -> list[Any] | None:
        try:
            self._asked.write(frames.job(task, digest, files))
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
                found += frames.opened(content)
                await asyncio.sleep(0)
                continue
            return self._over(kind, content, found)

    def _over(self, kind: int, content: bytes, found: list[Any]) -> list[Any] | None:
        match kind:
            case frames.END:
                self.peak = int(frames.opened(content))
                return found
            case frames.UNKNOWN:
                return None
            case frames.REJECTED:
                raise frames.opened(content)
            case frames.MEMORY:
                raise Stopped("memory")
            case _:
                raise ReaderFault(frames.opened(content))

    async def _why(self) -> str:
        """Tell of what it died."""
        code = await self._process.wait()
        known = {-signal.SIGXCPU: "time", -signal.SIGKILL: "killed", -signal.SIGTERM: "killed"}
        return known.get(code, "crash")

    async def end(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        self._asked.close()
