"""Shadow comparison: two versions translate the same input, and every field in which they differ is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from adapters import formats
from adapters.adapter import DeclarativeAdapter
from adapters.base import Adapter, OutboundRequest, Record, Sending, Translation
from gateway.clock import seconds
from gateway.observe.tally import ExamplePair, Found, Tally
from schemas.catalog import TYPES
from schemas.documents import fields
from schemas.documents.masking import shown
from schemas.documents.personal import mentions, personal_values
from schemas.findings import Rejected
from schemas.real import CITIZEN, real_numbers

T = TypeVar("T")

Difference = tuple[str, Any, Any]
"""The field's path (lists as `officers[].name`), its value in the active version, and in the other; `ABSENT`: none."""

REJECTED = "rejected"
"""Stands for the whole: one version refused what the other translated, or refused it for another reason."""


class _Absent:
    def __repr__(self) -> str:
        return "—"


ABSENT = _Absent()
"""The value of a field that is not there."""


@dataclass(frozen=True, slots=True)
class FailedTranslation:
    """A translation that was refused, or that failed."""

    code: str


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """One record, translated, and the identity it would be known by."""

    translation: Translation
    identity: str | None


@dataclass(frozen=True, slots=True)
class PersonalValues:
    """What of a written request is personal: the native fields of personal values, and the values anywhere."""

    fields: frozenset[str]
    values: frozenset[str]

    @classmethod
    def of(cls, sending: Sending, *adapters: Adapter) -> PersonalValues:
        """Find the personal values of a document and the native fields that the adapters write them to."""
        name = TYPES[sending.type].document
        personal = {path for path, one in fields(name).items() if one.personal}
        lineage = (one for adapter in adapters for one in adapter.lineage(sending.type) if one.field in personal)
        native = {path.rpartition(".")[2] for one in lineage for path in one.paths}
        return cls(frozenset(native), personal_values(name, sending.document))

    def holds(self, path: str, value: Any) -> bool:
        """Tell whether a value must be masked; a whole path or body always is."""
        if path in ("path", "body") or path.rpartition(".")[2] in self.fields:
            return True
        return mentions(value, self.values)


def compare_inward(
    active: Adapter, shadow: Adapter, operation: str, body: bytes, content_type: str | None, tally: Tally
) -> None:
    """Let both versions read a body and count how they differ, record by record."""
    one, other = _both(
        lambda: _records(active, operation, body, content_type),
        lambda: _records(shadow, operation, body, content_type),
        tally,
    )
    if isinstance(one, FailedTranslation) or isinstance(other, FailedTranslation) or len(one) != len(other):
        _count_whole(operation, one, other, tally)
        return
    for before, after in zip(one, other, strict=True):
        if isinstance(before, FailedTranslation) or isinstance(after, FailedTranslation):
            _count_whole(operation, before, after, tally)
        else:
            tally.add(operation, list(_documents(before, after)))


def compare_outward(active: Adapter, shadow: Adapter, sending: Sending, tally: Tally) -> None:
    """Let both versions write a request and count how they differ: method, path, headers, body."""
    one, other = _both(lambda: _written(active, sending), lambda: _written(shadow, sending), tally)
    if isinstance(one, FailedTranslation) or isinstance(other, FailedTranslation):
        _count_whole(sending.type, one, other, tally)
        return
    private = PersonalValues.of(sending, active, shadow)
    before, after = (_tree(adapter, sending.type, request) for adapter, request in ((active, one), (shadow, other)))
    tally.add(
        sending.type,
        [
            Found(path, ExamplePair(_shown(a, private.holds(path, a)), _shown(b, private.holds(path, b))))
            for path, a, b in differences(before, after)
        ],
    )


def _both(
    one: Callable[[], T], other: Callable[[], T], tally: Tally
) -> tuple[T | FailedTranslation, T | FailedTranslation]:
    """Do both, and add how long each took, for the speed in the report."""
    started = seconds()
    first = _safely(one)
    halfway = seconds()
    second = _safely(other)
    tally.timed(halfway - started, seconds() - halfway)
    return first, second


