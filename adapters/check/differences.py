"""Where two trees differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

_NOTHING = object()
_MAX = 10
_SHOWN = 60

Same = Callable[[str, Any, Any], bool]


def differences(got: Any, wanted: Any, same: Same | None = None) -> list[tuple[str, str, str]]:
    """Give (path, got, wanted) for at most ten places where the trees differ.

    `same` decides for two leaves that are not equal.
    """
    return list(islice(_walk(got, wanted, "", same or (lambda path, one, other: False)), _MAX))


def _walk(got: Any, wanted: Any, path: str, same: Same) -> Iterator[tuple[str, str, str]]:
    if isinstance(got, dict) and isinstance(wanted, dict):
        for name in dict.fromkeys([*wanted, *got]):
            here = f"{path}.{name}" if path else str(name)
            yield from _walk(got.get(name, _NOTHING), wanted.get(name, _NOTHING), here, same)
    elif isinstance(got, list) and isinstance(wanted, list) and len(got) == len(wanted):
        for index, (one, other) in enumerate(zip(got, wanted, strict=True)):
            yield from _walk(one, other, f"{path}[{index}]", same)
    elif got != wanted and not same(path, got, wanted):
        yield path, _shown(got), _shown(wanted)


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return "—"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
