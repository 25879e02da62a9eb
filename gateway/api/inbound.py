"""The hot path: documents in, receipts out, on bare ASGI because every request of every platform comes here."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from adapters.base import Adapter
from gateway.access.tokens import bearer
from gateway.api.answers import (
    Answered,
    accepted,
    declared,
    json_answer,
    package_entry,
    problem_bytes,
    refusal,
)
from gateway.api.incoming import Incoming, Receive, Scope, read_body
from gateway.errors import HutongError, Unauthenticated
from gateway.errors.problems import tell_warnings, told
from gateway.hub import Hub, Principal
from gateway.intake.steps import IntakeCall, IntakeResult, Previewed
from gateway.ledger.records import Platform, Rejection
from schemas.findings import Rejected, Text

SUBMIT = "messages"
"""The operation of those who speak canonical: `POST /v1/messages`."""

_UNKNOWN = Text(
    "没有携带有效的凭据；请在 Authorization 头中发送 Bearer 凭据，凭据由网关管理员签发",
    "No valid credential; send the one the gateway's administrator issued as `Authorization: Bearer …`",
)
_NOT_A_PLATFORM = Text(
    "管理员令牌不代表任何平台；请使用平台自己的凭据发送文书",
    "The admin token stands for no platform; send documents with the platform's own credential",
)


class Inbound:
    """Takes documents from platforms, in their own format or in the canonical one."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, operation: str | None) -> Answered:
        """Answer one document or package. `operation` None: the body is a canonical submission."""
        incoming = Incoming.of(scope)
        try:
            platform = _platform(self._principal(incoming))
        except HutongError as error:
            return refusal(error, language=incoming.language, trace_id=incoming.trace_id)
        try:
            adapter = self._hub.adapters.of(platform)
        except HutongError as error:
            return refusal(error, language=incoming.language, trace_id=incoming.trace_id)
        try:
            body = await read_body(incoming, receive, adapter.limits.body)
            call = _call(platform, operation or SUBMIT, body, incoming, adapter)
            if dry_run(scope["query_string"]):
                return await self._preview(call, operation, incoming.language)
            outcome = await (self._hub.receive(call) if operation else self._hub.submit(call))
        except (HutongError, Rejected) as error:
            return _refused(adapter, operation, error, incoming)
        return _answer(adapter, operation, outcome, incoming.language)

    def _principal(self, incoming: Incoming) -> Principal | None:
        token = bearer(incoming.headers.get("authorization"))
        return self._hub.principals.of(token) if token else None

    async def _preview(self, call: IntakeCall, operation: str | None, language: str) -> Answered:
        preview = await (self._hub.preview(call) if operation else self._hub.preview_submission(call))
        if not preview.split:
            return _previewed(preview.entries[0], language)
        return json_answer({"messages": [_preview_entry(one, language) for one in preview.entries]})


def dry_run(query: bytes) -> bool:
    """Tell whether the caller only wants to see what would become of its document."""
    if not query:
        return False
    value = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)).get("dry_run", "false").lower()
    if value in ("true", "1", "yes", ""):
        return True
    if value in ("false", "0", "no"):
        return False
    raise Rejected(
        "request.invalid",
        Text("dry_run 只能是 true 或 false", "dry_run is either true or false"),
        status=422,
    )


def _platform(principal: Principal | None) -> Platform:
    if principal is None:
        raise Unauthenticated(_UNKNOWN)
    if principal.platform is None:
        raise Unauthenticated(_NOT_A_PLATFORM)
    return principal.platform


def _call(platform: Platform, operation: str, body: bytes, incoming: Incoming, adapter: Adapter) -> IntakeCall:
    kind, key = incoming.headers.get("content-type"), incoming.headers.get("idempotency-key")
    return IntakeCall(platform, operation, body, kind, key, incoming.trace_id, adapter)


def _answer(adapter: Adapter, operation: str | None, outcome: IntakeResult, language: str) -> Answered:
    headers = {"idempotent-replayed": "true"} if outcome.receipt.repeated else {}
    entries = outcome.receipt.entries
    taken = [entry for entry in entries if not isinstance(entry, Rejection)]
    first = entries[0] if entries else None
    values = {"message_id": taken[0].message.id} if taken else _words(first, language)
    own = adapter.answer(operation, accepted=bool(taken), values=values) if operation else None
    if own is not None:
        return declared(own, headers)
    if outcome.split:
        body = {"messages": [package_entry(entry, language) for entry in entries]}
        return json_answer(body, 202 if taken else 422, headers)
    if isinstance(first, Rejection):
        return problem_bytes(told(first.problem, language), headers)
    return json_answer(accepted(taken[0], language), 202, headers)


def _words(rejection: object, language: str) -> Mapping[str, str]:
    if not isinstance(rejection, Rejection):
        return {"code": "document.invalid", "detail": ""}
    return {"code": rejection.code, "detail": str(told(rejection.problem, language).get("detail", ""))}


def _refused(adapter: Adapter, operation: str | None, error: HutongError | Rejected, incoming: Incoming) -> Answered:
    known = operation is not None and operation in adapter.receives
    values = {"code": error.code, "detail": error.detail.say(incoming.language)}
    own = adapter.answer(operation, accepted=False, values=values) if known and operation else None
    if own is not None:
        return declared(own)
    return refusal(error, language=incoming.language, trace_id=incoming.trace_id)


def _previewed(entry: Previewed | Rejection, language: str) -> Answered:
    if isinstance(entry, Rejection):
        return problem_bytes(told(entry.problem, language))
    return json_answer(_translation(entry, language))


def _preview_entry(entry: Previewed | Rejection, language: str) -> dict[str, object]:
    if isinstance(entry, Rejection):
        return {"index": entry.index, "problem": told(entry.problem, language)}
    return {"index": entry.index, **_translation(entry, language)}


def _translation(entry: Previewed, language: str) -> dict[str, object]:
    return {
        "type": entry.type,
        "document": entry.document,
        "warnings": tell_warnings(entry.warnings, language),
        "routes": [{"kind": one.kind, "platform": one.platform} for one in entry.routes],
    }
