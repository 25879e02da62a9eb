"""Ledgers filled for measuring: some messages through the ledger's own promises, the rest copied from those."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from document import NATIVE, SOURCE, TARGET
from rich.progress import Progress

from adapters.base import OutboundRequest
from gateway.clock import new_id
from gateway.ledger.records import Accepted, Claim, Intake, IntakeDraft, Intent, Platform, Settlement, Work
from gateway.ledger.sql.ledger import SqlLedger
from gateway.message import Attempt, Delivery, Message, State

FIRST = 20_000
"""Messages that are kept by the ledger itself; beyond them each is a copy of one of these under other numbers."""

AT_ONCE = 250
COMPANIES = 50_000
_YES = b'{"code":"0000","msg":"ok","data":{"id":"R1"}}'
_BEGAN = datetime(2020, 1, 1, tzinfo=UTC)

_SHIFTED = {
    "bodies": ("seq",),
    "messages": ("seq", "body"),
    "documents": ("message",),
    "latest": ("message",),
    "search_keys": ("message",),
    "numbers": ("message",),
    "facts": ("message",),
    "deliveries": ("position", "message"),
    "requests": ("delivery",),
    "attempts": ("seq", "delivery"),
}
"""The tables that a delivered message has rows in, and their columns that number one."""

_IDS = ("id", "correlation_id")
_RENUMBERED = ("ordering_key", "identity", "headers", "value", "number", "original", "lane")
_TIMES = ("received_at", "created_at", "changed_at", "started_at", "ended_at")


def case_number(number: int) -> str:
    """Give the case number of a message."""
    return f"STORE-{number}"


def credit_code(number: int) -> str:
    """Give the company of a message; each has many."""
    return f"91330100{number % COMPANIES:08d}XX"


def fill(file: Path, count: int, told: Progress) -> None:
    """Put so many delivered messages, a second apart, into a ledger that no process has open.

    The first are accepted, begun and settled. Every later row is a copy of one of theirs with the next
    numbers, ids, times, case numbers and companies; the bytes of bodies, documents and requests are the same.
    """
    task = told.add_task(f"{count:,} messages", total=count)
    first = min(count, FIRST)
    asyncio.run(_keep(file, first, lambda kept: told.advance(task, kept)))
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for pragma in ("synchronous=OFF", "journal_mode=MEMORY", "cache_size=-4000000", "foreign_keys=OFF"):
            database.execute(f"PRAGMA {pragma}")
        for done in range(first, count, first):
            _copy(database, done, first, min(first, count - done))
            told.advance(task, min(first, count - done))


# ── kept by the ledger ────────────────────────────────────────────────────────────────────────
async def _keep(file: Path, count: int, advance: Callable[[int], None]) -> None:
    ledger = SqlLedger(f"sqlite:///{file}")
    await ledger.start()
    try:
        kind, region = TARGET.split(".")
        target = Platform(TARGET, kind, region, "fast-mobile-enforcement", {}, _BEGAN)
        registered = await ledger.put_platform(target, Intent("benchmark", "filling", _BEGAN), lambda _: None)
        revision, claim = registered.revision, await ledger.claim(TARGET)
        for first in range(0, count, AT_ONCE):
            intakes = [_intake(number, revision) for number in range(first, min(first + AT_ONCE, count))]
            receipts = await asyncio.gather(*map(ledger.accept, intakes))
            accepted = [entry for receipt in receipts for entry in receipt.entries if isinstance(entry, Accepted)]
            await _deliver(ledger, claim, [work for one in accepted for work in one.heads])
            advance(len(intakes))
    finally:
        await ledger.stop()


async def _deliver(ledger: SqlLedger, claim: Claim, works: Sequence[Work]) -> None:
    request = OutboundRequest("POST", "/case", {"content-type": "application/json"}, json.dumps(NATIVE).encode())
    at = datetime.now(UTC)
    await asyncio.gather(
        *(ledger.begin(claim, one.delivery.id, "fast@1.0.0", request, at, message=one.message) for one in works)
    )
    await asyncio.gather(*(ledger.settle(claim, _settlement(one.delivery.id, at)) for one in works))


def _settlement(delivery_id: str, at: datetime) -> Settlement:
    return Settlement(Attempt(delivery_id, 1, at, at, "accepted", 200, "R1", reply=_YES), State.DELIVERED)


def _intake(number: int, revision: int) -> Intake:
    at = _BEGAN + timedelta(seconds=number)
    case = case_number(number)
    body = json.dumps({**NATIVE, "CASEID": case}, ensure_ascii=False).encode()
    digest, id = sha256(body).hexdigest(), new_id(at)
    message = Message(
        id=id,
        type="case.progressed",
        document={"case_number": case, "region": "330110", "node": "filed", "opinion": NATIVE["HANDLEOPINION"]},
        source=SOURCE,
        operation="progress",
        adapter="fast-penalty@1.0.0",
        region="330110",
        ordering_key=f"case_number:{SOURCE}:{case}",
        correlation_id=id,
        received_at=at,
        identity=case,
        digest=digest,
        keys={"case_number": case, "credit_code": credit_code(number)},
        trace_id=digest[:32],
    )
    lane = message.ordering_key
    delivery = Delivery(new_id(at), id, message.type, "mobile-enforcement", TARGET, lane, State.READY, at)
    draft = IntakeDraft(0, message, (delivery,), numbers={"case_number": case})
    return Intake(SOURCE, "progress", at, body, "application/json", (draft,), revision)


# ── copied ────────────────────────────────────────────────────────────────────────────────────
def _copy(database: sqlite3.Connection, by: int, first: int, count: int) -> None:
    """Add copies of the first `count` of the `first` messages, `by` numbers on, in one transaction."""
    database.create_function("renumbered", 1, lambda text: _renumbered(text, by), deterministic=True)
    database.create_function("later", 1, lambda id: _later(id, by * 1000), deterministic=True)
    database.execute("BEGIN")
    for table, numbered in _SHIFTED.items():
        columns = [(name, kind) for _, name, kind, *_ in database.execute(f"PRAGMA table_info({table})")]
        copied = ", ".join(_copied(name, kind, numbered, by) for name, kind in columns)
        key = numbered[0]
        database.execute(f"INSERT INTO {table} SELECT {copied} FROM {table} WHERE {key} <= {count} ORDER BY {key}")
    database.execute("COMMIT")


def _copied(column: str, kind: str, numbered: Sequence[str], by: int) -> str:
    if column in numbered:
        return f'"{column}" + {by}'
    if column in _TIMES:
        return f'"{column}" + {by * 1_000_000}'
    if column in _IDS:
        return f'later("{column}")'
    return f'renumbered("{column}")' if column in _RENUMBERED and kind == "TEXT" else f'"{column}"'


def _renumbered(text: str, by: int) -> str:
    text = re.sub(r"STORE-(\d+)", lambda found: case_number(int(found[1]) + by), text)
    return re.sub(r"91330100(\d{8})XX", lambda found: credit_code(int(found[1]) + by), text)


def _later(id: str, milliseconds: int) -> str:
    """Give the UUIDv7 that begins with a later time."""
    time = f"{int(id[:8] + id[9:13], 16) + milliseconds:012x}"
    return f"{time[:8]}-{time[8:]}{id[13:]}"
