"""Which region names stand for, and what they leave out: 贵阳市观山湖区 is a county of 贵州省."""

from __future__ import annotations

from functools import cache

from schemas import codes, regions


def above(names: tuple[str, ...]) -> str | None:
    """The province that names leave out; empty when they are full; None when they are no regions of one province."""
    plain = tuple(name.replace("/", "").replace(" ", "") for name in names)
    if not plain:
        return None
    if all(map(regions.by_name, plain)):
        return ""
    found = [
        code
        for code, province in _provinces()
        if all(regions.by_name(province + name) or regions.by_name(name) for name in plain)
    ]
    return found[0] if len(found) == 1 else None


@cache
def _provinces() -> tuple[tuple[str, str], ...]:
    rows = [row for row in codes.table("region") if row.valid_to is None and row.code.endswith("0000")]
    return tuple((row.code, row.title) for row in rows if row.code != "000000")
