"""What senders are answered: status, headers and bytes, and the models that describe them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from msgspec import field
from msgspec.structs import replace
from pydantic import BaseModel, Field

from adapters.base import Adapter, Answer
from gateway.api.inbound.encoding import ACCEPTED
from gateway.api.inbound.request import Incoming
from gateway.api.models import FieldError, Problem, RestModel, Shown
from gateway.errors import HutongError, TooFast
from gateway.errors.problems import MEDIA_TYPE, problem, tell_warnings, told
from gateway.intake.steps import IntakePreview, IntakeResult, Planned, Previewed
from gateway.ledger.records import Accepted, Rejection
from gateway.message import HELD, UNWANTED, Delivery, State
from schemas.budget import STANDARD
from schemas.findings import Rejected, Text
from schemas.reprs import Discreet


class AcceptedDelivery(RestModel):
    """Where an accepted message goes."""

    id: str
    platform: str | None = Field(description="None while there is no platform that can take it")
    kind: str
    state: Shown


class SignedReceipt(RestModel):
    """The gateway's signed word that it accepted something; how it is verified: docs/proof.md."""

    digest: str = Field(
        description="SHA-256 of the bytes that were received, hexadecimal; of the first, for a duplicate"
    )
    leaf: str = Field(description="Hash of the message's leaf in the audit's tree: GET /v1/audit/proof?leaf=")
    key_id: str = Field(description="The key that signed: GET /v1/audit/head")
    signature: str = Field(description="Ed25519, with its way to the batch's root: index.size.path.signature")


class AcceptedMessage(RestModel):
    """A document that is durable now. `duplicate`: an equal one was there already, and this is it."""

    message_id: str
    type: str
    state: str
    duplicate: bool
    warnings: list[FieldError]
    deliveries: list[AcceptedDelivery]
    receipt: SignedReceipt | None = Field(description="None for a repeated document of before there were receipts")


class PackageEntry(BaseModel):
    """What became of one record of a package: accepted, or a problem."""

    index: int
    message_id: str | None = None
    type: str | None = None
    state: str | None = None
    duplicate: bool | None = None
    warnings: list[FieldError] | None = None
    deliveries: list[AcceptedDelivery] | None = None
    receipt: SignedReceipt | None = None
    problem: Problem | None = None


class AcceptedPackage(RestModel):
    """What became of each record of a package, in order."""

    messages: list[PackageEntry]


class RouteView(RestModel):
    """Where a document would go. `platform` None: nobody can take it yet, and `toward` says whom it would wait for."""

    kind: str
    platform: str | None
    toward: str | None = Field(
        default=None, description="`nearest`, `nearest.REGION`, `national`, or one platform's id"
    )


class DryRun(RestModel):
    """What a dry run gives: the translation and the routes, nothing stored."""

    type: str
    document: dict[str, Any]
    warnings: list[FieldError]
    routes: list[RouteView]


class DryRunEntry(BaseModel):
    """What a dry run gives for one record of a package."""

    index: int
    type: str | None = None
    document: dict[str, Any] | None = None
    warnings: list[FieldError] | None = None
    routes: list[RouteView] | None = None
    problem: Problem | None = None


class DryRunPackage(RestModel):
    """What a dry run gives for each record of a package, in order."""

    messages: list[DryRunEntry]


JSON = "application/json"

DECISION = "intake-decision"
"""The header of an answer in the caller's own format that says what was decided: `accepted`, `partial` or `rejected`.
Such an answer may say no with the status 200."""

ANSWER = "hutong.answer"
"""The ASGI extension by which a request is answered in one piece; see `BoundedConnection.answer`."""

_BREAKING = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

SHORTEST = 256
"""Bytes that every record of a package has in an answer, whatever the others take."""

_WORST_FIRST = (
    State.DEAD,
    State.UNROUTED,
    HELD,
    State.WAITING,
    State.SENDING,
    State.READY,
    State.REFUSED,
    State.DISCARDED,
    State.DELIVERED,
    UNWANTED,
)

INTERNAL = Text(
    "网关出现内部错误，已记录；请凭 trace_id 联系运维人员，稍后可原样重发",
    "The gateway failed and has recorded it; quote the trace_id to its operators and send the same again later",
)


