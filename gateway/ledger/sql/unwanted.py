"""Kinds of platforms that a region was declared not to have: what is unrouted for them is marked, and stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.records import Intent, Unwanted
from gateway.ledger.sql import counts, rows, tables
from gateway.ledger.sql.auditing import intended, once
from gateway.ledger.sql.codecs import micros, moment
from gateway.ledger.sql.statements import Prepared, is_state, putting
from gateway.ledger.sql.tables import DELIVERY
from gateway.ledger.sql.writing import Transaction
from gateway.message import State

_d, _m, _u = tables.deliveries.c, tables.messages.c, tables.unwanted.c

_ALL = Prepared(sa.select(_u.kind, _u.region, _u.reason, _u.at).order_by(_u.kind, _u.region), ())
_PUT = putting(tables.unwanted)
_DELETE = Prepared(
    sa.delete(tables.unwanted).where(_u.kind == sa.bindparam("kind"), _u.region == sa.bindparam("region")),
    ("kind", "region"),
)
UNROUTED = Prepared(
    sa.select(*rows.DELIVERY_COLUMNS, _m.region, _m.source)
    .select_from(tables.deliveries.join(tables.messages))
    .where(is_state(_d.state, State.UNROUTED), _d.kind == sa.bindparam("kind")),
    ("kind",),
)
"""The unrouted deliveries of a kind, in any order, each with its message's region and source."""
_MARK = Prepared(
    sa.update(tables.deliveries).where(_d.position == sa.bindparam("position_")), ("code", "reason", "position_")
)


def unwanted(connection: sa.Connection) -> Sequence[Unwanted]:
    """Give every declaration, by kind and region."""
    return [Unwanted(kind, region, reason, moment(at)) for kind, region, reason, at in _ALL.rows(connection)]


def put(transaction: Transaction, kind: str, region: str, intent: Intent) -> Unwanted:
    """Declare a kind unwanted in a region, and mark what is unrouted for it."""

    def do() -> dict[str, Any]:
        at = micros(intent.at)
        _PUT.run(transaction.connection, [(kind, region, intent.reason, at)])
        intended(transaction, intent, f"{kind}.{region}", "unwanted.declared")
        _mark(transaction, kind)
        return {"reason": intent.reason, "at": at}

    kept = once(transaction, intent, "unwanted.put", f"{kind}.{region}", do)
    return Unwanted(kind, region, kept["reason"], moment(kept["at"]))


def delete(transaction: Transaction, kind: str, region: str, intent: Intent) -> bool:
    """Withdraw a declaration, and take its marks off."""

    def do() -> bool:
        if not any((one.kind, one.region) == (kind, region) for one in unwanted(transaction.connection)):
            return False
        _DELETE.run(transaction.connection, [(kind, region)])
        intended(transaction, intent, f"{kind}.{region}", "unwanted.withdrawn")
        _mark(transaction, kind)
        return True

    return once(transaction, intent, "unwanted.delete", f"{kind}.{region}", do)


def _mark(transaction: Transaction, kind: str) -> None:
    """Mark the unrouted of a kind by what is declared now; where that changes nothing, nothing is written."""
    declared = unwanted(transaction.connection)
    found = [(DELIVERY.read(row), row[DELIVERY.width]) for row in UNROUTED.rows(transaction.connection, kind)]
    marked = [(before, decisions.marked(before, region, declared)) for before, region in found]
    changed = [(before, after) for before, after in marked if before != after]
    _MARK.run(transaction.connection, [(after.code, after.reason, after.position) for _, after in changed])
    for before, after in changed:
        counts.step(transaction, before, after)
