"""How values with secrets, or with what documents say of people, are printed: in a log or a traceback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


def repr_without(value: Struct, *secret: str) -> str:
    """Give a repr in which these fields are `…`; of a mapping the names stay, where they are text."""
    shown = (f"{name}={_hidden(kept) if name in secret else repr(kept)}" for name, kept in _fields(value))
    return f"{type(value).__name__}({', '.join(shown)})"


PERSONAL = (
    "body", "document", "effective", "enriched", "keys", "native", "numbers", "problem", "raw", "raw_numbers", "reply",
    "settings", "tree", "value", "warnings",
)  # fmt: skip
"""The fields that hold what documents say of people, or secrets: a repr has no more of them than the names in them."""


class Discreet(Struct, frozen=True):
    """A value that may hold what documents say of people: its repr does not have it."""

    def __repr__(self) -> str:
        return repr_without(self, *PERSONAL)


def _fields(value: Struct) -> list[tuple[str, Any]]:
    return [(name, getattr(value, name)) for name in value.__struct_fields__]


def _hidden(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!s}: …" for name in value) + "}"
    return repr(value) if value in (None, "", b"", ()) else "…"
