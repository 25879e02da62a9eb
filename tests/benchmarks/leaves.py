"""What a leaf and a receipt cost beside keeping a document, in processor time: run it as a script.

The ledger keeps documents in commits of sixteen, once as it is and once without leaves; and the steps are timed alone.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from gateway.audit.signing import Seals, SigningKey
from gateway.clock import new_id
from gateway.ledger.records import Intake, IntakeDraft, Intent, Platform
from gateway.ledger.sql import SqlLedger, accepting, leaves, receipts
from gateway.message import Delivery, Message, State

NOW = datetime(2026, 9, 1, tzinfo=UTC)
SOURCE, PENALTY = "mobile-enforcement.330100", "penalty.330000"
BODY = bytes(at % 251 for at in range(2000))
DOCUMENT = {f"field_{number}": f"value {number} 环境" for number in range(25)}
TOGETHER, DOCUMENTS, ROUNDS = 16, 2000, 5
KEY = SigningKey.new()
_NO_LEAF = SimpleNamespace(hash=bytes(32))
WITHOUT: Any = SimpleNamespace(accepted=lambda *of: _NO_LEAF, add=lambda *of: None)
"""Stands for the module of leaves where none are written: a switch that only this benchmark has."""


def intake(number: int) -> Intake:
    """One document for one platform, a case of its own."""
    message = Message(
        id=new_id(NOW),
        type="case.transferred",
        document=DOCUMENT,
        source=SOURCE,
        operation="case",
        adapter="mobile-enforcement@1.0.0",
        region="330100",
        ordering_key=f"C{number}",
        correlation_id=f"C{number}",
        received_at=NOW,
        identity=f"C{number}",
        digest=f"{number:064x}",
        keys={"case_number": f"C{number}"},
    )
    delivery = Delivery(new_id(NOW), message.id, message.type, "penalty", PENALTY, f"C{number}", State.READY, NOW)
    draft = IntakeDraft(0, message, (delivery,), {"case_number": f"C{number}"})
    return Intake(SOURCE, "case", NOW, BODY + str(number).encode(), "text/plain", (draft,), 2)


async def kept(module: Any, key: SigningKey | None) -> float:
    """Keep documents; gives microseconds of processor time for each."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = SqlLedger(f"sqlite:///{folder}/ledger.db", key=key)
        await ledger.start()
        platform = Platform(PENALTY, "penalty", "330000", "penalty", {}, NOW)
        await ledger.put_platform(platform, Intent("operator", "", NOW), lambda unrouted: None)
        intakes = [intake(number) for number in range(DOCUMENTS)]
        accepting.leaves = module
        began = time.process_time()
        for start in range(0, DOCUMENTS, TOGETHER):
            for receipt in await asyncio.gather(*map(ledger.accept, intakes[start : start + TOGETHER])):
                receipt.entries[0].acceptance.receipt()  # type: ignore[union-attr]
        took = time.process_time() - began
        accepting.leaves = leaves
        await ledger.stop()
    return took / DOCUMENTS * 1e6


def alone(step: Callable[[], object], times: int = 3000) -> float:
    """Give microseconds of processor time of a step, the best of several runs."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            step()
        best = min(best, (time.process_time() - began) / times * 1e6)
    return best


def sealed(count: int) -> None:
    """Write the receipts of a commit."""
    seals = Seals(KEY)
    for word in [receipts.word(bytes(32), bytes(32), seals) for _ in range(count)]:
        word.receipt()


async def main() -> None:
    """Print the costs."""
    message = intake(0).entries[0].message  # type: ignore[union-attr]
    gathered: Any = SimpleNamespace(leaves=[])
    steps = {
        "digest of what was received": alone(lambda: sha256(BODY).digest()),
        "statement, digest and hash of the leaf": alone(lambda: leaves.accepted(message, bytes(32), 0, 0)),
        "its row": alone(lambda: leaves.add(gathered, [leaves.Leaf("accepted", "m", b"", 0, b"")])),
        "a signature": alone(lambda: KEY.sign(bytes(50)), 300),
        f"a receipt, {TOGETHER} of a commit": alone(lambda: sealed(TOGETHER), 30) / TOGETHER,
    }
    for name, micros in steps.items():
        print(f"{name:45} {micros:6.1f} µs")
    ways = {"without leaves": (WITHOUT, None), "with leaves": (leaves, None), "and receipts": (leaves, KEY)}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            found[name].append(await kept(*way))
    base = statistics.median(found["without leaves"])
    for name, each in found.items():
        median = statistics.median(each)
        print(f"a document kept {name:29} {median:6.0f} µs  {median / base:5.2f}")


if __name__ == "__main__":
    asyncio.run(main())
