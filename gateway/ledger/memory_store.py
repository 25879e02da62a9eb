"""What the memory ledger keeps, and what can be read of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from adapters.base import OutboundRequest
from gateway.ledger import decisions
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
    Work,
)
from gateway.ledger.versions import AdapterVersion
from gateway.message import SETTLED, Attempt, Delivery, Enriched, HeldBy, Message, State

T = TypeVar("T")

Lane = tuple[str | None, str]
"""Platform and ordering key."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message with its number in the order of acceptance and the bytes it came in."""

    seq: int
    message: Message
    numbers: Mapping[str, str]
    native: Native


class MemoryStore:
    """Everything kept, in dictionaries, and the reading half of the ledger's promise."""

    def __init__(self) -> None:
        self._kept: dict[str, StoredMessage] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._of_message: defaultdict[str, list[str]] = defaultdict(list)
        self._lanes: defaultdict[Lane, list[Delivery]] = defaultdict(list)
        self._delivered: defaultdict[Lane, int] = defaultdict(int)
        self._latest: dict[tuple[str, str, str], str] = {}
        self._receipts: dict[tuple[str, str, str], tuple[bytes, Receipt]] = {}
        self._numbers: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._aliases: dict[tuple[str, str, str, str], str] = {}
        self._facts: defaultdict[str, dict[str, Enriched]] = defaultdict(dict)
        self._attempts: defaultdict[str, list[Attempt]] = defaultdict(list)
        self._requests: dict[str, OutboundRequest] = {}
        self._rejections: dict[str, tuple[int, Rejection, Intake]] = {}
        self._platforms: dict[str, Platform] = {}
        self._credentials: dict[str, str] = {}
        self._audit: defaultdict[str, list[AuditEntry]] = defaultdict(list)
        self._replays: dict[str, BulkReplay] = {}
        self._adapters: dict[tuple[str, str], AdapterVersion] = {}
        self._bundles: dict[tuple[str, str], bytes] = {}

    # ── intake ────────────────────────────────────────────────────────────────────────────────
    async def recall(self, platform: str, numbers: Mapping[str, str]) -> Mapping[str, Known]:
        found = {field: self._numbers.get((platform, field, number)) for field, number in numbers.items()}
        return {field: self._known(*entry) for field, entry in found.items() if entry}

    def _known(self, original: str, message_id: str) -> Known:
        message = self._kept[message_id].message
        return Known(
            original=original,
            message_id=message.id,
            type=message.type,
            source=message.source,
            correlation_id=message.correlation_id,
            ordering_key=message.ordering_key,
        )

    async def facts(self, correlation_id: str) -> Mapping[str, Enriched]:
        return dict(self._facts.get(correlation_id, {}))

    # ── delivery ──────────────────────────────────────────────────────────────────────────────
    async def heads(self, platform: str, now: datetime, limit: int, *, probe: bool = False) -> Sequence[Work]:
        if not decisions.may_send(self._holds(platform), probe=probe):
            return ()
        ready = [head for head in self._heads(platform) if decisions.is_sendable(head, now)]
        return [self._work(head) for head in sorted(ready, key=lambda head: head.position)[:limit]]

    async def next_due(self, platform: str) -> datetime | None:
        waiting = (head for head in self._heads(platform) if head.state is State.WAITING)
        return min((head.due_at for head in waiting if head.due_at), default=None)

    def _heads(self, platform: str) -> Iterable[Delivery]:
        lanes = (lane for (at, _), lane in self._lanes.items() if at == platform)
        return (head for head in map(decisions.head_of, lanes) if head)

    def _work(self, head: Delivery) -> Work:
        kept = self._kept[head.message_id]
        case = (head.platform or "", kept.message.correlation_id)
        known = {field: (*case, field, number) for field, number in kept.numbers.items()}
        return Work(
            delivery=head,
            message=kept.message,
            request=self._requests.get(head.id),
            aliases={field: self._aliases[entry] for field, entry in known.items() if entry in self._aliases},
        )

    async def unrouted(
        self, kind: str, after: str | None = None, limit: int = 500
    ) -> Sequence[tuple[Delivery, Message]]:
        position = self._deliveries[after].position if after in self._deliveries else 0
        waiting = (d for d in self._deliveries.values() if d.state is State.UNROUTED and d.kind == kind)
        found = [d for d in waiting if d.position > position][:limit]
        return [(delivery, self._kept[delivery.message_id].message) for delivery in found]

    # ── as it is shown ────────────────────────────────────────────────────────────────────────
    def _holds(self, platform: str | None) -> frozenset[HeldBy]:
        known = self._platforms.get(platform or "")
        return known.holds if known else frozenset()

    def _shown(self, delivery: Delivery) -> Delivery:
        ahead = (d for d in self._lanes.get((delivery.platform, delivery.lane), ()) if d.position < delivery.position)
        parked = any(d.state is State.DEAD for d in ahead)
        return decisions.shown(delivery, self._holds(delivery.platform), parked=parked)

    # ── one thing ─────────────────────────────────────────────────────────────────────────────
    async def message(self, message_id: str) -> Message | None:
        kept = self._kept.get(message_id)
        return kept.message if kept else None

    async def native(self, message_id: str) -> Native | None:
        kept = self._kept.get(message_id)
        return kept.native if kept else None

    async def deliveries_of(self, message_id: str) -> Sequence[Delivery]:
        return [self._shown(self._deliveries[each]) for each in self._of_message.get(message_id, ())]

    async def delivery(self, delivery_id: str) -> Delivery | None:
        found = self._deliveries.get(delivery_id)
        return self._shown(found) if found else None

    async def attempts_of(self, delivery_id: str) -> Sequence[Attempt]:
        return list(self._attempts.get(delivery_id, ()))

    async def sent(self, delivery_id: str) -> OutboundRequest | None:
        return self._requests.get(delivery_id)

    async def rejection(self, rejection_id: str) -> Rejection | None:
        found = self._rejections.get(rejection_id)
        return found[1] if found else None

    async def rejection_native(self, rejection_id: str) -> Native | None:
        if rejection_id not in self._rejections:
            return None
        _, rejection, intake = self._rejections[rejection_id]
        return Native(intake.body, intake.content_type, rejection.index)

    # ── many things ───────────────────────────────────────────────────────────────────────────
    async def find_messages(
        self, filter: MessageFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Message]:
        kept = [each for each in self._kept.values() if self._matches(each.message, filter)]
        return _page(kept, lambda each: each.seq, lambda each: each.message, cursor, limit)

    def _matches(self, message: Message, filter: MessageFilter) -> bool:
        deliveries = [self._shown(self._deliveries[each]) for each in self._of_message.get(message.id, ())]
        platforms = {message.source, *(delivery.platform for delivery in deliveries)}
        return (
            filter.type in (None, message.type)
            and (filter.platform is None or filter.platform in platforms)
            and filter.case_number in (None, message.keys.get("case_number"))
            and filter.credit_code in (None, message.keys.get("credit_code"))
            and filter.correlation_id in (None, message.correlation_id)
            and (filter.state is None or filter.state in {delivery.state for delivery in deliveries})
            and (filter.since is None or message.received_at >= filter.since)
            and (filter.until is None or message.received_at < filter.until)
        )

    async def find_deliveries(
        self, filter: DeliveryFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Delivery]:
        found = [
            delivery
            for delivery in map(self._shown, self._deliveries.values())
            if filter.state in (None, delivery.state)
            and filter.platform in (None, delivery.platform)
            and filter.message_id in (None, delivery.message_id)
        ]
        return _page(found, lambda each: each.position, lambda each: each, cursor, limit)

    async def find_rejections(
        self, platform: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Rejection]:
        found = [each for each in self._rejections.values() if platform in (None, each[1].platform)]
        return _page(found, lambda each: each[0], lambda each: each[1], cursor, limit)

    async def dossier(self, credit_code: str, types: Sequence[str], limit: int = 50) -> Sequence[Message]:
        about = [
            kept.message
            for kept in self._kept.values()
            if kept.message.type in types and kept.message.keys.get("credit_code") == credit_code
        ]
        latest = {(message.source, message.operation, message.identity): message.id for message in about}
        return [message for message in reversed(about) if message.id in latest.values()][:limit]

    async def backlog(self) -> Sequence[Backlog]:
        shown = [self._shown(each) for each in self._deliveries.values() if each.state not in SETTLED]
        groups = [(each.platform, each.kind, each.state, each.held_by) for each in shown]
        oldest = {group: each.created_at for group, each in zip(reversed(groups), reversed(shown), strict=True)}
        counts = Counter(groups)
        return [Backlog(*group, count=counts[group], oldest=oldest[group]) for group in counts]

    async def audit(self, subject: str, limit: int = 200) -> Sequence[AuditEntry]:
        return self._audit.get(subject, [])[:limit]

    async def platforms(self) -> Sequence[Platform]:
        return [self._platforms[each] for each in sorted(self._platforms)]

    async def credentials(self) -> Mapping[str, str]:
        return dict(self._credentials)

    async def adapters(self) -> Sequence[AdapterVersion]:
        return sorted(self._adapters.values(), key=lambda each: each.name)

    async def adapter_content(self, name: str, version: str) -> bytes | None:
        return self._bundles.get((name, version))

    async def bulk_replays(self, *, unfinished: bool = False) -> Sequence[BulkReplay]:
        newest = reversed(self._replays.values())
        return [each for each in newest if not (unfinished and each.finished_at)]


V = TypeVar("V")


def _page(
    kept: Sequence[T], key: Callable[[T], int], item: Callable[[T], V], cursor: str | None, limit: int
) -> ResultPage[V]:
    before = decisions.read_cursor(cursor)
    newest = sorted(kept, key=key, reverse=True)
    rest = [each for each in newest if before is None or key(each) < before]
    more = str(key(rest[limit - 1])) if len(rest) > limit else None
    return ResultPage(tuple(item(each) for each in rest[:limit]), more)
