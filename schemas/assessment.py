"""Checks of a case file 案卷评查 as dated data: what an entry of `assessment.yaml` says; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from msgspec import Struct, field

from schemas.clocks import Counting, Validity
from schemas.events import Said
from schemas.findings import Text


class AssessmentPart(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the file; it knows exactly its own keys."""


class NamedDocument(AssessmentPart, frozen=True):
    """Documents, by what they say; without a type the one that the check looks at."""

    type: str = ""
    where: Mapping[str, Said] = {}
    besides: Mapping[str, Said] = field(default_factory=dict, name="not")
    has: tuple[str, ...] = ()
    same: Mapping[str, str] = {}

    def paths(self) -> Iterator[str]:
        """Give the fields of it that are named."""
        yield from (*self.where, *self.besides, *self.has, *self.same)


class SomeDocuments(NamedDocument, frozen=True):
    """Documents of which there must be so many; with `since`, only those not before the first of these events.

    Both days are looked for in the events' own field. Where none of the events is told, all count.
    """

    least: int = 1
    since: tuple[DocumentEvent, ...] = ()


class DocumentEvent(NamedDocument, frozen=True, kw_only=True):
    """Something that happened: documents, and the field of the day (the first that is there)."""

    day: str | tuple[str, ...]

    @property
    def days(self) -> tuple[str, ...]:
        """The fields in which the day is looked for."""
        return (self.day,) if isinstance(self.day, str) else self.day

    def paths(self) -> Iterator[str]:
        yield from (*super().paths(), *self.days)


class ValidDocument(NamedDocument, frozen=True, kw_only=True):
    """Documents that hold from one day to another."""

    since: str = field(name="from")
    until: str = field(name="to")

    def paths(self) -> Iterator[str]:
        yield from (*super().paths(), self.since, self.until)


class CertificateDocument(ValidDocument, frozen=True, kw_only=True):
    """Documents that hold for a person; `same` is about the person's fields."""


class PeopleGroup(NamedDocument, frozen=True, kw_only=True):
    """The people in a list of documents; with `role`, only those who have one of these."""

    list: str
    role: tuple[str, ...] = ()

    def paths(self) -> Iterator[str]:
        yield from (*super().paths(), f"{self.list}[].name", *([f"{self.list}[].role"] if self.role else []))


class PartyFields(NamedDocument, frozen=True, kw_only=True):
    """The parties that documents name."""

    fields: tuple[str, ...]

    def paths(self) -> Iterator[str]:
        yield from (*super().paths(), *(each.removesuffix("[]") for each in self.fields))


class DayCount(AssessmentPart, frozen=True, rename={"since": "from", "until": "to"}):
    """As many days as two fields of the document that is looked at say, both counted."""

    since: str
    until: str


class Amount(NamedDocument, frozen=True, kw_only=True):
    """An amount: a field of documents, added up; or the first of several amounts that is there.

    `last`: of the documents only the one counts whose day in this field is the latest (none: an early one).
    """

    field: str = ""
    first: tuple[Amount, ...] = ()
    last: str = ""
    days: DayCount | None = None
    optional: bool = False

    def paths(self) -> Iterator[str]:
        yield from (*super().paths(), *(each for each in (self.field, self.last) if each))


class DayTerm(AssessmentPart, frozen=True):
    """So many days, of which kind, or so many months of the calendar."""

    days: int | None = None
    counting: Counting | None = None
    months: int | None = None


class PeopleTest(AssessmentPart, frozen=True):
    """So many different people with valid certificates."""

    list: str
    on: tuple[str, ...]
    certificates: CertificateDocument
    least: int = 2


class ApartTest(AssessmentPart, frozen=True, rename={"others": "from"}):
    """Nobody of one group is in another."""

    people: tuple[PeopleGroup, ...]
    others: tuple[PeopleGroup, ...]


class AlikeTest(AssessmentPart, frozen=True, rename={"among": "as"}):
    """Names a party that another document names."""

    fields: tuple[str, ...]
    among: tuple[PartyFields, ...]
    by: tuple[str, ...]


