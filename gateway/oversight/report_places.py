"""Places of reports: what lies in a region, and the cities and counties where platforms are registered; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gateway.errors import Invalid
from gateway.intake.coverage import Coverage
from schemas import regions
from schemas.codes import table
from schemas.figures import Figures, Place
from schemas.findings import Text

_NO_CITY = ("省直辖县级行政单位", "自治区直辖县级行政单位")
_NO_COUNTY = ("市辖区", "县")


def check_region(region: str, coverage: Coverage) -> None:
    """Let a region or area pass that is known; Invalid `region.unknown`."""
    if regions.row(region) is None and region not in coverage.areas:
        zh, en = f"没有区划 {region}", f"There is no region {region}"
        raise Invalid(Text(f"{zh}；请写六位代码，如 330000", f"{en}; write a code, like 330000"), code="region.unknown")


def above(region: str, coverage: Coverage) -> frozenset[str]:
    """Give everything that a region lies in, itself included; an abolished one lies where its successors do, too."""
    return frozenset(step for one in (region, *regions.successors(region)) for step in coverage.lineage(one))


def places_of(region: str, day: date, rules: Figures, coverage: Coverage) -> Mapping[tuple[Place, str], frozenset[str]]:
    """Give the cities and counties in force on a day where platforms of the kinds that figures name are registered."""
    asked = {
        (part.places, part.covered_by)
        for one in rules.figures
        for part in one.parts
        if part.places is not None and part.covered_by is not None
    }
    return {(place, kind): _covered(place, kind, region, day, coverage) for place, kind in asked}


def _covered(place: Place, kind: str, region: str, day: date, coverage: Coverage) -> frozenset[str]:
    level, besides = (3, _NO_COUNTY) if place is Place.COUNTY else (2, _NO_CITY)
    return frozenset(
        one.code
        for one in table("region")
        if regions.depth(one.code) == level
        and one.title not in besides
        and one.valid_on(day)
        and region in coverage.lineage(one.code)
        and _is_covered(kind, one.code, coverage)
    )


def _is_covered(kind: str, code: str, coverage: Coverage) -> bool:
    return any(True for step in coverage.lineage(code) for _ in coverage.of(kind, step))


def part_of(place: str, region: str, coverage: Coverage) -> str:
    """Give what a place lies in one level below a region; the region itself for what is of no part of it."""
    for one in (place, *regions.successors(place)):
        lineage = list(coverage.lineage(one))
        if region in lineage:
            return lineage[max(0, lineage.index(region) - 1)]
    return region
