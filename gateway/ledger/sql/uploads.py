"""Uploaded attachments: whose they are, which messages name them, and when nobody does any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from gateway.ledger.records import Upload
from gateway.ledger.sql import tables
from gateway.ledger.sql.ages import Ages, in_micros
from gateway.ledger.sql.statements import Prepared, PreparedMany, inserting
from gateway.ledger.sql.tables import UPLOAD
from gateway.ledger.sql.writing import Transaction

_u, _a, _m, _d = tables.uploads.c, tables.attached.c, tables.messages.c, tables.deliveries.c

_ADD = inserting(tables.uploads, [*UPLOAD.inserted, "came", "named"])
_concerned = sa.or_(
    _u.platform == sa.bindparam("platform"),
    sa.exists().where(_a.upload == _u.id, _m.seq == _a.message, _m.source == sa.bindparam("platform")),
    sa.exists().where(
        _a.upload == _u.id, _d.message == _a.message, _d.platform == sa.bindparam("platform"), _d.attempts > 0
    ),
)
_FOR = Prepared(
    sa.select(*UPLOAD.select(tables.uploads)).where(_u.id == sa.bindparam("id"), _concerned),
    ("id", "platform", "platform", "platform"),
)
_KNOWN = PreparedMany(
    ["id"], lambda wanted: sa.select(_u.id).select_from(wanted.join(tables.uploads, _u.id == wanted.c.id))
)
ATTACH = inserting(tables.attached)
NAME = Prepared(sa.update(tables.uploads).values(named=_u.named + 1).where(_u.id == sa.bindparam("id_")), ("id_",))
_UNNAME = Prepared(sa.update(tables.uploads).values(named=_u.named - 1).where(_u.id == sa.bindparam("id_")), ("id_",))
_OF_MESSAGE = Prepared(sa.select(_a.upload).where(_a.message == sa.bindparam("message")), ("message",))
_DETACH = Prepared(sa.delete(tables.attached).where(_a.message == sa.bindparam("message_")), ("message_",))
_ORPHANED = Prepared(
    sa.select(_u.id)
    .where(sa.literal_column("named = 0"), _u.came <= sa.bindparam("before"))
    .order_by(_u.came)
    .limit(sa.bindparam("limit")),
    ("before", "limit"),
)
_UNNAMED_BYTES = Prepared(
    sa.select(sa.func.coalesce(sa.func.sum(_u.size), 0)).where(
        sa.literal_column("named = 0"), _u.platform == sa.bindparam("platform")
    ),
    ("platform",),
)
_FORGET = Prepared(sa.delete(tables.uploads).where(_u.id == sa.bindparam("id_")), ("id_",))


def add(transaction: Transaction, upload: Upload) -> None:
    """Keep that something was uploaded; no message names it yet."""
    came = Ages.now(transaction.connection, upload.at).time
    _ADD.run(transaction.connection, [(*UPLOAD.write(upload), came, 0)])


def upload_for(connection: sa.Connection, id: str, platform: str) -> Upload | None:
    """Give an upload that concerns a platform; None for others' as for none."""
    row = _FOR.row(connection, id, platform, platform, platform)
    return UPLOAD.read(row) if row else None


def known(connection: sa.Connection, ids: Collection[str]) -> frozenset[str]:
    """Tell which of these uploads are there."""
    return frozenset(row[0] for row in _KNOWN.rows(connection, [(id,) for id in ids])) if ids else frozenset()


def unnamed_bytes(connection: sa.Connection, platform: str) -> int:
    """Give the bytes that a platform uploaded and no message names."""
    row = _UNNAMED_BYTES.row(connection, platform)
    return int(row[0]) if row else 0


def detach(transaction: Transaction, messages: Iterable[int]) -> None:
    """Let messages that go name nothing any more."""
    connection = transaction.connection
    rows = [(message,) for message in messages]
    _UNNAME.run(connection, [(row[0],) for message in rows for row in _OF_MESSAGE.rows(connection, *message)])
    _DETACH.run(connection, rows)


def orphaned(connection: sa.Connection, unnamed_for: timedelta, now: datetime, limit: int) -> Sequence[str]:
    """Give uploads that no message names, and that came long enough ago by the ledger's own time, the oldest first."""
    before = Ages.now(connection, now).time - in_micros(unnamed_for)
    return [row[0] for row in _ORPHANED.rows(connection, before, limit)]


def forget(transaction: Transaction, unnamed_for: timedelta, now: datetime, limit: int) -> Sequence[str]:
    """Forget uploads that no message names any more; gives them."""
    gone = orphaned(transaction.connection, unnamed_for, now, limit)
    _FORGET.run(transaction.connection, [(id,) for id in gone])
    return gone
