"""Looks at a PostgreSQL server before a gateway runs on it: what it is, and what would not do. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from gateway.ledger.sql.database_errors import translated_errors
from gateway.ledger.sql.engines.base import ServerReport
from gateway.ledger.sql.engines.postgresql import OLDEST, PostgreSQLEngine

_ASKED = """
SELECT current_setting('server_version_num')::INTEGER / 10000 AS major, current_setting('server_version') AS version,
       current_database() AS database, current_setting('server_encoding') AS encoding,
       current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
       pg_is_in_recovery() AS standby,
       COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create
"""


def examine(url: str) -> ServerReport:
    """Connect and look; Unavailable when that cannot be done, with what to do."""
    engine = PostgreSQLEngine(url, patience=5).looking()
    try:
        with translated_errors(), engine.connect() as connection:
            found = connection.execute(sa.text(_ASKED)).one()
    finally:
        engine.dispose()
    return ServerReport(f"PostgreSQL {found.version}, database {found.database}", tuple(_faults(found)))


def _faults(found: Any) -> Iterator[str]:
    if found.major < OLDEST:
        yield f"PostgreSQL {found.version} is too old: {OLDEST} or newer is needed"
    if found.encoding != "UTF8":
        yield f"the encoding is {found.encoding}: make the database with ENCODING 'UTF8' TEMPLATE template0"
    for name in ("fsync", "full_page_writes"):
        if getattr(found, name) != "on":
            yield f"{name} is off: what was answered 202 may be lost in a crash; set it on"
    if found.standby:
        yield "this is a standby: let HUTONG_LEDGER name the primary"
    elif not found.may_create:
        yield "the user may not make tables: make it the owner of the database, or GRANT CREATE ON SCHEMA public"
