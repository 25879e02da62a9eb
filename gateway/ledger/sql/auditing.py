"""Who did what: appended, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from gateway.ledger.records import AuditEntry
from gateway.ledger.sql import tables
from gateway.ledger.sql.codecs import moment
from gateway.ledger.sql.statements import Prepared, inserting
from gateway.ledger.sql.tables import AUDIT
from gateway.ledger.sql.writing import Transaction

_e, _m = tables.audit.c, tables.messages.c

_APPEND = inserting(tables.audit, AUDIT.inserted)
_OF = Prepared(
    sa.select(*AUDIT.select(tables.audit))
    .where(_e.subject == sa.bindparam("subject"))
    .order_by(_e.seq)
    .limit(sa.bindparam("limit")),
    ("subject", "limit"),
)
_ACCEPTED = Prepared(sa.select(_m.received_at, _m.source).where(_m.id == sa.bindparam("message")), ("message",))


def record(
    transaction: Transaction, subject: str, at: datetime, actor: str, action: str, reason: str = "", **detail: str
) -> None:
    """Append an entry."""
    _APPEND.run(transaction.connection, [AUDIT.write(AuditEntry(at, actor, action, subject, reason, detail))])


def of(connection: sa.Connection, subject: str, limit: int) -> Sequence[AuditEntry]:
    """Give a subject's entries, oldest first; a message's own row is the entry of its acceptance."""
    accepted = _ACCEPTED.rows(connection, subject)
    first = [AuditEntry(moment(at), source, "message.accepted", subject) for at, source in accepted]
    return [*first, *map(AUDIT.read, _OF.rows(connection, subject, limit))][:limit]
