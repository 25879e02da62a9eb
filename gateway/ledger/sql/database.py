"""Opening the database: every commit synced, readers beside one writer, tables brought up to date."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

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
    "PRAGMA cache_size=-32768",
    "PRAGMA wal_autocheckpoint=4000",
)
_READER = ("PRAGMA query_only=ON", "PRAGMA cache_size=-8192")


def path_of(url: str) -> Path:
    """Give the file a `sqlite:///` address names."""
    return Path(sa.make_url(url).database or "hutong.db")


def reserve(path: Path) -> None:
    """Make a ledger's file readable by its owner only, where there is none: it holds personal data and secrets.

    SQLite gives the files beside it the same mode, and says itself what cannot be made. A file that
    is there keeps the mode its owner chose.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


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
    """Run the migrations that this ledger has not seen yet, in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
