"""What the ledger in PostgreSQL does in its own way: tables, faults of the server, texts, locks and deadlines."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from msgspec.structs import replace
from postgres_server import PostgresServer

from gateway.errors import HutongError, Unavailable
from gateway.ledger.records import Accepted, MessageFilter
from gateway.ledger.sql import SqlLedger
from gateway.ledger.sql.engines.postgresql import PostgreSQLEngine
from gateway.ledger.sql.store import Searcher
from gateway.ledger.sql.tables import RULES, metadata

pytestmark = pytest.mark.postgresql


@pytest.fixture
async def ledger(postgres_address: str, small: Any) -> AsyncIterator[SqlLedger]:
    """A ledger in PostgreSQL, started."""
    started = await small.start(SqlLedger(postgres_address))
    yield started
    await started.stop()


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A server that may be stopped and killed, and syncs what it commits."""
    with PostgresServer(durable=True) as server:
        yield server


# ── tables ────────────────────────────────────────────────────────────────────────────────────
def test_migrations_make_the_tables(postgres_address: str) -> None:
    """The tables that PostgreSQL begins with, and the migrations since, are those that the code speaks to."""
    engine = sa.create_engine(postgres_address)
    made = sa.MetaData()
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        made.reflect(connection)
        checks = sa.inspect(connection).get_check_constraints("deliveries")
    engine.dispose()
    for name, table in metadata.tables.items():
        found = {index.name: (tuple(index.columns.keys()), index.unique) for index in made.tables[name].indexes}
        assert found == {index.name: (tuple(index.columns.keys()), bool(index.unique)) for index in table.indexes}
        keys = [(column.name, column.nullable) for column in made.tables[name].columns]
        assert sorted(keys) == sorted((column.name, column.nullable) for column in table.columns)
    assert {check["name"] for check in checks} == set(RULES)


def test_indexes_hold_the_same_rows(postgres_address: str) -> None:
    """The conditions of partial indexes are those that are declared."""
    engine = sa.create_engine(postgres_address)
    with engine.connect() as connection:
        found = dict(
            map(
                tuple,
                connection.exec_driver_sql(
                    "SELECT c.relname, pg_get_expr(i.indpred, i.indrelid) FROM pg_index i "
                    "JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indpred IS NOT NULL"
                ),
            )
        )
    engine.dispose()
    declared = {
        index.name
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["postgresql"]["where"] is not None
    }
    assert set(found) == declared
    assert found["lane_head"] == "(head IS TRUE)"


async def test_two_start_at_once(postgres: PostgresServer) -> None:
    """Processes that start together on an empty database make its tables once."""
    address = postgres.database()
    ledgers = [SqlLedger(address) for _ in range(3)]
    await asyncio.gather(*(each.start() for each in ledgers))
    assert [(await each.registry()).revision for each in ledgers] == [1, 1, 1]
    await asyncio.gather(*(each.stop() for each in ledgers))
    postgres.drop(address)


async def test_newer_schema(postgres: PostgresServer) -> None:
    """A database that a newer gateway has changed is left alone, and said to be so."""
    address = postgres.database()
    ledger = SqlLedger(address)
    await ledger.start()
    await ledger.stop()
    with postgres.connected(address) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(HutongError, match="9999") as error:
        await SqlLedger(address).start()
    assert error.value.code == "ledger.newer"
    postgres.drop(address)


async def test_other_encoding(postgres: PostgresServer) -> None:
    """A database in another encoding is refused, and it is said how to make one."""
    with postgres.connected() as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(HutongError, match="TEMPLATE template0") as error:
        await SqlLedger(postgres.url("latin")).start()
    assert error.value.code == "ledger.encoding"
    postgres.drop(postgres.url("latin"))


# ── texts ─────────────────────────────────────────────────────────────────────────────────────
async def test_text_with_nul(ledger: Any, small: Any) -> None:
    """U+0000 anywhere in a text breaks nothing: it is kept as its symbol, and found by either."""
    draft = small.draft("m1", document={"name": "a\x00b"}, keys={"case_number": "C\x001"}, identity="i\x00")
    package = small.package(replace(draft, numbers={"case_number": "C\x001"}))
    assert [each.duplicate for _ in range(2) for each in (await ledger.accept(package)).entries] == [False, True]
    assert (await ledger.message("m1")).document == {"name": "a\x00b"}
    for word in ("C\x001", "C␀1"):
        assert [each.id for each in (await ledger.find_messages(MessageFilter(case_number=word))).items] == ["m1"]
    assert await ledger.recall(small.platform, {"case_number": "C\x001"})
    await ledger.hold("m1/0", replace(small.intent, reason="why\x00"))
    assert (await ledger.audit("m1/0"))[0].reason == "why␀"
    assert await ledger.message("no\x00body") is None


