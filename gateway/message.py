"""Messages, deliveries and attempts, and the states a delivery may pass through."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from adapters.base import ReceiptLevel
from schemas.catalog import TYPES
from schemas.documents.personal import citizen_ids, without
from schemas.reprs import Discreet

_LONG_NUMBER = re.compile(r"\d{17}")


class State(StrEnum):
    """Where a delivery stands, as it is stored."""

    UNROUTED = "unrouted"
    READY = "ready"
    SENDING = "sending"
    WAITING = "waiting"
    DELIVERED = "delivered"
    REFUSED = "refused"
    DEAD = "dead"
    DISCARDED = "discarded"


HELD = "held"
"""What a delivery that could go but waits is shown as. It is never stored: see `Delivery.held_by`."""

UNWANTED = "unwanted"
"""What an unrouted delivery is shown as whose kind of platform its region was declared not to have. It is never
stored as a state: such a delivery has the code `KIND_UNWANTED`, and the declaration's reason."""

KIND_UNWANTED = "kind.unwanted"
"""The code of an unrouted delivery that is shown as `unwanted`; no other code is given to unrouted ones."""

SHOWN = (*State, HELD, UNWANTED)
"""Everything a delivery may be shown as, and looked for by."""


class HeldBy(StrEnum):
    """Why a delivery that could go waits; the first that applies is shown.

    Of the delivery: `operator`. Of its lane: `lane`, one ahead of it is dead. Of its platform:
    `paused`, `credentials`, `breaker`. Of one endpoint, a message type to a platform: `endpoint`.
    """

    OPERATOR = "operator"
    LANE = "lane"
    PAUSED = "paused"
    CREDENTIALS = "credentials"
    BREAKER = "breaker"
    ENDPOINT = "endpoint"


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.UNROUTED: frozenset({State.READY, State.DISCARDED}),
    State.READY: frozenset({State.SENDING, State.DEAD, State.DISCARDED}),
    State.SENDING: frozenset({State.DELIVERED, State.REFUSED, State.WAITING, State.DEAD, State.READY}),
    State.WAITING: frozenset({State.SENDING, State.DISCARDED}),
    State.DELIVERED: frozenset(),
    State.REFUSED: frozenset({State.READY}),
    State.DEAD: frozenset({State.READY, State.DISCARDED}),
    State.DISCARDED: frozenset(),
}
"""Every step a delivery may take; the ledger's CHECK constraints and the drawing repeat it."""

SENDABLE = frozenset({State.READY, State.WAITING})
"""The states a head may be sent from, and the only ones that are ever shown as held."""

SETTLED = frozenset({State.DELIVERED, State.REFUSED, State.DISCARDED})
"""Done with: these do not keep a lane waiting."""

OPEN = frozenset(State) - SETTLED - {State.UNROUTED}
"""Not done with: the first open delivery of a lane is its head, and the others wait behind it."""


def may_pass(before: State, after: State) -> bool:
    """Tell whether a delivery may go from one state to the other."""
    return after in TRANSITIONS[before]


def drawing() -> str:
    """Give the state machine as mermaid text, a line a step, generated from `TRANSITIONS`."""
    starts = [f"    [*] --> {state}" for state in (State.READY, State.UNROUTED)]
    steps = [f"    {state} --> {after}" for state in State for after in State if may_pass(state, after)]
    ends = [f"    {state} --> [*]" for state in State if state in SETTLED]
    return "\n".join(["stateDiagram-v2", *starts, *steps, *ends]) + "\n"


class Message(Discreet, frozen=True):
    """An immutable document plus headers.

    `document` is the canonical document as it was sent, its numbers in the words of their issuer;
    `enriched` the values the gateway filled in from the same case, each with the message it came
    from (never overwriting what was sent); `raw_numbers` the sender's own numbers that an alias
    replaced. `keys` are the searchable numbers. `digest` is the SHA-256 of the document as sent,
    hexadecimal; `identity` the natural identity within platform and operation.
    """

    id: str
    type: str
    document: Mapping[str, Any]
    source: str
    operation: str
    adapter: str
    region: str
    ordering_key: str
    correlation_id: str
    received_at: datetime
    identity: str
    digest: str
    keys: Mapping[str, str] = field(default_factory=dict)
    causation_id: str | None = None
    corrects: str | None = None
    enriched: Mapping[str, Enriched] = field(default_factory=dict)
    raw_numbers: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Mapping[str, Any], ...] = ()
    trace_id: str | None = None


class Enriched(Discreet, frozen=True):
    """A value the case already knew, and the message it was taken from."""

    value: str
    message_id: str