class HttpAnswer(Discreet, frozen=True):
    """An answer ready to be sent."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    close: bool = False

    @property
    def head(self) -> bytes:
        """Its header lines as they stand on the wire; ValueError for a value that would break them."""
        lines = _lines(self.content_type, tuple(self.headers.items()))
        return b"%scontent-length: %d\r\n" % (lines, len(self.body))


@lru_cache(maxsize=256)
def _lines(content_type: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Write header lines; there are few different ones."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in (("content-type", content_type), *headers))
    if _BREAKING.search("".join((content_type, *(value for _, value in headers)))):
        raise ValueError(f"a header has a control character: {lines!r}")
    return lines.encode("latin-1")


def message_state(deliveries: Sequence[Delivery]) -> str:
    """Sum a message up: the state of the delivery that most needs attention; `recorded` when it goes nowhere."""
    present = {one.shown for one in deliveries}
    return next((str(shown) for shown in _WORST_FIRST if shown in present), "recorded")


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpAnswer:
    """Answer with JSON."""
    return HttpAnswer(status, orjson.dumps(value), JSON, headers or {})


def _accepted(entry: Accepted, language: str) -> dict[str, Any]:
    """Say what became of a document that was accepted."""
    message = entry.message
    return {
        "message_id": message.id,
        "type": message.type,
        "state": message_state(entry.deliveries),
        "duplicate": entry.duplicate,
        "warnings": tell_warnings(message.warnings, language),
        "deliveries": [
            {"id": one.id, "platform": one.platform, "kind": one.kind, "state": one.shown} for one in entry.deliveries
        ],
        "receipt": entry.acceptance.receipt() if entry.acceptance is not None else None,
    }


def _package_entry(entry: Accepted | Rejection, language: str) -> dict[str, Any]:
    """Say what became of one record of a package."""
    if isinstance(entry, Rejection):
        return {"index": entry.index, "problem": told(entry.problem, language)}
    return {"index": entry.index, **_accepted(entry, language)}


def accept_answer(
    adapter: Adapter, operation: str | None, outcome: IntakeResult, language: str, most: int
) -> HttpAnswer:
    """Answer what was handed in: in the caller's own format where its adapter declares one, else as JSON.

    `most`: the bytes of an answer about a package; what is told of its records is shorter beyond them.
    """
    headers = {"idempotent-replayed": "true"} if outcome.receipt.repeated else {}
    entries = outcome.receipt.entries
    taken = [entry for entry in entries if not isinstance(entry, Rejection)]
    first = entries[0] if entries else None
    values = {"message_id": taken[0].message.id} if taken else _words(first, language)
    own = adapter.answer(operation, accepted=bool(taken), values=values) if operation else None
    if own is not None:
        decision = "rejected" if not taken else "accepted" if len(taken) == len(entries) else "partial"
        return _declared(own, {**headers, DECISION: decision})
    if outcome.split:
        told_each = (_package_entry(entry, language) for entry in entries)
        body = {"messages": list(_within(most, told_each, len(entries)))}
        return json_answer(body, 202 if taken else 422, headers)
    if isinstance(first, Rejection):
        return problem_bytes(told(first.problem, language), headers)
    return json_answer(_accepted(taken[0], language), 202, headers)


def _within(most: int, entries: Iterable[dict[str, Any]], count: int) -> Iterator[orjson.Fragment]:
    """Write entries while there is room; from then on each without its details, which can be looked up by its id."""
    left = most - count * SHORTEST
    for entry in entries:
        written = orjson.dumps(entry)
        left -= max(0, len(written) - SHORTEST)
        yield orjson.Fragment(written if left >= 0 else orjson.dumps(_brief(entry)))


def _brief(entry: Mapping[str, Any]) -> dict[str, Any]:
    problem = entry.get("problem")
    if problem is None:
        return {name: entry[name] for name in ("index", "message_id", "state", "duplicate")}
    return {"index": entry["index"], "problem": {name: value for name, value in problem.items() if name != "errors"}}


def _words(rejection: object, language: str) -> Mapping[str, str]:
    if not isinstance(rejection, Rejection):
        return {"code": "document.invalid", "detail": ""}
    return {"code": rejection.code, "detail": str(told(rejection.problem, language).get("detail", ""))}


def native_error_answer(
    adapter: Adapter, operation: str | None, error: HutongError | Rejected, incoming: Incoming
) -> HttpAnswer:
    """Answer an error: in the caller's own format where its adapter declares one, else as a problem document."""
    known = operation is not None and operation in adapter.receives
    values = {"code": error.code, "detail": error.detail.say(incoming.language)}
    own = adapter.answer(operation, accepted=False, values=values) if known and operation else None
    if own is not None:
        return _declared(own, {DECISION: "rejected"})
    return error_answer(error, language=incoming.language, trace_id=incoming.trace_id)


