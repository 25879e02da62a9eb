"""Who may call what: the role that each call needs, and which objects a caller may see.

A new role is a member of Role, its calls in CALLS, and its case in `_may_call`; who holds it is told by
the Principal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPBearer

from gateway.access import bearer
from gateway.api.inbound.request import SUBMISSIONS, Incoming, Scope, idempotency_key
from gateway.errors import Forbidden, TooFast, Unauthenticated
from gateway.hub import Hub, Principal
from gateway.ledger.records import Intent, Platform
from gateway.message import Delivery, Message
from gateway.telemetry.events import AuthenticationFailed, CallLimited
from gateway.telemetry.loop import doing
from schemas.findings import Rejected, Text

ADMIN = "admin"
"""How the administrator is named in the record of what was done."""

DOSSIER = "dossier"
"""The platform setting that holds the dossier right."""


class Role(StrEnum):
    """Who may make a call."""

    ANYBODY = "anybody"  # no credential is asked for
    PLATFORM = "platform"  # a registered platform, in its own name; the administrator is none
    CALLER = "caller"  # a platform or the administrator; the functions below say which objects each sees
    ADMIN = "admin"


CALLS: Mapping[str, Role] = {
    "GET /health/live": Role.ANYBODY,
    "GET /health/ready": Role.ANYBODY,
    "GET /metrics": Role.ANYBODY,
    "GET /schemas/{document}/{version}": Role.ANYBODY,
    "POST /v1/inbound/{operation}": Role.PLATFORM,
    "POST /v1/inbound/{operation}/batch": Role.PLATFORM,
    "POST /v1/messages": Role.PLATFORM,
    "POST /v1/attachments": Role.PLATFORM,
    "GET /v1/attachments/{upload_id}": Role.PLATFORM,
    "GET /v1/inbox": Role.PLATFORM,
    "POST /v1/inbox/{delivery_id}/receipt": Role.PLATFORM,
    "GET /v1/messages": Role.CALLER,
    "GET /v1/messages/{message_id}": Role.CALLER,
    "GET /v1/messages/{message_id}/native": Role.ADMIN,
    "GET /v1/messages/{message_id}/canonical": Role.ADMIN,
    "GET /v1/messages/{message_id}/lineage": Role.ADMIN,
    "GET /v1/rejections": Role.CALLER,
    "GET /v1/rejections/{rejection_id}": Role.CALLER,
    "GET /v1/rejections/{rejection_id}/native": Role.CALLER,
    "GET /v1/enterprises/{credit_code}": Role.CALLER,
    "GET /v1/cases/{case_number}": Role.CALLER,
    "GET /v1/deliveries": Role.ADMIN,
    "GET /v1/deliveries/{delivery_id}": Role.ADMIN,
    "GET /v1/deliveries/{delivery_id}/sent": Role.ADMIN,
    "POST /v1/deliveries/{delivery_id}/replay": Role.ADMIN,
    "POST /v1/deliveries/{delivery_id}/discard": Role.ADMIN,
    "POST /v1/deliveries/{delivery_id}/hold": Role.ADMIN,
    "POST /v1/deliveries/{delivery_id}/release": Role.ADMIN,
    "POST /v1/replays": Role.ADMIN,
    "GET /v1/replays/{replay_id}": Role.ADMIN,
    "POST /v1/replays/{replay_id}/cancel": Role.ADMIN,
    "GET /v1/platforms": Role.ADMIN,
    "PUT /v1/platforms/{platform_id}": Role.ADMIN,
    "GET /v1/platforms/{platform_id}": Role.ADMIN,
    "DELETE /v1/platforms/{platform_id}": Role.ADMIN,
    "GET /v1/platforms/{platform_id}/drift": Role.ADMIN,
    "POST /v1/platforms/{platform_id}/pause": Role.ADMIN,
    "POST /v1/platforms/{platform_id}/resume": Role.ADMIN,
    "POST /v1/platforms/{platform_id}/ping": Role.ADMIN,
    "POST /v1/platforms/{platform_id}/credentials": Role.ADMIN,
    "GET /v1/backlog": Role.ADMIN,
    "GET /v1/retention": Role.ADMIN,
    "GET /v1/retention/prunable": Role.ADMIN,
    "POST /v1/retention/prune": Role.ADMIN,
    "GET /v1/areas": Role.ADMIN,
    "GET /v1/areas/{code}": Role.ADMIN,
    "PUT /v1/areas/{code}": Role.ADMIN,
    "DELETE /v1/areas/{code}": Role.ADMIN,
    "GET /v1/calendar/{year}": Role.ADMIN,
    "PUT /v1/calendar/{year}": Role.ADMIN,
    "GET /v1/unwanted": Role.ADMIN,
    "GET /v1/unwanted/{kind}/{region}": Role.ADMIN,
    "PUT /v1/unwanted/{kind}/{region}": Role.ADMIN,
    "DELETE /v1/unwanted/{kind}/{region}": Role.ADMIN,
    "GET /v1/adapters": Role.ADMIN,
    "POST /v1/adapters": Role.ADMIN,
    "GET /v1/adapters/{name}/{version}": Role.ADMIN,
    "POST /v1/adapters/{name}/{version}/check": Role.ADMIN,
    "POST /v1/adapters/{name}/{version}/shadow": Role.ADMIN,
    "GET /v1/adapters/{name}/{version}/shadow": Role.ADMIN,
    "POST /v1/adapters/{name}/{version}/translate": Role.ADMIN,
    "POST /v1/adapters/{name}/{version}/activate": Role.ADMIN,
    "POST /v1/adapters/{name}/{version}/retire": Role.ADMIN,
    "POST /v1/adapters/{name}/rollback": Role.ADMIN,
}
"""Every call of the interface and the role it needs. A call that is not listed here is the administrator's alone."""

