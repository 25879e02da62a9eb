"""Keeping intakes: decided one after the other, written table by table for the whole batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from gateway.errors import HutongError
from gateway.ledger import decisions
from gateway.ledger.records import Accepted, Intake, IntakeDraft, Receipt, Rejection
from gateway.ledger.sql import lanes, numbers, rows, tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.codecs import pack, pack_json, pack_words, unpack_json
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.statements import Prepared, PreparedMany, inserting, inserting_first, putting
from gateway.ledger.sql.tables import DELIVERY, MESSAGE, REJECTION
from gateway.ledger.sql.writing import Transaction
from gateway.message import Delivery, HeldBy, Message, State

_m, _d, _l, _r = tables.messages.c, tables.deliveries.c, tables.latest.c, tables.receipts.c
_stored = tables.messages.join(tables.documents)

_LATEST = PreparedMany(
    ["identity", "operation", "source"],
    lambda wanted: sa.select(wanted, _m.id, _m.digest).select_from(
        wanted.join(
            tables.latest,
            (_l.identity == wanted.c.identity) & (_l.operation == wanted.c.operation) & (_l.source == wanted.c.source),
        ).join(tables.messages, _l.message == _m.seq)
    ),
)
_MESSAGE = Prepared(
    sa.select(*rows.MESSAGE_COLUMNS).select_from(_stored).where(_m.id == sa.bindparam("message")), ("message",)
)
_DELIVERIES = Prepared(
    sa.select(*rows.DELIVERY_COLUMNS)
    .select_from(tables.deliveries.join(tables.messages))
    .where(_m.id == sa.bindparam("message"))
    .order_by(_d.position),
    ("message",),
)
_RECEIPT = Prepared(
    sa.select(_r.digest, _r.entries).where(
        _r.key == sa.bindparam("key"),
        _r.operation == sa.bindparam("operation"),
        _r.platform == sa.bindparam("platform"),
    ),
    ("key", "operation", "platform"),
)

_BODIES = inserting(tables.bodies)
_MESSAGES = inserting(tables.messages, MESSAGE.inserted)
_DOCUMENTS = inserting(tables.documents)
_LATEST_NOW = putting(tables.latest)
_KEYS = inserting_first(tables.search_keys)
_NUMBERS = numbers.NUMBERS
_FACTS = inserting_first(tables.facts)
_REJECTIONS = inserting(tables.rejections, REJECTION.inserted)
_RECEIPTS = inserting(tables.receipts)
_IN_ORDER = (
    _BODIES,
    _MESSAGES,
    _DOCUMENTS,
    lanes.ADD,
    _LATEST_NOW,
    _KEYS,
    _NUMBERS,
    _FACTS,
    _REJECTIONS,
    _RECEIPTS,
)

_j, _b = tables.rejections.c, tables.bodies.c
_OLDEST_KEPT = Prepared(
    sa.select(_j.seq)
    .where(_j.platform == sa.bindparam("platform"))
    .order_by(_j.seq.desc())
    .limit(1)
    .offset(sa.bindparam("bound")),
    ("platform", "bound"),
)
_TOO_OLD = [_j.platform == sa.bindparam("platform"), _j.seq <= sa.bindparam("last")]
_THEIR_BODIES = Prepared(sa.select(_j.body).distinct().where(*_TOO_OLD), ("platform", "last"))
_FORGET = Prepared(sa.delete(tables.rejections).where(*_TOO_OLD), ("platform", "last"))
_FORGET_BODY = Prepared(
    sa.delete(tables.bodies).where(
        _b.seq == sa.bindparam("body"),
        _b.kept.is_(sa.false()),
        ~sa.exists().where(_j.body == _b.seq),
    ),
    ("body",),
)


def accept(transaction: Transaction, intakes: Sequence[Intake]) -> Sequence[OperationResult]:
    """Keep a batch of intakes: the group for `Ledger.accept`."""
    batch = _Batch(transaction, intakes)
    results = [batch.accept(intake) for intake in intakes]
    batch.write()
    return results


class _Batch:
    """One batch's intakes: what was decided so far is known to those that come after."""

    def __init__(self, transaction: Transaction, intakes: Sequence[Intake]) -> None:
        self._transaction = transaction
        self._connection = transaction.connection
        drafts = [entry for intake in intakes for entry in intake.entries if isinstance(entry, IntakeDraft)]
        latest = _LATEST.rows(self._connection, list({_scope(draft.message) for draft in drafts}))
        self._before = {(row[0], row[1], row[2]): (row[3], row[4]) for row in latest}
        routed = [delivery for draft in drafts for delivery in draft.deliveries if delivery.platform]
        self._lanes = lanes.occupied(transaction, {lanes.lane_of(delivery) for delivery in routed})
        self._holds = lanes.holds(transaction.connection)
        self._rows: defaultdict[Prepared, list[Row]] = defaultdict(list)
        self._latest: dict[tuple[str, str, str], Accepted] = {}
        self._receipts: dict[tuple[str, str, str], tuple[str, Receipt]] = {}
        self._rejecting: set[str] = set()

    # ── deciding ──────────────────────────────────────────────────────────────────────────────
    def accept(self, intake: Intake) -> OperationResult:
        try:
            return self._first(intake) if intake.key is None else self._keyed(intake, intake.key)
        except HutongError as error:
            return error

    def _keyed(self, intake: Intake, key: str) -> Receipt:
        digest = sha256(intake.body).hexdigest()
        scope = (key, intake.operation, intake.platform)
        known = self._receipts.get(scope) or self._kept_receipt(scope)
        if known and decisions.is_repeat(known[0], digest):
            return replace(known[1], repeated=True)
        receipt = self._first(intake)
        if any(isinstance(entry, Accepted) for entry in receipt.entries):
            self._receipts[scope] = (digest, receipt)
            self._rows[_RECEIPTS].append((*scope, digest, pack_words(_essentials(receipt))))
        return receipt

    def _kept_receipt(self, scope: tuple[str, str, str]) -> tuple[str, Receipt] | None:
        found = _RECEIPT.rows(self._connection, *scope)
        kept = [(digest, Receipt(tuple(map(self._entry, unpack_json(entries))))) for digest, entries in found]
        return kept[0] if kept else None

    def _entry(self, entry: dict[str, Any]) -> Accepted | Rejection:
        if "rejected" in entry:
            return rows.rejection(entry["rejected"])
        message, now = self._stored(entry["message"])
        first = [_as_first(each, *entry["deliveries"][each.id]) for each in now if each.id in entry["deliveries"]]
        return Accepted(entry["index"], message, tuple(first), duplicate=entry["duplicate"])

    def _first(self, intake: Intake) -> Receipt:
        body = _Body(self._transaction)
        receipt = Receipt(tuple(self._take(entry, body) for entry in intake.entries))
        self._rows[_BODIES].extend(body.rows(intake))
        return receipt

    def _take(self, entry: IntakeDraft | Rejection, body: _Body) -> Accepted | Rejection:
        if isinstance(entry, Rejection):
            self._rows[_REJECTIONS].append(REJECTION.write(entry, body=body.needed(by_message=False)))
            self._rejecting.add(entry.platform)
            return entry
        scope = _scope(entry.message)
        return self._duplicate(entry, scope) or self._keep(entry, body, scope)

    def _duplicate(self, draft: IntakeDraft, scope: tuple[str, str, str]) -> Accepted | None:
        here = self._latest.get(scope)
        if here is not None:
            same = decisions.is_duplicate(here.message.digest, draft.message.digest)
            return replace(here, index=draft.index, duplicate=True) if same else None
        before = self._before.get(scope)
        if before is None or not decisions.is_duplicate(before[1], draft.message.digest):
            return None
        message, deliveries = self._stored(before[0])
        return Accepted(draft.index, message, tuple(deliveries), duplicate=True)

    def _stored(self, message_id: str) -> tuple[Message, list[Delivery]]:
        row = _MESSAGE.row(self._connection, message_id)
        assert row is not None
        found = [DELIVERY.read(each) for each in _DELIVERIES.rows(self._connection, message_id)]
        return rows.message(row), [lanes.shown(self._transaction, each, self._holds) for each in found]

    # ── keeping ───────────────────────────────────────────────────────────────────────────────
    def _keep(self, draft: IntakeDraft, body: _Body, scope: tuple[str, str, str]) -> Accepted:
        message = draft.message
        seq = next(self._transaction.sequences.messages)
        kept_in = body.needed(by_message=True)
        row = rows.from_message(message, draft.numbers, seq=seq, body=kept_in, record=draft.index)
        self._rows[_MESSAGES].append(row)
        self._rows[_DOCUMENTS].append((seq, pack_json(dict(message.document))))
        self._rows[_LATEST_NOW].append((*scope, seq))
        self._rows[_KEYS].extend((value, name, seq) for name, value in message.keys.items())
        said = decisions.said(message)
        self._rows[_FACTS].extend((message.correlation_id, field, value, seq) for field, value in said.items())
        for platform in decisions.speakers(message, draft.deliveries):
            self._rows[_NUMBERS].extend(numbers.number_rows(platform, draft.numbers, seq))
        deliveries = tuple(self._deliver(delivery, seq) for delivery in draft.deliveries)
        accepted = self._latest[scope] = Accepted(draft.index, message, deliveries)
        return accepted

    def _deliver(self, delivery: Delivery, message: int) -> Delivery:
        placed = replace(delivery, position=next(self._transaction.sequences.deliveries))
        if placed.platform is None:
            self._rows[lanes.ADD].append(DELIVERY.write(placed, message=message, head=False))
            return placed
        lane = lanes.lane_of(placed)
        occupied, parked = self._lanes[lane]
        self._rows[lanes.ADD].append(DELIVERY.write(placed, message=message, head=not occupied))
        self._lanes[lane] = (True, parked)
        return decisions.shown(placed, self._holds.get(placed.platform, ()), parked=parked)

    # ── writing ───────────────────────────────────────────────────────────────────────────────
    def write(self) -> None:
        # In the order of the foreign keys: bodies, messages, then what names a message.
        for statement in _IN_ORDER:
            statement.run(self._connection, self._rows[statement])
        for platform in self._rejecting:
            self._forget_oldest(platform)

    def _forget_oldest(self, platform: str) -> None:
        last = _OLDEST_KEPT.row(self._connection, platform, self._transaction.rejections)
        if last is None:
            return
        bodies = _THEIR_BODIES.rows(self._connection, platform, last[0])
        _FORGET.run(self._connection, [(platform, last[0])])
        _FORGET_BODY.run(self._connection, bodies)


