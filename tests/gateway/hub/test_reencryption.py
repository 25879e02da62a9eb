"""Encrypting anew beside the traffic."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.access import wrapping_keys
from gateway.errors import Unavailable
from gateway.hub.reencryption import Reencryption
from gateway.ledger.sql import SqlLedger
from gateway.settings import AES
from tests.gateway.faulty import FaultyLedger


async def test_it_goes_on_after_a_failure_until_nothing_is_left(
    make: Any, ledger_at: Callable[[Path], str], tmp_path: Path
) -> None:
    """One that failed, before its commit or after it, is taken again; the figure tells how much is left."""
    house = make()
    await house.hub.start()
    await house.register("penalty.330000", "penalty.330100")
    await house.hub.stop()
    keys = wrapping_keys("11" * 32, "", AES)
    ledger = FaultyLedger(SqlLedger(ledger_at(tmp_path / "hub.db"), keys=keys))
    await ledger.start()
    beside = Reencryption(ledger, first=0, every=0, share=1.0)
    assert await ledger.reencrypt(0) == 2
    ledger.fail_before("reencrypt")
    with pytest.raises(Unavailable):
        await beside.step()
    ledger.fail_after("reencrypt")
    beside.start()
    while ledger.faults_left() or await ledger.reencrypt(0):
        await asyncio.sleep(0)
    await beside.stop()
    assert await beside.step() == beside.left() == 0
    await ledger.stop()
