"""The bytes that intakes came in: kept once for all entries of one, and forgotten with the last rejection of it."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from gateway.ledger.sql import tables
from gateway.ledger.sql.chunks import Chunk
from gateway.ledger.sql.statements import Prepared, inserting
from gateway.ledger.sql.writing import Transaction

_b, _j = tables.bodies.c, tables.rejections.c

ADD = inserting(tables.bodies)
KEEP = Prepared(
    sa.update(tables.bodies).where(_b.seq == sa.bindparam("seq_")).values(kept=sa.true()),
    ("seq_",),
)
"""Keep a body for good that was there already: a message came in it."""

_THERE = Prepared(sa.select(_b.seq).where(_b.seq == sa.bindparam("seq")), ("seq",))
_OLDEST_KEPT = Prepared(
    sa.select(_j.seq)
    .where(_j.platform == sa.bindparam("platform"))
    .order_by(_j.seq.desc())
    .limit(1)
    .offset(sa.bindparam("bound")),
    ("platform", "bound"),
)
_TOO_OLD = [_j.platform == sa.bindparam("platform"), _j.seq <= sa.bindparam("last")]
_THEIR_BODIES = Prepared(sa.select(_j.body).distinct().where(*_TOO_OLD), ("platform", "last"))
_FORGET = Prepared(sa.delete(tables.rejections).where(*_TOO_OLD), ("platform", "last"))
_FORGET_BODY = Prepared(
    sa.delete(tables.bodies).where(
        _b.seq == sa.bindparam("body"),
        _b.kept.is_(sa.false()),
        ~sa.exists().where(_j.body == _b.seq),
    ),
    ("body",),
)


class IntakeBody:
    """The bytes of one package, kept once, and only when an entry of it is new.

    `before`: the seq under which an earlier chunk kept them; they may be forgotten since, with the
    rejections that they were kept for.
    """

    def __init__(self, transaction: Transaction, chunk: Chunk, before: int | None) -> None:
        self._transaction = transaction
        self._package = chunk.package
        self._there = before is not None and bool(_THERE.rows(transaction.connection, before))
        self.seq = before if self._there else None
        self._of_message = False

    def needed(self, *, by_message: bool) -> int:
        """Give the seq of the bytes; those of a message are never forgotten with a rejection."""
        self._of_message |= by_message
        if self.seq is None:
            self.seq = next(self._transaction.sequences.bodies)
        return self.seq

    def row(self) -> tuple[Prepared, tuple[object, ...]] | None:
        """Give what to write of them, if anything: the statement and its row."""
        if self.seq is None:
            return None
        if self._there:
            return (KEEP, (self.seq,)) if self._of_message else None
        return ADD, (self.seq, self._package.intake.content_type, self._of_message, self._package.body)


def forget_rejections(transaction: Transaction, platforms: Iterable[str]) -> None:
    """Forget the oldest rejections of platforms that have too many, and bytes that were kept for these alone."""
    for platform in platforms:
        last = _OLDEST_KEPT.row(transaction.connection, platform, transaction.rejections)
        if last is not None:
            bodies = _THEIR_BODIES.rows(transaction.connection, platform, last[0])
            _FORGET.run(transaction.connection, [(platform, last[0])])
            _FORGET_BODY.run(transaction.connection, bodies)
