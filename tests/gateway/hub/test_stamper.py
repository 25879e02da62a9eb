"""Heads are stamped by a real authority (openssl), off the path of everything else; what does not hold is not kept."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tsa_server import TimeStampAuthority, time_stamp_authority

from gateway.audit.signatures import head_text
from gateway.audit.signing import SigningKey, signed_head
from gateway.audit.stamps import StampFault, read_roots, stamped_at
from gateway.delivery.sender import Sender
from gateway.hub.stamper import Stamper
from gateway.ledger.records import AuditEntry
from gateway.ledger.sql import SqlLedger
from gateway.ledger.sql.tree_check import check_tree

HOUR = timedelta(hours=1)
KEY = SigningKey.new()


@dataclass
class Office:
    """A ledger whose heads an authority stamps."""

    ledger: SqlLedger
    path: Path
    authority: TimeStampAuthority
    sender: Sender
    now: datetime

    def __post_init__(self) -> None:
        self.stamper = self.asking(self.authority.url)

    def asking(self, url: str, patience: timedelta = timedelta(seconds=30)) -> Stamper:
        """What asks an authority at an address."""
        return Stamper(self.ledger, url, self.roots, self.sender, lambda: self.now, every=HOUR, patience=patience)

    @property
    def roots(self) -> Any:
        return read_roots(self.authority.ca.read_bytes())

    async def happen(self, minutes: int = 0) -> None:
        """Let time pass, and something be done that a head covers; then look."""
        self.now += timedelta(minutes=minutes)
        await self.ledger.note([AuditEntry(self.now, "wang-wei", "body.read", "m1")])
        await self.ledger.sequence(100)
        await self.stamper.look()

    async def stamped(self) -> list[int]:
        """The sizes of the heads that are stamped."""
        return [one.size for one in await self.ledger.stamps()]


@pytest.fixture
async def office(tmp_path: Path, ledger_at: Callable[[Path], str]) -> AsyncIterator[Office]:
    """An authority that answers, and a ledger that signs."""
    path = tmp_path / "hub.db"
    ledger = SqlLedger(ledger_at(path), key=KEY)
    await ledger.start()
    sender = Sender(allow={"http", "loopback"})
    async with time_stamp_authority(tmp_path) as authority:
        yield Office(ledger, path, authority, sender, datetime.now(UTC))
        await sender.close()
    await ledger.stop()


async def test_a_head_is_stamped_at_its_pace_and_verified_offline(office: Office) -> None:
    """The first at once, then at most one an hour; the answers hold by the certificates that are given."""
    await office.happen()
    await office.happen(1)
    assert await office.stamped() == [1]
    await office.happen(60)
    assert await office.stamped() == [1, 3]
    assert office.stamper.behind_seconds(office.now) == 0
    [first, _] = await office.ledger.stamps()
    [head, *_] = await office.ledger.signed_heads()
    text = head_text(head.origin, head.size, head.root, head.at)
    assert stamped_at(first.answer, text, office.roots) == first.at
    assert abs(first.at - datetime.now(UTC)) < timedelta(minutes=10)
    with pytest.raises(StampFault, match="something else"):
        stamped_at(first.answer, text + b"\n", office.roots)
    report = check_tree(f"sqlite:///{office.path}", roots=office.roots)
    assert (report.wrong, report.stamps) == ((), 2)


async def test_who_signs_a_head_anew_has_no_stamp_for_it(office: Office) -> None:
    """With the real key the new head holds, and its time-stamp is of another."""
    await office.happen()
    with closing(sqlite3.connect(office.path)) as database:
        [(origin, root)] = database.execute("SELECT origin, root FROM tree, tree_heads").fetchall()
        forged = signed_head(KEY, origin, 1, root, 5)
        database.execute("UPDATE tree_heads SET at = 5, signature = ?", (forged.signature,))
        database.commit()
    assert check_tree(f"sqlite:///{office.path}").wrong == ()
    found = check_tree(f"sqlite:///{office.path}", roots=office.roots).wrong
    assert found == ("the time-stamp of the head of size 1: it is of something else",)


async def test_what_does_not_hold_is_not_kept(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Of another head, of an earlier request, of a certificate that had expired, broken, or refused."""
    await office.happen()
    earlier = office.authority.answers[0]
    for instead, signer, told in (
        (earlier, "good", "its nonce is another"),
        (b"\x30\x00", "good", "ASN.1"),
        (None, "expired", "certificate has expired"),
    ):
        office.authority.instead, office.authority.signer = instead, signer
        await office.happen(120)
        assert told in caplog.text
        assert await office.stamped() == [1]
    assert office.stamper.behind_seconds(office.now) > 0


async def test_an_answer_to_the_same_request_about_something_else(office: Office) -> None:
    """The nonce is right, the imprint is not."""
    await office.happen()
    query = bytearray(office.authority.asked[0])
    at = query.index(b"\x04\x20") + 2
    query[at] ^= 1
    office.authority.instead = await office.authority.reply(bytes(query))
    [head] = await office.ledger.signed_heads()
    text = head_text(head.origin, head.size, head.root, head.at)
    with pytest.raises(StampFault, match="something else"):
        stamped_at(office.authority.instead, text, office.roots)


async def test_who_is_not_believed(office: Office, tmp_path: Path) -> None:
    """A stamp of another authority does not hold by these certificates."""
    await office.happen()
    [kept] = await office.ledger.stamps()
    (tmp_path / "other").mkdir()
    other = TimeStampAuthority(tmp_path / "other")
    [head] = await office.ledger.signed_heads()
    text = head_text(head.origin, head.size, head.root, head.at)
    with pytest.raises(StampFault, match="verif"):
        stamped_at(kept.answer, text, read_roots(other.ca.read_bytes()))


async def test_an_authority_that_is_away_or_slow_is_asked_again(office: Office) -> None:
    """A minute later; nothing is kept meanwhile, and how late it is is told."""
    office.stamper = office.asking("http://127.0.0.1:9/")
    await office.happen()
    assert await office.stamped() == []
    office.stamper = office.asking(office.authority.url, timedelta(seconds=0.2))
    office.authority.slow.clear()
    await office.happen()
    assert await office.stamped() == []
    office.authority.slow.set()
    office.stamper._patience = timedelta(seconds=30)
    await office.happen()
    assert await office.stamped() == []
    await office.happen(1)
    assert await office.stamped() == [4]
