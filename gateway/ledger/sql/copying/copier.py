"""A ledger copied from one engine to the other: chunk by chunk, each with its progress in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from msgspec import Struct

from gateway.ledger.sql import schema
from gateway.ledger.sql.copying import mark, plan, refusals
from gateway.ledger.sql.copying.comparison import Compared, compared, counts
from gateway.ledger.sql.copying.mark import Reached
from gateway.ledger.sql.copying.migrating import need_newest, revision
from gateway.ledger.sql.copying.plan import CopiedTable, Row
from gateway.ledger.sql.copying.progress import CopyStep, Tell
from gateway.ledger.sql.copying.side import CopySide, side_at
from gateway.ledger.sql.database_errors import is_about_one, translated, translated_errors


class Copied(Struct, frozen=True):
    """What was copied: `rows` by this run, `before` by runs before it, and how both ledgers compare now.

    `symbols`: the texts, by table, whose U+0000 the copy keeps as `␀`. Only when all is the `same` the copy may be
    served.
    """

    rows: int
    before: int
    symbols: Mapping[str, int]
    tables: Sequence[Compared]

    @property
    def same(self) -> bool:
        """Whether every table is the same in both."""
        return all(each.same for each in self.tables)


def copy(source: str, target: str, tell: Tell, *, size: int = plan.CHUNK) -> Copied:
    """Copy a ledger that nobody uses into an empty database, or go on where a copy was cut off, and verify it.

    `size`: the rows of a chunk, at most. HutongError when it cannot be done, with what to do.
    """
    sides = side_at(source), side_at(target)
    if sides[0].engine == sides[1].engine:
        raise refusals.one_engine(sides[0].engine)
    try:
        with translated_errors():
            sides[0].open()
            need_newest(sides[0])
            sides[1].open(new=True)
            return _Copier(*sides, tell, size).run()
    finally:
        for side in sides:
            side.close()


class _Copier:
    """One run, on two ledgers that are open."""

    def __init__(self, source: CopySide, target: CopySide, tell: Tell, size: int) -> None:
        self._source = source
        self._target = target
        self._tell = tell
        self._size = size
        self._tables = plan.copied_tables()

    def run(self) -> Copied:
        """Copy what is left, verify all, and let the target be served when it is the same."""
        self._source.prepare(self._tables)
        reached = self._begun()
        before = sum(each.rows for each in reached.values())
        done, total = before, sum(counts(self._source, self._tables).values())
        for table in self._tables:
            now = reached.get(table.name, Reached())
            for rows in self._chunks(table, now.after):
                for kept in self._keep(table, rows, now):
                    done += kept.rows - now.rows
                    now = kept
                self._tell(CopyStep("copy", table.name, done, total))
        with self._target.writing() as connection:
            self._target.number_on(connection)
        symbols = dict(self._source.symbols)
        results = compared(self._source, self._target, self._tables, self._tell)
        copied = Copied(done - before, before, symbols, results)
        if copied.same:
            with self._target.writing(alone=True) as connection:
                mark.end(connection)
        return copied

    def _begun(self) -> Mapping[str, Reached]:
        """Mark the target, or find how far it had come."""
        with self._source.reading() as connection:
            source = mark.source_of(connection, self._tables)
        found = revision(self._target)
        if found == schema.COPYING:
            with self._target.reading() as connection:
                known, reached = mark.reached(connection)
            if known != source:
                raise refusals.other_source(self._target.name)
            return reached
        if found is None:
            self._need_no_tables()
        self._target.upgrade()
        with self._target.writing(alone=True) as connection:
            mark.begin(self._target, connection, self._tables, source)
        return {}

    def _need_no_tables(self) -> None:
        with self._target.reading() as connection:
            found = sa.inspect(connection).get_table_names()
        if found:
            raise refusals.not_empty(self._target.name, f"the table {found[0]}")

    def _chunks(self, table: CopiedTable, after: Row | None) -> Iterator[list[Row]]:
        """Give what is left of a table; HutongError where it cannot be read."""
        try:
            for rows in plan.chunks(self._source.rows(table, after), table, self._size):
                yield rows
                after = table.key_of(rows[-1])
        except sa.exc.DBAPIError as error:
            raise refusals.unreadable(table, after, _cause(error)) from error

    def _keep(self, table: CopiedTable, rows: list[Row], before: Reached) -> Iterator[Reached]:
        """Write rows, and how far the table has come with them; Conflict `ledger.row-refused`, with the row's key."""
        now = Reached(table.key_of(rows[-1]), before.rows + len(rows))
        try:
            with self._target.writing() as connection:
                self._target.write(connection, table, rows)
                mark.advance(connection, table, now)
        except sa.exc.DBAPIError as error:
            if not is_about_one(error):
                raise translated(error) from error
            if len(rows) == 1:
                raise refusals.row_refused(table, rows[0], _cause(error)) from error
            half = len(rows) // 2
            for part in (rows[:half], rows[half:]):  # until the row that is not taken is alone
                for kept in self._keep(table, part, before):
                    yield kept
                    before = kept
        else:
            yield now


def _cause(error: sa.exc.DBAPIError) -> str:
    """Give the database's words, without the values that it may quote in the lines after the first."""
    return str(error.orig).partition("\n")[0]
