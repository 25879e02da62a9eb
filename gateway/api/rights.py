"""Who may call what: the role that each call needs. Which objects a caller may see says `sight`.

A new role is a member of Role and its calls in CALLS; people are given it by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPBearer

from gateway.access import Principal
from gateway.api.inbound.request import Incoming, Scope, idempotency_key
from gateway.errors import Forbidden, TooFast
from gateway.hub import Hub
from gateway.ledger.records import Intent, Platform
from gateway.telemetry.events import AdministratorCalled, AuthenticationFailed, CallLimited, EmergencyCalled
from gateway.telemetry.loop import doing
from schemas.findings import Text

ADMIN = "admin"
"""How the administrator is named in the record of what was done."""

EMERGENCY = "emergency"
"""How whoever calls under the emergency token is named in it."""

DOSSIER = "dossier"
"""The platform setting that holds the dossier right."""


class Role(StrEnum):
    """Who may make a call. From VIEWER on they are people's, as they are given to them; each may what a viewer may."""

    ANYBODY = "anybody"  # no credential is asked for
    KNOWN = "known"  # whoever has a credential
    PLATFORM = "platform"  # a registered platform, in its own name; no person and no administrator is one
    VIEWER = "viewer"  # headers, states, lists, metrics; no bodies
    BODY_READER = "body-reader"  # bodies and dossiers, personal values masked until unmasked
    OPERATOR = "operator"  # what becomes of deliveries and of platforms, and what was rejected
    AUTHOR = "author"  # adapter versions up to their shadow
    APPROVER = "approver"  # which adapter version is spoken
    AUDITOR = "auditor"  # what was done; changes nothing
    ADMIN = "admin"  # people, credentials, platforms, what is kept for how long


PEOPLES = tuple(role for role in Role if role not in (Role.ANYBODY, Role.KNOWN, Role.PLATFORM))
"""The roles that a person may be given."""

