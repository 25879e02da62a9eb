"""Drift: what platforms send that their adapters do not know, counted on live traffic and bounded in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache, partial
from threading import Lock
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from adapters.base import Adapter
from adapters.paths import render
from gateway.clock import Clock, seconds
from gateway.intake.steps import IntakeCall, Reading, RejectedRecord, Translated
from gateway.telemetry.events import Events, FieldDrifted
from schemas.documents import generic

MOST = 50
"""Oddities kept for a page; beyond it the one not seen for longest is forgotten."""

OFTEN = 20.0
"""Bodies a second of one platform's operation that are looked through, at most."""

RECORDS = 5
"""Records of one body that are looked through, at most."""

LONGEST = 200
"""Characters of a path that are kept."""

MOST_PATHS = 500
MOST_DEPTH = 16

FAMILIAR = 10
"""Records a field was in before its absence can mean anything."""

PATIENCE = 20
"""Records it must be absent from, at least; a field that was always rare, ten times its usual gap."""


# ── census: which fields records hold, and of which type ─────────────────────────────────────────
@dataclass(slots=True)
class _FieldCensus:
    """One native field: its type, how many records held it, and how many since the last that did."""

    type: str
    count: int = 0
    since: int = 0


class TypeChange(Struct, frozen=True):
    """A field whose values are of another type now."""

    path: str
    was: str
    now: str


class Census:
    """Counts the fields of one operation's records."""

    def __init__(self) -> None:
        self._seen: dict[str, _FieldCensus] = {}
        self.records = 0

    def take(self, tree: Any) -> list[TypeChange]:
        """Count a record; gives the fields that are of another type than when they were seen first."""
        self.records += 1
        present = dict(leaves(tree))
        changes = [
            TypeChange(path, self._seen[path].type, now)
            for path, now in present.items()
            if path in self._seen and self._seen[path].type != now
        ]
        for path, seen in self._seen.items():
            seen.since = 0 if path in present else seen.since + 1
        for path, now in present.items():
            if path in self._seen or len(self._seen) < MOST_PATHS:
                self._seen.setdefault(path, _FieldCensus(now)).count += 1
        return changes

    def vanished(self, mapped: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Give path and type of mapped fields that used to be there and are not any more."""
        for path in mapped:
            seen = self._seen.get(path)
            if seen is not None and seen.count >= FAMILIAR and seen.since >= self._patience(seen):
                yield path, seen.type

    def _patience(self, seen: _FieldCensus) -> int:
        return max(PATIENCE, 10 * (self.records - seen.since) // seen.count)


def leaves(tree: Any) -> Iterator[tuple[str, str]]:
    """Give path and type of every value that is not empty; lists are looked through, and not written in the path."""
    yield from _walk(tree, "", 0)


def _walk(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > MOST_DEPTH or value is None or value == "":
        return
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _walk(child, _below(path, str(name)), depth + 1)
    elif isinstance(value, list):
        for child in value:
            yield from _walk(child, path, depth + 1)
    elif path:
        yield path, _type_of(value)


@lru_cache(maxsize=4096)
def _below(path: str, name: str) -> str:
    written = render((name[:200],))
    return f"{path}.{written}" if path and not written.startswith("[") else f"{path}{written}"


def _type_of(value: Any) -> str:
    """Name the type of a native value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float | Decimal):
        return "number"
    return "text" if isinstance(value, str) else "object"


def _plain(path: str) -> str:
    """Write a native path without its lists, as the census does."""
    return path.replace("[]", "")


# ── drift ────────────────────────────────────────────────────────────────────────────────────────
class OddityKind(StrEnum):
    """What is odd about a native field."""

    UNKNOWN = "unknown"
    """Nobody mapped it."""
    VANISHED = "vanished"
    """It is mapped, used to be there, and is not any more."""
    CODE = "code"
    """Its value is in no code table."""
    TYPE = "type"
    """Its values are of another type than before, or than they can be read as."""
    SCHEMA = "schema"
    """The platform's own schema refuses it."""


class Oddity(Struct, frozen=True):
    """One native field and what is odd about it. `example` is a type, never a value."""

    what: OddityKind
    path: str
    field: str
    count: int
    first: datetime
    last: datetime
    example: str = ""


