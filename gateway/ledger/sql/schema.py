"""Bringing a ledger's tables up to date, at start."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

_MIGRATIONS = Path(__file__).parents[1] / "migrations"


def upgrade(engine: sa.Engine) -> None:
    """Run the migrations that this ledger has not seen yet, in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
