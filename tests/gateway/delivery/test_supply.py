from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.delivery.supply import Supply
from gateway.delivery.wakeup import Wakeup
from gateway.ledger.records import Claim, Work
from gateway.message import Delivery, Message, State

NOW = datetime(2026, 9, 1, tzinfo=UTC)
CLAIM = Claim("penalty.330000", "here", 1)


def head(name: str) -> Work:
    """A head that waits, and is due."""
    message = Message(name, "t", {}, "s.330000", "o", "a@1", "330000", "lane", "case", NOW, "i", "d")
    delivery = Delivery(name, name, "t", "penalty", CLAIM.platform, "lane", State.WAITING, NOW, position=1, due_at=NOW)
    return Work(delivery, message)


class Slow:
    """A ledger whose answer comes after something else has happened."""

    def __init__(self, works: list[Work], meanwhile: Any) -> None:
        self.works, self.meanwhile = works, meanwhile

    async def heads(self, *_: Any, **__: Any) -> list[Work]:
        self.meanwhile()
        return self.works


async def test_attempt_that_ended_just_before_the_read() -> None:
    """What was left out as being attempted, and is not any more when the answer comes, is read once more: it is due."""
    busy = {"d"}
    ledger: Any = Slow([head("d")], busy.clear)
    supply = Supply(ledger, lambda: NOW, lambda: 0.0, Wakeup(), busy, lambda: timedelta(hours=1))
    await supply.fetch(CLAIM, frozenset)
    assert supply.stale
    await supply.fetch(CLAIM, frozenset)
    assert not supply.stale
    assert list(supply._queue) == ["d"]


async def test_attempt_that_goes_on() -> None:
    """What is still being attempted is left out, and not read again."""
    ledger: Any = Slow([head("d")], lambda: None)
    supply = Supply(ledger, lambda: NOW, lambda: 0.0, Wakeup(), {"d"}, lambda: timedelta(hours=1))
    await supply.fetch(CLAIM, frozenset)
    assert not supply.stale
    assert not supply._queue
