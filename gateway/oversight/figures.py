"""The figures of the regular report, computed from tallies by the rules of `figures.yaml`; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from gateway.ledger.occurrences import OFFICER, PARTY, STEPS, UNCOUNTED, YUAN, OccurrenceTally
from schemas.figures import Distinct, FigureRule, FigureUnit, Part, Place
from schemas.findings import Text

_SHARE = Decimal("0.0001")
_CENT = Decimal("0.01")


class Figure(Struct, frozen=True):
    """A figure of one group: what was counted, and what follows.

    Numerator and denominator are numbers, or yuan where the figure is of money. `value` None: it is not known, as
    `unknown` says. `late`: how many of the occurrences behind it came to stand as they do after the period.
    """

    rule: FigureRule
    numerator: Decimal | None
    denominator: Decimal | None
    value: Decimal | None
    unknown: Text | None
    late: int


class Known(Struct, frozen=True):
    """What a report knows beside tallies.

    `places`: by level and kind, the codes where a platform of that kind is registered; None: where tallies are told
    apart by authority, no place has one. `holding`: what holds on the last day. `settings`: what is set, by name.
    `until`: the last month. `above`: each region of a tally with everything it lies in.
    """

    places: Mapping[tuple[Place, str], frozenset[str]] | None
    holding: Sequence[OccurrenceTally]
    settings: Mapping[str, int | None]
    until: int
    above: Mapping[str, Collection[str]]


def figures(rules: Iterable[FigureRule], tallies: Sequence[OccurrenceTally], known: Known) -> list[Figure]:
    """Give every figure of one group."""
    counted = _Counted({}, {})
    for each in tallies:
        (counted.things if each.thing else counted.alike).setdefault(each.name, []).append(each)
    return [_figure(rule, counted, known) for rule in rules]


class _Counted(Struct, frozen=True):
    """Tallies by name: of occurrences, and of the things that are counted once, which are many more."""

    alike: dict[str, list[OccurrenceTally]]
    things: dict[str, list[OccurrenceTally]]


def _figure(rule: FigureRule, tallies: _Counted, known: Known) -> Figure:
    counted = [_count(part, tallies, known) for part in rule.parts]
    numerator, denominator = counted[0], counted[1] if len(counted) > 1 else None
    if rule.denominator is not None and rule.numerator.distinct is Distinct.COUNTY:
        numerator = _counties(rule, tallies, known)
    late = _late(rule, tallies, known)
    unknown = _unknown(rule, numerator, denominator, tallies, known)
    value = None if unknown else _value(rule, numerator, denominator)
    return Figure(rule, numerator, denominator, value, unknown, late)


def _value(rule: FigureRule, numerator: Decimal | None, denominator: Decimal | None) -> Decimal | None:
    if rule.unit is FigureUnit.COUNT or numerator is None:
        return numerator
    if not denominator:
        return None
    return (numerator / denominator).quantize(_SHARE if rule.unit is FigureUnit.SHARE else _CENT)


# ── counting ──────────────────────────────────────────────────────────────────────────────────
def _count(part: Part, tallies: _Counted, known: Known) -> Decimal | None:
    if part.places is not None:
        return _places(part, tallies, known)
    if part.valid:
        return Decimal(sum(each.count for each in known.holding if each.name in part.of))
    if part.distinct is not None:
        return Decimal(_distinct(part, tallies))
    matching = list(_matching(part, tallies))
    if part.sum:
        return (Decimal(sum(each.amount for each in matching)) / YUAN).quantize(_CENT)
    return Decimal(sum(each.count for each in matching))


def _matching(part: Part, tallies: _Counted) -> Iterator[OccurrenceTally]:
    for name in part.of:
        for each in tallies.alike.get(name, ()):
            if all(trait in each.traits for trait in part.traits):
                yield each


def _distinct(part: Part, tallies: _Counted) -> int:
    things = [each for name in part.of for each in tallies.things.get(name, ()) if each.count]
    if part.distinct is Distinct.OFFICER:
        return len({each.thing for each in things if each.thing.startswith(OFFICER)})
    # An enterprise counts for each authority; the year is that of the period.
    return len({(each.thing, each.authority) for each in things if each.thing.startswith(PARTY)})


def _places(part: Part, tallies: _Counted, known: Known) -> Decimal | None:
    if known.places is None:
        return None
    places = _configured(part, known)
    if not part.without:
        return Decimal(len(places))
    seen = {
        place for name in part.without for each in tallies.alike.get(name, ()) for place in known.above[each.region]
    }
    return Decimal(len(places - seen))


def _configured(part: Part, known: Known) -> frozenset[str]:
    assert part.places is not None
    assert part.covered_by is not None
    assert known.places is not None
    return known.places.get((part.places, part.covered_by), frozenset())


def _counties(rule: FigureRule, tallies: _Counted, known: Known) -> Decimal | None:
    """Count the counties of the denominator in which there is something."""
    assert rule.denominator is not None
    if known.places is None:
        return None
    seen = {place for each in _matching(rule.numerator, tallies) if each.count for place in known.above[each.region]}
    return Decimal(len(_configured(rule.denominator, known) & seen))


def _late(rule: FigureRule, tallies: _Counted, known: Known) -> int:
    names = {name for part in rule.parts for name in part.occurrences}
    wanted = [part for part in rule.parts if part.of and not part.valid]
    return sum(
        each.count
        for name in names
        for each in tallies.alike.get(name, ())
        if each.arrived > known.until and (not wanted or _in_any(each, wanted))
    )


def _in_any(tally: OccurrenceTally, parts: Sequence[Part]) -> bool:
    return any(tally.name in part.of and all(trait in tally.traits for trait in part.traits) for part in parts)


# ── not known ─────────────────────────────────────────────────────────────────────────────────
_NO_AUTHORITY = Text("区划不按机关划分", "Regions are not told apart by authority")
_NOTHING = Text("该期间没有可计的事项", "There is nothing to count in this period")
_NO_CERTIFICATES = Text("没有已知的有效执法证件", "No valid certificate is known")


def _unknown(
    rule: FigureRule,
    numerator: Decimal | None,
    denominator: Decimal | None,
    tallies: _Counted,
    known: Known,
) -> Text | None:
    if rule.needs is not None and known.settings.get(rule.needs) is None:
        setting = f"HUTONG_{rule.needs.upper()}"
        return Text(f"没有设置 {setting}", f"{setting} is not set")
    if numerator is None or (rule.denominator is not None and denominator is None):
        return _NO_AUTHORITY
    for part in rule.parts:
        if part.places is not None and not _configured(part, known):
            kind = part.covered_by
            return Text(f"此处没有登记 {kind} 平台", f"No platform of the kind {kind} is registered here")
    if rule.denominator is not None and not denominator and rule.unit is not FigureUnit.COUNT:
        return _NO_CERTIFICATES if rule.denominator.valid else _NOTHING
    uncounted = sum(each.count for part in rule.parts for each in _matching(part, tallies) if UNCOUNTED in each.traits)
    if uncounted:
        zh = f"有 {uncounted} 项的期限无法计算：缺少某年的节假日"
        return Text(zh, f"{uncounted} have a time limit that cannot be counted: the holidays of a year are missing")
    return None


# ── durations ─────────────────────────────────────────────────────────────────────────────────
class Durations(Struct, frozen=True):
    """How long something took, in seconds, rounded up by at most a tenth; None: nothing did."""

    count: int
    median: int | None
    worst: int | None


def durations(tallies: Iterable[OccurrenceTally], prefix: str) -> Durations:
    """Give how long what is counted under a prefix took."""
    counts: dict[int, int] = {}
    for each in tallies:
        if each.thing.startswith(prefix) and each.count > 0:
            step = int(each.thing.removeprefix(prefix))
            counts[step] = counts.get(step, 0) + each.count
    total, passed = sum(counts.values()), 0
    median = None
    for step in sorted(counts):
        passed += counts[step]
        if median is None and 2 * passed >= total:
            median = STEPS[step]
    return Durations(total, median, STEPS[max(counts)] if counts else None)
