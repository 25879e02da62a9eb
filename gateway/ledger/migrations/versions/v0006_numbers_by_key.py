"""Numbers are found by their key, which all spellings of one number have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from schemas.identifiers.folding import comparison_key, folded

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Fold what is looked up by: numbers, search keys and identities. What was kept as written stays so.

    The fold is the product's own, not a copy: what is kept must be found by what the product looks up.
    """
    connection = op.get_bind()
    _fold_numbers(connection)
    _fold_search_keys(connection)
    _fold_identities(connection)


def _fold_numbers(connection: sa.Connection) -> None:
    """Of two spellings that were two numbers, the first stays; what comes from now on belongs to its case."""
    query = "SELECT number, field, platform, original, message FROM numbers"
    for number, field, platform, original, message in _changing(connection, query, comparison_key):
        connection.exec_driver_sql(
            "DELETE FROM numbers WHERE number = ? AND field = ? AND platform = ?", (number, field, platform)
        )
        connection.exec_driver_sql(
            "INSERT INTO numbers (number, field, platform, original, message) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (number, field, platform) DO UPDATE SET original = excluded.original, "
            "message = excluded.message WHERE excluded.message < numbers.message",
            (comparison_key(number), field, platform, original, message),
        )


def _fold_search_keys(connection: sa.Connection) -> None:
    query = "SELECT value, name, message FROM search_keys"
    for value, name, message in _changing(connection, query, comparison_key):
        connection.exec_driver_sql(
            "DELETE FROM search_keys WHERE value = ? AND name = ? AND message = ?", (value, name, message)
        )
        connection.exec_driver_sql(
            "INSERT INTO search_keys (value, name, message) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (comparison_key(value), name, message),
        )


def _fold_identities(connection: sa.Connection) -> None:
    """Of two identities that are one now, the newest document is the one that the next is compared with."""
    query = "SELECT identity, operation, source, message FROM latest"
    for identity, operation, source, message in _changing(connection, query, _identity):
        connection.exec_driver_sql(
            "DELETE FROM latest WHERE identity = ? AND operation = ? AND source = ?", (identity, operation, source)
        )
        connection.exec_driver_sql(
            "INSERT INTO latest (identity, operation, source, message) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (identity, operation, source) DO UPDATE SET message = excluded.message "
            "WHERE excluded.message > latest.message",
            (_identity(identity), operation, source, message),
        )
    for identity, seq in _changing(connection, "SELECT identity, seq FROM messages", _identity):
        connection.exec_driver_sql("UPDATE messages SET identity = ? WHERE seq = ?", (_identity(identity), seq))


def _identity(kept: str) -> str:
    """Fold an identity: the values that an operation declares as a list, or a type and the numbers it goes by."""
    if kept.startswith("["):
        values = orjson.loads(kept)
        return orjson.dumps([value and folded(value).upper() for value in values]).decode()
    kind, colon, numbers = kept.partition(":")
    return f"{kind}{colon}{comparison_key(numbers)}"


def _changing(connection: sa.Connection, query: str, fold: Callable[[str], str]) -> list[Any]:
    """Give the rows whose first column folds to something else; the others are read past, not kept."""
    return [row for row in connection.exec_driver_sql(query) if fold(row[0]) != row[0]]
