"""The people who work with the gateway: added, removed, and known for good by what they did."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.ledger.errors import no_person, person_exists
from gateway.ledger.records import Intent, Person
from gateway.ledger.sql import platforms, tables
from gateway.ledger.sql.auditing import intended, once
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.statements import Prepared, inserting
from gateway.ledger.sql.tables import PERSON
from gateway.ledger.sql.writing import Transaction

_p = tables.people.c

_ADD = inserting(tables.people, PERSON.inserted)
_ALL = Prepared(sa.select(*PERSON.select(tables.people)).order_by(_p.id), ())
_ONE = Prepared(sa.select(*PERSON.select(tables.people)).where(_p.id == sa.bindparam("id")), ("id",))
_REMOVE = Prepared(
    sa.update(tables.people).where(_p.id == sa.bindparam("id_")).values(removed_at=sa.bindparam("removed_at")),
    ("removed_at", "id_"),
)


def people(connection: sa.Connection) -> Sequence[Person]:
    """Give every person, by id."""
    return [PERSON.read(row) for row in _ALL.rows(connection)]


def add(transaction: Transaction, person: Person, intent: Intent) -> None:
    """Keep a person."""

    def do() -> None:
        if _ONE.row(transaction.connection, person.id) is not None:
            raise person_exists(person.id)
        _ADD.run(transaction.connection, [PERSON.write(person)])
        platforms.changed(transaction)
        intended(transaction, intent, person.id, "person.added", **_told(person))

    once(transaction, intent, "person.add", person.id, do, {"digest": person.digest})


def _told(person: Person) -> dict[str, str]:
    regions = {"regions": " ".join(person.regions)} if person.regions else {}
    return {"name": person.name, "roles": " ".join(person.roles), **regions}


def remove(transaction: Transaction, person_id: str, intent: Intent) -> bool:
    """Remove a person, once."""

    def do() -> bool:
        row = _ONE.row(transaction.connection, person_id)
        if row is None:
            raise no_person(person_id)
        if PERSON.read(row).removed_at is not None:
            return False
        _REMOVE.run(transaction.connection, [(micros(intent.at), person_id)])
        platforms.changed(transaction)
        intended(transaction, intent, person_id, "person.removed")
        return True

    return once(transaction, intent, "person.remove", person_id, do)
