"""What stands beside a case: by which numbers it is looked up, and which messages change it for which cases; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from gateway.ledger.assessments import Ground
from gateway.message import Message, effective_document
from gateway.oversight.assessment.papers import values
from gateway.oversight.clocks import CaseDocument
from schemas.assessment import Beside, CaseChecks
from schemas.catalog import TYPES
from schemas.identifiers.folding import comparison_key

_NUMBERS = 20
"""Numbers of a case by which one thing is looked up at most."""


def numbers_of(beside: Beside, case: Sequence[CaseDocument]) -> Sequence[str]:
    """Give the numbers under which something is looked up beside a case."""
    named = dict.fromkeys(str(one) for paper in case for path in beside.fields for one in values(paper.document, path))
    return list(islice(named, _NUMBERS))


def grounds_of(checks: CaseChecks, case: Sequence[CaseDocument]) -> Iterator[Ground]:
    """Give what the findings of a case rest on beside it, whether it has come yet or not."""
    for each in (*checks.beside, *checks.elsewhere):
        for number in numbers_of(each, case):
            yield _ground(each, number)


def changed_by(message: Message, checks: CaseChecks) -> Iterator[Ground]:
    """Give what a message changes for the cases that rest on it."""
    wanted = [each for each in (*checks.beside, *checks.elsewhere) if each.type == message.type]
    if wanted:
        keys = TYPES[message.type].keys(effective_document(message))
        for each in wanted:
            if each.key in keys:
                yield _ground(each, keys[each.key])


def _ground(beside: Beside, number: str) -> Ground:
    return Ground(f"{beside.type} {beside.key}", comparison_key(number))
