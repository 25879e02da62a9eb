from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.errors import HutongError, Unavailable
from gateway.ledger.sql.border import border


async def test_damaged_file(path: Path, opened: Any) -> None:
    """A file that is no database is said to be damaged, with what to do."""
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(Unavailable, match="backup") as error:
        await opened().start()
    assert error.value.code == "ledger.corrupt"
    assert "备份" in error.value.detail.zh


async def test_locked_by_another_program(path: Path, opened: Any, small: Any) -> None:
    """While another program locks the file writing says so, and goes on when it is gone; reading goes on."""
    ledger = opened(patience=0.05)
    await ledger.start()
    await ledger.accept(small.intake("m1"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as error:
        await ledger.accept(small.intake("m2"))
    assert error.value.code == "ledger.locked"
    assert (await ledger.message("m1")).id == "m1"
    other.execute("ROLLBACK")
    other.close()
    await ledger.accept(small.intake("m3"))
    await ledger.stop()


def test_full_disk(tmp_path: Path) -> None:
    """A full disk is said to be full."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/full.db")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=2")
        with pytest.raises(Unavailable, match="full") as error, border():
            connection.exec_driver_sql("CREATE TABLE big AS SELECT randomblob(100000)")
    engine.dispose()
    assert error.value.code == "ledger.disk-full"


def test_read_only(tmp_path: Path) -> None:
    """A file that cannot be written is said so."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/read.db")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        with pytest.raises(Unavailable) as error, border():
            connection.exec_driver_sql("CREATE TABLE t (x)")
    engine.dispose()
    assert error.value.code == "ledger.read-only"


def test_cannot_be_opened(tmp_path: Path) -> None:
    """A folder in the place of the file is said so."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}")
    with pytest.raises(Unavailable) as error, border():
        engine.connect()
    assert error.value.code == "ledger.read-only"


def test_anything_else_is_ours_too() -> None:
    """No exception of the database passes, whatever it is; what is ours passes as it is."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(Unavailable) as error, border():
        connection.exec_driver_sql("SELECT nonsense")
    assert error.value.code == "ledger.failed"
    with pytest.raises(HutongError, match="mine"), border():
        raise Unavailable(error.value.detail.__class__("我的", "mine"))
