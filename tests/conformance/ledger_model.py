"""The model of a ledger: what `gateway.ledger.base` promises, in memory, simple and slow.

It is written from the words of the promise and shares no code with the ledger, so that a wrong
decision there cannot be wrong here in the same way. Everything is looked for from the beginning
each time; the only order there is are the positions of deliveries and the order of messages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from adapters.base import OutboundRequest
from gateway.errors import Conflict, HutongError, Invalid, NotFound, Unavailable
from gateway.ledger.records import (
    Accepted,
    AuditEntry,
    Backlog,
    BulkReplay,
    Claim,
    DeliveryFilter,
    Hold,
    Intake,
    IntakeDraft,
    Intent,
    Known,
    MessageFilter,
    Moved,
    Native,
    Platform,
    Receipt,
    Registered,
    Registry,
    Rejection,
    ReplayCount,
    ResultPage,
    Settled,
    Settlement,
    Taker,
    Unrouted,
    Work,
)
from gateway.ledger.versions import AdapterVersion
from gateway.message import Attempt, Delivery, Enriched, HeldBy, Message, State
from schemas.findings import Text

T = TypeVar("T")

OPEN = (State.READY, State.SENDING, State.WAITING, State.DEAD)
SENDABLE = (State.READY, State.WAITING)
REPLAYABLE = (State.DEAD, State.REFUSED, State.DELIVERED)
NOT_DONE = (State.UNROUTED, *OPEN)
PRECEDENCE = ("operator", "lane", "paused", "credentials", "breaker", "endpoint")
LOOKED_PAST = (HeldBy.BREAKER, HeldBy.ENDPOINT)


def error(kind: type[HutongError], code: str) -> HutongError:
    """An error of ours; its words are the ledger's own affair."""
    return kind(Text(code, code), code=code)


@dataclass
class Kept:
    """A message with its number, what it speaks of, and the bytes it came in."""

    seq: int
    message: Message
    numbers: Mapping[str, str]
    native: Native


@dataclass
class Everything:
    """All that a ledger keeps."""

    messages: dict[str, Kept] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    requests: dict[str, OutboundRequest] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    rejections: dict[str, tuple[Rejection, Native]] = field(default_factory=dict)
    receipts: dict[tuple[str, str, str], tuple[bytes, Receipt]] = field(default_factory=dict)
    numbers: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    aliases: dict[tuple[str, str, str, str], str] = field(default_factory=dict)
    facts: dict[tuple[str, str], Enriched] = field(default_factory=dict)
    platforms: dict[str, Platform] = field(default_factory=dict)
    revision: int = 1
    epochs: Counter[str] = field(default_factory=Counter)
    claims: dict[str, Claim] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)
    intents: dict[tuple[str, str], tuple[Any, Any]] = field(default_factory=dict)
    replays: dict[str, BulkReplay] = field(default_factory=dict)
    adapters: dict[tuple[str, str], AdapterVersion] = field(default_factory=dict)
    bundles: dict[tuple[str, str], bytes] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)

    def copied(self) -> Everything:
        """The same, to go back to."""
        return Everything(*(copy(getattr(self, each.name)) for each in fields(self)))


