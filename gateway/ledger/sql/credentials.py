"""The credentials under which platforms call us: issued, revoked, and known for as long as their platform is."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.ledger.errors import no_credential
from gateway.ledger.records import BEARER, Credential, Intent
from gateway.ledger.sql import platforms, tables
from gateway.ledger.sql.auditing import intended, once
from gateway.ledger.sql.codecs import micros
from gateway.ledger.sql.encryption import at_rest
from gateway.ledger.sql.statements import Prepared, inserting
from gateway.ledger.sql.tables import CREDENTIAL
from gateway.ledger.sql.writing import Transaction

_c = tables.credentials.c

_ADD = inserting(tables.credentials, CREDENTIAL.inserted)
_ALL = Prepared(sa.select(*CREDENTIAL.select(tables.credentials)), ())
_ONE = Prepared(sa.select(*CREDENTIAL.select(tables.credentials)).where(_c.id == sa.bindparam("id")), ("id",))
_REVOKE = Prepared(
    sa.update(tables.credentials).where(_c.id == sa.bindparam("id_")).values(revoked_at=sa.bindparam("revoked_at")),
    ("revoked_at", "id_"),
)


def credentials(connection: sa.Connection) -> Sequence[Credential]:
    """Give every credential, by platform and in the order of their issue."""
    kept = at_rest(connection)
    found = (CREDENTIAL.read(row, at_rest=kept) for row in _ALL.rows(connection))
    # Ids grow with time, but for those from before there were any, which are the oldest.
    return sorted(found, key=lambda one: (one.platform, one.created_at is not None, one.id))


def add(transaction: Transaction, credential: Credential, intent: Intent) -> None:
    """Keep a credential."""

    def do() -> None:
        platforms.known(transaction, credential.platform)
        _ADD.run(transaction.connection, [CREDENTIAL.write(credential, at_rest=at_rest(transaction.connection))])
        platforms.changed(transaction)
        named = {"credential": credential.id, "label": credential.label}
        if credential.kind != BEARER:
            named["kind"] = credential.kind
        intended(transaction, intent, credential.platform, "credential.added", **named)

    once(transaction, intent, "credential.add", credential.platform, do, {"digest": credential.digest})


def revoke(transaction: Transaction, platform_id: str, credential_id: str, intent: Intent) -> bool:
    """Revoke a credential, once."""

    def do() -> bool:
        row = _ONE.row(transaction.connection, credential_id)
        found = None if row is None else CREDENTIAL.read(row, at_rest=at_rest(transaction.connection))
        if found is None or found.platform != platform_id:
            raise no_credential(platform_id, credential_id)
        if found.revoked_at is not None:
            return False
        _REVOKE.run(transaction.connection, [(micros(intent.at), credential_id)])
        platforms.changed(transaction)
        named = {"credential": credential_id, "label": found.label}
        intended(transaction, intent, platform_id, "credential.revoked", **named)
        return True

    return once(transaction, intent, "credential.revoke", platform_id, do, {"credential": credential_id})
