from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Unavailable
from gateway.ledger.sql.lock import FileLock

HOLDER = """
import asyncio, sys
from gateway.ledger.sql import SqlLedger
async def main():
    await SqlLedger("sqlite:///" + sys.argv[1]).start()
    print("open", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_second_process_is_refused(path: Path, opened: Any) -> None:
    """A second process on the same file is refused with the first one's id, and let in once that is killed."""
    first = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "open\n"
    second = opened()
    with pytest.raises(Unavailable, match=str(first.pid)) as error:
        await second.start()
    assert error.value.code == "ledger.in-use"
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    first.stdout.close()
    await second.start()
    await second.stop()


async def test_lock_is_dropped_at_stop(opened: Any) -> None:
    """A ledger that was stopped may be opened again, here or elsewhere."""
    for _ in range(2):
        ledger = opened()
        await ledger.start()
        await ledger.stop()


async def test_refused_twice_in_one_process(ledger: Any, opened: Any) -> None:
    """The same process cannot open a ledger twice either."""
    with pytest.raises(Unavailable):
        await opened().start()
    assert await ledger.platforms() == []


async def test_failed_start_drops_the_lock(path: Path, opened: Any) -> None:
    """A ledger that could not be opened does not keep others out."""
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(Unavailable):
        await opened().start()
    FileLock(path).take()


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """A folder that is not there is said so."""
    with pytest.raises(Unavailable, match="missing"):
        FileLock(tmp_path / "missing" / "ledger.db").take()