class DriftPage:
    """The oddities of one platform's one operation under one version of its adapter. Safe from any thread."""

    def __init__(self, adapter: Adapter, mapped: Mapping[str, str]) -> None:
        self.adapter = adapter
        self.mapped = mapped
        self.more = 0
        self._lock = Lock()
        self._noticed: OrderedDict[tuple[OddityKind, str], Oddity] = OrderedDict()
        self._census = Census()
        self._gone: set[str] = set()

    @property
    def records(self) -> int:
        """How many records were looked through (a sample of what passed)."""
        return self._census.records

    def note(self, what: OddityKind, path: str, at: datetime, *, field: str = "", times: int = 1) -> bool:
        """Count an oddity; True when it is new."""
        with self._lock:
            return self._note(what, path, at, field=field, times=times)

    def _note(
        self, what: OddityKind, path: str, at: datetime, example: str = "", *, field: str = "", times: int = 1
    ) -> bool:
        known = self._noticed.pop((what, path), None)
        before = known or Oddity(what, path, field or self.mapped.get(path, ""), 0, at, at)
        count = before.count + times
        self._noticed[what, path] = replace(before, count=count, last=at, example=example or before.example)
        if len(self._noticed) > MOST:
            self._noticed.popitem(last=False)
            self.more += 1
        return known is None

    def look(self, tree: Any, at: datetime) -> list[Oddity]:
        """Look through a record; gives what is new."""
        with self._lock:
            changed = {one.path: f"{one.was} → {one.now}" for one in self._census.take(tree)}
            gone = dict(self._census.vanished(self.mapped))
            for path in self._gone - gone.keys():
                self._noticed.pop((OddityKind.VANISHED, path), None)
            self._gone = set(gone)
            told = [
                *((OddityKind.TYPE, *one) for one in changed.items()),
                *((OddityKind.VANISHED, *one) for one in gone.items()),
            ]
            new = [(what, path) for what, path, example in told if self._note(what, path, at, example)]
            return [self._noticed[key] for key in new if key in self._noticed]

    def oddities(self) -> Sequence[Oddity]:
        """Give what was noticed, the latest first."""
        with self._lock:
            return list(reversed(self._noticed.values()))


Noticed = tuple[OddityKind, str, str]
"""What is odd, where, and the canonical field."""

_CODES: Mapping[str, OddityKind] = {
    "native.unknown": OddityKind.UNKNOWN,
    "code.unknown": OddityKind.CODE,
    "native.shape": OddityKind.TYPE,
    "native.invalid": OddityKind.SCHEMA,
    "mapping.incomplete": OddityKind.VANISHED,
    "field.missing": OddityKind.VANISHED,
}

Offer = Callable[[Callable[[], None]], bool]
"""Takes work for the thread of the wire tap, or drops it; tells which."""


class Drift:
    """A page for each platform's each operation.

    What a translation noticed is counted every time; types and absences are looked for in a sample
    of the records, on the thread of the wire tap.
    """

    def __init__(self, clock: Clock, events: Events, offer: Offer) -> None:
        self._clock = clock
        self._events = events
        self._offer = offer
        self._pages: dict[tuple[str, str], DriftPage] = {}
        self._looked: dict[tuple[str, str], float] = {}

    def taken(self, call: IntakeCall, reading: Reading) -> None:
        """Count what the translation of a body noticed, and offer a sample of its records to be looked through."""
        if call.operation not in reading.adapter.receives:
            return
        page = self._page(call, reading.adapter)
        noticed = _noticed(reading.entries)
        if noticed:
            self._count(call, page, noticed)
        self._sample(call, page, reading)

    def pages(self, platform: str) -> Mapping[str, DriftPage]:
        """Give what was noticed of a platform, by operation."""
        return {operation: page for (one, operation), page in sorted(self._pages.items()) if one == platform}

    def forget(self, platform: str) -> None:
        """Forget a platform."""
        for key in [key for key in self._pages if key[0] == platform]:
            del self._pages[key]
            self._looked.pop(key, None)

    def _page(self, call: IntakeCall, adapter: Adapter) -> DriftPage:
        """Give the page of a call; another version of its adapter begins a new one."""
        key = (call.platform.id, call.operation)
        page = self._pages.get(key)
        if page is None or page.adapter is not adapter:
            page = self._pages[key] = DriftPage(adapter, _mapped(adapter, call.operation))
        return page

    def _count(self, call: IntakeCall, page: DriftPage, noticed: Mapping[Noticed, int]) -> None:
        at = self._clock()
        for (what, path, field), times in noticed.items():
            new = page.note(what, path, at, field=field, times=times)
            self._events(FieldDrifted(call.platform.id, call.operation, what.value, path, times, new))

    def _sample(self, call: IntakeCall, page: DriftPage, reading: Reading) -> None:
        key, now = (call.platform.id, call.operation), seconds()
        if now - self._looked.get(key, 0.0) < 1 / OFTEN:
            return
        trees = list(_trees(reading.entries))
        if trees:
            self._looked[key] = now
            self._offer(partial(self._look, call, page, trees))

    def _look(self, call: IntakeCall, page: DriftPage, trees: list[Any]) -> None:
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
    return {_plain(path): one.field for one in adapter.lineage(operation) for path in one.paths}
