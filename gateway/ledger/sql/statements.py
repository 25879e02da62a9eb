"""Statements compiled once: plain rows in, plain rows out, many rows at a time; and conditions on a state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.dialects import sqlite

from gateway.ledger.sql.codecs import text
from gateway.ledger.sql.columns import Row
from gateway.ledger.sql.dialects import ListedTexts, SqlDialect, Upserting, dialect_of, repeated
from gateway.message import OPEN, State

_SQLITE = sqlite.dialect()

Statement = sa.Executable | sa.ClauseElement
DialectStatement = Callable[[SqlDialect], Statement]
"""Makes a statement that dialects write differently."""


class _Compiled(Struct, frozen=True):
    """A statement as a database's driver takes it."""

    dialect: SqlDialect
    sql: str
    arrange: Callable[[Row], Row]


class Prepared:
    """One statement of the ledger's hot path, run by the driver itself: SQLAlchemy's result objects are too slow there.

    Its parameters are named in `names`, and a row of parameters is given in that order; a name that
    ends in `_` is a condition's, not a column's. Values must be what the driver takes: int, float,
    str, bytes, bool or None. It is compiled for a database when it is first run there.
    """

    def __init__(self, statement: Statement | DialectStatement, names: Iterable[str]) -> None:
        self._statement = statement
        self._names = tuple(names)
        self._compiled: dict[str, _Compiled] = {}

    def _for(self, dialect: sa.Dialect) -> _Compiled:
        known = self._compiled.get(dialect.name)
        if known is None:
            known = self._compiled[dialect.name] = self._compile(dialect)
        return known

    def _compile(self, dialect: sa.Dialect) -> _Compiled:
        ours = dialect_of(dialect)
        made = self._statement
        statement = made if isinstance(made, sa.ClauseElement) else made(ours)  # type: ignore[operator]
        assert isinstance(statement, sa.ClauseElement)
        columns = [name for name in self._names if not name.endswith("_")]
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        wanted: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        if tuple(wanted) == self._names:
            return _Compiled(ours, str(compiled), tuple)
        constants = [name for name in wanted if name not in self._names]
        given = (*self._names, *constants)
        order = [given.index(name) for name in wanted]
        rest = tuple((compiled.params or {})[name] for name in constants)
        return _Compiled(ours, str(compiled), lambda row: _arranged((*row, *rest), order))

    @property
    def sql(self) -> str:
        """The statement as SQLite's driver takes it."""
        return self._for(_SQLITE).sql

    def rows(self, connection: sa.Connection, *values: Any) -> Sequence[Row]:
        """Run a query with one row of parameters."""
        compiled = self._for(connection.dialect)
        found = execute(connection, compiled.sql, compiled.dialect.storable(compiled.arrange(values)))
        rows: Sequence[Row] = found.fetchall()
        return rows

    def row(self, connection: sa.Connection, *values: Any) -> Row | None:
        """Run a query that gives one row or none."""
        found = self.rows(connection, *values)
        return found[0] if found else None

    def run(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Change something once for each row of parameters."""
        if not rows:
            return
        compiled = self._for(connection.dialect)
        values = [compiled.dialect.storable(compiled.arrange(row)) for row in rows]
        try:
            connection.connection.cursor().executemany(compiled.sql, values)
        except _errors(connection) as error:
            raise _as_sqlalchemy(error, compiled.sql, connection) from error


class PreparedRows(Prepared):
    """A statement with a row of values, run for many rows in one call.

    Every call of the driver releases the GIL and must get it back, and waits for PostgreSQL's answer. `key`: the
    columns of which no two rows may be alike in one call; of several the last one counts.
    """

    def __init__(
        self, statement: Statement | DialectStatement, names: Iterable[str], key: Sequence[str] | None = None
    ) -> None:
        super().__init__(statement, names)
        self._key = None if key is None else [self._names.index(name) for name in key]

    def run(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Run it for all rows."""
        compiled = self._for(connection.dialect)
        if self._key is not None and len(rows) > 1:
            rows = list({_arranged(row, self._key): row for row in rows}.values())
        for part in _parts(rows):
            values = chain.from_iterable(map(compiled.arrange, part))
            execute(connection, _for_rows(compiled.sql, len(part)), compiled.dialect.storable(tuple(values)))


@cache
def _for_rows(sql: str, times: int) -> str:
    start = sql.index(_VALUES) + len(_VALUES)
    return repeated(sql, sql[start : _closing(sql, start) + 1], ", ", times)


_VALUES = "VALUES "


def _closing(sql: str, start: int) -> int:
    """Give where the bracket ends that begins at `start`."""
    depth = 0
    for at in range(start, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[at], 0)
        if depth == 0:
            return at
    raise ValueError(sql)


_LARGE = (64, 16)
"""Rows of the large parts; what is left goes at once, so that there are few statements for a database to prepare."""


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    start = 0
    while start < len(rows):
        left = len(rows) - start
        size = next((size for size in _LARGE if size <= left), left)
        yield rows[start : start + size]
        start += size


class PreparedChanges:
    """A change of rows of a table: of many in one call where the database is another process.

    A row of parameters is the new values of `changed`, then the value of the column `key` by which its row is found.
    `set_too`: columns whose new value follows from the row as it was.
    """

    def __init__(
        self, table: sa.Table, key: str, changed: Sequence[str], set_too: Mapping[str, sa.ColumnElement[Any]]
    ) -> None:
        found = table.c[key] == sa.bindparam(f"{key}_")
        self._one_by_one = Prepared(sa.update(table).where(found).values(dict(set_too)), (*changed, f"{key}_"))
        self._together = PreparedRows(_changing(table, key, changed, set_too), [f"{name}_" for name in (*changed, key)])

    @property
    def sql(self) -> str:
        """The statement for one row as SQLite's driver takes it."""
        return self._one_by_one.sql

    def run(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Change the rows, in their order."""
        # One statement changes a row once: what is changed twice is changed in turn.
        together = dialect_of(connection.dialect).remote and len({row[-1] for row in rows}) == len(rows)
        (self._together if together else self._one_by_one).run(connection, rows)


def _changing(
    table: sa.Table, key: str, changed: Sequence[str], set_too: Mapping[str, sa.ColumnElement[Any]]
) -> sa.Update:
    columns = [table.c[name] for name in (*changed, key)]
    # With their types: a column of which all values are NULL has none else.
    row = tuple(sa.cast(sa.bindparam(f"{each.name}_", type_=each.type), each.type) for each in columns)
    given = sa.values(*(sa.column(each.name, each.type) for each in columns), name="given").data([row])
    values = {name: given.c[name] for name in changed}
    return sa.update(table).where(table.c[key] == given.c[key]).values({**values, **set_too})


def execute(connection: sa.Connection, sql: str, values: Row | None = ()) -> Any:
    """Run a statement as the driver takes it, and give its cursor; `values` None: there may be several statements."""
    with driver_errors(connection, sql):
        return connection.connection.cursor().execute(sql, values)


@contextmanager
def driver_errors(connection: sa.Connection, sql: str) -> Iterator[None]:
    """Wrap what the driver raises inside in SQLAlchemy's exceptions."""
    try:
        yield
    except _errors(connection) as error:
        raise _as_sqlalchemy(error, sql, connection) from error


def _errors(connection: sa.Connection) -> type[Exception]:
    assert connection.dialect.loaded_dbapi is not None
    return connection.dialect.loaded_dbapi.Error


def _as_sqlalchemy(error: Exception, sql: str, connection: sa.Connection) -> Exception:
    """Wrap a driver's exception in SQLAlchemy's, without the parameters: they may be personal, and are not logged."""
    return sa.exc.DBAPIError.instance(sql, (), error, _errors(connection), dialect=connection.dialect)


def _arranged(given: Row, order: Sequence[int]) -> Row:
    return tuple(given[i] for i in order)


class PreparedMany:
    """A statement for several keys at once: it joins what it seeks or changes to a table `wanted` of the keys.

    Keys are tuples of texts, in the order of `names`; those named in `integers` are integers. A key's
    rows may come more than once.
    """

    def __init__(
        self,
        names: Sequence[str],
        statement: Callable[[sa.FromClause], sa.ClauseElement],
        *,
        integers: Collection[str] = (),
    ) -> None:
        self._names = names
        self._for_one = Prepared(
            lambda dialect: statement(dialect.wanted(names, integers)), [f"{name}_" for name in names]
        )

    @property
    def sql(self) -> str:
        """The statement for one key as SQLite's driver takes it."""
        return self._for_one.sql

    def rows(self, connection: sa.Connection, keys: Sequence[Row]) -> Sequence[Row]:
        """Give the rows of all keys, in any order."""
        return [row for found in self._asked(connection, keys) for row in found.fetchall()]

    def run(self, connection: sa.Connection, keys: Sequence[Row]) -> None:
        """Change something for each key."""
        for _ in self._asked(connection, keys):
            pass

    def _asked(self, connection: sa.Connection, keys: Sequence[Row]) -> Iterator[Any]:
        compiled = self._for_one._for(connection.dialect)
        for sql, values in compiled.dialect.questions(compiled.sql, self._names, keys):
            yield execute(connection, sql, compiled.dialect.storable(values))


def inserting(table: sa.Table, names: Iterable[str] | None = None) -> Prepared:
    """Add rows to a table; all columns unless named."""
    columns = list(names or (column.name for column in table.columns))
    return PreparedRows(table.insert(), columns)


def inserting_first(table: sa.Table) -> Prepared:
    """Add rows to a table where there is none of that key yet: the first writer wins."""
    return PreparedRows(
        lambda dialect: dialect.insert(table).on_conflict_do_nothing(), [column.name for column in table.columns]
    )


def putting(table: sa.Table, names: Iterable[str] | None = None, key: Iterable[str] | None = None) -> Prepared:
    """Add rows to a table, or put them in place of those of the same key."""
    columns = list(names or (column.name for column in table.columns))
    keys = list(key or (column.name for column in table.primary_key))
    return PreparedRows(lambda dialect: _put(dialect.insert, table, columns, keys), columns, keys)


def _put(insert: Upserting, table: sa.Table, columns: Sequence[str], keys: Sequence[str]) -> Statement:
    adding = insert(table)
    changed = {name: adding.excluded[name] for name in columns if name not in keys}
    put: Statement = adding.on_conflict_do_update(index_elements=keys, set_=changed)
    return put


def adding(table: sa.Table, column: str) -> Prepared:
    """Add rows to a table, or their `column` to that of the row of the same key."""
    return PreparedRows(lambda dialect: _add(dialect.insert, table, column), [each.name for each in table.columns])


def _add(insert: Upserting, table: sa.Table, column: str) -> Statement:
    adding = insert(table)
    sum = {column: table.c[column] + adding.excluded[column]}
    added: Statement = adding.on_conflict_do_update(index_elements=list(table.primary_key), set_=sum)
    return added


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
    """Restrict to some message types, and to none of others: parameters that take `listed`."""
    only_these = sa.or_(sa.bindparam(only, type_=sa.Text).is_(None), column.in_(_items(only)))
    return sa.and_(only_these, none_of(column, besides))


def none_of(column: sa.ColumnElement[Any], listed: str) -> sa.ColumnElement[bool]:
    """Restrict to none of some texts: a parameter that takes `listed`."""
    return column.not_in(_items(listed))


def _items(name: str) -> sa.Select[Any]:
    each = ListedTexts(sa.bindparam(name, type_=sa.Text)).table_valued("value")
    return sa.select(each.c.value)


def listed(texts: Iterable[str]) -> str:
    """Write texts as one parameter, however many there are."""
    return text(sorted(texts))


def in_package(body: sa.ColumnElement[Any], record: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Restrict to messages that are a further record of a package, whose bytes are still kept."""
    none: sa.ColumnClause[int] = sa.literal_column("0")
    return sa.and_(body > none, record > none)


def not_delivered(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Repeat the condition of the index by state, so that it is used."""
    return column != sa.literal_column(f"'{State.DELIVERED}'")
