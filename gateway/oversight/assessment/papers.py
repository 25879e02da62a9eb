"""The documents that checks look at, and how a check finds some of them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, tzinfo
from enum import StrEnum
from typing import Any

from msgspec import Struct

from gateway.oversight.clocks import CaseClock, CaseDocument, latest, standing
from gateway.oversight.days import said_day
from schemas.assessment import DocumentEvent, NamedDocument, PartyFields, PeopleGroup, SomeDocuments, ValidDocument
from schemas.calendar import Calendar
from schemas.catalog import at
from schemas.events import says
from schemas.findings import Text
from schemas.identifiers.folding import comparison_key, same_number

Tree = Mapping[str, Any]


class Result(StrEnum):
    """What a check comes to. Unknown: the documents there are do not tell."""

    MET = "met"
    MISSED = "missed"
    NOT_APPLICABLE = "not-applicable"
    UNKNOWN = "unknown"


class Looked(Struct, frozen=True):
    """What one test of one document came to: what was seen, and the messages that show it. None: it does not apply."""

    result: Result
    said: Text
    evidence: tuple[str, ...]


class DatedDocument(Struct, frozen=True):
    """A document and the day on which it says that something happened."""

    day: date
    paper: CaseDocument


class Papers:
    """The documents of a case, those beside it, and those of other cases, each in the order in which they came."""

    def __init__(
        self,
        case: Sequence[CaseDocument],
        beside: Sequence[CaseDocument],
        elsewhere: Sequence[CaseDocument],
        clocks: Sequence[CaseClock],
        calendar: Calendar,
        zone: tzinfo,
    ) -> None:
        self._every = (*case, *beside)
        self._standing = standing(latest(self._every))
        self._anywhere = standing(latest((*case, *elsewhere)))
        self._zone = zone
        self.clocks = clocks
        self.calendar = calendar

    def named(self, said: NamedDocument, subject: CaseDocument | None = None) -> list[CaseDocument]:
        """Give the documents that are meant, as they stand last; without a type the subject, where it fits."""
        return _fitting(said, self._standing if said.type else () if subject is None else (subject,), subject)

    def anywhere(self, said: NamedDocument) -> list[CaseDocument]:
        """Give the documents that are meant, of the case and of others."""
        return _fitting(said, self._anywhere, None)

    def enough(self, wanted: Iterable[SomeDocuments], subject: CaseDocument | None) -> bool:
        """Tell whether there is as much as is asked of one of some documents; of none, nothing is asked."""
        asked = tuple(wanted)
        return not asked or any(len(self._some(each, subject)) >= each.least for each in asked)

    def _some(self, said: SomeDocuments, subject: CaseDocument | None) -> list[CaseDocument]:
        found = self.named(said, subject)
        since = next(iter(self.events(said.since, subject)), None)
        if since is None:
            return found
        days = [path for event in said.since for path in event.days]
        return [each for each in found if (day := self.day(each, days)) is None or day >= since.day]

    def events(self, wanted: Iterable[DocumentEvent], subject: CaseDocument | None) -> list[DatedDocument]:
        """Give what happened of the first event of which anything did, by day."""
        for event in wanted:
            found = [
                DatedDocument(day, each)
                for each in self.named(event, subject)
                if (day := self.day(each, event.days)) is not None
            ]
            if found:
                return sorted(found, key=lambda one: one.day)
        return []

    def there(self, wanted: Iterable[NamedDocument], subject: CaseDocument | None) -> list[CaseDocument]:
        """Give the documents of some events, with or without a day."""
        return [each for said in wanted for each in self.named(said, subject)]

    def day(self, paper: CaseDocument, paths: Iterable[str]) -> date | None:
        """Give the day in the first of some fields that is there."""
        said = next((str(found) for path in paths if (found := at(paper.document, path))), None)
        return said_day(said, self._zone)

    def valid_on(self, day: date, said: ValidDocument, about: Tree) -> tuple[bool | None, list[CaseDocument]]:
        """Tell whether something was valid on a day by its versions, and which show it; None: there are none.

        Of the versions the one counts that was there on the day, and any later one: what was renewed may be told late.
        """
        versions = [each for each in self._every if each.type == said.type and _same(said.same, each.document, about)]
        if not versions:
            return None, []
        there = [each for each in versions if each.came is not None and each.came <= day]
        counting = [*there[-1:], *(each for each in versions if each not in there)]
        fit = [each for each in counting if _fits(said, each, None) and self._covers(said, each, day)]
        return bool(fit), fit[-1:] or counting[:1]

    def _covers(self, said: ValidDocument, paper: CaseDocument, day: date) -> bool:
        first, last = self.day(paper, (said.since,)), self.day(paper, (said.until,))
        return first is not None and last is not None and first <= day <= last

    def people(self, group: PeopleGroup, subject: CaseDocument | None = None) -> dict[str, str]:
        """Give who is in a group: how they are told, and the message that names them."""
        found: dict[str, str] = {}
        for paper in self.named(group, subject):
            for person in values(paper.document, f"{group.list}[]"):
                if not group.role or person.get("role") in group.role:
                    found.setdefault(person_key(person), paper.message_id)
        return found

    def parties(self, said: PartyFields) -> list[tuple[Tree, CaseDocument]]:
        """Give the parties that documents name, each with its document."""
        return [
            (party, paper)
            for paper in self.named(said)
            for path in said.fields
            for party in values(paper.document, path)
        ]

    def in_order(self, messages: Iterable[str]) -> tuple[str, ...]:
        """Give messages once each, in the order in which they came; those of other cases last."""
        wanted = dict.fromkeys(messages)
        here = [each.message_id for each in self._every if each.message_id in wanted]
        return tuple(dict.fromkeys((*here, *wanted)))


def values(document: Tree, path: str) -> Iterator[Any]:
    """Give every value at a path, through lists (`violations[].facts`) and beside them."""
    name, _, rest = path.partition(".")
    found = document.get(name.removesuffix("[]"))
    if found is None:
        return
    for each in found if name.endswith("[]") else (found,):
        if not rest:
            yield each
        elif isinstance(each, Mapping):
            yield from values(each, rest)


def person_key(person: Tree) -> str:
    """Give what tells a person: the certificate, or the name where none is given."""
    return comparison_key(str(person.get("number") or person.get("name") or ""))


def _fitting(said: NamedDocument, papers: Iterable[CaseDocument], subject: CaseDocument | None) -> list[CaseDocument]:
    return [each for each in papers if said.type in ("", each.type) and _fits(said, each, subject)]


def _fits(said: NamedDocument, paper: CaseDocument, subject: CaseDocument | None) -> bool:
    document = paper.document
    return (
        says(document, said.where)
        and not any(says(document, {field: value}) for field, value in said.besides.items())
        and all(at(document, field) is not None for field in said.has)
        and (subject is None or _same(said.same, document, subject.document))
    )


def _same(fields: Mapping[str, str], document: Tree, other: Tree) -> bool:
    """Tell whether pairs of fields say the same number; a number that is not there is not the same."""
    return all(
        (one := at(document, its)) is not None
        and (two := at(other, theirs)) is not None
        and same_number(str(one), str(two))
        for its, theirs in fields.items()
    )
