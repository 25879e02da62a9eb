"""Retying: when a number that a platform used as its own turns out to be an alias, its messages change case."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from gateway.ledger import decisions
from gateway.ledger.sql import clocks, counts, findings, following, lanes, rows, tables
from gateway.ledger.sql.auditing import record
from gateway.ledger.sql.codecs import pack_json
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.rows import StoredDelivery
from gateway.ledger.sql.statements import Prepared, inserting_first, is_head, is_open_state, putting
from gateway.ledger.sql.tables import MESSAGE
from gateway.ledger.sql.writing import Transaction
from gateway.message import Delivery, Message, State, with_value
from schemas.catalog import TYPES, at
from schemas.identifiers.folding import comparison_key


class Retie(Struct, frozen=True):
    """A number that was taken for one of its own, and what it stands for.

    `field` is the canonical field, `number` the platform's own name for `original`. What was filed under
    the number was in `correlation_id` and in the lane `ordering_key`; it belongs to the message
    that `original` came with, in `to_correlation_id` and the lane `to_ordering_key`.
    """

    field: str
    number: str
    original: str
    correlation_id: str
    ordering_key: str
    to_correlation_id: str
    to_ordering_key: str

    def uses_number(self, numbers: Mapping[str, str]) -> bool:
        """Tell whether a message with these numbers uses it."""
        return numbers.get(self.field) == self.number

    def numbers(self, numbers: Mapping[str, str]) -> Mapping[str, str]:
        """Give the numbers that a message has from now on."""
        return {**numbers, self.field: self.original} if self.uses_number(numbers) else numbers

    def lane(self, lane: str) -> str:
        """Give the lane that a message or a delivery belongs to from now on."""
        return self.to_ordering_key if lane == self.ordering_key else lane

    def message(self, message: Message, numbers: Mapping[str, str]) -> Message:
        """Give a message as it is from now on: of the original's case, with the number as its issuer writes it."""
        moved = replace(
            message,
            correlation_id=self.to_correlation_id,
            ordering_key=self.lane(message.ordering_key),
        )
        if not self.uses_number(numbers):
            return moved
        keys = {name: self._translated(name, value) for name, value in message.keys.items()}
        raw = {self.field: self.number, **message.raw_numbers}
        return replace(moved, document=self._document(message), keys=keys, raw_numbers=raw)

    def _translated(self, name: str, value: str) -> str:
        return self.original if (name, value) == (self.field, self.number) else value

    def _document(self, message: Message) -> Mapping[str, object]:
        document = message.document
        for path in TYPES[message.type].numbers if message.type in TYPES else ():
            if path.rpartition(".")[2] == self.field and at(document, path) == self.number:
                document = with_value(document, path, self.original)
        return document


# ── writing ──────────────────────────────────────────────────────────────────────────────────────
_m, _c, _n, _a, _f, _k, _d = (
    table.c
    for table in (
        tables.messages,
        tables.documents,
        tables.numbers,
        tables.aliases,
        tables.facts,
        tables.search_keys,
        tables.deliveries,
    )
)
_SEQ = MESSAGE.at("seq")