RECEIVING, SENDING = "POST /v1/inbound/{operation}", "POST /v1/messages"
BATCH = "POST /v1/inbound/{operation}/batch"
"""The calls that hand documents in; they are served outside of the framework."""

_PRINCIPAL = "hutong.principal"
"""Where a request's scope says who makes it."""

_scheme = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="平台凭据或管理员令牌 · A platform's credential, or the admin token",
)

_NOBODY = Text(
    "没有携带有效的凭据；请在 Authorization 头中发送 Bearer 凭据",
    "No valid credential; send one as `Authorization: Bearer …`",
)
_NO_SENDER = Text(
    "没有携带有效的凭据；请在 Authorization 头中发送 Bearer 凭据，凭据由网关管理员签发",
    "No valid credential; send the one the gateway's administrator issued as `Authorization: Bearer …`",
)
_TWICE = Text(
    "请求中有多个 Authorization 头；请只保留一个",
    "The request has more than one Authorization header; send only one",
)
_NOT_A_PLATFORM = Text(
    "管理员令牌不代表任何平台；请使用平台自己的凭据",
    "The admin token stands for no platform; use the platform's own credential",
)
_ADMINS_ONLY = Text(
    "此操作只限管理员；请使用管理员令牌（HUTONG_ADMIN_TOKEN）",
    "Only administrators may do this; use the admin token (HUTONG_ADMIN_TOKEN)",
)
_FOREIGN_MESSAGE = Text(
    "只有来源平台、目的平台和运维人员可以查看此消息",
    "Only its source, its destinations and the operators may see this message",
)
_NO_DOSSIERS = Text(
    "本平台没有查阅企业档案的权限；请管理员在平台设置中开通 dossier",
    "This platform may not read dossiers; ask the administrator to set `dossier` for it",
)


# ── the caller of a request ───────────────────────────────────────────────────────────────────
def hub_of(request: Request) -> Hub:
    """Give the hub that the application was made with."""
    hub: Hub = request.app.state.hub
    return hub


def incoming_of(request: Request) -> Incoming:
    """Give the headers that matter of this request."""
    return Incoming.of(request.scope)


TheHub = Annotated[Hub, Depends(hub_of)]
TheIncoming = Annotated[Incoming, Depends(incoming_of)]


def sender_of(hub: Hub, scope: Scope) -> Platform:
    """Give the platform that hands a document in; Unauthenticated when it is none we know."""
    path: str = scope["path"]
    call = SENDING if path == SUBMISSIONS else BATCH if path.count("/") > RECEIVING.count("/") else RECEIVING
    return _its_platform(hub, scope, call, _principal(hub, scope, call, _NO_SENDER))


def _its_platform(hub: Hub, scope: Scope, call: str, principal: Principal) -> Platform:
    if principal.platform is None:
        _tell(hub, scope, call, "no-platform")
        raise Unauthenticated(_NOT_A_PLATFORM)
    return principal.platform


async def keep_pace(hub: Hub, platform: Platform) -> None:
    """Count a call of a platform; TooFast when it calls more often than it may."""
    try:
        await hub.call_rates.admit(platform.id, platform.limits)
    except TooFast:
        hub.events(CallLimited(platform.id))
        raise


