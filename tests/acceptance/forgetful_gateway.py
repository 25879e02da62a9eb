"""A gateway that forgets one settle on purpose: the kill test's judge must find it out."""

from __future__ import annotations

import itertools

import uvicorn
import uvloop

from gateway.api.app import create_app
from gateway.bootstrap import build, open_ledger
from gateway.ledger.records import Settlement
from gateway.settings import Settings

FORGOTTEN = 25
"""Which settle is dropped."""


async def main() -> None:
    """Serve with the settings of the environment, dropping the 25th settle."""
    settings = Settings()
    ledger = open_ledger(settings)
    settle, count = ledger.settle, itertools.count(1)

    async def forget_once(settlement: Settlement) -> bool:
        return True if next(count) == FORGOTTEN else await settle(settlement)

    ledger.settle = forget_once
    hub = build(settings, ledger=ledger)
    await hub.start()
    app = create_app(hub, settings)
    await uvicorn.Server(uvicorn.Config(app, host=settings.host, port=settings.port, lifespan="off")).serve()


if __name__ == "__main__":
    uvloop.run(main())
