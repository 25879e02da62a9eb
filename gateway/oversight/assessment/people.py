"""Tests of who stands in documents: officers and their certificates, and parties; pure. They name nobody."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.oversight.assessment.papers import Looked, Papers, Result, Tree, person_key, values
from gateway.oversight.clocks import CaseDocument
from schemas.assessment import Agreement, AlikeTest, ApartTest, OnceTest, PeopleTest
from schemas.catalog import at
from schemas.findings import Text
from schemas.identifiers.folding import comparison_key, same_number


def people(test: PeopleTest, subject: CaseDocument, papers: Papers) -> Looked | None:
    """Count different people whose certificates were valid on the day."""
    named = {person_key(each): each for each in values(subject.document, f"{test.list}[]")}
    day = papers.day(subject, test.on)
    valid, unknown = 0, 0
    shown: list[CaseDocument] = []
    for person in named.values():
        holds, seen = (None, []) if day is None else papers.valid_on(day, test.certificates, person)
        valid, unknown = valid + (holds is True), unknown + (holds is None)
        shown += seen
    evidence = (subject.message_id, *(each.message_id for each in shown))
    said = Text(
        f"不同执法人员{len(named)}名，当日证件有效{valid}名，不知道的{unknown}名",
        f"{len(named)} different officers, {valid} with a certificate known to be valid that day, {unknown} unknown",
    )
    if valid >= test.least:
        return Looked(Result.MET, said, evidence)
    return Looked(Result.MISSED if valid + unknown < test.least else Result.UNKNOWN, said, evidence)


def apart(test: ApartTest, subject: CaseDocument, papers: Papers) -> Looked | None:
    """Look whether anybody of one group is among another."""
    here = next((found for group in test.people if (found := papers.people(group, subject))), {})
    there: dict[str, str] = {}
    for group in test.others:
        for person, message in papers.people(group).items():
            there.setdefault(person, message)
    own = (subject.message_id,)
    if not here or not there:
        said = Text("文书没有写明参加人或调查人员", "the documents do not name who took part or who investigated")
        return Looked(Result.UNKNOWN, said, own)
    both = [there[person] for person in here if person in there]
    if both:
        said = Text(f"{len(both)}人两处都在", f"{len(both)} stand in both")
        return Looked(Result.MISSED, said, (*own, *both))
    said = Text("没有人两处都在", "nobody stands in both")
    return Looked(Result.MET, said, (*own, *there.values()))


def alike(test: AlikeTest, subject: CaseDocument, papers: Papers) -> Looked | None:
    """Look whether a document names a party that another one names."""
    known = next((found for said in test.among if (found := papers.parties(said))), [])
    own = [each for path in test.fields for each in values(subject.document, path)]
    if not own or not known or any(paper is subject for _, paper in known):
        return None
    verdicts = [_any([_equal(party, other, test.by) for other, _ in known]) for party in own]
    evidence = (*(paper.message_id for _, paper in known), subject.message_id)
    if all(verdicts):
        return Looked(Result.MET, Text("当事人一致", "the party is the same"), evidence)
    if False in verdicts:
        return Looked(Result.MISSED, Text("当事人不一致", "the party is another one"), evidence)
    return Looked(Result.UNKNOWN, Text("无法比较当事人", "the parties cannot be compared"), evidence)


def once(test: OnceTest, subject: CaseDocument, papers: Papers) -> Looked | None:
    """Look whether another document agrees in everything."""
    number = str(at(subject.document, test.by) or "")
    others = [
        each for each in papers.anywhere(test.among) if not same_number(str(at(each.document, test.by) or ""), number)
    ]
    agreeing = [(_agrees(test.agree, subject.document, each.document), each) for each in others]
    for holds, result, said in (
        (True, Result.MISSED, Text("另有一致的文书", "another document agrees")),
        (
            None,
            Result.UNKNOWN,
            Text("另有文书，无法判断是否同一行为", "there is another, and whether it agrees is not told"),
        ),
    ):
        found = [each.message_id for verdict, each in agreeing if verdict is holds]
        if found:
            return Looked(result, said, (subject.message_id, *found))
    return Looked(Result.MET, Text("没有一致的其他文书", "no other document agrees"), (subject.message_id,))


def _agrees(fields: Iterable[Agreement], one: Tree, two: Tree) -> bool | None:
    """Tell whether two documents agree in all fields; None where one field cannot be compared and no other differs."""
    found = [_field_agrees(each, one, two) for each in fields]
    return False if False in found else None if None in found else True


def _field_agrees(said: Agreement, one: Tree, two: Tree) -> bool | None:
    these, those = list(values(one, said.field)), list(values(two, said.field))
    if not these or not those:
        return None
    if said.by:
        return _any([_equal(this, that, said.by) for this in these for that in those])
    return bool({comparison_key(str(each)) for each in these} & {comparison_key(str(each)) for each in those})


def _equal(one: Tree, two: Tree, by: Iterable[str]) -> bool | None:
    """Compare in the first field that both have; None: they have none in common."""
    for path in by:
        this, that = at(one, path), at(two, path)
        if this is not None and that is not None:
            return same_number(str(this), str(that))
    return None


def _any(found: list[bool | None]) -> bool | None:
    return True if True in found else None if None in found else False
