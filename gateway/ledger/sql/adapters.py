"""Versions of adapters: their bytes kept once, and how they stand changed all together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace

from gateway.ledger.errors import adapter_changed, bundle_key_ended, version_exists
from gateway.ledger.records import Intent, Registered, Taker
from gateway.ledger.sql import bundle_keys, platforms, tables, unrouted
from gateway.ledger.sql.auditing import answered, intended, once
from gateway.ledger.sql.statements import Prepared, inserting, putting
from gateway.ledger.sql.tables import ADAPTER
from gateway.ledger.sql.writing import Transaction
from gateway.ledger.versions import AdapterState, AdapterVersion, upload_of

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
_CHANGED = "adapter.changed"
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

    def do() -> dict[str, Any]:
        known = _one(transaction.connection, adapter.name, adapter.version)
        if known is None:
            platforms.changed(transaction)
            _check_key(transaction, adapter, intent)
            kept = replace(adapter, revision=_next_revision(transaction))
            _ADD.run(transaction.connection, [(*ADAPTER.write(kept), content)])
            intended(transaction, intent, adapter.id, "adapter.uploaded", digest=adapter.digest, **_signed(adapter))
        elif known.digest != adapter.digest:
            raise version_exists(adapter)
        return {"versions": [(adapter.name, adapter.version)]}

    _once(transaction, intent, upload_of(adapter), do)
    return _one(transaction.connection, adapter.name, adapter.version) or adapter


def _check_key(transaction: Transaction, adapter: AdapterVersion, intent: Intent) -> None:
    """Look again whether the key that signed a version signs still: it may have been revoked meanwhile."""
    if not adapter.signed_by:
        return
    key = bundle_keys.one(transaction.connection, adapter.signed_by)
    if key is None or key.ended(intent.at):
        raise bundle_key_ended(adapter.signed_by)


def _signed(adapter: AdapterVersion) -> Mapping[str, str]:
    if not adapter.signed_by or adapter.signed_at is None:
        return {}
    made = str(int(adapter.signed_at.timestamp()))
    return {"key": adapter.signed_by, "region": adapter.region, "made": made, "signature": adapter.signature}


def asked(connection: sa.Connection, intent: Intent, asked: Mapping[str, Any]) -> Sequence[AdapterVersion] | None:
    """Give the versions that a request changed which came before under its key."""
    answer = answered(connection, replace(intent, reason=""), _CHANGED, "", asked)
    return None if answer is None else _named(connection, answer)


def _once(
    transaction: Transaction, intent: Intent, asked: Mapping[str, Any], do: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    # The reason in the audit may be a finding of ours; the caller's is part of what was asked.
    return once(transaction, replace(intent, reason=""), _CHANGED, "", do, asked)


def _named(connection: sa.Connection, answer: Mapping[str, Any]) -> list[AdapterVersion]:
    found = (_one(connection, name, version) for name, version in answer["versions"])
    return [one for one in found if one is not None]


def change(
    transaction: Transaction,
    adapters: Sequence[AdapterVersion],
    intent: Intent,
    action: str,
    kinds: Collection[str],
    take: Taker,
    asked: Mapping[str, Any] | None = None,
) -> tuple[Sequence[AdapterVersion], Registered]:
    """Write how versions stand now, all of them or none, and give platforms what they can take now."""
    connection = transaction.connection

    def do() -> dict[str, Any]:
        named = {"versions": [(each.name, each.version) for each in adapters]}
        if not adapters:
            return {**platforms.plain(Registered(platforms.revision(connection))), **named}
        _write(transaction, adapters)
        for each in adapters:
            intended(transaction, intent, each.id, action, state=each.state)
        revision = platforms.advance(transaction)
        return {**platforms.plain(Registered(revision, unrouted.assign(transaction, kinds, take, intent.at))), **named}

    states = {"action": action, "states": {each.id: each.state for each in adapters}}
    answer = _once(transaction, intent, states if asked is None else asked, do)
    return _named(connection, answer), platforms.registered(answer)


def _write(transaction: Transaction, adapters: Sequence[AdapterVersion]) -> None:
    for each in adapters:
        known = _one(transaction.connection, each.name, each.version)
        if each.revision != (known.revision if known else 0):
            raise adapter_changed(each)
    first = _next_revision(transaction)
    kept = [replace(each, revision=revision) for revision, each in enumerate(adapters, first)]
    # Of a name one version is active (a unique index): the old one is written before the new one.
    in_order = sorted(kept, key=lambda each: each.state is AdapterState.ACTIVE)
    _PUT.run(transaction.connection, [ADAPTER.write(each) for each in in_order])


def _one(connection: sa.Connection, name: str, version: str) -> AdapterVersion | None:
    row = _ONE.row(connection, name, version)
    return ADAPTER.read(row) if row else None


def _next_revision(transaction: Transaction) -> int:
    row = _REVISION.row(transaction.connection)
    return 1 + (row[0] or 0 if row else 0)
