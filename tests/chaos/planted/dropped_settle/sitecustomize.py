"""A gateway that drops one settle in ten: it says that it wrote down what a platform answered, and did not."""

import itertools

from gateway.ledger.records import Settled
from gateway.ledger.sql import SqlLedger

_settle, _count = SqlLedger.settle, itertools.count(1)


async def _drop_some(self, claim, settlement):
    return Settled(False) if next(_count) % 10 == 0 else await _settle(self, claim, settlement)


SqlLedger.settle = _drop_some
