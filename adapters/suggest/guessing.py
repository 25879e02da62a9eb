"""Which document a table is: by how many of its columns a document knows, and how much of the document they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from adapters.suggest.columns import Table
from adapters.suggest.judging import Suggestion, suggest
from adapters.suggest.terms import NO_FIELD
from schemas import documents
from schemas.catalog import TYPES

SURE = 1.15
"""How much the first must be ahead of the second not to be doubted."""

_MANDATORY = 4.0
_FAVOUR = 1.15


@dataclass(frozen=True, slots=True)
class Guess:
    """A message type that a table may be, its score (comparable within one table only), and what was suggested."""

    type: str
    score: float
    suggestions: tuple[Suggestion, ...]


def guess(table: Table, types: Sequence[str] = (), favoured: Sequence[str] = ()) -> tuple[Guess, ...]:
    """Rate message types for a table, best first; `types` limits them, `favoured` are likelier beforehand."""
    found = []
    for name in types or TYPES:
        suggestions = suggest(table, TYPES[name].document)
        score = _score(suggestions, TYPES[name].document) * (_FAVOUR if name in favoured else 1.0)
        found.append(Guess(name, round(score, 2), suggestions))
    return tuple(sorted(found, key=lambda one: (-one.score, one.type)))


def is_sure(guesses: Sequence[Guess]) -> bool:
    """Whether the first is plainly ahead of the others."""
    if not guesses or guesses[0].score <= 2:
        return False
    return len(guesses) == 1 or guesses[0].score >= SURE * guesses[1].score


def _score(suggestions: Sequence[Suggestion], document: str) -> float:
    rarity = _rarity()
    best: dict[str, float] = {}
    for one in suggestions:
        for candidate in one.candidates[:1]:
            if candidate.target != NO_FIELD:
                worth = candidate.confidence * rarity.get(candidate.target, 1.0)
                best[candidate.target] = max(best.get(candidate.target, 0.0), worth)
    mandatory = [field.path for field in documents.fields(document).values() if field.mandatory]
    covered = sum(1 for path in mandatory if best.get(path, 0.0) > 0 or _in_range(path, best))
    return sum(best.values()) + _MANDATORY * covered / max(len(mandatory), 1)


def _in_range(path: str, best: Mapping[str, float]) -> bool:
    return any(path in target.split(", ") for target in best)


@cache
def _rarity() -> Mapping[str, float]:
    """A field that few documents have says more: one over the root of how many have it."""
    counts = Counter(path for name in documents.NAMES for path in documents.fields(name))
    return {path: 1 / count**0.5 for path, count in counts.items()}
