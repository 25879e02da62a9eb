"""What was noticed of one platform's one operation: the latest oddities, each with its count."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from threading import Lock
from typing import Any

from adapters.base import Adapter
from gateway.drift.census import Census

MOST = 50
"""Oddities kept; the one not seen for longest makes room."""


class What(StrEnum):
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


@dataclass(frozen=True, slots=True)
class Oddity:
    """One native field and what is odd about it. `example` is a type, never a value."""

    what: What
    path: str
    field: str
    count: int
    first: datetime
    last: datetime
    example: str = ""


class Page:
    """The oddities of one platform's one operation under one version of its adapter. Safe from any thread."""

    def __init__(self, adapter: Adapter, mapped: Mapping[str, str]) -> None:
        self.adapter = adapter
        self.mapped = mapped
        self.more = 0
        self._lock = Lock()
        self._noticed: OrderedDict[tuple[What, str], Oddity] = OrderedDict()
        self._census = Census()
        self._gone: set[str] = set()

    @property
    def records(self) -> int:
        """How many records were looked through (a sample of what passed)."""
        return self._census.records

    def note(self, what: What, path: str, at: datetime, *, field: str = "", times: int = 1) -> bool:
        """Count an oddity; True when it is new."""
        with self._lock:
            return self._note(what, path, at, field=field, times=times)

    def _note(self, what: What, path: str, at: datetime, example: str = "", *, field: str = "", times: int = 1) -> bool:
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
                self._noticed.pop((What.VANISHED, path), None)
            self._gone = set(gone)
            told = [*((What.TYPE, *one) for one in changed.items()), *((What.VANISHED, *one) for one in gone.items())]
            new = [(what, path) for what, path, example in told if self._note(what, path, at, example)]
            return [self._noticed[key] for key in new if key in self._noticed]

    def oddities(self) -> Sequence[Oddity]:
        """Give what was noticed, the latest first."""
        with self._lock:
            return list(reversed(self._noticed.values()))
