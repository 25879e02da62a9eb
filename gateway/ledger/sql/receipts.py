"""Receipts as they are kept, to answer a repeated request with: whole, or as far as a large package has come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from gateway.audit.signing import Acceptance, Seals, SigningKey
from gateway.ledger import decisions
from gateway.ledger.records import Accepted, Receipt, Rejection
from gateway.ledger.sql import leaves, rows, tables
from gateway.ledger.sql.codecs import joined, micros, pack_words
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.packages import Chunk
from gateway.ledger.sql.statements import Prepared, PreparedMany, inserting
from gateway.ledger.sql.tables import DELIVERY
from gateway.message import HELD, Delivery, HeldBy, Message, State

Entry = Accepted | Rejection
Essential = dict[str, Any]
"""What of an entry is kept: a rejection whole; of a message its id, and what its deliveries were shown as."""

_m, _d, _r, _p = tables.messages.c, tables.deliveries.c, tables.receipts.c, tables.packages.c

_RECEIPT = Prepared(
    sa.select(_r.digest, _r.entries).where(
        _r.key == sa.bindparam("key"),
        _r.operation == sa.bindparam("operation"),
        _r.platform == sa.bindparam("platform"),
    ),
    ("key", "operation", "platform"),
)
_RECEIPTS = inserting(tables.receipts)
_of_package = [
    _p.digest == sa.bindparam("digest"),
    _p.operation == sa.bindparam("operation"),
    _p.platform == sa.bindparam("platform"),
]
_PACKAGE = ("digest", "operation", "platform")
_PART = Prepared(sa.select(_p.entries).where(*_of_package, _p.start == sa.bindparam("start")), (*_PACKAGE, "start"))
_PARTS = Prepared(sa.select(_p.entries).where(*_of_package).order_by(_p.start), _PACKAGE)
_BODY = Prepared(sa.select(sa.func.max(_p.body)).where(*_of_package), _PACKAGE)
_PROGRESS = inserting(tables.packages)
_SENT_AGAIN = Prepared(
    sa.update(tables.packages).where(
        *(_p[name] == sa.bindparam(f"{name}_") for name in ("digest", "operation", "platform", "start"))
    ),
    ("at", "digest_", "operation_", "platform_", "start_"),
)
_newer = tables.packages.alias("newer")
_FORGET_OLD = Prepared(
    sa.delete(tables.packages).where(
        ~sa.exists().where(
            *(_newer.c[name] == _p[name] for name in ("digest", "operation", "platform")),
            _newer.c.at >= sa.bindparam("since"),
        )
    ),
    ("since",),
)
_DONE = Prepared(sa.delete(tables.packages).where(*_of_package), _PACKAGE)

_MESSAGES = PreparedMany(
    ["id"],
    lambda wanted: sa.select(*rows.MESSAGE_COLUMNS, _m.received, _m.record, _m.accepted_at).select_from(
        wanted.join(tables.messages, _m.id == wanted.c.id).join(tables.documents)
    ),
)
_DELIVERIES = PreparedMany(
    ["id"],
    lambda wanted: sa.select(*rows.DELIVERY_COLUMNS).select_from(
        wanted.join(tables.messages, _m.id == wanted.c.id).join(tables.deliveries)
    ),
)


class KeptReceipt(Struct, frozen=True):
    """A receipt as it is kept, or what a chunk was answered: read outside the writer, for it may be long.

    `whole`: it is the package's, and nothing follows.
    """

    content: bytes
    whole: bool


Answer = Receipt | KeptReceipt


class KeptMessage(Struct, frozen=True):
    """A message as it is kept, with its deliveries in order; `received`, `record`, `at`: what its leaf tells."""

    message: Message
    deliveries: Sequence[Delivery]
    received: bytes | None
    record: int
    at: int

    def acceptance(self, seals: Seals | None) -> Acceptance | None:
        """Give the word for it again, to be signed with others; None for a message that has no leaf."""
        if self.received is None:
            return None
        leaf = leaves.accepted(self.message, self.received, self.record, self.at)
        return word(self.received, leaf.hash, seals)


def word(received: bytes, leaf: bytes, seals: Seals | None) -> Acceptance:
    """Give the word that a document was accepted, to be signed with others."""
    return Acceptance(received, leaf, seals, seals.add(received, leaf) if seals is not None else 0)


class Receipts:
    """What the chunks of a batch were answered before, also earlier in the batch, and what is kept of their answers."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._answered: dict[tuple[str, ...], tuple[str, Answer]] = {}
        self._parts: dict[tuple[str | int, ...], tuple[str, Receipt]] = {}
        self._receipts: list[Row] = []
        self._progress: list[Row] = []
        self._sent_again: list[Row] = []
        self._begun: datetime | None = None
        self._done: list[Row] = []

    def known(self, chunk: Chunk) -> Answer | None:
        """Give what a chunk was answered before; other bytes under its key: Conflict `idempotency.key-reused`."""
        known = self._by_key(chunk) or self._part(chunk)
        return known[1] if known and decisions.is_repeat(known[0], chunk.package.digest) else None

    def _by_key(self, chunk: Chunk) -> tuple[str, Answer] | None:
        scope = _key_scope(chunk)
        if scope is None:
            return None
        if scope in self._answered:
            return self._answered[scope]
        kept = _RECEIPT.row(self._connection, *scope)
        return (kept[0], KeptReceipt(kept[1], whole=True)) if kept else None

    def _part(self, chunk: Chunk) -> tuple[str, Answer] | None:
        if chunk.whole:
            return None
        part = (*_package_scope(chunk), chunk.start)
        if part in self._parts:
            return self._parts[part]
        kept = _PART.row(self._connection, *part)
        if kept:
            self._sent_again.append((micros(chunk.package.intake.received_at), *part))
        return (kept[0][:_DIGEST].hex(), KeptReceipt(kept[0][_DIGEST:], whole=False)) if kept else None

    def body(self, chunk: Chunk) -> int | None:
        """Give the seq under which an earlier chunk kept the package's bytes."""
        if chunk.start == 0:
            return None
        [(seq,)] = _BODY.rows(self._connection, *_package_scope(chunk))
        return None if seq is None else int(seq)

    def keep(self, chunk: Chunk, receipt: Receipt, body: int | None, named: int | None) -> None:
        """Keep the answer to a chunk: the last one's with those before it as the receipt, if anything was accepted.

        `named` is the seq of a message in it, with which a receipt is looked at again when that is pruned.
        """
        digest = chunk.package.digest
        if not chunk.last:
            self._parts[*_package_scope(chunk), chunk.start] = digest, receipt
            at = chunk.package.intake.received_at
            row = (
                *_package_scope(chunk),
                chunk.start,
                bytes.fromhex(digest) + written(receipt.entries),
                body,
                micros(at),
            )
            self._begun = at if chunk.start == 0 else self._begun
            self._progress.append(row)
            return
        scope = _key_scope(chunk)
        if scope and (chunk.accepted or any(isinstance(entry, Accepted) for entry in receipt.entries)):
            content = written(receipt.entries)
            content = content if chunk.whole else joined([*self._before(chunk), content])
            whole = replace(receipt, repeated=True) if chunk.whole else KeptReceipt(content, whole=True)
            self._answered[scope] = digest, whole
            self._receipts.append((*scope, digest, content, named or 0))
        if not chunk.whole:
            self._done.append(_package_scope(chunk))

    def _before(self, chunk: Chunk) -> list[bytes]:
        return [content[_DIGEST:] for (content,) in _PARTS.rows(self._connection, *_package_scope(chunk))]

    def write(self) -> None:
        """Write what is kept; where a package begins, forget those that nobody went on with for a day.

        Sent again later, such a package begins anew; what was kept of it is recognised as duplicates.
        """
        _SENT_AGAIN.run(self._connection, self._sent_again)
        if self._begun is not None:
            _FORGET_OLD.run(self._connection, [(micros(self._begun - _GIVEN_UP),)])
        _RECEIPTS.run(self._connection, self._receipts)
        _PROGRESS.run(self._connection, self._progress)
        _DONE.run(self._connection, self._done)


