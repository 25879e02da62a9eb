"""What a case already knew, laid over a document without touching what was sent (Content Enricher)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.message import Enriched, Message
from schemas.catalog import MessageType, at

_PARTIES = ("party", "holder", "builder")
"""The fields that name whom a document is about."""

_FOLDED = str.maketrans("（）", "()")


def effective_document(message: Message) -> dict[str, Any]:
    """Give a message's document as it is routed and sent on: what was sent, and what the case knew."""
    return overlaid(message.document, message.enriched)


def overlaid(document: Mapping[str, Any], enriched: Mapping[str, Enriched]) -> dict[str, Any]:
    """Lay enriched values over a document, which stays as it is."""
    result = dict(document)
    for path, fact in enriched.items():
        result = with_value(result, path, fact.value)
    return result


def lacking(kind: MessageType, document: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the fields that the document has none of and a case may fill in.

    A party that is told by a person's number gets no company's.
    """
    person = at(document, "party.citizen_id") is not None
    return tuple(
        path for path in kind.enrichable if at(document, path) is None and not (person and path.startswith("party."))
    )


def same_party(document: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two documents may be about the same enterprise; one that names nobody contradicts nobody."""
    one, two = _party(document), _party(other)
    if not one or not two:
        return True
    codes = one.get("credit_code"), two.get("credit_code")
    if all(codes):
        return codes[0] == codes[1]
    return _folded(one.get("name")) == _folded(two.get("name"))


def with_value(document: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Give a copy of a document with a value at a path (`party.name`); everything off the path is shared."""
    name, _, rest = path.partition(".")
    if not rest:
        return {**document, name: value}
    inner = document.get(name)
    return {**document, name: with_value(inner if isinstance(inner, Mapping) else {}, rest, value)}


def _party(document: Mapping[str, Any]) -> Mapping[str, Any]:
    named = (document.get(field) for field in _PARTIES)
    return next((party for party in named if isinstance(party, Mapping)), {})


def _folded(name: object) -> str:
    return "".join(str(name).translate(_FOLDED).split())
