"""A gateway that rescues, with every beat, what other processes are sending, and looks at no claim's epoch."""

from gateway.clock import system_clock
from gateway.ledger.records import Claim
from gateway.ledger.sql import SqlLedger, attempts

_beat = SqlLedger.beat


def _let_pass(*_):
    pass


async def _beat_and_rescue(self, **how):
    census = await _beat(self, **how)
    for platform, standing in census.claims.items():
        if standing.owner != census.me:
            await self.rescue(Claim(platform, standing.owner, standing.epoch), (), system_clock())
    return census


attempts.verify = _let_pass
attempts.ClaimOwners.verify = _let_pass
SqlLedger.beat = _beat_and_rescue
