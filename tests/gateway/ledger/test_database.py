from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gateway.errors import HutongError
from gateway.ledger.sql import SqlLedger
from gateway.ledger.sql.engines.file_lock import owner_of


async def test_only_its_owner_reads_a_new_ledger(path: Path, small: Any) -> None:
    """A ledger that is made, and the files SQLite puts beside it, are closed to everybody but their owner."""
    path.parent.chmod(0o755)
    ledger = await small.start(SqlLedger(f"sqlite:///{path}"))
    await ledger.accept(small.intake("m1"))
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
    await ledger.stop()
    assert set(modes) == {"ledger.db", "ledger.db-wal", "ledger.db-shm"}
    assert set(modes.values()) == {"0o600"}


async def test_mode_an_owner_chose_stays(path: Path) -> None:
    """A ledger whose owner opened it to a group, to back it up, stays so."""
    path.touch()
    path.chmod(0o640)
    ledger = SqlLedger(f"sqlite:///{path}")
    await ledger.start()
    await ledger.stop()
    assert path.stat().st_mode & 0o777 == 0o640


async def test_newer_schema(path: Path, opened: Any) -> None:
    """A ledger that a newer gateway has changed is left alone, and said to be so."""
    ledger = opened()
    await ledger.start()
    await ledger.stop()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(HutongError, match="9999") as error:
        await opened().start()
    assert error.value.code == "ledger.newer"
    assert path.read_bytes() == before


async def test_reading_the_owner_leaves_no_file(tmp_path: Path) -> None:
    """Who has a ledger can be read beside it, whatever its name, and nothing is left there."""
    path = tmp_path / "what? 100% 账本.db"
    ledger = SqlLedger(f"sqlite:///{quote(str(path))}")
    await ledger.start()
    assert path.exists()
    files = set(tmp_path.iterdir())
    assert owner_of(path)
    assert set(tmp_path.iterdir()) == files
    await ledger.stop()


def test_no_owner(tmp_path: Path) -> None:
    """What is no ledger has none."""
    path = tmp_path / "other"
    path.write_text("no database")
    assert owner_of(path) is None
