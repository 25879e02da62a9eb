"""Evidence and ledgers, verified from the command line."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.signing import SigningKey, signed_head
from gateway.clock import system_clock
from gateway.hub.evidence import shown_head
from gateway.ledger.records import AuditEntry
from gateway.ledger.sql import SqlLedger

KEY = SigningKey.new()


async def _made(path: Path) -> None:
    ledger = SqlLedger(f"sqlite:///{path}", key=KEY)
    await ledger.start()
    await ledger.note([AuditEntry(system_clock(), "wang-wei", "body.read", "m1")])
    await ledger.sequence(10)
    await ledger.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A ledger's file, in which something was done."""
    path = tmp_path / "kept.db"
    asyncio.run(_made(path))
    return path


def test_a_ledger_that_holds(hutong: Any, file: Path) -> None:
    """Told in a line, or as JSON; by its file or its address."""
    assert "1 leaves, 1 heads" in hutong("audit", "verify", file).out
    told = hutong("audit", "verify", f"sqlite:///{file}", "--json").json
    counted = {"leaves": 1, "heads": 1, "waiting": 0, "pruned": 0, "gone": 0, "before": 0, "stamps": 0}
    assert told == {**counted, "stamped": None, "wrong": [], "keys": [KEY.id]}


def test_a_ledger_is_checked_against_a_key(hutong: Any, file: Path) -> None:
    """The one that was published, or the gateway's own beside the ledger; a key that signed is always told."""
    said = hutong("audit", "verify", file).out
    assert KEY.id in said
    assert "no key was given as trusted" in said
    assert "no key was given" not in hutong("audit", "verify", file, "--key-id", KEY.id).out
    beside = file.with_name("kept.db.signing-key")
    beside.write_text(KEY.written())
    assert "no key was given" not in hutong("audit", "verify", file).out
    beside.write_text(SigningKey.new().written())
    said = hutong("audit", "verify", file)
    assert said.code == 1
    assert f"the key {KEY.id}, which is none of those" in said.err
    assert hutong("audit", "verify", file, "--key-id", "other", "--key-id", KEY.id).code == 0
    beside.write_text("x")
    assert "no signing key that can be read" in hutong("audit", "verify", file).err


def test_a_ledger_that_was_changed(hutong: Any, file: Path, tmp_path: Path) -> None:
    """The first leaf that is wrong is told, and the command fails; a witness's head is read as it was answered."""
    with closing(sqlite3.connect(file)) as database:
        [(origin,)] = database.execute("SELECT origin FROM tree").fetchall()
        database.execute("UPDATE audit SET actor = 'nobody'")
        database.commit()
    heads = tmp_path / "heads.jsonl"
    seen = [shown_head(signed_head(KEY, origin, size, b"x" * 32, 1), KEY.public) for size in (1, 2)]
    heads.write_text("\n".join(map(json.dumps, seen)))
    said = hutong("audit", "verify", file, "--heads", heads)
    assert said.code == 1
    assert "leaf 0 (done m1): the fact that it tells of was changed" in said.err
    told = hutong("audit", "verify", file, "--heads", heads, "--json")
    assert (told.code, len(told.json["wrong"])) == (1, 4)


def test_what_is_no_evidence(hutong: Any, tmp_path: Path) -> None:
    """No file, no bundle, no heads: each is told."""
    other = tmp_path / "other.zip"
    assert "there is no file" in hutong("audit", "verify", other).err
    other.write_bytes(b"x")
    assert "no whole bundle of evidence" in hutong("audit", "verify", other).err
    assert "has no heads" in hutong("audit", "verify", other, "--heads", other).err
