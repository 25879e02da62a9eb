"""Reading beside the writer: each batch of questions is answered from one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from gateway.errors import HutongError
from gateway.ledger.sql.border import translated
from gateway.ledger.sql.worker import Outcome

Question = Callable[[sa.Connection], Any]
"""One thing to read."""


class Reader:
    """Answers batches of questions on a connection that cannot write."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def run(self, batch: Sequence[Question]) -> Sequence[Outcome]:
        """Answer each question; what one of them raises is its own outcome."""
        try:
            with self._engine.begin() as connection:
                return [_answer(question, connection) for question in batch]
        except sa.exc.SQLAlchemyError as error:
            return [translated(error)] * len(batch)


def _answer(question: Question, connection: sa.Connection) -> Outcome:
    try:
        return question(connection)
    except HutongError as refusal:
        return refusal
    except sa.exc.SQLAlchemyError as error:
        return translated(error)
    except Exception as error:  # the asker is told; the thread goes on
        return error
