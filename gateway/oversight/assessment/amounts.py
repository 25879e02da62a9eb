"""Tests of amounts: what was fined, proposed and paid; pure. Amounts are yuan."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from gateway.oversight.assessment.papers import Looked, Papers, Result
from gateway.oversight.clocks import CaseDocument
from schemas.assessment import Amount, AmountsTest, DayCount
from schemas.catalog import at
from schemas.findings import Text


class _Sum(Struct, frozen=True):
    """An amount (None: it stands nowhere), and the messages that it stands in."""

    value: Decimal | None
    evidence: tuple[str, ...]


_HOLDS = {"most": Decimal.__le__, "least": Decimal.__ge__, "equal": Decimal.__eq__}
_WORDS = {
    "most": Text("应不超过", "at most"),
    "least": Text("应不少于", "at least"),
    "equal": Text("应等于", "exactly"),
}


def amounts(test: AmountsTest, subject: CaseDocument, papers: Papers) -> Looked | None:
    """Compare two sums."""
    own, other = (_all(each, subject, papers) for each in (test.of, test.to))
    evidence = (subject.message_id, *own.evidence, *other.evidence)
    if own.value is None or other.value is None:
        return Looked(Result.UNKNOWN, Text("缺少所需的金额", "an amount that is needed is not told"), evidence)
    holds = _HOLDS[test.how](own.value, other.value)
    word = _WORDS[test.how]
    said = Text(f"{own.value:f}元，{word.zh}{other.value:f}元", f"{own.value:f} yuan, {word.en} {other.value:f} yuan")
    return Looked(Result.MET if holds else Result.MISSED, said, evidence)


def _all(said: Iterable[Amount], subject: CaseDocument, papers: Papers) -> _Sum:
    return _added([_amount(each, subject, papers) for each in said])


def _added(sums: Iterable[_Sum]) -> _Sum:
    found = list(sums)
    evidence = tuple(id for each in found for id in each.evidence)
    known = [each.value for each in found if each.value is not None]
    return _Sum(sum(known, Decimal(0)) if len(known) == len(found) else None, evidence)


def _amount(said: Amount, subject: CaseDocument, papers: Papers) -> _Sum:
    if said.first:
        found = [_amount(each, subject, papers) for each in said.first]
        return next((each for each in found if each.value is not None), _Sum(None, ()))
    named = papers.named(said, subject)
    if said.last:
        named = sorted(named, key=lambda each: papers.day(each, (said.last,)) or date.min)[-1:]
    if not named:
        return _Sum(Decimal(0) if said.optional else None, ())
    found = [_Sum(_yuan(at(each.document, said.field)), (each.message_id,)) for each in named]
    total = _added(found)
    if said.days is None or total.value is None:
        return total
    days = _days(said.days, subject, papers)
    return _Sum(None if days is None else total.value * days, total.evidence)


def _days(said: DayCount, subject: CaseDocument, papers: Papers) -> int | None:
    first, last = papers.day(subject, (said.since,)), papers.day(subject, (said.until,))
    return None if first is None or last is None else (last - first).days + 1


def _yuan(said: object) -> Decimal | None:
    try:
        return None if said is None else Decimal(str(said))
    except InvalidOperation:
        return None
