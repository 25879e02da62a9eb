from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import HutongError, Unavailable
from gateway.ledger.sql import SqlLedger
from gateway.ledger.sql.engines.file_lock import FileLock

HOLDER = """
import asyncio, sys
from gateway.ledger.sql import SqlLedger
async def main():
    await SqlLedger("sqlite:///" + sys.argv[1]).start()
    print("open", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""

HELD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=0)
database.execute("PRAGMA locking_mode = EXCLUSIVE")
try:
    database.execute("BEGIN EXCLUSIVE").fetchall()
    database.execute("PRAGMA journal_mode = DELETE").fetchall()
except sqlite3.OperationalError as error:
    print(error)
"""


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process have a ledger; it is killed at the end."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def by_symbolic_link(path: Path) -> Path:
    """Name a file by a symbolic link."""
    link = path.with_name("symbolic.db")
    link.symlink_to(path)
    return link


def by_hard_link(path: Path) -> Path:
    """Name a file by a hard link in another folder."""
    (path.parent / "elsewhere").mkdir()
    link = path.parent / "elsewhere" / "hard.db"
    os.link(path, link)
    return link


def without_its_lock_files(path: Path) -> Path:
    """Delete whatever looks like a lock beside a file."""
    for each in path.parent.glob("*lock*"):
        each.unlink()
    return path


@pytest.mark.parametrize("named", [Path, by_symbolic_link, by_hard_link, without_its_lock_files])
async def test_second_process_is_refused(path: Path, named: Callable[[Path], Path]) -> None:
    """A second process is refused, however it names the file, and told who has it; when that is killed it is let in."""
    with holder(path) as first:
        second = SqlLedger(f"sqlite:///{named(path)}")
        with pytest.raises(Unavailable, match=f":{first.pid}\\b") as error:
            await second.start()
        assert error.value.code == "ledger.in-use"
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert {each.name for each in path.parent.rglob("hard.db*")} <= {"hard.db"}
    await second.start()
    await second.check()
    await second.stop()


async def test_lock_is_dropped_at_stop(opened: Any) -> None:
    """A ledger that was stopped may be opened again, here or elsewhere."""
    for _ in range(2):
        ledger = opened()
        await ledger.start()
        await ledger.stop()


async def test_refused_twice_in_one_process(ledger: Any, small: Any, opened: Any, path: Path) -> None:
    """The same process cannot open a ledger twice either, and having tried takes no lock from the first."""
    with pytest.raises(Unavailable) as error:
        await opened().start()
    assert str(os.getpid()) in error.value.detail.en
    await ledger.accept(small.intake("m1"))
    other = subprocess.run([sys.executable, "-c", HELD, str(path)], capture_output=True, text=True, check=True)
    assert "locked" in other.stdout
    assert (await ledger.message("m1")).id == "m1"


async def test_failed_start_drops_the_lock(path: Path) -> None:
    """A ledger that could not be opened does not keep others out."""
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(Unavailable):
        await SqlLedger(f"sqlite:///{path}").start()
    lock = FileLock(path)
    lock.take()
    lock.drop()


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """A folder that is not there is said so."""
    with pytest.raises(Unavailable, match="missing"):
        FileLock(tmp_path / "missing" / "ledger.db").take()


# ── the epoch ─────────────────────────────────────────────────────────────────────────────────
async def test_every_start_raises_the_epoch(path: Path, opened: Any) -> None:
    """Each process that takes a ledger over has an epoch of its own, and its name stands in the ledger."""
    epochs = []
    for _ in range(2):
        ledger = opened()
        await ledger.start()
        await ledger.stop()
        with sqlite3.connect(path) as database:
            [(epoch, owner)] = database.execute("SELECT epoch, owner FROM ledger")
        epochs.append(epoch)
    assert epochs[1] == epochs[0] + 1
    assert owner.split(":")[1] == str(os.getpid())


@pytest.mark.parametrize("change", ["epoch = epoch + 1", "owner = 'elsewhere:1'"])
async def test_superseded(ledger: Any, small: Any, claim: Any, path: Path, change: str) -> None:
    """When another has taken the ledger over, every write is refused, checks say so, and it stays so."""
    await ledger.accept(small.intake("m1"))
    with sqlite3.connect(path) as database:
        database.execute(f"UPDATE ledger SET {change}")
    writes = (
        ledger.accept(small.intake("m2")),
        ledger.begin(claim, "m1/0", "p@1", small.request, small.now),
        ledger.hold("m1/0", small.intent),
        ledger.check(),
    )
    for write in writes:
        with pytest.raises(HutongError) as error:
            await write
        assert error.value.code == "ledger.superseded"
    assert await ledger.message("m2") is None
    assert (await ledger.delivery("m1/0")).attempts == 0
    with sqlite3.connect(path) as database:
        database.execute(f"UPDATE ledger SET {change.replace('+', '-')}")
    with pytest.raises(Unavailable):
        await ledger.accept(small.intake("m3"))
