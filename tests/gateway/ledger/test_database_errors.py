from __future__ import annotations

import asyncio
import sqlite3
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.errors import HutongError, Unavailable
from gateway.ledger.records import MessageFilter
from gateway.ledger.sql.database_errors import translated_errors
from gateway.ledger.sql.engines import engine_at
from gateway.ledger.sql.store import Searcher


async def test_damaged_file(path: Path, opened: Any) -> None:
    """A file that is no database is said to be damaged, with what to do."""
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(Unavailable, match="backup") as error:
        await opened().start()
    assert error.value.code == "ledger.corrupt"
    assert "备份" in error.value.detail.zh


async def test_locked_by_another_program(path: Path, opened: Any, small: Any) -> None:
    """While another program locks the file writing says so, and goes on when it is gone; reading goes on."""
    ledger = await small.start(opened(patience=0.05))
    await ledger.accept(small.intake("m1"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for write in (ledger.accept(small.intake("m2")), ledger.check()):
        with pytest.raises(Unavailable) as error:
            await write
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
        with pytest.raises(Unavailable, match="full") as error, translated_errors():
            connection.exec_driver_sql("CREATE TABLE big AS SELECT randomblob(100000)")
    engine.dispose()
    assert error.value.code == "ledger.disk-full"


def test_read_only(tmp_path: Path) -> None:
    """A file that cannot be written is said so."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/read.db")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        with pytest.raises(Unavailable) as error, translated_errors():
            connection.exec_driver_sql("CREATE TABLE t (x)")
    engine.dispose()
    assert error.value.code == "ledger.read-only"


def test_cannot_be_opened(tmp_path: Path) -> None:
    """A folder in the place of the file is said so."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}")
    with pytest.raises(Unavailable) as error, translated_errors():
        engine.connect()
    assert error.value.code == "ledger.read-only"


def test_any_other_error_of_the_database_is_translated() -> None:
    """No exception of the database passes, whatever it is; what is ours passes as it is."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(Unavailable) as error, translated_errors():
        connection.exec_driver_sql("SELECT nonsense")
    assert error.value.code == "ledger.failed"
    with pytest.raises(HutongError, match="mine"), translated_errors():
        raise Unavailable(error.value.detail.__class__("我的", "mine"))


async def test_faults_are_logged(ledger: Any, small: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A fault is logged where it is translated: what happened, in what kind of statement, never with whose values."""
    await ledger.accept(small.intake("m1"))
    with pytest.raises(Unavailable):
        await ledger.accept(small.intake("m1", lane="张三的案件", identity="other"))
    [logged] = [record.getMessage() for record in caplog.records if record.name == "gateway.ledger.sql.database_errors"]
    assert "ledger.failed" in logged
    assert "UNIQUE constraint failed: messages.id" in logged
    assert "INSERT INTO messages" in logged
    assert "张三" not in caplog.text


# ── searches ──────────────────────────────────────────────────────────────────────────────────
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def test_search_that_takes_too_long(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A search is stopped at its deadline, which is no fault of the database; the next one has its own time."""
    times = count()
    engine = engine_at(f"sqlite:///{tmp_path}/search.db", patience=1)
    engine.open(1)
    searcher = Searcher(engine, lambda: float(next(times)), 2.5)
    with pytest.raises(Unavailable, match=r"2\.5 s") as error:
        searcher.run(lambda connection: connection.exec_driver_sql(ENDLESS), searcher.deadline())
    assert error.value.code == "search.too-slow"
    found = searcher.run(lambda connection: connection.exec_driver_sql("SELECT 1").scalar(), searcher.deadline())
    assert found == 1
    assert not caplog.records
    engine.close()


async def test_search_that_waited_too_long(opened: Any, small: Any) -> None:
    """A search whose time is over before it can begin is not begun; single things are still read."""
    ledger = await small.start(opened(deadline=-1))
    await ledger.accept(small.intake("m1"))
    with pytest.raises(Unavailable) as error:
        await ledger.find_messages(MessageFilter())
    assert error.value.code == "search.too-slow"
    assert (await ledger.message("m1")).id == "m1"
    assert (await ledger.adapters(), await ledger.adapter_content("plain", "1.0.0")) == ([], None)
    await ledger.stop()


async def test_many_searches(ledger: Any, small: Any) -> None:
    """Searches within their deadline are answered, however many there are at once."""
    await ledger.accept(small.intake("m1"))
    pages = await asyncio.gather(*(ledger.find_messages(MessageFilter()) for _ in range(20)))
    assert [[each.id for each in page.items] for page in pages] == [["m1"]] * 20
