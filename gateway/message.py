"""Messages, deliveries and attempts, and the states a delivery may pass through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a delivery stands."""

    UNROUTED = "unrouted"
    READY = "ready"
    SENDING = "sending"
    WAITING = "waiting"
    HELD = "held"
    DELIVERED = "delivered"
    REFUSED = "refused"
    DEAD = "dead"
    DISCARDED = "discarded"


class HeldBy(StrEnum):
    """Why a delivery is held. `lane`: one ahead of it in its lane is dead."""

    BREAKER = "breaker"
    PAUSED = "paused"
    CREDENTIALS = "credentials"
    LANE = "lane"
    OPERATOR = "operator"


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.UNROUTED: frozenset({State.READY, State.DISCARDED}),
    State.READY: frozenset({State.SENDING, State.HELD, State.DISCARDED}),
    State.SENDING: frozenset({State.DELIVERED, State.REFUSED, State.WAITING, State.DEAD, State.READY}),
    State.WAITING: frozenset({State.SENDING, State.HELD, State.DISCARDED}),
    State.HELD: frozenset({State.READY, State.DISCARDED}),
    State.DEAD: frozenset({State.READY, State.DISCARDED}),
    State.REFUSED: frozenset({State.READY}),
    State.DELIVERED: frozenset(),
    State.DISCARDED: frozenset(),
}
"""Every step that a delivery takes, and no other; the ledger's CHECK constraints and the drawing repeat it."""

SETTLED = frozenset({State.DELIVERED, State.REFUSED, State.DISCARDED})
"""Done with: the lane goes on without them."""

OPEN = frozenset(State) - SETTLED - {State.UNROUTED}
"""Not done with: the first open delivery of a lane is its head, and the others wait until it is settled."""


def may_pass(before: State, after: State) -> bool:
    """Tell whether a delivery may go from one state to the other."""
    return after in TRANSITIONS[before]


def drawing() -> str:
    """Give the state machine as mermaid text, a line a step, generated from `TRANSITIONS`."""
    starts = [f"    [*] --> {state}" for state in (State.READY, State.UNROUTED)]
    steps = [f"    {state} --> {after}" for state in State for after in State if may_pass(state, after)]
    ends = [f"    {state} --> [*]" for state in State if state in SETTLED]
    return "\n".join(["stateDiagram-v2", *starts, *steps, *ends]) + "\n"


@dataclass(frozen=True, slots=True)
class Message:
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


@dataclass(frozen=True, slots=True)
class Enriched:
    """A value the case already knew, and the message it was taken from."""

    value: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one platform.

    `lane` is the ordering key; `position` its number in the order of acceptance, assigned at commit.
    `platform` is None while unrouted. `trying_since` is on the platform's unheld clock (seconds):
    give-up counts only time not held. `due_at` is set while waiting. `in_doubt`: an earlier
    attempt's request may have arrived. `adapter` is fixed at the first attempt, with the request.
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
    due_at: datetime | None = None
    attempts: int = 0
    in_doubt: bool = False
    adapter: str | None = None
    reference: str | None = None
    reason: str | None = None
    code: str | None = None
    changed_at: datetime | None = None
    trying_since: float | None = None
    replay_of: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one delivery, as it went. `status` is the HTTP status, None without an answer."""

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


def effective_document(message: Message) -> dict[str, Any]:
    """Give a message's document as it is routed and sent on: what was sent, and what the case knew."""
    return overlaid(message.document, message.enriched)


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
