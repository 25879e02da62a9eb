"""Where two trees differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

_NOTHING = object()
_MAX = 10
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where a tree has something else than it should."""

    keys: tuple[str | int, ...]
    got: str
    wanted: str


def differences(got: Any, wanted: Any) -> Iterator[Difference]:
    """Give at most ten places where the trees differ, in the order of the wanted one."""
    return islice(_walk(got, wanted, ()), _MAX)


def _walk(got: Any, wanted: Any, keys: tuple[str | int, ...]) -> Iterator[Difference]:
    if isinstance(got, dict) and isinstance(wanted, dict):
        for name in dict.fromkeys([*wanted, *got]):
            yield from _walk(got.get(name, _NOTHING), wanted.get(name, _NOTHING), (*keys, name))
    elif isinstance(got, list) and isinstance(wanted, list) and len(got) == len(wanted):
        for index, (one, other) in enumerate(zip(got, wanted, strict=True)):
            yield from _walk(one, other, (*keys, index))
    elif got != wanted:
        yield Difference(keys, _shown(got), _shown(wanted))


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return "—"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
