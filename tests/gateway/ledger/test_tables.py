from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gateway.ledger.sql.codecs import pack_json
from gateway.ledger.sql.engines import sqlite as database
from gateway.ledger.sql.tables import RULES, metadata
from gateway.message import TRANSITIONS, HeldBy, State

_MESSAGE = """
INSERT INTO messages (place, id, type, source, operation, adapter, region, ordering_key, correlation_id, received_at,
                      identity, digest, headers, body, record)
VALUES (7, 'm1', 'case.transferred', 's', 'o', 'a', '330000', 'l', 'case', 1, 'i', 'd', '{}', 0, 0)
"""
_DELIVERY = """
INSERT INTO deliveries (position, id, message, type, kind, platform, lane, state, was, head, created_at, attempts,
                        in_doubt)
VALUES (3, 'd1', 7, 'case.transferred', 'penalty', 'penalty.330000', 'l', 'delivered', 'sending', 0, 1, 1, 0)
"""
_BEFORE_HOLDS = f"""
{_MESSAGE.replace("place", "seq")};
INSERT INTO messages (seq, id, type, source, causation_id, operation, adapter, region, ordering_key, correlation_id,
                      received_at, identity, digest, headers, body, record)
SELECT 8, 'm2', 'dispatch.reported', 'x', 'm1', operation, adapter, region, ordering_key, correlation_id, received_at,
       identity, digest, headers, body, record FROM messages;
INSERT INTO platforms VALUES
    ('penalty.330000', 'penalty', '330000', 'penalty', NULL, 'push', '{{}}', 5, 'breaker paused', 7.5, 90),
    ('credit.330000', 'credit', '330000', 'credit', NULL, 'push', '{{}}', 5, '', 0, NULL);
INSERT INTO credentials VALUES ('digest', 'penalty.330000');
INSERT INTO deliveries (position, id, message, type, kind, platform, lane, state, held_by, head, created_at, due_at,
                        attempts, in_doubt, changed_at, trying_since) VALUES
    (1, 'held', 7, 't', 'penalty', 'penalty.330000', 'a', 'held', 'operator', 1, 1, NULL, 2, 1, 60, 4.5),
    (2, 'behind', 7, 't', 'penalty', 'penalty.330000', 'a', 'ready', NULL, 0, 1, NULL, 0, 0, NULL, NULL),
    (3, 'dead', 7, 't', 'credit', 'credit.330000', 'b', 'dead', NULL, 1, 1, NULL, 1, 0, 1, 3.5),
    (4, 'parked', 7, 't', 'credit', 'credit.330000', 'b', 'waiting', NULL, 0, 1, 70, 1, 0, 1, 3.5),
    (5, 'answer', 8, 'dispatch.reported', 'penalty', NULL, 'c', 'unrouted', NULL, 0, 1, NULL, 0, 0, NULL, NULL),
    (6, 'lost', 7, 't', 'penalty', NULL, 'a', 'unrouted', NULL, 0, 1, NULL, 0, 0, NULL, NULL),
    (7, 'done', 7, 't', 'penalty', 'penalty.330000', 'a', 'delivered', NULL, 0, 1, NULL, 1, 0, 1, 3.5);
INSERT INTO requests VALUES (7, 'POST', '/', '{{}}', x'00')
"""


@pytest.fixture
def empty(path: Path) -> sa.Engine:
    """The engine of a ledger without tables."""
    return database.writing(f"sqlite:///{path}", patience=1)


@pytest.fixture
def migrated(empty: sa.Engine) -> sa.Engine:
    """An empty ledger's engine, brought up to date."""
    database.upgrade(empty)
    return empty


def test_migrations_make_the_tables(migrated: sa.Engine) -> None:
    """The migrations lead to exactly the tables that the code speaks to: columns, indexes and rules."""
    made = sa.MetaData()
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        made.reflect(connection)
    written = {name: {index.name: _where(index) for index in table.indexes} for name, table in metadata.tables.items()}
    found = {name: {index.name: _where(index) for index in made.tables[name].indexes} for name in metadata.tables}
    assert found == written
    checks = {check.name: str(check.sqltext) for check in made.tables["deliveries"].constraints if _is_check(check)}
    assert checks == RULES


