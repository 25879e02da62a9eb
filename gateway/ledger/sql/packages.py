"""A package on its way to the writer: made ready in chunks before the transaction, its bytes kept once."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import sqlalchemy as sa
from msgspec import Struct

from gateway.ledger.records import Intake, IntakeDraft, Rejection
from gateway.ledger.sql import rows, tables
from gateway.ledger.sql.codecs import pack, pack_json
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.pruned_rejections import APIECE
from gateway.ledger.sql.statements import Prepared, inserting
from gateway.ledger.sql.tables import REJECTION
from gateway.ledger.sql.writing import Transaction
from schemas.reprs import Discreet

CHUNK = 250
"""Entries of one intake that share a commit. The rest of a larger package waits for the next one, as others do."""

LONG = 64 << 10
"""Bytes that an event loop packs and unpacks itself; what is longer goes to a thread."""

FEW = 16
"""Entries that an event loop makes ready itself; more go to a thread."""


class ReadyDraft(Discreet, frozen=True):
    """A draft, with its document and its headers as they are kept."""

    draft: IntakeDraft
    document: bytes
    headers: str


class ReadyRejection(Struct, frozen=True):
    """A rejection, and its row; the last values, the body's number and the total, are not known yet."""

    rejection: Rejection
    row: Row


class ReadyIntake(Discreet, frozen=True):
    """An intake as its chunks share it.

    `digest` is the SHA-256 of the bytes where they are recognised by it, by their key or as a package of several
    chunks, else empty. `body` are the bytes as they are kept. `scope` is the digest
    under which the progress of a large package is kept: of its key, else of its bytes. `ids` are those
    of all its messages: what one of its records brought is no change to the next. `received`: the SHA-256 of the
    bytes, which the leaf of each message tells.
    """

    intake: Intake
    digest: str
    body: bytes
    scope: str
    ids: frozenset[str]
    received: bytes


class Chunk(Struct, frozen=True):
    """Some entries of a package, from record `start` on. `accepted`: an earlier chunk kept a message."""

    package: ReadyIntake
    start: int
    entries: tuple[ReadyDraft | ReadyRejection, ...]
    accepted: bool = False

    @property
    def last(self) -> bool:
        """Whether the package ends here."""
        return self.start + CHUNK >= len(self.package.intake.entries)

    @property
    def whole(self) -> bool:
        """Whether this is all of the package, so that no progress has to be kept."""
        return self.start == 0 and self.last

    @property
    def size(self) -> int:
        """About how many bytes it writes; the body goes with the first chunk."""
        documents = sum(len(entry.document) for entry in self.entries if isinstance(entry, ReadyDraft))
        return documents + (0 if self.start else len(self.package.body))

    def drafts(self) -> Iterator[IntakeDraft]:
        """Give its drafts."""
        return (entry.draft for entry in self.entries if isinstance(entry, ReadyDraft))


def is_large(intake: Intake) -> bool:
    """Tell whether to make an intake ready takes longer than an event loop should wait."""
    return len(intake.body) > LONG or len(intake.entries) > FEW


def ready(intake: Intake) -> ReadyIntake:
    """Make ready what the chunks of an intake share."""
    recognised = intake.key is not None or len(intake.entries) > CHUNK
    received = sha256(intake.body).digest()
    digest = received.hex() if recognised else ""
    scope = digest if intake.key is None else sha256(f"key {intake.key}".encode()).hexdigest()
    ids = frozenset(entry.message.id for entry in intake.entries if isinstance(entry, IntakeDraft))
    return ReadyIntake(intake, digest, pack(intake.body), scope, ids, received)


def chunk(package: ReadyIntake, start: int, accepted: bool = False) -> Chunk:
    """Make the chunk ready that begins at a record."""
    entries = package.intake.entries[start : start + CHUNK]
    return Chunk(package, start, tuple(map(_ready, entries)), accepted)


def _ready(entry: IntakeDraft | Rejection) -> ReadyDraft | ReadyRejection:
    if isinstance(entry, Rejection):
        return ReadyRejection(entry, REJECTION.write(entry, body=None, total=None))
    document = pack_json(dict(entry.message.document))
    return ReadyDraft(entry, document, rows.headers_of(entry.message, entry.numbers))


# ── its bytes ────────────────────────────────────────────────────────────────────────────────────
_b = tables.bodies.c

ADD = inserting(tables.bodies)

_THERE = Prepared(sa.select(_b.seq).where(_b.seq == sa.bindparam("seq")), ("seq",))


class IntakeBody:
    """The bytes of one package, kept once, and only when an entry of it is new.

    `before`: the seq under which an earlier chunk kept them; they may be forgotten since, with the
    rejections that they were kept for. What else needs them is known by the rows that name them, but for the
    message of the first record: that is noted with them (`kept`), for nearly all messages are one.
    """

    def __init__(self, transaction: Transaction, chunk: Chunk, before: int | None) -> None:
        self._transaction = transaction
        self._package = chunk.package
        self._there = before is not None and bool(_THERE.rows(transaction.connection, before))
        self.seq = before if self._there else None
        self._of_first = False
        self._rejected = False

    def needed(self, *, by_record: int | None) -> int:
        """Give the seq of the bytes, for the message of a record or (None) for a rejection."""
        self._of_first |= by_record == 0
        if self.seq is None:
            self.seq = next(self._transaction.sequences.bodies)
        return self.seq

    def counted(self) -> int:
        """Give the bytes that the next rejection of this package counts for: those received only with the first."""
        size = APIECE if self._rejected else APIECE + len(self._package.intake.body)
        self._rejected = True
        return size

    def row(self) -> tuple[object, ...] | None:
        """Give the row to write of them, if any."""
        if self.seq is None or self._there:
            return None
        return self.seq, self._package.intake.content_type, self._of_first, self._package.body