async def test_long_identity(ledger: Any, small: Any) -> None:
    """An identity of any length is kept, and known again."""
    identity = "".join(map(chr, random.Random(1).sample(range(0x4E00, 0x9FA5), 6000)))
    for name, duplicate in (("m1", False), ("m2", True)):
        [entry] = (await ledger.accept(small.intake(name, identity=identity, digest="d"))).entries
        assert isinstance(entry, Accepted)
        assert entry.duplicate is duplicate


async def test_texts_in_arrays(ledger: Any, small: Any) -> None:
    """Whatever a word is written with, it is looked up as it is."""
    words = ['"', "\\", "{a,b}", "NULL", "", "'; --", "%s", "张三 ", "a\nb"]
    await ledger.accept(small.package(*(small.draft(f"m{i}", lane=word) for i, word in enumerate(words))))
    assert len(await small.heads(ledger)) == len(words)
    again = await ledger.accept(small.package(*(small.draft(f"m{i}", lane=word) for i, word in enumerate(words))))
    assert all(each.duplicate for each in again.entries)


# ── the server's faults ───────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_server_restarts(own_server: PostgresServer, small: Any, how: signal.Signals) -> None:
    """A restart, or a crash, between two calls is noticed by nobody; while it is down, everybody is told."""
    address = own_server.database()
    ledger = await small.start(SqlLedger(address))
    await ledger.accept(small.intake("m1"))
    await ledger.find_messages(MessageFilter())
    own_server.stop(how)
    for call in (ledger.accept(small.intake("m2")), ledger.message("m1"), ledger.backlog(), ledger.check()):
        with pytest.raises(Unavailable) as error:
            await call
        assert error.value.code == "ledger.unreachable"
    own_server.start()
    await ledger.accept(small.intake("m3"))
    assert len((await ledger.find_messages(MessageFilter())).items) == 2
    assert (await ledger.message("m1")).id == "m1"
    own_server.stop(how)
    own_server.start()
    await ledger.accept(small.intake("m4"))
    assert (await ledger.message("m1")).id == "m1"
    assert len((await ledger.find_messages(MessageFilter())).items) == 3
    await ledger.stop()
    own_server.drop(address)


async def test_session_is_ended(postgres: PostgresServer, ledger: Any, small: Any) -> None:
    """A session that the server ends in the middle of reading is made anew."""
    await ledger.message("m1")
    with postgres.connected() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hutong reader'"
        )
    assert await ledger.message("m1") is None
    assert not (await ledger.find_messages(MessageFilter())).items


async def test_read_only(postgres: PostgresServer, postgres_address: str, small: Any) -> None:
    """A standby, or a database that is set to be read only, is said to be so."""
    ledger = await small.start(SqlLedger(postgres_address))
    name = postgres_address.rpartition("/")[2]
    with postgres.connected() as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'hutong%'"
        )
        with pytest.raises(Unavailable, match="standby") as error:
            await ledger.accept(small.intake("m1"))
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert error.value.code == "ledger.read-only"
    await ledger.stop()


async def test_wrong_password_or_database(postgres: PostgresServer) -> None:
    """Who may not come in is told what to look at, and never the password."""
    for address in (postgres.url("nowhere"), postgres.url("postgres").replace("hutong@", "nobody:secret@")):
        with pytest.raises(Unavailable) as error:
            await SqlLedger(address).start()
        assert error.value.code in ("ledger.refused", "ledger.unreachable")
        assert "secret" not in str(error.value.detail)


# ── locks and deadlines ───────────────────────────────────────────────────────────────────────
async def test_lock_that_is_held_too_long(postgres: PostgresServer, postgres_address: str, small: Any) -> None:
    """Who waits for another's lock longer than its patience is told; nothing of it is kept, and it may ask again."""
    ledger = await small.start(SqlLedger(postgres_address, patience=0.05))
    holding = sa.create_engine(postgres_address)
    with holding.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unavailable, match="pg_stat_activity") as error:
            await ledger.accept(small.intake("m1"))
        assert error.value.code == "ledger.locked"
    holding.dispose()
    [entry] = (await ledger.accept(small.intake("m1"))).entries
    assert entry.duplicate is False
    await ledger.stop()


