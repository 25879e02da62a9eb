"""The SQL ledger: each promise handed to the writer, to the reader of single things, or to a search."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from adapters.base import OutboundRequest
from gateway.audit.signing import SignedHead, SigningKey
from gateway.clock import Clock, Ticks, monotonic, system_clock
from gateway.errors import HutongError
from gateway.ledger.assessments import (
    AssessedCase,
    AssessmentRun,
    CaseFinding,
    CaseFound,
    CaseSearch,
    DueCase,
    FindingAnswer,
    FindingFilter,
    Ground,
    ToldFinding,
)
from gateway.ledger.base import TERM
from gateway.ledger.clocked import ClockCount, ClockFilter, CountedCorrelation, FoundClock
from gateway.ledger.encryption import WrappingKeys
from gateway.ledger.followed import AuditPage, ChangedMessage, Followed, FollowedPage, Horizon
from gateway.ledger.occurrences import (
    FoundOccurrence,
    Judging,
    LastHeard,
    OccurrenceFilter,
    OccurrenceTally,
    Seen,
    TallyFilter,
)
from gateway.ledger.reconciled import Comparison, Direction, Exchanged
from gateway.ledger.records import (
    ApprovalState,
    Area,
    AuditEntry,
    AuditFilter,
    Backlog,
    BulkReplay,
    CalendarYear,
    Claim,
    ConsistencyProof,
    Contact,
    Credential,
    DeliveryFilter,
    Hold,
    Inbox,
    InclusionProof,
    Intake,
    Intent,
    KnownKey,
    KnownNumber,
    LeaseSettled,
    MessageFilter,
    NamedCase,
    Native,
    Person,
    PlacedLeaf,
    Platform,
    Presence,
    ProvedLeaf,
    Prunable,
    PruneStep,
    Pruning,
    Receipt,
    Registered,
    Registry,
    Rejection,
    ResultPage,
    Retention,
    SecondApproval,
    Sequenced,
    Settled,
    Settlement,
    Stamp,
    Taker,
    TreeStanding,
    Unmasking,
    Unwanted,
    Upload,
    Witnessed,
    Work,
)
from gateway.ledger.sql import (
    accepting,
    adapters,
    approvals,
    areas,
    assessed,
    assessing,
    attempts,
    auditing,
    bulk_replays,
    bundle_keys,
    calendar,
    claims,
    clocks,
    counts,
    credentials,
    findings,
    following,
    leases,
    nonces,
    occurrences,
    operating,
    people,
    platforms,
    proving,
    pruning,
    reading,
    reconciling,
    reencrypting,
    registrations,
    searching,
    sequencing,
    stamping,
    unmaskings,
    unrouted,
    unwanted,
    uploads,
    use,
    witnessing,
)
from gateway.ledger.sql import contacts as kept_contacts
from gateway.ledger.sql import tallies as kept_tallies
from gateway.ledger.sql.batch_thread import BatchWatch, unwatched
from gateway.ledger.sql.numbers import facts, named, recall
from gateway.ledger.sql.store import Store, StoreLimits
from gateway.ledger.sql.writing import ONE_BY_ONE, KeptBytes, Transaction
from gateway.ledger.versions import AdapterVersion, BundleKey
from gateway.message import Attempt, Delivery, Enriched, HeldBy, Message, State

T = TypeVar("T")


class SqlLedger:
    """A `gateway.ledger.base.Ledger` in a database: `sqlite:///path`.

    `rejections`, `replies`: bytes of them that are kept for each platform, the newest; of replies only long ones
    count. `patience`: seconds to wait for
    another program's lock. `most`: the rows that share a commit, about. `deadline`: seconds
    a search may take. `term`: how long a process keeps its claims after a beat. `watch` is told of every batch that
    was written. `key` signs receipts and heads; without one nothing is signed. `keys` wrap the keys that secrets are
    encrypted with; without them they are kept in clear.
    """

    def __init__(
        self,
        url: str,
        *,
        rejections: int = 64 << 20,
        replies: int = 256 << 20,
        patience: float = 5.0,
        most: int = 256,
        deadline: float = 5.0,
        term: timedelta = TERM,
        clock: Clock = system_clock,
        ticks: Ticks = monotonic,
        watch: BatchWatch = unwatched,
        key: SigningKey | None = None,
        keys: WrappingKeys | None = None,
    ) -> None:
        limits = StoreLimits(
            kept=KeptBytes(rejections, replies), patience=patience, most=most, deadline=deadline, term=term
        )
        self._store = Store(url, limits, clock, ticks, watch, key, keys)
        self._clock = clock
        self._horizon, self._audit_horizon = Horizon(), Horizon()

    async def start(self) -> None:
        await self._store.start()

    async def stop(self) -> None:
        await self._store.stop()

    async def check(self) -> None:
        await self._store.check()

    async def _write(self, change: Callable[..., T], *arguments: Any, **named: Any) -> T:
        def operation(transaction: Transaction) -> T:
            return change(transaction, *arguments, **named)

        found: T = await self._store.write(ONE_BY_ONE, operation)
        return found

    # ── intake ────────────────────────────────────────────────────────────────────────────────
    async def accept(self, intake: Intake) -> Receipt:
        return await accepting.accept_in_chunks(self._store, intake)

    async def accept_all(self, intakes: Sequence[Intake]) -> Sequence[Receipt | HutongError]:
        return await accepting.accept_in_order(self._store, intakes)

    async def recall(self, platform: str, numbers: Mapping[str, str]) -> Mapping[str, KnownNumber]:
        return await self._store.look_up(recall, platform, numbers) if numbers else {}

    async def named(self, number: str) -> Sequence[NamedCase]:
        return await self._store.read(named, number)

    async def facts(self, correlation_id: str) -> Mapping[str, Enriched]:
        return await self._store.look_up(facts, correlation_id)

    async def partakes(self, correlation_id: str, platform: str) -> bool | None:
        return await self._store.read(reading.partakes, correlation_id, platform)

    # ── delivery ──────────────────────────────────────────────────────────────────────────────
    async def beat(self, *, leaving: bool = False) -> Presence:
        return await self._store.beat(leaving=leaving)

    async def claim(self, platform_id: str) -> Claim:
        return await self._write(claims.take, platform_id, self._store.term)

    async def give_back(self, claim: Claim) -> bool:
        return await self._write(claims.give_back, claim)

    async def heads(
        self,
        claim: Claim | Inbox,
        now: datetime,
        latest: datetime,
        limit: int,
        *,
        only: Collection[str] | None = None,
        besides: Collection[str] = (),
        known: Collection[str] = (),
        probe: bool = False,
    ) -> Sequence[Work]:
        return await self._store.read(
            reading.heads, claim, now, latest, limit, only=only, besides=besides, known=known, probe=probe
        )

    async def next_due(
        self,
        claim: Claim | Inbox,
        now: datetime,
        latest: datetime,
        *,
        only: Collection[str] | None = None,
        besides: Collection[str] = (),
    ) -> datetime | None:
        return await self._store.read(reading.next_due, claim, now, latest, only=only, besides=besides)

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
        begin = attempts.Begin(claim, delivery_id, adapter, request, at, message, probe)
        number: int | None = await self._store.write(attempts.BEGIN, begin, size=len(request.body))
        return number

    async def unbegin(self, claim: Claim, delivery_id: str, attempt: int, at: datetime) -> bool:
        return await self._write(attempts.unbegin, claim, delivery_id, attempt, at)

    async def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        settle = attempts.Settle(claim, settlement)
        settled: Settled = await self._store.write(attempts.SETTLE, settle, size=len(settlement.attempt.reply))
        return settled

    async def kill(self, claim: Claim | Inbox, delivery_id: str, code: str, reason: str, at: datetime) -> bool:
        return await self._write(attempts.kill, claim, delivery_id, code, reason, at)

    async def rescue(self, claim: Claim, under_way: Collection[str], at: datetime) -> Sequence[str]:
        return await self._write(attempts.rescue, claim, under_way, at)

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
        begin = attempts.Begin(inbox, delivery_id, adapter, request, at, message, until=until)
        number: int | None = await self._store.write(attempts.BEGIN, begin, size=len(request.body))
        return number

    async def settle_lease(self, platform_id: str, settlement: Settlement) -> LeaseSettled:
        settle = leases.SettleLease(platform_id, settlement)
        settled: LeaseSettled = await self._store.write(leases.SETTLE, settle, size=len(settlement.attempt.reply))
        return settled

    async def lapse(self, now: datetime, latest: datetime, at: datetime, limit: int) -> Sequence[Delivery]:
        return await self._write(leases.lapse, now, latest, at, limit)

    async def next_lapse(self, now: datetime, latest: datetime) -> datetime | None:
        return await self._store.read(leases.next_lapse, now, latest)

    # ── operators ─────────────────────────────────────────────────────────────────────────────
    async def replay(self, delivery_id: str, intent: Intent, *, stale_ok: bool = False) -> Delivery:
        return await self._write(operating.replay, delivery_id, intent, stale_ok=stale_ok)

    async def discard(self, delivery_id: str, intent: Intent, *, only: State | None = None) -> Delivery:
        return await self._write(operating.discard, delivery_id, intent, only=only)

    async def hold(self, delivery_id: str, intent: Intent) -> Delivery:
        return await self._write(operating.hold, delivery_id, intent)

    async def release(self, delivery_id: str, intent: Intent) -> Delivery:
        return await self._write(operating.release, delivery_id, intent)

    async def begin_replay(self, replay: BulkReplay, intent: Intent) -> BulkReplay:
        # What it finds is counted beside the writer: that may take long.
        measured = await self._store.search(bulk_replays.measured, replay)
        return measured if replay.dry_run else await self._write(bulk_replays.begin, measured, intent)

    async def step_replay(self, replay_id: str, limit: int, at: datetime) -> BulkReplay:
        return await self._write(bulk_replays.step, replay_id, limit, at)

    async def cancel_replay(self, replay_id: str, intent: Intent) -> BulkReplay:
        return await self._write(bulk_replays.cancel, replay_id, intent)

    async def replays(self, *, unfinished: bool = False) -> Sequence[BulkReplay]:
        return await self._store.search(bulk_replays.replays, unfinished=unfinished)

    # ── platforms ─────────────────────────────────────────────────────────────────────────────
    async def registry_at(self, moment: datetime) -> Registry:
        return await self._store.read(registrations.registry_at, moment)

    async def registry(self) -> Registry:
        return await self._store.read(platforms.registry)

    async def put_platform(
        self,
        platform: Platform,
        intent: Intent,
        take: Taker,
        *,
        asked: Mapping[str, Any] | None = None,
        only_at: int | None = None,
    ) -> Registered:
        return await self._write(platforms.put, platform, intent, take, asked=asked, only_at=only_at)

    async def delete_platform(self, platform_id: str, intent: Intent) -> Registered:
        return await self._write(platforms.delete, platform_id, intent)

    async def assign(self, kinds: Collection[str], take: Taker, at: datetime) -> frozenset[str]:
        return await self._write(unrouted.assign, kinds, take, at)

    async def put_area(self, area: Area, intent: Intent, kinds: Collection[str], take: Taker) -> Registered:
        return await self._write(areas.put, area, intent, kinds, take)

    async def delete_area(self, code: str, intent: Intent, kinds: Collection[str], take: Taker) -> Registered:
        return await self._write(areas.delete, code, intent, kinds, take)

    async def put_unwanted(self, kind: str, region: str, intent: Intent) -> Unwanted:
        return await self._write(unwanted.put, kind, region, intent)

    async def delete_unwanted(self, kind: str, region: str, intent: Intent) -> bool:
        return await self._write(unwanted.delete, kind, region, intent)

    async def unwanted(self) -> Sequence[Unwanted]:
        return await self._store.read(unwanted.unwanted)

    async def put_year(self, year: CalendarYear, intent: Intent) -> CalendarYear:
        return await self._write(calendar.put, year, intent)

    async def years(self) -> Sequence[CalendarYear]:
        return await self._store.read(calendar.years)

    # ── assessment ────────────────────────────────────────────────────────────────────────────
    async def put_findings(
        self, found: Sequence[CaseFinding], cases: Sequence[AssessedCase] = ()
    ) -> Sequence[CaseFinding]:
        news: Sequence[CaseFinding] = await self._store.write(findings.PUT, (found, cases))
        return news

    async def tell_findings(self, told: Sequence[ToldFinding]) -> None:
        await self._store.write(findings.TELL, told)

    async def ground_changes(self, lanes: Collection[str]) -> Mapping[str, int]:
        return await self._store.read(assessed.changes, lanes)

    async def change_grounds(self, grounds: Sequence[Ground]) -> None:
        await self._store.write(assessed.CHANGE, grounds)

    async def make_due(self, limit: int = 500) -> bool:
        # It is asked every second, and mostly nothing has changed.
        more: bool = await self._store.read(assessed.waiting) and await self._store.write(assessed.SPREAD, limit)
        return more

    async def due_cases(self, day: date, limit: int = 100) -> Sequence[DueCase]:
        return await self._store.read(assessed.due, day, limit)

    async def answer_finding(self, lane: str, rule: str, said: FindingAnswer) -> bool:
        return await self._write(findings.answer, lane, rule, said)

    async def untold_findings(self, after: int = 0, limit: int = 100) -> tuple[Sequence[CaseFinding], int]:
        return await self._store.read(findings.untold, after, limit)

    async def find_findings(
        self, filter: FindingFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[CaseFinding]:
        return await self._store.search(findings.find, filter, cursor, limit)

    async def find_cases(self, search: CaseSearch, after: str = "", limit: int = 500) -> Sequence[CaseFound]:
        return await self._store.search(assessing.cases, search, after, limit)

    async def naming(self, key: str, number: str, type: str, limit: int = 50) -> Sequence[Message]:
        return await self._store.search(assessing.naming, key, number, type, limit)

    async def begin_assessment(self, run: AssessmentRun, intent: Intent) -> AssessmentRun:
        return await self._write(assessing.begin, run, intent)

    async def step_assessment(self, before: AssessmentRun, after: AssessmentRun) -> AssessmentRun:
        return await self._write(assessing.step, before, after)

    async def assessments(self, *, unfinished: bool = False) -> Sequence[AssessmentRun]:
        return await self._store.search(assessing.runs, unfinished=unfinished)

    # ── signed calls ──────────────────────────────────────────────────────────────────────────
    async def spend_nonce(self, owner: str, nonce: str, now: datetime, until: datetime) -> bool:
        first: bool = await self._store.write(nonces.SPEND, nonces.Spending(owner, nonce, now, until))
        return first

    # ── attachments ───────────────────────────────────────────────────────────────────────────
    async def add_upload(self, upload: Upload) -> None:
        await self._write(uploads.add, upload)

    async def upload_for(self, upload_id: str, platform: str) -> Upload | None:
        return await self._store.read(uploads.upload_for, upload_id, platform)

    async def unnamed_bytes(self, platform: str) -> int:
        return await self._store.read(uploads.unnamed_bytes, platform)

    async def known_uploads(self, ids: Collection[str]) -> frozenset[str]:
        return await self._store.read(uploads.known, ids)

    async def forget_uploads(self, unnamed_for: timedelta, now: datetime, limit: int = 100) -> Sequence[str]:
        # Mostly there is nothing to forget, and every writer of a shared ledger would wait for that to be found.
        if not await self._store.read(uploads.orphaned, unnamed_for, now, 1):
            return []
        return await self._write(uploads.forget, unnamed_for, now, limit)

    async def hold_platform(self, platform_id: str, hold: Hold, intent: Intent, *, revision: int | None = None) -> bool:
        return await self._write(platforms.hold, platform_id, hold, intent, revision=revision)

    async def release_platform(self, platform_id: str, by: HeldBy, intent: Intent, *, type: str | None = None) -> bool:
        return await self._write(platforms.release, platform_id, by, intent, type=type)

    async def add_credential(self, credential: Credential, intent: Intent) -> None:
        await self._write(credentials.add, credential, intent)

    async def revoke_credential(self, platform_id: str, credential_id: str, intent: Intent) -> bool:
        return await self._write(credentials.revoke, platform_id, credential_id, intent)

    async def credentials(self) -> Sequence[Credential]:
        return await self._store.read(credentials.credentials)

    # ── people ────────────────────────────────────────────────────────────────────────────────
    async def add_person(self, person: Person, intent: Intent) -> None:
        await self._write(people.add, person, intent)

    async def remove_person(self, person_id: str, intent: Intent) -> bool:
        return await self._write(people.remove, person_id, intent)

    async def people(self) -> Sequence[Person]:
        return await self._store.read(people.people)

    async def unmask(self, unmasking: Unmasking, intent: Intent) -> Unmasking:
        return await self._write(unmaskings.unmask, unmasking, intent)

    async def unmaskings(self, person: str, now: datetime) -> Sequence[Unmasking]:
        return await self._store.read(unmaskings.unmaskings, person, now)

    # ── four eyes ─────────────────────────────────────────────────────────────────────────────
    async def ask_approval(self, approval: SecondApproval, intent: Intent) -> SecondApproval:
        return await self._write(approvals.ask, approval, intent)

    async def approvals(self) -> Sequence[SecondApproval]:
        return await self._store.read(approvals.approvals)

    async def decide_approval(self, approval_id: str, state: ApprovalState, intent: Intent) -> SecondApproval:
        return await self._write(approvals.decide, approval_id, state, intent)

    async def finish_approval(self, approval_id: str, at: datetime, failed: str | None) -> SecondApproval:
        return await self._write(approvals.finish, approval_id, at, failed)

    # ── signed bundles ────────────────────────────────────────────────────────────────────────
    async def add_bundle_key(self, key: BundleKey, intent: Intent) -> None:
        await self._write(bundle_keys.add, key, intent)

    async def revoke_bundle_key(self, key_id: str, intent: Intent) -> bool:
        return await self._write(bundle_keys.revoke, key_id, intent)

    async def bundle_keys(self) -> Sequence[BundleKey]:
        return await self._store.read(bundle_keys.bundle_keys)

    # ── adapters ──────────────────────────────────────────────────────────────────────────────
    async def add_adapter(self, adapter: AdapterVersion, content: bytes, intent: Intent) -> AdapterVersion:
        return await self._write(adapters.add, adapter, content, intent)

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
        return await self._write(adapters.change, versions, intent, action, kinds, take, asked)

    async def asked_adapters(self, intent: Intent, asked: Mapping[str, Any]) -> Sequence[AdapterVersion] | None:
        return await self._store.read(adapters.asked, intent, asked)

    async def adapters(self) -> Sequence[AdapterVersion]:
        # Every change of a platform reads these: they are few, and must not wait behind searches.
        return await self._store.read(adapters.versions)

    async def adapter_content(self, name: str, version: str) -> bytes | None:
        return await self._store.read(adapters.content, name, version)

    # ── retention ─────────────────────────────────────────────────────────────────────────────
    async def prune(
        self, retention: Retention, actor: str, now: datetime, *, seen: float = 0.0, limit: int = 50
    ) -> PruneStep:
        return await self._write(pruning.step, retention, actor, now, seen=seen, limit=limit)

    async def prunable(self, retention: Retention, cursor: str | None = None, limit: int = 500) -> Prunable:
        return await self._store.search(pruning.prunable, retention, self._clock(), cursor, limit)

    async def prunings(self, cursor: str | None = None, limit: int = 50) -> ResultPage[Pruning]:
        return await self._store.read(pruning.prunings, cursor, limit)

    # ── reconciliation ────────────────────────────────────────────────────────────────────────
    async def exchanged(
        self,
        platform: str,
        direction: Direction,
        since: datetime,
        until: datetime,
        cursor: str | None = None,
        limit: int = 1000,
    ) -> ResultPage[Exchanged]:
        return await self._store.search(reconciling.exchanged, platform, direction, since, until, cursor, limit)

    async def exchanged_as(self, platform: str, direction: Direction, ids: Sequence[str]) -> Sequence[Exchanged]:
        return await self._store.search(reconciling.exchanged_as, platform, direction, ids)

    async def pruned_until(self) -> datetime | None:
        return await self._store.read(reconciling.pruned_until)

    async def keep_missing(self, comparison_id: str, at: datetime, places: Sequence[int]) -> None:
        await self._store.write(reconciling.MISSING, (comparison_id, at, places))

    async def keep_comparison(self, comparison: Comparison) -> None:
        await self._store.write(reconciling.COMPARED, comparison)

    async def comparison(self, comparison_id: str) -> Comparison | None:
        return await self._store.read(reconciling.comparison, comparison_id)

    # ── the regular report ────────────────────────────────────────────────────────────────────
    async def keep_occurrences(self, seen: Sequence[Seen], judging: Judging) -> int:
        changed: int = await self._store.write(occurrences.KEEP, occurrences.Keep(seen, judging))
        return changed

    async def count_use(self, judging: Judging, limit: int = 1000) -> bool:
        # Mostly there is nothing new, and every writer of a shared ledger would wait for that to be found.
        if not await self._store.read(use.waiting):
            return False
        return await self._write(use.count, judging, limit)

    async def tallies(self, filter: TallyFilter, judging: Judging) -> Sequence[OccurrenceTally]:
        if filter.as_of is None:
            return await self._store.search(kept_tallies.tallies, filter)
        then = kept_tallies.Then(filter, judging)
        while then.left:
            # A page is a search with a deadline of its own: there may be many.
            await self._store.search(then.count)
        return then.tallies()

    async def find_occurrences(
        self, filter: OccurrenceFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[FoundOccurrence]:
        return await self._store.search(kept_tallies.find, filter, cursor, limit)

    async def holding(
        self, names: Sequence[str], day: date, as_of: datetime | None = None
    ) -> Sequence[OccurrenceTally]:
        return await self._store.search(kept_tallies.holding, names, day, as_of)

    async def uncounted(self, after: int = 0, limit: int = 100) -> tuple[Sequence[Message], int]:
        return await self._store.read(occurrences.uncounted, after, limit)

    async def heard_of(self, what: str) -> Sequence[LastHeard]:
        return [LastHeard(what, value, at) for value, at in await self._store.search(occurrences.heard_of, what)]

    # ── following ─────────────────────────────────────────────────────────────────────────────
    async def follow(self, name: str) -> bool:
        return await self._write(following.follow, name, self._store.term)

    async def followed(self, name: str) -> Followed:
        return await self._store.read(following.followed, name, self._store.owner, self._store.term)

    async def messages_after(self, position: int, limit: int = 100) -> FollowedPage:
        # Looked for afterwards, and so with a later view of the ledger: all up to the horizon can be seen in it.
        self._horizon = self._horizon.later(await self._store.read(self._store.numbered, "messages"))
        return await self._store.search(following.after, position, self._horizon.upto, limit)

    async def audit_after(self, position: int, limit: int = 100) -> AuditPage:
        self._audit_horizon = self._audit_horizon.later(await self._store.read(self._store.numbered, "audit"))
        return await self._store.search(auditing.after, position, self._audit_horizon.upto, limit)

    async def changed_messages(self, name: str, limit: int = 100) -> Sequence[ChangedMessage]:
        return await self._store.read(following.changed, name, limit)

    async def keep_followed(self, name: str, position: int, seen: Sequence[ChangedMessage] = ()) -> None:
        await self._store.write(following.KEEP, (name, position, seen))

    async def put_clocks(self, name: str, counted: Sequence[CountedCorrelation]) -> bool:
        rows = sum(len(case.clocks) for one in counted for case in one.cases)
        kept: bool = await self._store.write(clocks.PUT, (name, counted), rows=max(1, rows))
        return kept

    async def counted_otherwise(self, counted_by: str, limit: int = 100) -> Sequence[str]:
        return await self._store.read(clocks.counted_otherwise, counted_by, limit)

    async def find_clocks(
        self, filter: ClockFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[FoundClock]:
        return await self._store.search(clocks.find, filter, cursor, limit)

    async def count_clocks(self, bounds: Collection[date]) -> Sequence[ClockCount]:
        return await self._store.search(clocks.counts, bounds)

    # ── reading ───────────────────────────────────────────────────────────────────────────────
    async def message(self, message_id: str) -> Message | None:
        return await self._store.read(reading.message, message_id)

    async def native(self, message_id: str) -> Native | None:
        return await self._store.read(reading.native, message_id)

    async def deliveries_of(self, *message_ids: str) -> Sequence[Delivery]:
        return await self._store.read(reading.deliveries_of, *message_ids)

    async def delivery(self, delivery_id: str) -> Delivery | None:
        return await self._store.read(reading.delivery, delivery_id)

    async def attempts_of(self, delivery_id: str) -> Sequence[Attempt]:
        return await self._store.read(reading.attempts_of, delivery_id)

    async def sent(self, delivery_id: str) -> OutboundRequest | None:
        return await self._store.read(reading.sent, delivery_id)

    async def rejection(self, rejection_id: str) -> Rejection | None:
        return await self._store.read(reading.rejection, rejection_id)

    async def rejection_native(self, rejection_id: str) -> Native | None:
        return await self._store.read(reading.rejection_native, rejection_id)

    # ── searching ─────────────────────────────────────────────────────────────────────────────
    async def find_messages(
        self, filter: MessageFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Message]:
        return await self._store.search(searching.find_messages, filter, cursor, limit)

    async def find_deliveries(
        self, filter: DeliveryFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Delivery]:
        return await self._store.search(searching.find_deliveries, filter, cursor, limit)

    async def find_rejections(
        self, platform: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Rejection]:
        return await self._store.search(searching.find_rejections, platform, cursor, limit)

    async def dossier(self, credit_code: str, types: Sequence[str], limit: int = 50) -> Sequence[Message]:
        return await self._store.search(searching.dossier, credit_code, types, limit)

    async def backlog(self) -> Sequence[Backlog]:
        return await self._store.search(counts.backlog)

    async def note_contacts(self, contacts: Sequence[Contact]) -> None:
        await self._store.write(kept_contacts.NOTE, contacts)

    async def contacts(self) -> Sequence[Contact]:
        return await self._store.read(kept_contacts.contacts)

    # ── the tree ──────────────────────────────────────────────────────────────────────────────
    async def tree_standing(self) -> TreeStanding:
        return await self._store.read(sequencing.standing, self._store.owner, alone=self._store.alone)

    async def sequence(self, limit: int, *, leaving: bool = False) -> Sequenced:
        step = sequencing.SequenceStep(limit, self._store.alone, leaving)
        sequenced: Sequenced = await self._store.write(sequencing.SEQUENCE, step)
        return sequenced

    async def newest_head(self) -> SignedHead | None:
        return await self._store.read(sequencing.newest_head)

    async def signed_heads(self, size: int = 0, limit: int = 1000) -> Sequence[SignedHead]:
        return await self._store.read(proving.heads, size, limit)

    async def signing_keys(self) -> Sequence[KnownKey]:
        return await self._store.read(proving.keys)

    async def leaves_of(self, subject: str) -> Sequence[PlacedLeaf]:
        return await self._store.read(proving.leaves_of, subject)

    async def proved_leaves(self, subject: str, size: int) -> Sequence[ProvedLeaf]:
        return await self._store.search(proving.proved_leaves, subject, size)

    async def prove_leaf(self, hash: bytes) -> InclusionProof:
        return await self._store.read(proving.proof, hash)

    async def keep_witnessed(self, answer: Witnessed) -> None:
        await self._write(witnessing.keep, answer)

    async def witnessed(self, platforms: Collection[str], size: int) -> Sequence[Witnessed]:
        return await self._store.read(witnessing.newest, platforms, size)

    async def keep_stamp(self, stamp: Stamp) -> None:
        await self._write(stamping.keep, stamp)

    async def stamps(self, size: int = 0, limit: int = 1000) -> Sequence[Stamp]:
        return await self._store.read(stamping.stamps, size, limit)

    async def newest_stamp(self) -> Stamp | None:
        return await self._store.read(stamping.newest)

    async def prove_message(self, message_id: str) -> InclusionProof:
        return await self._store.read(proving.proof_of_message, message_id)

    async def prove_consistency(self, old: int, new: int) -> ConsistencyProof:
        return await self._store.read(proving.consistency, old, new)

    # ── encryption ────────────────────────────────────────────────────────────────────────────
    async def reencrypt(self, limit: int) -> int:
        if left := await self._store.read(reencrypting.left):
            left = await self._write(reencrypting.step, limit)
        return left

    async def note(self, entries: Sequence[AuditEntry]) -> None:
        await self._store.write(auditing.NOTE, entries)

    async def find_audit(
        self, filter: AuditFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[AuditEntry]:
        return await self._store.search(searching.find_audit, filter, cursor, limit)

    async def audit(self, subject: str, limit: int = 200, *, reads: bool = False) -> Sequence[AuditEntry]:
        return await self._store.search(auditing.of, subject, limit, reads=reads)
