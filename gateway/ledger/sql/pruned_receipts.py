"""Idempotency-Keys live as long as their messages: a receipt goes with the last message that it names."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import sqlalchemy as sa

from gateway.ledger.sql import tables
from gateway.ledger.sql.codecs import unpack_list
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.pruned_bodies import REMNANT
from gateway.ledger.sql.statements import Prepared, PreparedMany
from gateway.ledger.sql.writing import Transaction

_r, _m = tables.receipts.c, tables.messages.c

_NAMING = Prepared(
    sa.select(_r.key, _r.operation, _r.platform, _r.entries)
    .where(_r.message == sa.bindparam("message"))
    .limit(sa.bindparam("limit")),
    ("message", "limit"),
)
_its_key = [
    _r.key == sa.bindparam("key_"),
    _r.operation == sa.bindparam("operation_"),
    _r.platform == sa.bindparam("platform_"),
]
_KEY = ("key_", "operation_", "platform_")
_POINT = Prepared(sa.update(tables.receipts).where(*_its_key), ("message", *_KEY))
_FORGET = Prepared(sa.delete(tables.receipts).where(*_its_key), _KEY)
_NAMED = PreparedMany(
    ["id"],
    lambda wanted: sa.select(_m.seq, _m.body).select_from(wanted.join(tables.messages, _m.id == wanted.c.id)),
)
_UNKNOWN, _ALL = 0, 1 << 30


def learn(transaction: Transaction, limit: int) -> bool:
    """Find a message for receipts that are not known to name any; False when there were none such.

    They are from before receipts were looked for by message, or of large packages.
    """
    found = _NAMING.rows(transaction.connection, _UNKNOWN, limit)
    _point(transaction, found, ())
    return bool(found)


def forget(transaction: Transaction, gone: Collection[int]) -> None:
    """Let go of the receipts that name only messages which are `gone`; the others wait for another of theirs."""
    for message in gone:
        _point(transaction, _NAMING.rows(transaction.connection, message, _ALL), gone)


def _point(transaction: Transaction, receipts: Iterable[Row], gone: Collection[int]) -> None:
    for key, operation, platform, entries in receipts:
        named = {each["message"] for each in unpack_list(entries) if "message" in each}
        found = _NAMED.rows(transaction.connection, [(id,) for id in named])
        living = {seq for seq, body in found if body != REMNANT} - set(gone)
        if living:
            _POINT.run(transaction.connection, [(max(living), key, operation, platform)])
        else:
            _FORGET.run(transaction.connection, [(key, operation, platform)])
