"""Statements that are run for many rows at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from gateway.ledger.sql.statements import Prepared, PreparedChanges, inserting

_TABLE = sa.Table(
    "steps",
    sa.MetaData(),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("due", sa.BigInteger),
    sa.Column("was", sa.Text),
    prefixes=["TEMPORARY"],
)
_ADD = inserting(_TABLE)
_CHANGE = PreparedChanges(_TABLE, "number", ("state", "reason", "due"), {"was": _TABLE.c.state})
_ALL = Prepared(sa.select(_TABLE).order_by(_TABLE.c.number), ())


@pytest.fixture
def connection(kept_at: str) -> Iterator[sa.Connection]:
    """A connection to a database with the table, empty."""
    engine = sa.create_engine(kept_at, **({} if "sqlite" in kept_at else {"paramstyle": "format"}))
    with engine.begin() as connection:
        _TABLE.create(connection)
        yield connection
    engine.dispose()


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 63, 64, 65, 129, 200])
def test_all_rows_are_added_and_changed_however_many_there_are(connection: sa.Connection, count: int) -> None:
    """However many rows there are, each is added once, and each is changed to its own values."""
    _ADD.run(connection, [(n, "ready", None, n, None) for n in range(count)])
    _CHANGE.run(connection, [(f"sending {n}", f"because {n}", n + 1, n) for n in range(count)])
    changed = [(n, f"sending {n}", f"because {n}", n + 1, "ready") for n in range(count)]
    assert list(map(tuple, _ALL.rows(connection))) == changed


def test_a_value_that_is_absent_from_all_rows_is_null(connection: sa.Connection) -> None:
    """NULL has no type of its own: rows in which a column has no value at all are changed all the same."""
    _ADD.run(connection, [(n, "ready", "held", 7, None) for n in range(3)])
    _CHANGE.run(connection, [("ready", None, None, n) for n in range(3)])
    assert list(map(tuple, _ALL.rows(connection))) == [(n, "ready", None, None, "ready") for n in range(3)]


def test_a_row_that_is_changed_twice_is_changed_in_turn(connection: sa.Connection) -> None:
    """The last change stands, and what the row was is what the first had made of it."""
    _ADD.run(connection, [(n, "ready", None, None, None) for n in range(2)])
    _CHANGE.run(connection, [("sending", None, None, 0), ("dead", None, None, 1), ("delivered", None, None, 0)])
    found = [(number, state, was) for number, state, _, _, was in _ALL.rows(connection)]
    assert found == [(0, "delivered", "sending"), (1, "dead", "ready")]


def test_nothing_but_the_rows_named_is_changed(connection: sa.Connection) -> None:
    """A change of rows that are not there changes nothing, and leaves the others as they are."""
    _ADD.run(connection, [(1, "ready", None, None, None)])
    _CHANGE.run(connection, [("dead", None, None, 2), ("dead", None, None, 3)])
    assert list(map(tuple, _ALL.rows(connection))) == [(1, "ready", None, None, None)]