_GIVEN_UP = timedelta(days=1)

_DIGEST = 32
"""Bytes of the digest of a package's bytes, which stands before what is kept of its progress."""


def _key_scope(chunk: Chunk) -> tuple[str, str, str] | None:
    intake = chunk.package.intake
    return None if intake.key is None else (intake.key, intake.operation, intake.platform)


def _package_scope(chunk: Chunk) -> tuple[str, str, str]:
    return chunk.package.scope, chunk.package.intake.operation, chunk.package.intake.platform


def written(entries: Sequence[Entry]) -> bytes:
    """Write entries as they are kept."""
    return pack_words(list(map(_essential, entries)))


def _essential(entry: Entry) -> Essential:
    if isinstance(entry, Rejection):
        return {"rejected": rows.plain_rejection(entry)}
    return {
        "index": entry.index,
        "message": entry.message.id,
        "duplicate": entry.duplicate,
        "deliveries": {each.id: [each.state, each.held_by] for each in entry.deliveries},
    }


def named(essentials: Sequence[Essential]) -> Sequence[str]:
    """Give the ids of the messages that entries name."""
    return [each["message"] for each in essentials if "message" in each]


def read(connection: sa.Connection, essentials: Sequence[Essential], key: SigningKey | None) -> Sequence[Entry]:
    """Give entries as they were answered, from what is kept of them; without those whose message was pruned."""
    kept = stored(connection, {each["message"] for each in essentials if "message" in each})
    seals = Seals(key) if key is not None else None
    return [_entry(each, kept, seals) for each in essentials if "rejected" in each or each["message"] in kept]


