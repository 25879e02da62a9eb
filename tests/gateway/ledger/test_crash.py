from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections import defaultdict
from pathlib import Path
from typing import Any

from gateway.message import State

CHILD = textwrap.dedent(
    """
    import asyncio, sys
    from datetime import UTC, datetime, timedelta
    from adapters.base import OutboundRequest
    from gateway.clock import new_id
    from gateway.ledger.sql import SqlLedger
    from gateway.ledger.records import Intake, IntakeDraft, Intent, Platform, Settlement
    from gateway.message import Attempt, Delivery, Message, State

    NOW = datetime.now(UTC)
    LATEST = NOW + timedelta(days=1)
    PLATFORM = Platform("penalty.330000", "penalty", "330000", "penalty", {}, NOW)

    def say(*words):
        sys.stdout.write(" ".join(words) + "\\n")
        sys.stdout.flush()

    def draft(index, name, lane, identity=None):
        message = Message(name, "t", {"name": name, "text": "违法事实" * 50}, "a.330000", "case", "a@1", "330000", lane,
                          lane, NOW, identity or name, name, keys={"case_number": name})
        delivery = Delivery(name + "/0", name, "t", "penalty", PLATFORM.id, lane, State.READY, NOW)
        return IntakeDraft(index, message, (delivery,), {"case_number": name})

    def intake(revision, body, key, entries):
        return Intake("a.330000", "case", NOW, body, "text/plain", tuple(entries), revision, key)

    async def client(ledger, claim, revision, number):
        while True:
            name = f"{number}:{new_id(NOW)}"
            pair = (draft(0, name + ":0", f"L{number}"), draft(1, name + ":1", f"L{number}"))
            await ledger.accept(intake(revision, name.encode() * 30, name, pair))
            say("accepted", name)
            for work in await ledger.heads(claim, NOW, LATEST, 4):
                delivery = work.delivery.id
                if not delivery.startswith(f"{number}:"):
                    continue
                attempt = await ledger.begin(claim, delivery, "p@1", OutboundRequest("POST", "/", {}, b"{}"), NOW)
                if attempt:
                    say("begun", delivery)
                    done = Attempt(delivery, attempt, NOW, NOW, "accepted", 200)
                    await ledger.settle(claim, Settlement(done, State.DELIVERED))
                    say("settled", delivery)

    async def packages(ledger, revision, run):
        # One package after another; each identity comes twice, with other content.
        for number in range(1000):
            records = [draft(i, f"{run}:{number}:{i}", "L", f"{number}:{i // 2}") for i in range(1500)]
            accepting = asyncio.ensure_future(ledger.accept(intake(revision, b"", str(number), records)))
            while not accepting.done() and not await ledger.message(f"{run}:{number}:0"):
                await asyncio.sleep(0)
            say("begun", str(number))
            say("answered", str(number), ",".join(entry.message.id for entry in (await accepting).entries))

    async def main():
        ledger = SqlLedger("sqlite:///" + sys.argv[1])
        await ledger.start()
        if not (await ledger.registry()).platforms:
            await ledger.put_platform(PLATFORM, Intent("o", "r", NOW), lambda unrouted: None)
        revision = (await ledger.registry()).revision
        if len(sys.argv) > 2:
            await packages(ledger, revision, sys.argv[2])
        claim = await ledger.claim(PLATFORM.id)
        say("rescued", str(await ledger.rescue(claim, (), NOW)))
        await asyncio.gather(*(client(ledger, claim, revision, number) for number in range(8)))

    asyncio.run(main())
    """
)


def _run_until_killed(path: Path, lines: int, *arguments: str) -> list[str]:
    """Let a real process work until it has said so many lines, then kill it; give all that it said."""
    command = [sys.executable, "-c", CHILD, str(path), *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = [line for _, line in zip(range(lines), child.stdout, strict=False)]
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
    await ledger.rescue(await ledger.claim(small.platform), (), small.now)
    await ledger.stop()
    _nothing_half(path)


async def test_killed_within_a_package(path: Path) -> None:
    """A package that was cut off goes on where it was: each record is kept once, and answered under one id for good."""
    # Each process is killed when the first chunk of one more package is committed.
    said = [line.split() for number, run in enumerate("abcd") for line in _run_until_killed(path, 2 * number + 1, run)]
    answers: defaultdict[str, set[str]] = defaultdict(set)
    for _, number, ids in (each for each in said if each[0] == "answered"):
        answers[number].add(ids)
    assert len(answers) >= 3
    with sqlite3.connect(path) as database:
        for number, [ids] in answers.items():
            kept = database.execute("SELECT id FROM messages WHERE identity LIKE ? ORDER BY seq", (f"{number}:%",))
            assert ids.split(",") == [id for (id,) in kept]
        [(messages,)] = database.execute("SELECT count(*) FROM messages").fetchall()
        assert database.execute("SELECT sum(count) FROM counts").fetchall() == [(messages,)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []


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
