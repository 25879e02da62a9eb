"""Versions of adapters: their bytes kept once, and how they stand changed all together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.ledger.errors import adapter_changed, version_exists
from gateway.ledger.sql import tables
from gateway.ledger.sql.auditing import record
from gateway.ledger.sql.statements import Prepared, inserting, putting
from gateway.ledger.sql.times import micros, micros_or_none, moment, moment_or_none
from gateway.ledger.sql.writing import Transaction
from gateway.versions import AdapterState, AdapterVersion

_a = tables.adapters.c
_COLUMNS = tuple(column for column in tables.adapters.columns if column.name not in ("place", "content"))
_NAMES = tuple(column.name for column in _COLUMNS)

_ALL = Prepared(sa.select(*_COLUMNS).order_by(_a.name, _a.place), ())
_ONE = Prepared(
    sa.select(*_COLUMNS).where(_a.name == sa.bindparam("name"), _a.version == sa.bindparam("version")),
    ("name", "version"),
)
_CONTENT = Prepared(
    sa.select(_a.content).where(_a.name == sa.bindparam("name"), _a.version == sa.bindparam("version")),
    ("name", "version"),
)
_REVISION = Prepared(sa.select(sa.func.max(_a.revision)), ())
_ADD = inserting(tables.adapters, (*_NAMES, "content"))
_PUT = putting(tables.adapters, _NAMES, ("name", "version"))


def versions(connection: sa.Connection) -> Sequence[AdapterVersion]:
    """Give every version that is kept."""
    return [_read(row) for row in _ALL.rows(connection)]


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
    row = _written(adapter, _next_revision(transaction))
    _ADD.run(transaction.connection, [(*row, content)])
    record(transaction, adapter.id, at, actor, "adapter.uploaded", digest=adapter.digest)
    return _read(row)


def change(
    transaction: Transaction,
    adapters: Sequence[AdapterVersion],
    *,
    actor: str,
    action: str,
    reason: str,
    at: datetime,
) -> Sequence[AdapterVersion]:
    """Write how versions stand now; whoever stops being active does so before another becomes it."""
    for each in adapters:
        known = _one(transaction, each)
        if each.revision != (known.revision if known else 0):
            raise adapter_changed(each)
    first = _next_revision(transaction)
    rows = [_written(each, first + place) for place, each in enumerate(adapters)]
    _PUT.run(transaction.connection, sorted(rows, key=lambda row: row[_STATE] == AdapterState.ACTIVE))
    for each in adapters:
        record(transaction, each.id, at, actor, action, reason, state=each.state)
    return [_read(row) for row in rows]


def _one(transaction: Transaction, adapter: AdapterVersion) -> AdapterVersion | None:
    row = _ONE.row(transaction.connection, adapter.name, adapter.version)
    return _read(row) if row else None


def _next_revision(transaction: Transaction) -> int:
    row = _REVISION.row(transaction.connection)
    return 1 + (row[0] or 0 if row else 0)


_STATE = _NAMES.index("state")


def _written(adapter: AdapterVersion, revision: int) -> tuple[Any, ...]:
    return (
        adapter.name,
        adapter.version,
        adapter.digest,
        adapter.state.value,
        micros(adapter.created_at),
        micros(adapter.changed_at),
        adapter.uploaded,
        None if adapter.report is None else orjson.dumps(dict(adapter.report)).decode(),
        orjson.dumps(adapter.expected).decode(),
        micros_or_none(adapter.activated_at),
        revision,
    )


def _read(row: Sequence[Any]) -> AdapterVersion:
    return AdapterVersion(
        name=row[0],
        version=row[1],
        digest=row[2],
        state=AdapterState(row[3]),
        created_at=moment(row[4]),
        changed_at=moment(row[5]),
        uploaded=bool(row[6]),
        report=None if row[7] is None else orjson.loads(row[7]),
        expected=tuple(orjson.loads(row[8])),
        activated_at=moment_or_none(row[9]),
        revision=row[10],
    )