class ModelLedger:
    """A `gateway.ledger.base.Ledger` for as long as this object lives. `rejections`: kept for each platform."""

    def __init__(self, *, rejections: int = 10_000) -> None:
        self.kept = Everything()
        self.rejections = rejections
        self.running = False

    async def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.running = False

    async def check(self) -> None:
        self.must_run()

    def must_run(self) -> None:
        if not self.running:
            raise error(Unavailable, "ledger.stopped")

    # ── intake ────────────────────────────────────────────────────────────────────────────────
    async def accept(self, intake: Intake) -> Receipt:
        self.must_run()
        under = intake.platform, intake.operation, intake.key or ""
        if intake.key is not None and under in self.kept.receipts:
            body, receipt = self.kept.receipts[under]
            if body != intake.body:
                raise error(Conflict, "idempotency.key-reused")
            return replace(receipt, repeated=True)
        before = self.kept.copied()
        try:
            receipt = Receipt(tuple(self.take(entry, intake) for entry in intake.entries))
        except Moved:
            self.kept = before
            raise
        if intake.key is not None and any(isinstance(entry, Accepted) for entry in receipt.entries):
            self.kept.receipts[under] = intake.body, receipt
        return receipt

    def verify(self, draft: IntakeDraft, intake: Intake) -> None:
        """Raise Moved when what a draft was decided on is not so, other than by messages of its own package."""
        own = {entry.message.id for entry in intake.entries if isinstance(entry, IntakeDraft)}
        reads = draft.reads
        cases = {each.message.correlation_id for each in self.kept.messages.values() if each.message.id not in own}
        moved = [
            intake.revision != self.kept.revision,
            *(self.brought(key) not in {id, *own} for key, id in reads.numbers.items()),
            *(self.said_first(key) not in {id, *own} for key, id in reads.facts.items()),
            not cases.isdisjoint(reads.fresh),
        ]
        if any(moved):
            raise Moved(self.kept.revision)

    def brought(self, spoken: tuple[str, str, str]) -> str | None:
        """The message that a number is recognised as."""
        return self.kept.numbers.get(spoken, (None, None))[1]

    def said_first(self, asked: tuple[str, str]) -> str | None:
        """The message that was the first to say something of its case."""
        fact = self.kept.facts.get(asked)
        return fact.message_id if fact else None

    def take(self, entry: IntakeDraft | Rejection, intake: Intake) -> Accepted | Rejection:
        if isinstance(entry, Rejection):
            return self.reject(entry, intake)
        message = entry.message
        same = [kept.message for kept in self.kept.messages.values() if _identity(kept.message) == _identity(message)]
        if same and same[-1].digest == message.digest:
            return Accepted(entry.index, same[-1], self.shown_of(same[-1]), duplicate=True)
        self.verify(entry, intake)
        native = Native(intake.body, intake.content_type, entry.index)
        self.kept.messages[message.id] = Kept(len(self.kept.messages) + 1, message, entry.numbers, native)
        for name, value in {**message.keys, "region": message.region}.items():
            self.kept.facts.setdefault((message.correlation_id, name), Enriched(value, message.id))
        for platform in (message.source, *(each.platform for each in entry.deliveries if each.platform)):
            self.learn(platform, message.id)
        for delivery in entry.deliveries:
            self.place(delivery)
        self.note(message.id, message.received_at, message.source, "message.accepted")
        return Accepted(entry.index, message, self.shown_of(message))

    def reject(self, rejection: Rejection, intake: Intake) -> Rejection:
        self.kept.rejections[rejection.id] = rejection, Native(intake.body, intake.content_type, rejection.index)
        theirs = [id for id, (each, _) in self.kept.rejections.items() if each.platform == rejection.platform]
        for id in theirs[: max(0, len(theirs) - self.rejections)]:
            del self.kept.rejections[id]
        return rejection

    def learn(self, platform: str, message_id: str) -> None:
        """Let a platform speak of a message's numbers; the first to bring one stays its message."""
        for name, number in self.kept.messages[message_id].numbers.items():
            self.kept.numbers.setdefault((platform, name, number), (number, message_id))

    def place(self, delivery: Delivery) -> None:
        self.kept.deliveries[delivery.id] = replace(delivery, position=len(self.kept.deliveries) + 1)

    async def recall(self, platform: str, numbers: Mapping[str, str]) -> Mapping[str, Known]:
        found = {name: self.kept.numbers.get((platform, name, number)) for name, number in numbers.items()}
        return {name: self.known(*each) for name, each in found.items() if each}

    def known(self, original: str, message_id: str) -> Known:
        said = self.kept.messages[message_id].message
        return Known(original, said.id, said.type, said.source, said.correlation_id, said.ordering_key)

    async def facts(self, correlation_id: str) -> Mapping[str, Enriched]:
        return {name: value for (case, name), value in self.kept.facts.items() if case == correlation_id}

    async def partakes(self, correlation_id: str, platform: str) -> bool | None:
        ids = {kept.message.id for kept in self.kept.messages.values() if kept.message.correlation_id == correlation_id}
        sources = {self.kept.messages[id].message.source for id in ids}
        theirs = {each.platform for each in self.kept.deliveries.values() if each.message_id in ids}
        return platform in sources | theirs if ids else None

    # ── lanes and holds ───────────────────────────────────────────────────────────────────────
    def lane(self, delivery: Delivery) -> list[Delivery]:
        """The deliveries of one lane, in order."""
        same = (each for each in self.kept.deliveries.values() if each.platform == delivery.platform is not None)
        return sorted((each for each in same if each.lane == delivery.lane), key=_position)

    def head(self, delivery: Delivery) -> Delivery | None:
        """The head of a delivery's lane: the one being sent, else the first that is open."""
        lane = self.lane(delivery)
        sending = [each for each in lane if each.state is State.SENDING]
        return next(iter([*sending, *(each for each in lane if each.state in OPEN)]), None)

    def is_head(self, delivery: Delivery) -> bool:
        head = self.head(delivery)
        return head is not None and head.id == delivery.id

    def holds(self, delivery: Delivery) -> list[Hold]:
        """The holds of a delivery's platform and endpoint."""
        platform = self.kept.platforms.get(delivery.platform or "")
        return [hold for hold in (platform.holds if platform else ()) if hold.type in (None, delivery.type)]

    def shown(self, delivery: Delivery) -> Delivery:
        if delivery.state not in SENDABLE:
            return delivery
        reasons = {hold.by.value for hold in self.holds(delivery)}
        if delivery.held_at is not None:
            reasons.add("operator")
        if any(each.state is State.DEAD and each.position < delivery.position for each in self.lane(delivery)):
            reasons.add("lane")
        first = next((by for by in PRECEDENCE if by in reasons), None)
        return delivery if first is None else replace(delivery, held_by=HeldBy(first))

    def shown_of(self, message: Message) -> tuple[Delivery, ...]:
        return tuple(each for each in self.all_shown() if each.message_id == message.id)

    def all_shown(self) -> list[Delivery]:
        """Every delivery as it is shown, in order of position."""
        return [self.shown(each) for each in sorted(self.kept.deliveries.values(), key=_position)]

    def may_go(self, delivery: Delivery, *, probe: bool) -> bool:
        """Whether a head may be sent, whenever it is due."""
        held = [hold for hold in self.holds(delivery) if not (probe and hold.by in LOOKED_PAST)]
        return delivery.state in SENDABLE and delivery.held_at is None and not held and self.is_head(delivery)

    # ── delivery ──────────────────────────────────────────────────────────────────────────────
    async def claim(self, platform_id: str) -> Claim:
        self.registered(platform_id)
        self.kept.epochs[platform_id] += 1
        self.kept.claims[platform_id] = Claim(platform_id, "model", self.kept.epochs[platform_id])
        return self.kept.claims[platform_id]

    def claimed(self, claim: Claim, delivery_id: str | None = None) -> Any:
        """Verify a claim, and give a delivery of its platform."""
        self.must_run()
        if self.kept.claims.get(claim.platform) != claim:
            raise error(Conflict, "claim.lost")
        if delivery_id is None:
            return None
        found = self.one(delivery_id)
        if found.platform != claim.platform:
            raise error(NotFound, "delivery.unknown")
        return found

    async def heads(
        self,
        claim: Claim,
        now: datetime,
        latest: datetime,
        limit: int,
        *,
        only: Collection[str] | None = None,
        besides: Collection[str] = (),
        probe: bool = False,
    ) -> Sequence[Work]:
        self.claimed(claim)
        found = [
            each
            for each in self.all_shown()
            if each.platform == claim.platform
            and (only is None or each.type in only)
            and each.type not in besides
            and self.may_go(each, probe=probe)
            and (each.due_at is None or each.due_at <= now or each.due_at > latest)
        ]
        return [self.work(each) for each in found[:limit]]

    def work(self, delivery: Delivery) -> Work:
        kept = self.kept.messages[delivery.message_id]
        case = delivery.platform or "", kept.message.correlation_id
        spoken = {name: (*case, name, number) for name, number in kept.numbers.items()}
        known = {name: self.kept.aliases[key] for name, key in spoken.items() if key in self.kept.aliases}
        return Work(delivery, kept.message, self.kept.requests.get(delivery.id), known)

    async def next_due(
        self,
        claim: Claim,
        now: datetime,
        latest: datetime,
        *,
        only: Collection[str] | None = None,
        besides: Collection[str] = (),
    ) -> datetime | None:
        self.claimed(claim)
        here = [
            each.due_at
            for each in self.kept.deliveries.values()
            if each.platform == claim.platform
            and each.due_at is not None
            and now < each.due_at <= latest
            and (only is None or each.type in only)
            and each.type not in besides
            and each.held_at is None
            and self.is_head(each)
        ]
        return min(here, default=None)

    async def begin(
        self,
        claim: Claim,
        delivery_id: str,
        adapter: str,
        request: OutboundRequest,
        at: datetime,
        *,
        message: Message | None = None,
        probe: bool = False,
    ) -> int | None:
        before: Delivery = self.claimed(claim, delivery_id)
        if not self.may_go(before, probe=probe):
            return None
        if message is not None and not before.attempts and message != self.kept.messages[before.message_id].message:
            return None
        self.kept.requests.setdefault(delivery_id, request)
        number = before.attempts + 1
        self.step(before, State.SENDING, at, attempts=number, adapter=before.adapter or adapter)
        return number

    async def unbegin(self, claim: Claim, delivery_id: str, attempt: int, at: datetime) -> bool:
        before: Delivery = self.claimed(claim, delivery_id)
        if (before.state, before.attempts) != (State.SENDING, attempt):
            return False
        if attempt == 1:
            del self.kept.requests[delivery_id]
        adapter = None if attempt == 1 else before.adapter
        self.step(before, State.READY, at, attempts=attempt - 1, adapter=adapter)
        return True

    async def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        attempt, state = settlement.attempt, settlement.state
        before: Delivery = self.claimed(claim, attempt.delivery_id)
        if (before.state, before.attempts) != (State.SENDING, attempt.number):
            raise error(Conflict, "settle.stale")
        due_at = settlement.due_at or attempt.ended_at
        after = self.step(
            before,
            state,
            attempt.ended_at,
            due_at=due_at if state is State.WAITING else None,
            in_doubt=settlement.in_doubt,
            tried_for=settlement.tried_for,
            reference=attempt.reference or before.reference,
            reason=attempt.reason,
            code=attempt.code,
        )
        self.kept.attempts.append(attempt)
        self.name(after, settlement)
        held = self.hold_with(claim.platform, settlement)
        head = self.head(after)
        return Settled(lane_moved=head is not None and head.id != after.id, held=held)

    def name(self, delivery: Delivery, settlement: Settlement) -> None:
        """Keep what a platform calls a number of what it accepted."""
        reference = settlement.attempt.reference
        if settlement.alias is None or not reference:
            return
        name, original = settlement.alias
        platform, case = delivery.platform or "", self.kept.messages[delivery.message_id].message.correlation_id
        self.kept.numbers.setdefault((platform, name, reference), (original, delivery.message_id))
        if reference != original:
            self.kept.aliases[platform, case, name, original] = reference

    def hold_with(self, platform_id: str, settlement: Settlement) -> bool:
        platform = self.kept.platforms[platform_id]
        if settlement.hold is None or platform.revision > settlement.revision:
            return False
        self.add_hold(platform, settlement.hold)
        return True

    async def kill(self, claim: Claim, delivery_id: str, code: str, reason: str, at: datetime) -> bool:
        before: Delivery = self.claimed(claim, delivery_id)
        if before.state is State.READY and before.held_at is None and self.is_head(before):
            self.step(before, State.DEAD, at, code=code, reason=reason)
            return True
        return before.state is State.DEAD

    async def rescue(self, claim: Claim, under_way: Collection[str], at: datetime) -> Sequence[str]:
        self.claimed(claim)
        sending = [each for each in self.all_shown() if (each.platform, each.state) == (claim.platform, State.SENDING)]
        lost = [each for each in sending if each.id not in under_way]
        for each in lost:
            self.step(each, State.READY, at, in_doubt=True)
        return [each.id for each in lost]

    def step(self, before: Delivery, state: State, at: datetime, **changes: Any) -> Delivery:
        """Let a delivery stand in another state: nothing of the old one's hold or time stays."""
        stepped = {"state": state, "held_by": None, "held_at": None, "due_at": None, "changed_at": at, **changes}
        return self.put(replace(before, **stepped))

    def put(self, delivery: Delivery) -> Delivery:
        self.kept.deliveries[delivery.id] = delivery
        return delivery

    # ── operators ─────────────────────────────────────────────────────────────────────────────
    async def replay(self, delivery_id: str, intent: Intent, *, stale_ok: bool = False) -> Delivery:
        def do() -> str:
            id = self.replayed(self.one(delivery_id), intent.at, f"{delivery_id}+", stale_ok=stale_ok)
            self.note_intent(delivery_id, intent, "delivery.replayed")
            return id

        return self.shown(self.one(self.once(intent, ("replay", delivery_id, stale_ok), do)))

    def replayed(self, before: Delivery, at: datetime, new_id: str, *, stale_ok: bool) -> str:
        """Replay a delivery if nothing stands against it; gives the id of what is ready now."""
        against = self.against(before, stale_ok=stale_ok)
        if against is not None:
            raise error(Conflict, against)
        if before.state is not State.DELIVERED:
            return self.step(before, State.READY, at, tried_for=0.0, reason=None, code=None).id
        while new_id in self.kept.deliveries:
            new_id += "+"
        again = Delivery(
            new_id, before.message_id, before.type, before.kind, before.platform, before.lane, State.READY, at
        )
        self.place(replace(again, toward=before.toward, replay_of=before.id))
        return new_id

    def against(self, before: Delivery, *, stale_ok: bool) -> str | None:
        """Say what stands against a replay, in the order of the promise."""
        if before.state not in REPLAYABLE:
            return "state.wrong"
        if before.platform not in self.kept.platforms:
            return "platform.unknown"
        replays = [each for each in self.kept.deliveries.values() if each.replay_of == before.id]
        if before.state is State.DELIVERED and any(each.state in OPEN for each in replays):
            return "replay.open"
        later = [each for each in self.lane(before) if each.position > before.position]
        moved_on = any(
            each.state is State.DELIVERED or (each.state in OPEN and (each.state is State.SENDING or each.in_doubt))
            for each in later
        )
        return "lane.moved_on" if moved_on and not stale_ok else None

    async def discard(self, delivery_id: str, intent: Intent) -> Delivery:
        def do() -> None:
            before = self.in_state(delivery_id, State.READY, State.WAITING, State.DEAD, State.UNROUTED)
            self.step(before, State.DISCARDED, intent.at, reason=intent.reason)
            self.note_intent(delivery_id, intent, "delivery.discarded")

        return self.operated(intent, "discard", delivery_id, do)

    async def hold(self, delivery_id: str, intent: Intent) -> Delivery:
        def do() -> None:
            before = self.in_state(delivery_id, *SENDABLE)
            if before.held_at is None:
                self.put(replace(before, held_at=intent.at))
                self.note_intent(delivery_id, intent, "delivery.held")

        return self.operated(intent, "hold", delivery_id, do)

    async def release(self, delivery_id: str, intent: Intent) -> Delivery:
        def do() -> None:
            before = self.one(delivery_id)
            if before.held_at is None:
                raise error(Conflict, "state.wrong")
            self.put(replace(before, held_at=None, tried_for=0.0))
            self.note_intent(delivery_id, intent, "delivery.released")

        return self.operated(intent, "release", delivery_id, do)

    def operated(self, intent: Intent, action: str, delivery_id: str, do: Callable[[], None]) -> Delivery:
        self.once(intent, (action, delivery_id), do)
        return self.shown(self.one(delivery_id))

    def in_state(self, delivery_id: str, *states: State) -> Delivery:
        found = self.one(delivery_id)
        if found.state not in states:
            raise error(Conflict, "state.wrong")
        return found

    def once(self, intent: Intent, asked: Any, do: Callable[[], T]) -> T:
        """Do what is asked, once under a key."""
        self.must_run()
        if intent.key is None:
            return do()
        known = self.kept.intents.get((intent.actor, intent.key))
        if known is not None:
            if known[0] != (asked, intent.reason):
                raise error(Conflict, "idempotency.key-reused")
            answer: T = known[1]
            return answer
        done = do()
        self.kept.intents[intent.actor, intent.key] = (asked, intent.reason), done
        return done

    # ── bulk replay ───────────────────────────────────────────────────────────────────────────
    async def begin_replay(self, job: BulkReplay, intent: Intent) -> BulkReplay:
        if job.filter.state not in REPLAYABLE:
            raise error(Invalid, "replay.state")
        upto = len(self.kept.deliveries)
        found = self.matching(job.filter)
        job = replace(job, upto=upto, total=len(found))
        if job.dry_run:
            would = [each for each in found if not self.stands_against(each, job)]
            skipped = len(found) - len(would)
            return replace(job, counts=_counted(would), skipped=skipped, finished_at=job.created_at)

        def do() -> str:
            self.kept.replays.setdefault(job.id, job)
            return job.id

        asked = "begin_replay", job.filter, job.stale_ok
        return self.kept.replays[self.once(intent, asked, do)]

    def stands_against(self, delivery: Delivery, job: BulkReplay) -> bool:
        return self.against(delivery, stale_ok=job.stale_ok) is not None

    def matching(self, filter: DeliveryFilter) -> list[Delivery]:
        return [each for each in self.all_shown() if _matches(each, filter)]

    async def step_replay(self, replay_id: str, limit: int, at: datetime) -> BulkReplay:
        job = self.job(replay_id)
        if job.finished_at or job.cancelled_at:
            return job
        following = [each for each in self.matching(job.filter) if job.cursor < each.position <= job.upto][:limit]
        done = [each for each in following if not self.stands_against(each, job)]
        for each in done:
            self.replayed(each, at, f"{each.id} by {job.id}", stale_ok=job.stale_ok)
        was = Counter({(each.platform, each.type, each.code): each.count for each in job.counts})
        job = replace(
            job,
            cursor=max((each.position for each in following), default=job.cursor),
            replayed=job.replayed + len(done),
            skipped=job.skipped + len(following) - len(done),
            counts=_counted(done, was),
        )
        if len(following) < limit:
            job = replace(job, finished_at=at, skipped=max(job.skipped, job.total - job.replayed))
        self.kept.replays[replay_id] = job
        return job

    async def cancel_replay(self, replay_id: str, intent: Intent) -> BulkReplay:
        def do() -> str:
            job = self.job(replay_id)
            if not (job.finished_at or job.cancelled_at):
                self.kept.replays[replay_id] = replace(job, cancelled_at=intent.at)
            return replay_id

        return self.job(self.once(intent, ("cancel_replay", replay_id), do))

    async def replays(self, *, unfinished: bool = False) -> Sequence[BulkReplay]:
        newest = reversed(self.kept.replays.values())
        return [each for each in newest if not (unfinished and (each.finished_at or each.cancelled_at))]

    def job(self, replay_id: str) -> BulkReplay:
        if replay_id not in self.kept.replays:
            raise error(NotFound, "replay.unknown")
        return self.kept.replays[replay_id]

    # ── platforms ─────────────────────────────────────────────────────────────────────────────
    async def registry(self) -> Registry:
        return Registry(self.kept.revision, dict(self.kept.platforms))

    async def put_platform(
        self, platform: Platform, intent: Intent, take: Taker, *, asked: Mapping[str, Any] | None = None
    ) -> Registered:
        def do() -> Registered:
            self.kept.revision += 1
            before = self.kept.platforms.get(platform.id)
            kept = replace(platform, holds=(), revision=self.kept.revision)
            if before is not None:
                holds = tuple(hold for hold in before.holds if hold.by is not HeldBy.CREDENTIALS)
                kept = replace(kept, created_at=before.created_at, holds=holds)
            self.kept.platforms[platform.id] = kept
            self.note_intent(platform.id, intent, "platform.put")
            return Registered(self.kept.revision, self.give([platform.kind], take, intent.at))

        said = asked or (platform.adapter, platform.version, platform.mode, dict(platform.settings))
        return self.once(intent, ("put_platform", platform.id, said), do)

    async def delete_platform(self, platform_id: str, intent: Intent) -> Registered:
        def do() -> Registered:
            self.registered(platform_id)
            if any(each.platform == platform_id and each.state in OPEN for each in self.kept.deliveries.values()):
                raise error(Conflict, "platform.in-use")
            del self.kept.platforms[platform_id]
            self.kept.claims.pop(platform_id, None)
            self.kept.credentials = {digest: id for digest, id in self.kept.credentials.items() if id != platform_id}
            self.kept.revision += 1
            self.note_intent(platform_id, intent, "platform.deleted")
            return Registered(self.kept.revision)

        return self.once(intent, ("delete_platform", platform_id), do)

    async def assign(self, kinds: Collection[str], take: Taker, at: datetime) -> frozenset[str]:
        self.must_run()
        return self.give(kinds, take, at)

    def give(self, kinds: Collection[str], take: Taker, at: datetime) -> frozenset[str]:
        """Give unrouted deliveries their platform, a message never twice to one; who seeks the nearest comes last."""
        given: list[Delivery] = []
        for each in sorted(self.all_shown(), key=lambda one: one.toward == "nearest"):
            if each.state is not State.UNROUTED or each.kind not in kinds:
                continue
            message = self.kept.messages[each.message_id].message
            asked = Unrouted(
                each.id, each.message_id, each.type, each.kind, each.toward or "", message.region, message.source
            )
            platform = take(asked)
            has_it = platform in {one.platform for one in self.shown_of(message)}
            if platform is None or has_it or platform not in self.kept.platforms:
                continue
            given.append(self.step(each, State.READY, at, platform=platform))
        for each in sorted(given, key=_position):
            self.learn(each.platform or "", each.message_id)
        return frozenset(each.platform or "" for each in given)

    async def hold_platform(self, platform_id: str, hold: Hold, intent: Intent, *, revision: int | None = None) -> bool:
        def do() -> bool:
            platform = self.registered(platform_id)
            if revision not in (None, platform.revision):
                return False
            return self.add_hold(platform, hold)

        return self.once(intent, ("hold_platform", platform_id, hold.by, hold.type, hold.reason, revision), do)

    def add_hold(self, platform: Platform, hold: Hold) -> bool:
        if any((each.by, each.type) == (hold.by, hold.type) for each in platform.holds):
            return False
        holds = sorted((*platform.holds, hold), key=lambda each: (each.type or "", each.by))
        self.kept.platforms[platform.id] = replace(platform, holds=tuple(holds))
        return True

    async def release_platform(self, platform_id: str, by: HeldBy, intent: Intent, *, type: str | None = None) -> bool:
        def do() -> bool:
            platform = self.registered(platform_id)
            left = tuple(each for each in platform.holds if (each.by, each.type) != (by, type))
            self.kept.platforms[platform_id] = replace(platform, holds=left)
            return len(left) < len(platform.holds)

        return self.once(intent, ("release_platform", platform_id, by, type), do)

    async def add_credential(self, platform_id: str, digest: str, intent: Intent) -> None:
        def do() -> None:
            self.registered(platform_id)
            self.kept.credentials[digest] = platform_id

        self.once(intent, ("add_credential", platform_id, digest), do)

    async def credentials(self) -> Mapping[str, str]:
        return dict(self.kept.credentials)

    # ── adapters ──────────────────────────────────────────────────────────────────────────────
    async def add_adapter(self, adapter: AdapterVersion, content: bytes, intent: Intent) -> AdapterVersion:
        def do() -> AdapterVersion:
            known = self.kept.adapters.get((adapter.name, adapter.version))
            if known is None:
                self.kept.bundles[adapter.name, adapter.version] = content
                return self.put_adapter(adapter)
            if known.digest != adapter.digest:
                raise error(Conflict, "adapter.version-exists")
            return known

        return self.once(intent, ("add_adapter", adapter.id, adapter.digest), do)

    async def change_adapters(
        self, versions: Sequence[AdapterVersion], intent: Intent, action: str, kinds: Collection[str], take: Taker
    ) -> tuple[Sequence[AdapterVersion], Registered]:
        def do() -> tuple[Sequence[AdapterVersion], Registered]:
            for each in versions:
                known = self.kept.adapters.get((each.name, each.version))
                if each.revision != (known.revision if known else 0):
                    raise error(Conflict, "adapter.changed")
            kept = [self.put_adapter(each) for each in versions]
            self.kept.revision += 1
            return kept, Registered(self.kept.revision, self.give(kinds, take, intent.at))

        return self.once(intent, ("change_adapters", tuple((each.id, each.state) for each in versions), action), do)

    def put_adapter(self, adapter: AdapterVersion) -> AdapterVersion:
        newest = max((each.revision for each in self.kept.adapters.values()), default=0)
        kept = self.kept.adapters[adapter.name, adapter.version] = replace(adapter, revision=newest + 1)
        return kept

    async def adapters(self) -> Sequence[AdapterVersion]:
        return sorted(self.kept.adapters.values(), key=lambda each: each.name)

    async def adapter_content(self, name: str, version: str) -> bytes | None:
        return self.kept.bundles.get((name, version))

    # ── reading ───────────────────────────────────────────────────────────────────────────────
    async def message(self, message_id: str) -> Message | None:
        kept = self.kept.messages.get(message_id)
        return kept.message if kept else None

    async def native(self, message_id: str) -> Native | None:
        kept = self.kept.messages.get(message_id)
        return kept.native if kept else None

    async def deliveries_of(self, *message_ids: str) -> Sequence[Delivery]:
        return [each for each in self.all_shown() if each.message_id in message_ids]

    async def delivery(self, delivery_id: str) -> Delivery | None:
        found = self.kept.deliveries.get(delivery_id)
        return self.shown(found) if found else None

    async def attempts_of(self, delivery_id: str) -> Sequence[Attempt]:
        return [each for each in self.kept.attempts if each.delivery_id == delivery_id]

    async def sent(self, delivery_id: str) -> OutboundRequest | None:
        return self.kept.requests.get(delivery_id)

    async def rejection(self, rejection_id: str) -> Rejection | None:
        return self.kept.rejections.get(rejection_id, (None, None))[0]

    async def rejection_native(self, rejection_id: str) -> Native | None:
        return self.kept.rejections.get(rejection_id, (None, None))[1]

    # ── searching ─────────────────────────────────────────────────────────────────────────────
    async def find_messages(
        self, filter: MessageFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Message]:
        check_word(filter.state)
        found = [each for each in self.kept.messages.values() if self.is_sought(each.message, filter)]
        return page([(each.seq, each.message) for each in found], cursor, limit)

    def is_sought(self, message: Message, filter: MessageFilter) -> bool:
        theirs = self.shown_of(message)
        return (
            filter.type in (None, message.type)
            and filter.platform in (None, message.source, *(each.platform for each in theirs))
            and filter.case_number in (None, message.keys.get("case_number"))
            and filter.credit_code in (None, message.keys.get("credit_code"))
            and filter.correlation_id in (None, message.correlation_id)
            and (filter.state is None or filter.state in {each.shown for each in theirs})
            and (filter.since is None or message.received_at >= filter.since)
            and (filter.until is None or message.received_at < filter.until)
        )

    async def find_deliveries(
        self, filter: DeliveryFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Delivery]:
        check_word(filter.state)
        return page([(each.position, each) for each in self.matching(filter)], cursor, limit)

    async def find_rejections(
        self, platform: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Rejection]:
        numbered = enumerate((each for each, _ in self.kept.rejections.values()), 1)
        return page([(seq, each) for seq, each in numbered if platform in (None, each.platform)], cursor, limit)

    async def dossier(self, credit_code: str, types: Sequence[str], limit: int = 50) -> Sequence[Message]:
        messages = [kept.message for kept in self.kept.messages.values()]
        about = [each for each in messages if each.type in types and each.keys.get("credit_code") == credit_code]
        latest = {_identity(each): each.id for each in about}
        return [each for each in reversed(about) if each.id in latest.values()][:limit]

    async def backlog(self) -> Sequence[Backlog]:
        groups: dict[tuple[str | None, str, str, HeldBy | None], list[Delivery]] = {}
        for each in self.all_shown():
            if each.state in NOT_DONE:
                groups.setdefault((each.platform, each.kind, each.shown, each.held_by), []).append(each)
        return [Backlog(*group, count=len(found), oldest=found[0].created_at) for group, found in groups.items()]

    async def audit(self, subject: str, limit: int = 200) -> Sequence[AuditEntry]:
        return [each for each in self.kept.audit if each.subject == subject][:limit]

    # ── what all of them need ─────────────────────────────────────────────────────────────────
    def one(self, delivery_id: str) -> Delivery:
        self.must_run()
        if delivery_id not in self.kept.deliveries:
            raise error(NotFound, "delivery.unknown")
        return self.kept.deliveries[delivery_id]

    def registered(self, platform_id: str) -> Platform:
        self.must_run()
        if platform_id not in self.kept.platforms:
            raise error(NotFound, "platform.unknown")
        return self.kept.platforms[platform_id]

    def note(self, subject: str, at: datetime, actor: str, action: str, reason: str = "") -> None:
        self.kept.audit.append(AuditEntry(at, actor, action, subject, reason))

    def note_intent(self, subject: str, intent: Intent, action: str) -> None:
        self.note(subject, intent.at, intent.actor, action, intent.reason)