def _where(index: sa.Index) -> str:
    where = index.dialect_options["sqlite"]["where"]
    return "" if where is None else str(where.compile(dialect=sa.dialects.sqlite.dialect())).replace("deliveries.", "")


def _is_check(constraint: Any) -> bool:
    return isinstance(constraint, sa.CheckConstraint)


def test_aliases_find_their_case(empty: sa.Engine) -> None:
    """Aliases from before they belonged to a case keep their number, in the case they were given in."""
    database.upgrade(empty, "0002")
    with empty.begin() as connection:
        connection.exec_driver_sql("INSERT INTO aliases VALUES ('C1', 'case_number', 'penalty.330000', 'P-1')")
        connection.exec_driver_sql("INSERT INTO numbers VALUES ('P-1', 'case_number', 'penalty.330000', 'C1', 7)")
        connection.exec_driver_sql(_MESSAGE)
    database.upgrade(empty)
    with empty.connect() as connection:
        kept = connection.exec_driver_sql("SELECT * FROM aliases").fetchall()
    assert kept == [("case", "C1", "case_number", "penalty.330000", "P-1")]


def test_holds_are_laid_over_what_was_held(empty: sa.Engine) -> None:
    """What an operator held is ready with a hold over it, platforms keep theirs, and all that is open is counted."""
    database.upgrade(empty, "0004")
    with empty.begin() as connection:
        for statement in _BEFORE_HOLDS.split(";"):
            connection.exec_driver_sql(statement)
    database.upgrade(empty)
    with empty.connect() as connection:

        def kept(query: str) -> list[tuple[object, ...]]:
            return list(map(tuple, connection.exec_driver_sql(query)))

        assert kept("SELECT id, state, held_at, toward, head, due_at, tried_for FROM deliveries") == [
            ("held", "ready", 60, None, 1, None, 0.0),
            ("behind", "ready", None, None, 0, None, 0.0),
            ("dead", "dead", None, None, 1, None, 0.0),
            ("parked", "waiting", None, None, 0, 70, 0.0),
            ("answer", "unrouted", None, "s", 0, None, 0.0),
            ("lost", "unrouted", None, "nearest", 0, None, 0.0),
            ("done", "delivered", None, None, 0, None, 0.0),
        ]
        assert kept("SELECT platform, type, by, since FROM holds ORDER BY by") == [
            ("penalty.330000", "", "breaker", 90),
            ("penalty.330000", "", "paused", 90),
        ]
        assert kept("SELECT platform, kind, type, state, held_by, count FROM counts ORDER BY 1, 3, 4, 5") == [
            ("", "penalty", "dispatch.reported", "unrouted", "", 1),
            ("", "penalty", "t", "unrouted", "", 1),
            ("credit.330000", "credit", "t", "dead", "", 1),
            ("credit.330000", "credit", "t", "waiting", "lane", 1),
            ("penalty.330000", "penalty", "t", "ready", "", 1),
            ("penalty.330000", "penalty", "t", "ready", "operator", 1),
        ]
        assert kept("SELECT epoch, revision FROM ledger") == [(0, 1)]
        assert kept("SELECT revision FROM platforms") == [(1,), (1,)]
        assert kept("PRAGMA foreign_key_check") == []


