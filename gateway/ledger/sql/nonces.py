"""Nonces: what a signed call says to be said once, remembered for as long as its signature counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct

from gateway.ledger.sql import tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.statements import Prepared, PreparedMany, putting
from gateway.ledger.sql.writing import Group, Transaction

_n = tables.nonces.c

_FORGOTTEN = 200
"""Rows that a transaction lets go of at most."""

_PUT = putting(tables.nonces)
_KNOWN = PreparedMany(
    ["owner", "nonce"],
    lambda wanted: sa.select(_n.owner, _n.nonce, _n.until).select_from(
        wanted.join(tables.nonces, sa.and_(_n.owner == wanted.c.owner, _n.nonce == wanted.c.nonce))
    ),
)
_OLD = Prepared(
    sa.select(_n.owner, _n.nonce)
    .where(_n.until <= sa.bindparam("now"))
    .order_by(_n.until)
    .limit(sa.bindparam("limit")),
    ("now", "limit"),
)
_FORGET = Prepared(
    sa.delete(tables.nonces).where(_n.owner == sa.bindparam("owner_"), _n.nonce == sa.bindparam("nonce_")),
    ("owner_", "nonce_"),
)


class Spending(Struct, frozen=True):
    """A nonce that somebody uses, and until when it is remembered."""

    owner: str
    nonce: str
    now: datetime
    until: datetime


def spend(transaction: Transaction, batch: Sequence[Spending]) -> Sequence[OperationResult]:
    """Tell of each whether it is used for the first time, and remember it: the group for `Ledger.spend_nonce`."""
    connection = transaction.connection
    known = {
        (owner, nonce): until for owner, nonce, until in _KNOWN.rows(connection, [(o.owner, o.nonce) for o in batch])
    }
    fresh: dict[tuple[str, str], int] = {}
    results = []
    for each in batch:
        key = each.owner, each.nonce
        first = max(known.get(key, 0), fresh.get(key, 0)) <= micros(each.now)
        if first:
            fresh[key] = micros(each.until)
        results.append(first)
    _FORGET.run(connection, _OLD.rows(connection, min(micros(each.now) for each in batch), _FORGOTTEN))
    _PUT.run(connection, [(*key, until) for key, until in fresh.items()])
    return results


SPEND = Group(spend, lambda connection, batch: {f"nonce {each.owner} {each.nonce}" for each in batch})
"""Only who spends the same one waits."""
