"""Evidence and ledgers, verified from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.audit.signing import SigningKey
from gateway.cli.main import app
from gateway.clock import system_clock
from gateway.ledger.records import AuditEntry
from gateway.ledger.sql import SqlLedger


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """A ledger's file, in which something was done."""
    path = tmp_path / "hutong.db"
    ledger = SqlLedger(f"sqlite:///{path}", key=SigningKey.new())
    await ledger.start()
    await ledger.note([AuditEntry(system_clock(), "wang-wei", "body.read", "m1")])
    await ledger.sequence(10)
    await ledger.stop()
    return path


def run(*arguments: str) -> Any:
    """Run the command."""
    return CliRunner().invoke(app, ["audit", "verify", *arguments])


async def test_a_ledger_that_holds(file: Path) -> None:
    """Told in a line, or as JSON."""
    assert "1 leaves, 1 heads" in run(str(file)).output
    told = json.loads(run(str(file), "--json").output)
    assert told == {"leaves": 1, "heads": 1, "waiting": 0, "wrong": []}
