"""Where two translations of the same thing differ, field by field; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Difference = tuple[str, Any, Any]
"""The field's path (lists as `officers[].name`), its value in the active version, and in the other; `ABSENT`: none."""


class _Absent:
    def __repr__(self) -> str:
        return "—"


ABSENT = _Absent()
"""The value of a field that is not there."""


def differences(active: Any, other: Any, path: str = "") -> Iterator[Difference]:
    """Give every leaf in which two trees differ; a list of another length differs as a whole."""
    if isinstance(active, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*active, *other]):
            here = f"{path}.{name}" if path else str(name)
            yield from differences(active.get(name, ABSENT), other.get(name, ABSENT), here)
    elif isinstance(active, list) and isinstance(other, list) and len(active) == len(other):
        for one, another in zip(active, other, strict=True):
            yield from differences(one, another, f"{path}[]")
    elif active != other or type(active) is not type(other):
        yield path, active, other


def is_expected(path: str, expected: tuple[str, ...]) -> bool:
    """Tell whether a field, or what it lies in, was declared to differ."""
    return any(path == one or path.startswith((f"{one}.", f"{one}[]")) for one in expected)
