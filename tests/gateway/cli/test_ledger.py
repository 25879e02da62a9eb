"""Pruning from the command line: through a gateway that runs, and on the file where none does."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.ledger.records import Intake, IntakeDraft
from gateway.ledger.sql import SqlLedger
from gateway.message import Message

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def old(count: int, path: Path) -> None:
    """Write a ledger with so many messages that are very old, and one that is new."""

    async def written() -> None:
        ledger = SqlLedger(f"sqlite:///{path}")
        await ledger.start()
        revision = (await ledger.registry()).revision
        for name in range(count + 1):
            at = datetime.now(UTC) if name == count else LONG_AGO + timedelta(hours=name)
            message = Message(
                f"m{name}", "case.transferred", {"n": name}, "s", "o", "a", "330000", f"L{name}", f"C{name}", at,
                f"i{name}", "d",
            )  # fmt: skip
            draft = IntakeDraft(0, message, ())
            await ledger.accept(Intake("s", "o", at, b"old", "text/plain", (draft,), revision))
        await ledger.stop()

    asyncio.run(written())


@pytest.fixture
def folder(hutong, ledger_at) -> Path:
    """The folder that commands run in, with a ledger of twelve old messages."""
    ledger_at(Path("hutong.db"))
    old(12, Path("hutong.db"))
    return Path.cwd()


def test_a_dry_run_on_the_file(hutong, folder):
    """It counts by type, with bytes, and changes nothing."""
    said = hutong("ledger", "prune", "--dry-run", "--json")
    assert said.code == 0, said.err
    [row] = said.json["pruned"]
    assert (row["what"], row["type"], row["count"]) == ("messages", "case.transferred", 12)
    assert row["size"] > 12
    assert hutong("ledger", "prune", "--dry-run", "--json").json == said.json


def test_pruning_the_file(hutong, folder):
    """What the dry run said goes, and then there is nothing left to go."""
    said = hutong("ledger", "prune")
    assert said.code == 0, said.err
    assert "12" in said.out
    assert "Nothing is old enough" in hutong("ledger", "prune").out


def test_a_retention_below_six_months(hutong, folder, monkeypatch):
    """Nothing is opened: the setting is named, with the least that it may be."""
    monkeypatch.setenv("HUTONG_RETENTION", "5 months")
    said = hutong("ledger", "prune", "--dry-run")
    assert said.code == 2
    assert "6 months at least" in said.err


def test_through_a_gateway(remote):
    """A running gateway is asked; nothing in it is old."""
    for arguments in (("--dry-run",), ()):
        said = remote("ledger", "prune", *arguments, "--json")
        assert said.code == 0, said.err
        assert said.json == {"dry_run": bool(arguments), "interrupted": False, "pruned": []}
    listed = remote("ledger", "prunings")
    assert "kept for 3660 days" in listed.out
    assert "Nothing was pruned yet" in listed.out


def test_an_open_file_is_left_alone(hutong, begin, finish, ledger_at, monkeypatch):
    """While a gateway has the file, it is the gateway that is asked: its address is wrong here, so nobody is."""
    ledger_at(Path("hutong.db"))
    running = begin(Path.cwd())
    monkeypatch.setattr("gateway.cli.ledger.DEFAULT_URL", "http://127.0.0.1:1")
    said = hutong("ledger", "prune", "--url", "http://127.0.0.1:1")
    finish(running)
    assert said.code == 1
    assert "no gateway answers" in said.err


def test_ctrl_c_ends_it_between_two_steps(folder):
    """What went is whole and recorded; the rest goes the next time."""
    old(600, folder / "many.db")
    command = [sys.executable, "-c", _SLOWLY]
    environment = {"HUTONG_LEDGER": f"sqlite:///{folder}/many.db"}
    running = subprocess.Popen(
        command, env={**_here(), **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    )
    assert running.stdout is not None
    assert running.stdout.readline().strip() == "step"
    running.send_signal(signal.SIGINT)
    rest, errors = running.communicate(timeout=60)
    assert running.returncode == 1, errors
    assert "interrupted" in rest
    finished = subprocess.run(
        [sys.executable, "-m", "gateway.cli.main", "ledger", "prune", "--dry-run"],
        env={**_here(), **environment}, capture_output=True, text=True, cwd=folder, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert "Nothing is old enough" not in finished.stdout


def _here() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HUTONG_")}


_SLOWLY = """
import time
from gateway.cli import ledger
from gateway.cli.main import main

step = ledger._File.step

def slowly(self):
    found = step(self)
    print("step", flush=True)
    time.sleep(1)
    return found

ledger._File.step = slowly
main(["ledger", "prune"])
"""
