"""Regions (GB/T 2260) compared by level, never as text: `PP0000` province, `PPCC00` city, `PPCCDD` county."""

from __future__ import annotations

from functools import cache, lru_cache

from schemas.codes import Code, table
from schemas.findings import Finding, Text

NATIONAL = "000000"
"""The whole country."""


def depth(code: str) -> int:
    """Return the level of a region: 0 country, 1 province, 2 city, 3 county."""
    if code[4:] != "00":
        return 3
    if code[2:4] != "00":
        return 2
    return 0 if code == NATIONAL else 1


@lru_cache(maxsize=8192)
def covers(wide: str, narrow: str) -> bool:
    """Tell whether region `wide` is `narrow` or contains it."""
    kept = 2 * depth(wide)
    return wide[:kept] == narrow[:kept] and depth(narrow) >= depth(wide)


def parent(code: str) -> str | None:
    """Return the region one level up; None above the country. It need not be in the table."""
    level = depth(code)
    return code[: 2 * level - 2].ljust(6, "0") if level else None


@lru_cache(maxsize=8192)
def lineage(code: str) -> tuple[str, ...]:
    """Return a region and everything it lies in, deepest first, the country last."""
    above = parent(code)
    return (code,) if above is None else (code, *lineage(above))


def row(code: str) -> Code | None:
    """Return the table row of a region, abolished ones included; None for a code never issued."""
    return table("region").rows.get(code)


@lru_cache(maxsize=8192)
def successors(code: str) -> tuple[str, ...]:
    """Return the regions in force that took the place of an abolished one; none for one in force, or if unknown.

    What became of a region that was divided or merged the table does not know.
    """
    found: dict[str, None] = {}
    open_ = [code]
    passed: set[str] = set()
    while open_:
        one = row(open_.pop())
        if one is None or one.code in passed:
            continue
        passed.add(one.code)
        if one.valid_to is None and one.code != code:
            found[one.code] = None
        open_.extend(one.successors)
    return tuple(sorted(found))


def name(code: str) -> str:
    """Return the name of a region, `余杭区`; the code itself when the table does not have it."""
    found = row(code)
    return found.title if found else code


def path_name(code: str) -> str:
    """Return the full path `浙江省/杭州市/余杭区`; levels without a name of their own are left out."""
    if code == NATIONAL:
        return name(code)
    steps = [row(one) for one in reversed(lineage(code)[:-1])]
    return "/".join(step.title for step in steps if step is not None and step.title not in _NAMELESS)


_NAMELESS = frozenset({"市辖区", "县", "省直辖县级行政单位", "自治区直辖县级行政单位"})


def by_name(full: str) -> str | None:
    """Return the code of a full path, with or without `/` between its levels; None when unknown or ambiguous.

    Codes in force go before abolished ones of the same name, and a city before the 市辖区 it is made of.
    """
    return _by_name().get(full.replace("/", "").replace(" ", "").strip())


@cache
def _by_name() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for in_force in (True, False):
        known = frozenset(found)
        for one in table("region"):
            if (one.valid_to is None) is in_force:
                full = path_name(one.code).replace("/", "")
                if full and full not in known:
                    wider = found.get(full, one.code)
                    found[full] = wider if wider and covers(wider, one.code) else None
    return found


def doubts(code: str) -> tuple[Finding, ...]:
    """Tell what is odd about a region: never issued, or abolished (it is then routed by its parent)."""
    found = row(code)
    if found is None:
        zh = "行政区划代码不在 GB/T 2260 代码表中，按上级区划路由。"
        en = "Not a code of GB/T 2260: it is routed by the region above it."
        return (Finding("region.unknown", Text(zh, en), value=code),)
    if found.valid_to is not None:
        then = "、".join(f"{one} {name(one)}" for one in successors(code))
        zh = f"行政区划 {code} {found.title} 已于 {found.valid_to.year} 年撤销，按上级区划路由。"
        en = f"Region {code} {found.title} was abolished in {found.valid_to.year}: it is routed by the region above it."
        if then:
            zh, en = f"{zh}现为 {then}。", f"{en} It is {then} now."
        return (Finding("region.abolished", Text(zh, en), value=code),)
    return ()
