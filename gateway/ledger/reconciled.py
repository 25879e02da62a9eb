"""What the gateway and a platform exchanged on a day, and what comparing it with the platform's own list came to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field


class Direction(StrEnum):
    """Which way documents went."""

    DELIVERED = "delivered"
    """From the gateway to the platform: deliveries that it accepted, each on the day on which its answer came."""
    ACCEPTED = "accepted"
    """From the platform to the gateway: messages, each on the day on which its bytes came."""


class Exchanged(Struct, frozen=True):
    """One document that was exchanged: a delivery, or a message that was accepted.

    `at`: when the platform's answer came, or the message's bytes. `digest`: the SHA-256 of the body sent, or of the
    body received (of a package all of it); None where it is not known any more. `state`: the delivery's, or
    `accepted`. `listed_as`: what it was asked for by. `place`: its number in the ledger. `resent`: it was replayed as
    a new delivery, which stands for it. An open delivery has no `at`.
    """

    id: str
    type: str
    at: datetime | None
    digest: bytes | None
    state: str
    place: int
    listed_as: str = ""
    resent: bool = False


class Comparison(Struct, frozen=True):
    """What comparing a platform's own list of a day with the ledger came to; kept for 30 days.

    `day` as 2026-11-28; `until`: what came later than this was not missed. `listed`: lines of the list; `digest`: of
    its content, as docs/reconciliation.md defines it. `counts`: how many of each sort. `sound` False: the list is not
    one of this day, and nothing is sent again by it.
    """

    id: str
    platform: str
    direction: Direction
    day: str
    until: datetime
    at: datetime
    actor: str
    listed: int
    digest: str
    sound: bool
    counts: Mapping[str, int] = field(default_factory=dict)
