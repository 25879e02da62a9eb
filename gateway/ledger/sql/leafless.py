"""Facts that have no leaf: they were put there, or they are older than the tree."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from msgspec import Struct

from gateway.audit.leaf import ACCEPTED, ENDED
from gateway.audit.verify import sha256
from gateway.ledger.sql import leaves, rows, tables
from gateway.ledger.sql.codecs import micros, unpack
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.statements import Prepared
from gateway.ledger.sql.tables import ATTEMPT, AUDIT, DELIVERY

_l, _m, _n, _e, _a, _d, _r = (
    tables.leaves.c,
    tables.messages.c,
    tables.new_leaves.c,
    tables.audit.c,
    tables.attempts.c,
    tables.deliveries.c,
    tables.requests.c,
)
_CHUNK = 1000
_BEFORE_ALL = -(1 << 63)

_MESSAGES = Prepared(
    sa.select(_m.seq, _m.id, _m.received)
    .where(_m.seq > sa.bindparam("after"))
    .order_by(_m.seq)
    .limit(sa.bindparam("limit")),
    ("after", "limit"),
)
_DEEDS = Prepared(
    sa.select(_e.seq, *AUDIT.select(tables.audit))
    .where(_e.seq > sa.bindparam("after"))
    .order_by(_e.seq)
    .limit(sa.bindparam("limit")),
    ("after", "limit"),
)
_ATTEMPTS = Prepared(
    sa.select(_a.seq, _a.delivery, *ATTEMPT.select(tables.attempts))
    .where(_a.seq > sa.bindparam("after"))
    .order_by(_a.seq)
    .limit(sa.bindparam("limit")),
    ("after", "limit"),
)
_DELIVERY = Prepared(
    sa.select(*rows.DELIVERY_COLUMNS, _r.body)
    .select_from(tables.deliveries.join(tables.messages).outerjoin(tables.requests))
    .where(_d.position == sa.bindparam("position")),
    ("position",),
)
_OF_SUBJECT = Prepared(
    sa.select(_l.number, _l.at).where(_l.subject == sa.bindparam("subject"), _l.kind == sa.bindparam("kind")),
    ("subject", "kind"),
)
_OF_HASH = Prepared(sa.select(_l.number).where(_l.hash == sa.bindparam("hash")).limit(1), ("hash",))
_FIRST = Prepared(sa.select(_l.at).where(_l.number == 0), ())


class Leafless(Struct, frozen=True):
    """A fact without a leaf. `before`: it says that it is older than the tree; `instead`: what that means."""

    name: str
    instead: str
    before: bool = False


def leafless(connection: sa.Connection) -> Iterator[Leafless]:
    """Find messages, entries of the audit and attempts without a leaf, whether it has its place or waits for it."""
    waiting = [
        (bytes(hash), kind, subject, at)
        for hash, kind, subject, at in connection.execute(sa.select(_n.hash, _n.kind, _n.subject, _n.at))
    ]
    first = _FIRST.row(connection)
    found = _Search(connection, waiting, int(first[0]) if first else None)
    yield from found.messages()
    yield from found.deeds()
    yield from found.attempts()


class _Search:
    def __init__(
        self, connection: sa.Connection, waiting: list[tuple[bytes, str, str, int]], since: int | None
    ) -> None:
        self._connection = connection
        self._waiting = {hash for hash, _, _, _ in waiting}
        self._subjects = {(kind, subject) for _, kind, subject, _ in waiting}
        self._moments = {(kind, subject, at) for _, kind, subject, at in waiting}
        self._since = since

    def messages(self) -> Iterator[Leafless]:
        younger = False
        for _, id, received in self._rows(_MESSAGES):
            if (ACCEPTED, id) in self._subjects or _OF_SUBJECT.rows(self._connection, id, ACCEPTED):
                younger = True
                continue
            before = received is None and not younger
            yield Leafless(f"message {id}", "it was not accepted as others are", before)

    def deeds(self) -> Iterator[Leafless]:
        younger = False
        for seq, *row in self._rows(_DEEDS):
            entry = AUDIT.read(row)
            if self._is_there(leaves.done(entry).hash):
                younger = True
                continue
            name = f"entry {seq} of the audit ({entry.action} {entry.subject})"
            before = not younger and self._is_before(micros(entry.at))
            yield Leafless(name, "it was not done, or not so, or not then", before)

    def attempts(self) -> Iterator[Leafless]:
        younger = False
        for seq, position, *row in self._rows(_ATTEMPTS):
            found = _DELIVERY.row(self._connection, position)
            if found is None:
                yield Leafless(f"attempt {seq}", "it is of no delivery")
                continue
            delivery, body = DELIVERY.read(found), found[-1]
            attempt = ATTEMPT.read(row, delivery_id=delivery.id)
            told = leaves.ended(attempt, delivery, sha256(unpack(body) if body is not None else b""))
            whole = body is not None and bool(attempt.reply)
            # Of bytes that were let go no statement can be written: then its moment has a leaf.
            if self._is_there(told.hash) or (not whole and self._ended_then(delivery.id, told.at)):
                younger = True
                continue
            name = f"attempt {attempt.number} of delivery {delivery.id}"
            before = not younger and self._is_before(told.at)
            yield Leafless(name, "it did not end, or not so, or not then", before)

    def _rows(self, statement: Prepared) -> Iterator[Row]:
        after = _BEFORE_ALL
        while found := statement.rows(self._connection, after, _CHUNK):
            yield from found
            after = int(found[-1][0])

    def _is_there(self, hash: bytes) -> bool:
        return hash in self._waiting or _OF_HASH.row(self._connection, hash) is not None

    def _ended_then(self, delivery_id: str, at: int) -> bool:
        placed = {int(when) for _, when in _OF_SUBJECT.rows(self._connection, delivery_id, ENDED)}
        return at in placed or (ENDED, delivery_id, at) in self._moments

    def _is_before(self, at: int) -> bool:
        return self._since is None or at < self._since
