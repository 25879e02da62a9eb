"""The model of a ledger: what `gateway.ledger.base` promises, in memory, simple and slow.

It is written from the words of the promise and shares no code with the ledger, so that a wrong
decision there cannot be wrong here in the same way. Everything is looked for from the beginning
each time; the only order there is are the positions of deliveries and the order of messages.

It leaves out what tests of their own say: that large packages take several commits, and that a case
is tied to another when a number turns out to be an alias.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from kept_model import OPEN, REPLAYABLE, SENDABLE, Kept, error, identity, position_of, spelled
from msgspec.structs import replace
from pruning_model import PruningModel
from report_model import ReportModel

from adapters.base import OutboundRequest
from gateway.errors import Conflict, Forbidden, HutongError, Invalid, NotFound
from gateway.ledger.assessments import AssessmentRun, CaseFinding, FindingAnswer
from gateway.ledger.clocked import CountedCorrelation
from gateway.ledger.followed import ChangedMessage
from gateway.ledger.records import (
    DECIDED_ON,
    Accepted,
    ApprovalState,
    Area,
    AuditEntry,
    BulkReplay,
    CalendarYear,
    Claim,
    Contact,
    Credential,
    Hold,
    Inbox,
    Intake,
    IntakeDraft,
    Intent,
    LeaseSettled,
    Moved,
    Native,
    Person,
    Platform,
    Presence,
    Receipt,
    Registered,
    Rejection,
    ReplayCount,
    SecondApproval,
    Settled,
    Settlement,
    StandingClaim,
    Taker,
    Unmasking,
    Unrouted,
    Unwanted,
    Upload,
)
from gateway.ledger.versions import AdapterVersion, upload_of
from gateway.message import Delivery, Enriched, HeldBy, Message, State

T = TypeVar("T")


class ModelLedger(PruningModel, ReportModel):
    """A `gateway.ledger.base.Ledger` for as long as this object lives. `rejections`: kept for each platform."""

    def __init__(self, *, rejections: int = 10_000) -> None:
        super().__init__()
        self.rejections = rejections

    async def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.kept.claims.clear()
        self.running = False

    async def check(self) -> None:
        self.must_run()

    # ── intake ────────────────────────────────────────────────────────────────────────────────

    async def accept(self, intake: Intake) -> Receipt:
        self.must_run()
        under = intake.platform, intake.operation, intake.key or ""
        if intake.key is not None and under in self.kept.receipts:
            body, receipt = self.kept.receipts[under]
            if body != intake.body:
                raise error(Conflict, "idempotency.key-reused")
            left = tuple(self.as_it_is(each) for each in receipt.entries if self.is_there(each))
            return Receipt(left, repeated=True)
        before = self.kept.copied()
        try:
            receipt = Receipt(tuple(self.take(entry, intake) for entry in intake.entries))
        except Moved:
            self.kept = before
            raise
        if intake.key is not None and any(isinstance(entry, Accepted) for entry in receipt.entries):
            self.kept.receipts[under] = intake.body, receipt
        return receipt

    async def accept_all(self, intakes: Sequence[Intake]) -> Sequence[Receipt | HutongError]:
        answers: list[Receipt | HutongError] = []
        for intake in intakes:
            try:
                answers.append(await self.accept(intake))
            except Conflict as conflict:
                answers.append(conflict)
            except Moved:
                if not answers:
                    raise
                break
        return answers

    def is_there(self, entry: Accepted | Rejection) -> bool:
        return isinstance(entry, Rejection) or entry.message.id in self.kept.messages

    def as_it_is(self, entry: Accepted | Rejection) -> Accepted | Rejection:
        """What was answered first, of a message as it is now, with those of its deliveries that are left."""
        if isinstance(entry, Rejection):
            return entry
        left = tuple(each for each in entry.deliveries if each.id in self.kept.deliveries)
        return replace(entry, message=self.kept.messages[entry.message.id].message, deliveries=left)

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
            not reads.uploads <= self.kept.uploads.keys(),
            *(self.last_version(key) not in {id, *own} for key, id in reads.versions.items()),
        ]
        if any(moved):
            raise Moved(self.kept.revision)

    def brought(self, spoken: tuple[str, str, str]) -> str | None:
        """The message that a number is recognised as."""
        platform, name, number = spoken
        return self.kept.numbers.get((platform, name, spelled(number)), (None, None))[1]

    def said_first(self, asked: tuple[str, str]) -> str | None:
        """The message that was the first to say something of its case."""
        fact = self.kept.facts.get(asked)
        return fact.message_id if fact else None

    def last_version(self, asked: tuple[str, str]) -> str | None:
        """The last message of a type in a case."""
        all_of_them = [each.message for each in self.kept.messages.values()]
        found = [each.id for each in all_of_them if (each.correlation_id, each.type) == asked]
        return found[-1] if found else None

    def take(self, entry: IntakeDraft | Rejection, intake: Intake) -> Accepted | Rejection:
        if isinstance(entry, Rejection):
            return self.reject(entry, intake)
        message = entry.message
        same = [kept.message for kept in self.kept.messages.values() if identity(kept.message) == identity(message)]
        if same and same[-1].digest == message.digest:
            return Accepted(entry.index, same[-1], self.shown_of(same[-1]), duplicate=True)
        self.verify(entry, intake)
        native = Native(intake.body, intake.content_type, entry.index)
        if same and self.kept.messages[same[-1].id].remnant:
            del self.kept.messages[same[-1].id]
            self.forget_keys([same[-1].id])
        self.kept.seqs += 1
        self.kept.messages[message.id] = Kept(self.kept.seqs, message, entry.numbers, native)
        for name, value in {**message.keys, "region": message.region}.items():
            self.kept.facts.setdefault((message.correlation_id, name), Enriched(value, message.id))
        for platform in (message.source, *(each.platform for each in entry.deliveries if each.platform)):
            self.learn(platform, message.id)
        for delivery in entry.deliveries:
            self.place(delivery)
        self.noted(message.id, message.received_at, message.source, "message.accepted")
        self.kept.audit.extend(entry.audited)
        self.kept.attached |= {(upload, message.id) for upload in entry.reads.uploads}
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
            self.kept.numbers.setdefault((platform, name, spelled(number)), (number, message_id))

    def place(self, delivery: Delivery) -> None:
        self.kept.positions += 1
        self.kept.deliveries[delivery.id] = replace(delivery, position=self.kept.positions)

    # ── delivery ──────────────────────────────────────────────────────────────────────────────

    async def beat(self, *, leaving: bool = False) -> Presence:
        self.must_run()
        claims = {each.platform: StandingClaim(each.owner, each.epoch, None) for each in self.kept.claims.values()}
        return Presence("model", frozenset({"model"}), claims, datetime.now(UTC), self.kept.changes, True)

    async def give_back(self, claim: Claim) -> bool:
        if self.kept.claims.get(claim.platform) != claim:
            return False
        del self.kept.claims[claim.platform]
        return True

    async def claim(self, platform_id: str) -> Claim:
        self.registered(platform_id)
        self.kept.epochs[platform_id] += 1
        self.kept.claims[platform_id] = Claim(platform_id, "model", self.kept.epochs[platform_id])
        return self.kept.claims[platform_id]

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
        return self.begun(claim, delivery_id, adapter, request, at, message, probe=probe)

    def begun(
        self,
        right: Claim | Inbox,
        delivery_id: str,
        adapter: str,
        request: OutboundRequest,
        at: datetime,
        message: Message | None,
        *,
        probe: bool = False,
        until: datetime | None = None,
    ) -> int | None:
        before: Delivery = self.claimed(right, delivery_id)
        if not self.may_go(before, probe=probe):
            return None
        if message is not None and not before.attempts and message != self.kept.messages[before.message_id].message:
            return None
        self.kept.requests.setdefault(delivery_id, request)
        number = before.attempts + 1
        self.step(before, State.SENDING, at, attempts=number, adapter=before.adapter or adapter, leased_until=until)
        return number

    async def unbegin(self, claim: Claim, delivery_id: str, attempt: int, at: datetime) -> bool:
        before: Delivery = self.claimed(claim, delivery_id)
        if (before.state, before.attempts, before.leased_until) != (State.SENDING, attempt, None):
            return False
        if attempt == 1:
            del self.kept.requests[delivery_id]
        adapter = None if attempt == 1 else before.adapter
        self.step(before, State.READY, at, attempts=attempt - 1, adapter=adapter)
        return True

    async def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        attempt = settlement.attempt
        before: Delivery = self.claimed(claim, attempt.delivery_id)
        if (before.state, before.attempts, before.leased_until) != (State.SENDING, attempt.number, None):
            raise error(Conflict, "settle.stale")
        after = self.ended(before, settlement)
        self.kept.attempts.append(attempt)
        held = self.hold_with(claim.platform, settlement)
        return Settled(lane_moved=self.has_moved(after), held=held)

    def ended(self, before: Delivery, settlement: Settlement) -> Delivery:
        """Let an attempt end as a settlement says."""
        attempt, state = settlement.attempt, settlement.state
        due_at = settlement.due_at or attempt.ended_at
        after = self.step(
            before,
            state,
            attempt.ended_at,
            due_at=due_at if state is State.WAITING else None,
            waits_since=settlement.waits_since if state is State.WAITING else None,
            in_doubt=settlement.in_doubt,
            tried_for=settlement.tried_for,
            reference=attempt.reference or before.reference,
            reason=attempt.reason,
            code=attempt.code,
        )
        self.name(after, settlement)
        return after

    def has_moved(self, ended: Delivery) -> bool:
        """Whether another one is the head of a delivery's lane now."""
        head = self.head(ended)
        return head is not None and head.id != ended.id

    def name(self, delivery: Delivery, settlement: Settlement) -> None:
        """Keep what a platform calls a number of what it accepted."""
        reference = settlement.attempt.reference
        if settlement.alias is None or not reference:
            return
        name, original = settlement.alias
        platform, case = delivery.platform or "", self.kept.messages[delivery.message_id].message.correlation_id
        self.kept.numbers.setdefault((platform, name, spelled(reference)), (original, delivery.message_id))
        if reference != original:
            self.kept.aliases[platform, case, name, original] = reference

    def hold_with(self, platform_id: str, settlement: Settlement) -> bool:
        platform = self.kept.platforms[platform_id]
        if (
            settlement.hold is None
            or platform.revision > settlement.revision
            or _is_not_called(platform, settlement.hold)
        ):
            return False
        self.add_hold(platform, settlement.hold)
        return True

    async def kill(self, claim: Claim | Inbox, delivery_id: str, code: str, reason: str, at: datetime) -> bool:
        before: Delivery = self.claimed(claim, delivery_id)
        if before.state is State.READY and before.held_at is None and self.is_head(before):
            self.step(before, State.DEAD, at, code=code, reason=reason)
            return True
        return before.state is State.DEAD

    async def rescue(self, claim: Claim, under_way: Collection[str], at: datetime) -> Sequence[str]:
        self.claimed(claim)
        sending = [each for each in self.all_shown() if (each.platform, each.state) == (claim.platform, State.SENDING)]
        lost = [each for each in sending if each.id not in under_way and each.leased_until is None]
        for each in lost:
            self.step(each, State.READY, at, in_doubt=True)
        return [each.id for each in lost]

    # ── leases ────────────────────────────────────────────────────────────────────────────────

    async def lease(
        self,
        inbox: Inbox,
        delivery_id: str,
        adapter: str,
        request: OutboundRequest,
        at: datetime,
        until: datetime,
        *,
        message: Message | None = None,
    ) -> int | None:
        return self.begun(inbox, delivery_id, adapter, request, at, message, until=until)

    async def settle_lease(self, platform_id: str, settlement: Settlement) -> LeaseSettled:
        said = settlement.attempt
        before = self.one(said.delivery_id)
        if before.platform != platform_id:
            raise error(NotFound, "delivery.unknown")
        leased = before.leased_until is not None and before.attempts == said.number
        lapsed = (before.state, before.code, before.attempts) == (State.READY, "lease.lapsed", said.number)
        if leased or (lapsed and self.is_head(before)):
            return self.receipted(before, settlement, "in-time" if leased else "late")
        known = [each for each in self.kept.attempts if (each.delivery_id, each.number) == (before.id, said.number)]
        called = before.state is State.SENDING and before.attempts == said.number
        if not known and 0 < said.number <= before.attempts and not called:
            raise error(Conflict, "lease.lapsed")
        if not known or known[-1].receipt is None:
            raise error(Conflict, "lease.none")
        if known[-1].reply != said.reply:
            raise error(Conflict, "lease.answered")
        return LeaseSettled(known[-1], repeated=True)

    def receipted(self, before: Delivery, settlement: Settlement, how: str) -> LeaseSettled:
        """Let a receipt end a lease; what an operator holds is still held when it is to be fetched again."""
        after = self.ended(before, settlement)
        if after.state in SENDABLE and before.held_at is not None:
            after = self.put(replace(after, held_at=before.held_at))
        attempt = replace(settlement.attempt, receipt=how)
        self.kept.attempts.append(attempt)
        if how == "late":
            self.noted(after.id, attempt.ended_at, before.platform or "", "delivery.receipt-late")
        return LeaseSettled(attempt, self.has_moved(after))

    async def lapse(self, now: datetime, latest: datetime, at: datetime, limit: int) -> Sequence[Delivery]:
        leased = [each for each in self.all_shown() if each.leased_until is not None]
        ways = [lambda until: until <= now, lambda until: until > latest]
        over = [
            sorted((one for one in leased if way(one.leased_until)), key=lambda one: one.leased_until) for way in ways
        ]
        first = sorted([*over[0], *over[1]][:limit], key=position_of)
        return [self.step(each, State.READY, at, in_doubt=True, code="lease.lapsed", reason=None) for each in first]

    def step(self, before: Delivery, state: State, at: datetime, **changes: Any) -> Delivery:
        """Let a delivery stand in another state: nothing of the old one's hold or time stays."""
        nothing = {"held_by": None, "held_at": None, "due_at": None, "waits_since": None, "leased_until": None}
        return self.put(replace(before, **{"state": state, **nothing, "changed_at": at, **changes}))

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

    async def discard(self, delivery_id: str, intent: Intent, *, only: State | None = None) -> Delivery:
        def do() -> None:
            if only is not None and self.one(delivery_id).state is not only:
                raise error(Conflict, "state.wrong")
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

    async def begin_replay(self, replay: BulkReplay, intent: Intent) -> BulkReplay:
        if replay.filter.state not in REPLAYABLE:
            raise error(Invalid, "replay.state")
        upto = max((each.position for each in self.kept.deliveries.values()), default=0)
        found = self.matching(replay.filter)
        job = replace(replay, upto=upto, total=len(found))
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

    def job(self, replay_id: str) -> BulkReplay:
        if replay_id not in self.kept.replays:
            raise error(NotFound, "replay.unknown")
        return self.kept.replays[replay_id]

    # ── platforms ─────────────────────────────────────────────────────────────────────────────

    async def put_platform(
        self,
        platform: Platform,
        intent: Intent,
        take: Taker,
        *,
        asked: Mapping[str, Any] | None = None,
        only_at: int | None = None,
    ) -> Registered:
        def do() -> Registered:
            there = self.kept.platforms.get(platform.id)
            if only_at is not None and only_at != (there.revision if there else 0):
                raise error(Conflict, "platform.changed")
            self.kept.revision += 1
            self.kept.changes += 1
            before = self.kept.platforms.get(platform.id)
            kept = replace(platform, holds=(), revision=self.kept.revision)
            if before is not None:
                holds = tuple(hold for hold in before.holds if hold.by is not HeldBy.CREDENTIALS)
                holds = tuple(hold for hold in holds if not _is_not_called(platform, hold))
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
            self.kept.contacts = {key: each for key, each in self.kept.contacts.items() if key[0] != platform_id}
            for each in [one for one in self.kept.credentials.values() if one.platform == platform_id]:
                del self.kept.credentials[each.id]
            self.kept.revision += 1
            self.kept.changes += 1
            self.note_intent(platform_id, intent, "platform.deleted")
            return Registered(self.kept.revision)

        return self.once(intent, ("delete_platform", platform_id), do)

    async def note_contacts(self, contacts: Sequence[Contact]) -> None:
        self.must_run()
        for each in contacts:
            key = (each.platform, each.way, each.name)
            before = self.kept.contacts.get(key)
            if each.platform in self.kept.platforms and (before is None or before.at < each.at):
                self.kept.contacts[key] = each

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
            given.append(self.step(each, State.READY, at, platform=platform, reason=None, code=None))
        for each in sorted(given, key=position_of):
            self.learn(each.platform or "", each.message_id)
        return frozenset(each.platform or "" for each in given)

    async def spend_nonce(self, owner: str, nonce: str, now: datetime, until: datetime) -> bool:
        self.must_run()
        first = self.kept.nonces.get((owner, nonce), now) <= now
        if first:
            self.kept.nonces[owner, nonce] = until
        return first

    async def add_upload(self, upload: Upload) -> None:
        self.must_run()
        self.kept.uploads[upload.id] = upload, self.kept.time or min((upload.at, *self.stamps()[-1:]))

    async def forget_uploads(self, unnamed_for: timedelta, now: datetime, limit: int = 100) -> Sequence[str]:
        self.must_run()
        time = self.kept.time or min((now, *self.stamps()[-1:]))
        named = {upload for upload, _ in self.kept.attached}
        old = [(came, id) for id, (_, came) in self.kept.uploads.items() if came <= time - unnamed_for]
        gone = [id for _, id in sorted(old, key=lambda one: one[0]) if id not in named][:limit]
        for id in gone:
            del self.kept.uploads[id]
        return gone

    async def put_area(self, area: Area, intent: Intent, kinds: Collection[str], take: Taker) -> Registered:
        def do() -> Registered:
            self.kept.areas[area.code] = area
            return self.areas_changed(area.code, intent, "area.put", kinds, take)

        said = (area.title, area.parent, area.valid_from, area.valid_to)
        return self.once(intent, ("put_area", area.code, said), do)

    async def delete_area(self, code: str, intent: Intent, kinds: Collection[str], take: Taker) -> Registered:
        def do() -> Registered:
            if code not in self.kept.areas:
                raise error(NotFound, "area.unknown")
            named = [one for each in self.kept.platforms.values() for one in (each.region, *each.covers)]
            parents = [each.parent for each in self.kept.areas.values()]
            if code in (*parents, *(part for one in named for part in one.split("-"))):
                raise error(Conflict, "area.in-use")
            del self.kept.areas[code]
            return self.areas_changed(code, intent, "area.deleted", kinds, take)

        return self.once(intent, ("delete_area", code), do)

    def areas_changed(self, code: str, intent: Intent, action: str, kinds: Collection[str], take: Taker) -> Registered:
        """Let routing be asked anew."""
        self.kept.revision += 1
        self.kept.changes += 1
        self.note_intent(code, intent, action)
        return Registered(self.kept.revision, self.give(kinds, take, intent.at))

    async def put_unwanted(self, kind: str, region: str, intent: Intent) -> Unwanted:
        def do() -> Unwanted:
            self.kept.unwanted[kind, region] = Unwanted(kind, region, intent.reason, intent.at)
            self.note_intent(f"{kind}.{region}", intent, "unwanted.declared")
            return self.kept.unwanted[kind, region]

        return self.once(intent, ("put_unwanted", kind, region), do)

    async def delete_unwanted(self, kind: str, region: str, intent: Intent) -> bool:
        def do() -> bool:
            if self.kept.unwanted.pop((kind, region), None) is None:
                return False
            self.note_intent(f"{kind}.{region}", intent, "unwanted.withdrawn")
            return True

        return self.once(intent, ("delete_unwanted", kind, region), do)

    async def put_year(self, year: CalendarYear, intent: Intent) -> CalendarYear:
        def do() -> CalendarYear:
            self.kept.years[year.year] = replace(year, at=intent.at)
            self.note_intent(str(year.year), intent, "calendar.put")
            return self.kept.years[year.year]

        return self.once(intent, ("put_year", year.year, year.holidays, year.workdays), do)

    async def put_findings(self, found: Sequence[CaseFinding]) -> Sequence[CaseFinding]:
        self.must_run()
        return [each for one in found if (each := self.kept_anew(one)) is not None]

    def kept_anew(self, finding: CaseFinding) -> CaseFinding | None:
        number, kept = self.kept.findings.get((finding.lane, finding.rule), (0, None))
        if kept and (kept.version, kept.result) == (finding.version, finding.result):
            shown = {name: getattr(finding, name) for name in ("said_zh", "said_en", "evidence")}
            self.kept.findings[finding.lane, finding.rule] = number, replace(kept, **shown)
            return None
        self.kept.found += 1
        if kept:
            finding = replace(finding, last_told=kept.result if kept.told else kept.last_told)
        self.kept.findings[finding.lane, finding.rule] = self.kept.found, finding
        return finding

    async def tell_finding(self, finding: CaseFinding, message_id: str) -> None:
        self.must_run()
        number, kept = self.kept.findings.get((finding.lane, finding.rule), (0, None))
        if kept and kept.at == finding.at:
            self.kept.findings[finding.lane, finding.rule] = number, replace(kept, told=message_id)

    async def answer_finding(self, lane: str, rule: str, said: FindingAnswer) -> bool:
        self.must_run()
        number, kept = self.kept.findings.get((lane, rule), (0, None))
        if kept is None:
            return False
        heard = replace(
            kept, reviewer=said.reviewer, answer=said.answer, answered_by=said.platform, answered_at=said.at
        )
        self.kept.findings[lane, rule] = number, heard
        return True

    async def begin_assessment(self, run: AssessmentRun, intent: Intent) -> AssessmentRun:
        def do() -> str:
            self.kept.assessments[run.id] = run
            self.note_intent(run.id, intent, "assessment.begun")
            return run.id

        return self.kept.assessments[self.once(intent, ("assess", run.region, run.since, run.until, run.lane), do)]

    async def step_assessment(self, before: AssessmentRun, after: AssessmentRun) -> AssessmentRun:
        self.must_run()
        if after.id not in self.kept.assessments:
            raise error(NotFound, "assessment.unknown")
        if self.kept.assessments[after.id] == before:
            self.kept.assessments[after.id] = after
        return self.kept.assessments[after.id]

    async def follow(self, name: str) -> bool:
        self.kept.followed.setdefault(name, 0)
        return True

    async def keep_followed(self, name: str, position: int, seen: Sequence[ChangedMessage] = ()) -> None:
        self.kept.followed[name] = max(position, self.kept.followed[name])

    async def put_clocks(self, name: str, counted: Sequence[CountedCorrelation]) -> bool:
        there = {one.message.correlation_id for one in self.kept.messages.values() if not one.remnant}
        for each in counted if name in self.kept.followed else ():
            self.kept.clocks.pop(each.correlation_id, None)
            if each.correlation_id in there:
                self.kept.clocks[each.correlation_id] = each
        return name in self.kept.followed

    async def hold_platform(self, platform_id: str, hold: Hold, intent: Intent, *, revision: int | None = None) -> bool:
        def do() -> bool:
            platform = self.registered(platform_id)
            if revision not in (None, platform.revision):
                return False
            return self.add_hold(platform, hold)

        return self.once(intent, ("hold_platform", platform_id, hold.by, hold.type, hold.reason, revision), do)

    def add_hold(self, platform: Platform, hold: Hold) -> bool:
        if _is_not_called(platform, hold):
            return False
        if any((each.by, each.type) == (hold.by, hold.type) for each in platform.holds):
            return False
        holds = sorted((*platform.holds, hold), key=lambda each: (each.type or "", each.by))
        self.kept.platforms[platform.id] = replace(platform, holds=tuple(holds))
        self.kept.changes += 1
        return True

    async def release_platform(self, platform_id: str, by: HeldBy, intent: Intent, *, type: str | None = None) -> bool:
        def do() -> bool:
            platform = self.registered(platform_id)
            left = tuple(each for each in platform.holds if (each.by, each.type) != (by, type))
            self.kept.platforms[platform_id] = replace(platform, holds=left)
            self.kept.changes += len(platform.holds) - len(left)
            return len(left) < len(platform.holds)

        return self.once(intent, ("release_platform", platform_id, by, type), do)

    async def add_credential(self, credential: Credential, intent: Intent) -> None:
        def do() -> None:
            self.registered(credential.platform)
            self.kept.credentials[credential.id] = credential
            self.kept.changes += 1
            self.note_intent(credential.platform, intent, "credential.added")

        self.once(intent, ("add_credential", credential.platform, credential.digest), do)

    async def revoke_credential(self, platform_id: str, credential_id: str, intent: Intent) -> bool:
        def do() -> bool:
            known = self.kept.credentials.get(credential_id)
            if known is None or known.platform != platform_id:
                raise error(NotFound, "credential.absent")
            if known.revoked_at is not None:
                return False
            self.kept.credentials[credential_id] = replace(known, revoked_at=intent.at)
            self.kept.changes += 1
            self.note_intent(platform_id, intent, "credential.revoked")
            return True

        return self.once(intent, ("revoke_credential", platform_id, credential_id), do)

    # ── people ────────────────────────────────────────────────────────────────────────────────

    async def add_person(self, person: Person, intent: Intent) -> None:
        def do() -> None:
            if person.id in self.kept.people:
                raise error(Conflict, "person.exists")
            self.kept.people[person.id] = person
            self.kept.changes += 1
            self.note_intent(person.id, intent, "person.added")

        self.once(intent, ("add_person", person.id, person.digest), do)

    async def remove_person(self, person_id: str, intent: Intent) -> bool:
        def do() -> bool:
            known = self.kept.people.get(person_id)
            if known is None:
                raise error(NotFound, "person.unknown")
            if known.removed_at is not None:
                return False
            self.kept.people[person_id] = replace(known, removed_at=intent.at)
            self.kept.changes += 1
            self.note_intent(person_id, intent, "person.removed")
            return True

        return self.once(intent, ("remove_person", person_id), do)

    async def unmask(self, unmasking: Unmasking, intent: Intent) -> Unmasking:
        def do() -> str:
            self.kept.unmaskings[unmasking.id] = unmasking
            self.note_intent(unmasking.subject, intent, "personal.unmasked")
            return unmasking.id

        asked = ("unmask", unmasking.person, unmasking.subject, unmasking.until - unmasking.at)
        return self.kept.unmaskings[self.once(intent, asked, do)]

    async def note(self, entries: Sequence[AuditEntry]) -> None:
        self.must_run()
        self.kept.audit += entries

    # ── four eyes ─────────────────────────────────────────────────────────────────────────────

    async def ask_approval(self, approval: SecondApproval, intent: Intent) -> SecondApproval:
        def do() -> str:
            self.kept.approvals[approval.id] = approval
            self.note_intent(approval.subject, intent, "approval.asked")
            return approval.id

        said = {name: value for name, value in approval.order.items() if name not in DECIDED_ON}
        asked = ("ask_approval", approval.subject, approval.kind, said)
        return self.kept.approvals[self.once(intent, asked, do)]

    async def decide_approval(self, approval_id: str, state: ApprovalState, intent: Intent) -> SecondApproval:
        known = self.kept.approvals.get(approval_id)
        if known is None:
            raise error(NotFound, "approval.unknown")
        approves = state is ApprovalState.APPROVED
        if approves and intent.actor == known.asked_by:
            raise error(Forbidden, "approval.own")
        if known.state is not ApprovalState.PENDING:
            stands = {ApprovalState.APPROVED, ApprovalState.DONE} if approves else {ApprovalState.REJECTED}
            if known.state in stands and known.decided_by == intent.actor:
                return known
            raise error(Conflict, "approval.decided")
        if known.until <= intent.at:
            raise error(Conflict, "approval.expired")
        after = replace(known, state=state, decided_by=intent.actor, decided_at=intent.at)
        after = after if approves else replace(after, decision=intent.reason)
        self.kept.approvals[approval_id] = after
        self.note_intent(known.subject, intent, f"approval.{state}")
        return after

    async def finish_approval(self, approval_id: str, at: datetime, failed: str | None) -> SecondApproval:
        known = self.kept.approvals.get(approval_id)
        if known is None:
            raise error(NotFound, "approval.unknown")
        if known.state is ApprovalState.APPROVED:
            state = ApprovalState.DONE if failed is None else ApprovalState.FAILED
            self.kept.approvals[approval_id] = replace(known, state=state, failed=failed)
            self.noted(known.subject, at, "gateway", f"approval.{state}", failed or "")
        return self.kept.approvals[approval_id]

    # ── adapters ──────────────────────────────────────────────────────────────────────────────

    async def add_adapter(self, adapter: AdapterVersion, content: bytes, intent: Intent) -> AdapterVersion:
        def do() -> AdapterVersion:
            known = self.kept.adapters.get((adapter.name, adapter.version))
            if known is None:
                self.kept.bundles[adapter.name, adapter.version] = content
                self.kept.changes += 1
                return self.put_adapter(adapter)
            if known.digest != adapter.digest:
                raise error(Conflict, "adapter.version-exists")
            return known

        def added() -> tuple[Sequence[AdapterVersion], None]:
            return [do()], None

        [kept], _ = self.once(replace(intent, reason=""), upload_of(adapter), added)
        return kept

    async def change_adapters(
        self,
        versions: Sequence[AdapterVersion],
        intent: Intent,
        action: str,
        kinds: Collection[str],
        take: Taker,
        *,
        asked: Mapping[str, Any] | None = None,
    ) -> tuple[Sequence[AdapterVersion], Registered]:
        def do() -> tuple[Sequence[AdapterVersion], Registered]:
            for each in versions:
                known = self.kept.adapters.get((each.name, each.version))
                if each.revision != (known.revision if known else 0):
                    raise error(Conflict, "adapter.changed")
            kept = [self.put_adapter(each) for each in versions]
            self.kept.revision += bool(kept)
            return kept, Registered(self.kept.revision, self.give(kinds, take, intent.at) if kept else frozenset())

        states = tuple((each.id, each.state) for each in versions), action
        return self.once(replace(intent, reason=""), states if asked is None else asked, do)

    async def asked_adapters(self, intent: Intent, asked: Mapping[str, Any]) -> Sequence[AdapterVersion] | None:
        known = self.kept.intents.get((intent.actor, intent.key or ""))
        if known is None:
            return None
        if known[0] != (asked, ""):
            raise error(Conflict, "idempotency.key-reused")
        return [self.kept.adapters[each.name, each.version] for each in known[1][0]]

    def put_adapter(self, adapter: AdapterVersion) -> AdapterVersion:
        newest = max((each.revision for each in self.kept.adapters.values()), default=0)
        kept = self.kept.adapters[adapter.name, adapter.version] = replace(adapter, revision=newest + 1)
        return kept

    # ── what all of them need ─────────────────────────────────────────────────────────────────

    def noted(self, subject: str, at: datetime, actor: str, action: str, reason: str = "") -> None:
        self.kept.audit.append(AuditEntry(at, actor, action, subject, reason))

    def note_intent(self, subject: str, intent: Intent, action: str) -> None:
        self.noted(subject, intent.at, intent.actor, action, intent.reason)


def _counted(deliveries: Iterable[Delivery], was: Counter[Any] | None = None) -> tuple[ReplayCount, ...]:
    counts = Counter(was)
    counts.update((each.platform, each.type, each.code) for each in deliveries)
    in_order = sorted(counts.items(), key=lambda each: (each[0][0] or "", each[0][1], each[0][2] or ""))
    return tuple(ReplayCount(platform or "", type, code, count) for (platform, type, code), count in in_order)


def _is_not_called(platform: Platform, hold: Hold) -> bool:
    """Whether a hold judges calls and nobody calls the platform."""
    return platform.mode == "pull" and hold.by in (HeldBy.BREAKER, HeldBy.ENDPOINT, HeldBy.CREDENTIALS)
