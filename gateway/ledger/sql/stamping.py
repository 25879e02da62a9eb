"""The time-stamps of signed heads, as an authority answered them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.ledger.records import Stamp
from gateway.ledger.sql import tables
from gateway.ledger.sql.statements import Prepared, inserting_first
from gateway.ledger.sql.tables import STAMP
from gateway.ledger.sql.writing import Transaction

_s = tables.stamps.c

_ADD = inserting_first(tables.stamps)
_FROM = Prepared(
    sa.select(*STAMP.select(tables.stamps))
    .where(_s.size >= sa.bindparam("size"))
    .order_by(_s.size)
    .limit(sa.bindparam("limit")),
    ("size", "limit"),
)
_NEWEST = Prepared(sa.select(*STAMP.select(tables.stamps)).where(_s.size >= 0).order_by(_s.size.desc()).limit(1), ())


def keep(transaction: Transaction, stamp: Stamp) -> None:
    """Keep a time-stamp; the first one of a head stays."""
    _ADD.run(transaction.connection, [STAMP.write(stamp)])


def stamps(connection: sa.Connection, size: int, limit: int) -> Sequence[Stamp]:
    """Give the time-stamps of heads from a size on, the smallest first."""
    return [STAMP.read(row) for row in _FROM.rows(connection, size, limit)]


def newest(connection: sa.Connection) -> Stamp | None:
    """Give the time-stamp of the largest head that has one."""
    row = _NEWEST.row(connection)
    return None if row is None else STAMP.read(row)
