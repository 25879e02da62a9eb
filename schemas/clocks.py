"""Statutory deadlines 法定期限 as dated data: `clocks.yaml`, read and checked; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from schemas.catalog import TYPES
from schemas.documents import fields
from schemas.events import Said, check_event, first_of, plain, says
from schemas.findings import Text
from schemas.rule_file import read_yaml

BUNDLED = Path(__file__).with_name("clocks.yaml")


class BrokenClocks(ValueError):
    """A file of deadlines that cannot be used; its text names the line and what is wrong with it."""


class Counting(StrEnum):
    """Which days count: working days 工作日, or every day 自然日."""

    WORKING = "working"
    NATURAL = "natural"


class BoundBy(StrEnum):
    """Whose deadline it is."""

    AUTHORITY = "authority"
    PARTY = "party"
    POLICE = "police"
    PUBLICITY = "publicity"


class CaseEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that happened in a case: a document of a type, with what it must say, on the day in one of its fields.

    `day`: the fields in which the day is looked for, the first that is there counts.
    """

    type: str
    day: str | tuple[str, ...]
    where: Mapping[str, Said] = {}

    def on(self, document: Mapping[str, Any]) -> str | None:
        """Give the day or time at which a canonical document of its type says that it happened, or None."""
        return first_of(document, self.days) if says(document, self.where) else None

    @property
    def days(self) -> tuple[str, ...]:
        """The fields in which the day is looked for."""
        return (self.day,) if isinstance(self.day, str) else self.day


class Extension(Struct, frozen=True, forbid_unknown_fields=True):
    """What is added for each of some events, and how often at most."""

    by: tuple[CaseEvent, ...]
    most: int
    days: int = 0
    months: int = 0


class Stop(Struct, frozen=True, rename={"since": "from"}, forbid_unknown_fields=True):
    """Days that are not counted: from one event to the next of the others.

    `told`: only when that next one is told; else they are not counted from the first on.
    """

    since: tuple[CaseEvent, ...]
    until: tuple[CaseEvent, ...]
    told: bool = False


class Validity(Struct, frozen=True, rename={"since": "from", "until": "to"}, forbid_unknown_fields=True):
    """The first and the last day, both included; None: open."""

    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Tell whether a day is within."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def meets(self, other: Validity) -> bool:
        """Tell whether two share a day."""
        first, last = date.min, date.max
        return (self.since or first) <= (other.until or last) and (other.since or first) <= (self.until or last)


class ClockRule(Struct, frozen=True, rename={"english": "en"}, forbid_unknown_fields=True):
    """One deadline for one period of validity; `clocks.yaml` says what each field means."""

    rule: str
    title: str
    english: str
    article: str
    bound: BoundBy
    starts: tuple[CaseEvent, ...]
    ends: tuple[CaseEvent, ...]
    counting: Counting
    days: int = 0
    months: int = 0
    roll_over: bool = False
    extends: Extension | None = None
    stops: tuple[Stop, ...] = ()
    needs: tuple[CaseEvent, ...] = ()
    awaited: bool = True
    per: tuple[str, ...] = ()
    valid: Validity = Validity()

    @property
    def text(self) -> Text:
        """Its title in both languages."""
        return Text(self.title, self.english)

    def events(self) -> Iterator[CaseEvent]:
        """Give every event that it names."""
        yield from self.starts
        yield from self.ends
        yield from self.needs
        yield from self.extends.by if self.extends else ()
        for stop in self.stops:
            yield from stop.since
            yield from stop.until


@cache
def bundled() -> tuple[ClockRule, ...]:
    """Give the deadlines of this release."""
    return read_clocks(BUNDLED.read_text(encoding="utf-8"), BUNDLED.name)


def read_clocks(text: str, name: str = "clocks.yaml") -> tuple[ClockRule, ...]:
    """Read deadlines; BrokenClocks names the line of the first entry that is wrong, and what is wrong with it."""
    tree, broken = read_yaml(text)
    if broken:
        raise BrokenClocks(f"{name}:{broken}")
    entries = tree.get("clocks") if isinstance(tree, dict) else None
    if not isinstance(entries, list) or not entries or len(tree) != 1:
        raise BrokenClocks(f"{name}:1: must be a list under `clocks`, and nothing else")
    read: list[ClockRule] = []
    lines = tree["clocks"].lc
    for number, entry in enumerate(entries):
        try:
            rule = msgspec.convert(plain(entry), ClockRule)
            _check(rule, read)
        except (msgspec.ValidationError, ValueError) as error:
            raise BrokenClocks(f"{name}:{lines.item(number)[0] + 1}: {error}") from None
        read.append(rule)
    return tuple(read)


def _check(rule: ClockRule, before: Sequence[ClockRule]) -> None:
    """Let a rule pass; ValueError says what cannot be."""
    if (rule.days > 0) is (rule.months > 0) or rule.days < 0 or rule.months < 0:
        raise ValueError(f"{rule.rule}: either `days` or `months`, above zero")
    if rule.months and rule.counting is Counting.WORKING:
        raise ValueError(f"{rule.rule}: months have no working days")
    if not rule.starts or not rule.ends:
        raise ValueError(f"{rule.rule}: needs an event that starts it and one that ends it")
    if any(each.rule == rule.rule and each.valid.meets(rule.valid) for each in before):
        raise ValueError(f"{rule.rule}: its versions must not hold on the same day")
    for event in rule.events():
        _check_event(rule, event)


def _check_event(rule: ClockRule, event: CaseEvent) -> None:
    try:
        check_event(event.type, event.days, event.where)
    except ValueError as error:
        raise ValueError(f"{rule.rule}: {error}") from None
    known = fields(TYPES[event.type].document)
    if rule.per and not any(path in known for path in rule.per):
        raise ValueError(f"{rule.rule}: {event.type} has none of the fields that it is counted per")