_OF_CORRELATION = Prepared(
    sa.select(*rows.MESSAGE_COLUMNS)
    .select_from(tables.messages.join(tables.documents))
    .where(_m.correlation_id == sa.bindparam("correlation_id"))
    .order_by(_m.seq),
    ("correlation_id",),
)
_MESSAGE = Prepared(
    sa.update(tables.messages).where(_m.seq == sa.bindparam("seq_")),
    ("correlation_id", "ordering_key", "headers", "seq_"),
)
_DOCUMENT = Prepared(sa.update(tables.documents).where(_c.message == sa.bindparam("seq_")), ("content", "seq_"))
_FORGET_KEY = Prepared(
    sa.delete(tables.search_keys).where(
        _k.value == sa.bindparam("value_"), _k.name == sa.bindparam("name_"), _k.message == sa.bindparam("message_")
    ),
    ("value_", "name_", "message_"),
)
_KEYS = inserting_first(tables.search_keys)
_FORGET_FACTS = Prepared(
    sa.delete(tables.facts).where(_f.correlation_id == sa.bindparam("correlation_id_")), ("correlation_id_",)
)
_FACTS = inserting_first(tables.facts)
_NUMBERS = inserting_first(tables.numbers)
_NUMBERS_NOW = putting(tables.numbers)
_SPOKEN = Prepared(
    sa.select(_n.platform, _n.message).where(
        _n.number == sa.bindparam("number"), _n.field == sa.bindparam("field"), _n.original == sa.bindparam("original")
    ),
    ("number", "field", "original"),
)
_of_alias = [
    _a.original == sa.bindparam("original_"),
    _a.field == sa.bindparam("field_"),
    _a.correlation_id == sa.bindparam("correlation_id_"),
]
_CALLED = Prepared(sa.select(_a.platform, _a.number).where(*_of_alias), ("original_", "field_", "correlation_id_"))
_FORGET_ALIASES = Prepared(sa.delete(tables.aliases).where(*_of_alias), ("original_", "field_", "correlation_id_"))
_ALIASES = inserting_first(tables.aliases)
_DELIVERIES = Prepared(
    sa.select(*rows.DELIVERY_COLUMNS)
    .select_from(tables.deliveries.join(tables.messages))
    .where(_d.message == sa.bindparam("message"))
    .order_by(_d.position),
    ("message",),
)
_IN_LANE = Prepared(
    sa.select(*rows.DELIVERY_COLUMNS)
    .select_from(tables.deliveries.join(tables.messages))
    .where(_d.lane == sa.bindparam("lane"), _d.platform == sa.bindparam("platform"), is_open_state(_d.state))
    .order_by(_d.position),
    ("lane", "platform"),
)
_LANE = Prepared(sa.update(tables.deliveries).where(_d.position == sa.bindparam("position_")), ("lane", "position_"))
_LANE_BEHIND = Prepared(
    sa.update(tables.deliveries).where(_d.position == sa.bindparam("position_")).values(head=sa.false()),
    ("lane", "position_"),
)
_NO_HEAD = Prepared(
    sa.update(tables.deliveries)
    .where(_d.lane == sa.bindparam("lane_"), _d.platform == sa.bindparam("platform_"), is_head(_d.head))
    .values(head=sa.false()),
    ("lane_", "platform_"),
)


class _Stored(Struct, frozen=True):
    """A message as it is kept: its seq, and the issued numbers that it names."""

    seq: int
    message: Message
    numbers: Mapping[str, str]


def retie(transaction: Transaction, tie: Retie, original: int, founder: int, actor: str, at: datetime) -> None:
    """Tie messages to the case of what their number stands for, with facts, numbers and lanes; audited.

    `original` is the seq of a message of that case, `founder` of the one that brought the number. A
    case that the founder began moves as a whole; of another one, only the messages that use the number.
    """
    connection = transaction.connection
    there = _messages(connection, tie.correlation_id)
    begun = bool(there) and there[0].seq == founder
    moving = [one for one in there if begun or tie.uses_number(one.numbers)]
    moved = [_Stored(one.seq, tie.message(one.message, one.numbers), tie.numbers(one.numbers)) for one in moving]
    _write(connection, moving, moved)
    _tell_facts(connection, {tie.correlation_id, tie.to_correlation_id})
    _point_to(connection, tie, original, {one.seq for one in moved})
    deliveries = {one.seq: list(map(rows.stored, _DELIVERIES.rows(connection, one.seq))) for one in moved}
    _NUMBERS.run(connection, [row for one in moved for row in _numbers(one, deliveries[one.seq])])
    _change_lanes(transaction, tie, [each for one in moved for each in deliveries[one.seq]])
    findings.forget_lane(transaction, tie.ordering_key)
    # Also what stays behind: its case is another one without what left it.
    following.show_again(connection, {one.seq for one in there})
    clocks.forget(connection, tie.correlation_id)
    detail = {"field": tie.field, "number": tie.number, "original": tie.original}
    detail |= {"from": tie.correlation_id, "to": tie.to_correlation_id}
    for was, now in zip(moving, moved, strict=True):
        if was != now:
            record(transaction, now.message.id, at, actor, "message.retied", **detail)


def _messages(connection: sa.Connection, correlation_id: str) -> list[_Stored]:
    found = _OF_CORRELATION.rows(connection, correlation_id)
    return [_Stored(row[_SEQ], rows.message(row), rows.numbers(row)) for row in found]


