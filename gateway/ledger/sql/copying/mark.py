"""The mark in a target whose copy is not complete: no gateway runs on it; and how far each table has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from msgspec import Struct

from gateway.ledger.sql import schema, tables
from gateway.ledger.sql.copying import refusals
from gateway.ledger.sql.copying.plan import CopiedTable, Row, is_single
from gateway.ledger.sql.copying.side import CopySide

_table = sa.Table(
    "copying",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),  # of a table; empty: the whole
    sa.Column("content", sa.Text, nullable=False),  # the last key as JSON; of the whole: what is copied
    sa.Column("rows", sa.BigInteger, nullable=False),
)
"""There only while a copy is not complete. Meanwhile the tables' revision is `COPYING`, which every gateway refuses."""

_versions = sa.table("alembic_version", sa.column("version_num"))


class Reached(Struct, frozen=True):
    """How far a table has come: the last key, and the rows up to it."""

    after: Row | None = None
    rows: int = 0


def source_of(connection: sa.Connection, copied: Sequence[CopiedTable]) -> str:
    """Describe a source so that another, or the same after a gateway ran on it, is told from it."""
    numbered = [table for table in copied if isinstance(table.key[0].type, sa.Integer | sa.BigInteger)]
    highest = {table.name: connection.scalar(sa.select(sa.func.max(table.key[0]))) for table in numbered}
    epoch = connection.scalar(sa.select(tables.ledger.c.epoch))
    described = {"revision": schema.newest(), "epoch": epoch, "highest": highest}
    return orjson.dumps(described, option=orjson.OPT_SORT_KEYS).decode()


def begin(target: CopySide, connection: sa.Connection, copied: Sequence[CopiedTable], source: str) -> None:
    """Mark an empty target, its tables up to date, as one that is being filled; Conflict `ledger.not-empty`."""
    for table in copied:
        here = tables.metadata.tables[table.name]
        if is_single(table):
            connection.execute(sa.delete(here))
        elif connection.execute(sa.select(here).limit(1)).first() is not None:
            raise refusals.not_empty(target.name, f"rows in {table.name}")
    _table.create(connection)
    connection.execute(_table.insert().values(name="", content=source, rows=0))
    connection.execute(sa.update(_versions).values(version_num=schema.COPYING))


def reached(connection: sa.Connection) -> tuple[str, Mapping[str, Reached]]:
    """Give what is being copied, and how far each table has come."""
    rows = {name: (content, count) for name, content, count in connection.execute(sa.select(_table))}
    source, _ = rows.pop("")
    return source, {name: Reached(tuple(orjson.loads(content)), count) for name, (content, count) in rows.items()}


def advance(connection: sa.Connection, table: CopiedTable, now: Reached) -> None:
    """Note how far a table has come, in the transaction of its rows."""
    assert now.after is not None
    values: dict[str, Any] = {"content": orjson.dumps(list(now.after)).decode(), "rows": now.rows}
    changed = connection.execute(sa.update(_table).where(_table.c.name == table.name).values(values))
    if not changed.rowcount:
        connection.execute(_table.insert().values(name=table.name, **values))


def end(connection: sa.Connection) -> None:
    """Take the mark away: from now on a gateway may run on it."""
    _table.drop(connection)
    connection.execute(sa.update(_versions).values(version_num=schema.newest()))
