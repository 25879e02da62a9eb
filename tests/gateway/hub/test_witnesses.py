"""Heads are offered to platforms that keep them, over a real connection: at a pace, and again after failures."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters import bundled
from adapters.adapter import load
from gateway.audit.signatures import is_signed, witness_text
from gateway.audit.signing import SigningKey
from gateway.audit.verify import read_heads
from gateway.delivery.authorised import AuthorisedSender
from gateway.delivery.sender import Sender
from gateway.hub.witnesses import Failing, Witnesses, failed_again, is_due
from gateway.ledger.records import AuditEntry, Hold, Platform, Witnessed
from gateway.ledger.sql import SqlLedger
from gateway.ledger.sql.tree_check import check_tree
from gateway.message import HeldBy
from gateway.sandbox import Double, running

HOUR = timedelta(hours=1)
START = datetime(2030, 1, 1, tzinfo=UTC)
ID = "penalty.330000"


@dataclass
class Town:
    """A ledger, its witnesses, and a double that is one of them."""

    ledger: SqlLedger
    url: str
    double: Double
    adapter: Any
    platforms: dict[str, Platform] = field(default_factory=dict)
    now: datetime = START

    def __post_init__(self) -> None:
        self.sender = Sender(allow={"http", "loopback"})
        authorised = AuthorisedSender(self.sender, lambda: self.now)
        self.witnesses = Witnesses(
            self.ledger,
            self.platforms,
            lambda _: self.adapter,
            authorised,
            lambda: self.now,
            every=HOUR,
        )

    def register(self, id: str = ID, base_url: str = "", **settings: str) -> None:
        """Have a platform be a witness."""
        said = {"base_url": base_url or self.url, "witness": "/_double/heads", **settings}
        self.platforms[id] = Platform(id, "penalty", "330000", "penalty", said, START)

    async def happen(self, minutes: int = 0) -> None:
        """Let time pass, and something be done that a head covers; then look."""
        self.now += timedelta(minutes=minutes)
        await self.ledger.note([AuditEntry(self.now, "wang-wei", "body.read", "m1")])
        await self.ledger.sequence(100)
        await self.witnesses.look()

    async def taken(self) -> list[tuple[str, int]]:
        """Who has a head of which size, as the ledger keeps it."""
        return [(one.platform, one.size) for one in await self.ledger.witnessed(list(self.platforms), 1000)]

    def offered(self) -> list[int]:
        """The sizes of the heads that the double keeps."""
        return [head["size"] for head in read_heads(self.double.witness.heads().decode())]


@pytest.fixture
async def town(tmp_path: Path, ledger_at: Callable[[Path], str], plain: Any) -> AsyncIterator[Town]:
    """A ledger that signs, and a double at an address."""
    ledger = SqlLedger(ledger_at(tmp_path / "hub.db"), key=SigningKey.new())
    await ledger.start()
    double = Double(load(bundled()["penalty"]))
    async with running(double) as url:
        made = Town(ledger, url, double, plain)
        yield made
        await made.sender.close()
    await ledger.stop()


async def test_a_witness_is_offered_each_new_head_at_its_pace(town: Town) -> None:
    """The first at once, then at most one an hour, each with the proof that it continues the one before."""
    town.register()
    await town.happen()
    await town.happen(30)
    assert town.offered() == [1]
    await town.happen(30)
    await town.witnesses.look()
    assert town.offered() == [1, 3]
    assert await town.taken() == [(ID, 3)]
    assert town.witnesses.behind_seconds(town.now) == 0


async def test_what_it_keeps_catches_who_rewrote_the_past(town: Town, tmp_path: Path) -> None:
    """Its file is what `hutong audit verify --heads` reads."""
    town.register()
    await town.happen()
    await town.happen(60)
    heads = read_heads(town.double.witness.heads().decode())
    assert check_tree(f"sqlite:///{tmp_path / 'hub.db'}", heads).wrong == ()
    other = SqlLedger(f"sqlite:///{tmp_path / 'other.db'}", key=SigningKey.new())
    await other.start()
    await other.stop()
    assert check_tree(f"sqlite:///{tmp_path / 'other.db'}", heads).wrong != ()


async def test_its_countersignature_is_kept(town: Town) -> None:
    """With the key that was registered it must be its own; without a key any answer counts as a receipt."""
    town.register(witness_key=town.double.witness.key.public.hex())
    await town.happen()
    [kept] = await town.ledger.witnessed([ID], 1)
    [head] = read_heads(town.double.witness.heads().decode())
    public = bytes.fromhex(kept.key)
    assert is_signed(public, bytes.fromhex(kept.signature), witness_text(head, kept.signed_at))
    assert json.loads(kept.answer)["at"] == kept.signed_at
    assert kept.at == town.now


async def test_what_somebody_else_signed_does_not_count(town: Town) -> None:
    """Whoever answers in the witness's place has not its key."""
    town.register(witness_key=SigningKey.new().public.hex())
    await town.happen()
    assert await town.taken() == []


