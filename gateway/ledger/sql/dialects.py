"""How each database writes what the others write differently: upserts, many keys at once, lists in one parameter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from gateway.ledger.sql.columns import Row

Upserting = Callable[[sa.Table], Any]
"""A dialect's `insert`, which knows `on_conflict_do_nothing` and `on_conflict_do_update`."""


class SqlDialect(Protocol):
    """What statements ask of a database's dialect."""

    insert: Upserting
    remote: bool
    """Whether each statement waits for another process's answer."""

    def wanted(self, names: Sequence[str], integers: Collection[str]) -> sa.FromClause:
        """Give a table `wanted` of keys, for the statement about one key."""
        ...

    def questions(self, sql: str, names: Sequence[str], keys: Sequence[Row]) -> Iterator[tuple[str, Row]]:
        """Give statements for all keys, each with its parameters, made of the one for one key."""
        ...

    def storable(self, row: Row) -> Row:
        """Give parameters as the database can keep them."""
        ...

    now: str
    """A query for the present moment of the database's own clock, in microseconds since 1970."""


# ── SQLite ────────────────────────────────────────────────────────────────────────────────────
class _Sqlite:
    """Keys are a row of parameters each; a statement for 1, 8, 32 or 128 of them is compiled once."""

    insert: Upserting = staticmethod(sqlite.insert)
    remote = False
    now = "SELECT CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
    _SIZES = (1, 8, 32, 128)

    def wanted(self, names: Sequence[str], integers: Collection[str]) -> sa.FromClause:
        return sa.select(*(sa.bindparam(f"{name}_", type_=sa.Text).label(name) for name in names)).subquery("wanted")

    def questions(self, sql: str, names: Sequence[str], keys: Sequence[Row]) -> Iterator[tuple[str, Row]]:
        one = f"SELECT {', '.join(f'? AS {name}' for name in names)}"
        for start in range(0, len(keys), self._SIZES[-1]):
            part = keys[start : start + self._SIZES[-1]]
            size = next(size for size in self._SIZES if size >= len(part))
            padded = [*part, *[part[-1]] * (size - len(part))]
            yield repeated(sql, one, " UNION ALL ", size), tuple(chain.from_iterable(padded))

    def storable(self, row: Row) -> Row:
        return row


# ── PostgreSQL ────────────────────────────────────────────────────────────────────────────────
NUL, ITS_SYMBOL = "\x00", "␀"
"""PostgreSQL's text has no U+0000: this stands for it, where it is written and where it is looked for."""


class _PostgreSQL:
    """Keys are an array a column: one statement, planned once, for however many there are."""

    insert: Upserting = staticmethod(postgresql.insert)
    remote = True
    now = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT"

    def wanted(self, names: Sequence[str], integers: Collection[str]) -> sa.FromClause:
        types = {name: sa.BigInteger if name in integers else sa.Text for name in names}
        arrays = (sa.bindparam(f"{name}_", type_=postgresql.ARRAY(types[name])) for name in names)
        columns = (sa.column(name, types[name]) for name in names)
        return sa.func.unnest(*arrays).table_valued(*columns, name="wanted").render_derived()

    def questions(self, sql: str, names: Sequence[str], keys: Sequence[Row]) -> Iterator[tuple[str, Row]]:
        if keys:
            yield sql, tuple(map(array, zip(*keys, strict=True)))

    def storable(self, row: Row) -> Row:
        return tuple(each.replace(NUL, ITS_SYMBOL) if type(each) is str and NUL in each else each for each in row)


def array(values: Sequence[Any]) -> str:
    """Write integers or texts as the literal of an array: the driver would look at each for its type."""
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: Any) -> str:
    if not isinstance(value, str):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_DIALECTS: Mapping[str, SqlDialect] = {"sqlite": _Sqlite(), "postgresql": _PostgreSQL()}


def dialect_of(dialect: sa.Dialect) -> SqlDialect:
    """Give what we know of a database's dialect."""
    return _DIALECTS[dialect.name]


@cache
def repeated(sql: str, one: str, between: str, times: int) -> str:
    """Write a statement for many rows out of the one for one row: compiling the long one takes SQLAlchemy too long."""
    assert sql.count(one) == 1
    return sql.replace(one, between.join([one] * times))


# ── lists in one parameter ────────────────────────────────────────────────────────────────────
class ListedTexts(FunctionElement[str]):
    """The texts of a JSON array, a row each: a list of any length in one parameter."""

    name = "listed_texts"
    inherit_cache = True


@compiles(ListedTexts, "sqlite")
def _listed_in_sqlite(element: ListedTexts, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(ListedTexts, "postgresql")
def _listed_in_postgresql(element: ListedTexts, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_elements_text(({compiler.process(element.clauses, **kw)})::JSON)"
