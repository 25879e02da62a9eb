"""Statements compiled once: plain rows in, plain rows out, many rows at a time; and conditions on a state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from gateway.ledger.sql.codecs import text
from gateway.ledger.sql.columns import Row
from gateway.message import OPEN, State

_DIALECT = sqlite.dialect()


class Prepared:
    """One statement of the ledger's hot path, run by the driver itself: SQLAlchemy's result objects are too slow there.

    Its parameters are named in `names`, and a row of parameters is given in that order; a name that
    ends in `_` is a condition's, not a column's. Values must be what the driver takes: int, float,
    str, bytes, bool or None.
    """

    def __init__(self, statement: sa.Executable | sa.ClauseElement, names: Iterable[str]) -> None:
        self._statement = statement
        self._names = tuple(names)

    @cached_property
    def _compiled(self) -> tuple[str, Callable[[Row], Row]]:
        assert isinstance(self._statement, sa.ClauseElement)
        columns = [name for name in self._names if not name.endswith("_")]
        compiled = self._statement.compile(dialect=_DIALECT, column_keys=columns)
        wanted: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        if tuple(wanted) == self._names:
            return str(compiled), tuple
        constants = [name for name in wanted if name not in self._names]
        given = (*self._names, *constants)
        order = [given.index(name) for name in wanted]
        rest = tuple((compiled.params or {})[name] for name in constants)
        return str(compiled), lambda row: _arranged((*row, *rest), order)

    @property
    def sql(self) -> str:
        """The statement as the driver takes it."""
        return self._compiled[0]

    def rows(self, connection: sa.Connection, *values: Any) -> Sequence[Row]:
        """Run a query with one row of parameters."""
        sql, arrange = self._compiled
        return _asked(connection, sql, arrange(values))

    def row(self, connection: sa.Connection, *values: Any) -> Row | None:
        """Run a query that gives one row or none."""
        found = self.rows(connection, *values)
        return found[0] if found else None

    def run(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Change something once for each row of parameters."""
        if not rows:
            return
        sql, arrange = self._compiled
        try:
            connection.connection.cursor().executemany(sql, [arrange(row) for row in rows])
        except _errors(connection) as error:
            raise _as_sqlalchemy(error, sql, connection) from error


