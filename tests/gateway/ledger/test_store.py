"""Looking something up in the event loop itself."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gateway.ledger.sql import SqlLedger


async def test_what_cannot_be_looked_up_at_once_is_read_by_the_thread(path: Path, small: Any) -> None:
    """The event loop waits for no lock: where one is in the way, the reader's thread waits for it."""
    ledger = await small.start(SqlLedger(f"sqlite:///{path}"))
    asked: list[int] = []

    def question(connection: sa.Connection) -> str:
        asked.append(threading.get_ident())
        if len(asked) == 1:
            raise sa.exc.OperationalError("SELECT", (), Exception("database is locked"))
        return "found"

    assert await ledger._store.look_up(question) == "found"
    assert asked[0] == threading.get_ident() != asked[1]
    await ledger.stop()
