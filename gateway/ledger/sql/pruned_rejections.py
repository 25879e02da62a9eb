"""Letting go of rejections: of each platform beyond so many bytes, and of all that are old."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import sqlalchemy as sa

from gateway.ledger.sql import tables
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.pruned_bodies import FORGET, native_size
from gateway.ledger.sql.statements import Prepared
from gateway.ledger.sql.writing import Transaction

APIECE = 1024
"""Bytes that a rejection counts for, beside those that it came in."""

Told = Callable[[str, str, int, int], None]
"""Is told of each that goes: no type, `rejections`, when it came, its bytes."""

_j = tables.rejections.c

_NEWEST = Prepared(
    sa.select(_j.total).where(_j.platform == sa.bindparam("platform")).order_by(_j.total.desc()).limit(1),
    ("platform",),
)
_BEYOND = Prepared(
    sa.select(_j.seq, _j.body, _j.received_at)
    .where(_j.platform == sa.bindparam("platform"), _j.total <= sa.bindparam("total"))
    .order_by(_j.total),
    ("platform", "total"),
)
_OLDEST = Prepared(
    sa.select(_j.seq, _j.body, _j.received_at)
    .where(_j.seq > sa.bindparam("after"))
    .order_by(_j.seq)
    .limit(sa.bindparam("limit")),
    ("after", "limit"),
)
_FORGET = Prepared(sa.delete(tables.rejections).where(_j.seq == sa.bindparam("seq_")), ("seq_",))


def total(connection: sa.Connection, platform: str) -> int:
    """Give the bytes of all rejections of a platform so far."""
    newest = _NEWEST.row(connection, platform)
    return int(newest[0]) if newest else 0


def forget_beyond(transaction: Transaction, platforms: Iterable[str]) -> None:
    """Forget the oldest rejections of platforms that have too many bytes of them, and what was kept for these alone."""
    for platform in platforms:
        kept = total(transaction.connection, platform) - transaction.most.rejections
        _forget(transaction, _BEYOND.rows(transaction.connection, platform, kept))


def forget_old(transaction: Transaction, until: int, limit: int, tell: Told) -> bool:
    """Forget the oldest rejections that came until then, `limit` at most; tell whether there may be more.

    One that is younger stands before all that came after it, whatever clock they were stamped by.
    """
    going = _old(_OLDEST.rows(transaction.connection, 0, limit), until)
    _tell(transaction.connection, going, tell)
    _forget(transaction, going)
    return len(going) == limit


def old(connection: sa.Connection, until: int, tell: Told) -> None:
    """Tell of all that `forget_old` would forget."""
    after, size = 0, 1000
    while found := _OLDEST.rows(connection, after, size):
        going = _old(found, until)
        _tell(connection, going, tell)
        if len(going) < size:
            return
        after = going[-1][0]


def _old(found: Sequence[Row], until: int) -> Sequence[Row]:
    young = next((index for index, (_, _, received_at) in enumerate(found) if received_at > until), len(found))
    return found[:young]


def _tell(connection: sa.Connection, going: Iterable[Row], tell: Told) -> None:
    for _, body, received_at in going:
        tell("", "rejections", received_at, APIECE + native_size(connection, body))


def _forget(transaction: Transaction, going: Sequence[Row]) -> None:
    _FORGET.run(transaction.connection, [(seq,) for seq, _, _ in going])
    FORGET.run(transaction.connection, list({(body,) for _, body, _ in going}))
