"""Processes of one port are scraped as one: what each counted by its name, and what the ledger says once."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.ledger.records import Backlog
from gateway.telemetry.events import ClaimLost
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.siblings import Counted, Siblings, merge
from gateway.telemetry.standing import Snapshot

NOW = datetime(2026, 9, 1, tzinfo=UTC)
BACKLOG = [Backlog("penalty.330000", "penalty", "ready", None, 7, NOW, "d1")]
OWN = Snapshot(NOW, (), (), (), ())
WHOLE = Snapshot(NOW, BACKLOG, (), (), ())


def lost(text: bytes) -> dict[str, float]:
    """The claims that were lost, by process."""
    found = re.findall(rb'^hutong_claims_lost_total{[^}]*process="(\w+)"} (\S+)', text, re.MULTILINE)
    return {name.decode(): float(value) for name, value in found}


def counting(times: int) -> Metrics:
    """Metrics of a process that lost so many claims."""
    metrics = Metrics()
    for _ in range(times):
        metrics(ClaimLost("penalty.330000"))
    return metrics


def counted(times: int) -> Counted:
    """How such a process gives its own counts."""

    async def give() -> bytes:
        return counting(times).exposition(OWN)

    return give


def test_counts_are_told_apart_and_the_ledgers_come_once() -> None:
    """The answer of one process holds all of it."""
    one, other = counting(2), counting(3)
    text = merge(one.exposition(WHOLE), {"1": one.exposition(OWN), "2": other.exposition(OWN)})
    assert lost(text) == {"1": 2, "2": 3}
    backlog = [line for line in text.decode().splitlines() if line.startswith("hutong_backlog{")]
    assert len(backlog) == 1
    assert "process=" not in backlog[0]
    assert backlog[0].endswith(" 7.0")


def test_every_metric_is_there_once() -> None:
    """With its help and its type, as in the answer of a single process."""
    one = counting(1)
    alone = one.exposition(WHOLE)
    merged = merge(alone, {"1": one.exposition(OWN)})

    def described(text: bytes) -> list[str]:
        return sorted(line for line in text.decode().splitlines() if line.startswith("# TYPE"))

    assert described(merged) == described(alone)


async def test_siblings_are_asked_and_who_does_not_answer_is_left_out(tmp_path: Path) -> None:
    """A socket of a process that died, and one of a process that stands still."""
    one, other = (Siblings(tmp_path, name, counted(int(name))) for name in ("1", "2"))
    await one.start()
    await other.start()
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "3.sock"))
    dead.close()
    still: Any = socket.socket(socket.AF_UNIX)
    still.bind(str(tmp_path / "4.sock"))
    still.listen()
    try:
        text = await one.merged(counting(1).exposition(WHOLE))
    finally:
        still.close()
        await one.stop()
        await other.stop()
    assert lost(text) == {"1": 1, "2": 2}


async def test_a_successor_takes_its_predecessors_place(tmp_path: Path) -> None:
    """While one is replaced both run for a moment; the new one answers under the name."""
    asking, old, new = (
        Siblings(tmp_path, *which) for which in (("1", counted(1)), ("2", counted(2)), ("2", counted(5)))
    )
    for each in (asking, old, new):
        await each.start()
    await old.stop()
    text = await asking.merged(counting(1).exposition(OWN))
    assert lost(text) == {"1": 1, "2": 5}
    await new.stop()
    await asking.stop()
