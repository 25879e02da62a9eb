"""Whoever changes the ledger behind the gateway's back is found out, and the first leaf that is wrong is named."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.audit import tree
from gateway.audit.leaf import leaf
from gateway.audit.signing import SigningKey, signed_head
from gateway.audit.verify import read_heads
from gateway.audit.witness import offer
from gateway.hub.evidence import shown_head
from gateway.ledger.records import AuditEntry
from gateway.ledger.sql import SqlLedger, leaves
from gateway.ledger.sql.tree_check import check_tree
from gateway.message import State
from gateway.sandbox.witness import WitnessDouble

KEY = SigningKey.new()


async def _filled(ledger: SqlLedger, small: Any) -> None:
    """A platform, six messages, the attempts of three, and a reading; a head after every two."""
    await small.start(ledger)
    for number in range(6):
        await ledger.accept(small.intake(f"m{number}", f"L{number}"))
        if number % 2:
            await ledger.sequence(100)
    claim = await ledger.claim(small.platform)
    for number in range(3):
        await ledger.begin(claim, f"m{number}/0", "penalty@1.0.0", small.request, small.now)
        settlement = small.settlement(f"m{number}/0", State.DELIVERED)
        await ledger.settle(claim, settlement)
    await ledger.note([AuditEntry(small.now, "wang-wei", "body.read", "m1")])
    await ledger.sequence(100, leaving=True)
    await ledger.stop()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, ledger_at: Callable[[Path], str], small: Any) -> Path:
    """A ledger with all of these, that nobody runs."""
    path = tmp_path_factory.mktemp("kept") / "ledger.db"
    asyncio.run(_filled(SqlLedger(ledger_at(path), key=KEY), small))
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def file(kept: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copyfile(kept, tmp_path / "ledger.db"))


def wrong(file: Path, *heads: Mapping[str, Any]) -> list[str]:
    """What is found of a ledger."""
    return list(check_tree(f"sqlite:///{file}", heads).wrong)


def change(file: Path, *statements: str) -> None:
    """Change a ledger as somebody does who has its file."""
    with closing(sqlite3.connect(file)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def newest(file: Path) -> dict[str, Any]:
    """The newest head, as a witness keeps it."""
    with closing(sqlite3.connect(file)) as database:
        [(origin,)] = database.execute("SELECT origin FROM tree").fetchall()
        size, root, at, _, _ = database.execute("SELECT * FROM tree_heads ORDER BY size DESC").fetchone()
    return shown_head(signed_head(KEY, origin, size, root, at), KEY.public)


def test_an_honest_ledger_holds(file: Path) -> None:
    """Its leaves, its heads and what they tell of, also beside a head that was kept elsewhere."""
    report = check_tree(f"sqlite:///{file}", [newest(file)])
    assert report.wrong == ()
    assert (report.leaves, report.heads, report.waiting) == (11, 4, 0)


PRUNING = (
    "INSERT INTO prunings (day, actor, type, what, until, count, size, at) "
    "VALUES ('2026-01-01', 'pruner', 'penalty.decided', 'messages', 0, 1000, 0, 0)"
)

TAMPERED = {
    "a message edited": (
        "UPDATE messages SET source = 'penalty.330000' WHERE id = 'm2'",
        "leaf 3 (accepted m2): the fact that it tells of was changed",
    ),
    "the bytes of a message replaced": (
        "UPDATE messages SET received = zeroblob(32) WHERE id = 'm4'",
        "leaf 5 (accepted m4): the fact that it tells of was changed",
    ),
    "a message deleted": (
        "DELETE FROM messages WHERE id = 'm3'",
        "leaf 4 (accepted m3): the fact that it tells of is missing",
    ),
    "a message added": (
        "INSERT INTO messages (id, type, source, operation, adapter, region, ordering_key, correlation_id, "
        "received_at, identity, digest, headers, body, record, received) SELECT 'm9', type, source, operation, "
        "adapter, region, ordering_key, correlation_id, received_at, identity, digest, headers, body, record, received "
        "FROM messages WHERE id = 'm1'",
        "message m9 has no leaf: it was not accepted as others are",
    ),
    "a deed rewritten": (
        "UPDATE audit SET actor = 'somebody' WHERE action = 'body.read'",
        "leaf 10 (done m1): the fact that it tells of was changed",
    ),
    "a deed deleted": (
        "DELETE FROM audit WHERE action = 'body.read'",
        "leaf 10 (done m1): the fact that it tells of is missing",
    ),
    "an attempt deleted": (
        "DELETE FROM attempts WHERE number = 1 AND delivery = (SELECT min(delivery) FROM attempts)",
        "leaf 7 (ended m0/0): the fact that it tells of was changed",
    ),
    "a deed deleted behind a pruning": (
        f"{PRUNING}; DELETE FROM audit WHERE action = 'body.read'",
        "leaf 10 (done m1): the fact that it tells of is missing",
    ),
    "attempts deleted behind a pruning": (
        f"{PRUNING}; DELETE FROM attempts; DELETE FROM requests; DELETE FROM deliveries",
        "leaf 7 (ended m0/0): the fact that it tells of is missing",
    ),
    "a message deleted as if it were a remnant": (
        "UPDATE messages SET body = -1, source = 'x' WHERE id = 'm2'",
        "leaf 3 (accepted m2): the fact that it tells of is missing",
    ),
    "a deed invented": (
        "INSERT INTO audit (subject, at, actor, action, reason, detail) SELECT 'm2', at, actor, action, reason, detail "
        "FROM audit WHERE action = 'body.read'",
        "entry 3 of the audit (body.read m2) has no leaf: it was not done, or not so, or not then",
    ),
    "a deed at another time": (
        "UPDATE audit SET at = at - 1 WHERE action = 'body.read'",
        "entry 2 of the audit (body.read m1) has no leaf: it was not done, or not so, or not then",
    ),
    "an attempt invented": (
        "INSERT INTO attempts (delivery, number, started_at, ended_at, verdict, reply) "
        "SELECT delivery, 2, started_at, ended_at + 1, verdict, reply FROM attempts LIMIT 1",
        "attempt 2 of delivery m0/0 has no leaf: it did not end, or not so, or not then",
    ),
    "a leaf edited": ("UPDATE leaves SET at = at + 1 WHERE number = 5", "leaf 5 (accepted m4) was changed"),
    "a leaf deleted": ("DELETE FROM leaves WHERE number = 4", "leaf 4 is missing"),
    "the last leaf deleted": (
        "DELETE FROM leaves WHERE number = 10",
        "leaf 10 is missing, and all after it: there were 11",
    ),
    "a head forged": (
        "UPDATE tree_heads SET root = zeroblob(32) WHERE size = 5",
        "the head of size 5 was not signed with a key of this ledger",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_changed_is_named(file: Path, what: str) -> None:
    """The first thing that is wrong is the one that was changed."""
    statement, told = TAMPERED[what]
    change(file, *statement.split("; "))
    assert wrong(file)[0] == told


def test_leaves_in_another_order(file: Path) -> None:
    """Each of them is as it was, but not where it was: the head after them says so."""
    change(
        file,
        "UPDATE leaves SET number = 99 WHERE number = 3",
        "UPDATE leaves SET number = 3 WHERE number = 4",
        "UPDATE leaves SET number = 4 WHERE number = 99",
    )
    assert wrong(file)[0].startswith("leaves 3 to 4: one of them is not what it was when the head of size 5")


def rewritten(file: Path, key: SigningKey = KEY) -> None:
    """Do what somebody can who has the database and a key: forget the third message, and sign a new past."""
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT kind, subject, digest, at FROM leaves ORDER BY number").fetchall()
        [(origin,)] = database.execute("SELECT origin FROM tree").fetchall()
        made = [leaf(*row) for row in rows if not row[1].startswith("m2")]
        database.execute("DELETE FROM attempts WHERE delivery = (SELECT position FROM deliveries WHERE id = 'm2/0')")
        database.execute("DELETE FROM messages WHERE id = 'm2'")
        database.execute("UPDATE signing_keys SET id = ?, public = ?", (key.id, key.public))
        for table in ("leaves", "tree_heads", "tree_nodes"):
            database.execute(f"DELETE FROM {table}")
        database.executemany(
            "INSERT INTO leaves (number, hash, kind, subject, digest, at) VALUES (?, ?, ?, ?, ?, ?)",
            [(at, one.hash, one.kind, one.subject, one.digest, one.at) for at, one in enumerate(made)],
        )
        frontier, _ = tree.extended(tree.Frontier(), [one.hash for one in made])
        head = signed_head(key, origin, frontier.size, tree.root(frontier), 5)
        database.execute(
            "INSERT INTO tree_heads VALUES (?, ?, ?, ?, ?)",
            (head.size, head.root, head.at, head.key_id, head.signature),
        )
        database.execute("UPDATE tree SET size = ?, edge = ?", (frontier.size, b"".join(frontier.hashes)))
        database.commit()


def test_who_has_the_key_is_found_by_a_witness(file: Path) -> None:
    """A past that was rewritten whole holds by itself; a head that was kept elsewhere contradicts it."""
    seen = newest(file)
    rewritten(file)
    assert wrong(file) == []
    assert wrong(file, seen) == ["leaf 9 is missing, and all after it: there were 11"]


def test_who_has_a_key_of_his_own_is_found_by_its_id(file: Path) -> None:
    """Whoever has the database, but not the key: a past that he signs himself is not the gateway's."""
    trusted = [KEY.id, "0123456789abcdef"]
    assert check_tree(f"sqlite:///{file}", key_ids=trusted).wrong == ()
    other = SigningKey.new()
    rewritten(file, other)
    report = check_tree(f"sqlite:///{file}", key_ids=trusted)
    assert report.wrong == (f"heads were signed with the key {other.id}, which is none of those that are trusted",)
    assert report.keys == (other.id,)
    change(file, "DELETE FROM tree_heads")
    assert check_tree(f"sqlite:///{file}", key_ids=trusted).wrong == ("there are leaves, and no head was ever signed",)


