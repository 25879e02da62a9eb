"""Which tables are copied, with which columns, and what is written anew instead: it belongs to a process, not to us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from gateway.ledger.sql import tables
from gateway.ledger.sql.dialects import ITS_SYMBOL, NUL

Row = tuple[Any, ...]
"""The values of one row: int, float, str, bytes or None. A flag is 0 or 1, whatever the engine keeps."""

NOT_COPIED = frozenset({"processes"})
"""Tables about gateway processes that are running: none runs on the copy yet."""

ANEW: Mapping[str, Mapping[str, Any]] = {
    "ledger": {"owner": ""},
    "claims": {"owner": "", "until": None},
    "followed": {"owner": ""},
    "tree": {"owner": "", "until": 0},
}
"""Table → column → what the copy has: nobody has it, or a claim in it. Epochs are copied, so that none comes twice."""

CHUNK = 2000
"""Rows of a chunk, at most."""

CHUNK_BYTES = 8 << 20
"""Bytes of a chunk, about; then it ends with the row that has gone beyond."""


class CopiedTable(Struct, frozen=True):
    """A table as it is copied: the columns that are copied and compared, and the values that are written anew."""

    name: str
    columns: tuple[sa.Column[Any], ...]
    key: tuple[sa.Column[Any], ...]
    anew: Mapping[str, Any]
    written: tuple[sa.Column[Any], ...]
    """The columns of what is written: `columns`, then those of `anew`."""

    def key_of(self, row: Row) -> Row:
        """Give the key of a row."""
        return tuple(row[self.columns.index(column)] for column in self.key)

    def places(self, *types: type[sa.types.TypeEngine[Any]]) -> tuple[int, ...]:
        """Give where columns of these types stand."""
        return tuple(place for place, column in enumerate(self.columns) if isinstance(column.type, types))


def copied_tables() -> Sequence[CopiedTable]:
    """Give all of them, each after those that its rows refer to."""
    return tuple(_copied(table) for table in tables.metadata.sorted_tables if table.name not in NOT_COPIED)


def _copied(table: sa.Table) -> CopiedTable:
    anew = {name: value for name, value in ANEW.get(table.name, {}).items() if name in table.c}
    columns = tuple(column for column in table.columns if column.name not in anew)
    written = (*columns, *(table.c[name] for name in anew))
    return CopiedTable(str(table.name), columns, tuple(table.primary_key.columns), anew, written)


def is_single(table: CopiedTable) -> bool:
    """Tell whether a table has one row from the beginning, so that it says nothing of use."""
    rules = (each.name for each in tables.metadata.tables[table.name].constraints)
    return "one_row" in rules


# ── rows ──────────────────────────────────────────────────────────────────────────────────────
def chunks(rows: Iterable[Row], table: CopiedTable, size: int = CHUNK) -> Iterator[list[Row]]:
    """Give rows in chunks that fit into memory, however long their bytes are; all that there are before an error."""
    heavy = table.places(sa.LargeBinary)
    chunk: list[Row] = []
    weight = 0
    try:
        for row in rows:
            chunk.append(row)
            for place in heavy:
                weight += len(row[place] or b"")
            if len(chunk) >= size or weight >= CHUNK_BYTES:
                yield chunk
                chunk, weight = [], 0
    except sa.exc.SQLAlchemyError:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def folded(text: str) -> str:
    """Give a text as both engines can keep it: PostgreSQL keeps U+0000 as its symbol."""
    return text.replace(NUL, ITS_SYMBOL)


def folded_rows(rows: list[Row], table: CopiedTable) -> tuple[list[Row], int]:
    """Give rows whose texts both engines can keep, and how many texts that changed: hardly ever any."""
    places = [place for place in table.places(sa.Text) if NUL in "".join([row[place] or "" for row in rows])]
    if not places:
        return rows, 0
    changed = sum(NUL in (row[place] or "") for row in rows for place in places)
    return [tuple(folded(each) if type(each) is str else each for each in row) for row in rows], changed
