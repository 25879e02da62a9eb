"""A gateway that takes every platform, whoever has it, and looks at no claim's epoch."""

import sqlalchemy as sa

from gateway.delivery import dispatcher
from gateway.delivery.sharing import Share
from gateway.ledger.sql import attempts, claims, reading, tables
from gateway.ledger.sql.statements import Prepared


def _let_pass(*_):
    pass


_c = tables.claims.c
claims._TAKE = Prepared(
    sa.update(tables.claims)
    .where(_c.platform == sa.bindparam("platform_"), sa.bindparam("now_") > 0)
    .values(owner=sa.bindparam("owner_"), until=sa.bindparam("until_"), epoch=_c.epoch + 1)
    .returning(_c.epoch),
    ("platform_", "owner_", "now_", "until_"),
)
claims.ClaimOwners.verify = _let_pass
claims.verify = attempts.verify = reading.claims.verify = _let_pass
dispatcher.share = lambda platforms, me, mine, others, living: Share([one for one in platforms if one not in mine])