def _entry(essential: Essential, kept: Mapping[str, KeptMessage], seals: Seals | None) -> Entry:
    if "rejected" in essential:
        return rows.rejection(essential["rejected"])
    one = kept[essential["message"]]
    first: Mapping[str, tuple[str, str | None]] = essential["deliveries"]
    deliveries = tuple(_as_first(each, *first[each.id]) for each in one.deliveries if each.id in first)
    return Accepted(
        essential["index"],
        one.message,
        deliveries,
        duplicate=essential["duplicate"],
        acceptance=one.acceptance(seals),
    )


def _as_first(delivery: Delivery, state: str, held_by: str | None) -> Delivery:
    """Give a delivery as it was answered: what was unrouted then may have got its platform since."""
    platform = None if state == State.UNROUTED else delivery.platform
    # Receipts from before holds were laid over states say `held`: what was accepted then was ready.
    first = State.READY if state == HELD else State(state)
    return replace(delivery, state=first, platform=platform, held_by=HeldBy(held_by) if held_by else None)


def stored(connection: sa.Connection, ids: Collection[str]) -> Mapping[str, KeptMessage]:
    """Give messages by id, each with its deliveries in order; what holds these is not laid over them."""
    keys = [(id,) for id in ids]
    deliveries: defaultdict[str, list[Delivery]] = defaultdict(list)
    for each in map(DELIVERY.read, _DELIVERIES.rows(connection, keys)):
        deliveries[each.message_id].append(each)
    found = ((rows.message(row), row[-3:]) for row in _MESSAGES.rows(connection, keys))
    return {one.id: KeptMessage(one, _in_order(deliveries[one.id]), *of_leaf) for one, of_leaf in found}


def _in_order(deliveries: Collection[Delivery]) -> list[Delivery]:
    """Sort by position, and drop those that a padded query gave twice."""
    by_position = {each.position: each for each in deliveries}
    return [by_position[position] for position in sorted(by_position)]
