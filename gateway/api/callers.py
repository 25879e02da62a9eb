"""Who may call what: the caller of a request, and the rights it must have."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from gateway.access.tokens import bearer
from gateway.api.incoming import Incoming
from gateway.errors import Forbidden, Unauthenticated
from gateway.hub import Hub, Principal
from schemas.findings import Text

ADMIN = "admin"
"""How the administrator is named in the record of what was done."""

_scheme = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="平台凭据或管理员令牌 · A platform's credential, or the admin token",
)

_NOBODY = Text(
    "没有携带有效的凭据；请在 Authorization 头中发送 Bearer 凭据",
    "No valid credential; send one as `Authorization: Bearer …`",
)
_ADMINS_ONLY = Text(
    "此操作只限管理员；请使用管理员令牌（HUTONG_ADMIN_TOKEN）",
    "Only administrators may do this; use the admin token (HUTONG_ADMIN_TOKEN)",
)


def hub_of(request: Request) -> Hub:
    """Give the hub that the application was made with."""
    hub: Hub = request.app.state.hub
    return hub


def incoming_of(request: Request) -> Incoming:
    """Give the headers that matter of this request."""
    return Incoming.of(request.scope)


TheHub = Annotated[Hub, Depends(hub_of)]
TheIncoming = Annotated[Incoming, Depends(incoming_of)]


def caller(hub: TheHub, incoming: TheIncoming, _: Annotated[object, Depends(_scheme)]) -> Principal:
    """Tell who is calling; Unauthenticated when nobody we know."""
    token = bearer(incoming.headers.get("authorization"))
    principal = hub.principals.of(token) if token else None
    if principal is None:
        raise Unauthenticated(_NOBODY)
    return principal


def administrator(principal: Annotated[Principal, Depends(caller)]) -> str:
    """Let only administrators pass; gives the name to record."""
    if not principal.admin:
        raise Forbidden(_ADMINS_ONLY)
    return ADMIN


Caller = Annotated[Principal, Depends(caller)]
Admin = Annotated[str, Depends(administrator)]
"""The dependency of everything that is the operators'; its value is the actor to record."""
