"""What a ledger promises, in words. Every backend passes the same conformance suite."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from adapters.base import OutboundRequest
from gateway.audit.signing import SignedHead
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
from gateway.ledger.clocked import ClockCount, ClockFilter, CountedCorrelation, FoundClock
from gateway.ledger.followed import AuditPage, ChangedMessage, Followed, FollowedPage
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
from gateway.ledger.versions import AdapterVersion, BundleKey
from gateway.message import Attempt, Delivery, Enriched, HeldBy, Message, State

TERM = timedelta(seconds=4)
"""How long a process keeps its claims after a beat."""


class Ledger(Protocol):
    """The durable record; the only thing between intake and delivery.

    **Crash.** When a writing call returns, what it wrote is committed and fsynced; when the process
    dies before it returns, all of it is there or none of it. Concurrent calls share a commit. When
    a writing call raises Unavailable, nobody knows: it may have been committed.

    **Owner.** In a database that many processes may write to, each delivers to the platforms that it has the
    claim of (`claim`); a claim lapses `TERM` after the last `beat` of its process. A file has one process: while
    it runs, a second one is refused; otherwise the newer epoch wins, every write of the older raises
    Unavailable `ledger.superseded`, all claims of the older are void, and none lapses by itself.

    **Order.** Positions are assigned at commit: if `accept` of A returned before `accept` of B was
    called, A stands before B in every lane they share. A lane is the deliveries to one platform
    with one ordering key; its head is the open delivery with the lowest position (one being sent
    stays head), and only the head is ever given out by `heads`.

    **Held.** Holds are shown over the stored states `ready` and `waiting` (`Delivery.held_by`), and
    looked for and counted as `held`: of the delivery (operator), its lane (behind a dead one), its
    platform, its endpoint. Nothing that is held is given out by `heads`, except to a probe.

    **Fetched.** To a platform with the mode `pull` nothing is sent: it leases its heads. What is leased is
    `sending` until its receipt or until `leased_until`, is in nobody's way but its lane's, and is no
    business of whoever has a claim: `unbegin`, `settle` and `rescue` leave it alone, whatever the
    platform's mode is by then. A lease needs no claim, for it is compared and set on the delivery's own
    row: of several at once, in whatever processes, one gets it. `heads`, `next_due` and `kill` may be
    called with the right of an `Inbox` instead of a claim: Conflict `inbox.closed` when the platform does
    not fetch for itself, or was registered anew since.

    **Threads.** Methods are called from one event loop; none blocks it. Foreign database errors
    never leave: they become `gateway.errors`.
    """

    async def start(self) -> None:
        """Open the store, bring its schema up to date, and take it over.

        Unavailable `ledger.in-use` when a running process has it; HutongError `ledger.newer` when a
        newer gateway has changed its schema.
        """
        ...

    async def stop(self) -> None:
        """Finish what was handed in, give back this process's claims, then close; it takes nothing more."""
        ...

    async def check(self) -> None:
        """Return when something can be written now (a real write, at most one a second); Unavailable when not."""
        ...

    # ── intake ────────────────────────────────────────────────────────────────────────────────
    async def accept(self, intake: Intake) -> Receipt:
        """Keep an intake: messages, bodies, deliveries, numbers, rejections and audit.

        In this order: the same key with the same bytes gives the first receipt, `repeated` (other
        bytes: Conflict `idempotency.key-reused`); a draft whose (source, operation, identity) has an
        equal latest digest is a duplicate and gives the earlier message; then the registry's
        revision and what the drafts were decided on (`Reads`) are verified, also against intakes
        that share the commit: when one moved, raises Moved and keeps nothing. A key is remembered
        only when at least one entry was accepted (or was there already).

        A large package takes several commits, each record whole in one; the receipt is complete
        after the last. After a crash or Moved half-way the same bytes go on and give the same ids.
        """
        ...

    async def accept_all(self, intakes: Sequence[Intake]) -> Sequence[Receipt | HutongError]:
        """Keep small intakes (each fits into one commit) in their order, as `accept` would one after the other.

        They share a commit. Each has its receipt, or the error that `accept` raises for it alone; when
        one moved, it and all behind it are not kept, so that there are as many answers as were kept
        before it. When the first moved, raises Moved.
        """
        ...

    async def recall(self, platform: str, numbers: Mapping[str, str]) -> Mapping[str, KnownNumber]:
        """Recognise numbers that the platform issued, was sent, or aliased: canonical field → as it wrote it.

        Spellings of one number (case, width, invisible characters) are one number, here and in `Reads`.
        """
        ...

    async def named(self, number: str) -> Sequence[NamedCase]:
        """Give what a number names, in whatever spelling and whosever words, by field and platform."""
        ...

    async def facts(self, correlation_id: str) -> Mapping[str, Enriched]:
        """Give the facts of a correlation: keys and region, each with the first message that had it."""
        ...

    async def partakes(self, correlation_id: str, platform: str) -> bool | None:
        """Tell whether a platform sent or got a message of a correlation; None when no platform has yet."""
        ...

    # ── delivery ──────────────────────────────────────────────────────────────────────────────
    async def beat(self, *, leaving: bool = False) -> Presence:
        """Say that this process lives, prolong all its claims, and tell who else lives and who has which claims.

        Its claims and its place among the living end `TERM` from now, by the database's clock; those that have
        lapsed and that nobody took are its own again. `leaving`: it keeps what it has, and takes no part in sharing
        any more. It waits for no other write.
        """
        ...

    async def claim(self, platform_id: str) -> Claim:
        """Take the right to deliver to a platform, if nobody has it, it has lapsed, or this process has it.

        Else Conflict `claim.taken`; NotFound `platform.unknown`. Epochs only grow: calls under an older claim
        raise Conflict `claim.lost`.
        """
        ...

    async def give_back(self, claim: Claim) -> bool:
        """Let another process take a claim that this one has; False when it was lost already."""
        ...

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
        """Give up to `limit` lane heads that are ready, or waiting and due, in order of position.

        Due is what has `due_at` up to `now`; or beyond `latest`, since no wait is as long, or `waits_since`
        after `now`, since no wait begins later: a clock was moved. `only`: these message types; `besides`:
        not these; `known`: not these deliveries. None while the platform has a hold; `probe` looks past
        breaker and endpoint holds.
        """
        ...

    async def next_due(
        self,
        claim: Claim | Inbox,
        now: datetime,
        latest: datetime,
        *,
        only: Collection[str] | None = None,
        besides: Collection[str] = (),
    ) -> datetime | None:
        """Give when the next head falls due that `heads` with the same arguments does not give out yet, or None.

        So it is the earliest `due_at` after `now` and up to `latest`, of what waits since `now` or before and is not
        held by its operator.
        """
        ...

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
        """Mark a head `sending`, count the attempt and fix its request at the first one; gives the attempt's number.

        A request that was pruned is fixed anew at the next attempt.

        None when it is no longer a head that is ready or waiting, or is held (a probe looks past
        breaker and endpoint holds); or when its message, of which the first request was made, was
        tied to another case since it was read as `message`.
        """
        ...

    async def unbegin(self, claim: Claim, delivery_id: str, attempt: int, at: datetime) -> bool:
        """Take back an attempt in which nothing was sent: ready again, not counted, in doubt as it was before.

        A first attempt takes its adapter and its request with it: the next one is made anew.
        False when the delivery is no longer being sent by this attempt.
        """
        ...

    async def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        """Record an attempt and the state that follows, with its alias and its hold, in one transaction.

        Conflict `settle.stale` when the delivery is not being sent by this attempt (any more).
        An alias wins over the same number if the platform had used it as its own: the messages of that
        number are tied to the original's case, and the audit records it.
        """
        ...

    async def kill(self, claim: Claim | Inbox, delivery_id: str, code: str, reason: str, at: datetime) -> bool:
        """Make a ready head dead that could not be translated: nothing was sent.

        True when it is dead, also when it was before. Not a ready head, or held by its operator:
        changes nothing.
        """
        ...

    async def rescue(self, claim: Claim, under_way: Collection[str], at: datetime) -> Sequence[str]:
        """Make every `sending` delivery of the platform ready and in doubt, but those under way here; gives the ids.

        What is leased is left alone.
        """
        ...

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
        """Lease a head to its platform until a moment: as `begin`, and with the right of an inbox.

        `until` is by the clock that `lapse` goes by. None as `begin` says.
        """
        ...

    async def settle_lease(self, platform_id: str, settlement: Settlement) -> LeaseSettled:
        """Record a platform's receipt and the state that follows, with its alias, as `settle` does; it holds nothing.

        `settlement.attempt` is the lease's; its `receipt` is filled in. The same receipt again (the same
        bytes for the same attempt) changes nothing and gives what is kept. A lease that lapsed is settled
        all the same, `LATE` and with audit, while the delivery is the head of its lane, ready, and was not
        leased since. Otherwise a Conflict: `lease.lapsed`, it was leased again or dealt with otherwise;
        `lease.answered`, by another receipt; `lease.none`, it was never leased by this attempt. NotFound
        `delivery.unknown`, also for another platform's.
        """
        ...

    async def lapse(self, now: datetime, latest: datetime, at: datetime, limit: int) -> Sequence[Delivery]:
        """Let up to `limit` leases lapse whose time is over: ready in their place, in doubt, code `lease.lapsed`.

        It is over up to `now`, and beyond `latest`: no lease is as long, so a clock was moved. Gives the
        deliveries as they stand now, in order of position, without what holds them. Any process may do it.
        """
        ...

    async def next_lapse(self, now: datetime, latest: datetime) -> datetime | None:
        """Give when the next lease lapses: `now` when `lapse` would find one now; None: there is none."""
        ...

    # ── operators ─────────────────────────────────────────────────────────────────────────────
    async def replay(self, delivery_id: str, intent: Intent, *, stale_ok: bool = False) -> Delivery:
        """Replay a delivery, as a recorded intent.

        Dead or refused: the same delivery, key and position become ready. Delivered: a new delivery
        with a new id at the end of its lane, `replay_of` the old. Looked at in this order: any other
        state is Conflict `state.wrong`; a platform that is not registered any more Conflict
        `platform.unknown`; an open replay of a delivered one Conflict `replay.open`; a later
        delivery of the lane that was delivered, or is open and being sent or in doubt, Conflict
        `lane.moved_on`, unless `stale_ok`.
        """
        ...

    async def discard(self, delivery_id: str, intent: Intent, *, only: State | None = None) -> Delivery:
        """Give up a delivery that is ready, waiting, dead or unrouted, held or not; the lane moves on.

        `only`: only while it stands so; else Conflict `state.wrong`.
        """
        ...

    async def hold(self, delivery_id: str, intent: Intent) -> Delivery:
        """Hold a ready or waiting delivery, and so the lane behind it, until `release`."""
        ...

    async def release(self, delivery_id: str, intent: Intent) -> Delivery:
        """Lift an operator's hold; where there is none: Conflict `state.wrong`."""
        ...

    async def begin_replay(self, replay: BulkReplay, intent: Intent) -> BulkReplay:
        """Keep a bulk replay that is to be done, with its `upto` and `total` filled in.

        A dry run is answered at once, finished, with its counts, and not kept.
        """
        ...

    async def step_replay(self, replay_id: str, limit: int, at: datetime) -> BulkReplay:
        """Replay the next `limit` of a bulk replay, its progress in the same transaction; finished ones change nothing.

        The ids of new deliveries follow from the replay and the old delivery. NotFound `replay.unknown`.
        """
        ...

    async def cancel_replay(self, replay_id: str, intent: Intent) -> BulkReplay:
        """End a bulk replay where it is; one that has ended stays as it is. NotFound `replay.unknown`."""
        ...

    async def replays(self, *, unfinished: bool = False) -> Sequence[BulkReplay]:
        """Give the bulk replays, newest first."""
        ...

    # ── platforms ─────────────────────────────────────────────────────────────────────────────
    async def registry_at(self, moment: datetime) -> Registry:
        """Give the platforms and areas that were there at a moment, with nothing but the places that they were for."""
        ...

    async def registry(self) -> Registry:
        """Give every platform, every area and the registry's revision, read together."""
        ...

    async def put_platform(
        self,
        platform: Platform,
        intent: Intent,
        take: Taker,
        *,
        asked: Mapping[str, Any] | None = None,
        only_at: int | None = None,
    ) -> Registered:
        """Register a platform or change it, and give it the unrouted deliveries that it takes, in one transaction.

        `asked` is what the intent's key stands for, where `platform` has more than its operator said
        (secrets that stayed as they were). `only_at`: only if it is still as it was registered at this revision (0: it
        is not registered); else Conflict `platform.changed`.

        When it was created and its holds stay as they are, except that refused credentials are forgotten.
        What breakers held is not held any more when the platform fetches for itself.
        `take` chooses for each unrouted delivery, in order of position; one whose platform has the
        message already, or is not registered, stays unrouted. Where two of a message are for one
        platform, the one that seeks the nearest stays: a nearer one may come. The registry's
        revision advances.
        """
        ...

    async def delete_platform(self, platform_id: str, intent: Intent) -> Registered:
        """Forget a platform, its credentials and holds; Conflict `platform.in-use` while it has open deliveries."""
        ...

    async def assign(self, kinds: Collection[str], take: Taker, at: datetime) -> frozenset[str]:
        """Give unrouted deliveries of some kinds their platform, as `put_platform` does; gives those that got any."""
        ...

    async def put_area(self, area: Area, intent: Intent, kinds: Collection[str], take: Taker) -> Registered:
        """Add a functional area or change it, and give out unrouted deliveries of some kinds, as `put_platform` does.

        Where documents go follows from it: the registry's revision advances.
        """
        ...

    async def delete_area(self, code: str, intent: Intent, kinds: Collection[str], take: Taker) -> Registered:
        """Forget an area, as `put_area` does; NotFound `area.unknown`.

        Conflict `area.in-use` while a platform is registered for it, or it is the parent of another one.
        """
        ...

    async def put_unwanted(self, kind: str, region: str, intent: Intent) -> Unwanted:
        """Declare that a region has no platform of a kind, for the intent's reason; again: another reason.

        From now on unrouted deliveries of the kind whose place lies in the region (the message's
        region, `000000` for `national`, a named platform's own) are shown as `unwanted`, with the code
        `kind.unwanted` and the reason of the deepest declaration: those that are there, and later
        ones. They stay unrouted, and whatever platform can take them gets them, in order.
        """
        ...

    async def delete_unwanted(self, kind: str, region: str, intent: Intent) -> bool:
        """Withdraw a declaration: what it marked is unrouted as before. True when it was there."""
        ...

    async def unwanted(self) -> Sequence[Unwanted]:
        """Give every declaration, by kind and region."""
        ...

    async def put_year(self, year: CalendarYear, intent: Intent) -> CalendarYear:
        """Keep the holidays and make-up days of a year, instead of what was entered of it before."""
        ...

    async def years(self) -> Sequence[CalendarYear]:
        """Give every year that was entered, in order."""
        ...

    # ── assessment ────────────────────────────────────────────────────────────────────────────
    async def put_findings(
        self, found: Sequence[CaseFinding], cases: Sequence[AssessedCase] = ()
    ) -> Sequence[CaseFinding]:
        """Keep what checks came to, of each lane and rule the last; gives those that are news, as they are kept.

        News is what has another result or version than was kept: it takes its place, unanswered, told as the finding
        says (`told`: empty where nobody is to be), and knows which result was told last.
        Of what has the same ones only the sentence and the evidence are written again. A finding goes with its case,
        and when its lane turns out to be part of another case.

        `cases`: until when that holds, kept in the same commit, and gone with it. A case that has become due since
        its `changes` were read stays due; of one whose messages are gone nothing is kept.
        """
        ...

    async def tell_findings(self, told: Sequence[ToldFinding]) -> None:
        """Note by which messages findings were told, in one commit; what took the place of one stays untold."""
        ...

    async def ground_changes(self, lanes: Collection[str]) -> Mapping[str, int]:
        """Tell how often something changed that the findings of cases rest on; without those that were never assessed.

        Whoever assesses a case asks this before it reads the case, so that no change in between is lost.
        """
        ...

    async def change_grounds(self, grounds: Sequence[Ground]) -> None:
        """Note that grounds have changed: with `make_due`, every case that rests on one becomes due, as it stands then.

        A year that is entered (`put_year`) is noted in the same commit.
        """
        ...

    async def make_due(self, limit: int = 500) -> bool:
        """Make some of the cases due that rest on what has changed; True: there are more."""
        ...

    async def due_cases(self, day: date, limit: int = 100) -> Sequence[DueCase]:
        """Give cases that are due on a day: what they rest on has changed, or their findings hold on other days.

        Those whose ground changed first, then by how long they are due; last those that hold only from a later day
        on, as after a clock was put back.
        """
        ...

    async def answer_finding(self, lane: str, rule: str, said: FindingAnswer) -> bool:
        """Keep what an authority says of the finding of a lane and rule; False when there is none."""
        ...

    async def untold_findings(self, after: int = 0, limit: int = 100) -> tuple[Sequence[CaseFinding], int]:
        """Give findings of which it is not decided yet whether anybody is told, oldest first.

        Only those after a number; gives the number of the last, too.
        """
        ...

    async def find_findings(
        self, filter: FindingFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[CaseFinding]:
        """Find findings, those that became so last first."""
        ...

    async def find_cases(self, search: CaseSearch, after: str = "", limit: int = 500) -> Sequence[CaseFound]:
        """Give messages of cases by when they came, after the cursor of one; a case stands there once for each."""
        ...

    async def naming(self, key: str, number: str, type: str, limit: int = 50) -> Sequence[Message]:
        """Give the newest messages of a type that have a number under a search key, the oldest of them first."""
        ...

    async def begin_assessment(self, run: AssessmentRun, intent: Intent) -> AssessmentRun:
        """Keep a run that is to be done."""
        ...

    async def step_assessment(self, before: AssessmentRun, after: AssessmentRun) -> AssessmentRun:
        """Keep how far a run has come, unless it does not stand as `before` any more; gives it as it stands.

        NotFound `assessment.unknown`.
        """
        ...

    async def assessments(self, *, unfinished: bool = False) -> Sequence[AssessmentRun]:
        """Give the runs, newest first."""
        ...

    # ── signed calls ──────────────────────────────────────────────────────────────────────────
    async def spend_nonce(self, owner: str, nonce: str, now: datetime, until: datetime) -> bool:
        """Tell whether a nonce is used for the first time by its owner, and remember it until then, durably.

        False while it is remembered, whichever process asks. From `until` on it may be forgotten, and counts as new.
        """
        ...

    # ── attachments ───────────────────────────────────────────────────────────────────────────
    async def add_upload(self, upload: Upload) -> None:
        """Keep that a platform uploaded an attachment, whose content is in the object store already."""
        ...

    async def upload_for(self, upload_id: str, platform: str) -> Upload | None:
        """Give an upload to whom it concerns: who uploaded it, who sent a message that names it, who received one.

        None for everybody else, as for an upload that is not there. A message was received when its delivery was
        tried at least once, or fetched.
        """
        ...

    async def unnamed_bytes(self, platform: str) -> int:
        """Give the bytes of what a platform uploaded and no message names (yet, or any more)."""
        ...

    async def known_uploads(self, ids: Collection[str]) -> frozenset[str]:
        """Tell which of these uploads are there."""
        ...

    async def forget_uploads(self, unnamed_for: timedelta, now: datetime, limit: int = 100) -> Sequence[str]:
        """Forget the oldest uploads that no message names (yet, or any more), and give their ids.

        Only those that came so long ago by the ledger's own time. A document that names one of them and is
        accepted later was decided on what is no longer so: `Moved`.
        """
        ...

    async def hold_platform(self, platform_id: str, hold: Hold, intent: Intent, *, revision: int | None = None) -> bool:
        """Add a hold to a platform or an endpoint of it; True when it was not there.

        What judges calls (`breaker`, `endpoint`, `credentials`) holds no platform that fetches for itself: False.
        With `revision`, only if the platform is still as it was registered then.
        """
        ...

    async def release_platform(self, platform_id: str, by: HeldBy, intent: Intent, *, type: str | None = None) -> bool:
        """Lift a hold of a platform, or of the endpoint of one message type; True when it was there."""
        ...

    async def add_credential(self, credential: Credential, intent: Intent) -> None:
        """Keep a credential beside the platform's others."""
        ...

    async def revoke_credential(self, platform_id: str, credential_id: str, intent: Intent) -> bool:
        """Revoke a credential for good, from the intent's moment on; True unless it was revoked before.

        It stays known as revoked until its platform is deleted. NotFound `credential.absent` for another
        platform's, and for one that there is not.
        """
        ...

    async def credentials(self) -> Sequence[Credential]:
        """Give every credential, by platform, in the order of their issue; also expired and revoked ones."""
        ...

    # ── people ────────────────────────────────────────────────────────────────────────────────
    async def add_person(self, person: Person, intent: Intent) -> None:
        """Keep a person; Conflict `person.exists` for an id that was given before, also to one who was removed."""
        ...

    async def remove_person(self, person_id: str, intent: Intent) -> bool:
        """Have a person's token open nothing from the intent's moment on; True unless it was so before.

        NotFound `person.unknown`.
        """
        ...

    async def people(self) -> Sequence[Person]:
        """Give every person by id, also those who were removed."""
        ...

    async def unmask(self, unmasking: Unmasking, intent: Intent) -> Unmasking:
        """Keep that a person sees masked values for a time, with audit under its subject; gives it as it is kept.

        The same again under the intent's key gives the first, whose time is not begun anew.
        """
        ...

    async def unmaskings(self, person: str, now: datetime) -> Sequence[Unmasking]:
        """Give a person's unmaskings that end after `now`, what ends first first."""
        ...

    # ── four eyes ─────────────────────────────────────────────────────────────────────────────
    async def ask_approval(self, approval: SecondApproval, intent: Intent) -> SecondApproval:
        """Keep a change that waits for a second person, with audit under its subject; gives it as it is kept.

        The same again under the intent's key gives the first one.
        """
        ...

    async def approvals(self) -> Sequence[SecondApproval]:
        """Give every change that waits for a second person or was decided, the newest first."""
        ...

    async def decide_approval(self, approval_id: str, state: ApprovalState, intent: Intent) -> SecondApproval:
        """Approve or reject it, once; the same again by the same person gives it as it stands by then.

        Forbidden `approval.own` for whoever asked and approves. Conflict `approval.decided`, `approval.expired`,
        NotFound `approval.unknown`.
        """
        ...

    async def finish_approval(self, approval_id: str, at: datetime, failed: str | None) -> SecondApproval:
        """Mark what was approved as done, or as failed with a code; once it was, it stays so."""
        ...

    # ── signed bundles ────────────────────────────────────────────────────────────────────────
    async def add_bundle_key(self, key: BundleKey, intent: Intent) -> None:
        """Keep a key; Conflict `bundle-key.exists` for one that was registered before, also if it was revoked."""
        ...

    async def revoke_bundle_key(self, key_id: str, intent: Intent) -> bool:
        """Have a key sign nothing from the intent's moment on; True unless it was so before.

        NotFound `bundle-key.unknown`.
        """
        ...

    async def bundle_keys(self) -> Sequence[BundleKey]:
        """Give every key in the order of their registration, also those that were revoked."""
        ...

    # ── adapters ──────────────────────────────────────────────────────────────────────────────
    async def add_adapter(self, adapter: AdapterVersion, content: bytes, intent: Intent) -> AdapterVersion:
        """Keep an uploaded version with its bundle's bytes, for good.

        The same digest again gives what is kept already; another: Conflict `adapter.version-exists`. Forbidden
        `signature.key` when the key that signed it signs nothing any more: revoked before it was kept, it signed
        nothing.
        """
        ...

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
        """Write how versions stand now, all of them in one transaction, with audit; gives them as kept.

        One that was not kept yet (an installed one) is added without bytes. Conflict
        `adapter.changed` when one was changed since it was read. Of a name, one version is active.
        What platforms can be sent changes with it: the registry's revision advances, and unrouted
        deliveries of `kinds` are given their platform as `put_platform` does. No versions: only the key
        is kept. `asked` is what the caller asked for, to be known again under the intent's key, whatever
        follows from it by then; the versions given are then those of the first time.
        """
        ...

    async def asked_adapters(self, intent: Intent, asked: Mapping[str, Any]) -> Sequence[AdapterVersion] | None:
        """Give, as they stand, the versions that were changed when this was asked under its key before.

        None: it was not, or has no key. Something else under the key: Conflict `idempotency.key-reused`. An
        upload is asked for as `upload_of` says.
        """
        ...

    async def adapters(self) -> Sequence[AdapterVersion]:
        """Give every version that is kept, by name, in the order they were first kept."""
        ...

    async def adapter_content(self, name: str, version: str) -> bytes | None:
        """Give the bytes of an uploaded bundle."""
        ...

    # ── retention ─────────────────────────────────────────────────────────────────────────────
    async def prune(
        self, retention: Retention, actor: str, now: datetime, *, seen: float = 0.0, limit: int = 50
    ) -> PruneStep:
        """Let go a little of what is older than it has to be kept: about `limit` messages in one transaction.

        **What stays.** A case (the messages of one correlation) is kept whole, bodies included, while one of its
        deliveries, or another one in a lane of theirs, is open, dead or unrouted; while one of its messages is younger
        than its type is kept; and while an earlier delivery of one of its lanes belongs to a case that has to be kept.

        **What goes.** When all messages of a case are older than bodies are kept: the bytes received (a package's with
        the last of its messages), sent and replied. When all are older than messages are kept: all of the case,
        oldest first, with its facts, numbers, aliases and Idempotency-Keys (a key with the last message of its
        receipt). Of the latest message of each identity a remnant stays, by which a repeat is known as a duplicate:
        its columns, with an empty document and without keys, warnings and deliveries. Rejections go, oldest first,
        when they are older than bodies are kept. A case that was old enough and had to stay is looked at again after
        30 days. The cases of the newest message and the newest delivery stay: no number is given twice.

        **Age** is counted by the ledger's own time, which goes on by `seen`: the seconds that passed since the caller
        last called this, by a clock that nobody sets, and never by more than `now` went on since the last call of
        anybody. So neither a clock that is set nor a time in which no gateway ran makes anything older.

        What went is recorded under the actor (`prunings`), in the same transaction. Where a step ends follows
        from what is kept: after a crash the next one goes on from there.
        """
        ...

    async def prunable(self, retention: Retention, cursor: str | None = None, limit: int = 500) -> Prunable:
        """Tell what `prune` would let go of the next `limit` messages, counted as they stand; changes nothing.

        Rejections are told with the first stretch. Invalid `cursor.unknown` for a cursor that is not one of ours.
        """
        ...

    async def prunings(self, cursor: str | None = None, limit: int = 50) -> ResultPage[Pruning]:
        """Give what was pruned, newest day first."""
        ...

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
        """Give what was exchanged with a platform from `since` to `until` (not included), the oldest first.

        What is committed while the pages are read is in them or not. Invalid `cursor.unknown` for a cursor that is not
        one of ours.
        """
        ...

    async def exchanged_as(self, platform: str, direction: Direction, ids: Sequence[str]) -> Sequence[Exchanged]:
        """Give what ids stand for, of one platform, in any order: deliveries in whatever state, or messages.

        A message is also found by the Idempotency-Key that the platform sent it under; a key of a package stands for
        all its messages. What nothing stands for is left out.
        """
        ...

    async def pruned_until(self) -> datetime | None:
        """Give when the youngest message came of those that were pruned; None: none was."""
        ...

    async def keep_missing(self, comparison_id: str, at: datetime, places: Sequence[int]) -> None:
        """Keep deliveries (`Exchanged.place`) that a comparison found missing; the same again changes nothing.

        They count from when the comparison itself is kept. What is kept of comparisons older than 30 days goes.
        """
        ...

    async def keep_comparison(self, comparison: Comparison) -> None:
        """Keep what a comparison came to, with an entry of the audit about its platform, once."""
        ...

    async def comparison(self, comparison_id: str) -> Comparison | None: ...

    # ── the regular report ────────────────────────────────────────────────────────────────────
    async def keep_occurrences(self, seen: Sequence[Seen], judging: Judging) -> int:
        """Keep what messages tell of, in the order in which they were accepted; gives how many rows that changed.

        Of each document its last version counts; what a message corrects, or tells of no more, stands no more. What
        belongs to the same case or enterprise is judged again, and the tallies follow, in one transaction. The same
        messages again change nothing; one that was tied to another case, or read by other rules, changes what it told
        of from the beginning. What stood before is kept, with when it did. Occurrences outlive their messages.
        """
        ...

    async def count_use(self, judging: Judging, limit: int = 1000) -> bool:
        """Tally the next messages, attempts and rejections, each once; True: there may be more at once.

        What a platform accepted makes occurrences of that message say so.
        """
        ...

    async def tallies(self, filter: TallyFilter, judging: Judging) -> Sequence[OccurrenceTally]:
        """Give the tallies of some months; of use itself only as it stands now.

        As of a moment they are counted from the occurrences that stood then, which takes as long as there are many.
        """
        ...

    async def find_occurrences(
        self, filter: OccurrenceFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[FoundOccurrence]:
        """Find occurrences that stand, or stood at a moment, by name, month and the order in which they were kept.

        Invalid `cursor.unknown` for a cursor that is not one of ours.
        """
        ...

    async def holding(
        self, names: Sequence[str], day: date, as_of: datetime | None = None
    ) -> Sequence[OccurrenceTally]:
        """Count the occurrences that hold for a time, and do on a day, by name, region and authority.

        `as_of`: of those that stood at that moment; None: of those that stand.
        """
        ...

    async def uncounted(self, after: int = 0, limit: int = 100) -> tuple[Sequence[Message], int]:
        """Give messages that tell of something whose time limit could not be counted (`UNCOUNTED`), and still stands.

        In the order in which that was kept, behind a number; gives the number of the last, too. What was pruned is left
        out: it stays uncounted.
        """
        ...

    async def heard_of(self, what: str) -> Sequence[LastHeard]:
        """Give everything of one sort (`REGION`, or a register) that was heard of, and when last."""
        ...

    # ── following ─────────────────────────────────────────────────────────────────────────────
    async def follow(self, name: str) -> bool:
        """Take the right to follow the messages under a name, for as long as this process lives (`beat`).

        False: another process that lives has it. Whoever loses it in the middle of its work, because it stood still,
        does work that another one does again: a position never goes back.
        """
        ...

    async def followed(self, name: str) -> Followed:
        """Tell how far the messages were followed under a name: position 0 when they never were."""
        ...

    async def messages_after(self, position: int, limit: int = 100) -> FollowedPage:
        """Give messages in the order in which they were numbered, without remnants, each as it stands now.

        None is given before another one can still appear in front of it: what was accepted a moment ago may come with
        the next call. So whoever goes on from the page's position misses none, whoever accepts meanwhile.
        """
        ...

    async def audit_after(self, position: int, limit: int = 100) -> AuditPage:
        """Give entries of the audit in the order of their numbers: none before another can still appear in front of it.

        Whoever follows them has the right to and keeps the position as for messages, under `AUDIT_EXPORT`.
        """
        ...

    async def changed_messages(self, name: str, limit: int = 100) -> Sequence[ChangedMessage]:
        """Give the messages of cases that were torn apart or joined by an alias since they were followed under a name.

        They stay until `keep_followed` was told that they were seen.
        """
        ...

    async def keep_followed(self, name: str, position: int, seen: Sequence[ChangedMessage] = ()) -> None:
        """Keep how far messages were followed, and which changes were seen; what changed again since is given again.

        Of a process that does not follow under the name any more nothing is kept.
        """
        ...

    async def put_clocks(self, name: str, counted: Sequence[CountedCorrelation]) -> bool:
        """Keep the deadlines of all cases of some correlations, instead of those that were kept of them, in one commit.

        Of a correlation whose messages are gone meanwhile, pruned or tied to another case, none are kept. They go with
        their case. False: this process does not follow under the name any more, and nothing was changed.
        """
        ...

    async def counted_otherwise(self, counted_by: str, limit: int = 100) -> Sequence[str]:
        """Give correlations with a case that was counted by other rules or another calendar than these."""
        ...

    # ── reading ───────────────────────────────────────────────────────────────────────────────
    async def message(self, message_id: str) -> Message | None: ...
    async def native(self, message_id: str) -> Native | None:
        """Give the bytes a message came in; None also when they were pruned."""
        ...

    async def deliveries_of(self, *message_ids: str) -> Sequence[Delivery]: ...
    async def delivery(self, delivery_id: str) -> Delivery | None: ...
    async def attempts_of(self, delivery_id: str) -> Sequence[Attempt]: ...
    async def sent(self, delivery_id: str) -> OutboundRequest | None:
        """Give the request of a delivery; None before its first attempt, and when it was pruned."""
        ...

    async def rejection(self, rejection_id: str) -> Rejection | None: ...
    async def rejection_native(self, rejection_id: str) -> Native | None: ...

    # ── searching: on threads of its own, each search with a deadline (Unavailable `search.too-slow`) ──
    async def find_messages(
        self, filter: MessageFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[Message]:
        """Find messages, newest first; Invalid `cursor.unknown` for a cursor that is not one of ours."""
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

    async def find_clocks(
        self, filter: ClockFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[FoundClock]:
        """Find deadlines, what ends first first; Invalid `cursor.unknown` for a cursor that is not one of ours."""
        ...

    async def count_clocks(self, bounds: Collection[date]) -> Sequence[ClockCount]:
        """Count the deadlines that are open, stopped or unknown, by rule and by the bounds around their last day."""
        ...

    async def backlog(self) -> Sequence[Backlog]:
        """Give how many are not settled, by platform, kind, shown state and holder, from counts that are kept."""
        ...

    async def note_contacts(self, contacts: Sequence[Contact]) -> None:
        """Keep when platforms were last in contact; of two for the same the later one stays.

        Of platforms that are not registered nothing is kept, and what is kept of one goes when it is deleted.
        """
        ...

    async def contacts(self) -> Sequence[Contact]:
        """Give the last contacts of every platform, by platform, way and what it was of."""
        ...

    # ── the tree ──────────────────────────────────────────────────────────────────────────────
    async def tree_standing(self) -> TreeStanding:
        """Tell how far the tree has grown and is signed, and since when a leaf waits."""
        ...

    async def sequence(self, limit: int, *, leaving: bool = False) -> Sequenced:
        """Give up to `limit` leaves their place in the tree; when that were all, sign the head, and keep it.

        Every fact has its leaf from the moment it is committed: each message that is accepted, each attempt that
        ends, each entry of the audit. None gets its place twice or never, and what was committed before another began
        stands before it. Of several processes one does this, until it was not heard of for 30 seconds or `leaving`;
        for the others nothing happens. No other write waits for it.
        """
        ...

    async def reencrypt(self, limit: int) -> int:
        """Encrypt up to `limit` rows anew that are in clear or under an older key; gives how many are left.

        Rows that went since the key was made may be counted. Without a key nothing is done, and nothing is left.
        Whatever else is written and read meanwhile is as if nothing happened.
        """
        ...

    async def newest_head(self) -> SignedHead | None:
        """Give the newest signed head."""
        ...

    async def signed_heads(self, size: int = 0, limit: int = 1000) -> Sequence[SignedHead]:
        """Give signed heads from a size on, the smallest first; they are kept for good."""
        ...

    async def signing_keys(self) -> Sequence[KnownKey]:
        """Give every public key that receipts and heads were ever signed with."""
        ...

    async def leaves_of(self, subject: str) -> Sequence[PlacedLeaf]:
        """Give the leaves about a subject that have their place, the oldest first; a thousand at most."""
        ...

    async def proved_leaves(self, subject: str, size: int) -> Sequence[ProvedLeaf]:
        """Give the leaves about a subject that the tree had at a size, each with its statement and its proof."""
        ...

    async def prove_leaf(self, hash: bytes) -> InclusionProof:
        """Prove that a leaf is in the tree, under the newest head.

        NotFound `leaf.unknown`; `leaf.waiting` while no head covers it.
        """
        ...

    async def keep_witnessed(self, answer: Witnessed) -> None:
        """Keep that a platform took a head, for good; the first answer about a head stays."""
        ...

    async def witnessed(self, platforms: Collection[str], size: int) -> Sequence[Witnessed]:
        """Give what each of some platforms took last, of the heads up to a size; in the order of their ids."""
        ...

    async def keep_stamp(self, stamp: Stamp) -> None:
        """Keep the time-stamp of a signed head, for good; the first one of a head stays."""
        ...

    async def stamps(self, size: int = 0, limit: int = 1000) -> Sequence[Stamp]:
        """Give the time-stamps of heads from a size on, the smallest first."""
        ...

    async def newest_stamp(self) -> Stamp | None:
        """Give the time-stamp of the largest head that has one."""
        ...

    async def prove_message(self, message_id: str) -> InclusionProof:
        """Prove that a message was accepted, as `prove_leaf` does."""
        ...

    async def prove_consistency(self, old: int, new: int) -> ConsistencyProof:
        """Prove that the tree of size `new` begins with that of size `old`; NotFound `tree.size-unknown`."""
        ...

    async def note(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries about what changes nothing else: what was read, and what was tried in vain."""
        ...

    async def find_audit(
        self, filter: AuditFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[AuditEntry]:
        """Find entries of the audit, newest first; Invalid `cursor.unknown` for a cursor that is not one of ours."""
        ...

    async def audit(self, subject: str, limit: int = 200, *, reads: bool = False) -> Sequence[AuditEntry]:
        """Give what was done to a subject (a message, delivery or platform id), oldest first; `reads`: and who read it.

        A message's first entry is `message.accepted`, at the moment the transaction that keeps it began. Who read
        it (actions that end in `.read`) is not among them: `find_audit` gives that, too.
        """
        ...


READS = frozenset(
    {
        "recall", "named", "facts", "partakes", "heads", "next_due", "next_lapse", "replays", "registry", "registry_at",
        "credentials",
        "unmaskings", "approvals", "bundle_keys",
        "people", "adapters", "asked_adapters", "adapter_content", "message", "native", "deliveries_of", "delivery",
        "attempts_of", "sent", "rejection", "rejection_native", "unwanted", "years", "find_messages", "find_deliveries",
        "upload_for", "unnamed_bytes", "known_uploads", "find_rejections", "dossier", "backlog", "contacts", "audit",
        "prunable", "prunings", "untold_findings", "find_findings", "find_cases", "naming", "assessments",
        "ground_changes", "due_cases",
        "followed", "messages_after", "audit_after", "changed_messages", "counted_otherwise", "find_clocks",
        "count_clocks",
        "tree_standing", "newest_head", "signed_heads", "signing_keys", "leaves_of",
        "witnessed", "stamps", "newest_stamp",
        "proved_leaves", "prove_leaf", "prove_message", "prove_consistency", "find_audit",
        "tallies", "find_occurrences", "holding", "uncounted", "heard_of",
        "exchanged", "exchanged_as", "pruned_until", "comparison",
    }
)  # fmt: skip
"""The methods that change nothing; every other one writes, but for `start` and `stop`."""