def _scope(message: Message) -> tuple[str, str, str]:
    return message.identity, message.operation, message.source


class _Body:
    """The bytes of one intake, kept once, and only when an entry of it is new."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._seq: int | None = None
        self._of_message = False

    def needed(self, *, by_message: bool) -> int:
        """Give the seq of the bytes; those of a message are never forgotten with a rejection."""
        self._of_message |= by_message
        if self._seq is None:
            self._seq = next(self._transaction.sequences.bodies)
        return self._seq

    def rows(self, intake: Intake) -> list[Row]:
        """Give the row to keep, if any entry needs it."""
        if self._seq is None:
            return []
        return [(self._seq, intake.content_type, self._of_message, pack(intake.body))]


def _essentials(receipt: Receipt) -> list[dict[str, Any]]:
    return [_essential(entry) for entry in receipt.entries]


def _essential(entry: Accepted | Rejection) -> dict[str, Any]:
    if isinstance(entry, Rejection):
        return {"rejected": rows.plain_rejection(entry)}
    return {
        "index": entry.index,
        "message": entry.message.id,
        "duplicate": entry.duplicate,
        "deliveries": {each.id: [each.state, each.held_by] for each in entry.deliveries},
    }


def _as_first(delivery: Delivery, state: str, held_by: str | None) -> Delivery:
    return replace(delivery, state=State(state), held_by=HeldBy(held_by) if held_by else None)
