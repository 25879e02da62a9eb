"""Letting go of cases: their messages with all that hangs on them, oldest first, and what the case was known by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson
import sqlalchemy as sa

from gateway.ledger.sql import clocks, findings, pruned_receipts, tables, uploads
from gateway.ledger.sql.cases import Case, CaseMessage
from gateway.ledger.sql.codecs import pack_json
from gateway.ledger.sql.pruned_bodies import PRUNED, REMNANT, BodyPlace, exchanged, forget_native, native_size
from gateway.ledger.sql.statements import Prepared, PreparedMany
from gateway.ledger.sql.writing import Transaction
from schemas.identifiers.folding import comparison_key

_m, _c, _l, _n, _a, _f, _k, _d, _q, _t = (
    table.c
    for table in (
        tables.messages,
        tables.documents,
        tables.latest,
        tables.numbers,
        tables.aliases,
        tables.facts,
        tables.search_keys,
        tables.deliveries,
        tables.requests,
        tables.attempts,
    )
)

_FORGET_FACTS = Prepared(sa.delete(tables.facts).where(_f.correlation_id == sa.bindparam("case_")), ("case_",))
_FORGET_ALIASES = Prepared(sa.delete(tables.aliases).where(_a.correlation_id == sa.bindparam("case_")), ("case_",))
_FORGET_NUMBERS = Prepared(
    sa.delete(tables.numbers).where(
        _n.number == sa.bindparam("number_"),
        ~sa.exists().where(_m.seq == _n.message, _m.correlation_id != sa.bindparam("case_")),
    ),
    ("number_", "case_"),
)
"""Forget a number, as whoever used it, where it stands for a message of the case, or of one that is gone."""

_REFERENCES = Prepared(
    sa.select(_t.reference).where(_t.delivery == sa.bindparam("delivery"), _t.reference.is_not(None)), ("delivery",)
)
_FORGET_KEY = Prepared(
    sa.delete(tables.search_keys).where(
        _k.value == sa.bindparam("value_"), _k.name == sa.bindparam("name_"), _k.message == sa.bindparam("message_")
    ),
    ("value_", "name_", "message_"),
)
_FORGET_ATTEMPTS = Prepared(sa.delete(tables.attempts).where(_t.delivery == sa.bindparam("delivery_")), ("delivery_",))
_FORGET_REQUEST = Prepared(sa.delete(tables.requests).where(_q.delivery == sa.bindparam("delivery_")), ("delivery_",))
_FORGET_DELIVERY = Prepared(
    sa.delete(tables.deliveries).where(_d.position == sa.bindparam("position_")), ("position_",)
)
_LATEST = PreparedMany(
    ["identity", "operation", "source"],
    lambda wanted: sa.select(_l.message).select_from(
        wanted.join(
            tables.latest,
            (_l.identity == wanted.c.identity) & (_l.operation == wanted.c.operation) & (_l.source == wanted.c.source),
        )
    ),
)
_DOCUMENT_SIZE = Prepared(
    sa.select(sa.func.length(_c.content)).where(_c.message == sa.bindparam("message")), ("message",)
)
_NO_DOCUMENT = pack_json({})
_EMPTY_DOCUMENT = Prepared(sa.update(tables.documents).where(_c.message == sa.bindparam("seq_")), ("content", "seq_"))
_FORGET_DOCUMENT = Prepared(sa.delete(tables.documents).where(_c.message == sa.bindparam("seq_")), ("seq_",))
_REMNANT = Prepared(sa.update(tables.messages).where(_m.seq == sa.bindparam("seq_")), ("headers", "record", "seq_"))
_FORGET_MESSAGE = Prepared(sa.delete(tables.messages).where(_m.seq == sa.bindparam("seq_")), ("seq_",))


def forget_messages(transaction: Transaction, case: Case, going: Sequence[CaseMessage]) -> list[int]:
    """Let messages of a case go, the first of those that are left; gives about how many bytes were kept of each.

    What the case is known by goes before it does: from now on nothing new is tied to it by a number. What is left
    of it are its last messages, so that a lane never forgets what came later.
    """
    connection = transaction.connection
    seqs = [one.seq for one in going]
    positions = [position for seq in seqs for position in case.positions.get(seq, ())]
    sizes = [message_size(connection, case, one) for one in going]
    _forget_knowledge(transaction, case, going, positions)
    pruned_receipts.forget(transaction, seqs)
    uploads.detach(transaction, seqs)
    keys = {(comparison_key(value), name, one.seq) for one in going for name, value in _said(one, "keys").items()}
    _FORGET_KEY.run(connection, list(keys))
    for statement in (_FORGET_ATTEMPTS, _FORGET_REQUEST, _FORGET_DELIVERY):
        statement.run(connection, [(position,) for position in positions])
    latest = {row[0] for row in _LATEST.rows(connection, [(one.identity, one.operation, one.source) for one in going])}
    remnants = [one for one in going if one.seq in latest]
    for one in going:
        instead = REMNANT if one.seq in latest else PRUNED
        forget_native(transaction, [BodyPlace(one.seq, one.body, one.record)], instead)
    _EMPTY_DOCUMENT.run(connection, [(_NO_DOCUMENT, one.seq) for one in remnants])
    _REMNANT.run(connection, [("{}", 0, one.seq) for one in remnants])
    forget_rows(transaction, [one.seq for one in going if one.seq not in latest])
    return sizes


def forget_rows(transaction: Transaction, seqs: Iterable[int]) -> None:
    """Delete the rows of messages on which nothing hangs any more: also remnants, when a later version came."""
    rows = [(seq,) for seq in seqs]
    _FORGET_DOCUMENT.run(transaction.connection, rows)
    _FORGET_MESSAGE.run(transaction.connection, rows)


def message_size(connection: sa.Connection, case: Case, one: CaseMessage) -> int:
    """Give about how many bytes are kept of a message: those of a package count with its first record."""
    document = _DOCUMENT_SIZE.row(connection, one.seq)
    return (int(document[0]) if document else 0) + bodies_size(connection, case, one)


def bodies_size(connection: sa.Connection, case: Case, one: CaseMessage) -> int:
    """Give about how many bytes are kept of a message beside its document."""
    native = native_size(connection, one.body) if one.body > 0 and one.record == 0 else 0
    return native + sum(exchanged(connection, position) for position in case.positions.get(one.seq, ()))


def _forget_knowledge(
    transaction: Transaction, case: Case, going: Sequence[CaseMessage], positions: Iterable[int]
) -> None:
    connection, id = transaction.connection, case.correlation_id
    _FORGET_FACTS.run(connection, [(id,)])
    _FORGET_ALIASES.run(connection, [(id,)])
    findings.forget_case(transaction, id)
    clocks.forget(connection, id)
    spelled = {str(row[0]) for position in positions for row in _REFERENCES.rows(connection, position)}
    for one in going:
        spelled.update(_said(one, "numbers").values(), _said(one, "raw").values())
    _FORGET_NUMBERS.run(connection, [(number, id) for number in {comparison_key(each) for each in spelled}])


def _said(one: CaseMessage, what: str) -> dict[str, str]:
    found: dict[str, str] = orjson.loads(one.headers).get(what, {})
    return found
