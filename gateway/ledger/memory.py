"""The ledger in memory: the reference implementation, and the specification by example."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from itertools import count

from adapters.base import OutboundRequest
from gateway.ledger import decisions
from gateway.ledger.errors import (
    adapter_changed,
    in_use,
    no_delivery,
    no_platform,
    stopped,
    version_exists,
)
from gateway.ledger.memory_store import Lane, MemoryStore, StoredMessage
from gateway.ledger.records import (
    Accepted,
    AuditEntry,
    BulkReplay,
    Intake,
    IntakeDraft,
    Native,
    Platform,
    Receipt,
    Rejection,
    Settlement,
)
from gateway.ledger.versions import AdapterVersion
from gateway.message import SETTLED, Delivery, Enriched, HeldBy, Message, State


class MemoryLedger(MemoryStore):
    """A `gateway.ledger.base.Ledger` that keeps everything in this object, for as long as it lives.

    `rejections`: how many are kept for each platform, the newest.
    """

    def __init__(self, *, rejections: int = 10_000) -> None:
        super().__init__()
        self._bound = rejections
        self._seqs = count(1)
        self._positions = count(1)
        self._running = False

    async def start(self) -> None:
        self._running = True

    async def stop(self) -> None:
        self._running = False

    # ── intake ────────────────────────────────────────────────────────────────────────────────
    async def accept(self, intake: Intake) -> Receipt:
        self._check_running()
        digest = sha256(intake.body).digest()
        known = self._receipts.get((intake.platform, intake.operation, intake.key or ""))
        if intake.key is not None and known and decisions.is_repeat(known[0].hex(), digest.hex()):
            return replace(known[1], repeated=True)
        receipt = Receipt(tuple(self._take(entry, intake) for entry in intake.entries))
        self._bound_rejections(intake.platform)
        if intake.key is not None and any(isinstance(entry, Accepted) for entry in receipt.entries):
            self._receipts[intake.platform, intake.operation, intake.key] = (digest, receipt)
        return receipt

    def _take(self, entry: IntakeDraft | Rejection, intake: Intake) -> Accepted | Rejection:
        if isinstance(entry, Rejection):
            self._rejections[entry.id] = (next(self._seqs), entry, intake)
            return entry
        message = entry.message
        latest = self._kept.get(self._latest.get((message.source, message.operation, message.identity), ""))
        if latest and decisions.is_duplicate(latest.message.digest, message.digest):
            return Accepted(entry.index, latest.message, self._shown_of(latest.message), duplicate=True)
        return self._keep(entry, intake)

    def _keep(self, draft: IntakeDraft, intake: Intake) -> Accepted:
        message = draft.message
        native = Native(intake.body, intake.content_type, draft.index)
        self._kept[message.id] = StoredMessage(next(self._seqs), message, draft.numbers, native)
        self._latest[message.source, message.operation, message.identity] = message.id
        for field, value in decisions.said(message).items():
            self._facts[message.correlation_id].setdefault(field, Enriched(value, message.id))
        for platform in decisions.speakers(message, draft.deliveries):
            self._learn(platform, message.id)
        for delivery in draft.deliveries:
            self._add(delivery)
        self._record(message.id, message.received_at, message.source, "message.accepted")
        return Accepted(draft.index, message, self._shown_of(message))

    def _learn(self, platform: str, message_id: str) -> None:
        for field, number in self._kept[message_id].numbers.items():
            self._numbers.setdefault((platform, field, number), (number, message_id))

    def _shown_of(self, message: Message) -> tuple[Delivery, ...]:
        return tuple(self._shown(self._deliveries[each]) for each in self._of_message[message.id])

    def _bound_rejections(self, platform: str) -> None:
        kept = [each for each, (_, rejection, _) in self._rejections.items() if rejection.platform == platform]
        for each in kept[: max(0, len(kept) - self._bound)]:
            del self._rejections[each]

    # ── lanes ─────────────────────────────────────────────────────────────────────────────────
    def _add(self, delivery: Delivery) -> Delivery:
        placed = replace(delivery, position=next(self._positions))
        self._of_message[placed.message_id].append(placed.id)
        self._put(placed)
        return placed

    def _put(self, delivery: Delivery) -> bool:
        """Keep a delivery as it is now; True when another of its lane became the head."""
        key: Lane = (delivery.platform, delivery.lane)
        before = decisions.head_of(self._lanes[key])
        lane = [each for each in self._lanes[key] if each.id != delivery.id]
        if decisions.is_open(delivery):
            insort(lane, delivery, key=lambda each: each.position)
        self._lanes[key] = lane
        if not lane:
            del self._lanes[key]
        if delivery.state is State.DELIVERED:
            self._delivered[key] = max(self._delivered[key], delivery.position)
        self._deliveries[delivery.id] = delivery
        head = decisions.head_of(lane)
        return head is not None and (before is None or head.id != before.id)

    def _is_head(self, delivery: Delivery) -> bool:
        head = decisions.head_of(self._lanes.get((delivery.platform, delivery.lane), ()))
        return head is not None and head.id == delivery.id

    # ── delivery ──────────────────────────────────────────────────────────────────────────────
    async def begin(self, delivery_id: str, adapter: str, request: OutboundRequest, at: datetime) -> bool:
        delivery = self._known_delivery(delivery_id)
        let_out = decisions.may_send(self._holds(delivery.platform), probe=True)
        if not (let_out and self._is_head(delivery) and delivery.state in decisions.SENDABLE):
            return False
        platform = self._platforms.get(delivery.platform or "")
        self._put(decisions.begun(delivery, adapter, at, decisions.unheld(platform, at)))
        self._requests.setdefault(delivery_id, request)
        return True

    async def settle(self, settlement: Settlement) -> bool:
        delivery = self._known_delivery(settlement.attempt.delivery_id)
        after = decisions.settled(delivery, settlement)
        self._attempts[delivery.id].append(settlement.attempt)
        if settlement.alias and settlement.attempt.reference:
            self._alias(after, *settlement.alias, settlement.attempt.reference)
        return self._put(after)

    def _alias(self, delivery: Delivery, field: str, original: str, reference: str) -> None:
        platform = delivery.platform or ""
        self._numbers.setdefault((platform, field, reference), (original, delivery.message_id))
        if reference != original:
            case = self._kept[delivery.message_id].message.correlation_id
            self._aliases[platform, case, field, original] = reference

    async def kill(self, delivery_id: str, code: str, reason: str, at: datetime) -> None:
        delivery = self._known_delivery(delivery_id)
        if self._is_head(delivery) and delivery.state in decisions.SENDABLE:
            self._put(decisions.killed(delivery, code, reason, at))

    async def rescue(self, at: datetime) -> int:
        self._check_running()
        lost = [each for each in self._deliveries.values() if each.state is State.SENDING]
        for each in lost:
            self._put(decisions.rescued(each, at))
        return len(lost)

    async def assign(self, delivery_id: str, platform: str, at: datetime) -> bool:
        delivery = self._known_delivery(delivery_id)
        if delivery.state is not State.UNROUTED:
            return False
        self._put(decisions.assigned(delivery, platform, at))
        self._learn(platform, delivery.message_id)
        return True

    # ── operators ─────────────────────────────────────────────────────────────────────────────
    async def replay(
        self, delivery_id: str, *, actor: str, reason: str, at: datetime, stale_ok: bool = False
    ) -> Delivery:
        delivery = self._known_delivery(delivery_id)
        moved_on = self._delivered.get((delivery.platform, delivery.lane), 0) > delivery.position
        after = decisions.replayed(delivery, at, moved_on=moved_on, stale_ok=stale_ok)
        if after.id == delivery.id:
            return self._operate(after, actor, "delivery.replayed", reason, at)
        self._record(delivery.id, at, actor, "delivery.replayed", reason, **{"as": after.id})
        return self._operate(self._add(after), actor, "delivery.replay-made", reason, at)

    async def discard(self, delivery_id: str, *, actor: str, reason: str, at: datetime) -> Delivery:
        after = decisions.discarded(self._known_delivery(delivery_id), reason, at)
        return self._operate(after, actor, "delivery.discarded", reason, at)

    async def hold(self, delivery_id: str, *, actor: str, reason: str, at: datetime) -> Delivery:
        after = decisions.held(self._known_delivery(delivery_id), at)
        return self._operate(after, actor, "delivery.held", reason, at)

    async def release(self, delivery_id: str, *, actor: str, reason: str, at: datetime) -> Delivery:
        after = decisions.released(self._known_delivery(delivery_id), at)
        return self._operate(after, actor, "delivery.released", reason, at)

    def _operate(self, after: Delivery, actor: str, action: str, reason: str, at: datetime) -> Delivery:
        self._put(after)
        self._record(after.id, at, actor, action, reason)
        return self._shown(after)

    # ── platforms ─────────────────────────────────────────────────────────────────────────────
    async def put_platform(self, platform: Platform, *, actor: str, at: datetime) -> None:
        self._check_running()
        self._platforms[platform.id] = decisions.registered(platform, self._platforms.get(platform.id))
        self._record(platform.id, at, actor, "platform.put", adapter=platform.adapter, mode=platform.mode)

    async def delete_platform(self, platform_id: str, *, actor: str, at: datetime) -> None:
        self._known_platform(platform_id)
        if any(each.platform == platform_id and each.state not in SETTLED for each in self._deliveries.values()):
            raise in_use(platform_id)
        del self._platforms[platform_id]
        self._credentials = {digest: each for digest, each in self._credentials.items() if each != platform_id}
        self._record(platform_id, at, actor, "platform.deleted")

    async def hold_platform(self, platform_id: str, by: HeldBy, *, actor: str, reason: str, at: datetime) -> None:
        platform = self._known_platform(platform_id)
        if by not in platform.holds:
            self._platforms[platform_id] = decisions.with_hold(platform, by, at)
            self._record(platform_id, at, actor, "platform.held", reason, by=by)

    async def release_platform(self, platform_id: str, by: HeldBy, *, actor: str, reason: str, at: datetime) -> None:
        platform = self._known_platform(platform_id)
        if by in platform.holds:
            self._platforms[platform_id] = decisions.without_hold(platform, by, at)
            self._record(platform_id, at, actor, "platform.released", reason, by=by)

    async def add_credential(self, platform_id: str, digest: str, *, actor: str, at: datetime) -> None:
        self._known_platform(platform_id)
        self._credentials[digest] = platform_id
        self._record(platform_id, at, actor, "credential.added")

    async def put_bulk_replay(self, replay: BulkReplay) -> None:
        self._check_running()
        self._replays[replay.id] = replay

    # ── adapters ──────────────────────────────────────────────────────────────────────────────
    async def add_adapter(self, adapter: AdapterVersion, content: bytes, *, actor: str, at: datetime) -> AdapterVersion:
        self._check_running()
        known = self._adapters.get((adapter.name, adapter.version))
        if known is not None:
            if known.digest != adapter.digest:
                raise version_exists(adapter)
            return known
        self._bundles[adapter.name, adapter.version] = content
        self._record(adapter.id, at, actor, "adapter.uploaded", digest=adapter.digest)
        return self._put_adapter(adapter)

    async def change_adapters(
        self, versions: Sequence[AdapterVersion], *, actor: str, action: str, reason: str, at: datetime
    ) -> Sequence[AdapterVersion]:
        self._check_running()
        for each in versions:
            known = self._adapters.get((each.name, each.version))
            if each.revision != (known.revision if known else 0):
                raise adapter_changed(each)
        for each in versions:
            self._record(each.id, at, actor, action, reason, state=each.state)
        return [self._put_adapter(each) for each in versions]

    def _put_adapter(self, adapter: AdapterVersion) -> AdapterVersion:
        kept = replace(adapter, revision=1 + max((each.revision for each in self._adapters.values()), default=0))
        self._adapters[adapter.name, adapter.version] = kept
        return kept

    # ── what all of them need ─────────────────────────────────────────────────────────────────
    def _check_running(self) -> None:
        if not self._running:
            raise stopped()

    def _known_delivery(self, delivery_id: str) -> Delivery:
        self._check_running()
        if delivery_id not in self._deliveries:
            raise no_delivery(delivery_id)
        return self._deliveries[delivery_id]

    def _known_platform(self, platform_id: str) -> Platform:
        self._check_running()
        if platform_id not in self._platforms:
            raise no_platform(platform_id)
        return self._platforms[platform_id]

    def _record(self, subject: str, at: datetime, actor: str, action: str, reason: str = "", **detail: str) -> None:
        self._audit[subject].append(AuditEntry(at, actor, action, subject, reason, detail))
