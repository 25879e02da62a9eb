"""How far copying or comparing has come, told after every chunk."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct


class CopyStep(Struct, frozen=True):
    """Rows done of all there are: `stage` is `copy` or `verify`, `table` the one that is under way."""

    stage: str
    table: str
    done: int
    total: int


Tell = Callable[[CopyStep], None]
