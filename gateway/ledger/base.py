"""What a ledger promises, in words. Every backend passes the same conformance suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from adapters.base import OutboundRequest
from gateway.ledger.records import (
    AuditEntry,
    Backlog,
    BulkReplay,
    DeliveryFilter,
    Intake,
    Known,
    MessageFilter,
    Native,
    Platform,
    Receipt,
    Rejection,
    ResultPage,
    Settlement,
    Work,
)
from gateway.ledger.versions import AdapterVersion
from gateway.message import Attempt, Delivery, Enriched, HeldBy, Message


class Ledger(Protocol):
    """The durable record; the only thing between intake and delivery.

    **Crash.** When a writing call returns, what it wrote is committed and fsynced; when the process
    dies before it returns, all of it is there or none of it. Concurrent calls share a commit.

    **Order.** Positions are assigned at commit under one writer: if `accept` of A returned before
    `accept` of B was called, A stands before B in every lane they share. A lane is the deliveries
    to one platform with one ordering key; its head is the open delivery with the lowest position,
    and only the head is ever given out by `heads`.

    **Held.** A delivery that is `ready` or `waiting` while its platform has a hold is shown, found
    and counted as `held` by that hold. Behind a dead delivery the rest of the lane is held by
    `lane` until the dead one is replayed or discarded.

    **Threads.** Methods are called from one event loop; none blocks it. Foreign database errors
    never leave: they become `gateway.errors`.
    """

    async def start(self) -> None:
        """Open the store, bring its schema up to date, and lock it against a second process."""
        ...

    async def stop(self) -> None:
        """Finish what was handed in, then close. A ledger that was stopped takes nothing more."""
        ...

    # ── intake ────────────────────────────────────────────────────────────────────────────────
    async def accept(self, intake: Intake) -> Receipt:
        """Keep an intake: messages, bodies, deliveries, numbers, rejections and audit, in one transaction.

        A draft whose (source, operation, identity) has an equal latest digest is a duplicate: the
        earlier message is returned and nothing new is kept. The same key with the same bytes gives
        the first receipt, `repeated`; with other bytes raises Conflict `idempotency.key-reused`.
        A key is remembered only when at least one entry was accepted (or was there already).
        Deliveries arrive `ready` or `unrouted`; in a lane with a dead head they become held by `lane`.
        """
        ...

    async def recall(self, platform: str, numbers: Mapping[str, str]) -> Mapping[str, Known]:
        """Recognise numbers that the platform issued, was sent, or aliased: canonical field → as it wrote it."""
        ...

    async def facts(self, correlation_id: str) -> Mapping[str, Enriched]:
        """Give what earlier messages of a correlation said first: keys and region, with their message."""
        ...

    # ── delivery ──────────────────────────────────────────────────────────────────────────────
    async def heads(self, platform: str, now: datetime, limit: int, *, probe: bool = False) -> Sequence[Work]:
        """Give up to `limit` lane heads that are ready, or waiting and due, oldest first.

        None while the platform has a hold; `probe` looks past the breaker's hold only.
        """
        ...

    async def next_due(self, platform: str) -> datetime | None:
        """Give the earliest `due_at` of a waiting head, or None."""
        ...

    async def begin(self, delivery_id: str, adapter: str, request: OutboundRequest, at: datetime) -> bool:
        """Mark a head `sending`, count the attempt and fix its request at the first one.

        False when it is no longer a head that is ready or waiting, or its platform has a hold other
        than the breaker's (a probe begins like any other).
        """
        ...

    async def settle(self, settlement: Settlement) -> bool:
        """Record an attempt and the state that follows, with its alias, in one transaction.

        True when another delivery of the lane became its head. Dead: the rest of the lane is held.
        """
        ...

    async def kill(self, delivery_id: str, code: str, reason: str, at: datetime) -> None:
        """Make a head that could not be translated dead: ready or waiting, through sending, nothing having left."""
        ...

    async def rescue(self, at: datetime) -> int:
        """Make every `sending` delivery `ready` and in doubt; called once at start. Gives their number."""
        ...

    async def assign(self, delivery_id: str, platform: str, at: datetime) -> bool:
        """Give an unrouted delivery its platform; it becomes ready at the position it was accepted with."""
        ...

    async def unrouted(
        self, kind: str, after: str | None = None, limit: int = 500
    ) -> Sequence[tuple[Delivery, Message]]:
        """Give unrouted deliveries of a kind in order of acceptance, after the given delivery id."""
        ...

    # ── operators ─────────────────────────────────────────────────────────────────────────────
    async def replay(
        self, delivery_id: str, *, actor: str, reason: str, at: datetime, stale_ok: bool = False
    ) -> Delivery:
        """Replay a delivery, as a recorded intent.

        Dead or refused: the same delivery, key and position become ready. Delivered: a new delivery
        with a new id at the end of its lane, `replay_of` the old. If a later delivery of the lane
        was delivered: Conflict `lane.moved_on`, unless `stale_ok`. Any other state: Conflict `state.wrong`.
        """
        ...

    async def discard(self, delivery_id: str, *, actor: str, reason: str, at: datetime) -> Delivery:
        """Give up a delivery that is ready, waiting, held, dead or unrouted; the lane moves on."""
        ...

    async def hold(self, delivery_id: str, *, actor: str, reason: str, at: datetime) -> Delivery:
        """Hold a ready or waiting delivery, and so the lane behind it, until `release`."""
        ...

    async def release(self, delivery_id: str, *, actor: str, reason: str, at: datetime) -> Delivery:
        """Lift an operator's hold; any other: Conflict `state.wrong`."""
        ...

    # ── platforms ─────────────────────────────────────────────────────────────────────────────
    async def platforms(self) -> Sequence[Platform]:
        """Give every platform, by id."""
        ...

    async def put_platform(self, platform: Platform, *, actor: str, at: datetime) -> None:
        """Register a platform or change it (its holds and held time stay as they are)."""
        ...

    async def delete_platform(self, platform_id: str, *, actor: str, at: datetime) -> None:
        """Forget a platform; Conflict `platform.in-use` while it has deliveries that are not settled."""
        ...

    async def hold_platform(self, platform_id: str, by: HeldBy, *, actor: str, reason: str, at: datetime) -> None:
        """Add a hold; holding twice by the same reason changes nothing."""
        ...

    async def release_platform(self, platform_id: str, by: HeldBy, *, actor: str, reason: str, at: datetime) -> None:
        """Lift a hold; the time it lasted does not count towards giving up."""
        ...

    async def add_credential(self, platform_id: str, digest: str, *, actor: str, at: datetime) -> None:
        """Keep the hash of a credential for a platform."""
        ...

    async def credentials(self) -> Mapping[str, str]:
        """Give hash → platform id of every credential."""
        ...

    # ── adapters ──────────────────────────────────────────────────────────────────────────────
    async def add_adapter(self, adapter: AdapterVersion, content: bytes, *, actor: str, at: datetime) -> AdapterVersion:
        """Keep an uploaded version with its bundle's bytes, for good.

        The same digest again gives what is kept already; another: Conflict `adapter.version-exists`.
        """
        ...

    async def change_adapters(
        self, versions: Sequence[AdapterVersion], *, actor: str, action: str, reason: str, at: datetime
    ) -> Sequence[AdapterVersion]:
        """Write how versions stand now, all of them in one transaction, with audit; gives them as kept.

        One that was not kept yet (an installed one) is added without bytes. Conflict
        `adapter.changed` when one was changed since it was read. Of a name, one version is active.
        """
        ...

    async def adapters(self) -> Sequence[AdapterVersion]:
        """Give every version that is kept, by name, in the order they were first kept."""
        ...

    async def adapter_content(self, name: str, version: str) -> bytes | None:
        """Give the bytes of an uploaded bundle."""
        ...

    # ── reading ───────────────────────────────────────────────────────────────────────────────
    async def message(self, message_id: str) -> Message | None: ...
    async def native(self, message_id: str) -> Native | None: ...
    async def deliveries_of(self, message_id: str) -> Sequence[Delivery]: ...
    async def delivery(self, delivery_id: str) -> Delivery | None: ...
    async def attempts_of(self, delivery_id: str) -> Sequence[Attempt]: ...
    async def sent(self, delivery_id: str) -> OutboundRequest | None: ...
    async def rejection(self, rejection_id: str) -> Rejection | None: ...
    async def rejection_native(self, rejection_id: str) -> Native | None: ...

    async def find_messages(
        self, filter: MessageFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Message]:
        """Find messages, newest first; a filter never scans what an index can find."""
        ...

    async def find_deliveries(
        self, filter: DeliveryFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Delivery]:
        """Find deliveries, newest first."""
        ...

    async def find_rejections(
        self, platform: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Rejection]:
        """Find rejections, newest first."""
        ...

    async def dossier(self, credit_code: str, types: Sequence[str], limit: int = 50) -> Sequence[Message]:
        """Give the latest message of each identity about an enterprise, of the given types, newest first."""
        ...

    async def backlog(self) -> Sequence[Backlog]:
        """Count what is not settled, by platform, kind, state and holder."""
        ...

    async def audit(self, subject: str, limit: int = 200) -> Sequence[AuditEntry]:
        """Give what was done to a subject (a message, delivery or platform id), oldest first."""
        ...

    async def put_bulk_replay(self, replay: BulkReplay) -> None:
        """Keep the progress of a bulk replay."""
        ...

    async def bulk_replays(self, *, unfinished: bool = False) -> Sequence[BulkReplay]:
        """Give the bulk replays, newest first."""
        ...
