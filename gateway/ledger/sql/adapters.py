"""Versions of adapters: their bytes kept once, and how they stand changed all together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from gateway.ledger.errors import adapter_changed, version_exists
from gateway.ledger.records import Intent, Registered, Taker
from gateway.ledger.sql import platforms, tables, unrouted
from gateway.ledger.sql.auditing import intended, once
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


def add(transaction: Transaction, adapter: AdapterVersion, content: bytes, intent: Intent) -> AdapterVersion:
    """Keep an uploaded version, once."""

    def do() -> None:
        known = _one(transaction, adapter)
        if known is None:
            kept = replace(adapter, revision=_next_revision(transaction))
            _ADD.run(transaction.connection, [(*ADAPTER.write(kept), content)])
            intended(transaction, intent, adapter.id, "adapter.uploaded", digest=adapter.digest)
        elif known.digest != adapter.digest:
            raise version_exists(adapter)

    once(transaction, intent, "adapter.add", adapter.id, do, {"digest": adapter.digest})
    return _as_kept(transaction, adapter)


def change(
    transaction: Transaction,
    adapters: Sequence[AdapterVersion],
    intent: Intent,
    action: str,
    kinds: Collection[str],
    take: Taker,
) -> tuple[Sequence[AdapterVersion], Registered]:
    """Write how versions stand now, all of them or none, and give platforms what they can take now."""

    def do() -> dict[str, Any]:
        _write(transaction, adapters)
        for each in adapters:
            intended(transaction, intent, each.id, action, state=each.state)
        revision = platforms.advance(transaction)
        return platforms.plain(Registered(revision, unrouted.assign(transaction, kinds, take, intent.at)))

    states = {each.id: each.state for each in adapters}
    answer = once(transaction, intent, action, " ".join(sorted(states)), do, {"states": states})
    return [_as_kept(transaction, each) for each in adapters], platforms.registered(answer)


def _write(transaction: Transaction, adapters: Sequence[AdapterVersion]) -> None:
    for each in adapters:
        known = _one(transaction, each)
        if each.revision != (known.revision if known else 0):
            raise adapter_changed(each)
    first = _next_revision(transaction)
    kept = [replace(each, revision=revision) for revision, each in enumerate(adapters, first)]
    # Of a name one version is active (a unique index): the old one is written before the new one.
    in_order = sorted(kept, key=lambda each: each.state is AdapterState.ACTIVE)
    _PUT.run(transaction.connection, [ADAPTER.write(each) for each in in_order])


def _as_kept(transaction: Transaction, adapter: AdapterVersion) -> AdapterVersion:
    return _one(transaction, adapter) or adapter


def _one(transaction: Transaction, adapter: AdapterVersion) -> AdapterVersion | None:
    row = _ONE.row(transaction.connection, adapter.name, adapter.version)
    return ADAPTER.read(row) if row else None


def _next_revision(transaction: Transaction) -> int:
    row = _REVISION.row(transaction.connection)
    return 1 + (row[0] or 0 if row else 0)
