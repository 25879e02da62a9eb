"""The values that pass between the gateway and an adapter, and what an adapter promises.

An adapter is sans-I/O: it turns values into values and never opens a socket, so it cannot break
delivery and a test of it needs no network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct, field
from msgspec.structs import force_setattr

from schemas.budget import Budget
from schemas.findings import Finding, Rejected
from schemas.reprs import Discreet

Tree = Any
"""A parsed native body: dicts, lists, str, int, Decimal, bool and None.

JSON numbers stay exact (int or Decimal). XML elements are dicts: attributes under `@name`, text of
an element that also has attributes under `#text`, a repeated child as a list, a leaf as its text.
"""

Document = dict[str, Any]
"""A canonical document as JSON values; money and decimals are strings."""


class Record(Discreet, frozen=True):
    """One record of an inbound body, still in the platform's own format.

    `identity` is the operation's natural identity of this record as one text, None when the
    operation declares none.
    """

    index: int
    tree: Tree
    identity: str | None = None


class Package(Struct, frozen=True):
    """What an inbound body holds. `split` tells a package of records from a single document."""

    records: tuple[Record, ...]
    split: bool = False


class Cut(Discreet, frozen=True):
    """One record of a stream: a body that its operation takes by itself, or why it cannot be one."""

    body: bytes
    fault: Rejected | None = None


class Cutter(Protocol):
    """Cuts one stream. It never holds more than a record, a piece, and what stands around the records.

    `content_type` goes with each body. What is wrong with one record is told of it alone, by the
    reader of its body or by its `fault`; where it is too large, its bytes are dropped as they come and
    the rest goes on. `Rejected` is raised when what follows cannot be told apart any more, or when
    what stands around the records is wrong; records given before it stand.
    """

    content_type: str

    def feed(self, piece: bytes) -> Iterator[Cut]:
        """Take the next bytes, and give the records that end in them."""
        ...

    def end(self) -> Iterator[Cut]:
        """Give the rest: the stream is whole."""
        ...


class Translation(Discreet, frozen=True):
    """A canonical, valid document and what was noticed on the way."""

    type: str
    document: Document
    warnings: tuple[Finding, ...] = ()


class Sending(Discreet, frozen=True):
    """What an outbound translation may use: the message, and the facts fixed at acceptance.

    `settings` are the platform's, secrets included. `document` already carries the platform's own
    numbers (aliases) where it has them.
    """

    type: str
    document: Document
    settings: Mapping[str, Any]
    delivery_id: str
    message_id: str
    accepted_at: datetime


class OutboundRequest(Discreet, frozen=True):
    """One HTTP request to a platform: `path` is relative to its `base_url`, query included."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Reply(Discreet, frozen=True):
    """A platform's whole answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class SigningMoment(Struct, frozen=True):
    """What an attempt is signed with beside the settings: its Unix time in seconds, something said once, a token."""

    at: float
    nonce: str
    token: str = ""


class IssuedToken(Struct, frozen=True):
    """A token that a platform issued for calls to it, and the seconds for which it is good; None: it did not say."""

    token: str
    seconds: float | None


class VerdictKind(StrEnum):
    """How an adapter reads a reply."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    RETRY = "retry"
    DEAD = "dead"
    CREDENTIALS = "credentials"
    """401 or 403: not about this delivery; the whole platform waits for new credentials."""


class ReceiptLevel(StrEnum):
    """How far a reply proves that a document came; each includes those before it."""

    TRANSPORT = "transport"
    """The bytes arrived, and the platform itself answered."""
    SCHEMA = "schema"
    """They passed the platform's check of their format."""
    BUSINESS = "business"
    """The platform took the document on as its business."""


UNREADABLE = "reply.unreadable"
"""The code of a reply that tells nothing, as it is not in the agreed format."""


class Verdict(Struct, frozen=True):
    """The adapter's reading of a reply.

    `reference` is the platform's own number for what it accepted; `reason` its words when it did
    not; `code` a stable word of ours (`reply.unrecognised`, `soap.client-fault`, `http.500` …);
    `after` the wait the platform asked for. `in_doubt`: whatever it says, this is no readable answer
    to the request, which may have taken effect: before it is sent again, ask. `level`: how far it proves that the
    document came; None where it proves nothing of that.
    """

    kind: VerdictKind
    reference: str | None = None
    reason: str | None = None
    code: str | None = None
    after: timedelta | None = None
    in_doubt: bool = False
    level: ReceiptLevel | None = None


class Limits(Struct, frozen=True):
    """The load that a platform may be put under. `rate` is requests a second (None: no limit), `body` bytes."""

    concurrency: int = 8
    rate: float | None = None
    timeout: timedelta = timedelta(seconds=10)
    body: int = 2 * 1024 * 1024


class RetrySchedule(Struct, frozen=True):
    """When to try again: exponential with full jitter, until attempts and the waits between took `give_up_after`."""

    first: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    max: timedelta = timedelta(minutes=10)
    give_up_after: timedelta = timedelta(hours=72)


