"""The databases that may keep a ledger, a module each; one is imported when a ledger is in it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import sqlalchemy as sa

from gateway.ledger.sql.engines.base import LedgerEngine, ServerReport

_ENGINES: Mapping[str, tuple[str, str]] = {
    "sqlite": ("gateway.ledger.sql.engines.sqlite", "SqliteEngine"),
    "postgresql": ("gateway.ledger.sql.engines.postgresql", "PostgreSQLEngine"),
}


def engine_at(url: str, *, patience: float, erases: bool = False) -> LedgerEngine:
    """Make the engine of an address, not opened yet; `patience`: seconds to wait for somebody else's lock.

    `erases`: what is written over or deleted is not to be found in a file any more.
    """
    module, name = _ENGINES[sa.make_url(url).get_backend_name()]
    engine: LedgerEngine = getattr(import_module(module), name)(url, patience=patience, erases=erases)
    return engine


def server_report(url: str) -> ServerReport:
    """Look at the server of an address, and change nothing; Unavailable when it does not let us."""
    report: ServerReport = import_module("gateway.ledger.sql.engines.postgresql_server").examine(url)
    return report
