"""One batch under way: a task reads ahead, one keeps group after group, and one sends answers.

What is read ahead is bounded, and so is what waits to be answered: a sender that does not read is not
waited for (see `spool`), and one that does not send holds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, aclosing, suppress
from typing import Any

import structlog
from msgspec import Struct

from adapters.base import Adapter, Cut, Cutter
from gateway.api.inbound.answer import INTERNAL, HttpAnswer, error_answer
from gateway.api.inbound.batch_lines import MEDIA_TYPE, BatchLines
from gateway.api.inbound.request import Gone, Incoming, Send
from gateway.api.inbound.spool import AnswerSpool, SpoolFull
from gateway.clock import monotonic
from gateway.errors import Busy, HutongError, Unavailable
from gateway.hub import Hub
from gateway.intake.batches import RECORDS, SIZE, stopping
from gateway.intake.loop_yield import LoopYield
from gateway.intake.steps import IntakeCall, IntakeResult, Reading
from gateway.ledger.records import Platform
from schemas.findings import Rejected, Text

_log = structlog.get_logger("hutong.api")

_AGAIN = 0.25
"""Seconds after which a group for which there was no room tries again."""

_PATIENCE = 120
"""How often it tries."""

_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"x-accel-buffering", b"no"))
"""The second tells nginx to hand lines on as they come."""


class BatchCall(Struct, frozen=True):
    """What a batch is: who sends it, how its records are cut and read, and from which record on they count.

    `platform` gives the sender as it is registered now, and raises when it may send no more.
    """

    sender: str
    platform: Callable[[], Platform]
    operation: str
    adapter: Adapter
    cutter: Cutter
    incoming: Incoming
    key: str | None = None
    offset: int = 0
    dry: bool = False


class _Group(Struct, frozen=True):
    """Records on their way: each with what was read of it, or why it is nothing. `room` is what they take up."""

    items: Sequence[tuple[IntakeCall, Reading | Rejected]]
    room: ExitStack


_Fault = HutongError | Rejected


class BatchRun:
    """Takes the records of one batch. `outcome` is how it ended: done, cut (its sender left), or a problem's code."""

    def __init__(self, hub: Hub, call: BatchCall, spool: AnswerSpool, send: Send) -> None:
        self._hub = hub
        self._call = call
        self._spool = spool
        self._send = send
        self._ahead: asyncio.Queue[_Group | _Fault | Gone | None] = asyncio.Queue(1)
        self._cut = 0  # records that were cut, also those that are passed over
        self._next = call.offset  # the record that is answered next
        self._answered = False
        self.lines = BatchLines(call.incoming.language, call.incoming.trace_id)
        self.outcome = "done"

    def stop(self) -> None:
        """Ask it to end: after the group that it keeps now, or at once where it waits for its sender."""
        with suppress(asyncio.QueueFull):
            self._ahead.put_nowait(stopping())

    async def serve(self, pieces: AsyncIterator[bytes], rest: Callable[[], Awaitable[None]]) -> HttpAnswer | None:
        """Take the records in and send the answers. Gives one answer to the whole when it came to no line.

        `rest` reads what still comes and forgets it: who sends everything before it reads would never read.
        """
        reading, sending = self._task(self._read_ahead(pieces)), self._task(self._send_answers())
        resting: asyncio.Task[Any] | None = None
        try:
            fault = await self._keep_all()
            reading.cancel()
            if fault is not None:
                self.outcome = fault.code
                if not self._answered:
                    return error_answer(
                        fault, language=self._call.incoming.language, trace_id=self._call.incoming.trace_id
                    )
                if not self._hub.batches.ending:
                    resting = self._task(_forgetting(reading, rest))
            self._spool.close(self.lines.ended(self._next, fault) if fault is not None else b"")
            await sending
            return None
        finally:
            await _ended(task for task in (reading, sending, resting) if task is not None)
            self._give_back()
            self._spool.drop()

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        steps = self._hub.loop_watch.steps(work, self._call.sender, self._call.operation)
        return asyncio.ensure_future(_awaited(steps))

    def _give_back(self) -> None:
        while not self._ahead.empty():
            left = self._ahead.get_nowait()
            if isinstance(left, _Group):
                left.room.close()

    # ── reading ahead ─────────────────────────────────────────────────────────────────────────
    async def _read_ahead(self, pieces: AsyncIterator[bytes]) -> None:
        """Hand over group after group, then how the stream ended: whole (None), at a fault, or with its sender."""
        end: _Fault | Gone | None = None
        try:
            async for piece in pieces:
                # What came is taken now, not when there is more of it: its sender may wait for the answers.
                await self._take(self._call.cutter.feed(piece))
            await self._take(self._call.cutter.end())
            if not self._cut:
                end = _empty()
        except (HutongError, Rejected, Gone) as fault:
            end = fault
        except Exception:
            end = self._unforeseen()
        await self._ahead.put(end)

    async def _take(self, cuts: Iterator[Cut]) -> None:
        group: list[Cut] = []
        size = 0
        yielding = LoopYield(monotonic)
        try:
            for cut in cuts:
                self._cut += 1
                if self._cut > self._call.offset:
                    group.append(cut)
                    size += len(cut.body)
                if len(group) >= RECORDS or size >= SIZE:
                    await self._hand_over(group, size)
                    group, size = [], 0
                await yielding()
        except Rejected:
            if group:  # what stands before it counts
                await self._hand_over(group, size)
            raise
        if group:
            await self._hand_over(group, size)

    async def _hand_over(self, group: Sequence[Cut], size: int) -> None:
        call, platform = self._call, self._call.platform()
        first = self._cut - len(group)
        calls = [
            IntakeCall(
                platform,
                call.operation,
                cut.body,
                call.cutter.content_type,
                None if call.key is None else f"{call.key}#{index}",
                call.incoming.trace_id,
                call.adapter,
                call.incoming.caller_span,
            )
            for index, cut in enumerate(group, first)
        ]
        room = ExitStack()
        try:
            await self._patiently(lambda: room.enter_context(self._hub.admission.enter(size, calls=0)))
            found = iter(await self._read([one for one, cut in zip(calls, group, strict=True) if cut.fault is None]))
            read = [cut.fault or next(found) for cut in group]
            await self._ahead.put(_Group(list(zip(calls, read, strict=True)), room))
        except BaseException:
            room.close()
            raise

    async def _read(self, calls: Sequence[IntakeCall]) -> Sequence[Reading | Rejected]:
        found: Sequence[Reading | Rejected] = await self._patiently(lambda: self._hub.read_all(calls))
        return found

    async def _patiently(self, ask: Callable[[], Any]) -> Any:
        """Ask again where there is no room now: the sender waits meanwhile, since nothing is read of it."""
        for _ in range(_PATIENCE):
            with suppress(Busy):
                asked = ask()
                return await asked if asyncio.iscoroutine(asked) else asked
            await asyncio.sleep(_AGAIN)
        asked = ask()
        return await asked if asyncio.iscoroutine(asked) else asked

    # ── keeping ───────────────────────────────────────────────────────────────────────────────
    async def _keep_all(self) -> _Fault | None:
        """Keep until the stream ends; gives why it ended before its end."""
        try:
            while True:
                group = await self._ahead.get()
                if isinstance(group, Gone):
                    self.outcome = "cut"
                    return None
                if not isinstance(group, _Group):
                    return group
                with group.room:
                    await self._keep(group)
                if self._hub.batches.ending:
                    return stopping()
        except SpoolFull:
            return _unread()
        except (HutongError, Rejected) as fault:
            return fault
        except Exception:
            return self._unforeseen()

    async def _keep(self, group: _Group) -> None:
        lines: list[bytes] = []
        try:
            async with self._hub.batches.turn(self._hub.admission):
                await self._answers(group, lines)
        except HutongError:
            await self._answer(lines)
            raise
        await self._answer(lines)

    async def _answers(self, group: _Group, lines: list[bytes]) -> None:
        """Keep the records, and write a line for each."""
        kept = [(call, read) for call, read in group.items if isinstance(read, Reading)]
        async with aclosing(self._hub.keep_all([] if self._call.dry else kept)) as results:
            for index, (call, read) in enumerate(group.items, self._next):
                if isinstance(read, Rejected):
                    lines.append(self.lines.refused(index, read))
                elif self._call.dry:
                    lines.append(self.lines.previewed(index, await self._hub.look(call, read)))
                else:
                    lines.append(self._line(index, await anext(results)))

    def _line(self, index: int, result: IntakeResult | HutongError) -> bytes:
        if isinstance(result, HutongError):
            return self.lines.refused(index, result)
        return self.lines.taken(index, result)

    async def _answer(self, lines: Sequence[bytes]) -> None:
        if lines:
            await self._spool.write(b"".join(lines))
            self._answered = True
            self._next += len(lines)

    def _unforeseen(self) -> HutongError:
        _log.exception("batch.failed", operation=self._call.operation, trace_id=self._call.incoming.trace_id)
        return HutongError(INTERNAL)

    # ── answering ─────────────────────────────────────────────────────────────────────────────
    async def _send_answers(self) -> None:
        """Send what was answered as far as the sender reads it; the status goes with the first line."""
        started = False
        while True:
            found = await self._spool.read()
            if not started:
                headers = [(b"content-type", MEDIA_TYPE.encode()), *_HEADERS]
                await self._send({"type": "http.response.start", "status": 200, "headers": headers})
                started = True
            await self._send({"type": "http.response.body", "body": found, "more_body": bool(found)})
            if not found:
                return


async def _awaited(work: Awaitable[None]) -> None:
    await work


async def _forgetting(reading: asyncio.Task[None], rest: Callable[[], Awaitable[None]]) -> None:
    """Read on once the task that read before has ended: two cannot."""
    await asyncio.wait([reading])
    await rest()


async def _ended(tasks: Iterator[asyncio.Task[Any]]) -> None:
    """End tasks, and wait until they have."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


def _unread() -> Unavailable:
    return Unavailable(
        Text(
            "应答积压过多，未被读取；请边发送边读取应答，并从这里（offset）继续发送",
            "Too many answers wait to be read; read them while you send, and go on from here (offset)",
        ),
        code="batch.answers-unread",
    )


def _empty() -> Rejected:
    return Rejected(
        "batch.empty",
        Text("文件中没有记录；请放入至少一条记录后重发", "The file holds no record; put at least one in it"),
        status=400,
    )
