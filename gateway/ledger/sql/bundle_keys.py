"""The keys with which regions sign their bundles: registered, revoked, and known for good by what they signed."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.ledger.errors import bundle_key_exists, no_bundle_key
from gateway.ledger.records import Intent
from gateway.ledger.sql import platforms, tables
from gateway.ledger.sql.auditing import intended, once
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.statements import Prepared, inserting
from gateway.ledger.sql.tables import BUNDLE_KEY
from gateway.ledger.sql.writing import Transaction
from gateway.ledger.versions import BundleKey

_k = tables.bundle_keys.c

_ADD = inserting(tables.bundle_keys, BUNDLE_KEY.inserted)
_ALL = Prepared(sa.select(*BUNDLE_KEY.select(tables.bundle_keys)).order_by(_k.id), ())
_ONE = Prepared(sa.select(*BUNDLE_KEY.select(tables.bundle_keys)).where(_k.id == sa.bindparam("id")), ("id",))
_REVOKE = Prepared(
    sa.update(tables.bundle_keys).where(_k.id == sa.bindparam("id_")).values(revoked_at=sa.bindparam("revoked_at")),
    ("revoked_at", "id_"),
)


def bundle_keys(connection: sa.Connection) -> Sequence[BundleKey]:
    """Give every key, the oldest first."""
    return sorted((BUNDLE_KEY.read(row) for row in _ALL.rows(connection)), key=lambda key: key.created_at)


def one(connection: sa.Connection, key_id: str) -> BundleKey | None:
    """Give a key, or None."""
    row = _ONE.row(connection, key_id)
    return None if row is None else BUNDLE_KEY.read(row)


def add(transaction: Transaction, key: BundleKey, intent: Intent) -> None:
    """Keep a key."""

    def do() -> None:
        if one(transaction.connection, key.id) is not None:
            raise bundle_key_exists(key.id)
        _ADD.run(transaction.connection, [BUNDLE_KEY.write(key)])
        platforms.changed(transaction)
        intended(transaction, intent, key.id, "bundle-key.added", kind=key.kind, region=key.region, public=key.public)

    once(transaction, intent, "bundle-key.add", key.id, do, {"region": key.region, "label": key.label})


def revoke(transaction: Transaction, key_id: str, intent: Intent) -> bool:
    """Revoke a key, once."""

    def do() -> bool:
        # First, since whoever keeps an upload at this moment does so, too: the one sees what the other did.
        platforms.changed(transaction)
        known = one(transaction.connection, key_id)
        if known is None:
            raise no_bundle_key(key_id)
        if known.revoked_at is not None:
            return False
        _REVOKE.run(transaction.connection, [(micros(intent.at), key_id)])
        intended(transaction, intent, key_id, "bundle-key.revoked", region=known.region)
        return True

    return once(transaction, intent, "bundle-key.revoke", key_id, do)
