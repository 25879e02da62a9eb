"""Ledgers for tests: a fresh one opens at once, because its tables were made for all of them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gateway.ledger.sql import SqlLedger

LedgerAt = Callable[[Path], str]
NewLedger = Callable[..., SqlLedger]


@pytest.fixture(scope="session")
def ledger_at(tmp_path_factory: pytest.TempPathFactory) -> LedgerAt:
    """Puts an empty ledger, its schema up to date, where there is none yet, and gives its address."""
    empty = tmp_path_factory.mktemp("empty") / "ledger.db"

    async def made() -> None:
        ledger = SqlLedger(f"sqlite:///{empty}")
        await ledger.start()
        await ledger.stop()

    asyncio.run(made())

    def put(path: Path) -> str:
        if not path.exists():
            shutil.copyfile(empty, path)
        return f"sqlite:///{path}"

    return put


@pytest.fixture
def new_ledger(ledger_at: LedgerAt, tmp_path: Path) -> NewLedger:
    """Makes a ledger on a file of its own; the caller starts and stops it."""
    names = count(1)

    def new(**arguments: Any) -> SqlLedger:
        return SqlLedger(ledger_at(tmp_path / f"ledger-{next(names)}.db"), **arguments)

    return new
