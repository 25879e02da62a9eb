"""What goes into the ledger and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from adapters.base import OutboundRequest
from gateway.message import Attempt, Delivery, HeldBy, Message, State

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IntakeDraft:
    """A message ready to be kept, with the deliveries its routes gave (unrouted ones included).

    `index` is the record's number in its package. `numbers` are the issued numbers it speaks of,
    in their issuer's words: kept for the source and for each destination, so that either may
    speak of them later.
    """

    index: int
    message: Message
    deliveries: tuple[Delivery, ...]
    numbers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A document that was not accepted from its sender. `problem` is the problem document as answered."""

    id: str
    platform: str
    operation: str
    received_at: datetime
    index: int
    status: int
    code: str
    problem: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Intake:
    """One request's worth of documents: kept whole, in one transaction, or not at all.

    `key` is the caller's Idempotency-Key (scoped to platform and operation). `body` are the exact
    bytes received, kept once for all entries.
    """

    platform: str
    operation: str
    received_at: datetime
    body: bytes
    content_type: str
    entries: tuple[IntakeDraft | Rejection, ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a draft. `duplicate`: an equal document of this identity was there already, and this is it."""

    index: int
    message: Message
    deliveries: tuple[Delivery, ...]
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of an intake, entry by entry. `repeated`: key and bytes came before; this is the first answer."""

    entries: tuple[Accepted | Rejection, ...]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A number that a platform spoke of, recognised: `original` is it in its issuer's words."""

    original: str
    message_id: str
    type: str
    source: str
    correlation_id: str
    ordering_key: str


@dataclass(frozen=True, slots=True)
class Work:
    """A lane head that may be sent now, with all that is needed to send it.

    `request` is what the first attempt sent (None before it); `aliases` are the platform's own
    numbers for what the document speaks of, by canonical field.
    """

    delivery: Delivery
    message: Message
    request: OutboundRequest | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an attempt ended and what follows.

    `state` is one that SENDING may pass to; `due_at` goes with WAITING (without one: due at once).
    `alias` is (canonical field, the original number) when the accepting platform's
    `attempt.reference` is its own name for that number.
    """

    attempt: Attempt
    state: State
    due_at: datetime | None = None
    in_doubt: bool = False
    alias: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """An outside system: one kind in one region. `id` is `kind.region`.

    `version` None follows the adapter's newest. `holds` are the reasons the whole platform waits
    now; `held_seconds` how long it waited before, `held_since` since when it waits now.
    """

    id: str
    kind: str
    region: str
    adapter: str
    settings: Mapping[str, Any]
    created_at: datetime
    version: str | None = None
    mode: str = "push"
    holds: frozenset[HeldBy] = frozenset()
    held_seconds: float = 0.0
    held_since: datetime | None = None

    def unheld(self, now: datetime) -> float:
        """Give the platform's unheld clock: seconds that pass only while nothing holds it."""
        held = (now - self.held_since).total_seconds() if self.held_since else 0.0
        return now.timestamp() - self.held_seconds - held


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """What to look for among messages; None does not restrict. `platform` is source or destination.

    `state` is that of any delivery, as it is shown; `since` is included and `until` is not.
    """

    type: str | None = None
    platform: str | None = None
    case_number: str | None = None
    credit_code: str | None = None
    correlation_id: str | None = None
    state: State | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """What to look for among deliveries; None does not restrict."""

    state: State | None = None
    platform: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class ResultPage(Generic[T]):
    """Newest first. `cursor` continues after the last item; None: there is no more."""

    items: tuple[T, ...]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Native:
    """The exact bytes received, and where in them the record stood."""

    body: bytes
    content_type: str
    index: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many deliveries to a platform stand in a state that is not done with, and since when."""

    platform: str | None
    kind: str
    state: State
    held_by: HeldBy | None
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what, when and why. Append-only."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BulkReplay:
    """A replay of every delivery that a filter finds: its reason, and how far it has come."""

    id: str
    filter: DeliveryFilter
    reason: str
    actor: str
    created_at: datetime
    stale_ok: bool = False
    total: int = 0
    replayed: int = 0
    failed: int = 0
    cursor: str | None = None
    finished_at: datetime | None = None