async def test_one_that_fails_is_offered_it_again_and_holds_up_nobody(town: Town) -> None:
    """After a minute, then two: the other has its head at once. How long it is late is told."""
    town.register()
    town.register("permit.330000", base_url="http://127.0.0.1:9")
    await town.happen()
    assert await town.taken() == [(ID, 1)]
    assert town.witnesses.behind_seconds(town.now) == 0
    town.double.misbehave(status=503)
    await town.happen(60)
    await town.witnesses.look()
    assert town.offered() == [1]
    assert town.witnesses.behind_seconds(town.now) == 3600
    town.double.misbehave()
    town.platforms.pop("permit.330000")
    await town.happen(1)
    assert town.offered() == [1, 3]
    assert town.witnesses.behind_seconds(town.now) == 0


async def test_one_that_has_another_head_says_so(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """An older one: it is proved from there. A later one than this ledger has: somebody cut the past off."""
    town.register()
    await town.happen()
    town.double.witness._newest = {"size": 0, "root": ""}
    await town.happen(60)
    assert await town.taken() == [(ID, 2)]
    town.double.witness._newest = {"size": 9, "root": ""}
    await town.happen(60)
    assert await town.taken() == [(ID, 2)]
    assert f"the witness {ID} has a head of size 9, this ledger 3" in caplog.text


async def test_who_is_left_alone(town: Town) -> None:
    """Platforms that are no witnesses, that fetch, or that an operator paused."""
    town.register()
    there = town.platforms[ID]
    for one in (
        Platform(ID, "penalty", "330000", "penalty", {"base_url": town.url}, START),
        Platform(ID, "penalty", "330000", "penalty", there.settings, START, mode="pull"),
        Platform(ID, "penalty", "330000", "penalty", there.settings, START, holds=(Hold(HeldBy.PAUSED, START, ""),)),
    ):
        town.platforms[ID] = one
        await town.happen(60)
    assert town.offered() == []


def test_when_a_head_is_due() -> None:
    """New to it, an hour after the last, and not while it is left alone after a failure."""
    taken = Witnessed(ID, 5, b"", START, "")
    assert is_due(None, None, 1, START, HOUR)
    assert not is_due(taken, None, 5, START + 2 * HOUR, HOUR)
    assert not is_due(taken, None, 6, START + HOUR / 2, HOUR)
    assert is_due(taken, None, 6, START + HOUR, HOUR)
    assert not is_due(taken, Failing(1, START + 2 * HOUR), 6, START + HOUR, HOUR)


def test_it_waits_longer_after_each_failure() -> None:
    """Twice as long each time, never longer than an hour."""
    waits, failing = [], None
    for _ in range(9):
        failing = failed_again(failing, START, HOUR)
        waits.append((failing.until - START).total_seconds() / 60)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