def dry_run_answer(preview: IntakePreview, language: str, most: int) -> HttpAnswer:
    """Answer what a dry run found: a document, or the records of a package, as far as `most` bytes go."""
    if preview.split:
        return json_answer({"messages": list(_previewed(preview.entries, language, most))})
    only, found = preview.entries[0], found_in_dry_run(preview.entries[0], language)
    return problem_bytes(found["problem"]) if isinstance(only, Rejection) else json_answer(found)


def _previewed(entries: Sequence[Previewed | Rejection], language: str, most: int) -> Iterator[orjson.Fragment]:
    """Tell of records while there is room; the first that finds none says so for all that follow."""
    left = most
    for entry in entries:
        written = orjson.dumps({"index": entry.index, **found_in_dry_run(entry, language)})
        left -= len(written)
        if left < 0:
            full = replace(STANDARD, answer=most).exceeded("answer")
            said = problem(full.code, full.status, full.detail, language=language)
            yield orjson.Fragment(orjson.dumps({"index": entry.index, "problem": said}))
            return
        yield orjson.Fragment(written)


def found_in_dry_run(entry: Previewed | Rejection, language: str) -> dict[str, Any]:
    """Say what a dry run found of one record."""
    if isinstance(entry, Rejection):
        return {"problem": told(entry.problem, language)}
    return {
        "type": entry.type,
        "document": entry.document,
        "warnings": tell_warnings(entry.warnings, language),
        "routes": [_route(one) for one in entry.routes],
    }


def _route(planned: Planned) -> dict[str, Any]:
    sought = {"toward": planned.toward} if planned.toward else {}
    return {"kind": planned.kind, "platform": planned.platform, **sought}


def problem_answer(
    code: str,
    status: int,
    detail: Text,
    *,
    language: str,
    trace_id: str,
    headers: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """Answer with a problem document."""
    body = problem(code, status, detail, language=language, trace_id=trace_id)
    return problem_bytes(body, headers)


_BY_STATUS: Mapping[int, Mapping[str, str]] = {
    401: {"www-authenticate": "Bearer"},
    429: {"retry-after": "1"},
    503: {"retry-after": "5"},
}
"""The headers that go with a problem."""

_BY_CODE: Mapping[str, Mapping[str, str]] = {"encoding.unsupported": {"accept-encoding": ACCEPTED}}


def problem_bytes(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> HttpAnswer:
    """Answer with a problem document that is already written."""
    status: int = body["status"]
    extra = {**_BY_STATUS.get(status, {}), **_BY_CODE.get(body["code"], {})}
    return HttpAnswer(status, orjson.dumps(body), MEDIA_TYPE, {**extra, **(headers or {})}, close=status == 413)


def error_answer(error: HutongError | Rejected, *, language: str, trace_id: str) -> HttpAnswer:
    """Answer an error of our own border, or a document that was not kept as rejected."""
    findings = error.findings if isinstance(error, Rejected) else ()
    body = problem(error.code, error.status, error.detail, findings, language=language, trace_id=trace_id)
    return problem_bytes(body, {"retry-after": str(error.retry_after)} if isinstance(error, TooFast) else None)


def internal_answer(*, language: str, trace_id: str) -> HttpAnswer:
    """Answer an unexpected exception."""
    return problem_answer("internal", 500, INTERNAL, language=language, trace_id=trace_id)


def _declared(answer: Answer, headers: Mapping[str, str]) -> HttpAnswer:
    """Answer in the caller's own format."""
    return HttpAnswer(answer.status, answer.body, answer.content_type, headers)
