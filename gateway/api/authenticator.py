"""The one authenticator: who makes a request, told from its headers before it is routed or its body is read."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.access import Refusal
from gateway.api import rights
from gateway.api.inbound.request import Incoming, Scope
from gateway.errors import Unauthenticated
from gateway.hub import Hub
from schemas.findings import Rejected, Text

METRICS = "/metrics"

_OPEN = ("/health/", "/docs/", "/schemas/")
_OPEN_PAGES = frozenset(("/docs", "/openapi.json"))

_REFUSED: Mapping[Refusal, Text] = {
    Refusal.MISSING: Text(
        "没有携带凭据；请在 Authorization 头中发送 Bearer 凭据，凭据由网关管理员签发",
        "No credential; send the one the gateway's administrator issued as `Authorization: Bearer …`",
    ),
    Refusal.UNKNOWN: Text(
        "凭据无效；请检查是否完整，或请网关管理员另行签发",
        "The credential is not known; check that it is whole, or ask the gateway's administrator for another",
    ),
    Refusal.EXPIRED: Text(
        "凭据已过期；请网关管理员另行签发",
        "The credential has expired; ask the gateway's administrator for another",
    ),
    Refusal.REVOKED: Text(
        "凭据已吊销；请改用新的凭据，或请网关管理员另行签发",
        "The credential was revoked; use the newer one, or ask the gateway's administrator for another",
    ),
}
_TWICE = Text(
    "请求中有多个 Authorization 头；请只保留一个",
    "The request has more than one Authorization header; send only one",
)


class Authenticator:
    """Knows callers. Without a credential there is only what is public: health, documentation and schemas.

    `metrics_open`: the metrics are public, too.
    """

    def __init__(self, hub: Hub, *, metrics_open: bool = False) -> None:
        self._hub = hub
        self._open_pages = _OPEN_PAGES | ({METRICS} if metrics_open else set())

    def is_open(self, path: str) -> bool:
        """Tell whether an address asks for no credential."""
        return path in self._open_pages or path.startswith(_OPEN)

    def know(self, scope: Scope) -> None:
        """Keep in a request's scope whose token it carries; Unauthenticated when nobody's that opens anything.

        Rejected (400) for two of them: nobody could tell whose call it is.
        """
        incoming = Incoming.of(scope)
        if "authorization" in incoming.twice:
            raise Rejected("authorization.twice", _TWICE, status=400)
        principal = self._hub.principals.shown(incoming.headers.get("authorization"))
        if isinstance(principal, Refusal):
            rights.tell(self._hub, scope, principal.value)
            raise Unauthenticated(_REFUSED[principal], code=f"credential.{principal.value}")
        if principal.admin:
            rights.tell_administrator(self._hub, scope)
        rights.known(scope, principal)
