"""What goes into the ledger and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from adapters.base import OutboundRequest
from gateway.audit.leaf import Leaf
from gateway.audit.signing import Acceptance, SignedHead
from gateway.message import Attempt, Delivery, HeldBy, Message, State
from schemas.budget import BOUNDS, Budget
from schemas.reprs import Discreet, repr_without

T = TypeVar("T")


class Intent(Struct, frozen=True):
    """Who changes something, why and when; every operator's write carries one and is audited with it.

    `key` is the caller's Idempotency-Key: the same request under it is done once and answered the same.
    """

    actor: str
    reason: str
    at: datetime
    key: str | None = None


# ── intake ────────────────────────────────────────────────────────────────────────────────────
NumberAsked = tuple[str, str, str]
"""A number as it is looked up: the platform that used it, its canonical field, and the number as written."""

FactAsked = tuple[str, str]
"""A fact as it is looked up: correlation id and canonical field."""


VersionsAsked = tuple[str, str]
"""The versions of a document as they are looked up: correlation id and message type."""


class Reads(Struct, frozen=True):
    """What a draft was decided on, to be verified in the transaction that keeps it.

    `numbers`: each number looked up, and the id of the message it was recognised as (None: none
    yet). `facts`: each fact looked up, and the first message that had it (None: none). `fresh`:
    correlation ids that no message had. `uploads`: attachments that were found, and that the document names.
    `versions`: each type whose messages of a case were looked up, and the last of them (None: none).
    """

    numbers: Mapping[NumberAsked, str | None] = field(default_factory=dict)
    facts: Mapping[FactAsked, str | None] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    uploads: frozenset[str] = frozenset()
    versions: Mapping[VersionsAsked, str | None] = field(default_factory=dict)


class IntakeDraft(Struct, frozen=True):
    """A message ready to be kept, with the deliveries its routes gave (unrouted ones included).

    `index` is the record's number in its package. `numbers` are the issued numbers it names,
    as their issuer writes them: kept for the source and for each destination, so that either may
    use them later. `reads` is what all this was decided on. `audited` is what is to be audited of it, beside
    that it was accepted.
    """

    index: int
    message: Message
    deliveries: tuple[Delivery, ...]
    numbers: Mapping[str, str] = field(default_factory=dict)
    reads: Reads = Reads()
    audited: tuple[AuditEntry, ...] = ()


class Rejection(Discreet, frozen=True):
    """A document that was not accepted from its sender. `problem` is the problem document as answered."""

    id: str
    platform: str
    operation: str
    received_at: datetime
    index: int
    status: int
    code: str
    problem: Mapping[str, Any]


class Intake(Discreet, frozen=True):
    """One request's worth of documents.

    `revision` is the registry's, by which its entries were routed. `key` is the caller's
    Idempotency-Key (scoped to platform and operation). `body` are the exact bytes received, kept
    once for all entries.
    """

    platform: str
    operation: str
    received_at: datetime
    body: bytes
    content_type: str
    entries: tuple[IntakeDraft | Rejection, ...]
    revision: int = 0
    key: str | None = None


class Moved(Exception):
    """What an intake was decided on is no longer so; it has to be decided again. `revision` is the registry's now."""

    def __init__(self, revision: int) -> None:
        super().__init__(revision)
        self.revision = revision


class Accepted(Struct, frozen=True):
    """What became of a draft. `duplicate`: an equal document of this identity was there already, and this is it.

    `heads` are those of its deliveries that may be sent at once, so that they need not be read back; a ledger may
    leave any of them out. `acceptance` is the word that is given for it; None for a message of before there were
    leaves.
    """

    index: int
    message: Message
    deliveries: tuple[Delivery, ...]
    duplicate: bool = False
    heads: tuple[Work, ...] = ()
    acceptance: Acceptance | None = None


class Receipt(Struct, frozen=True):
    """The outcome of an intake, entry by entry. `repeated`: key and bytes came before; this is the first answer."""

    entries: tuple[Accepted | Rejection, ...]
    repeated: bool = False


class KnownNumber(Struct, frozen=True):
    """A number that a platform used, recognised: `original` is how its issuer writes it."""

    original: str
    message_id: str
    type: str
    source: str
    correlation_id: str
    ordering_key: str


class CalendarYear(Struct, frozen=True):
    """A year as an operator entered it: days (`YYYY-MM-DD`) that are free, and weekend days that are worked; when.

    `at` is None for a year as it was published, which nobody entered and the ledger does not keep.
    """

    year: int
    holidays: tuple[str, ...]
    workdays: tuple[str, ...]
    at: datetime | None


