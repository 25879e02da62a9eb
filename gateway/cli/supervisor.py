"""Several gateway processes on one port: started, watched, replaced one after the other, and ended together."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec
from msgspec import Struct

_log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a process that died is started again: twice as long each time."""

_WELL = 30.0
"""Seconds after which a process that was started again counts as well."""

_READY = 120.0
"""Seconds that a process may take until it serves."""

_END = 60.0
"""Seconds that a process may take to end before it is killed."""


class Member(Struct, frozen=True):
    """What a process is handed by its supervisor: two open files, its name, and where its siblings are found.

    `listener` is the socket that all of them take connections from. `line` leads to the supervisor: a byte says
    that the process serves, and when it is closed the supervisor is gone.
    """

    listener: int
    line: int
    name: str
    siblings: str

    def told(self) -> str:
        """Write it as one argument of a command."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, argument: str) -> Member:
        """Read what `told` wrote."""
        return msgspec.json.decode(argument, type=cls)


@dataclass(eq=False)
class _Worker:
    """One process, with our end of its line."""

    name: str
    process: asyncio.subprocess.Process
    line: socket.socket
    serves: bool = False

    def signal(self, sign: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(sign)


class GaveUp(Exception):
    """A process did not begin to serve. `code`: what it ended with."""

    def __init__(self, code: int) -> None:
        super().__init__(f"a gateway process ended before it served, with exit code {code}")
        self.code = code or 1


class ServeSupervisor:
    """Keeps so many processes of one command running, all of them on one listening socket.

    One socket, and not one a process by SO_REUSEPORT: connections wait in one queue, so that those which
    a process that ends has not taken are taken by another, while a queue of its own would be closed with it.

    `run` returns when SIGTERM or SIGINT came and all processes have ended; the second signal is passed on, too,
    and makes them end at once. SIGHUP replaces them one after the other: the new one serves before the old one is
    asked to end, and when it does not come to serve, the old ones stay. GaveUp when no process comes to serve
    at the start. `began` is called once, when the first one serves.
    """

    def __init__(
        self, command: Sequence[str], listener: socket.socket, workers: int, began: Callable[[], None]
    ) -> None:
        self._command = command
        self._listener = listener
        self._names = [str(number) for number in range(1, workers + 1)]
        self._began = began
        self._workers: dict[str, _Worker] = {}
        self._alive: set[_Worker] = set()  # also those that do not serve yet, and those that are leaving
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()
        self._rolling = asyncio.Lock()
        self._places = {name: asyncio.Lock() for name in self._names}  # one change of a place at a time
        self._pauses = dict.fromkeys(self._names, _FIRST_PAUSE)
        self._folder = ""

    async def run(self) -> None:
        """Start all of them, and keep them until asked to end."""
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self._end, sign)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        with tempfile.TemporaryDirectory(prefix="hutong-") as self._folder:
            try:
                # The first alone: it brings the ledger's tables up to date, and says what is wrong with the settings.
                await self._put(self._names[0])
                self._began()
                await asyncio.gather(*(self._put(name) for name in self._names[1:]))
                await self._ending.wait()
            finally:
                self._ending.set()
                await self._end_all()

    # ── one process ───────────────────────────────────────────────────────────────────────────
    async def _put(self, name: str, instead: _Worker | None = None) -> None:
        """Start a process in a place, and when it serves, let the one that was there end; GaveUp.

        `instead`: only if this one is there still.
        """
        async with self._places[name]:
            before = self._workers.get(name)
            if self._ending.is_set() or (instead is not None and before is not instead):
                return
            worker = await self._started(name)
            if not await self._serves(worker):
                worker.signal(signal.SIGKILL)
                code = await self._gone(worker)
                if self._ending.is_set():
                    return
                raise GaveUp(code)
            self._workers[name] = worker
            self._watch(worker)
            if before is not None:
                await self._ended(before)

    async def _started(self, name: str) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            member = Member(self._listener.fileno(), theirs.fileno(), name, self._folder)
            process = await asyncio.create_subprocess_exec(
                *self._command,
                "--member",
                member.told(),
                pass_fds=(member.listener, member.line),
                # Ctrl-C in a terminal reaches the whole group: only the supervisor must take it.
                start_new_session=True,
            )
        ours.setblocking(False)
        worker = _Worker(name, process, ours)
        self._alive.add(worker)
        return worker

    async def _serves(self, worker: _Worker) -> bool:
        """Wait until a process serves; False when it ended before, or took too long."""
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(_READY):
                worker.serves = await loop.sock_recv(worker.line, 1) != b""
        return worker.serves

    def _watch(self, worker: _Worker) -> None:
        task = asyncio.create_task(self._kept(worker), name=f"process {worker.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _kept(self, worker: _Worker) -> None:
        """Wait until a process ends; when nobody asked it to, start another in its place."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        code = await self._gone(worker)
        if loop.time() - began > _WELL:
            self._pauses[worker.name] = _FIRST_PAUSE
        while not self._ending.is_set() and self._workers[worker.name] is worker:
            _log.error("gateway process %s ended with %s and is started again", worker.name, code)
            pause = self._pauses[worker.name]
            self._pauses[worker.name] = min(2 * pause, _LONGEST_PAUSE)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)
            try:
                await self._put(worker.name, instead=worker)
            except GaveUp as gave_up:
                code = gave_up.code

    # ── all of them ───────────────────────────────────────────────────────────────────────────
    def _end(self, sign: signal.Signals) -> None:
        for worker in self._alive:
            if self._ending.is_set() or not worker.serves:
                worker.signal(sign)
        self._ending.set()

    async def _end_all(self) -> None:
        while self._alive:  # one may just have been started
            await asyncio.gather(*(self._ended(worker) for worker in self._alive))
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ended(self, worker: _Worker) -> None:
        """Ask a process to end, and kill it when it does not."""
        worker.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_END):
                await worker.process.wait()
        except TimeoutError:
            _log.error("gateway process %s does not end and is killed", worker.name)
            worker.signal(signal.SIGKILL)
        await self._gone(worker)

    async def _gone(self, worker: _Worker) -> int:
        code = await worker.process.wait()
        worker.line.close()
        self._alive.discard(worker)
        return code

    def _hang_up(self) -> None:
        task = asyncio.create_task(self._roll(), name="roll")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _roll(self) -> None:
        """Replace the processes one after the other."""
        async with self._rolling:
            for name in self._names:
                if self._ending.is_set():
                    return
                try:
                    await self._put(name)
                except GaveUp as gave_up:
                    _log.error("the processes that serve are kept: %s", gave_up)
                    return
            _log.info("all gateway processes were replaced")
