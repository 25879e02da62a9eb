"""Watches what platforms send for what their adapters do not know: counted, told once, kept for the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from adapters.base import Adapter
from gateway.clock import Clock, seconds
from gateway.drift.census import plain
from gateway.drift.page import MOST, Page, What
from gateway.intake.steps import IntakeCall, Reading, RejectedRecord, Translated
from gateway.telemetry.events import Events, FieldDrifted
from schemas.documents import generic

OFTEN = 20.0
"""Bodies a second of one platform's operation that are looked through, at most."""

RECORDS = 5
"""Records of one body that are looked through, at most."""

LONGEST = 200
"""Characters of a path that are kept."""

Noticed = tuple[What, str, str]
"""What is odd, where, and the canonical field."""

_CODES: Mapping[str, What] = {
    "native.unknown": What.UNKNOWN,
    "code.unknown": What.CODE,
    "native.shape": What.TYPE,
    "native.invalid": What.SCHEMA,
    "mapping.incomplete": What.VANISHED,
    "field.missing": What.VANISHED,
}

Offer = Callable[[Callable[[], None]], bool]
"""Takes work to be done beside the traffic, or drops it."""


class Drift:
    """A page for each platform's each operation.

    What a translation noticed is counted every time; types and absences are looked for in a sample
    of the records, beside the traffic.
    """

    def __init__(self, clock: Clock, events: Events, offer: Offer) -> None:
        self._clock = clock
        self._events = events
        self._offer = offer
        self._pages: dict[tuple[str, str], Page] = {}
        self._looked: dict[tuple[str, str], float] = {}

    def taken(self, call: IntakeCall, reading: Reading) -> None:
        """Look at what a platform handed in."""
        if call.operation not in reading.adapter.receives:
            return
        page = self._page(call, reading.adapter)
        noticed = _noticed(reading.entries)
        if noticed:
            self._count(call, page, noticed)
        self._sample(call, page, reading)

    def pages(self, platform: str) -> Mapping[str, Page]:
        """Give what was noticed of a platform, by operation."""
        return {operation: page for (one, operation), page in sorted(self._pages.items()) if one == platform}

    def forget(self, platform: str) -> None:
        """Forget a platform."""
        for key in [key for key in self._pages if key[0] == platform]:
            del self._pages[key]
            self._looked.pop(key, None)

    def _page(self, call: IntakeCall, adapter: Adapter) -> Page:
        """Give the page of a call; another version of its adapter begins a new one."""
        key = (call.platform.id, call.operation)
        page = self._pages.get(key)
        if page is None or page.adapter is not adapter:
            page = self._pages[key] = Page(adapter, _mapped(adapter, call.operation))
        return page

    def _count(self, call: IntakeCall, page: Page, noticed: Mapping[Noticed, int]) -> None:
        at = self._clock()
        for (what, path, field), times in noticed.items():
            new = page.note(what, path, at, field=field, times=times)
            self._events(FieldDrifted(call.platform.id, call.operation, what.value, path, times, new))

    def _sample(self, call: IntakeCall, page: Page, reading: Reading) -> None:
        key, now = (call.platform.id, call.operation), seconds()
        if now - self._looked.get(key, 0.0) < 1 / OFTEN:
            return
        trees = list(_trees(reading.entries))
        if trees:
            self._looked[key] = now
            self._offer(partial(self._look, call, page, trees))

    def _look(self, call: IntakeCall, page: Page, trees: list[Any]) -> None:
        for tree in trees:
            for odd in page.look(tree, self._clock()):
                self._events(FieldDrifted(call.platform.id, call.operation, odd.what.value, odd.path, 1, True))


def _noticed(entries: Iterable[Translated | RejectedRecord]) -> Mapping[Noticed, int]:
    """Count the oddities of a body by path; of more than a bound, those met first."""
    found: dict[Noticed, int] = {}
    for entry in entries:
        for one in entry.error.findings if isinstance(entry, RejectedRecord) else entry.warnings:
            what = _CODES.get(one.code)
            where = one.path or one.field
            if what is not None and where:
                key = (what, generic(where)[:LONGEST], one.field)
                if key in found or len(found) < MOST:
                    found[key] = found.get(key, 0) + 1
    return found


def _trees(entries: Iterable[Translated | RejectedRecord]) -> Iterator[Any]:
    there = (one.native for one in entries if isinstance(one, Translated) and one.native is not None)
    for _, tree in zip(range(RECORDS), there, strict=False):
        yield tree


def _mapped(adapter: Adapter, operation: str) -> Mapping[str, str]:
    """Give native path → canonical field of an operation, its paths as the census writes them."""
    return {plain(path): one.field for one in adapter.lineage(operation) for path in one.path.split(" + ") if path}