class NamedCase(Struct, frozen=True):
    """A case that a number names: which platform uses the number for what (`field`), and how its issuer writes it."""

    field: str
    platform: str
    original: str
    correlation_id: str
    ordering_key: str


# ── delivery ──────────────────────────────────────────────────────────────────────────────────
class Claim(Struct, frozen=True):
    """The right of one process to deliver to one platform; a later claim, with a higher epoch, ends it.

    `owner` names the process: host, process id and something random, so that none is ever taken for another.
    """

    platform: str
    owner: str
    epoch: int


class StandingClaim(Struct, frozen=True):
    """Who has a claim, under which epoch, and when it lapses unless a beat prolongs it; None: not by itself."""

    owner: str
    epoch: int
    until: datetime | None


class Presence(Struct, frozen=True):
    """What a beat shows: who lives, and who delivers to what.

    `me` is this process, `living` all processes that share the platforms among them (without one that is
    leaving), `claims` the claims by platform that somebody has and that have not lapsed at `at`, a moment of the
    database's clock. `changes` counts what was changed of the registry, see `Registry`. `alone`: no other process
    can have this ledger, and no claim lapses.
    """

    me: str
    living: frozenset[str]
    claims: Mapping[str, StandingClaim]
    at: datetime
    changes: int
    alone: bool


class Inbox(Struct, frozen=True):
    """The right of a platform that fetches for itself to its deliveries, as it was registered at a revision.

    It needs no claim and may be used by any process; registering the platform anew ends it.
    """

    platform: str
    revision: int


class Work(Struct, frozen=True):
    """A lane head that may be sent now, with all that is needed to send it.

    `request` is what the first attempt sent (None before it); `aliases` are the platform's own
    numbers for what the document names, by canonical field.
    """

    delivery: Delivery
    message: Message
    request: OutboundRequest | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)


class Hold(Struct, frozen=True):
    """One reason why a platform waits, or with `type` why one endpoint of it does (one message type to it)."""

    by: HeldBy
    since: datetime
    reason: str = ""
    type: str | None = None


class Settlement(Struct, frozen=True):
    """How an attempt ended and what follows.

    `state` is one that SENDING may pass to; `due_at` goes with WAITING (without one: due at once), and
    `waits_since`, the moment of its clock at which that was decided;
    `tried_for` is the delivery's from now on (see `Delivery`). `alias` is (canonical field, the
    original number) when the accepting platform's `attempt.reference` is its own name for that
    number. `hold` is put on the platform in the same transaction, unless the platform was
    registered anew since `revision`, the one the attempt was made under.
    """

    attempt: Attempt
    state: State
    due_at: datetime | None = None
    waits_since: datetime | None = None
    in_doubt: bool = False
    tried_for: float = 0.0
    alias: tuple[str, str] | None = None
    hold: Hold | None = None
    revision: int = 0


class Settled(Struct, frozen=True):
    """What a settlement changed. `lane_moved`: another delivery of the lane became its head. `held`: its hold is on."""

    lane_moved: bool
    held: bool = False


class LeaseSettled(Struct, frozen=True):
    """What a receipt changed: the attempt as it is kept, and whether another delivery became its lane's head.

    `repeated`: the same receipt came before; nothing changed.
    """

    attempt: Attempt
    lane_moved: bool = False
    repeated: bool = False


# ── platforms ─────────────────────────────────────────────────────────────────────────────────
PUSH, PULL = "push", "pull"
"""How deliveries come to a platform: the gateway calls it, or it fetches them for itself (behind a one-way gate)."""


