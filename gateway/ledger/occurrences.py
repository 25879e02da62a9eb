"""What the regular report counts: occurrences that documents told of, how they are tallied, and what was heard of."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from msgspec import Struct

YUAN = 10_000
"""Amounts are kept as ten-thousandths of a yuan."""

RECEIVED, REJECTED, DELIVERED = "@received", "@rejected", "@delivered"
"""Under these names the use of the gateway itself is tallied; no occurrence is named like them."""

OFFICER, PARTY, ARRIVAL, DELIVERY = "officer:", "party:", "arrival:", "delivery:"
"""What the things of a tally begin with: an officer's number, a credit code, or a step of `STEPS`."""


class Occurrence(Struct, frozen=True):
    """Something that happened, as the last version of a document tells of it.

    `message_id`: the message that told of it, `identity` what it is a version of. `day` is in the ledger's zone,
    `until` the last day of what holds for a time. `lane` and `number` tie it to others of its case, `party` (a
    credit code) to others of its enterprise; empty: it is tied to none. `at`: its own moment, `limit`: until when
    something must follow. `own`: the traits that follow from itself, `traits`: all, with those that follow from
    others; both in order. `amount` in ten-thousandths of a yuan. `things`: what is counted once, with its prefix.
    `received_at`: when its
    message came, `first_at` when the first version did; `since`: from when on it stood like this in the ledger.
    """

    name: str
    message_id: str
    identity: str
    day: date
    region: str
    authority: str
    received_at: datetime
    first_at: datetime
    since: datetime
    until: date | None = None
    lane: str = ""
    number: str = ""
    party: str = ""
    at: datetime | None = None
    limit: datetime | None = None
    own: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    amount: int = 0
    things: tuple[str, ...] = ()


class Seen(Struct, frozen=True):
    """A message as the report sees it, with the occurrences it tells of (none: it takes back what it told before).

    `corrects`: the message that it takes the place of, though it is no later version of it. `registers`: the
    registers that its enterprise enters. `identity` is empty for documents that no rule speaks of.
    """

    message_id: str
    identity: str
    received_at: datetime
    region: str
    occurrences: tuple[Occurrence, ...] = ()
    corrects: str | None = None
    party: str = ""
    registers: tuple[str, ...] = ()


class Judging(Protocol):
    """What follows of occurrences from others; pure, called in the ledger's transaction, on its thread.

    `tallied`: the names that are tallied. `cases`, `parties`: the names that are judged by, or judge, others of their
    case, or of their enterprise. `registers`: those that enterprises are looked for in. `accepting`: by name, the kind
    of platform that accepts it, and the trait that it then has.
    """

    @property
    def tallied(self) -> frozenset[str]: ...
    @property
    def cases(self) -> frozenset[str]: ...
    @property
    def parties(self) -> frozenset[str]: ...
    @property
    def registers(self) -> frozenset[str]: ...
    @property
    def accepting(self) -> Mapping[str, tuple[str, str]]: ...

    def judged(
        self, one: Occurrence, case: Sequence[Occurrence], party: Sequence[Occurrence], registers: frozenset[str]
    ) -> tuple[str, ...]:
        """Give all traits of an occurrence, by those of its case and enterprise, itself included, and the registers
        that its enterprise is in."""
        ...

    def succeeding(self, new: Occurrence, old: Occurrence) -> Occurrence:
        """Give a later version, or the same read anew, with what stays of the one before: when it first came."""
        ...

    def things(self, one: Occurrence) -> Sequence[str]:
        """Give what of an occurrence is counted once, as it stands."""
        ...

    def month(self, moment: datetime) -> int:
        """Give the month of a moment in the ledger's zone: the year times a hundred and the month."""
        ...


class OccurrenceTally(Struct, frozen=True):
    """How many occurrences are alike in one month: of their name, traits, place and authority.

    `month` is the year times a hundred and the month. `thing`: what the count is of, empty for occurrences.
    `arrived`: the month in which it came to stand like this. A month, region or authority that was not asked for is 0
    or empty.
    """

    name: str
    count: int
    month: int = 0
    traits: tuple[str, ...] = ()
    region: str = ""
    authority: str = ""
    thing: str = ""
    arrived: int = 0
    amount: int = 0


class TallyFilter(Struct, frozen=True):
    """Which tallies to give: those of these months, the last included, and of what the names say.

    `months`, `authorities`: whether to tell them apart. `as_of`: as everything stood at that moment.
    """

    since: int
    until: int
    months: bool = False
    authorities: bool = False
    as_of: datetime | None = None


class OccurrenceFilter(Struct, frozen=True):
    """Which occurrences to find: of one of these names with all these traits, in these months and regions.

    `regions` None: anywhere. `holding_on`: of what holds for a time, only what holds on that day. `as_of`: those that
    stood at that moment, as they were then; None: those that stand.
    """

    names: tuple[str, ...]
    traits: tuple[str, ...]
    since: int
    until: int
    regions: frozenset[str] | None = None
    holding_on: date | None = None
    as_of: datetime | None = None


class FoundOccurrence(Struct, frozen=True):
    """An occurrence that was found: the message that tells of it, and where and when it was."""

    message_id: str
    name: str
    day: date
    region: str
    authority: str


class LastHeard(Struct, frozen=True):
    """When something was heard of last: a region, say. `what` names its sort."""

    what: str
    value: str
    at: datetime


UNCOUNTED = "uncounted"
"""The trait of what has a time limit in a year whose holidays nobody entered."""

REGION = "region"
"""The sort of what is heard of with every message; the others are registers."""


# ── durations ─────────────────────────────────────────────────────────────────────────────────
def _scale() -> tuple[int, ...]:
    steps, step = [0], 1.0
    while steps[-1] < 10 * 366 * 86_400:
        steps.append(max(steps[-1] + 1, round(step)))
        step = max(step * 1.1, steps[-1])
    return tuple(steps)


STEPS = _scale()
"""Seconds. A duration is counted under the first that is not below it, and so at most a tenth too long."""


def step_of(seconds: float) -> int:
    """Give the place in `STEPS` under which a duration is counted; one below nothing counts as nothing."""
    return min(bisect_left(STEPS, max(0.0, seconds)), len(STEPS) - 1)


def month_of(day: date) -> int:
    """Give a day's month: the year times a hundred and the month."""
    return day.year * 100 + day.month
