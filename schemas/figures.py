"""The figures of the regular report 通报 as data: `figures.yaml`, read and checked; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from schemas.clocks import bundled as clocks
from schemas.events import Said, check_event, plain
from schemas.findings import Text
from schemas.rule_file import read_yaml

BUNDLED = Path(__file__).with_name("figures.yaml")

T = TypeVar("T")


class BrokenFigures(ValueError):
    """A file of figures that cannot be used; its text names the line and what is wrong with it."""


class Place(StrEnum):
    """A level of regions: cities 地级, counties 县级."""

    CITY = "city"
    COUNTY = "county"


class Distinct(StrEnum):
    """What is counted once however often it occurs."""

    OFFICER = "officer"
    PARTY = "party"
    COUNTY = "county"


class FigureUnit(StrEnum):
    """What a figure's value is: numerator by denominator, the numerator alone, or a mean in yuan."""

    SHARE = "share"
    COUNT = "count"
    YUAN = "yuan"


class Beyond(Struct, frozen=True, forbid_unknown_fields=True):
    """More of one trait in a year than a setting allows."""

    setting: str
    trait: str


class Trait(Struct, frozen=True, forbid_unknown_fields=True):
    """What more may be so of an occurrence; `figures.yaml` says what each field means."""

    trait: str
    where: Mapping[str, Said] = {}
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    hours: int | None = None
    register: str | None = None
    followed_by: str | None = None
    by: str | None = None
    clock: str | None = None
    beside: tuple[str, ...] = ()
    accepted_by: str | None = None
    beyond: Beyond | None = None

    @property
    def said(self) -> bool:
        """Whether the document alone tells it."""
        return bool(self.where or self.has or self.lacks)


class OccurrenceRule(Struct, frozen=True, forbid_unknown_fields=True):
    """What documents say that happened."""

    occurrence: str
    type: str
    day: tuple[str, ...]
    where: Mapping[str, Said] = {}
    has: tuple[str, ...] = ()
    until: str | None = None
    per: tuple[str, ...] = ()
    arrives: bool = False
    amount: tuple[str, ...] = ()
    officers: str | None = None
    traits: tuple[Trait, ...] = ()

    def paths(self) -> Iterator[str]:
        """Give every field that it reads."""
        yield from (*self.day, *self.has, *self.per, *self.amount)
        yield from (one for one in (self.until,) if one)
        yield from (f"{self.officers}[].number",) if self.officers else ()
        for trait in self.traits:
            yield from (*trait.where, *trait.has, *trait.lacks)
            yield from (trait.by,) if trait.by else ()


class Part(Struct, frozen=True, rename={"traits": "with"}, forbid_unknown_fields=True):
    """A numerator or a denominator."""

    of: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    distinct: Distinct | None = None
    sum: bool = False
    valid: bool = False
    places: Place | None = None
    covered_by: str | None = None
    without: tuple[str, ...] = ()

    @property
    def occurrences(self) -> tuple[str, ...]:
        """The occurrences that it depends on."""
        return (*self.of, *self.without)


class FigureRule(Struct, frozen=True, rename={"english": "en"}, forbid_unknown_fields=True):
    """One figure."""

    figure: str
    title: str
    english: str
    unit: FigureUnit
    numerator: Part
    denominator: Part | None = None
    needs: str | None = None

    @property
    def text(self) -> Text:
        """Its title in both languages."""
        return Text(self.title, self.english)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its numerator, and its denominator if it has one."""
        return (self.numerator,) if self.denominator is None else (self.numerator, self.denominator)


class RegisterRule(Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of enterprises."""

    register: str
    type: str


class Figures(Struct, frozen=True):
    """A file of figures. `digest`: of the file, so that what was kept by another is known."""

    registers: tuple[RegisterRule, ...]
    occurrences: tuple[OccurrenceRule, ...]
    figures: tuple[FigureRule, ...]
    digest: str

    def figure(self, name: str) -> FigureRule | None:
        """Give a figure by its name."""
        return next((each for each in self.figures if each.figure == name), None)


@cache
def bundled() -> Figures:
    """Give the figures of this release."""
    return read_figures(BUNDLED.read_text(encoding="utf-8"), BUNDLED.name)