def check_word(state: str | None) -> None:
    """Refuse a state that nothing is shown in."""
    if state not in (None, "held", *State):
        raise error(Invalid, "state.unknown")


def page(numbered: Iterable[tuple[int, T]], cursor: str | None, limit: int) -> ResultPage[T]:
    """Newest first, after the number that the cursor is."""
    if cursor is not None and not cursor.isdecimal():
        raise error(Invalid, "cursor.unknown")
    newest = sorted(numbered, key=lambda each: each[0], reverse=True)
    rest = [each for each in newest if cursor is None or each[0] < int(cursor)]
    more = str(rest[limit - 1][0]) if len(rest) > limit else None
    return ResultPage(tuple(item for _, item in rest[:limit]), more)


def _matches(delivery: Delivery, filter: DeliveryFilter) -> bool:
    return (
        filter.state in (None, delivery.shown)
        and filter.platform in (None, delivery.platform)
        and filter.message_id in (None, delivery.message_id)
        and filter.type in (None, delivery.type)
        and filter.code in (None, delivery.code)
        and (filter.since is None or delivery.created_at >= filter.since)
        and (filter.until is None or delivery.created_at < filter.until)
    )


def _counted(deliveries: Iterable[Delivery], was: Counter[Any] | None = None) -> tuple[ReplayCount, ...]:
    counts = Counter(was)
    counts.update((each.platform, each.type, each.code) for each in deliveries)
    in_order = sorted(counts.items(), key=lambda each: (each[0][0] or "", each[0][1], each[0][2] or ""))
    return tuple(ReplayCount(platform or "", type, code, count) for (platform, type, code), count in in_order)


def _identity(message: Message) -> tuple[str, str, str]:
    return message.source, message.operation, message.identity


def _position(delivery: Delivery) -> int:
    return delivery.position