def test_numbers_from_before_are_found_by_any_spelling(empty: sa.Engine) -> None:
    """Spellings that were numbers of their own are one: the first stays, of identities the newest document."""
    database.upgrade(empty, "0005")
    with empty.begin() as connection:
        for statement in (
            "INSERT INTO numbers VALUES ('aj-1', 'case_number', 'p', 'aj-1', 3)",
            "INSERT INTO numbers VALUES ('AJ-1', 'case_number', 'p', 'AJ-1', 5)",
            "INSERT INTO numbers VALUES ('AJ－2', 'case_number', 'p', 'AJ－2', 7)",
            "INSERT INTO numbers VALUES ('AJ-2', 'case_number', 'p', 'AJ-2', 6)",
            "INSERT INTO search_keys VALUES ('aj-1', 'case_number', 3), ('AJ-1', 'case_number', 3)",
            "INSERT INTO latest VALUES ('case.transferred:aj-1', 'o', 's', 3), ('case.transferred:AJ-1', 'o', 's', 5)",
            """INSERT INTO latest VALUES ('["aj-3",null]', 'o', 's', 9)""",
            _MESSAGE.replace("place", "seq").replace("'i'", "'case.transferred:aj-1'"),
        ):
            connection.exec_driver_sql(statement)
    database.upgrade(empty)
    with empty.connect() as connection:

        def kept(query: str) -> list[tuple[object, ...]]:
            return list(map(tuple, connection.exec_driver_sql(query)))

        assert kept("SELECT number, original, message FROM numbers ORDER BY 1") == [
            ("AJ-1", "aj-1", 3),
            ("AJ-2", "AJ-2", 6),
        ]
        assert kept("SELECT value, message FROM search_keys") == [("AJ-1", 3)]
        assert kept("SELECT identity, message FROM latest ORDER BY 1") == [
            ('["AJ-3",null]', 9),
            ("case.transferred:AJ-1", 5),
        ]
        assert kept("SELECT identity FROM messages") == [("case.transferred:AJ-1",)]


def test_platforms_from_before_may_stay_where_they_are(empty: sa.Engine) -> None:
    """What their address may need is allowed to them; nothing to one that is not called."""
    database.upgrade(empty, "0025")
    with empty.begin() as connection:
        for id, settings in (
            ("a", '{"base_url": "http://10.0.0.1/a"}'),
            ("b", '{"base_url": "https://b"}'),
            ("c", "{}"),
        ):
            connection.exec_driver_sql(
                "INSERT INTO platforms (id, kind, region, adapter, mode, settings, created_at, revision) "
                f"VALUES ('{id}', 'penalty', '330000', 'penalty', 'push', '{settings}', 1, 1)"
            )
    database.upgrade(empty)
    with empty.connect() as connection:
        kept = list(map(tuple, connection.exec_driver_sql("SELECT id, allow FROM platforms ORDER BY 1")))
    assert kept == [("a", '["http", "private", "loopback"]'), ("b", '["private", "loopback"]'), ("c", "[]")]


def test_delivered_ones_that_were_replayed_twice_at_once(empty: sa.Engine) -> None:
    """Before, every click made a replay: all of them stay, and the first open one is the open replay."""
    database.upgrade(empty, "0004")
    with empty.begin() as connection:
        connection.exec_driver_sql(_MESSAGE.replace("place", "seq"))
        connection.exec_driver_sql(_DELIVERY)
        for position, state in ((4, "delivered"), (5, "ready"), (6, "held"), (7, "ready")):
            by, head = ("operator" if state == "held" else None), position == 5
            connection.exec_driver_sql(
                "INSERT INTO deliveries (position, id, message, type, kind, platform, lane, state, held_by, head, "
                "created_at, attempts, in_doubt, replay_of) "
                "VALUES (?, ?, 7, 't', 'penalty', 'penalty.330000', 'l', ?, ?, ?, 1, 0, 0, 'd1')",
                (position, f"d{position}", state, by, head),
            )
    database.upgrade(empty)
    with empty.connect() as connection:
        kept = connection.exec_driver_sql("SELECT id, state, replay_of FROM deliveries ORDER BY position").fetchall()
    assert [tuple(row) for row in kept] == [
        ("d1", "delivered", None),
        ("d4", "delivered", "d1"),
        ("d5", "ready", "d1"),
        ("d6", "ready", None),
        ("d7", "ready", None),
    ]


def test_deliveries_keep_what_refers_to_them(empty: sa.Engine) -> None:
    """When the table of deliveries gets new rules, every delivery, attempt and request stays, and still belongs."""
    database.upgrade(empty, "0003")
    with empty.begin() as connection:
        for statement in (
            _MESSAGE,
            _DELIVERY,
            "INSERT INTO requests VALUES (3, 'POST', '/', '{}', x'00')",
            "INSERT INTO attempts VALUES (1, 3, 1, 1, 2, 'accepted', 200, NULL, NULL, NULL, x'00')",
        ):
            connection.exec_driver_sql(statement)
    database.upgrade(empty)
    with empty.connect() as connection:
        kept = connection.exec_driver_sql(
            "SELECT m.seq, d.position, d.state, r.path, a.seq FROM messages m JOIN deliveries d ON d.message = m.seq "
            "JOIN requests r ON r.delivery = d.position JOIN attempts a ON a.delivery = d.position"
        ).fetchall()
        assert kept == [(7, 3, "delivered", "/", 1)]
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []


