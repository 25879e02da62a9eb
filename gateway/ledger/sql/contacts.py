"""When platforms were last in contact: one row for each operation and message type, the later one stays."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from gateway.ledger.records import Contact, ContactWay
from gateway.ledger.sql import tables
from gateway.ledger.sql.codecs import micros, moment
from gateway.ledger.sql.statements import Prepared, PreparedRows
from gateway.ledger.sql.writing import Transaction

_c = tables.contacts.c

_adding = sqlite.insert(tables.contacts)
_NOTE = PreparedRows(
    _adding.on_conflict_do_update(
        index_elements=list(tables.contacts.primary_key),
        set_={"at": _adding.excluded.at},
        where=_adding.excluded.at > _c.at,
    ),
    [column.name for column in tables.contacts.columns],
)
_REGISTERED = Prepared(sa.select(tables.platforms.c.id), ())
_ALL = Prepared(sa.select(_c.platform, _c.way, _c.name, _c.at).order_by(_c.platform, _c.way, _c.name), ())
FORGET = Prepared(sa.delete(tables.contacts).where(_c.platform == sa.bindparam("platform")), ("platform",))


def note(transaction: Transaction, contacts: Sequence[Contact]) -> None:
    """Keep the last contacts of registered platforms."""
    registered = {id for (id,) in _REGISTERED.rows(transaction.connection)}
    known = [each for each in contacts if each.platform in registered]
    _NOTE.run(transaction.connection, [(each.platform, each.way.value, each.name, micros(each.at)) for each in known])


def contacts(connection: sa.Connection) -> Sequence[Contact]:
    """Give the last contacts of every platform."""
    return [Contact(platform, ContactWay(way), name, moment(at)) for platform, way, name, at in _ALL.rows(connection)]