CALLS: Mapping[str, Role] = {
    "GET /health/live": Role.ANYBODY,
    "GET /health/ready": Role.ANYBODY,
    "GET /schemas/{document}/{version}": Role.ANYBODY,
    "GET /v1/me": Role.KNOWN,
    "POST /v1/inbound/{operation}": Role.PLATFORM,
    "POST /v1/inbound/{operation}/batch": Role.PLATFORM,
    "POST /v1/messages": Role.PLATFORM,
    "POST /v1/attachments": Role.PLATFORM,
    "GET /v1/attachments/{upload_id}": Role.PLATFORM,
    "GET /v1/inbox": Role.PLATFORM,
    "POST /v1/inbox/{delivery_id}/receipt": Role.PLATFORM,
    "GET /metrics": Role.VIEWER,  # anybody, where HUTONG_METRICS_OPEN is set
    "GET /v1/messages": Role.VIEWER,
    "GET /v1/messages/{message_id}": Role.VIEWER,
    "GET /v1/messages/{message_id}/native": Role.BODY_READER,
    "GET /v1/messages/{message_id}/canonical": Role.BODY_READER,
    "GET /v1/messages/{message_id}/lineage": Role.BODY_READER,
    "GET /v1/rejections": Role.OPERATOR,
    "GET /v1/rejections/{rejection_id}": Role.OPERATOR,
    "GET /v1/rejections/{rejection_id}/native": Role.BODY_READER,
    "GET /v1/enterprises/{credit_code}": Role.BODY_READER,
    "GET /v1/cases/{case_number}": Role.VIEWER,
    "GET /v1/assessments": Role.OPERATOR,
    "POST /v1/assessments": Role.OPERATOR,
    "GET /v1/assessments/{run_id}": Role.OPERATOR,
    "GET /v1/clocks": Role.OPERATOR,
    "GET /v1/reports/usage": Role.OPERATOR,
    "GET /v1/reports/usage/figures/{name}/messages": Role.OPERATOR,
    "GET /v1/deliveries": Role.VIEWER,
    "GET /v1/deliveries/{delivery_id}": Role.VIEWER,
    "GET /v1/deliveries/{delivery_id}/sent": Role.BODY_READER,
    "POST /v1/deliveries/{delivery_id}/replay": Role.OPERATOR,
    "POST /v1/deliveries/{delivery_id}/discard": Role.OPERATOR,
    "POST /v1/deliveries/{delivery_id}/hold": Role.OPERATOR,
    "POST /v1/deliveries/{delivery_id}/release": Role.OPERATOR,
    "POST /v1/replays": Role.OPERATOR,
    "GET /v1/replays/{replay_id}": Role.VIEWER,
    "POST /v1/replays/{replay_id}/cancel": Role.OPERATOR,
    "GET /v1/reconciliation": Role.AUDITOR,
    "GET /v1/reconciliation/lines": Role.AUDITOR,
    "POST /v1/reconciliation": Role.AUDITOR,
    "POST /v1/reconciliation/resend": Role.OPERATOR,
    "GET /v1/platforms": Role.VIEWER,
    "PUT /v1/platforms/{platform_id}": Role.ADMIN,
    "GET /v1/platforms/{platform_id}": Role.VIEWER,
    "DELETE /v1/platforms/{platform_id}": Role.ADMIN,
    "GET /v1/platforms/{platform_id}/drift": Role.VIEWER,
    "POST /v1/platforms/{platform_id}/pause": Role.OPERATOR,
    "POST /v1/platforms/{platform_id}/resume": Role.OPERATOR,
    "POST /v1/platforms/{platform_id}/ping": Role.OPERATOR,
    "GET /v1/platforms/{platform_id}/credentials": Role.ADMIN,
    "POST /v1/platforms/{platform_id}/credentials": Role.ADMIN,
    "DELETE /v1/platforms/{platform_id}/credentials/{credential_id}": Role.ADMIN,
    "GET /v1/people": Role.ADMIN,
    "POST /v1/people": Role.ADMIN,
    "DELETE /v1/people/{person_id}": Role.ADMIN,
    "GET /v1/approvals": Role.VIEWER,
    "POST /v1/approvals/{approval_id}/approve": Role.APPROVER,
    "POST /v1/approvals/{approval_id}/reject": Role.APPROVER,
    "POST /v1/unmask": Role.BODY_READER,
    "GET /v1/backlog": Role.VIEWER,
    "GET /v1/audit": Role.AUDITOR,
    "GET /v1/audit/head": Role.KNOWN,  # whoever keeps it is a witness
    "GET /v1/audit/proof": Role.AUDITOR,
    "GET /v1/audit/consistency": Role.KNOWN,
    "GET /v1/messages/{message_id}/evidence": Role.AUDITOR,
    "GET /v1/cases/{case_number}/evidence": Role.AUDITOR,
    "GET /v1/retention": Role.VIEWER,
    "GET /v1/retention/prunable": Role.VIEWER,
    "POST /v1/retention/prune": Role.ADMIN,
    "GET /v1/areas": Role.VIEWER,
    "GET /v1/areas/{code}": Role.VIEWER,
    "PUT /v1/areas/{code}": Role.ADMIN,
    "DELETE /v1/areas/{code}": Role.ADMIN,
    "GET /v1/calendar/{year}": Role.VIEWER,
    "PUT /v1/calendar/{year}": Role.ADMIN,
    "GET /v1/unwanted": Role.VIEWER,
    "GET /v1/unwanted/{kind}/{region}": Role.VIEWER,
    "PUT /v1/unwanted/{kind}/{region}": Role.ADMIN,
    "DELETE /v1/unwanted/{kind}/{region}": Role.ADMIN,
    "GET /v1/adapters": Role.VIEWER,
    "POST /v1/adapters": Role.AUTHOR,
    "GET /v1/adapters/{name}/{version}": Role.VIEWER,
    "POST /v1/adapters/{name}/{version}/check": Role.AUTHOR,
    "POST /v1/adapters/{name}/{version}/shadow": Role.AUTHOR,
    "GET /v1/adapters/{name}/{version}/shadow": Role.AUTHOR,
    "POST /v1/adapters/{name}/{version}/translate": Role.AUTHOR,
    "POST /v1/adapters/{name}/{version}/activate": Role.APPROVER,
    "POST /v1/adapters/{name}/{version}/retire": Role.APPROVER,
    "POST /v1/adapters/{name}/rollback": Role.APPROVER,
    "GET /v1/bundle-keys": Role.VIEWER,
    "POST /v1/bundle-keys": Role.ADMIN,
    "DELETE /v1/bundle-keys/{key_id}": Role.ADMIN,
}
"""Every call of the interface and the role it needs. A call that is not listed here is an administrator's alone."""

PLATFORMS_TOO = frozenset(
    {
        "GET /v1/messages",
        "GET /v1/messages/{message_id}",
        "GET /v1/rejections",
        "GET /v1/rejections/{rejection_id}",
        "GET /v1/rejections/{rejection_id}/native",
        "GET /v1/enterprises/{credit_code}",
        "GET /v1/cases/{case_number}",
        "GET /v1/audit/proof",
        "GET /v1/reconciliation",
        "GET /v1/reconciliation/lines",
        "POST /v1/reconciliation",
    }
)
"""The calls of people that platforms make, too; the functions below say which objects each sees."""

_PRINCIPAL = "hutong.principal"
"""Where a request's scope says who makes it."""

_scheme = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="平台凭据或管理员令牌 · A platform's credential, or the admin token",
)

