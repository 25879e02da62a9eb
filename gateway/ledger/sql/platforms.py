"""Platforms, their holds and their credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.errors import in_use, no_platform
from gateway.ledger.records import Platform
from gateway.ledger.sql import tables
from gateway.ledger.sql.auditing import record
from gateway.ledger.sql.statements import Prepared, in_states, not_delivered, putting
from gateway.ledger.sql.tables import PLATFORM
from gateway.ledger.sql.writing import Transaction
from gateway.message import OPEN, HeldBy

_p, _d, _c = tables.platforms.c, tables.deliveries.c, tables.credentials.c

_PUT = putting(tables.platforms, PLATFORM.inserted)
_ALL = Prepared(sa.select(*PLATFORM.select(tables.platforms)).order_by(_p.id), ())
_ONE = Prepared(sa.select(*PLATFORM.select(tables.platforms)).where(_p.id == sa.bindparam("id")), ("id",))
_OPEN = Prepared(
    sa.select(
        sa.exists().where(
            _d.platform == sa.bindparam("platform"),
            in_states(_d.state, OPEN),
            not_delivered(_d.state),
        )
    ),
    ("platform",),
)
_DELETE = Prepared(sa.delete(tables.platforms).where(_p.id == sa.bindparam("id")), ("id",))
_FORGET = Prepared(sa.delete(tables.credentials).where(_c.platform == sa.bindparam("platform")), ("platform",))
_CREDENTIAL = putting(tables.credentials)
_CREDENTIALS = Prepared(sa.select(_c.digest, _c.platform), ())


def platforms(connection: sa.Connection) -> Sequence[Platform]:
    """Give every platform, by id."""
    return [PLATFORM.read(row) for row in _ALL.rows(connection)]


def one(connection: sa.Connection, platform_id: str) -> Platform | None:
    """Give a platform, or None."""
    row = _ONE.row(connection, platform_id)
    return PLATFORM.read(row) if row else None


def credentials(connection: sa.Connection) -> Mapping[str, str]:
    """Give hash → platform id."""
    return {row[0]: row[1] for row in _CREDENTIALS.rows(connection)}


def _known(transaction: Transaction, platform_id: str) -> Platform:
    found = one(transaction.connection, platform_id)
    if found is None:
        raise no_platform(platform_id)
    return found


def _keep(transaction: Transaction, platform: Platform) -> None:
    _PUT.run(transaction.connection, [PLATFORM.write(platform)])


def put(transaction: Transaction, platform: Platform, *, actor: str, at: datetime) -> None:
    """Register or change a platform."""
    _keep(transaction, decisions.registered(platform, one(transaction.connection, platform.id)))
    record(transaction, platform.id, at, actor, "platform.put", adapter=platform.adapter, mode=platform.mode)


def delete(transaction: Transaction, platform_id: str, *, actor: str, at: datetime) -> None:
    """Forget a platform that nothing waits for."""
    _known(transaction, platform_id)
    row = _OPEN.row(transaction.connection, platform_id)
    if row and row[0]:
        raise in_use(platform_id)
    _FORGET.run(transaction.connection, [(platform_id,)])
    _DELETE.run(transaction.connection, [(platform_id,)])
    record(transaction, platform_id, at, actor, "platform.deleted")


def hold(transaction: Transaction, platform_id: str, by: HeldBy, *, actor: str, reason: str, at: datetime) -> None:
    """Add a hold."""
    platform = _known(transaction, platform_id)
    if by not in platform.holds:
        _keep(transaction, decisions.with_hold(platform, by, at))
        record(transaction, platform_id, at, actor, "platform.held", reason, by=by)


def release(transaction: Transaction, platform_id: str, by: HeldBy, *, actor: str, reason: str, at: datetime) -> None:
    """Lift a hold."""
    platform = _known(transaction, platform_id)
    if by in platform.holds:
        _keep(transaction, decisions.without_hold(platform, by, at))
        record(transaction, platform_id, at, actor, "platform.released", reason, by=by)


def add_credential(transaction: Transaction, platform_id: str, digest: str, *, actor: str, at: datetime) -> None:
    """Keep the hash of a credential."""
    _known(transaction, platform_id)
    _CREDENTIAL.run(transaction.connection, [(digest, platform_id)])
    record(transaction, platform_id, at, actor, "credential.added")
