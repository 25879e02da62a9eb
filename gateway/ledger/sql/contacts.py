"""When platforms were last in contact: one row for each operation and message type, the later one stays."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.ledger.records import Contact, ContactWay
from gateway.ledger.sql import tables
from gateway.ledger.sql.batch_thread import OperationResult
from gateway.ledger.sql.codecs import micros, moment
from gateway.ledger.sql.dialects import Upserting
from gateway.ledger.sql.statements import Prepared, PreparedRows, Statement
from gateway.ledger.sql.writing import Group, Transaction

_c = tables.contacts.c


def _later(insert: Upserting) -> Statement:
    adding = insert(tables.contacts)
    later: Statement = adding.on_conflict_do_update(
        index_elements=list(tables.contacts.primary_key),
        set_={"at": adding.excluded.at},
        where=adding.excluded.at > _c.at,
    )
    return later


_NOTE = PreparedRows(lambda dialect: _later(dialect.insert), [column.name for column in tables.contacts.columns])
_REGISTERED = Prepared(sa.select(tables.platforms.c.id), ())
_ALL = Prepared(sa.select(_c.platform, _c.way, _c.name, _c.at).order_by(_c.platform, _c.way, _c.name), ())
FORGET = Prepared(sa.delete(tables.contacts).where(_c.platform == sa.bindparam("platform")), ("platform",))


def note(transaction: Transaction, batch: Sequence[Sequence[Contact]]) -> Sequence[OperationResult]:
    """Keep the last contacts of registered platforms: the group for `Ledger.note_contacts`."""
    registered = {id for (id,) in _REGISTERED.rows(transaction.connection)}
    latest: dict[tuple[str, str, str], int] = {}
    for each in (contact for contacts in batch for contact in contacts if contact.platform in registered):
        key = (each.platform, each.way.value, each.name)
        latest[key] = max(micros(each.at), latest.get(key, 0))
    _NOTE.run(transaction.connection, [(*key, at) for key, at in latest.items()])
    return [None] * len(batch)


NOTE = Group(note, lambda connection, batch: ("contacts",))
"""Of the processes that share a ledger one at a time notes; nobody else waits for that."""


def contacts(connection: sa.Connection) -> Sequence[Contact]:
    """Give the last contacts of every platform."""
    return [Contact(platform, ContactWay(way), name, moment(at)) for platform, way, name, at in _ALL.rows(connection)]
