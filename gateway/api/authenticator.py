"""The one authenticator: who makes a request, told from its headers before it is routed or its body is read."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.access import Assertion, CallHead, Principal, Proofs, Refusal
from gateway.access.assertions import PROOF_HEADERS
from gateway.api import rights
from gateway.api.inbound.held import checked, held
from gateway.api.inbound.request import Incoming, Receive, Scope, declared_length, read_body
from gateway.errors import Unauthenticated
from gateway.hub import Hub
from gateway.intake.admission import Admission
from gateway.ledger.records import Platform
from schemas.findings import Rejected, Text

METRICS = "/metrics"

_OPEN = ("/health/", "/docs/", "/schemas/")
_OPEN_PAGES = frozenset(("/docs", "/openapi.json"))

_ASSERTION = "hutong.assertion"
"""Where a request's scope keeps the platform that showed no token of ours, and its assertion."""

_UNPROVEN, _UNPROVEN_BYTES = 64, 64 * 1024 * 1024
"""Bodies that are read at once before anybody knows whose they are, and their bytes; more are answered 429."""

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
    Refusal.REPLAYED: Text(
        "签名已使用过，或签名时间与网关相差超过 5 分钟；请校准时钟，用新的随机数重新签名后发送",
        "The signature was used before, or its time is over 5 minutes from ours; set the clock, and sign it anew with "
        "another nonce",
    ),
}
_TWICE = Text(
    "请求中有多个 Authorization 头；请只保留一个",
    "The request has more than one Authorization header; send only one",
)


class Authenticator:
    """Knows callers. Without a credential there is only what is public: health, documentation and schemas.

    A token of ours is looked up at once; what else a caller may prove itself with takes a second step, `prove`.
    `metrics_open`: the metrics are public, too.
    """

    def __init__(self, hub: Hub, *, metrics_open: bool = False) -> None:
        self._hub = hub
        self._proofs: Proofs = hub.proofs
        # Room of their own: whoever only names a key may not take the room of those who are known.
        self._unproven = Admission(_UNPROVEN, _UNPROVEN_BYTES)
        self._open_pages = _OPEN_PAGES | ({METRICS} if metrics_open else set())

    def is_open(self, path: str) -> bool:
        """Tell whether an address asks for no credential."""
        return path in self._open_pages or path.startswith(_OPEN)

    def know(self, scope: Scope) -> Assertion | None:
        """Keep in a request's scope whose token it carries; Unauthenticated when nobody's that opens anything.

        Gives an assertion, which is to be proved, where the caller shows something else. Rejected (400) for two tokens:
        nobody could tell whose call it is.
        """
        incoming = Incoming.of(scope)
        if "authorization" in incoming.twice:
            raise Rejected("authorization.twice", _TWICE, status=400)
        principal = self._hub.principals.shown(incoming.headers.get("authorization"))
        if isinstance(principal, Refusal):
            assertion = self._proofs.assertion(_call_of(scope))
            if assertion is None or isinstance(assertion, Refusal):
                raise self._stranger(scope, assertion or principal)
            return assertion
        if principal.emergency:
            rights.tell_emergency(self._hub, scope)
        elif principal.admin:
            rights.tell_administrator(self._hub, scope)
        rights.known(scope, principal)
        return None

    async def prove(self, scope: Scope, receive: Receive, assertion: Assertion, *, whole: bool = False) -> Receive:
        """Keep in a request's scope who makes it; Unauthenticated when the assertion is not true.

        Gives what the body is read with from then on: it ends with Unauthenticated where the body is not what was
        signed. `whole`: nothing of the body may be looked at before all of it was compared.
        """
        incoming, body, platform = Incoming.of(scope), b"", assertion.platform
        if assertion.whole and platform is not None:
            limit = self._limit(platform)
            with self._unproven.enter(declared_length(incoming)) as take:
                body = await read_body(receive, limit, take)
            receive = held(body, receive)
        principal = await assertion.confirm(body)
        if isinstance(principal, Refusal):
            raise self._stranger(scope, principal)
        rights.known(scope, principal)
        if platform is None:
            return receive
        if assertion.credential is not None:
            self._hub.principals.signed_by(platform.id, assertion.credential)
        scope[_ASSERTION] = platform.id, assertion
        if assertion.content is None:
            return receive
        proven = checked(receive, assertion.content, lambda: self._stranger(scope, Refusal.UNKNOWN))
        return await self._compared(proven, platform) if whole else proven

    def know_again(self, scope: Scope) -> None:
        """Look whether the caller of a request that goes on is known still; Unauthenticated when it is not."""
        asserted: tuple[str, Assertion] | None = scope.get(_ASSERTION)
        if asserted is None:
            self.know(scope)
            return
        platform_id, assertion = asserted
        platform = self._hub.principals.still(platform_id, assertion.credential, assertion.scheme)
        if isinstance(platform, Refusal):
            raise self._stranger(scope, platform)
        rights.known(scope, Principal(platform))

    def _stranger(self, scope: Scope, why: Refusal) -> Unauthenticated:
        rights.tell(self._hub, scope, why.value)
        return Unauthenticated(_REFUSED[why], code=f"credential.{why.value}")

    def _limit(self, platform: Platform) -> int:
        """Give the bytes of a body that its platform may send at once."""
        return platform.bounded(self._hub.adapters.of(platform).budget).body

    async def _compared(self, receive: Receive, platform: Platform) -> Receive:
        body = await read_body(receive, self._limit(platform), _take_all)
        return held(body, receive)


def _take_all(size: int) -> None:
    """Take whatever comes, within the limit."""


def _call_of(scope: Scope) -> CallHead:
    """Read what an assertion may be made of; only for callers who showed no token of ours."""
    headers: dict[str, str] = {}
    twice: set[str] = set()
    for name, value in scope["headers"]:
        if name in PROOF_HEADERS:
            known_as = name.decode("latin-1")
            if known_as in headers:
                twice.add(known_as)
            headers[known_as] = value.decode("latin-1")
    client = scope.get("client")
    return CallHead(
        scope["method"],
        scope.get("raw_path", scope["path"].encode()).decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        headers,
        frozenset(twice),
        client[0] if client else "",
    )