def test_migrated_twice(migrated: sa.Engine) -> None:
    """Bringing up to date what is up to date changes nothing."""
    database.upgrade(migrated)


def test_every_commit_is_synced(migrated: sa.Engine) -> None:
    """The writer syncs every commit, in small pages and a write-ahead log."""
    expected = {"synchronous": 2, "journal_mode": "wal", "page_size": 4096, "foreign_keys": 1}
    with migrated.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in expected}
    assert found == expected


def test_readers_cannot_write(migrated: sa.Engine, path: Path) -> None:
    """A reader's connection refuses to write."""
    reader = database.reading(f"sqlite:///{path}", patience=1, readers=1)
    with reader.connect() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM messages")
    reader.dispose()


async def test_database_knows_the_steps(ledger: Any, small: Any, path: Path) -> None:
    """The database itself takes every step that the state table has, and refuses every other."""
    await ledger.accept(small.intake("m1"))
    await ledger.stop()
    with sqlite3.connect(path) as database:
        taken = {(before, after) for before in State for after in State if _takes(database, before, after)}
    assert taken == {(before, after) for before, steps in TRANSITIONS.items() for after in steps}


def _takes(database: sqlite3.Connection, before: State, after: State) -> bool:
    due = "1" if after is State.WAITING else "NULL"
    head = int(after is State.SENDING)
    try:
        step = f"was = '{before}', state = '{after}', head = {head}"
        database.execute(f"UPDATE deliveries SET {step}, due_at = {due}, toward = 'nearest'")
    except sqlite3.IntegrityError as error:
        return "step_allowed" not in str(error)
    return True


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("state = 'lost', head = 0", "state_known"),
        ("state = 'held', head = 0", "state_known"),
        ("state = 'dead', held_at = 5", "held_while_it_could_go"),
        ("state = 'unrouted', head = 0", "unrouted_seeks"),
        ("due_at = 5", "waiting_until"),
        ("platform = NULL", "open_has_platform"),
        ("state = 'refused', head = 1", "head_is_open"),
        ("state = 'sending', head = 0", "sending_is_head"),
    ],
)
async def test_database_knows_the_rules(ledger: Any, small: Any, path: Path, change: str, rule: str) -> None:
    """The database itself refuses a row that could not be."""
    await ledger.accept(small.intake("m1"))
    await ledger.stop()
    with sqlite3.connect(path) as database, pytest.raises(sqlite3.IntegrityError, match=rule):
        database.execute(f"UPDATE deliveries SET {change}")


async def test_one_head_a_lane(ledger: Any, small: Any, path: Path) -> None:
    """The database itself refuses a second head in a lane."""
    await ledger.accept(small.intake("m1"))
    await ledger.accept(small.intake("m2"))
    await ledger.stop()
    with sqlite3.connect(path) as database, pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        database.execute("UPDATE deliveries SET head = 1")


async def test_receipts_from_before(ledger: Any, small: Any, path: Path, opened: Any) -> None:
    """A receipt from when `held` was a state is answered as it was: ready, and held."""
    intake = small.package(small.draft("m1"), key="k")
    await ledger.accept(intake)
    await ledger.stop()
    entry = {"index": 0, "message": "m1", "duplicate": False, "deliveries": {"m1/0": ["held", "paused"]}}
    with sqlite3.connect(path) as database:
        database.execute("UPDATE receipts SET entries = ?", (pack_json([entry]),))
    again = opened()
    await again.start()
    [accepted] = (await again.accept(intake)).entries
    await again.stop()
    assert [(each.state, each.held_by) for each in accepted.deliveries] == [(State.READY, HeldBy.PAUSED)]