class Agreement(AssessmentPart, frozen=True):
    """A field in which two documents may agree; with `by`, in the first of its fields that both have."""

    field: str
    by: tuple[str, ...] = ()


class OnceTest(AssessmentPart, frozen=True):
    """No other document agrees in everything."""

    among: NamedDocument
    by: str
    agree: tuple[Agreement, ...]


class NameTest(AssessmentPart, frozen=True):
    """A text that ends in none of some words."""

    field: str
    ends: tuple[str, ...]


class ProvisionsTest(AssessmentPart, frozen=True):
    """Provisions of laws that held on a day, by a dated table."""

    fields: tuple[str, ...]
    table: str
    on: tuple[DocumentEvent, ...]
    only: str = ""


class AmountsTest(AssessmentPart, frozen=True, rename={"how": "is"}):
    """The sum of some amounts against the sum of others."""

    of: tuple[Amount, ...]
    how: str
    to: tuple[Amount, ...]


class DatesTest(AssessmentPart, frozen=True):
    """Two days in their order, or with so much between them."""

    first: tuple[DocumentEvent, ...]
    then: tuple[DocumentEvent, ...]
    after: DayTerm | None = None
    through: DayTerm | None = None
    within: DayTerm | None = None
    doubt: DayTerm | None = None
    waived: tuple[DocumentEvent, ...] = ()


class PresentTest(AssessmentPart, frozen=True):
    """Something is there before something else; with `since`, both not before that day of what is looked at."""

    wants: tuple[DocumentEvent, ...]
    before: tuple[DocumentEvent, ...]
    due: tuple[SomeDocuments, ...] = ()
    since: tuple[str, ...] = ()


class WindowTest(AssessmentPart, frozen=True):
    """A day within the days of another document."""

    on: str
    of: ValidDocument


class CheckTest(AssessmentPart, frozen=True):
    """One thing that must hold: exactly one of the tests, and without which documents it is not applicable."""

    when: tuple[SomeDocuments, ...] = ()
    people: PeopleTest | None = None
    apart: ApartTest | None = None
    alike: AlikeTest | None = None
    once: OnceTest | None = None
    name: NameTest | None = None
    provisions: ProvisionsTest | None = None
    amounts: AmountsTest | None = None
    dates: DatesTest | None = None
    present: PresentTest | None = None
    window: WindowTest | None = None
    deadline: str | None = None

    @property
    def kind(self) -> str:
        """The name of the test that it is."""
        return next(iter(self.kinds()), "")

    def kinds(self) -> Sequence[str]:
        """Give the names of all tests that it says."""
        return [name for name in self.__struct_fields__ if name != "when" and getattr(self, name) is not None]


class CaseCheck(AssessmentPart, frozen=True, rename={"english": "en", "looks_english": "looks_en"}):
    """One check for one period of validity; `assessment.yaml` says what each field means."""

    rule: str
    version: str
    title: str
    english: str
    looks: str
    looks_english: str
    tests: tuple[CheckTest, ...]
    numbers: tuple[int, ...] = ()
    legality: bool = False
    article: str | None = None
    of: tuple[NamedDocument, ...] = ()
    when: tuple[SomeDocuments, ...] = ()
    valid: Validity = Validity()

    @property
    def text(self) -> Text:
        """Its title in both languages."""
        return Text(self.title, self.english)

    @property
    def looked(self) -> Text:
        """What is looked at, a sentence in both languages."""
        return Text(self.looks, self.looks_english.strip())


class Beside(AssessmentPart, frozen=True, rename={"fields": "from"}):
    """What is looked up beside a case: messages of a type that have, under a key, a number that the case names."""

    type: str
    key: str
    fields: tuple[str, ...]


class CaseChecks(AssessmentPart, frozen=True):
    """All checks, what they need beside the case, and which day a case is of."""

    dated: tuple[DocumentEvent, ...]
    beside: tuple[Beside, ...]
    elsewhere: tuple[Beside, ...]
    checks: tuple[CaseCheck, ...]

    def of(self, day: date) -> Iterator[CaseCheck]:
        """Give the checks that hold on a day."""
        return (each for each in self.checks if each.valid.holds(day))
