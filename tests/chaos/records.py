"""What the judge reads: the ledger by plain SQL, and the doubles' own records over HTTP. No code of the gateway's."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import oracle
import psycopg

Rows = Callable[[str], list[tuple[Any, ...]]]

_DELIVERIES = """
    SELECT m.id, d.id, d.platform, d.lane, d.state, d.attempts, d.position, d.replay_of
    FROM deliveries d JOIN messages m ON m.seq = d.message ORDER BY d.position
"""
_ATTEMPTS = "SELECT delivery, verdict FROM attempts ORDER BY delivery, number, seq"
_OPEN = "SELECT count(*) FROM deliveries WHERE state NOT IN ('delivered', 'discarded')"
_ANSWERED_NO = "SELECT id, platform FROM deliveries WHERE state IN ('refused', 'dead') ORDER BY position"


@contextlib.contextmanager
def sqlite_rows(file: Path) -> Iterator[Rows]:
    """Read a ledger in SQLite, whoever has it open."""
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as connection:
        yield lambda statement: connection.execute(statement).fetchall()


@contextlib.contextmanager
def postgres_rows(url: str) -> Iterator[Rows]:
    """Read a ledger in PostgreSQL."""
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        yield lambda statement: connection.execute(statement).fetchall()


def kept(rows: Rows) -> list[oracle.Kept]:
    """Give every delivery that the ledger holds, with the verdicts of its attempts."""
    verdicts: dict[int, list[str]] = defaultdict(list)
    for delivery, verdict in rows(_ATTEMPTS):
        verdicts[delivery].append(verdict)
    return [
        oracle.Kept(message, delivery, platform or "", lane, state, attempts, tuple(verdicts[position]), replay_of)
        for message, delivery, platform, lane, state, attempts, position, replay_of in rows(_DELIVERIES)
    ]


def unsettled(rows: Rows) -> int:
    """Count what is neither delivered nor discarded."""
    [(count,)] = rows(_OPEN)
    return int(count)


def answered_no(rows: Rows) -> list[tuple[str, str]]:
    """Give key and platform of what was refused, or given up."""
    return [(key, platform) for key, platform in rows(_ANSWERED_NO)]


def received(doubles: Mapping[str, str]) -> list[oracle.Received]:
    """Give what each double says that it took; `doubles` are platform → base address."""
    found = []
    for platform, url in doubles.items():
        for place, one in enumerate(httpx.get(f"{url}/_double/received", timeout=30).json()):
            arrivals = tuple(
                oracle.Arrival(_seconds(each["at"]), _seconds(each["answered"])) for each in one["arrivals"]
            )
            found.append(
                oracle.Received(platform, one["key"], place, one["times"], one["accepted"] and one["valid"], arrivals)
            )
    return found


def _seconds(text: Any) -> Any:
    return datetime.fromisoformat(text).timestamp() if text is not None else None