class Setting(Struct, frozen=True):
    """One value an operator fills in for a platform (`type`: url text secret int bool choice)."""

    name: str
    type: str
    title: str
    default: Any = None
    choices: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """A setting without a default must be given."""
        return self.default is None


BASE_URL = Setting("base_url", "url", "平台地址")
"""The setting that every platform has: the address that its adapter's paths are relative to."""


class Answer(Discreet, frozen=True):
    """A reply in the caller's own format, for callers that cannot read ours."""

    status: int
    content_type: str
    body: bytes


class Lineage(Struct, frozen=True):
    """Where one canonical value came from: native path, converters, code tables with their digest.

    `path` is for people: the first of alternatives, several columns as `a + b`. `paths` are all of them.
    """

    field: str
    title: str
    path: str
    converters: tuple[str, ...] = ()
    codes: str | None = None
    note: str | None = None
    paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.path and not self.paths:
            force_setattr(self, "paths", (self.path,))  # while it is being made


class Adapter(Protocol):
    """Translates between one platform's wire format and canonical documents, as a versioned bundle declares.

    Every method is pure and safe to call from any thread. What cannot be accepted from a sender
    raises `schemas.findings.Rejected`; what cannot be written for a platform raises it too, and the
    delivery is then dead, never sent half-translated.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def kind(self) -> str:
        """The kind of platform it speaks for, or `any`."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 over the bundle's files, hexadecimal."""
        ...

    @property
    def settings(self) -> Mapping[str, Setting]: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def retry(self) -> RetrySchedule: ...

    @property
    def receives(self) -> Mapping[str, str]:
        """Operation → message type."""
        ...

    @property
    def sends(self) -> frozenset[str]:
        """The message types it can send."""
        ...

    @property
    def queries(self) -> frozenset[str]:
        """The names of the queries its platforms answer."""
        ...

    @property
    def budget(self) -> Budget:
        """The bounds of the work on one body, as the bundle declares them.

        `budget.raised(…)` is what an operator allows one platform; it is handed to the readers below.
        """
        ...

    def read(
        self, operation: str, body: bytes, content_type: str | None = None, *, budget: Budget | None = None
    ) -> Package:
        """Parse a body once and split it into records; a broken envelope or count rejects the whole."""
        ...

    def cutter(self, operation: str, content_type: str | None, *, budget: Budget | None = None) -> Cutter:
        """Give what cuts a stream of any length into bodies that `read` takes; Rejected (415) when there is none."""
        ...

    def translate_in(self, operation: str, record: Record) -> Translation:
        """Translate one record and validate the document it makes."""
        ...

    def answer(self, operation: str, *, accepted: bool, values: Mapping[str, str]) -> Answer | None:
        """The declared answer in the caller's format; None: answer with the gateway's own JSON."""
        ...

    def translate_out(self, sending: Sending) -> OutboundRequest:
        """Write the request for a message, without authentication. Same input, same bytes."""
        ...

    @property
    def signs(self) -> bool:
        """Tell whether the declared authentication depends on the moment, and so is handed one."""
        ...

    def authorise(
        self, request: OutboundRequest, settings: Mapping[str, Any], moment: SigningMoment | None = None
    ) -> OutboundRequest:
        """Add the declared authentication, at each attempt."""
        ...

    def ask_token(self, settings: Mapping[str, Any]) -> OutboundRequest | None:
        """The request for a token that calls are made under; None: none is needed."""
        ...

    def read_token(self, reply: Reply) -> IssuedToken | None:
        """Read the answer to `ask_token`; None: there is no token in it."""
        ...

    def judge(self, message_type: str, reply: Reply, *, budget: Budget | None = None) -> Verdict:
        """Read a reply to `translate_out`'s request by the declared rules, then the defaults."""
        ...

    def ask(self, sending: Sending) -> OutboundRequest | None:
        """The question to put before resending in doubt; None: it cannot be asked, resend."""
        ...

    def judge_answer(self, message_type: str, reply: Reply, *, budget: Budget | None = None) -> Verdict:
        """Read the answer to `ask`: accepted confirms, retry means resend."""
        ...

    def query(
        self, name: str, parameters: Mapping[str, str], settings: Mapping[str, Any], page: int = 1
    ) -> OutboundRequest | None:
        """The request for one page of a query; None when it has no such page."""
        ...

    def read_query(
        self, name: str, reply: Reply, page: int = 1, *, budget: Budget | None = None
    ) -> tuple[Sequence[Translation | Rejected], bool]:
        """The records of one page (from 1), and whether another page follows; raises Rejected for any other answer.

        A record that cannot be read is given as the Rejected that says why.
        """
        ...

    def lineage(self, name: str) -> Sequence[Lineage]:
        """For each canonical field of an operation or message type: where it comes from, or where it goes."""
        ...