_NOT_A_PLATFORM = Text(
    "人员令牌不代表任何平台；请使用平台自己的凭据",
    "A person's token stands for no platform; use the platform's own credential",
)
_NOT_YOURS = Text(
    "没有此项操作的权限；GET /v1/me 列出本人的角色，需要时请管理员授予",
    "This is not the caller's right; GET /v1/me tells your roles, and an administrator gives others",
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


def known(scope: Scope, principal: Principal) -> None:
    """Keep in a request's scope who makes it, for the call to ask for."""
    scope[_PRINCIPAL] = principal


def sender_of(hub: Hub, scope: Scope) -> Platform:
    """Give the platform that hands a document in; Forbidden for the administrator, who is none."""
    platform: Platform | None = scope[_PRINCIPAL].platform
    if platform is None:
        tell(hub, scope, "no-platform")
        raise Forbidden(_NOT_A_PLATFORM)
    return platform


async def keep_pace(hub: Hub, platform: Platform) -> None:
    """Count a call of a platform; TooFast when it calls more often than it may."""
    try:
        await hub.call_rates.admit(platform.id, platform.limits)
    except TooFast:
        hub.events(CallLimited(platform.id))
        raise


async def admit(request: Request) -> None:
    """Let a known caller make its call, before anything of the body is read, and count it.

    Forbidden when its role does not suffice, TooFast when it calls too often. A call that nobody listed is the
    administrator's alone.
    """
    call = f"{request.method} {request.scope['route'].path_format}"
    role = CALLS.get(call, Role.ADMIN)
    if role is Role.ANYBODY:
        return
    principal: Principal = request.scope[_PRINCIPAL]
    if role is Role.PLATFORM:
        sender_of(hub_of(request), request.scope)
    if not _may_call(principal, call, role):
        raise Forbidden(_NOT_YOURS)
    if principal.platform is not None:
        await keep_pace(hub_of(request), principal.platform)
    doing(principal.platform.id if principal.platform else "", call)


def check_metrics(request: Request) -> None:
    """Let people read the metrics; whoever asks, where a setting opened them. Forbidden for platforms."""
    principal: Principal | None = request.scope.get(_PRINCIPAL)
    if principal is not None and principal.platform is not None:
        raise Forbidden(_NOT_YOURS)


def call_of(scope: Scope) -> str:
    """Give the call that a request is, as it stands in `CALLS`; `other` for none: what callers write is no name."""
    method, path = scope["method"], scope["path"].split("/")
    return next((call for call in CALLS if _is(call, "GET" if method == "HEAD" else method, path)), "other")


def _is(call: str, method: str, path: list[str]) -> bool:
    its_method, _, template = call.partition(" ")
    parts = template.split("/")
    fits = len(parts) == len(path) and its_method == method
    return fits and all(part.startswith("{") or part == one for part, one in zip(parts, path, strict=True))


def tell(hub: Hub, scope: Scope, why: str) -> None:
    """Say that a request came without a credential that opens it."""
    client = scope.get("client")
    hub.events(AuthenticationFailed(why, call_of(scope), client[0] if client else ""))


def tell_administrator(hub: Hub, scope: Scope) -> None:
    """Say that the administrator's token was used."""
    client = scope.get("client")
    hub.events(AdministratorCalled(call_of(scope), client[0] if client else ""))


def tell_emergency(hub: Hub, scope: Scope) -> None:
    """Raise the alarm that the emergency token was used."""
    client = scope.get("client")
    hub.events(EmergencyCalled(call_of(scope), client[0] if client else ""))


def caller(request: Request, _: Annotated[object, Depends(_scheme)]) -> Principal:
    """Give the caller of a request, as it was admitted."""
    principal: Principal = request.scope[_PRINCIPAL]
    return principal


def _may_call(principal: Principal, call: str, role: Role) -> bool:
    if principal.platform is not None:
        return role in (Role.PLATFORM, Role.KNOWN) or call in PLATFORMS_TOO
    return role in (Role.KNOWN, Role.VIEWER) or has_role(principal, role)


def has_role(principal: Principal, role: Role) -> bool:
    """Tell whether a person was given a role; the administrator's token has them all, and platforms have none."""
    return principal.admin or (principal.person is not None and role.value in principal.person.roles)


Caller = Annotated[Principal, Depends(caller)]


def calling_platform(caller: Caller) -> Platform:
    """Give the platform that makes a call which only platforms may make."""
    assert caller.platform is not None
    return caller.platform


CallingPlatform = Annotated[Platform, Depends(calling_platform)]


def actor(caller: Caller) -> str:
    """Give the name under which the caller's deed is recorded."""
    return name_of(caller)


def name_of(principal: Principal) -> str:
    """Give the name under which somebody's deed is recorded."""
    if principal.person is not None:
        return principal.person.id
    if principal.platform is not None:
        return principal.platform.id
    return EMERGENCY if principal.emergency else ADMIN


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


# ── whose objects they are ───────────────────────────────────────────────────────────────────
def own_id(caller: Principal) -> str | None:
    """Give the id of the platform that calls; None for people."""
    return caller.platform.id if caller.platform else None


def searched_platform(caller: Principal, asked: str | None, otherwise: Text) -> str | None:
    """Give the platform whose records are searched (None: all); Forbidden, saying `otherwise`, for another's."""
    if caller.platform is None:
        return asked
    if asked not in (None, own_id(caller)):
        raise Forbidden(otherwise)
    return own_id(caller)


def may_read_dossiers(platform: Platform) -> bool:
    """Tell whether an administrator gave a platform the dossier right."""
    return platform.settings.get(DOSSIER) is True


def check_dossier(caller: Principal) -> None:
    """Let people who were admitted and the platforms with the right read dossiers; Forbidden for others."""
    if caller.platform is not None and not may_read_dossiers(caller.platform):
        raise Forbidden(_NO_DOSSIERS)
