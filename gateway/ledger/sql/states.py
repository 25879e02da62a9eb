"""Deliveries' states in SQL: conditions that a partial index recognises, and the rules the database keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from gateway.message import OPEN, TRANSITIONS, HeldBy, State


def quoted(words: Iterable[str]) -> list[sa.ColumnElement[Any]]:
    """Write words of ours into a statement as they are, so that a partial index can be recognised."""
    return [sa.literal_column(f"'{word}'") for word in sorted(words)]


def in_states(column: sa.ColumnElement[Any], states: Iterable[State]) -> sa.ColumnElement[bool]:
    """Restrict to states."""
    return column.in_(quoted(states))


def is_open(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Restrict to deliveries that keep their place in their lane."""
    return in_states(column, OPEN)


def is_head(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Restrict to the heads of lanes."""
    return column.is_(sa.true())


def is_state(column: sa.ColumnElement[Any], state: State) -> sa.ColumnElement[bool]:
    """Restrict to one state."""
    return column == sa.literal_column(f"'{state}'")


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


def _steps() -> str:
    return " OR ".join(
        f"(was = '{before}' AND state IN ({_listed(after)}))" for before, after in TRANSITIONS.items() if after
    )


RULES = {
    "state_known": f"state IN ({_listed(State)})",
    "step_allowed": f"was IS NULL OR {_steps()}",
    "held_by_someone": f"(state = 'held') = (held_by IS NOT NULL AND held_by IN ({_listed(HeldBy)}))",
    "waiting_until": "(state = 'waiting') = (due_at IS NOT NULL)",
    "open_has_platform": f"platform IS NOT NULL OR state NOT IN ({_listed(OPEN | {State.DELIVERED, State.REFUSED})})",
    "head_is_open": f"NOT head OR state IN ({_listed(OPEN)})",
    "sending_is_head": "state <> 'sending' OR head",
}
"""What the database itself refuses: the state table again, and what must hold in every row."""