class Delivery(Struct, frozen=True):
    """One message to one platform.

    `lane` is the ordering key; `position` the place in the platform's order, assigned at commit.
    `platform` is None while unrouted; `toward` then says whom it seeks among its kind: `nearest`,
    `nearest.REGION`, `national`, or one platform's id. `held_by` is an overlay that the ledger fills in as it reads;
    `held_at` is kept: since when an operator holds this delivery, None when nobody does.
    `due_at` is set while waiting, with `waits_since`, the moment of the same clock at which that was decided;
    `leased_until` while it is sending because its platform fetched it.
    `in_doubt`: an earlier attempt's request may have arrived.
    `tried_for`: seconds spent trying, attempts and the waits between them; time held adds nothing.
    `adapter` is fixed at the first attempt, with the request.
    """

    id: str
    message_id: str
    type: str
    kind: str
    platform: str | None
    lane: str
    state: State
    created_at: datetime
    position: int = 0
    held_by: HeldBy | None = None
    held_at: datetime | None = None
    toward: str | None = None
    due_at: datetime | None = None
    waits_since: datetime | None = None
    leased_until: datetime | None = None
    attempts: int = 0
    in_doubt: bool = False
    adapter: str | None = None
    reference: str | None = None
    reason: str | None = None
    code: str | None = None
    changed_at: datetime | None = None
    tried_for: float = 0.0
    replay_of: str | None = None

    @property
    def shown(self) -> str:
        """Where it stands as people see it: its state, or `held` or `unwanted` over it."""
        return HELD if self.held_by is not None else self.stands

    @property
    def stands(self) -> str:
        """Where it stands apart from what holds it: its state, or `unwanted` over `unrouted`."""
        unwanted = self.state is State.UNROUTED and self.code == KIND_UNWANTED
        return UNWANTED if unwanted else self.state._value_  # `value` of an enumeration takes ten times as long


class Attempt(Discreet, frozen=True):
    """One try of one delivery, as it went. `status` is the HTTP status, None without an answer.

    `receipt` is there when the platform fetched the delivery and told by a receipt what became of it:
    `IN_TIME`, or `LATE` when the lease had lapsed by then; `reply` are the receipt's bytes. `level`: how far the
    answer proves that the document came; `answered`: the SHA-256 of all its bytes, of which `reply` may be the
    beginning. None without an answer, and for attempts of before these were kept.
    """

    delivery_id: str
    number: int
    started_at: datetime
    ended_at: datetime
    verdict: str
    status: int | None = None
    reference: str | None = None
    reason: str | None = None
    code: str | None = None
    reply: bytes = b""
    receipt: str | None = None
    level: str | None = None
    answered: bytes | None = None


_LEVELS = tuple(ReceiptLevel)

IN_TIME, LATE = "in-time", "late"
"""How a receipt came; see `Attempt`."""


class LevelReached(Struct, frozen=True):
    """A level that a delivery reached, and what shows it: the answer to an attempt, by when it was read and its digest.

    `digest` is the SHA-256 of all bytes of the answer.
    """

    level: ReceiptLevel
    at: datetime
    digest: bytes
    attempt: int


def reached(attempts: Iterable[Attempt]) -> Sequence[LevelReached]:
    """Give the levels that a delivery reached, the lowest first, each by the first answer that shows it.

    A level that no answer shows is left out: it is not known.
    """
    known = [
        (each, _LEVELS.index(ReceiptLevel(each.level))) for each in attempts if each.level and each.answered is not None
    ]
    found = []
    for at, level in enumerate(_LEVELS):
        first = next((each for each, proves in known if proves >= at), None)
        if first is not None and first.answered is not None:
            found.append(LevelReached(level, first.ended_at, first.answered, first.number))
    return found


def effective_document(message: Message) -> dict[str, Any]:
    """Give a message's document as it is routed and sent on: what was sent, and what the case knew."""
    return overlaid(message.document, message.enriched)


def unnamed(message: Message, said: str) -> str:
    """Mask the citizen ids of a message's document in what a platform said of it: platforms repeat what they got."""
    # The document is looked through only when there is a number that long.
    if not _LONG_NUMBER.search(said):
        return said
    return without(said, citizen_ids(TYPES[message.type].document, effective_document(message)))


def overlaid(document: Mapping[str, Any], enriched: Mapping[str, Enriched]) -> dict[str, Any]:
    """Lay enriched values over a document, which stays as it is."""
    result = dict(document)
    for path, fact in enriched.items():
        result = with_value(result, path, fact.value)
    return result


def with_value(document: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Give a copy of a document with a value at a path (`party.name`); everything off the path is shared."""
    name, _, rest = path.partition(".")
    if not rest:
        return {**document, name: value}
    inner = document.get(name)
    return {**document, name: with_value(inner if isinstance(inner, Mapping) else {}, rest, value)}
