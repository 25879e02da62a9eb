"""Bringing a ledger's tables up to date: the migrations that it has not seen yet."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.ledger.errors import half_copied, newer

MIGRATIONS = Path(__file__).parents[1] / "migrations"

COPYING = "copying"
"""Stands as the revision of a ledger whose rows are still being copied to it.

An older gateway refuses it too, as a revision that it does not know.
"""


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Run the migrations that this ledger has not seen yet, in the transaction.

    HutongError `ledger.newer`; Conflict `ledger.half-copied`.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    head, known = _revisions()
    found = current(connection)
    if found == COPYING:
        raise half_copied()
    if found is not None and found not in known:
        raise newer(found)
    if (found, revision) == (head, "head"):
        return
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def current(connection: sa.Connection) -> str | None:
    """Give the revision of a ledger's tables; None: it has none yet."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """Give the revision of tables that are up to date."""
    head, _ = _revisions()
    assert head is not None
    return head


def is_known(revision: str) -> bool:
    """Tell whether this version has a revision: else a newer one made it."""
    return revision in _revisions()[1]


@cache
def _revisions() -> tuple[str | None, frozenset[str]]:
    """Give the newest migration, and all of them: read once, since that takes longer than opening a ledger."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    return scripts.get_current_head(), frozenset(script.revision for script in scripts.walk_revisions())
