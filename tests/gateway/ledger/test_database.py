from __future__ import annotations

from pathlib import Path
from typing import Any


async def test_only_its_owner_reads_a_new_ledger(path: Path, opened: Any, small: Any) -> None:
    """A ledger that is made, and the files SQLite puts beside it, are closed to everybody but their owner."""
    path.parent.chmod(0o755)
    ledger = opened()
    await ledger.start()
    await ledger.accept(small.intake("m1"))
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
    await ledger.stop()
    assert len(modes) == 4
    assert set(modes.values()) == {"0o600"}


async def test_mode_an_owner_chose_stays(path: Path, opened: Any) -> None:
    """A ledger whose owner opened it to a group, to back it up, stays so."""
    path.touch()
    path.chmod(0o640)
    ledger = opened()
    await ledger.start()
    await ledger.stop()
    assert path.stat().st_mode & 0o777 == 0o640
