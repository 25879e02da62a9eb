"""Deliveries that have waited for long are told in the log, by their ids: a metric has no room for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from gateway.clock import Clock
from gateway.ledger.base import Ledger
from gateway.ledger.records import Backlog
from gateway.message import UNWANTED
from gateway.telemetry.events import DeliveryWaits, Events

LONG = timedelta(minutes=10)
"""How long a delivery waits before it is told."""

_Group = tuple[str | None, str, str, str | None]


class ToldWait(Struct, frozen=True):
    """What was told last of deliveries that stand alike: which one, how old it was, and when."""

    delivery_id: str
    age: timedelta
    at: datetime

    def is_news(self, delivery_id: str, age: timedelta, now: datetime, long: timedelta) -> bool:
        """Tell whether to tell again: the same one once it is twice as old, another one after `long`."""
        return age >= 2 * self.age if delivery_id == self.delivery_id else now - self.at >= long


Told = Mapping[_Group, ToldWait]


def to_tell(
    backlog: Iterable[Backlog], told: Told, now: datetime, long: timedelta = LONG
) -> tuple[list[DeliveryWaits], Told]:
    """Decide what is told of a backlog now, and give what is told then; what does not wait any more is forgotten.

    What a region was declared not to have a platform for waits for nobody.
    """
    events: list[DeliveryWaits] = []
    after: dict[_Group, ToldWait] = {}
    for each in backlog:
        group, age = (each.platform, each.kind, each.state, each.held_by), now - each.oldest
        before = told.get(group)
        if age < long or each.state == UNWANTED:
            continue
        if before is None or before.is_news(each.oldest_id, age, now, long):
            after[group] = ToldWait(each.oldest_id, age, now)
            events.append(_waits(each, age))
        else:
            after[group] = before
    return events, after


def _waits(each: Backlog, age: timedelta) -> DeliveryWaits:
    return DeliveryWaits(
        delivery_id=each.oldest_id,
        platform=each.platform or "",
        kind=each.kind,
        state=each.state,
        held_by=each.held_by.value if each.held_by else None,
        count=each.count,
        seconds=age.total_seconds(),
    )


class LongestWaits:
    """Looks at the backlog whenever it is asked to, and tells of what waits for long."""

    def __init__(self, ledger: Ledger, clock: Clock, events: Events) -> None:
        self._ledger = ledger
        self._clock = clock
        self._events = events
        self._told: Told = {}

    async def look(self) -> None:
        """Tell of the deliveries that have waited longest, where that is news."""
        events, self._told = to_tell(await self._ledger.backlog(), self._told, self._clock())
        for event in events:
            self._events(event)
