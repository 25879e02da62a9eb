"""What an engine is: the database that keeps a ledger, opened, locked and read as only it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import sqlalchemy as sa
from msgspec import Struct

from gateway.clock import Ticks
from gateway.ledger.followed import Numbered


class Sequences(Struct, frozen=True):
    """The next numbers of the tables that we number ourselves; those of one lane or case grow with their commits."""

    bodies: Iterator[int]
    messages: Iterator[int]
    deliveries: Iterator[int]


class ServerReport(Struct, frozen=True):
    """What was found of a server: it in a few words, and what must be changed, each with how."""

    server: str
    faults: tuple[str, ...]


Keys = Callable[[], Iterable[str]]
"""Gives what a transaction has to lock, called in it: words that stand for what is read or changed."""


class TooManyKeys(Exception):
    """A transaction wants more locks than one may take."""


class LedgerEngine(Protocol):
    """The database of one ledger. Opened and closed once; used between.

    `owner`: how this process is named where it claims a platform; `part`: in which part of the counts it counts.
    `writing` gives connections that may write, `reading` others that cannot, and see one moment in a transaction.
    `here`: a reading connection on which the event loop may ask, because nothing keeps it waiting; None: there is
    none. `beating` gives a connection for beats, which wait for nobody's writes; None: only one process may have
    the database, and no claim lapses.
    """

    owner: str
    part: int
    writing: sa.Engine
    reading: sa.Engine
    beating: sa.Engine | None
    here: sa.Connection | None

    def reserve(self) -> None:
        """Take the database for this process where only one may have it; Unavailable `ledger.in-use`."""
        ...

    def open(self, readers: int) -> None:
        """Connect for so many readers, and bring the tables up to date; HutongError `ledger.newer`."""
        ...

    def close(self) -> None:
        """Close every connection, and give up what was reserved; also after `open` failed."""
        ...

    def begin(self, connection: sa.Connection, keys: Keys | None, expected: int) -> Sequences:
        """Begin a transaction that writes: from now on nobody else changes what `keys` name, or anything (None).

        `expected`: how many operations it has, each of which may number rows. TooManyKeys; Unavailable
        `ledger.superseded`.
        """
        ...

    def numbered(self, connection: sa.Connection, table: str) -> Numbered:
        """Tell how far the rows of a table are numbered (`seq`), and whose numbers may not be seen yet."""
        ...

    def deadline(self, connection: sa.Connection, ticks: Ticks, deadline: float) -> AbstractContextManager[None]:
        """Stop statements that still run at a deadline, given in ticks: see `database_errors.is_interrupted`."""
        ...