def test_what_says_that_it_is_older_than_the_tree(file: Path) -> None:
    """Nothing proves it, and that is counted; after anything that has a leaf it cannot be."""
    change(
        file,
        "INSERT INTO audit (seq, subject, at, actor, action, reason, detail) "
        "VALUES (-1, 'm1', 5, 'x', 'body.read', '', '{}')",
    )
    report = check_tree(f"sqlite:///{file}")
    assert (report.wrong, report.before) == ((), 1)
    change(file, "UPDATE audit SET seq = 99 WHERE seq = -1")
    assert wrong(file) == [
        "entry 99 of the audit (body.read m1) has no leaf: it was not done, or not so, or not then",
    ]


def test_a_restored_backup_is_found_by_a_witness(file: Path, kept: Path) -> None:
    """It holds by itself, and ends before what was seen."""
    seen = newest(file)
    change(
        file,
        "DELETE FROM leaves WHERE number >= 5",
        "DELETE FROM tree_heads WHERE size > 5",
        "DELETE FROM messages WHERE id IN ('m4', 'm5')",
        "DELETE FROM audit WHERE action = 'body.read'",
        "DELETE FROM attempts",
    )
    older = tree.extended(tree.Frontier(), leaf_hashes(file))[0]
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE tree SET size = 5, edge = ?", (b"".join(older.hashes),))
        database.commit()
    assert wrong(file) == []
    assert wrong(file, seen) == ["leaf 5 is missing, and all after it: there were 11"]


