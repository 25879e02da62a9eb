from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from gateway.message import State

CHILD = textwrap.dedent(
    """
    import asyncio, sys
    from datetime import UTC, datetime
    from adapters.base import OutboundRequest
    from gateway.clock import new_id
    from gateway.ledger.sql import SqlLedger
    from gateway.ledger.records import Intake, IntakeDraft, Settlement
    from gateway.message import Attempt, Delivery, Message, State

    NOW = datetime.now(UTC)

    def say(*words):
        sys.stdout.write(" ".join(words) + "\\n")
        sys.stdout.flush()

    def draft(index, name, lane):
        message = Message(name, "t", {"name": name, "text": "违法事实" * 50}, "a.330000", "case", "a@1", "330000", lane,
                          lane, NOW, name, name, keys={"case_number": name})
        delivery = Delivery(name + "/0", name, "t", "penalty", "penalty.330000", lane, State.READY, NOW)
        return IntakeDraft(index, message, (delivery,), {"case_number": name})

    async def client(ledger, number):
        while True:
            name = f"{number}:{new_id(NOW)}"
            pair = (draft(0, name + ":0", f"L{number}"), draft(1, name + ":1", f"L{number}"))
            await ledger.accept(Intake("a.330000", "case", NOW, name.encode() * 30, "text/plain", pair, key=name))
            say("accepted", name)
            for work in await ledger.heads("penalty.330000", NOW, 4):
                delivery = work.delivery.id
                if not delivery.startswith(f"{number}:"):
                    continue
                if await ledger.begin(delivery, "p@1", OutboundRequest("POST", "/", {}, b"{}"), NOW):
                    say("begun", delivery)
                    await ledger.settle(Settlement(Attempt(delivery, 1, NOW, NOW, "accepted", 200), State.DELIVERED))
                    say("settled", delivery)

    async def main():
        ledger = SqlLedger("sqlite:///" + sys.argv[1])
        await ledger.start()
        say("rescued", str(await ledger.rescue(NOW)))
        await asyncio.gather(*(client(ledger, number) for number in range(8)))

    asyncio.run(main())
    """
)


def _run_until_killed(path: Path, lines: int) -> list[str]:
    """Let a real process work until it has said so many lines, then kill it; give all that it said."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = [line for line, _ in zip(child.stdout, range(lines), strict=False)]
    os.kill(child.pid, signal.SIGKILL)
    said += child.stdout.readlines()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    return [line.strip() for line in said if line.endswith("\n")]


async def test_killed_at_random(path: Path, opened: Any, small: Any) -> None:
    """After SIGKILL at random moments everything that was said to be done is there, and nothing half."""
    moments = random.Random(20260901)
    said = [line for _ in range(6) for line in _run_until_killed(path, moments.randint(1, 400))]
    told = {kind: [line.split()[1] for line in said if line.startswith(kind)] for kind in ("accepted", "settled")}
    assert len(told["accepted"]) > 50
    assert len(told["settled"]) > 20
    ledger = opened()
    await ledger.start()
    for name in told["accepted"]:
        for half in (f"{name}:0", f"{name}:1"):
            assert (await ledger.message(half)).document["name"] == half
            assert (await ledger.native(half)).body == name.encode() * 30
    for delivery in told["settled"]:
        assert (await ledger.delivery(delivery)).state is State.DELIVERED
        assert len(await ledger.attempts_of(delivery)) == 1
    await ledger.rescue(small.now)
    await ledger.stop()
    _nothing_half(path)


def _nothing_half(path: Path) -> None:
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []

        def count(query: str) -> int:
            return int(database.execute(f"SELECT count(*) FROM {query}").fetchone()[0])

        messages = count("messages")
        assert messages == 2 * count("bodies") == 2 * count("receipts")
        assert messages == count("documents") == count("deliveries") == count("latest") == count("search_keys")
        assert count("deliveries WHERE state = 'delivered'") == count("attempts")
        assert count("deliveries WHERE attempts > 0") == count("requests")
        assert count("deliveries WHERE state = 'sending'") == 0
        heads = "SELECT min(position) FROM deliveries WHERE state <> 'delivered' GROUP BY lane, platform"
        assert count(f"deliveries WHERE head <> (position IN ({heads}))") == 0
