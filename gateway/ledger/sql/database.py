"""Opening the database: every commit synced, readers beside one writer, tables brought up to date, one owner."""

from __future__ import annotations

import fcntl
import os
import socket
import sqlite3
from functools import cache
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.errors import Unavailable
from gateway.ledger.errors import newer
from gateway.ledger.sql import claims, tables
from schemas.findings import Text

_MIGRATIONS = Path(__file__).parents[1] / "migrations"
_ALWAYS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",
)
# Numbers and cases arrive in no order, so every document dirties pages all over the indexes: small
# pages keep what is written for them small. Larger ones were measured, and lost as the store grew.
_WRITER = (
    "PRAGMA page_size=4096",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA cache_size=-16384",
    "PRAGMA wal_autocheckpoint=4000",
)
_READER = ("PRAGMA query_only=ON", "PRAGMA cache_size=-2048")


def path_of(url: str) -> Path:
    """Give the file a `sqlite:///` address names."""
    return Path(sa.make_url(url).database or "hutong.db")


def writing(url: str, *, patience: float) -> sa.Engine:
    """Make the engine of the one writer; `patience`: seconds to wait for a lock of another program."""
    return _engine(url, "BEGIN IMMEDIATE", (*_ALWAYS, *_WRITER), patience, size=1)


def reading(url: str, *, patience: float, readers: int) -> sa.Engine:
    """Make the engine of the readers: a snapshot a transaction, and nothing can be written."""
    return _engine(url, "BEGIN", (*_ALWAYS, *_READER), patience, size=readers)


def _engine(url: str, begin: str, pragmas: tuple[str, ...], patience: float, *, size: int) -> sa.Engine:
    engine = sa.create_engine(
        url,
        connect_args={"timeout": patience, "check_same_thread": False, "cached_statements": 512},
        poolclass=sa.QueuePool,
        pool_size=size,
        max_overflow=0,
    )

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(pragma)

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Run the migrations that this ledger has not seen yet, in one transaction; HutongError `ledger.newer`."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    newest, known = _revisions()
    with engine.begin() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in known:
            raise newer(found)
        if (found, revision) == (newest, "head"):
            return
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@cache
def _revisions() -> tuple[str | None, frozenset[str]]:
    """Give the newest migration, and all of them: read once, since that takes longer than opening a ledger."""
    scripts = ScriptDirectory(str(_MIGRATIONS))
    return scripts.get_current_head(), frozenset(script.revision for script in scripts.walk_revisions())


def take_over(engine: sa.Engine, owner: str) -> int:
    """Make a process the ledger's owner; gives its epoch, which ends all before it."""
    ledger = tables.ledger
    taken = sa.update(ledger).values(owner=owner, epoch=ledger.c.epoch + 1).returning(ledger.c.epoch)
    with engine.begin() as connection:
        epoch = int(connection.execute(taken).scalar_one())
        claims.void(connection)
    # Into the file itself, where `owner_of` can read it without SQLite's log beside the file.
    raw = engine.raw_connection()  # outside any transaction
    try:
        raw.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        raw.close()
    return epoch


def owner_of(path: Path) -> str | None:
    """Read who has a ledger that another process has open; None when that cannot be told.

    `immutable` looks at the file alone: no lock is taken, and nothing is left beside a hard link.
    """
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            owner: str | None = connection.scalar(sa.select(tables.ledger.c.owner))
    except sa.exc.SQLAlchemyError:
        return None
    return owner


# ── one owner a file ─────────────────────────────────────────────────────────────────────────────
_Inode = tuple[int, int]
_ours: set[_Inode] = set()
"""The ledger files that this process has locked."""
_looking = Lock()


def this_process() -> str:
    """Name this process as the owner of a ledger: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def new_owner() -> str:
    """Name this process as the owner of claims: as no other is or was named, though process ids come again."""
    return f"{this_process()}:{token_hex(4)}"


class FileLock:
    """A lock on the ledger's file itself, from `take` until `drop` or the end of the process.

    It is the file that is locked, not a name: a symbolic or hard link to it leads to the
    same lock, and there is no lock file to delete. A file that is not there is made, readable by
    its owner only: it holds personal data and secrets. SQLite gives the files beside it its mode.
    """

    def __init__(self, ledger: Path) -> None:
        self._path = ledger
        self._file: int | None = None
        self._inode: _Inode | None = None

    def take(self) -> None:
        """Take the lock; Unavailable when another has it or the file cannot be opened."""
        with _looking:
            # A process that closes any descriptor of a file loses all that SQLite has locked in it. So what
            # this process has locked is known here, and never opened a second time.
            if self._known() in _ours:
                raise self._taken(this_process())
            file = self._open()
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                raise self._taken(owner_of(self._path) or "?") from None
            self._file, self._inode = file, _inode(os.fstat(file))
            _ours.add(self._inode)

    def _known(self) -> _Inode | None:
        try:
            return _inode(self._path.stat())
        except OSError:
            return None

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(
                Text(
                    f"不能在 {self._path.parent} 打开账本（{error.strerror}）；请检查目录是否存在、可写。",
                    f"The ledger cannot be opened in {self._path.parent} ({error.strerror}); "
                    "see that the folder exists and is ours.",
                ),
                code="ledger.read-only",
            ) from error

    def _taken(self, holder: str) -> Unavailable:
        return Unavailable(
            Text(
                f"账本已被另一进程打开（{holder}）；同一账本文件只能由一个网关使用，请先停止它。",
                f"Another process ({holder}) has this ledger open; one file serves one gateway: stop the other first.",
            ),
            code="ledger.in-use",
        )

    def drop(self) -> None:
        """Let the lock go; only when nothing of this process has the file open any more."""
        with _looking:
            if self._file is not None and self._inode is not None:
                os.close(self._file)
                _ours.discard(self._inode)
                self._file = self._inode = None


def _inode(found: os.stat_result) -> _Inode:
    return found.st_dev, found.st_ino