def _forget_a_message(file: Path, rows: list[Any]) -> list[Any]:
    change(
        file,
        "DELETE FROM attempts WHERE delivery = (SELECT position FROM deliveries WHERE id = 'm2/0')",
        "DELETE FROM messages WHERE id = 'm2'",
    )
    return [row for row in rows if not row[1].startswith("m2")]


def _blame_another(file: Path, rows: list[Any]) -> list[Any]:
    change(file, "UPDATE audit SET actor = 'somebody' WHERE action = 'body.read'")
    at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=rows[-1][3])
    made = leaves.done(AuditEntry(at, "somebody", "body.read", "m1"))
    return [*rows[:-1], (made.kind, made.subject, made.digest, made.at)]


def _swap(file: Path, rows: list[Any]) -> list[Any]:
    return [*rows[:3], rows[4], rows[3], *rows[5:]]


def _cut_off(file: Path, rows: list[Any]) -> list[Any]:
    change(file, "DELETE FROM audit WHERE action = 'body.read'")
    return rows[:-1]


def _restore(file: Path, rows: list[Any]) -> list[Any]:
    change(
        file,
        "DELETE FROM messages WHERE id IN ('m4', 'm5')",
        "DELETE FROM audit WHERE action = 'body.read'",
        "DELETE FROM attempts",
    )
    return rows[:5]


NEW_PASTS: Mapping[str, tuple[Callable[[Path, list[Any]], list[Any]], str]] = {
    "deleted": (_forget_a_message, "leaves 3 to 4: one of them is not what it was when the head of size 5"),
    "edited": (_blame_another, "leaves 7 to 10: one of them is not what it was when the head of size 11"),
    "in another order": (_swap, "leaves 3 to 4: one of them is not what it was when the head of size 5"),
    "cut off": (_cut_off, "leaf 10 is missing, and all after it: there were 11"),
    "restored": (_restore, "leaf 5 is missing, and all after it: there were 11"),
}
"""What somebody does who has the database and the signing key, and what the witness's file tells of it first."""


