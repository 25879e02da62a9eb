"""One process a file: the lock on a SQLite ledger's file, and who has it."""

from __future__ import annotations

import fcntl
import os
import socket
import sqlite3
from pathlib import Path
from secrets import token_hex
from threading import Lock
from urllib.parse import quote

import sqlalchemy as sa

from gateway.errors import Unavailable
from gateway.ledger.sql import tables
from schemas.findings import Text


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
