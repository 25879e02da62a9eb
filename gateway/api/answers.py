"""What callers are told: outcomes become a status, headers and bytes, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from adapters.base import Answer
from gateway.errors import HutongError
from gateway.errors.problems import MEDIA_TYPE, problem, tell_warnings, told
from gateway.ledger.records import Accepted, Rejection
from gateway.message import Delivery, State
from schemas.findings import Rejected, Text

JSON = "application/json"

_WORST_FIRST = (
    State.DEAD,
    State.UNROUTED,
    State.HELD,
    State.WAITING,
    State.SENDING,
    State.READY,
    State.REFUSED,
    State.DISCARDED,
    State.DELIVERED,
)

INTERNAL = Text(
    "网关出现内部错误，已记录；请凭 trace_id 联系运维人员，稍后可原样重发",
    "The gateway failed and has recorded it; quote the trace_id to its operators and send the same again later",
)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer ready to be sent."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    close: bool = False


def message_state(deliveries: Sequence[Delivery]) -> str:
    """Sum a message up: the state of the delivery that most needs attention; `recorded` when it goes nowhere."""
    present = {one.state for one in deliveries}
    return next((state.value for state in _WORST_FIRST if state in present), "recorded")


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answered:
    """Answer with JSON."""
    return Answered(status, orjson.dumps(value), JSON, headers or {})


def accepted(entry: Accepted, language: str) -> dict[str, Any]:
    """Say what became of a document that was accepted."""
    message = entry.message
    return {
        "message_id": message.id,
        "type": message.type,
        "state": message_state(entry.deliveries),
        "duplicate": entry.duplicate,
        "warnings": tell_warnings(message.warnings, language),
        "deliveries": [
            {"id": one.id, "platform": one.platform, "kind": one.kind, "state": one.state.value}
            for one in entry.deliveries
        ],
    }


def package_entry(entry: Accepted | Rejection, language: str) -> dict[str, Any]:
    """Say what became of one record of a package."""
    if isinstance(entry, Rejection):
        return {"index": entry.index, "problem": told(entry.problem, language)}
    return {"index": entry.index, **accepted(entry, language)}


def problem_answer(
    code: str,
    status: int,
    detail: Text,
    *,
    language: str,
    trace_id: str,
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """Answer with a problem document."""
    body = problem(code, status, detail, language=language, trace_id=trace_id)
    return problem_bytes(body, headers)


def problem_bytes(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answered:
    """Answer with a problem document that is already written."""
    status: int = body["status"]
    extra = {"www-authenticate": "Bearer"} if status == 401 else {"retry-after": "5"} if status == 503 else {}
    return Answered(status, orjson.dumps(body), MEDIA_TYPE, {**extra, **(headers or {})}, close=status == 413)


def refusal(error: HutongError | Rejected, *, language: str, trace_id: str) -> Answered:
    """Answer an error of our own border, or a document that was not kept as rejected."""
    findings = error.findings if isinstance(error, Rejected) else ()
    body = problem(error.code, error.status, error.detail, findings, language=language, trace_id=trace_id)
    return problem_bytes(body)


def internal(*, language: str, trace_id: str) -> Answered:
    """Answer what nobody foresaw."""
    return problem_answer("internal", 500, INTERNAL, language=language, trace_id=trace_id)


def declared(answer: Answer, headers: Mapping[str, str] | None = None) -> Answered:
    """Answer in the caller's own format."""
    return Answered(answer.status, answer.body, answer.content_type, headers or {})
