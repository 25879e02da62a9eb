"""Claims: which process may deliver to which platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from gateway.ledger import decisions
from gateway.ledger.errors import no_platform
from gateway.ledger.records import Claim
from gateway.ledger.sql import tables
from gateway.ledger.sql.statements import Prepared, PreparedMany, putting
from gateway.ledger.sql.writing import Transaction

_c, _p = tables.claims.c, tables.platforms.c


_EPOCH = Prepared(
    sa.select(_p.id, _c.epoch)
    .select_from(tables.platforms.outerjoin(tables.claims, _c.platform == _p.id))
    .where(_p.id == sa.bindparam("platform")),
    ("platform",),
)
_PUT = putting(tables.claims)
_END = Prepared(
    sa.update(tables.claims).where(_c.platform == sa.bindparam("platform_")).values(owner="", epoch=_c.epoch + 1),
    ("platform_",),
)
_OWNERS = PreparedMany(
    ["platform"],
    lambda wanted: sa.select(_c.platform, _c.owner, _c.epoch).select_from(
        wanted.join(tables.claims, _c.platform == wanted.c.platform)
    ),
)


def take(transaction: Transaction, platform_id: str) -> Claim:
    """Take the claim of a platform for this process: whoever had it has lost it."""
    found = _EPOCH.row(transaction.connection, platform_id)
    if found is None:
        raise no_platform(platform_id)
    claim = Claim(platform_id, transaction.owner, (found[1] or 0) + 1)
    _PUT.run(transaction.connection, [(claim.platform, claim.owner, claim.epoch)])
    return claim


def end(transaction: Transaction, platform_id: str) -> None:
    """End the claim of a platform that is forgotten. Its epoch stays: one registered anew goes on from there."""
    _END.run(transaction.connection, [(platform_id,)])


class Owners:
    """Who has the claims of some platforms, read once."""

    def __init__(self, connection: sa.Connection, platforms: Iterable[str]) -> None:
        found = _OWNERS.rows(connection, [(each,) for each in set(platforms)])
        self._owners: Mapping[str, tuple[str, int]] = {platform: (owner, epoch) for platform, owner, epoch in found}

    def verify(self, claim: Claim) -> None:
        """Let pass who has the claim; Conflict `claim.lost`."""
        decisions.verify_claim(claim, *self._owners.get(claim.platform, (None, None)))


def verify(connection: sa.Connection, claim: Claim) -> None:
    """Let pass who has a claim; Conflict `claim.lost`."""
    Owners(connection, [claim.platform]).verify(claim)