class PreparedRows(Prepared):
    """A statement that adds rows, many in one call: every call of the driver releases the GIL and must get it back."""

    _SIZES = (64, 16, 4, 1)

    @cached_property
    def _by_size(self) -> Mapping[int, str]:
        one = f"({', '.join('?' * len(self._names))})"
        return {size: _repeated(self.sql, one, ", ", size) for size in self._SIZES}

    def run(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Add rows."""
        arrange = self._compiled[1]
        cursor = connection.connection.cursor()
        try:
            for part in _parts(rows, self._SIZES):
                cursor.execute(self._by_size[len(part)], tuple(chain.from_iterable(map(arrange, part))))
        except _errors(connection) as error:
            raise _as_sqlalchemy(error, self.sql, connection) from error


def _parts(rows: Sequence[Row], sizes: Sequence[int]) -> Iterator[Sequence[Row]]:
    start = 0
    while start < len(rows):
        size = next(size for size in sizes if size <= len(rows) - start)
        yield rows[start : start + size]
        start += size


def _repeated(sql: str, one: str, between: str, times: int) -> str:
    """Write a statement for many rows out of the one for one row: compiling the long one takes SQLAlchemy too long."""
    assert sql.count(one) == 1
    return sql.replace(one, between.join([one] * times))


def _asked(connection: sa.Connection, sql: str, values: Row) -> Sequence[Row]:
    try:
        found: Sequence[Row] = connection.connection.cursor().execute(sql, values).fetchall()
    except _errors(connection) as error:
        raise _as_sqlalchemy(error, sql, connection) from error
    return found


def _errors(connection: sa.Connection) -> type[Exception]:
    assert connection.dialect.loaded_dbapi is not None
    return connection.dialect.loaded_dbapi.Error


def _as_sqlalchemy(error: Exception, sql: str, connection: sa.Connection) -> Exception:
    """Wrap a driver's exception in SQLAlchemy's, without the parameters: they may be personal, and are not logged."""
    return sa.exc.DBAPIError.instance(sql, (), error, _errors(connection), dialect=connection.dialect)


def _arranged(given: Row, order: Sequence[int]) -> Row:
    return tuple(given[i] for i in order)


class PreparedMany:
    """A query for several keys at once: `statement` joins what it seeks to a table `wanted` of the keys.

    Keys are tuples of texts, in the order of `names`. A key's rows may come more than once.
    """

    _SIZES = (1, 8, 32, 128)

    def __init__(self, names: Sequence[str], statement: Callable[[sa.FromClause], sa.ClauseElement]) -> None:
        one = sa.select(*(sa.bindparam(f"{name}_", type_=sa.Text).label(name) for name in names))
        self._for_one = Prepared(statement(one.subquery("wanted")), [f"{name}_" for name in names])
        self._names = names

    @property
    def sql(self) -> str:
        """The statement for one key as the driver takes it."""
        return self._for_one.sql

    @cached_property
    def _by_size(self) -> Mapping[int, str]:
        one = f"SELECT {', '.join(f'? AS {name}' for name in self._names)}"
        assert self._for_one.sql.count("?") == len(self._names)
        return {size: _repeated(self._for_one.sql, one, " UNION ALL ", size) for size in self._SIZES}

    def rows(self, connection: sa.Connection, keys: Sequence[Row]) -> Sequence[Row]:
        """Give the rows of all keys, in any order."""
        found: list[Row] = []
        for start in range(0, len(keys), self._SIZES[-1]):
            part = keys[start : start + self._SIZES[-1]]
            size = next(size for size in self._SIZES if size >= len(part))
            padded = [*part, *[part[-1]] * (size - len(part))]
            found.extend(_asked(connection, self._by_size[size], tuple(chain.from_iterable(padded))))
        return found


def inserting(table: sa.Table, names: Iterable[str] | None = None) -> Prepared:
    """Add rows to a table; all columns unless named."""
    columns = list(names or (column.name for column in table.columns))
    return PreparedRows(table.insert(), columns)


def inserting_first(table: sa.Table) -> Prepared:
    """Add rows to a table where there is none of that key yet: the first writer wins."""
    return PreparedRows(sqlite.insert(table).on_conflict_do_nothing(), [column.name for column in table.columns])


def putting(table: sa.Table, names: Iterable[str] | None = None, key: Iterable[str] | None = None) -> Prepared:
    """Add rows to a table, or put them in place of those of the same key."""
    columns = list(names or (column.name for column in table.columns))
    keys = list(key or (column.name for column in table.primary_key))
    adding = sqlite.insert(table)
    changed = {name: adding.excluded[name] for name in columns if name not in keys}
    return PreparedRows(adding.on_conflict_do_update(index_elements=keys, set_=changed), columns)


# ── conditions ────────────────────────────────────────────────────────────────────────────────
# SQLite uses a partial index only when the statement repeats the index's condition in the same
# words: so states stand in statements as literals, never as bound parameters.
def in_states(column: sa.ColumnElement[Any], states: Iterable[State]) -> sa.ColumnElement[bool]:
    """Restrict to states."""
    return column.in_([sa.literal_column(f"'{state}'") for state in sorted(states)])


def is_open_state(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Restrict to deliveries that keep their position in their lane."""
    return in_states(column, OPEN)


def is_head(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Restrict to the heads of lanes."""
    return column.is_(sa.true())


def is_state(column: sa.ColumnElement[Any], state: State) -> sa.ColumnElement[bool]:
    """Restrict to one state."""
    return column == sa.literal_column(f"'{state}'")


def may_go(deliveries: sa.ColumnCollection[str, sa.Column[Any]], state: State) -> sa.ColumnElement[bool]:
    """Restrict to heads in a state that no operator holds."""
    return sa.and_(is_head(deliveries.head), is_state(deliveries.state, state), deliveries.held_at.is_(None))


def of_types(column: sa.ColumnElement[Any], only: str = "only", besides: str = "besides") -> sa.ColumnElement[bool]:
    """Restrict to some message types, and to none of others: parameters that take `types_listed`."""
    only_these = sa.or_(sa.bindparam(only, type_=sa.Text).is_(None), column.in_(_items(only)))
    return sa.and_(only_these, column.not_in(_items(besides)))


def _items(name: str) -> sa.Select[Any]:
    each = sa.func.json_each(sa.bindparam(name, type_=sa.Text)).table_valued("value")
    return sa.select(each.c.value)


def types_listed(types: Iterable[str]) -> str:
    """Write message types as one parameter, however many there are."""
    return text(sorted(types))


def in_package(body: sa.ColumnElement[Any], record: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Restrict to messages that are a further record of a package, whose bytes are still kept."""
    none: sa.ColumnClause[int] = sa.literal_column("0")
    return sa.and_(body > none, record > none)


def not_delivered(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Repeat the condition of the index by state, so that it is used."""
    return column != sa.literal_column(f"'{State.DELIVERED}'")
