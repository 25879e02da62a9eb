"""What witnesses took to keep: the answers of platforms to the heads that they were offered."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from gateway.ledger.records import Witnessed
from gateway.ledger.sql import tables
from gateway.ledger.sql.statements import Prepared, inserting_first
from gateway.ledger.sql.tables import WITNESSED
from gateway.ledger.sql.writing import Transaction

_w = tables.witnessed.c

_ADD = inserting_first(tables.witnessed)


_NEWEST = Prepared(
    sa.select(*WITNESSED.select(tables.witnessed))
    .where(_w.platform == sa.bindparam("platform"), _w.size <= sa.bindparam("size"))
    .order_by(_w.size.desc())
    .limit(1),
    ("platform", "size"),
)


def keep(transaction: Transaction, answer: Witnessed) -> None:
    """Keep an answer; the first one about a head stays."""
    _ADD.run(transaction.connection, [WITNESSED.write(answer)])


def newest(connection: sa.Connection, platforms: Collection[str], size: int) -> Sequence[Witnessed]:
    """Give what each of some platforms took last, of heads up to a size."""
    found = (_NEWEST.row(connection, platform, size) for platform in sorted(platforms))
    return [WITNESSED.read(row) for row in found if row is not None]
