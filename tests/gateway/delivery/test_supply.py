from __future__ import annotations

from collections.abc import Collection
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

    async def heads(self, *_: Any, known: Collection[str], **__: Any) -> list[Work]:
        found = [each for each in self.works if each.delivery.id not in known]
        self.meanwhile()
        return found


def supply_of(ledger: Any, busy: set[str]) -> Supply:
    """Give a supply of a ledger, beside deliveries that are being attempted."""
    return Supply(ledger, lambda: NOW, lambda: 0.0, Wakeup(), busy, lambda: timedelta(hours=1))


async def test_attempt_that_ends_during_the_read() -> None:
    """What was left out as being attempted, and may go again when the answer comes, is read once more."""
    busy = {"d"}

    def end() -> None:
        busy.clear()
        supply.stale = True

    supply = supply_of(Slow([head("d")], end), busy)
    await supply.fetch(CLAIM, frozenset)
    assert supply.stale
    assert not supply._queue
    await supply.fetch(CLAIM, frozenset)
    assert list(supply._queue) == ["d"]


async def test_attempt_that_begins_during_the_read() -> None:
    """What was offered and begun while the ledger answered is not queued a second time."""
    busy: set[str] = set()
    supply = supply_of(Slow([head("d"), head("e")], lambda: busy.add("d")), busy)
    await supply.fetch(CLAIM, frozenset)
    assert list(supply._queue) == ["e"]


async def test_attempt_that_goes_on() -> None:
    """What is still being attempted is left out, and not read again."""
    supply = supply_of(Slow([head("d")], lambda: None), {"d"})
    await supply.fetch(CLAIM, frozenset)
    assert not supply.stale
    assert not supply._queue