@pytest.mark.parametrize("what", NEW_PASTS)
def test_a_new_past_with_the_real_key_is_found_by_a_witness(file: Path, what: str) -> None:
    """The whole tree is made again and every head signed anew: it holds by itself, and not beside what was kept.

    The file is what the witness wrote down of the offers: a line each.
    """
    make, told = NEW_PASTS[what]
    kept = asyncio.run(_offered(file))
    assert wrong(file, *kept) == []
    signed_anew(file, make)
    assert wrong(file) == []
    assert wrong(file, *kept)[0].startswith(told)


def test_a_witness_takes_no_new_past(file: Path) -> None:
    """One that compares what it is offered with what it has finds out at once, and keeps what it had."""
    witness = WitnessDouble(lambda: datetime(2030, 1, 1, tzinfo=UTC))
    asyncio.run(_offered(file, witness))
    before = witness.heads()
    signed_anew(file, _blame_another)
    asyncio.run(_grown(file))
    answers = asyncio.run(_answers(file, witness))
    assert answers[-1][0] == 422
    assert witness.heads() == before


async def _grown(file: Path) -> None:
    ledger = SqlLedger(f"sqlite:///{file}", key=KEY)
    await ledger.start()
    await ledger.note([AuditEntry(datetime(2030, 1, 1, tzinfo=UTC), "wang-wei", "body.read", "m3")])
    await ledger.sequence(100)
    await ledger.stop()


async def _answers(file: Path, witness: WitnessDouble) -> list[tuple[int, Any]]:
    """Offer a witness what continues the newest head that it has, and give its answers."""
    ledger = SqlLedger(f"sqlite:///{file}", key=KEY)
    await ledger.start()
    answers, had = [], witness.size
    for head in await ledger.signed_heads(had + 1):
        proof = await ledger.prove_consistency(had, head.size)
        answers.append(witness.take(offer(shown_head(head, KEY.public), had, proof.path)))
        had = witness.size
    await ledger.stop()
    return answers


async def _offered(file: Path, witness: WitnessDouble | None = None) -> list[Any]:
    """Offer a witness every head, and give those of the file that it keeps."""
    keeping = witness or WitnessDouble(lambda: datetime(2030, 1, 1, tzinfo=UTC))
    assert {status for status, _ in await _answers(file, keeping)} == {200}
    return read_heads(keeping.heads().decode())


def signed_anew(file: Path, make: Callable[[Path, list[Any]], list[Any]]) -> None:
    """Change the facts, make the whole tree again, and sign each of its heads with the real key."""
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT kind, subject, digest, at FROM leaves ORDER BY number").fetchall()
        sizes = [size for (size,) in database.execute("SELECT size FROM tree_heads ORDER BY size")]
        [(origin,)] = database.execute("SELECT origin FROM tree").fetchall()
    made = [leaf(*row) for row in make(file, rows)]
    with closing(sqlite3.connect(file)) as database:
        for table in ("leaves", "tree_heads", "tree_nodes"):
            database.execute(f"DELETE FROM {table}")
        database.executemany(
            "INSERT INTO leaves (number, hash, kind, subject, digest, at) VALUES (?, ?, ?, ?, ?, ?)",
            [(at, one.hash, one.kind, one.subject, one.digest, one.at) for at, one in enumerate(made)],
        )
        for size in sorted({*(size for size in sizes if size < len(made)), len(made)}):
            frontier, _ = tree.extended(tree.Frontier(), [one.hash for one in made[:size]])
            head = signed_head(KEY, origin, size, tree.root(frontier), size)
            database.execute(
                "INSERT INTO tree_heads VALUES (?, ?, ?, ?, ?)", (size, head.root, head.at, KEY.id, head.signature)
            )
        database.execute("UPDATE tree SET size = ?, edge = ?", (len(made), b"".join(frontier.hashes)))
        database.commit()


def leaf_hashes(file: Path) -> list[bytes]:
    """The hashes of a ledger's leaves."""
    with closing(sqlite3.connect(file)) as database:
        return [hash for (hash,) in database.execute("SELECT hash FROM leaves ORDER BY number")]


def test_a_head_that_is_none(file: Path) -> None:
    """Of another ledger, or signed by nobody: that is told, and proves nothing."""
    other = shown_head(signed_head(KEY, "hutong/other", 3, b"\x00" * 32, 1), KEY.public)
    assert wrong(file, other) == ["the head of size 3 that was kept elsewhere is of another ledger"]
    assert wrong(file, {**newest(file), "size": 7}) == ["the head of size 7 that was kept elsewhere is not signed"]
