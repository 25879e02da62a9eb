"""Two ledgers compared, row by row in the order of their keys: counts, digests, and the first key that differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import zip_longest

import sqlalchemy as sa
from msgspec import Struct, msgpack

from gateway.ledger.sql import tables as schema_tables
from gateway.ledger.sql.copying import plan, refusals
from gateway.ledger.sql.copying.migrating import need_newest
from gateway.ledger.sql.copying.plan import CopiedTable, Row
from gateway.ledger.sql.copying.progress import CopyStep, Tell
from gateway.ledger.sql.copying.side import CopySide, side_at
from gateway.ledger.sql.database_errors import translated_errors

_encode = msgpack.Encoder().encode


class TableDigest(Struct, frozen=True):
    """The rows of a table in one ledger, and the SHA-256 of their values in the order of their keys.

    The values are written as MessagePack, a row after the other, flags as 0 and 1 and U+0000 in texts as `␀`: so the
    digest does not depend on the engine.
    """

    rows: int
    digest: str


class Compared(Struct, frozen=True):
    """A table of both ledgers; `difference` names the first key that differs, and how."""

    table: str
    source: TableDigest
    target: TableDigest
    difference: str | None = None

    @property
    def same(self) -> bool:
        """Whether the table is the same in both."""
        return self.source == self.target


def compare(source: str, target: str, tell: Tell) -> Sequence[Compared]:
    """Compare all that would be copied of two ledgers that nobody uses; HutongError when they cannot be read."""
    sides = side_at(source), side_at(target)
    copied = plan.copied_tables()
    try:
        with translated_errors():
            for side in sides:
                side.open()
                need_newest(side)
                side.prepare(copied)
            return compared(*sides, copied, tell)
    finally:
        for side in sides:
            side.close()


def compared(
    source: CopySide, target: CopySide, copied: Sequence[CopiedTable], tell: Tell, *, size: int = plan.CHUNK
) -> Sequence[Compared]:
    """Compare two ledgers that are open and prepared."""
    done, total = 0, sum(counts(source, copied).values())
    results = []
    for table in copied:
        running = _Running(table)
        for ours, theirs in _side_by_side(source, target, table, size):
            running.add(ours, theirs)
            tell(CopyStep("verify", table.name, done + running.rows, total))
        results.append(running.result())
        done += running.rows
    return results


def counts(side: CopySide, copied: Sequence[CopiedTable]) -> dict[str, int]:
    """Count the rows of each table."""
    with side.reading() as connection:
        return {
            table.name: connection.scalar(
                sa.select(sa.func.count()).select_from(schema_tables.metadata.tables[table.name])
            )
            or 0
            for table in copied
        }


def _side_by_side(
    source: CopySide, target: CopySide, table: CopiedTable, size: int
) -> Iterator[tuple[list[Row], list[Row]]]:
    chunks = (plan.chunks(side.rows(table), table, size) for side in (source, target))
    yield from zip_longest(*chunks, fillvalue=[])


class _Running:
    """The comparison of one table as far as it has come.

    Rows that are alike end their chunks at the same row, so the first difference is in two chunks that belong together.
    """

    def __init__(self, table: CopiedTable) -> None:
        self._table = table
        self._digests = sha256(), sha256()
        self._counts = [0, 0]
        self._difference: str | None = None

    @property
    def rows(self) -> int:
        """The rows of the source so far."""
        return self._counts[0]

    def add(self, ours: list[Row], theirs: list[Row]) -> None:
        """Go on with the next rows of both."""
        written = [b"".join(map(_encode, rows)) for rows in (ours, theirs)]
        for number, rows in enumerate((ours, theirs)):
            self._digests[number].update(written[number])
            self._counts[number] += len(rows)
        if self._difference is None and written[0] != written[1]:
            self._difference = _difference(self._table, ours, theirs)

    def result(self) -> Compared:
        """Give what was found."""
        both = [
            TableDigest(count, digest.hexdigest()) for count, digest in zip(self._counts, self._digests, strict=True)
        ]
        return Compared(self._table.name, both[0], both[1], self._difference)


def _difference(table: CopiedTable, ours: list[Row], theirs: list[Row]) -> str:
    """Say which row of two lists differs first, and how; the lists differ."""
    for one, other in zip_longest(ours, theirs):
        if one is None or (other is not None and table.key_of(other) < table.key_of(one)):
            return f"{refusals.shown(table.key_of(other))}: only in the target"
        if other is None or table.key_of(one) < table.key_of(other):
            return f"{refusals.shown(table.key_of(one))}: not in the target"
        names = [
            column.name
            for column, mine, its in zip(table.columns, one, other, strict=True)
            if _encode(mine) != _encode(its)
        ]
        if names:
            return f"{refusals.shown(table.key_of(one))}: differs in {', '.join(names)}"
    raise AssertionError("the rows are alike")
