"""How values with secrets are printed, where they come into a log or a traceback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


def repr_without(value: Struct, *secret: str) -> str:
    """Give a repr in which these fields are `…`; of a mapping the names stay, where they are text."""
    shown = (f"{name}={_hidden(kept) if name in secret else repr(kept)}" for name, kept in _fields(value))
    return f"{type(value).__name__}({', '.join(shown)})"


def _fields(value: Struct) -> list[tuple[str, Any]]:
    return [(name, getattr(value, name)) for name in value.__struct_fields__]


def _hidden(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!s}: …" for name in value) + "}"
    return repr(value) if value in (None, "", b"", ()) else "…"
