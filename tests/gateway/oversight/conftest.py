"""A ledger that was told of documents, and the reports that are made of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from telling import MOBILE, PENALTY, Telling

from gateway.ledger.base import Ledger


@pytest.fixture
async def empty(new_ledger: Callable[[], Ledger]) -> AsyncIterator[Ledger]:
    """A ledger with nothing in it."""
    ledger = new_ledger()
    await ledger.start()
    yield ledger
    await ledger.stop()


@pytest.fixture
async def telling(empty: Ledger) -> Telling:
    """A ledger in which a province's mobile enforcement and penalty platform are registered; two checks a year."""
    made = Telling(empty, cap=2)
    await made.register(MOBILE, PENALTY)
    return made