def read_figures(text: str, name: str = "figures.yaml") -> Figures:
    """Read figures; BrokenFigures names the line of the first entry that is wrong, and what is wrong with it."""
    tree, broken = read_yaml(text)
    if broken:
        raise BrokenFigures(f"{name}:{broken}")
    if not isinstance(tree, dict) or set(tree) != {"registers", "occurrences", "figures"}:
        raise BrokenFigures(f"{name}:1: must have `registers`, `occurrences` and `figures`, and nothing else")
    reader = _Reader(name, tree)
    registers = reader.entries("registers", RegisterRule, lambda one: check_event(one.type, (), {}))
    occurrences = reader.entries("occurrences", OccurrenceRule, _check_occurrence)
    known = _Known(
        {one.register for one in registers},
        {one.occurrence: {trait.trait for trait in one.traits} for one in occurrences},
    )
    reader.entries("occurrences", OccurrenceRule, known.check_traits)
    figures = reader.entries("figures", FigureRule, known.check_figure)
    for what in ([one.occurrence for one in occurrences], [one.figure for one in figures]):
        if len(set(what)) < len(what):
            raise BrokenFigures(f"{name}:1: {', '.join(sorted({one for one in what if what.count(one) > 1}))} is twice")
    return Figures(registers, occurrences, figures, sha256(text.encode()).hexdigest()[:12])


class _Reader:
    """Reads lists of entries, and says in which line one is wrong."""

    def __init__(self, name: str, tree: Any) -> None:
        self._name = name
        self._tree = tree

    def entries(self, key: str, type: type[T], check: Callable[[T], None]) -> tuple[T, ...]:
        read: list[T] = []
        entries: Any = self._tree[key]
        if not entries or not isinstance(entries, Sequence) or isinstance(entries, str):
            raise BrokenFigures(f"{self._name}:{self._tree.lc.key(key)[0] + 1}: {key} must be a list")
        lines = entries.lc  # type: ignore[attr-defined]
        for number, entry in enumerate(entries):
            try:
                read.append(msgspec.convert(plain(entry), type))
                check(read[-1])
            except (msgspec.ValidationError, ValueError) as error:
                raise BrokenFigures(f"{self._name}:{lines.item(number)[0] + 1}: {error}") from None
        return tuple(read)


def _check_occurrence(rule: OccurrenceRule) -> None:
    wheres = [rule.where, *(trait.where for trait in rule.traits)]
    for where in wheres:
        check_event(rule.type, rule.paths(), where)
    if not rule.day:
        raise ValueError(f"{rule.occurrence}: needs the field of its day")
    if sum(trait.by is not None or trait.clock is not None for trait in rule.traits) > 1:
        raise ValueError(f"{rule.occurrence}: can have one time limit only")
    for trait in rule.traits:
        ways = (trait.said, trait.hours, trait.register, trait.followed_by, trait.beside, trait.accepted_by)
        if sum(bool(way) for way in (*ways, trait.beyond)) != 1:
            raise ValueError(f"{trait.trait}: must be told in exactly one way")
        if trait.hours and not rule.arrives:
            raise ValueError(f"{trait.trait}: {rule.occurrence} does not count its arrival")
        if (trait.by or trait.clock) and not trait.followed_by:
            raise ValueError(f"{trait.trait}: a time limit needs what must follow")
        if trait.clock and not any(clock.rule == trait.clock and clock.days for clock in clocks()):
            raise ValueError(f"{trait.trait}: there is no deadline {trait.clock} of so many days")


class _Known(Struct, frozen=True):
    """The names that may be used."""

    registers: set[str]
    traits: Mapping[str, set[str]]

    def check_traits(self, rule: OccurrenceRule) -> None:
        for trait in rule.traits:
            self._check_names((*trait.beside, *((trait.followed_by,) if trait.followed_by else ())))
            if trait.register and trait.register not in self.registers:
                raise ValueError(f"there is no register {trait.register}")
            if trait.beyond and trait.beyond.trait not in self.traits[rule.occurrence]:
                raise ValueError(f"{rule.occurrence} has no trait {trait.beyond.trait}")

    def check_figure(self, figure: FigureRule) -> None:
        if figure.unit is not FigureUnit.COUNT and figure.denominator is None:
            raise ValueError(f"{figure.figure}: {figure.unit} needs a denominator")
        for part in figure.parts:
            self._check_names(part.occurrences)
            if (part.places is None) is not (part.covered_by is None) or bool(part.places) is bool(part.of):
                raise ValueError(f"{figure.figure}: a part counts occurrences, or places covered by a kind")
            if part.distinct is Distinct.PARTY and len(part.traits) != 1:
                raise ValueError(f"{figure.figure}: enterprises are counted by one trait, what they are beyond")
            for name in part.of:
                if missing := set(part.traits) - self.traits[name]:
                    raise ValueError(f"{figure.figure}: {name} has no trait {', '.join(sorted(missing))}")

    def _check_names(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.traits:
                raise ValueError(f"there is no occurrence {name}")
