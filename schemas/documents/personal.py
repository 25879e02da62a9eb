"""The personal values of a document, found again wherever they went: in what was written of it, in what came back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

from schemas.documents.checking import compiled
from schemas.documents.field import Field
from schemas.documents.masking import mask
from schemas.identifiers.person import is_citizen_id


def personal_values(name: str, *documents: Mapping[str, Any]) -> frozenset[str]:
    """Give what documents of a kind say of people: their personal fields, and the citizen ids among other numbers."""
    leaves = compiled(name).leaves
    said = ((leaves.get(path), text) for document in documents for path, text in _texts(document, ""))
    return frozenset(text for field, text in said if field is not None and _is_personal(field, text))


def citizen_ids(name: str, document: Mapping[str, Any]) -> frozenset[str]:
    """Give the citizen ids in a document's identity fields."""
    leaves = compiled(name).leaves
    said = ((leaves.get(path), text) for path, text in _texts(document, ""))
    return frozenset(text for field, text in said if field is not None and field.identity and is_citizen_id(text))


def mentions(value: Any, private: Set[str]) -> bool:
    """Tell whether a value holds one of the private ones."""
    text = str(value)
    return any(one in text for one in private)


def without(text: str, private: Set[str]) -> str:
    """Give a text with the private values in it masked, however their letters are written."""
    for one in sorted(private, key=len, reverse=True):
        text = re.sub(re.escape(one), mask(one), text, flags=re.IGNORECASE)
    return text


def _is_personal(field: Field, text: str) -> bool:
    if field.personal:
        return len(text) > 1
    return field.identity and is_citizen_id(text)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Give the leaves as texts, lists as `officers[].name`."""
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _texts(child, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from _texts(child, f"{path}[]")
    else:
        yield path, str(value)
