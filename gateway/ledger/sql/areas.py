"""Functional areas, which have no code of GB/T 2260: routing depends on them, so they change with the registry."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.records import Area, Intent, Registered, Taker
from gateway.ledger.sql import platforms, registrations, tables, unrouted
from gateway.ledger.sql.auditing import intended, once
from gateway.ledger.sql.statements import Prepared, putting
from gateway.ledger.sql.tables import AREA
from gateway.ledger.sql.writing import Transaction

_PUT = putting(tables.areas, AREA.inserted)
_DELETE = Prepared(sa.delete(tables.areas).where(tables.areas.c.code == sa.bindparam("code")), ("code",))


def put(transaction: Transaction, area: Area, intent: Intent, kinds: Collection[str], take: Taker) -> Registered:
    """Add an area or change it, and give out what somebody can take now."""

    def do() -> dict[str, Any]:
        _PUT.run(transaction.connection, [AREA.write(area)])
        registrations.note_area(transaction.connection, area, intent.at)
        intended(transaction, intent, area.code, "area.put", title=area.title, parent=area.parent)
        return _moved(transaction, intent, kinds, take)

    said = {name: getattr(area, name) for name in ("title", "parent", "valid_from", "valid_to")}
    return platforms.registered(once(transaction, intent, "area.put", area.code, do, said))


def delete(transaction: Transaction, code: str, intent: Intent, kinds: Collection[str], take: Taker) -> Registered:
    """Forget an area that nobody names."""

    def do() -> dict[str, Any]:
        registry = platforms.registry(transaction.connection)
        decisions.check_unused(code, registry)
        _DELETE.run(transaction.connection, [(code,)])
        registrations.note_end(transaction.connection, registrations.AREA, code, intent.at)
        intended(transaction, intent, code, "area.deleted")
        return _moved(transaction, intent, kinds, take)

    return platforms.registered(once(transaction, intent, "area.delete", code, do))


def _moved(transaction: Transaction, intent: Intent, kinds: Collection[str], take: Taker) -> dict[str, Any]:
    revision = platforms.advance(transaction)
    return platforms.plain(Registered(revision, unrouted.assign(transaction, kinds, take, intent.at)))
