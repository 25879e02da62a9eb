"""The SQL ledger: each promise handed to the writer or to a reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from adapters.base import OutboundRequest
from gateway.ledger.errors import stopped
from gateway.ledger.records import (
    AuditEntry,
    Backlog,
    BulkReplay,
    DeliveryFilter,
    Intake,
    Known,
    MessageFilter,
    Native,
    Platform,
    Receipt,
    Rejection,
    ResultPage,
    Settlement,
    Work,
)
from gateway.ledger.sql import (
    accepting,
    adapters,
    attempts,
    auditing,
    database,
    operating,
    platforms,
    reading,
    rows,
    searching,
    tables,
)
from gateway.ledger.sql.batch_thread import BatchThread
from gateway.ledger.sql.border import border
from gateway.ledger.sql.lock import FileLock
from gateway.ledger.sql.numbers import facts, recall
from gateway.ledger.sql.reading import Question, Reader
from gateway.ledger.sql.statements import putting
from gateway.ledger.sql.writing import Group, Sequences, Transaction, WriteOperation, Writer, one_by_one
from gateway.ledger.versions import AdapterVersion
from gateway.message import Attempt, Delivery, Enriched, HeldBy, Message

T = TypeVar("T")

_REPLAYS = putting(tables.replays, ("id", "finished", "content"), ("id",))


class SqlLedger:
    """A `gateway.ledger.base.Ledger` in a database: `sqlite:///path`.

    `rejections`: how many are kept for each platform, the newest. `patience`: seconds to wait for
    another program's lock. `most`: the operations that share a commit at most.
    """

    def __init__(self, url: str, *, rejections: int = 10_000, patience: float = 5.0, most: int = 256) -> None:
        self._url = url
        self._rejections = rejections
        self._patience = patience
        self._most = most
        self._lock = FileLock(database.path_of(url))
        self._engines: list[sa.Engine] = []
        self._writer: BatchThread[WriteOperation] | None = None
        self._quick: BatchThread[Question] | None = None
        self._slow: BatchThread[Question] | None = None

    # ── start and stop ────────────────────────────────────────────────────────────────────────
    async def start(self) -> None:
        self._lock.take()
        try:
            sequences = await asyncio.to_thread(self._open)
        except BaseException:
            self._close()
            raise
        writing, reading = self._engines
        self._writer = BatchThread(
            "ledger-writer", Writer(writing, sequences, rejections=self._rejections).run, most=self._most
        )
        self._quick = BatchThread("ledger-reader", Reader(reading).run, most=64)
        self._slow = BatchThread("ledger-searcher", Reader(reading).run, most=1)

    def _open(self) -> Sequences:
        database.reserve(database.path_of(self._url))
        writing = database.writing(self._url, patience=self._patience)
        reading = database.reading(self._url, patience=self._patience, readers=2)
        self._engines = [writing, reading]
        with border():
            database.upgrade(writing)
            with writing.begin() as connection:
                return Sequences.after(connection)

    async def stop(self) -> None:
        for thread in (self._writer, self._quick, self._slow):
            if thread is not None:
                await thread.stop()
        self._close()

    def _close(self) -> None:
        for each in reversed(self._engines):
            each.dispose()
        self._engines.clear()
        self._lock.drop()

    async def _group(self, group: Group, argument: Any) -> Any:
        if self._writer is None:
            raise stopped()
        return await self._writer.do(WriteOperation(group, argument))

    async def _write(self, change: Callable[..., T], *arguments: Any, **named: Any) -> T:
        def operation(transaction: Transaction) -> T:
            return change(transaction, *arguments, **named)

        found: T = await self._group(one_by_one, operation)
        return found

    async def _read(self, question: Callable[..., T], *arguments: Any, **named: Any) -> T:
        return await _ask(self._quick, question, arguments, named)

    async def _search(self, question: Callable[..., T], *arguments: Any, **named: Any) -> T:
        return await _ask(self._slow, question, arguments, named)

    # ── intake ────────────────────────────────────────────────────────────────────────────────
    async def accept(self, intake: Intake) -> Receipt:
        receipt: Receipt = await self._group(accepting.accept, intake)
        return receipt

    async def recall(self, platform: str, numbers: Mapping[str, str]) -> Mapping[str, Known]:
        return await self._read(recall, platform, numbers) if numbers else {}

    async def facts(self, correlation_id: str) -> Mapping[str, Enriched]:
        return await self._read(facts, correlation_id)

    # ── delivery ──────────────────────────────────────────────────────────────────────────────
    async def heads(self, platform: str, now: datetime, limit: int, *, probe: bool = False) -> Sequence[Work]:
        return await self._read(reading.heads, platform, now, limit, probe=probe)

    async def next_due(self, platform: str) -> datetime | None:
        return await self._read(reading.next_due, platform)

    async def begin(self, delivery_id: str, adapter: str, request: OutboundRequest, at: datetime) -> bool:
        begun: bool = await self._group(attempts.begin, attempts.Begin(delivery_id, adapter, request, at))
        return begun

    async def settle(self, settlement: Settlement) -> bool:
        moved: bool = await self._group(attempts.settle, settlement)
        return moved

    async def kill(self, delivery_id: str, code: str, reason: str, at: datetime) -> None:
        await self._write(attempts.kill, delivery_id, code, reason, at)

    async def rescue(self, at: datetime) -> int:
        return await self._write(attempts.rescue, at)

    async def assign(self, delivery_id: str, platform: str, at: datetime) -> bool:
        return await self._write(attempts.assign, delivery_id, platform, at)

    async def unrouted(
        self, kind: str, after: str | None = None, limit: int = 500
    ) -> Sequence[tuple[Delivery, Message]]:
        return await self._search(reading.unrouted, kind, after, limit)

    # ── operators ─────────────────────────────────────────────────────────────────────────────
    async def replay(
        self, delivery_id: str, *, actor: str, reason: str, at: datetime, stale_ok: bool = False
    ) -> Delivery:
        return await self._write(operating.replay, delivery_id, actor=actor, reason=reason, at=at, stale_ok=stale_ok)

    async def discard(self, delivery_id: str, *, actor: str, reason: str, at: datetime) -> Delivery:
        return await self._write(operating.discard, delivery_id, actor=actor, reason=reason, at=at)

    async def hold(self, delivery_id: str, *, actor: str, reason: str, at: datetime) -> Delivery:
        return await self._write(operating.hold, delivery_id, actor=actor, reason=reason, at=at)

    async def release(self, delivery_id: str, *, actor: str, reason: str, at: datetime) -> Delivery:
        return await self._write(operating.release, delivery_id, actor=actor, reason=reason, at=at)

    # ── platforms ─────────────────────────────────────────────────────────────────────────────
    async def platforms(self) -> Sequence[Platform]:
        return await self._read(platforms.platforms)

    async def put_platform(self, platform: Platform, *, actor: str, at: datetime) -> None:
        await self._write(platforms.put, platform, actor=actor, at=at)

    async def delete_platform(self, platform_id: str, *, actor: str, at: datetime) -> None:
        await self._write(platforms.delete, platform_id, actor=actor, at=at)

    async def hold_platform(self, platform_id: str, by: HeldBy, *, actor: str, reason: str, at: datetime) -> None:
        await self._write(platforms.hold, platform_id, by, actor=actor, reason=reason, at=at)

    async def release_platform(self, platform_id: str, by: HeldBy, *, actor: str, reason: str, at: datetime) -> None:
        await self._write(platforms.release, platform_id, by, actor=actor, reason=reason, at=at)

    async def add_credential(self, platform_id: str, digest: str, *, actor: str, at: datetime) -> None:
        await self._write(platforms.add_credential, platform_id, digest, actor=actor, at=at)

    async def credentials(self) -> Mapping[str, str]:
        return await self._read(platforms.credentials)

    # ── adapters ──────────────────────────────────────────────────────────────────────────────
    async def add_adapter(self, adapter: AdapterVersion, content: bytes, *, actor: str, at: datetime) -> AdapterVersion:
        return await self._write(adapters.add, adapter, content, actor=actor, at=at)

    async def change_adapters(
        self, versions: Sequence[AdapterVersion], *, actor: str, action: str, reason: str, at: datetime
    ) -> Sequence[AdapterVersion]:
        return await self._write(adapters.change, versions, actor=actor, action=action, reason=reason, at=at)

    async def adapters(self) -> Sequence[AdapterVersion]:
        return await self._search(adapters.versions)

    async def adapter_content(self, name: str, version: str) -> bytes | None:
        return await self._search(adapters.content, name, version)

    # ── reading ───────────────────────────────────────────────────────────────────────────────
    async def message(self, message_id: str) -> Message | None:
        return await self._read(reading.message, message_id)

    async def native(self, message_id: str) -> Native | None:
        return await self._read(reading.native, message_id)

    async def deliveries_of(self, message_id: str) -> Sequence[Delivery]:
        return await self._read(reading.deliveries_of, message_id)

    async def delivery(self, delivery_id: str) -> Delivery | None:
        return await self._read(reading.delivery, delivery_id)

    async def attempts_of(self, delivery_id: str) -> Sequence[Attempt]:
        return await self._read(reading.attempts_of, delivery_id)

    async def sent(self, delivery_id: str) -> OutboundRequest | None:
        return await self._read(reading.sent, delivery_id)

    async def rejection(self, rejection_id: str) -> Rejection | None:
        return await self._read(reading.rejection, rejection_id)

    async def rejection_native(self, rejection_id: str) -> Native | None:
        return await self._read(reading.rejection_native, rejection_id)

    async def find_messages(
        self, filter: MessageFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Message]:
        return await self._search(searching.find_messages, filter, cursor, limit)

    async def find_deliveries(
        self, filter: DeliveryFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Delivery]:
        return await self._search(searching.find_deliveries, filter, cursor, limit)

    async def find_rejections(
        self, platform: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Rejection]:
        return await self._search(searching.find_rejections, platform, cursor, limit)

    async def dossier(self, credit_code: str, types: Sequence[str], limit: int = 50) -> Sequence[Message]:
        return await self._search(searching.dossier, credit_code, types, limit)

    async def backlog(self) -> Sequence[Backlog]:
        return await self._search(searching.backlog)

    async def audit(self, subject: str, limit: int = 200) -> Sequence[AuditEntry]:
        return await self._search(auditing.of, subject, limit)

    async def put_bulk_replay(self, replay: BulkReplay) -> None:
        await self._write(_put_replay, replay)

    async def bulk_replays(self, *, unfinished: bool = False) -> Sequence[BulkReplay]:
        return await self._search(searching.bulk_replays, unfinished=unfinished)


async def _ask(
    reader: BatchThread[Question] | None,
    question: Callable[..., T],
    arguments: tuple[Any, ...],
    named: Mapping[str, Any],
) -> T:
    if reader is None:
        raise stopped()
    found: T = await reader.do(lambda connection: question(connection, *arguments, **named))
    return found


def _put_replay(transaction: Transaction, replay: BulkReplay) -> None:
    _REPLAYS.run(transaction.connection, [(replay.id, bool(replay.finished_at), rows.from_bulk_replay(replay))])