async def test_deadlock_is_tried_again(postgres_address: str, small: Any) -> None:
    """A transaction that the database gave up for another's sake is done again, and nobody hears of it."""
    ledger = await small.start(SqlLedger(postgres_address))
    tries: list[int] = []
    writing = ledger._store._engine.writing

    def give_way(connection: sa.Connection) -> None:
        tries.append(1)
        if len(tries) < 3:
            connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'gave way' USING ERRCODE = '40P01'; END $$")

    sa.event.listen(writing, "commit", give_way)
    [entry] = (await ledger.accept(small.intake("m1"))).entries
    assert (entry.duplicate, len(tries)) == (False, 3)
    await ledger.stop()


async def test_many_keys(ledger: Any, small: Any) -> None:
    """What would lock more than a transaction may is kept all the same: in parts, and a large package alone."""
    intakes = (small.package(*(small.draft(f"m{n}-{i}", lane=f"L{n}-{i}") for i in range(9))) for n in range(200))
    receipts = await asyncio.gather(*(ledger.accept(each) for each in intakes))
    large = await ledger.accept(small.package(*(small.draft(f"x{i}", lane=f"X{i}") for i in range(700))))
    assert sum(len(each.entries) for each in (*receipts, large)) == 2500
    assert [each.count for each in await ledger.backlog()] == [2500]


def test_search_that_takes_too_long(postgres_address: str) -> None:
    """A search is stopped at its deadline, and the next one has its own time."""
    engine = PostgreSQLEngine(postgres_address, patience=1)
    engine.open(1)
    searcher = Searcher(engine, lambda: 0.0, 0.05)
    with pytest.raises(Unavailable) as error:
        searcher.run(lambda connection: connection.exec_driver_sql("SELECT pg_sleep(60)"), searcher.deadline())
    assert error.value.code == "search.too-slow"
    assert searcher.run(lambda connection: connection.exec_driver_sql("SELECT 1").scalar(), searcher.deadline()) == 1
    engine.close()


def test_readers_cannot_write_and_commits_are_synced(postgres_address: str) -> None:
    """A reader's connection refuses to write and sees one moment; a writer's waits for the disk."""
    engine = PostgreSQLEngine(postgres_address, patience=1)
    engine.open(1)
    with engine.reading.connect() as connection, pytest.raises(sa.exc.InternalError, match="read-only"):
        connection.exec_driver_sql("DELETE FROM messages")
    with engine.reading.connect() as connection:
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "repeatable read"
    with engine.writing.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
        assert connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar() == "3s"
    engine.close()


# ── durability ────────────────────────────────────────────────────────────────────────────────
CHILD = dedent(
    f"""
    import asyncio, sys
    sys.path[:0] = [{str(Path(__file__).parent)!r}]
    from gateway.ledger.sql import SqlLedger
    from conftest import Small

    async def main():
        small = Small()
        ledger = await small.start(SqlLedger(sys.argv[1]))
        for i in range(100_000):
            name = f"{{sys.argv[2]}}-{{i}}"
            await ledger.accept(small.intake(name, lane=f"L{{i % 7}}"))
            print(name, flush=True)

    asyncio.run(main())
    """
)


async def test_killed_with_its_server(own_server: PostgresServer, small: Any) -> None:
    """What was answered is there after gateway and server were killed in the middle of it, and nothing is half."""
    address = own_server.database()
    answered: list[str] = []
    for run in range(3):
        command = [sys.executable, "-c", CHILD, address, str(run)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        answered += [line.strip() for line, _ in zip(child.stdout, range(25), strict=False)]
        own_server.stop(signal.SIGKILL)
        child.kill()
        answered += [line.strip() for line in child.stdout.readlines() if line.endswith("\n")]
        child.stdout.close()
        child.wait()
        own_server.start()
    ledger = await small.start(SqlLedger(address))
    assert len(answered) >= 75
    for name in answered:
        assert (await ledger.native(name)).body == name.encode()
    assert len(await small.heads(ledger)) == 7
    await ledger.stop()
    with own_server.connected(address) as connection:
        [kept] = connection.execute(
            "SELECT (SELECT count(*) FROM deliveries), (SELECT sum(count) FROM counts)"
        ).fetchall()
    assert kept[0] == kept[1] >= len(answered)
    own_server.drop(address)
