"""A ledger's tables brought up to date without a gateway; and whether they are."""

from __future__ import annotations

from msgspec import Struct

from gateway.ledger.errors import half_copied, newer
from gateway.ledger.sql import schema
from gateway.ledger.sql.copying import refusals
from gateway.ledger.sql.copying.side import CopySide, side_at
from gateway.ledger.sql.database_errors import translated_errors


class Migrated(Struct, frozen=True):
    """What was done: the revision before (None: there was no ledger yet), and after."""

    ledger: str
    before: str | None
    after: str


def migrate(url: str) -> Migrated:
    """Bring a ledger's tables up to date, or make them; Unavailable `ledger.in-use`, HutongError `ledger.newer`."""
    side = side_at(url)
    try:
        with translated_errors():
            side.open(new=True)
            before = revision(side)
            side.upgrade()
    finally:
        side.close()
    return Migrated(side.name, before, schema.newest())


def revision(side: CopySide) -> str | None:
    """Give the revision of a ledger's tables; None: it has none."""
    with side.reading() as connection:
        return schema.current(connection)


def need_newest(side: CopySide) -> None:
    """Let pass a complete ledger whose tables are up to date; HutongError."""
    found, newest = revision(side), schema.newest()
    if found is None:
        raise refusals.missing(side.name)
    if found == schema.COPYING:
        raise half_copied()
    if not schema.is_known(found):
        raise newer(found)
    if found != newest:
        raise refusals.older(side.name, found, newest)