def _write(connection: sa.Connection, before: Sequence[_Stored], after: Sequence[_Stored]) -> None:
    written: list[Row] = []
    for one in after:
        headers = rows.headers_of(one.message, one.numbers)
        written.append((one.message.correlation_id, one.message.ordering_key, headers, one.seq))
    _MESSAGE.run(connection, written)
    _DOCUMENT.run(connection, [(pack_json(dict(one.message.document)), one.seq) for one in after])
    was, now = (
        {(comparison_key(value), name, one.seq) for one in each for name, value in one.message.keys.items()}
        for each in (before, after)
    )
    _FORGET_KEY.run(connection, list(was - now))
    _KEYS.run(connection, list(now - was))


def _tell_facts(connection: sa.Connection, correlations: Iterable[str]) -> None:
    """Write the facts of cases anew, each from the first message that has it."""
    for correlation_id in correlations:
        _FORGET_FACTS.run(connection, [(correlation_id,)])
        said = [(decisions.facts_of(one.message), one.seq) for one in _messages(connection, correlation_id)]
        _FACTS.run(
            connection,
            [(correlation_id, field, value, seq) for facts, seq in said for field, value in facts.items()],
        )


def _point_to(connection: sa.Connection, tie: Retie, original: int, moved: Collection[int]) -> None:
    """Point the number, and every platform's alias of it, to the original."""
    known = _SPOKEN.rows(connection, comparison_key(tie.number), tie.field, tie.number)
    named = [(tie.number, platform) for platform, message in known if message in moved]
    alias = (tie.number, tie.field, tie.correlation_id)
    called = [(number, platform) for platform, number in _CALLED.rows(connection, *alias)]
    _NUMBERS_NOW.run(
        connection,
        [
            (comparison_key(number), tie.field, platform, tie.original, original)
            for number, platform in (*named, *called)
        ],
    )
    _FORGET_ALIASES.run(connection, [alias])
    _ALIASES.run(
        connection,
        [(tie.to_correlation_id, tie.original, tie.field, platform, number) for number, platform in called],
    )


def _numbers(one: _Stored, deliveries: Sequence[StoredDelivery]) -> list[Row]:
    platforms = decisions.platforms_of(one.message, [each.delivery for each in deliveries])
    return [
        (comparison_key(number), field, platform, number, one.seq)
        for platform in platforms
        for field, number in one.numbers.items()
    ]


# ── lanes ─────────────────────────────────────────────────────────────────────────────────────
def _change_lanes(transaction: Transaction, tie: Retie, deliveries: Sequence[StoredDelivery]) -> None:
    """Give deliveries their lane; both lanes get their heads anew, and are counted anew.

    One that is being sent stays a head, also of its new lane, so that those behind it in the old one
    stay behind it. A lane has one head: where another is being sent already, it ends in the old lane.
    """
    connection = transaction.connection
    leaving = [each.delivery for each in deliveries if tie.lane(each.delivery.lane) != each.delivery.lane]
    platforms = {each.platform for each in leaving if each.platform is not None}
    affected = [(lane, platform) for platform in platforms for lane in (tie.ordering_key, tie.to_ordering_key)]
    before = _parked(transaction, affected)
    busy = {each.platform for each, _ in before.values() if _is_sent_in(each, tie.to_ordering_key)}
    sending = [each for each in leaving if each.state is State.SENDING and each.platform not in busy]
    # Heads are cleared before others come, for a lane has at most one (a unique index).
    _NO_HEAD.run(connection, [(tie.to_ordering_key, each.platform) for each in sending])
    waiting = [each for each in leaving if each.state is not State.SENDING]
    _LANE_BEHIND.run(connection, [(tie.to_ordering_key, each.position) for each in waiting])
    _LANE.run(connection, [(tie.to_ordering_key, each.position) for each in sending])
    lanes.set_heads(transaction, affected)
    for position, (delivery, parked) in _parked(transaction, affected).items():
        was, parked_before = before[position]
        counts.step(transaction, was, delivery, parked_before=parked_before, parked_after=parked)


def _is_sent_in(delivery: Delivery, lane: str) -> bool:
    return delivery.state is State.SENDING and delivery.lane == lane


def _parked(transaction: Transaction, affected: Sequence[lanes.Lane]) -> dict[int, tuple[Delivery, bool]]:
    """Give the open deliveries of lanes by position, each with whether one ahead of it is dead."""
    found: dict[int, tuple[Delivery, bool]] = {}
    for lane in affected:
        dead = False
        for row in _IN_LANE.rows(transaction.connection, *lane):
            delivery = rows.stored(row).delivery
            found[delivery.position] = delivery, dead
            dead = dead or delivery.state is State.DEAD
    return found
