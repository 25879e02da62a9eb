"""Attempts with what platforms replied; of each platform's long replies so many bytes are kept, the newest."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.audit.hashing import sha256
from gateway.ledger.sql import leaves, rows, tables
from gateway.ledger.sql.codecs import pack
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.statements import Prepared, PreparedMany, inserting
from gateway.ledger.sql.tables import ATTEMPT
from gateway.ledger.sql.writing import Transaction
from gateway.message import Attempt, Delivery

LONG = 1024
"""Bytes as they are kept, from which on a reply counts as long: shorter ones are as the rest of an attempt."""

_FORGOTTEN = 16
"""Long replies that are forgotten in one transaction for each that comes: as fast as any bound is lowered."""

_a, _r = tables.attempts.c, tables.requests.c
_REPLY, _PLATFORM, _TOTAL = (ATTEMPT.inserted.index(name) for name in ("reply", "platform", "total"))

_ADD = inserting(tables.attempts, ATTEMPT.inserted)
_SO_FAR = Prepared(
    sa.select(_a.total)
    .where(_a.platform == sa.bindparam("platform"), _a.total.is_not(None))
    .order_by(_a.total.desc())
    .limit(1),
    ("platform",),
)
_BEYOND = Prepared(
    sa.select(_a.seq)
    .where(_a.platform == sa.bindparam("platform"), _a.total.is_not(None), _a.total <= sa.bindparam("total"))
    .order_by(_a.total)
    .limit(sa.bindparam("limit")),
    ("platform", "total", "limit"),
)
_FORGET = Prepared(
    sa.update(tables.attempts).where(_a.seq == sa.bindparam("seq_")).values(platform=None, total=None),
    ("reply", "seq_"),
)
EMPTY = pack(b"")
"""No bytes, as they are kept."""

NOTHING = sha256(b"")
"""The digest of no bytes."""

_SENT = PreparedMany(
    ["delivery"],
    lambda wanted: sa.select(_r.delivery, _r.body).select_from(
        wanted.join(tables.requests, _r.delivery == wanted.c.delivery)
    ),
    integers=["delivery"],
)


def keep(transaction: Transaction, ended: Sequence[tuple[Attempt, Delivery]]) -> None:
    """Keep attempts, each with its delivery and its leaf; the oldest long replies of a platform with too many go."""
    totals: dict[str, int] = {}
    found = _SENT.rows(transaction.connection, [(delivery.position,) for _, delivery in ended])
    sent = {position: rows.sent(transaction.connection, position, body) for position, body in found}
    attempts = [
        _row(transaction, attempt, delivery, sent.get(delivery.position), totals) for attempt, delivery in ended
    ]
    _ADD.run(transaction.connection, attempts)
    leaves.add(
        transaction,
        (leaves.ended(attempt, delivery, sent.get(delivery.position, NOTHING)) for attempt, delivery in ended),
    )
    for platform, total in totals.items():
        kept = total - transaction.most.replies
        beyond = _BEYOND.rows(transaction.connection, platform, kept, _FORGOTTEN * len(attempts))
        _FORGET.run(transaction.connection, [(EMPTY, seq) for (seq,) in beyond])


def _row(
    transaction: Transaction, attempt: Attempt, delivery: Delivery, sent: bytes | None, totals: dict[str, int]
) -> Row:
    row = list(ATTEMPT.write(attempt, delivery=delivery.position, platform=None, total=None, sent=sent))
    platform, size = delivery.platform, len(row[_REPLY])
    if platform is not None and size >= LONG:
        if platform not in totals:
            so_far = _SO_FAR.row(transaction.connection, platform)
            totals[platform] = so_far[0] if so_far else 0
        totals[platform] += size
        row[_PLATFORM], row[_TOTAL] = platform, totals[platform]
    return row
