"""`hutong ledger migrate`, `copy` and `verify` as people use them, on a file and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PostgresServer

from gateway.ledger.records import Intent
from gateway.ledger.sql import SqlLedger, copying

pytestmark = pytest.mark.postgresql


@pytest.fixture
def source(ledger_at: Callable[[Path], str], tmp_path: Path) -> str:
    """A ledger in a file, with a little in it."""
    address = ledger_at(tmp_path / "hutong.db")

    async def kept() -> None:
        ledger = SqlLedger(address)
        await ledger.start()
        at = ledger._store._clock()
        await ledger.put_unwanted("permit", "330100", Intent("operator", "本省没有", at))
        await ledger.stop()

    asyncio.run(kept())
    return address


@pytest.fixture
def target(postgres: PostgresServer) -> Iterator[str]:
    """An empty database."""
    address = postgres.database()
    yield address
    postgres.drop(address)


def test_moved_and_verified(hutong: Callable[..., Any], source: str, target: str, postgres: PostgresServer) -> None:
    """Copied, verified, changed, and the row named: in a table for people, and in JSON for programs."""
    done = hutong("ledger", "copy", source, target)
    assert (done.code, "copied and verified" in done.out) == (0, True)
    assert "HUTONG_LEDGER" in done.out
    found = hutong("ledger", "verify", source, target, "--json")
    assert (found.code, found.json["same"]) == (0, True)
    unwanted = next(one for one in found.json["tables"] if one["table"] == "unwanted")
    assert unwanted["source"] == unwanted["target"]
    assert unwanted["source"]["rows"] == 1
    with postgres.connected(target) as connection:
        connection.execute("UPDATE unwanted SET reason = 'other'")
    found = hutong("ledger", "verify", source, target, "--json")
    differing = [one for one in found.json["tables"] if not one["same"]]
    assert (found.code, [one["difference"] for one in differing]) == (1, ['["permit","330100"]: differs in reason'])
    shown = hutong("ledger", "verify", source, target)
    assert (shown.code, '["permit","330100"]: differs in reason' in shown.out) == (1, True)


def test_copied_twice(hutong: Callable[..., Any], source: str, target: str) -> None:
    """A copy that is complete is not a target any more."""
    assert hutong("ledger", "copy", source, target, "--json").json["same"]
    again = hutong("ledger", "copy", source, target)
    assert (again.code, "not empty" in again.err) == (1, True)


def test_half_copied_is_not_served(hutong: Callable[..., Any], source: str, target: str, tmp_path: Path) -> None:
    """`hutong serve` on it ends at once and says what to do."""

    class Cut(Exception):
        """The copy is cut off."""

    def cut(step: copying.CopyStep) -> None:
        raise Cut

    with pytest.raises(Cut):
        copying.copy(source, target, cut)
    served = subprocess.run(
        [sys.executable, "-m", "gateway.cli.main", "serve", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "HUTONG_LEDGER": target},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert served.returncode == 1
    assert "hutong ledger copy" in served.stderr
    done = hutong("ledger", "copy", source, target, "--json")
    assert done.json["same"]
    assert done.json["copied_before"] > 0


def test_migrate(hutong: Callable[..., Any], source: str, tmp_path: Path, monkeypatch: Any) -> None:
    """It says from which revision to which, and that there is nothing to do; the settings name the ledger."""
    newest = copying.migrate(source).after
    monkeypatch.setenv("HUTONG_LEDGER", source)
    nothing = hutong("ledger", "migrate")
    assert (nothing.code, "Nothing to do" in nothing.out) == (0, True)
    made = hutong("ledger", "migrate", f"sqlite:///{tmp_path / 'new.db'}", "--json")
    assert made.json == {"ledger": f"sqlite:///{tmp_path / 'new.db'}", "before": None, "after": newest}
    with closing(sqlite3.connect(tmp_path / "hutong.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    newer = hutong("ledger", "migrate")
    assert (newer.code, "9999" in newer.err) == (1, True)


def test_no_address(hutong: Callable[..., Any], source: str) -> None:
    """A file's name alone is no address; and within one engine its own backup is the way."""
    assert hutong("ledger", "copy", "hutong.db", source).code == 2
    same = hutong("ledger", "copy", source, "sqlite:///other.db")
    assert (same.code, ".backup" in same.err) == (1, True)


def test_password_is_not_shown(hutong: Callable[..., Any], source: str, postgres: PostgresServer) -> None:
    """What is said of an address never has its password."""
    address = postgres.url("nowhere").replace("hutong@", "hutong:secret@")
    said = hutong("ledger", "copy", source, address)
    assert said.code == 1
    assert "secret" not in said.out + said.err
    migrated = hutong("ledger", "migrate", address)
    assert "secret" not in migrated.out + migrated.err