async def admit(request: Request) -> None:
    """Know the caller of a request before anything of its body is read, and count the call.

    Unauthenticated when it is nobody we know, Forbidden when its role does not suffice, TooFast when it calls too
    often. A call that nobody listed is the administrator's alone.
    """
    call = f"{request.method} {request.scope['route'].path_format}"
    role = CALLS.get(call, Role.ADMIN)
    if role is Role.ANYBODY:
        return
    principal = _principal(hub_of(request), request.scope, call, _NOBODY)
    if role is Role.PLATFORM:
        _its_platform(hub_of(request), request.scope, call, principal)
    if not _may_call(principal, role):
        raise Forbidden(_ADMINS_ONLY)
    if principal.platform is not None:
        await keep_pace(hub_of(request), principal.platform)
    request.scope[_PRINCIPAL] = principal
    doing(principal.platform.id if principal.platform else "", call)


def _principal(hub: Hub, scope: Scope, call: str, otherwise: Text) -> Principal:
    """Tell whose token a request carries; Unauthenticated, saying `otherwise`, when nobody's we know."""
    incoming = Incoming.of(scope)
    if "authorization" in incoming.twice:
        raise Rejected("authorization.twice", _TWICE, status=400)
    token = bearer(incoming.headers.get("authorization"))
    principal = hub.principals.of(token) if token else None
    if principal is None:
        _tell(hub, scope, call, "unknown" if token else "missing")
        raise Unauthenticated(otherwise)
    return principal


def _tell(hub: Hub, scope: Scope, call: str, why: str) -> None:
    client = scope.get("client")
    hub.events(AuthenticationFailed(why, call, client[0] if client else ""))


def caller(request: Request, _: Annotated[object, Depends(_scheme)]) -> Principal:
    """Give the caller of a request, as it was admitted."""
    principal: Principal = request.scope[_PRINCIPAL]
    return principal


def _may_call(principal: Principal, role: Role) -> bool:
    # By name: who is neither a platform nor the administrator may do what its own role says here, and nothing else.
    return principal.admin or (principal.platform is not None and role is not Role.ADMIN)


Caller = Annotated[Principal, Depends(caller)]


def calling_platform(caller: Caller) -> Platform:
    """Give the platform that makes a call which only platforms may make."""
    assert caller.platform is not None
    return caller.platform


CallingPlatform = Annotated[Platform, Depends(calling_platform)]


def actor(caller: Caller) -> str:
    """Give the name under which the caller's deed is recorded."""
    return caller.platform.id if caller.platform else ADMIN


Actor = Annotated[str, Depends(actor)]

_KEY = Header(
    alias="Idempotency-Key",
    description="同一键的相同请求只执行一次，并返回首次结果 · the same request under it is done once",
    json_schema_extra={"minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
)


def intends(
    request: Request, hub: TheHub, actor: Actor, key: Annotated[str | None, _KEY] = None
) -> Callable[[str], Intent]:
    """Give what makes the caller's intent of a reason: who, when, and under which Idempotency-Key.

    The one place where operators' calls read that header; the framework only describes it, since it
    would pass over a second one.
    """
    only = idempotency_key(request.scope)
    return lambda reason: Intent(actor, reason, hub.clock(), only)


Intends = Annotated[Callable[[str], Intent], Depends(intends)]


# ── the objects that a caller may see ─────────────────────────────────────────────────────────
def own_id(caller: Principal) -> str | None:
    """Give the id of the platform that calls; None for the administrator."""
    return caller.platform.id if caller.platform else None


def searched_platform(caller: Principal, asked: str | None, otherwise: Text) -> str | None:
    """Give the platform whose records are searched (None: all); Forbidden, saying `otherwise`, for another's."""
    if caller.admin:
        return asked
    if asked not in (None, own_id(caller)):
        raise Forbidden(otherwise)
    return own_id(caller)


def check_message(caller: Principal, message: Message, deliveries: Sequence[Delivery]) -> None:
    """Let the source, the destinations and the operators see a message; Forbidden for others."""
    concerned = {message.source, *(one.platform for one in deliveries)}
    if not caller.admin and (caller.platform is None or caller.platform.id not in concerned):
        raise Forbidden(_FOREIGN_MESSAGE)


def may_see_delivery(caller: Principal, message: Message, delivery: Delivery) -> bool:
    """A destination sees its own delivery; the source and the operators see them all."""
    return caller.admin or own_id(caller) in (message.source, delivery.platform)


def may_read_dossiers(platform: Platform) -> bool:
    """Tell whether an administrator gave a platform the dossier right."""
    return platform.settings.get(DOSSIER) is True


def check_dossier(caller: Principal) -> None:
    """Let the operators and the platforms with the right read dossiers; Forbidden for others."""
    if not caller.admin and not (caller.platform is not None and may_read_dossiers(caller.platform)):
        raise Forbidden(_NO_DOSSIERS)
