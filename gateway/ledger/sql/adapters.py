"""Versions of adapters: their bytes kept once, and how they stand changed all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from gateway.ledger.errors import adapter_changed, version_exists
from gateway.ledger.sql import tables
from gateway.ledger.sql.auditing import record
from gateway.ledger.sql.statements import Prepared, inserting, putting
from gateway.ledger.sql.tables import ADAPTER
from gateway.ledger.sql.writing import Transaction
from gateway.ledger.versions import AdapterState, AdapterVersion

_a = tables.adapters.c
_COLUMNS = ADAPTER.select(tables.adapters)

_ALL = Prepared(sa.select(*_COLUMNS).order_by(_a.name, _a.seq), ())
_ONE = Prepared(
    sa.select(*_COLUMNS).where(_a.name == sa.bindparam("name"), _a.version == sa.bindparam("version")),
    ("name", "version"),
)
_CONTENT = Prepared(
    sa.select(_a.content).where(_a.name == sa.bindparam("name"), _a.version == sa.bindparam("version")),
    ("name", "version"),
)
_REVISION = Prepared(sa.select(sa.func.max(_a.revision)), ())
_ADD = inserting(tables.adapters, (*ADAPTER.inserted, "content"))
_PUT = putting(tables.adapters, ADAPTER.inserted, ("name", "version"))


def versions(connection: sa.Connection) -> Sequence[AdapterVersion]:
    """Give every version that is kept."""
    return [ADAPTER.read(row) for row in _ALL.rows(connection)]


def content(connection: sa.Connection, name: str, version: str) -> bytes | None:
    """Give an uploaded bundle's bytes."""
    row = _CONTENT.row(connection, name, version)
    return row[0] if row else None


def add(
    transaction: Transaction, adapter: AdapterVersion, content: bytes, *, actor: str, at: datetime
) -> AdapterVersion:
    """Keep an uploaded version, once."""
    known = _one(transaction, adapter)
    if known is not None:
        if known.digest != adapter.digest:
            raise version_exists(adapter)
        return known
    kept = replace(adapter, revision=_next_revision(transaction))
    _ADD.run(transaction.connection, [(*ADAPTER.write(kept), content)])
    record(transaction, adapter.id, at, actor, "adapter.uploaded", digest=adapter.digest)
    return kept


def change(
    transaction: Transaction,
    adapters: Sequence[AdapterVersion],
    *,
    actor: str,
    action: str,
    reason: str,
    at: datetime,
) -> Sequence[AdapterVersion]:
    """Write how versions stand now, all of them or none."""
    for each in adapters:
        known = _one(transaction, each)
        if each.revision != (known.revision if known else 0):
            raise adapter_changed(each)
    first = _next_revision(transaction)
    kept = [replace(each, revision=revision) for revision, each in enumerate(adapters, first)]
    # Of a name one version is active (a unique index): the old one is written before the new one.
    in_order = sorted(kept, key=lambda each: each.state is AdapterState.ACTIVE)
    _PUT.run(transaction.connection, [ADAPTER.write(each) for each in in_order])
    for each in adapters:
        record(transaction, each.id, at, actor, action, reason, state=each.state)
    return kept


def _one(transaction: Transaction, adapter: AdapterVersion) -> AdapterVersion | None:
    row = _ONE.row(transaction.connection, adapter.name, adapter.version)
    return ADAPTER.read(row) if row else None


def _next_revision(transaction: Transaction) -> int:
    row = _REVISION.row(transaction.connection)
    return 1 + (row[0] or 0 if row else 0)