def _safely(translate: Callable[[], T]) -> T | FailedTranslation:
    try:
        return translate()
    except Rejected as error:
        return FailedTranslation(error.code)
    except Exception as error:
        return FailedTranslation(type(error).__name__)


def _records(
    adapter: Adapter, operation: str, body: bytes, content_type: str | None
) -> Sequence[ReadRecord | FailedTranslation]:
    package = adapter.read(operation, body, content_type)
    return [_safely(partial(_record, adapter, operation, one)) for one in package.records]


def _record(adapter: Adapter, operation: str, record: Record) -> ReadRecord:
    return ReadRecord(adapter.translate_in(operation, record), record.identity)


def _count_whole(name: str, one: Any, other: Any, tally: Tally) -> None:
    if one == other:
        tally.add(name, [])
        return
    failed = isinstance(other, FailedTranslation) and not isinstance(one, FailedTranslation)
    tally.add(name, [Found(REJECTED, ExamplePair(_outcome(one), _outcome(other)))], failed=failed)


def _outcome(value: Any) -> str:
    if isinstance(value, FailedTranslation):
        return value.code
    return f"{len(value)} records" if isinstance(value, list) else "translated"


def _documents(before: ReadRecord, after: ReadRecord) -> Iterator[Found]:
    one, other = before.translation, after.translation
    known = {**fields(TYPES[other.type].document), **fields(TYPES[one.type].document)}
    whole = {"type": one.type, "identity": before.identity}, {"type": other.type, "identity": after.identity}
    private = personal_values(TYPES[one.type].document, one.document)
    private |= personal_values(TYPES[other.type].document, other.document)
    for path, a, b in differences(*whole):
        # What a record is known by may be a number that no field of the document took.
        yield Found(path, ExamplePair(*(_shown(value, _names_somebody(value, private)) for value in (a, b))))
    personal = {path for path, one in known.items() if one.personal}
    for path, a, b in differences(one.document, other.document):
        is_personal = any(each.startswith(path) for each in personal)
        yield Found(path, ExamplePair(*(_shown(value, is_personal or mentions(value, private)) for value in (a, b))))


def _written(adapter: Adapter, sending: Sending) -> OutboundRequest:
    return adapter.translate_out(sending)


def _tree(adapter: Adapter, message_type: str, request: OutboundRequest) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = _parsed(adapter, message_type, request.body)
    return {"method": request.method, "path": request.path, "headers": headers, "body": body}


def _parsed(adapter: Adapter, message_type: str, body: bytes) -> Any:
    """Read a written body as the platform would; bytes when nobody can."""
    if not isinstance(adapter, DeclarativeAdapter) or not body:
        return body
    try:
        return formats.read(adapter.compiled.formats["sends", message_type], body).tree
    except Rejected:
        return body


def _names_somebody(value: Any, private: Set[str]) -> bool:
    return mentions(value, private) or any(one.kind is CITIZEN for one in real_numbers(str(value)))


def _shown(value: Any, personal: bool) -> str:
    if value is ABSENT or value is None:
        return "—"
    return str(shown(value if isinstance(value, str) else repr(value), personal=personal, identity=True))


def differences(active: Any, other: Any, path: str = "") -> Iterator[Difference]:
    """Give every leaf in which two trees differ; a list of another length differs as a whole."""
    if isinstance(active, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*active, *other]):
            here = f"{path}.{name}" if path else str(name)
            yield from differences(active.get(name, ABSENT), other.get(name, ABSENT), here)
    elif isinstance(active, list) and isinstance(other, list) and len(active) == len(other):
        for one, another in zip(active, other, strict=True):
            yield from differences(one, another, f"{path}[]")
    elif active != other or type(active) is not type(other):
        yield path, active, other
