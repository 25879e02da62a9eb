"""Reads the checks of a case file from `assessment.yaml`, and refuses what cannot be, with its line; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from schemas import clocks, documents
from schemas.assessment import (
    AlikeTest,
    Amount,
    AmountsTest,
    Beside,
    CaseCheck,
    CaseChecks,
    CertificateDocument,
    CheckTest,
    DatesTest,
    DocumentEvent,
    NamedDocument,
    NameTest,
    OnceTest,
    PeopleTest,
    PresentTest,
    ProvisionsTest,
    WindowTest,
)
from schemas.catalog import TYPES
from schemas.codes import names, table
from schemas.events import plain
from schemas.rule_file import read_yaml

BUNDLED = Path(__file__).with_name("assessment.yaml")


class BrokenAssessment(ValueError):
    """A file of checks that cannot be used; its text names the line and what is wrong with it."""


@cache
def bundled() -> CaseChecks:
    """Give the checks of this release."""
    return read_assessment(BUNDLED.read_text(encoding="utf-8"), BUNDLED.name)


def read_assessment(text: str, name: str = "assessment.yaml") -> CaseChecks:
    """Read checks; BrokenAssessment names the line of the first entry that is wrong, and what is wrong with it."""
    tree, broken = read_yaml(text)
    if broken:
        raise BrokenAssessment(f"{name}:{broken}")
    if not isinstance(tree, dict) or set(tree) != set(CaseChecks.__struct_fields__):
        raise BrokenAssessment(f"{name}:1: must have exactly: {', '.join(CaseChecks.__struct_fields__)}")
    read = {
        "dated": _entries(tree, name, "dated", DocumentEvent, _check_document),
        "beside": _entries(tree, name, "beside", Beside, _check_beside),
        "elsewhere": _entries(tree, name, "elsewhere", Beside, _check_beside),
    }
    checks: list[CaseCheck] = []
    _entries(tree, name, "checks", CaseCheck, lambda check: _Checking(check).check(checks))
    return CaseChecks(**read, checks=tuple(checks))


def _entries(tree: Any, name: str, key: str, kind: Any, check: Any) -> tuple[Any, ...]:
    """Read the list under a key, entry by entry, each with its line."""
    entries: Any = tree[key]
    if not isinstance(entries, list) or not entries:
        raise BrokenAssessment(f"{name}:{tree.lc.key(key)[0] + 1}: `{key}` must be a list with something in it")
    read: list[Any] = []
    lines = tree[key].lc
    for number, entry in enumerate(entries):
        try:
            one = msgspec.convert(plain(entry), kind)
            check(one)
        except (msgspec.ValidationError, ValueError) as error:
            raise BrokenAssessment(f"{name}:{lines.item(number)[0] + 1}: {error}") from None
        read.append(one)
    return tuple(read)


def _check_beside(beside: Beside) -> None:
    if beside.type not in TYPES:
        raise ValueError(f"{beside.type} is no message type")
    known = TYPES[beside.type]
    if beside.key not in known.searchable and not (beside.key == "credit_code" and known.credit_code_in):
        raise ValueError(f"{beside.type} is not found by {beside.key}")
    for path in beside.fields:
        if not any(_has_field(type, path) for type in TYPES):
            raise ValueError(f"no document has a field {path}")


def _check_document(said: NamedDocument, subjects: Sequence[str] = ()) -> None:
    """Let a named document pass; ValueError says what it cannot say."""
    if not said.type and not subjects:
        raise ValueError("a document needs its type")
    if said.type and said.type not in TYPES:
        raise ValueError(f"{said.type} is no message type")
    types = (said.type,) if said.type else tuple(subjects)
    for path in said.paths():
        _check_field(types, path)
    for path, value in (*said.where.items(), *said.besides.items()):
        _check_value(types, path, value)
    for path in said.same.values():
        _check_field(subjects, path)


def _check_field(types: Sequence[str], path: str) -> None:
    if not any(_has_field(type, path) for type in types):
        raise ValueError(f"{' or '.join(types) or 'nothing'} has no field {path}")


def _has_field(type: str, path: str) -> bool:
    document = TYPES[type].document
    known = documents.fields(document), documents.objects(document)
    return any(each in names for names in known for each in (path, f"{path}[]"))


def _check_value(types: Sequence[str], path: str, said: Any) -> None:
    known = [documents.fields(TYPES[type].document) for type in types if _has_field(type, path)]
    codes = {each[one].codes for each in known for one in (path, f"{path}[]") if one in each}
    for value in said if isinstance(said, tuple) else (said,):
        if None not in codes and not any(value in table(code) for code in codes if code):
            raise ValueError(f"{path} is never {value}")


class _Checking:
    """Looks through one check for what cannot be."""

    def __init__(self, check: CaseCheck) -> None:
        self._check = check
        self._subjects = tuple(each.type for each in check.of)

    def check(self, before: list[CaseCheck]) -> None:
        """Let it pass and add it to those before it; ValueError says what is wrong."""
        check = self._check
        try:
            if any(each.rule == check.rule and each.valid.meets(check.valid) for each in before):
                raise ValueError("its versions must not hold on the same day")
            if not check.tests:
                raise ValueError("needs a test")
            for said in (*check.of, *check.when):
                _check_document(said)
            for test in check.tests:
                self._test(test)
        except ValueError as error:
            raise ValueError(f"{check.rule}: {error}") from None
        before.append(check)

    def _test(self, test: CheckTest) -> None:
        if len(test.kinds()) != 1:
            raise ValueError("each entry of `tests` is exactly one test")
        if not self._subjects and test.kind != "deadline":
            raise ValueError(f"`{test.kind}` needs documents to look at: `of`")
        for said in (*test.when, *_documents(getattr(test, test.kind))):
            _check_document(said, self._subjects)
        checking = getattr(self, f"_{test.kind}", None)
        if checking is not None:
            checking(getattr(test, test.kind))

    def _people(self, test: PeopleTest) -> None:
        _check_field(self._subjects, f"{test.list}[].name")
        for path in test.on:
            _check_field(self._subjects, path)
        if test.least < 1:
            raise ValueError("`least` is at least 1")
        for path in test.certificates.same.values():
            _check_field(self._subjects, f"{test.list}[].{path}")

    def _alike(self, test: AlikeTest) -> None:
        self._parties(test.fields, test.by)

    def _once(self, test: OnceTest) -> None:
        _check_document(test.among)
        _check_field((test.among.type,), test.by)
        for each in test.agree:
            self._parties((each.field,), each.by)

    def _parties(self, fields: Iterable[str], by: Iterable[str]) -> None:
        for each in fields:
            _check_field(self._subjects, each.removesuffix("[]"))
            for path in by:
                _check_field(self._subjects, f"{each}.{path}")

    def _name(self, test: NameTest) -> None:
        _check_field(self._subjects, test.field)

    def _provisions(self, test: ProvisionsTest) -> None:
        if test.table not in names():
            raise ValueError(f"there is no table {test.table}")
        if test.only not in ("", "repealed"):
            raise ValueError("`only` can be `repealed`")
        for path in test.fields:
            _check_field(self._subjects, path)

    def _amounts(self, test: AmountsTest) -> None:
        if test.how not in ("most", "least", "equal"):
            raise ValueError("`is` is most, least or equal")
        for each in _amounts((*test.of, *test.to)):
            if bool(each.field) is bool(each.first):
                raise ValueError("an amount is either a `field` or the `first` of some amounts")
            for path in (each.days.since, each.days.until) if each.days else ():
                _check_field(self._subjects, path)

    def _dates(self, test: DatesTest) -> None:
        terms = [each for each in (test.after, test.through, test.within) if each is not None]
        if len(terms) > 1 or (test.doubt is not None and test.within is None):
            raise ValueError("one of `after`, `through` and `within`; `doubt` only beside `within`")
        if test.waived and test.after is None:
            raise ValueError("`waived` only beside `after`")
        for term in (*terms, *([test.doubt] if test.doubt else [])):
            if (term.days is None) is (term.months is None) or (term.days is None) is not (term.counting is None):
                raise ValueError("a term is `days` and their `counting`, or `months`")
            if min(term.days or 0, term.months or 0) < 0:
                raise ValueError("a term is not below zero")

    def _present(self, test: PresentTest) -> None:
        for path in test.since:
            _check_field(self._subjects, path)

    def _window(self, test: WindowTest) -> None:
        _check_field(self._subjects, test.on)

    def _deadline(self, rule: str) -> None:
        if all(each.rule != rule for each in clocks.bundled()):
            raise ValueError(f"there is no deadline {rule}")


def _documents(test: Any) -> Iterator[NamedDocument]:
    """Give the documents that a test names, at any depth, but for certificates, which are about people."""
    about_documents = isinstance(test, NamedDocument) and not isinstance(test, CertificateDocument)
    if about_documents and not (isinstance(test, Amount) and test.first):
        yield test
    if isinstance(test, Struct):
        for name in test.__struct_fields__:
            yield from _documents(getattr(test, name))
    elif isinstance(test, tuple):
        for each in test:
            yield from _documents(each)


def _amounts(said: Iterable[Amount]) -> Iterator[Amount]:
    for each in said:
        yield each
        yield from _amounts(each.first)
