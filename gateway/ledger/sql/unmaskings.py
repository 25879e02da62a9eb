"""Who sees masked values for a time: kept with its purpose, so that every process knows, and audited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from gateway.ledger.records import Intent, Unmasking
from gateway.ledger.sql import tables
from gateway.ledger.sql.auditing import intended, once
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.statements import Prepared, inserting
from gateway.ledger.sql.tables import UNMASKING
from gateway.ledger.sql.writing import Transaction

_u = tables.unmaskings.c

_ADD = inserting(tables.unmaskings, UNMASKING.inserted)
_ONE = Prepared(sa.select(*UNMASKING.select(tables.unmaskings)).where(_u.id == sa.bindparam("id")), ("id",))
_STANDING = Prepared(
    sa.select(*UNMASKING.select(tables.unmaskings))
    .where(_u.person == sa.bindparam("person"), _u.until > sa.bindparam("now"))
    .order_by(_u.until, _u.id),
    ("person", "now"),
)


def unmask(transaction: Transaction, unmasking: Unmasking, intent: Intent) -> Unmasking:
    """Keep an unmasking, once; asked for again under its key it is the first one."""

    def do() -> str:
        _ADD.run(transaction.connection, [UNMASKING.write(unmasking)])
        until = unmasking.until.isoformat()
        intended(transaction, intent, unmasking.subject, "personal.unmasked", until=until)
        return unmasking.id

    asked = {"person": unmasking.person, "seconds": (unmasking.until - unmasking.at).total_seconds()}
    kept = once(transaction, intent, "unmask", unmasking.subject, do, asked)
    row = _ONE.row(transaction.connection, kept)
    return unmasking if row is None else UNMASKING.read(row)


def unmaskings(connection: sa.Connection, person: str, now: datetime) -> Sequence[Unmasking]:
    """Give a person's unmaskings that are in force, what ends first first."""
    return [UNMASKING.read(row) for row in _STANDING.rows(connection, person, micros(now))]