class Platform(Struct, frozen=True):
    """An outside system: one kind in one region. `id` is `kind.region`.

    `version` None follows the adapter's newest. `mode` is `PUSH` or `PULL`. `holds` are the reasons it
    waits now, and those of its endpoints. `revision` is the registry's when it was last registered or
    changed. `limits` are what an operator set for it: bounds of work by the names of `schemas.budget.BOUNDS`, and
    how often it may call. `covers` is what it is there for beside its region: codes of regions and areas, and
    ranges of codes (`330101-330109`), each with all that lies in it. `mandates` are the kinds of mandate that let
    it speak of places outside of what it covers. `allow` is what its address may be beside a public one under TLS:
    `http`, `private`, `loopback`. `access` are the ways in which it may show who it is, each as `gateway.access` reads
    it; none: by its credentials as they are (bearer and Basic).
    """

    id: str
    kind: str
    region: str
    adapter: str
    settings: Mapping[str, Any]
    created_at: datetime
    version: str | None = None
    mode: str = PUSH
    revision: int = 0
    holds: tuple[Hold, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    covers: tuple[str, ...] = ()
    mandates: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    access: tuple[Mapping[str, Any], ...] = ()

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return repr_without(self, "settings")

    @property
    def fetches(self) -> bool:
        """Tell whether it fetches its deliveries for itself: then nobody calls it."""
        return self.mode == PULL

    def bounded(self, budget: Budget) -> Budget:
        """Give its adapter's budget with what an operator set for this platform, never beyond the ceilings."""
        if not self.limits:
            return budget
        known = {name: bound for name, bound in BOUNDS.items() if name in self.limits}
        return budget.raised({name: min(self.limits[name], bound.ceiling) for name, bound in known.items()})

    def held_by(self) -> frozenset[HeldBy]:
        """Give the reasons why everything to it waits; those of its endpoints are not among them."""
        return frozenset(hold.by for hold in self.holds if hold.type is None)


class Area(Struct, frozen=True):
    """A functional area or a body without a code of GB/T 2260: a zone, a division or regiment, a basin bureau.

    `parent` is the region or area that it lies in; the days (`YYYY-MM-DD`) it was first and last there, None:
    open. `at`: when it was last put.
    """

    code: str
    title: str
    parent: str
    at: datetime
    valid_from: str | None = None
    valid_to: str | None = None


class Registry(Struct, frozen=True):
    """Every platform, by id, and every functional area, by code, at one revision of the registry.

    `changes` grows with every change of what a process has in memory: platforms, their holds, credentials, adapter
    versions. The revision grows only with those that routing depends on.
    """

    revision: int
    platforms: Mapping[str, Platform]
    changes: int = 0
    areas: Mapping[str, Area] = field(default_factory=dict)


class Unrouted(Struct, frozen=True):
    """What is known of an unrouted delivery when a platform is chosen for it.

    `toward`: `nearest` (to its message's region), `nearest.REGION`, `national`, or the id of the one platform it is
    meant for.
    """

    id: str
    message_id: str
    type: str
    kind: str
    toward: str
    region: str
    source: str


Taker = Callable[[Unrouted], str | None]
"""Chooses the platform for an unrouted delivery, or none: pure, called in the ledger's transaction, on its thread."""


class Unwanted(Struct, frozen=True):
    """A declaration that a region, with all that lies in it, has no platform of a kind; why, and since when."""

    kind: str
    region: str
    reason: str
    at: datetime


class Registered(Struct, frozen=True):
    """What a change of the registry did. `given`: the platforms that got deliveries which were unrouted before."""

    revision: int
    given: frozenset[str] = frozenset()


# ── finding ───────────────────────────────────────────────────────────────────────────────────
class MessageFilter(Struct, frozen=True):
    """What to look for among messages; None does not restrict. `platform` is source or destination.

    `state` is that of any delivery, as it is shown; `since` is included and `until` is not.
    """

    type: str | None = None
    platform: str | None = None
    case_number: str | None = None
    credit_code: str | None = None
    correlation_id: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class DeliveryFilter(Struct, frozen=True):
    """What to look for among deliveries; None does not restrict.

    `state` is as it is shown. `since` (included) and `until` (not) are about when it was made. `comparison`: only what
    that one found missing, and what was not sent again since.
    """

    state: str | None = None
    platform: str | None = None
    message_id: str | None = None
    type: str | None = None
    code: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    comparison: str | None = None


class ResultPage(Struct, Generic[T], frozen=True):
    """Newest first. `cursor` continues after the last item; None: there is no more."""

    items: tuple[T, ...]
    cursor: str | None = None


class Native(Discreet, frozen=True):
    """The exact bytes received, and where in them the record stood."""

    body: bytes
    content_type: str
    index: int


class ContactWay(StrEnum):
    """What a contact with a platform was: it called us, it accepted a delivery, or it showed a credential."""

    HEARD = "heard"
    DELIVERED = "delivered"
    CREDENTIAL = "credential"


class Backlog(Struct, frozen=True):
    """How many deliveries of a kind to a platform are not done with, as they are shown.

    `oldest` is when the first of them was made, `oldest_id` which one that is.
    """

    platform: str | None
    kind: str
    state: str
    held_by: HeldBy | None
    count: int
    oldest: datetime
    oldest_id: str


class Contact(Struct, frozen=True):
    """When a platform was last heard with an operation, got a message of a type, or called under a credential.

    `name` is the operation, the type, or the credential's id, as `way` says.
    """

    platform: str
    way: ContactWay
    name: str
    at: datetime


class Upload(Struct, frozen=True):
    """An attachment that a platform uploaded: its content is in the object store, under this id.

    `digest` is `sha256:` and the content's SHA-256, hexadecimal; `size` its bytes; `media_type` as it was declared.
    """

    id: str
    platform: str
    digest: str
    size: int
    media_type: str
    at: datetime


BEARER, HMAC, WEBHOOK, SM2 = "bearer", "hmac", "webhook", "sm2"
"""What a credential is: a token that is sent, a key shared for signing (of either sort), or a public key of SM2."""


class Credential(Struct, frozen=True):
    """What a platform calls under, as it is kept: of a secret that is sent there is the hash alone.

    It opens nothing from `expires_at` on, nor once it was revoked. `created_at` None: it was issued by a version
    that did not keep when. `kind`: one of the words above. `secret` is there for the kinds
    that sign: what verifies must be readable (a shared key, or a public one); empty for `bearer`.
    """

    id: str
    platform: str
    digest: str
    label: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    kind: str = BEARER
    secret: str = ""

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return repr_without(self, "secret", "digest")


class Person(Struct, frozen=True):
    """Somebody who works with the gateway, under a token of their own, of which there is the hash.

    `roles` say what they may do, and `regions` (codes) where, with all that lies in them; none: everywhere. An id is
    given once: what its person did stays theirs after `removed_at`.
    """

    id: str
    name: str
    digest: str
    roles: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    removed_at: datetime | None = None
    regions: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return repr_without(self, "digest")


class Unmasking(Struct, frozen=True):
    """That a person sees the personal values of one subject (a message, a case) as they are, what for, until when."""

    id: str
    person: str
    subject: str
    purpose: str
    at: datetime
    until: datetime


class ApprovalState(StrEnum):
    """How far a change has come that needs a second person."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    DONE = "done"
    FAILED = "failed"


DECIDED_ON = ("only_at", "only_from", "state")
"""What an order says of how things stood when it was asked for: no part of what was asked."""


class SecondApproval(Struct, frozen=True):
    """A change that somebody asked for, and that happens when another person approves it.

    `order` is what is done then, secrets included; `shown` what others are told of it. It stands until `until`.
    `failed` is the code of why it could not be done any more.
    """

    id: str
    kind: str
    subject: str
    asked_by: str
    reason: str
    at: datetime
    until: datetime
    shown: Mapping[str, Any]
    order: Mapping[str, Any]
    state: ApprovalState = ApprovalState.PENDING
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision: str = ""
    failed: str | None = None

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return repr_without(self, "order")


READINGS = ("body.read", "dossier.read")
"""Entries of the audit that tell who read something: beside what was done to it, there may be very many."""


class AuditEntry(Struct, frozen=True):
    """Who did what to what, when and why. Append-only."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


# ── the tree ──────────────────────────────────────────────────────────────────────────────────
class TreeStanding(Struct, frozen=True):
    """How far the tree has grown, and how far the newest signed head covers it.

    `since`: when the oldest leaf was written that no head covers; None: there is none. `elsewhere`: another process
    gives leaves their place.
    """

    size: int
    covered: int
    since: datetime | None
    elsewhere: bool


class Sequenced(Struct, frozen=True):
    """What a step of sequencing did: how many leaves got their place, whether more wait, and the head it signed."""

    count: int
    more: bool
    head: SignedHead | None = None


class PlacedLeaf(Struct, frozen=True):
    """A leaf and its place in the tree."""

    number: int
    leaf: Leaf


class InclusionProof(Struct, frozen=True):
    """That a leaf stands at a place of the tree that a head tells of: the hashes beside its way to the root."""

    leaf: Leaf
    number: int
    path: tuple[bytes, ...]
    head: SignedHead


class ProvedLeaf(Struct, frozen=True):
    """A leaf with its statement as it is written again from what is kept, and its proof under a head.

    `statement` None: what it tells of was let go of, or changed.
    """

    number: int
    leaf: Leaf
    statement: bytes | None
    path: tuple[bytes, ...]


class ConsistencyProof(Struct, frozen=True):
    """That the tree of size `new` begins with all of that of size `old`."""

    old: int
    new: int
    path: tuple[bytes, ...]


class KnownKey(Struct, frozen=True):
    """A public key that was signed with, and since when."""

    id: str
    algorithm: str
    public: bytes
    at: datetime


class Witnessed(Struct, frozen=True):
    """That a platform took a signed head to keep it: of which size, with which root, when it answered, and what.

    `signature` (hexadecimal; empty: it gave none) is the witness's, made at `signed_at` (microseconds since 1970 in
    UTC) and verified with its `key`, as it was registered then.
    """

    platform: str
    size: int
    root: bytes
    at: datetime
    answer: str
    key: str = ""
    signed_at: int = 0
    signature: str = ""


class Stamp(Struct, frozen=True):
    """A time-stamp (RFC 3161) of the signed head of a size: when, and the authority's whole answer (DER)."""

    size: int
    at: datetime
    answer: bytes


class AuditFilter(Struct, frozen=True):
    """What to look for in the audit; None does not restrict. `since` is included and `until` is not."""

    subject: str | None = None
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


# ── bulk replay ───────────────────────────────────────────────────────────────────────────────
class ReplayCount(Struct, frozen=True):
    """How many deliveries of one platform, type and code a bulk replay replayed, or would."""

    platform: str
    type: str
    code: str | None
    count: int


class BulkReplay(Struct, frozen=True):
    """A replay of every delivery that a filter finds: its reason, and how far it has come.

    Only what was there when it began is replayed: up to position `upto`, by position; `cursor` is
    the last one looked at. `skipped` counts what has moved on, has an open replay, or is no longer
    in the state that was asked for. `dry_run`: nothing is replayed, `counts` tells what would be.
    """

    id: str
    filter: DeliveryFilter
    reason: str
    actor: str
    created_at: datetime
    stale_ok: bool = False
    dry_run: bool = False
    upto: int = 0
    cursor: int = 0
    total: int = 0
    replayed: int = 0
    skipped: int = 0
    counts: tuple[ReplayCount, ...] = ()
    finished_at: datetime | None = None
    cancelled_at: datetime | None = None


# ── retention ─────────────────────────────────────────────────────────────────────────────────
class Retention(Struct, frozen=True):
    """How long what is settled is kept: `messages` as a whole, and of them the `bodies`, which may go earlier.

    Bodies are what was received, sent and replied, byte for byte. `types`: other times for the messages of some
    types.
    """

    messages: timedelta
    bodies: timedelta
    types: Mapping[str, timedelta] = field(default_factory=dict)

    def message(self, type: str) -> timedelta:
        """Give how long messages of a type are kept."""
        return self.types.get(type, self.messages)

    def body(self, type: str) -> timedelta:
        """Give how long the bodies of messages of a type are kept: never longer than the messages."""
        return min(self.bodies, self.message(type))

    @property
    def rejections(self) -> timedelta:
        """How long rejections are kept: as bodies are."""
        return min(self.bodies, self.messages)

    @property
    def shortest(self) -> timedelta:
        """The age below which nothing has to be looked at."""
        return min(self.bodies, self.messages, *self.types.values())


class Pruned(Struct, frozen=True):
    """How much of one type went: `what` is `messages`, `bodies` or `rejections`.

    `until`: when the youngest of them came, by the ledger's own time. `size`: about how many bytes were kept of them.
    A rejection has no message type: its `type` is empty.
    """

    type: str
    what: str
    until: datetime
    count: int
    size: int


class PruneStep(Struct, frozen=True):
    """What one step of pruning did. `more`: there is more to do at once.

    `time`: the ledger's own time. `oldest`: when the oldest message came that is kept with its deliveries, as it was
    stamped; None: there is none.
    """

    pruned: tuple[Pruned, ...]
    more: bool
    time: datetime
    oldest: datetime | None


class Prunable(Struct, frozen=True):
    """What would go of a stretch of the ledger. `cursor` goes on behind it (None: that was all); `done` of `total` is
    how far it is."""

    would: tuple[Pruned, ...]
    cursor: str | None
    done: int
    total: int


class Pruning(Struct, frozen=True):
    """What was pruned of one type on one day by one actor: the record that stays. `at`: the last time."""

    day: str
    actor: str
    type: str
    what: str
    until: datetime
    count: int
    size: int
    at: datetime
