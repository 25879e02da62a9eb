from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from gateway.ledger.records import Accepted, Intake, Moved, Reads
from gateway.ledger.sql import SqlLedger

STALE = Reads(numbers={("mobile-enforcement.330100", "case_number", "C1"): None})
"""What is not so any more once a message brought C1."""


@pytest.fixture
def package(small: Any) -> Callable[..., Intake]:
    """Makes packages of three chunks; one that is `stale` stops in the last of them."""

    def made(run: str, key: str, *, hours: float = 0, stale: bool = False) -> Intake:
        drafts = [small.draft(f"{run}{index}", identity=f"{key}{index}", digest="same") for index in range(501)]
        if stale:
            drafts[500] = replace(drafts[500], reads=STALE)
        intake = small.package(*drafts, key=key, body=key.encode())
        return replace(intake, received_at=small.now + timedelta(hours=hours))

    return made


@pytest.fixture
async def number(ledger: SqlLedger, small: Any) -> None:
    """Keeps a message that brought C1."""
    draft = replace(small.draft("brought"), numbers={"case_number": "C1"})
    await ledger.accept(small.package(draft, body=b"c1"))


@pytest.fixture
def progress(path: Path) -> Callable[[], list[int]]:
    """Tells where the chunks begin that are kept of packages under way."""

    def kept() -> list[int]:
        engine = sa.create_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            return sorted(connection.execute(sa.text("SELECT start FROM packages")).scalars())

    return kept


async def _stopped(ledger: SqlLedger, package: Intake) -> None:
    with pytest.raises(Moved):
        await ledger.accept(package)


@pytest.mark.usefixtures("number")
async def test_what_nobody_went_on_with_for_a_day_is_forgotten(ledger: Any, package: Any, progress: Any) -> None:
    """When the next package begins; sent again after that, its records are duplicates of what was kept."""
    await _stopped(ledger, package("a", "k-1", stale=True))
    await _stopped(ledger, package("b", "k-2", hours=23, stale=True))
    assert progress() == [0, 0, 250, 250]
    await ledger.accept(package("c", "k-3", hours=25))
    assert progress() == [0, 250]
    receipt = await ledger.accept(package("d", "k-1", hours=26))
    assert [isinstance(one, Accepted) and one.duplicate for one in receipt.entries] == [True] * 500 + [False]


@pytest.mark.usefixtures("number")
async def test_what_is_gone_on_with_is_kept(ledger: Any, package: Any, progress: Any) -> None:
    """Sent again after a day it goes on where it stopped, though others begin before it is whole."""
    await _stopped(ledger, package("a", "k-1", stale=True))
    await _stopped(ledger, package("b", "k-1", hours=30, stale=True))
    await ledger.accept(package("c", "k-2", hours=31))
    assert progress() == [0, 250]
    receipt = await ledger.accept(package("d", "k-1", hours=32))
    assert [one.message.id for one in receipt.entries] == [f"a{index}" for index in range(500)] + ["d500"]
    assert progress() == []
