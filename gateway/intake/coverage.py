"""Who covers what: regions by level, areas by their parents, and what platforms state beside their region."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from msgspec import Struct

from gateway.ledger.records import Area, Platform
from schemas import regions
from schemas.findings import Finding, Text


class _Span(Struct, frozen=True):
    """A code, or a range of codes, that a platform states beside its region."""

    first: str
    last: str
    platform: Platform

    def has(self, code: str) -> bool:
        return self.first <= code <= self.last


class Coverage:
    """The platforms and areas of one revision of the registry. Nothing of it changes."""

    def __init__(self, platforms: Mapping[str, Platform], areas: Mapping[str, Area]) -> None:
        self.platforms = platforms
        self.areas = areas
        self._stated: dict[str, list[_Span]] = {}
        for platform in sorted((one for one in platforms.values() if one.covers), key=lambda one: one.id):
            spans = (_Span(*span(one), platform) for one in platform.covers)
            self._stated.setdefault(platform.kind, []).extend(spans)

    def lineage(self, code: str) -> Sequence[str]:
        """Give a region or area and everything it lies in, deepest first, the country last."""
        return lineage(code, self.areas) if self.areas else regions.lineage(code)

    def covers(self, platform: Platform, code: str) -> bool:
        """Tell whether a platform is there for a place: for its region, what it states, or what lies in either.

        An abolished region is also covered by who covers one that took its place.
        """
        return any(self._has(platform, one) for one in (code, *regions.successors(code)))

    def _has(self, platform: Platform, code: str) -> bool:
        if not platform.covers and not self.areas:
            return regions.covers(platform.region, code)
        stated = [one for one in self._stated.get(platform.kind, ()) if one.platform.id == platform.id]
        return any(step == platform.region or any(one.has(step) for one in stated) for step in self.lineage(code))

    def lies_in(self, code: str, places: Collection[str]) -> bool:
        """Tell whether a region or area lies in one of these places, or took the place of one that did."""
        lying = (step for each in (code, *regions.successors(code)) for step in self.lineage(each))
        return any(step in places for step in lying)

    def of(self, kind: str, code: str) -> Iterator[Platform]:
        """Give the platforms of a kind that are there for exactly this place: its own, then who states it, by id."""
        own = self.platforms.get(f"{kind}.{code}")
        if own is not None:
            yield own
        for one in self._stated.get(kind, ()):
            if one.has(code):
                yield one.platform

    def name(self, code: str) -> str:
        """Give the full name of a region or area, `山东省/济南市/济南高新区`."""
        if code not in self.areas:
            return regions.path_name(code)
        area = self.areas[code]
        return area.title if area.parent == regions.NATIONAL else f"{self.name(area.parent)}/{area.title}"

    def doubts(self, found: Sequence[Finding], day: date) -> Sequence[Finding]:
        """Correct what the code table alone made of a document's regions: an area is known, while it is there."""
        if not self.areas:
            return found
        return [one for each in found for one in self._corrected(each, day)]

    def _corrected(self, finding: Finding, day: date) -> Iterator[Finding]:
        area = self.areas.get(str(finding.value)) if finding.code == "region.unknown" else None
        if area is None:
            yield finding
        elif (area.valid_from or "") > str(day) or str(day) > (area.valid_to or "9999"):
            zh = f"功能区 {area.code} {area.title} 不在有效期内（{area.valid_from or '…'} 至 {area.valid_to or '…'}）。"
            en = f"The area {area.code} {area.title} is outside its validity ({area.valid_from} to {area.valid_to})."
            yield Finding("area.expired", Text(zh, en), finding.path, finding.field, finding.title, finding.value)


def lineage(code: str, areas: Mapping[str, Area]) -> Sequence[str]:
    """Give a region or area and what it lies in: an area in its parent, a region in the one a level up.

    What lies in itself is told once.
    """
    found: list[str] = []
    above: str | None = code
    while above is not None and above not in found:
        found.append(above)
        above = areas[above].parent if above in areas else regions.parent(above)
    return found


def span(stated: str) -> tuple[str, str]:
    """Give the first and the last code of what a platform states: a code alone is both."""
    first, _, last = stated.partition("-")
    return first, last or first
