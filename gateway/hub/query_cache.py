"""What platforms answered a moment ago, so that whoever clicks through a dossier does not ask them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from gateway.clock import Clock
from gateway.coordination import SharedStore, Unshared

LARGEST = 256 * 1024
"""Bytes of an answer that is kept; a larger one is asked for again."""


class KeptAnswer(Struct, frozen=True):
    """A whole answer to a question: when it was given, and each record's message type and document."""

    question: str
    at: datetime
    records: tuple[tuple[str, dict[str, Any]], ...]


class QueryCache:
    """Keeps answers for `seconds`, and no longer since they hold personal data; 0: it keeps nothing.

    A question is everything that its answer depends on. Where the store cannot be reached there is no answer.
    """

    def __init__(self, store: SharedStore, clock: Clock, seconds: int = 0) -> None:
        self._store = store
        self._clock = clock
        self._time = timedelta(seconds=seconds)

    async def find(self, questions: Sequence[str]) -> Sequence[KeptAnswer | None]:
        """Give the answer that is kept to each question."""
        if self._time and questions:
            with suppress(Unshared):
                found = await self._store.get([_key(one) for one in questions])
                return [self._read(one, value) for one, value in zip(questions, found, strict=True)]
        return [None] * len(questions)

    async def keep(self, answers: Sequence[KeptAnswer]) -> None:
        """Keep whole answers, as far as that is possible."""
        if not self._time:
            return
        written: Mapping[str, bytes] = {_key(one.question): msgspec.json.encode(one) for one in answers}
        small = {key: value for key, value in written.items() if len(value) <= LARGEST}
        if small:
            with suppress(Unshared):
                await self._store.put(small, self._time.total_seconds())

    def _read(self, question: str, value: bytes | None) -> KeptAnswer | None:
        """Read what is kept, which others may have written: only what answers this question, and is not too old."""
        if value is None:
            return None
        try:
            kept = msgspec.json.decode(value, type=KeptAnswer)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        same = kept.question == question and kept.at.tzinfo is not None
        return kept if same and self._clock() - kept.at <= self._time else None


def _key(question: str) -> str:
    # A digest, since names of keys are seen by more people than what is kept under them.
    return f"query:{sha256(question.encode()).hexdigest()}"
