"""Letting go of bodies: the bytes that messages came in, and what was sent and replied of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from msgspec import Struct

from gateway.ledger.sql import tables
from gateway.ledger.sql.codecs import pack
from gateway.ledger.sql.statements import Prepared, in_package
from gateway.ledger.sql.writing import Transaction

PRUNED, REMNANT = 0, -1
"""What stands for the number of a message's bytes when they were pruned, and when it is but a remnant."""

_m, _b, _j, _q, _a = (
    table.c for table in (tables.messages, tables.bodies, tables.rejections, tables.requests, tables.attempts)
)

_SIZE = Prepared(sa.select(sa.func.length(_b.content)).where(_b.seq == sa.bindparam("seq")), ("seq",))
_POINT = Prepared(sa.update(tables.messages).where(_m.seq == sa.bindparam("seq_")), ("body", "seq_"))
_LET_GO = Prepared(sa.update(tables.bodies).where(_b.seq == sa.bindparam("seq_")).values(kept=sa.false()), ("seq_",))
FORGET = Prepared(
    sa.delete(tables.bodies).where(
        _b.seq == sa.bindparam("body"),
        _b.kept.is_(sa.false()),
        ~sa.exists().where(_m.body == _b.seq, in_package(_m.body, _m.record)),
        ~sa.exists().where(_j.body == _b.seq),
    ),
    ("body",),
)
"""Forget the bytes of a package that no message and no rejection needs any more."""

_OF_REQUEST = Prepared(
    sa.select(sa.func.length(_q.body) + sa.func.length(_q.headers)).where(_q.delivery == sa.bindparam("delivery")),
    ("delivery",),
)
_OF_REPLIES = Prepared(
    sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(_a.reply)), 0)).where(
        _a.delivery == sa.bindparam("delivery")
    ),
    ("delivery",),
)
_FORGET_REQUEST = Prepared(sa.delete(tables.requests).where(_q.delivery == sa.bindparam("delivery_")), ("delivery_",))
_EMPTY = pack(b"")
_FORGET_REPLIES = Prepared(
    sa.update(tables.attempts).where(_a.delivery == sa.bindparam("delivery_")).values(platform=None, total=None),
    ("reply", "delivery_"),
)


class BodyPlace(Struct, frozen=True):
    """Where the bytes of a message are: its seq, theirs, and which record in them it was."""

    message: int
    body: int
    record: int


def forget_native(transaction: Transaction, natives: Sequence[BodyPlace], instead: int) -> int:
    """Let messages go without their bytes, `instead` of which they have a mark; gives how many bytes that freed.

    The bytes of a package stay until the last of its messages and rejections lets go of them.
    """
    connection = transaction.connection
    _POINT.run(connection, [(instead, each.message) for each in natives])
    _LET_GO.run(connection, [(each.body,) for each in natives if each.body > 0 and each.record == 0])
    freed = 0
    for body in dict.fromkeys(each.body for each in natives if each.body > 0):
        size = _SIZE.row(connection, body)
        FORGET.run(connection, [(body,)])
        if size is not None and _SIZE.row(connection, body) is None:
            freed += int(size[0])
    return freed


def forget_exchanged(transaction: Transaction, deliveries: Iterable[int]) -> int:
    """Let go of what was sent and replied of deliveries; gives the bytes."""
    connection, which = transaction.connection, list(deliveries)
    size = sum(exchanged(connection, each) for each in which)
    _FORGET_REQUEST.run(connection, [(each,) for each in which])
    _FORGET_REPLIES.run(connection, [(_EMPTY, each) for each in which])
    return size


def exchanged(connection: sa.Connection, delivery: int) -> int:
    """Give the bytes that are kept of what was sent and replied of a delivery."""
    request = _OF_REQUEST.row(connection, delivery)
    [(replies,)] = _OF_REPLIES.rows(connection, delivery)
    return (int(request[0]) if request else 0) + int(replies)


def native_size(connection: sa.Connection, body: int) -> int:
    """Give how many bytes are kept of what a message came in."""
    found = _SIZE.row(connection, body)
    return int(found[0]) if found else 0
