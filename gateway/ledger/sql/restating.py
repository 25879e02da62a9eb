"""The statements of leaves, written again from what is kept: equal to the leaf's digest while nothing was changed."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from msgspec import Struct

from gateway.audit.hashing import sha256
from gateway.audit.leaf import ACCEPTED, DONE, ENDED, Leaf
from gateway.ledger.sql import leaves, rows, tables
from gateway.ledger.sql.pruned_bodies import REMNANT
from gateway.ledger.sql.statements import Prepared
from gateway.ledger.sql.tables import ATTEMPT, AUDIT, DELIVERY

_m, _d, _a, _r, _e = (
    tables.messages.c,
    tables.deliveries.c,
    tables.attempts.c,
    tables.requests.c,
    tables.audit.c,
)
_MESSAGE = Prepared(
    sa.select(*rows.MESSAGE_COLUMNS, _m.received, _m.record, _m.body)
    .select_from(tables.messages.join(tables.documents))
    .where(_m.id == sa.bindparam("id")),
    ("id",),
)
_DELIVERY = Prepared(
    sa.select(*rows.DELIVERY_COLUMNS, _r.body)
    .select_from(tables.deliveries.join(tables.messages).outerjoin(tables.requests))
    .where(_d.id == sa.bindparam("id")),
    ("id",),
)
_ATTEMPTS = Prepared(
    sa.select(*ATTEMPT.select(tables.attempts)).where(_a.delivery == sa.bindparam("position")).order_by(_a.seq),
    ("position",),
)
_DEEDS = Prepared(
    sa.select(*AUDIT.select(tables.audit)).where(_e.subject == sa.bindparam("subject")).order_by(_e.seq), ("subject",)
)

_MOVING = ("delivery.discarded", "delivery.replayed")
"""What people do that changes why a delivery stands as it does."""


class Restated(Struct, frozen=True):
    """What is kept of a leaf's fact. `statement` None: it says something else, or is not there (`there` False).

    `whole` False: bytes that the statement tells of were let go, so that it cannot be written again. `remnant`: it is
    a message of which nothing is left but the row that says there is a later one.
    """

    statement: bytes | None
    there: bool
    whole: bool = True
    remnant: bool = False


def restated(connection: sa.Connection, leaf: Leaf) -> Restated:
    """Write the statement of a leaf again."""
    there, whole, remnant = False, True, False
    for statement, is_whole in _candidates(connection, leaf):
        there, whole = True, whole and is_whole
        remnant = leaf.kind == ACCEPTED and not is_whole
        if sha256(statement) == leaf.digest:
            return Restated(statement, there=True, remnant=remnant)
    return Restated(None, there, whole, remnant)


def _candidates(connection: sa.Connection, leaf: Leaf) -> Iterator[tuple[bytes, bool]]:
    if leaf.kind == ACCEPTED:
        for row in _MESSAGE.rows(connection, leaf.subject):
            received, record, body = row[-3:]
            yield leaves.acceptance(rows.message(row), bytes(received or b""), record), body != REMNANT
    elif leaf.kind == ENDED:
        yield from _outcomes(connection, leaf.subject)
    elif leaf.kind == DONE:
        yield from ((leaves.deed(AUDIT.read(row)), True) for row in _DEEDS.rows(connection, leaf.subject))


def _outcomes(connection: sa.Connection, delivery_id: str) -> Iterator[tuple[bytes, bool]]:
    for row in _DELIVERY.rows(connection, delivery_id):
        delivery, body = DELIVERY.read(row), row[-1]
        # Its reason is another once somebody discarded or replayed it.
        deeds = (AUDIT.read(found).action for found in _DEEDS.rows(connection, delivery_id))
        yield leaves.giving_up(delivery), not any(each in _MOVING for each in deeds)
        for found in _ATTEMPTS.rows(connection, delivery.position):
            attempt = ATTEMPT.read(found, delivery_id=delivery_id)
            # Long replies and requests are let go of; an empty reply may be one that was.
            whole = body is not None and bool(attempt.reply)
            yield leaves.outcome(attempt, delivery.platform, rows.sent(connection, delivery.position, body)), whole
