"""Doubles of several platforms in one process: `doubles.py PORT=BUNDLE …`. They start sooner than each in its own."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack

from adapters.adapter import load
from gateway.sandbox.double import Double
from gateway.sandbox.serve import running


async def main(asked: list[str]) -> None:
    """Serve until this process is ended."""
    async with AsyncExitStack() as stack:
        for one in asked:
            port, _, bundle = one.partition("=")
            await stack.enter_async_context(running(Double(load(bundle)), port=int(port)))
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
