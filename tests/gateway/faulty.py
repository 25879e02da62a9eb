"""Doubles that fail when they are told to: a ledger, and the network.

`FaultyLedger` stands before a real ledger; a named call fails once before its commit, or once after
it, or waits at a gate. `Post` stands where the sender does and says what comes back.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from adapters.base import OutboundRequest, Reply
from gateway.delivery.no_answer import NoAnswer
from gateway.delivery.sender import Sender
from gateway.errors import Unavailable
from gateway.ledger.base import READS
from gateway.ledger.records import Platform
from schemas.findings import Text


def disk_full() -> Unavailable:
    """Give the error of a ledger that cannot write."""
    return Unavailable(Text("磁盘已满", "The ledger's disk is full"), code="ledger.disk-full")


class Gate:
    """Where a call waits until a test lets it go on."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._opened = asyncio.Event()

    async def reached(self) -> None:
        """Wait until a call stands before it; a call that never comes fails the test."""
        async with asyncio.timeout(60):
            await self._reached.wait()

    def open(self) -> None:
        """Let go on whoever waits or comes."""
        self._opened.set()

    async def pass_through(self) -> None:
        """Wait until it is open."""
        self._reached.set()
        await self._opened.wait()


@dataclass(frozen=True)
class _Fault:
    """What happens to one call: before it, or after it was committed."""

    before: Callable[[], Awaitable[None]] | None = None
    after: Callable[[], Awaitable[None]] | None = None
    meant: Callable[..., bool] = lambda *arguments, **named: True


class FaultyLedger:
    """A ledger with faults; whatever is not told to fail is the real one's.

    Faults of one method wait in a queue: each is for one call, the first one that it is `meant` for
    (a predicate on the call's arguments). `calls` are the names of all calls so far, `answers` the
    names and answers of those that came back; `told` is called after each write. `running` is how
    many calls are in the real ledger now, `steps` grows whenever one goes in or comes out.
    """

    def __init__(self, ledger: Any, *, told: Callable[[], None] = lambda: None) -> None:
        self.real = ledger
        self.calls: list[str] = []
        self.answers: list[tuple[str, Any]] = []
        self.steps = 0
        self.running = 0
        self.told = told
        self._faults: dict[str, deque[_Fault]] = defaultdict(deque)

    def fail_before(
        self, name: str, error: Exception | None = None, times: int = 1, meant: Callable[..., bool] | None = None
    ) -> None:
        """Let calls of a method fail, and nothing is written."""
        self._add(name, times, before=_raising(error or disk_full()), meant=meant)

    def fail_after(
        self, name: str, error: Exception | None = None, times: int = 1, meant: Callable[..., bool] | None = None
    ) -> None:
        """Let calls of a method fail although all of it was committed."""
        self._add(name, times, after=_raising(error or disk_full()), meant=meant)

    def hold_before(self, name: str, meant: Callable[..., bool] | None = None) -> Gate:
        """Let one call of a method wait at a gate before it does anything."""
        gate = Gate()
        self._add(name, 1, before=gate.pass_through, meant=meant)
        return gate

    def hold_after(self, name: str, meant: Callable[..., bool] | None = None) -> Gate:
        """Let one call of a method wait at a gate when it is done, before its caller hears of it."""
        gate = Gate()
        self._add(name, 1, after=gate.pass_through, meant=meant)
        return gate

    def faults_left(self) -> list[str]:
        """Give the methods that were told to fail and have not been called since."""
        return [name for name, waiting in self._faults.items() if waiting]

    def well_again(self) -> None:
        """Forget every fault that has not happened yet."""
        self._faults.clear()

    def _add(self, name: str, times: int, *, meant: Callable[..., bool] | None = None, **fault: Any) -> None:
        if meant is not None:
            fault["meant"] = meant
        self._faults[name].extend(_Fault(**fault) for _ in range(times))

    def __getattr__(self, name: str) -> Any:
        """Give a method of the real ledger, with its faults."""
        method = getattr(self.real, name)
        if not inspect.iscoroutinefunction(method):
            return method

        async def call(*arguments: Any, **named: Any) -> Any:
            self.calls.append(name)
            fault = self._take(name, *arguments, **named)
            if fault.before is not None:
                await fault.before()
            self.steps += 1
            self.running += 1
            try:
                answer = await method(*arguments, **named)
            finally:
                self.running -= 1
                self.steps += 1
            if fault.after is not None:
                await fault.after()
            self.answers.append((name, answer))
            if name not in READS:
                self.told()
            return answer

        return call

    def _take(self, name: str, *arguments: Any, **named: Any) -> _Fault:
        waiting = self._faults[name]
        fault = next((one for one in waiting if one.meant(*arguments, **named)), None)
        if fault is None:
            return _Fault()
        waiting.remove(fault)
        return fault


def _raising(error: Exception) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


@dataclass(frozen=True)
class Posted:
    """One request as it was put in the post."""

    platform: str
    key: str
    settings: dict[str, Any]
    request: OutboundRequest
    timeout: timedelta


YES = Reply(200, {"content-type": "application/json"}, b'{"code": 0, "data": {"id": "9"}}')
LOST = NoAnswer("connection.lost", may_have_left=True)
UNREACHED = NoAnswer("connection.failed", may_have_left=False)

Answer = Callable[[Posted], Any]


@dataclass
class Post(Sender):
    """Instead of the network. `answer` gives a reply or raises NoAnswer, at once or when awaited.

    `sent` is everything that left, in order; `inside` how many calls wait for their answer.
    """

    answer: Answer = lambda posted: YES
    sent: list[Posted] = field(default_factory=list)
    told: Callable[[], None] = lambda: None
    inside: int = 0
    most: int = 0

    async def send(self, platform: Platform, request: OutboundRequest, timeout: timedelta, most: int = 0) -> Reply:
        """Answer one call."""
        posted = Posted(platform.id, request.headers["Idempotency-Key"], dict(platform.settings), request, timeout)
        self.sent.append(posted)
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.told()
        try:
            answer = self.answer(posted)
            if inspect.isawaitable(answer):
                answer = await answer
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            self.inside -= 1

    def keys(self, platform_id: str | None = None) -> list[str]:
        """Give the keys of what was sent, in order."""
        return [one.key for one in self.sent if platform_id in (None, one.platform)]

    async def forget(self, platform_id: str) -> None:
        """There is no connection to forget."""

    async def close(self) -> None:
        """There is no connection to close."""
