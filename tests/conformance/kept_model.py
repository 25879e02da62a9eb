"""What the model of a ledger keeps, and what it says of that: see `ledger_model`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from adapters.base import OutboundRequest
from gateway.errors import Conflict, HutongError, Invalid, NotFound, Unavailable
from gateway.ledger.assessments import (
    AssessmentRun,
    CaseFinding,
    CaseFound,
    CaseSearch,
    FindingFilter,
)
from gateway.ledger.clocked import (
    ClockCount,
    ClockFilter,
    ClockSpan,
    ClockStanding,
    CountedCorrelation,
    FoundClock,
    KeptClock,
)
from gateway.ledger.followed import ChangedMessage, Followed, FollowedPage
from gateway.ledger.records import (
    READINGS,
    Area,
    AuditEntry,
    Backlog,
    BulkReplay,
    CalendarYear,
    Claim,
    Contact,
    Credential,
    DeliveryFilter,
    Hold,
    Inbox,
    KnownNumber,
    MessageFilter,
    NamedCase,
    Native,
    Person,
    Platform,
    Receipt,
    Registry,
    Rejection,
    ResultPage,
    SecondApproval,
    Unmasking,
    Unwanted,
    Upload,
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
    """A message with its number, what it speaks of, and the bytes it came in; or the remnant of one."""

    seq: int
    message: Message
    numbers: Mapping[str, str]
    native: Native | None
    remnant: bool = False


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
    areas: dict[str, Area] = field(default_factory=dict)
    uploads: dict[str, tuple[Upload, datetime]] = field(default_factory=dict)
    nonces: dict[tuple[str, str], datetime] = field(default_factory=dict)
    attached: set[tuple[str, str]] = field(default_factory=set)
    revision: int = 1
    changes: int = 0
    epochs: Counter[str] = field(default_factory=Counter)
    years: dict[int, CalendarYear] = field(default_factory=dict)
    findings: dict[tuple[str, str], tuple[int, CaseFinding]] = field(default_factory=dict)
    found: int = 0
    assessments: dict[str, AssessmentRun] = field(default_factory=dict)
    unwanted: dict[tuple[str, str], Unwanted] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    unmaskings: dict[str, Unmasking] = field(default_factory=dict)
    approvals: dict[str, SecondApproval] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    intents: dict[tuple[str, str], tuple[Any, Any]] = field(default_factory=dict)
    replays: dict[str, BulkReplay] = field(default_factory=dict)
    adapters: dict[tuple[str, str], AdapterVersion] = field(default_factory=dict)
    bundles: dict[tuple[str, str], bytes] = field(default_factory=dict)
    contacts: dict[tuple[str, str, str], Contact] = field(default_factory=dict)
    followed: dict[str, int] = field(default_factory=dict)
    clocks: dict[str, CountedCorrelation] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    seqs: int = 0
    positions: int = 0
    time: datetime | None = None
    told: datetime | None = None
    marks: list[tuple[int, datetime]] = field(default_factory=list)

    def copied(self) -> Everything:
        """The same, to go back to."""
        return Everything(*(copy(getattr(self, each.name)) for each in fields(self)))


def _is_within(clock: KeptClock, span: ClockSpan) -> bool:
    due = clock.due_at or date.max
    return clock.standing is span.standing and (span.first or date.min) <= due <= (span.last or date.max)


class KeptModel:
    """The reading half of the model."""

    def __init__(self) -> None:
        self.kept = Everything()
        self.running = False

    def must_run(self) -> None:
        if not self.running:
            raise error(Unavailable, "ledger.stopped")

    # ── intake ────────────────────────────────────────────────────────────────────────────────

    async def recall(self, platform: str, numbers: Mapping[str, str]) -> Mapping[str, KnownNumber]:
        found = {name: self.kept.numbers.get((platform, name, spelled(number))) for name, number in numbers.items()}
        return {name: self.known(*each) for name, each in found.items() if each}

    async def named(self, number: str) -> Sequence[NamedCase]:
        found = [
            (name, platform, *each)
            for (platform, name, key), each in self.kept.numbers.items()
            if key == spelled(number)
        ]
        return [
            NamedCase(name, platform, original, said.correlation_id, said.ordering_key)
            for name, platform, original, message_id in sorted(found)
            for said in [self.kept.messages[message_id].message]
        ]

    def known(self, original: str, message_id: str) -> KnownNumber:
        said = self.kept.messages[message_id].message
        return KnownNumber(original, said.id, said.type, said.source, said.correlation_id, said.ordering_key)

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
        return sorted((each for each in same if each.lane == delivery.lane), key=position_of)

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
        if delivery.state is State.UNROUTED:
            return self.shown_unrouted(delivery)
        if delivery.state not in SENDABLE:
            return delivery
        reasons = {hold.by.value for hold in self.holds(delivery)}
        if delivery.held_at is not None:
            reasons.add("operator")
        if any(each.state is State.DEAD and each.position < delivery.position for each in self.lane(delivery)):
            reasons.add("lane")
        first = next((by for by in PRECEDENCE if by in reasons), None)
        return delivery if first is None else replace(delivery, held_by=HeldBy(first))

    def shown_unrouted(self, delivery: Delivery) -> Delivery:
        """What the narrowest declaration says that covers the place an unrouted delivery seeks."""
        at = {"nearest": self.kept.messages[delivery.message_id].message.region, "national": "000000"}
        place = at.get(delivery.toward or "", (delivery.toward or "").split(".")[-1])
        wider = [place, f"{place[:4]}00", f"{place[:2]}0000", "000000"]
        found = [
            self.kept.unwanted[delivery.kind, each] for each in wider if (delivery.kind, each) in self.kept.unwanted
        ]
        return replace(delivery, code="kind.unwanted", reason=found[0].reason) if found else delivery

    def shown_of(self, message: Message) -> tuple[Delivery, ...]:
        return tuple(each for each in self.all_shown() if each.message_id == message.id)

    def all_shown(self) -> list[Delivery]:
        """Every delivery as it is shown, in order of position."""
        return [self.shown(each) for each in sorted(self.kept.deliveries.values(), key=position_of)]

    def may_go(self, delivery: Delivery, *, probe: bool) -> bool:
        """Whether a head may be sent, whenever it is due."""
        held = [hold for hold in self.holds(delivery) if not (probe and hold.by in LOOKED_PAST)]
        return delivery.state in SENDABLE and delivery.held_at is None and not held and self.is_head(delivery)

    # ── delivery ──────────────────────────────────────────────────────────────────────────────

    def claimed(self, claim: Claim | Inbox, delivery_id: str | None = None) -> Any:
        """Verify a claim or an inbox, and give a delivery of its platform."""
        self.must_run()
        if isinstance(claim, Inbox):
            platform = self.kept.platforms.get(claim.platform)
            if platform is None or platform.mode != "pull" or platform.revision != claim.revision:
                raise error(Conflict, "inbox.closed")
        elif self.kept.claims.get(claim.platform) != claim:
            raise error(Conflict, "claim.lost")
        if delivery_id is None:
            return None
        found = self.one(delivery_id)
        if found.platform != claim.platform:
            raise error(NotFound, "delivery.unknown")
        return found

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
        self.claimed(claim)
        found = [
            each
            for each in self.all_shown()
            if each.platform == claim.platform
            and (only is None or each.type in only)
            and each.type not in besides
            and each.id not in known
            and self.may_go(each, probe=probe)
            and (each.due_at is None or not now < each.due_at <= latest or (each.waits_since or now) > now)
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
        claim: Claim | Inbox,
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
            and (each.waits_since or now) <= now
            and (only is None or each.type in only)
            and each.type not in besides
            and each.held_at is None
            and self.is_head(each)
        ]
        return min(here, default=None)

    async def next_lapse(self, now: datetime, latest: datetime) -> datetime | None:
        until = [each.leased_until for each in self.kept.deliveries.values() if each.leased_until is not None]
        over = any(each <= now or each > latest for each in until)
        return now if over else min(until, default=None)

    # ── bulk replay ───────────────────────────────────────────────────────────────────────────

    def matching(self, filter: DeliveryFilter) -> list[Delivery]:
        return [each for each in self.all_shown() if _matches(each, filter)]

    async def replays(self, *, unfinished: bool = False) -> Sequence[BulkReplay]:
        newest = reversed(self.kept.replays.values())
        return [each for each in newest if not (unfinished and (each.finished_at or each.cancelled_at))]

    # ── platforms ─────────────────────────────────────────────────────────────────────────────

    async def registry(self) -> Registry:
        return Registry(self.kept.revision, dict(self.kept.platforms), self.kept.changes, dict(self.kept.areas))

    async def upload_for(self, upload_id: str, platform: str) -> Upload | None:
        found, _ = self.kept.uploads.get(upload_id, (None, None))
        naming = {message for upload, message in self.kept.attached if upload == upload_id}
        sent = {id for id, each in self.kept.messages.items() if each.message.source == platform}
        tried = [each for each in self.kept.deliveries.values() if each.platform == platform and each.attempts]
        received = {each.message_id for each in tried}
        return found if found and (found.platform == platform or naming & (sent | received)) else None

    async def unnamed_bytes(self, platform: str) -> int:
        named = {upload for upload, _ in self.kept.attached}
        theirs = [each for each, _ in self.kept.uploads.values() if each.platform == platform and each.id not in named]
        return sum(each.size for each in theirs)

    async def known_uploads(self, ids: Collection[str]) -> frozenset[str]:
        return frozenset(id for id in ids if id in self.kept.uploads)

    async def find_findings(
        self, filter: FindingFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[CaseFinding]:
        first, last = filter.regions or ("000000", "999999")
        fit = [
            (number, each)
            for number, each in sorted(self.kept.findings.values(), key=lambda one: -one[0])
            if (filter.lanes is None or each.lane in filter.lanes)
            and first <= each.region <= last
            and filter.rule in (None, each.rule)
            and filter.result in (None, each.result)
            and (cursor is None or number < int(cursor))
        ]
        more = str(fit[limit - 1][0]) if len(fit) > limit else None
        return ResultPage(tuple(each for _, each in fit[:limit]), more)

    async def untold_findings(self, after: int = 0, limit: int = 100) -> tuple[Sequence[CaseFinding], int]:
        in_order = sorted(self.kept.findings.values(), key=lambda one: one[0])
        open_ = [one for one in in_order if one[1].told is None and one[0] > after][:limit]
        return [each for _, each in open_], open_[-1][0] if open_ else after

    async def find_cases(self, search: CaseSearch, after: str = "", limit: int = 500) -> Sequence[CaseFound]:
        first, last = search.regions or ("000000", "999999")
        at, seq = (int(part) for part in (after or "0-0").split("-"))
        found = sorted(
            (round(each.message.received_at.timestamp() * 1_000_000), each.seq, each.message)
            for each in self.kept.messages.values()
            if search.since <= each.message.received_at < search.until
            and each.message.ordering_key.startswith(f"{search.name}:")
            and first <= each.message.region <= last
        )
        left = [one for one in found if one[:2] > (at, seq)][:limit]
        return [
            CaseFound(f"{at}-{seq}", each.ordering_key, each.correlation_id, each.received_at) for at, seq, each in left
        ]

    async def naming(self, key: str, number: str, type: str, limit: int = 50) -> Sequence[Message]:
        found = [
            each.message
            for each in sorted(self.kept.messages.values(), key=lambda one: one.seq)
            if each.message.type == type and spelled(each.message.keys.get(key, "")) == spelled(number)
        ]
        return found[-limit:]

    async def assessments(self, *, unfinished: bool = False) -> Sequence[AssessmentRun]:
        newest = reversed(self.kept.assessments.values())
        return [each for each in newest if not (unfinished and each.finished_at)]

    async def years(self) -> Sequence[CalendarYear]:
        return [self.kept.years[year] for year in sorted(self.kept.years)]

    async def followed(self, name: str) -> Followed:
        position = self.kept.followed.get(name, 0)
        unseen = [each.message.received_at for each in self.behind(position)]
        mine = name in self.kept.followed
        return Followed(position, mine, free=True, unseen_since=unseen[0] if unseen else None)

    async def messages_after(self, position: int, limit: int = 100) -> FollowedPage:
        page = self.behind(position)[:limit]
        whole = tuple(each.message for each in page if not each.remnant)
        return FollowedPage(whole, page[-1].seq if page else position, len(page) == limit)

    async def changed_messages(self, name: str, limit: int = 100) -> Sequence[ChangedMessage]:
        return ()  # no play has a platform that speaks of a case by its own number first

    def clocked(self) -> list[FoundClock]:
        """Every deadline, what ends first first."""
        found = [
            FoundClock(case.case, clock)
            for counted in self.kept.clocks.values()
            for case in counted.cases
            for clock in case.clocks
        ]
        return sorted(found, key=lambda one: one.clock.due_at or date.max)

    async def find_clocks(
        self, filter: ClockFilter, cursor: str | None = None, limit: int = 50
    ) -> ResultPage[FoundClock]:
        found = [one for one in self.clocked() if any(_is_within(one.clock, span) for span in filter.spans)]
        if filter.codes is not None:
            first, last = filter.codes
            found = [one for one in found if first <= one.case.region <= last or one.case.region in filter.areas]
        start = int(cursor or 0)
        more = str(start + limit) if len(found) > start + limit else None
        return ResultPage(tuple(found[start : start + limit]), more)

    async def count_clocks(self, bounds: Collection[date]) -> Sequence[ClockCount]:
        counted: Counter[tuple[str, ClockStanding, date | None]] = Counter()
        for one in self.clocked():
            if one.clock.standing not in (ClockStanding.MET, ClockStanding.MISSED):
                before = [day for day in bounds if day <= (one.clock.due_at or date.max)]
                counted[one.clock.rule, one.clock.standing, max(before, default=None)] += 1
        return [ClockCount(*key, count) for key, count in counted.items()]

    async def counted_otherwise(self, counted_by: str, limit: int = 100) -> Sequence[str]:
        others = [
            one.correlation_id
            for one in self.kept.clocks.values()
            if any(case.case.counted_by != counted_by for case in one.cases)
        ]
        return others[:limit]

    def behind(self, position: int) -> list[Kept]:
        """The messages behind a position."""
        return sorted((each for each in self.kept.messages.values() if each.seq > position), key=lambda each: each.seq)

    async def unwanted(self) -> Sequence[Unwanted]:
        return [self.kept.unwanted[key] for key in sorted(self.kept.unwanted)]

    async def people(self) -> Sequence[Person]:
        return [self.kept.people[id] for id in sorted(self.kept.people)]

    async def unmaskings(self, person: str, now: datetime) -> Sequence[Unmasking]:
        standing = [one for one in self.kept.unmaskings.values() if one.person == person and one.until > now]
        return sorted(standing, key=lambda one: (one.until, one.id))

    async def approvals(self) -> Sequence[SecondApproval]:
        return [self.kept.approvals[id] for id in sorted(self.kept.approvals, reverse=True)]

    async def credentials(self) -> Sequence[Credential]:
        return sorted(self.kept.credentials.values(), key=lambda each: (each.platform, each.id))

    # ── adapters ──────────────────────────────────────────────────────────────────────────────

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
            and (filter.case_number is None or _says(message, "case_number", filter.case_number))
            and (filter.credit_code is None or _says(message, "credit_code", filter.credit_code))
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
        about = [each for each in messages if each.type in types and _says(each, "credit_code", credit_code)]
        latest = {identity(each): each.id for each in about}
        return [each for each in reversed(about) if each.id in latest.values()][:limit]

    async def backlog(self) -> Sequence[Backlog]:
        groups: dict[tuple[str | None, str, str, HeldBy | None], list[Delivery]] = {}
        for each in self.all_shown():
            if each.state in NOT_DONE:
                groups.setdefault((each.platform, each.kind, each.shown, each.held_by), []).append(each)
        return [
            Backlog(*group, count=len(found), oldest=found[0].created_at, oldest_id=found[0].id)
            for group, found in groups.items()
        ]

    async def contacts(self) -> Sequence[Contact]:
        return [self.kept.contacts[key] for key in sorted(self.kept.contacts)]

    async def audit(self, subject: str, limit: int = 200, *, reads: bool = False) -> Sequence[AuditEntry]:
        found = [each for each in self.kept.audit if each.subject == subject]
        return [each for each in found if reads or each.action not in READINGS][:limit]

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


def check_word(state: str | None) -> None:
    """Refuse a state that nothing is shown in."""
    if state not in (None, "held", "unwanted", *State):
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


def _says(message: Message, name: str, number: str) -> bool:
    return name in message.keys and spelled(message.keys[name]) == spelled(number)


def spelled(number: str) -> str:
    """Give what the spellings of one number have in common, as far as the tests spell them: no marks, upper case."""
    return number.replace("\u200b", "").strip().upper()


def identity(message: Message) -> tuple[str, str, str]:
    """Give what two messages share that are about the same."""
    return message.source, message.operation, message.identity


def position_of(delivery: Delivery) -> int:
    """Give what deliveries are in order of."""
    return delivery.position
