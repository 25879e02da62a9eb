"""What callers show who send no token of ours: read from the headers, judged step by step, cheapest first.

An assertion is what a call says of who makes it, and `confirm` tells whether that is true.
"""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from adapters import signing
from gateway.access.nonces import TOLERANCE, Nonces
from gateway.access.principals import Principal, Principals, Refusal
from gateway.ledger.records import Credential, Platform
from schemas.reprs import repr_without

TIMESTAMP = re.compile(r"[0-9]{1,12}")
_NONCE = re.compile(r"[A-Za-z0-9_.~+/=:-]{16,128}")
_PAIR = re.compile(r'\s*([a-z]{1,20})=(?:"([!#-~]{0,600})"|([!#-+\--~]{0,600}))\s*')
_HEX = re.compile(r"[0-9a-f]{64}")
_WEBHOOK_ID = re.compile(r"[!-\-/-~]{1,256}")
"""No full stop: it parts id, time and body in the text that is signed, which could be split elsewhere otherwise."""


class CallHead(Struct, frozen=True):
    """What a request says before its body: `path` and `query` as they were sent, `headers` in lower case.

    A header that came twice is in `twice`, and its value is nobody's to choose.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    twice: frozenset[str]
    peer: str


class SignedBody(Struct, frozen=True):
    """What the body of a call must be, by the digest that was signed."""

    algorithm: str
    digest: str


class Assertion(Protocol):
    """What a call says of who makes it: a platform, or somebody (`platform` None).

    `whole`: the body itself was signed, and has to be read before anybody knows who calls; else `content` says what it
    must be, if that was signed. `scheme`: the platform's way. `credential`: its id, None where it is none of ours.
    """

    @property
    def platform(self) -> Platform | None: ...
    @property
    def scheme(self) -> str: ...
    @property
    def credential(self) -> str | None: ...
    @property
    def content(self) -> SignedBody | None: ...
    @property
    def whole(self) -> bool: ...

    async def confirm(self, body: bytes) -> Principal | Refusal:
        """Tell who makes the call; `body` is empty unless the assertion needs it. Unavailable where nobody can tell."""
        ...


# ── a signature over the call ─────────────────────────────────────────────────────────────────
class _Scheme(Struct, frozen=True):
    """How a call is signed: the label that is signed with it, the way it is, and the digest of the body."""

    label: str
    way: str
    digest: str

    def verifies(self, key: str, text: bytes, signature: bytes) -> bool:
        if self.way == "sm2":
            return signing.sm2_verifies(signing.sm2_public(key), text, signature)
        return hmac.compare_digest(signing.hmac_of(self.digest, key.encode(), text), signature)


_SCHEMES = {
    scheme.label.lower(): scheme
    for scheme in (
        _Scheme("HUTONG-HMAC-SHA256", "hmac-sha256", signing.SHA256),
        _Scheme("HUTONG-HMAC-SM3", "hmac-sm3", signing.SM3),
        _Scheme("HUTONG-SM2-SM3", "sm2", signing.SM3),
    )
}
"""The word that begins an `Authorization` header, in lower case → what it says."""


class SignedAssertion(Struct, frozen=True):
    """A call that is signed as a whole but for its headers; its body is by its digest."""

    platform: Platform
    credential: str
    content: SignedBody
    text: bytes
    signature: bytes
    made: int
    nonce: str
    rules: _Scheme
    kept: Credential
    nonces: Nonces
    now: datetime
    whole: bool = False

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return repr_without(self, "signature")

    @property
    def scheme(self) -> str:
        """See `Assertion`."""
        return self.rules.way

    async def confirm(self, body: bytes) -> Principal | Refusal:
        """See `Assertion`."""
        if not self.rules.verifies(self.kept.secret, self.text, self.signature):
            return Refusal.UNKNOWN
        # Only what its owner signed is remembered: else anybody could use up nonces, and room for them.
        if not await self.nonces.spend(self.credential, self.nonce, self.made, self.now):
            return Refusal.REPLAYED
        return Principal(self.platform)


def signed_assertion(
    call: CallHead, principals: Principals, nonces: Nonces, now: datetime
) -> SignedAssertion | Refusal | None:
    """Read a signature over a call; None when it carries none."""
    word, _, rest = call.headers.get("authorization", "").partition(" ")
    scheme = _SCHEMES.get(word.lower())
    if scheme is None:
        return None
    said = _pairs(rest)
    made, nonce, digest = said.get("timestamp", ""), said.get("nonce", ""), said.get("digest", "")
    signature = _from_base64(said.get("signature", ""))
    if not (TIMESTAMP.fullmatch(made) and _NONCE.fullmatch(nonce) and _HEX.fullmatch(digest)) or signature is None:
        return Refusal.UNKNOWN
    known = principals.holder(said.get("key", ""), scheme.way)
    if isinstance(known, Refusal):
        return known
    platform, credential = known
    if not is_recent(int(made), now):
        return Refusal.REPLAYED
    text = signing.text_of_call(scheme.label, call.method, call.path, call.query, digest, made, nonce)
    content = SignedBody(scheme.digest, digest)
    return SignedAssertion(
        platform, credential.id, content, text, signature, int(made), nonce, scheme, credential, nonces, now
    )


def is_recent(made: int, now: datetime) -> bool:
    """Tell whether a Unix time is near enough to ours, on either side."""
    return abs(made - now.timestamp()) <= TOLERANCE.total_seconds()


def _pairs(text: str) -> Mapping[str, str]:
    """Read `name=value, …`; nothing of what is written otherwise, or says a name twice."""
    found: dict[str, str] = {}
    for part in text.split(","):
        pair = _PAIR.fullmatch(part)
        if pair is None or pair[1] in found:
            return {}
        found[pair[1]] = pair[2] if pair[2] is not None else pair[3]
    return found


def _from_base64(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None


# ── Standard Webhooks ─────────────────────────────────────────────────────────────────────────
WEBHOOK_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
KEY = "hutong-key"
"""The header that names the credential of a webhook; the query's `key` does, too, where only an address can be set."""

CERTIFICATE = "x-client-certificate"
"""The header in which a trusted proxy hands on a client certificate.

PEM with percent-encoding (`$ssl_client_escaped_cert` of nginx), or `:BASE64:` of the DER (RFC 9440). There is one name:
of a proxy that sets one header, and passes on all others, a caller could send the other itself.
"""

PROOF_HEADERS = frozenset(name.encode() for name in ("authorization", KEY, CERTIFICATE, *WEBHOOK_HEADERS))
"""The headers from which an assertion is read."""

_QUERY_KEY = re.compile(r"(?:^|&)key=([0-9A-Za-z-]{1,64})(?:&|$)")
_MOST_SIGNATURES = 10


class WebhookAssertion(Struct, frozen=True):
    """A body that is signed with its id and time. Nobody knows who sent it before the body was read."""

    platform: Platform
    credential: str
    id: str
    timestamp: str
    signatures: tuple[str, ...]
    kept: Credential
    nonces: Nonces
    now: datetime
    content: SignedBody | None = None
    whole: bool = True
    scheme: str = "standard-webhooks"

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return repr_without(self, "signatures")

    async def confirm(self, body: bytes) -> Principal | Refusal:
        """See `Assertion`."""
        expected = signing.webhook_signature(signing.webhook_key(self.kept.secret), self.id, self.timestamp, body)
        same = [hmac.compare_digest(expected.encode(), each.encode("latin-1")) for each in self.signatures]
        if not any(same):
            return Refusal.UNKNOWN
        # An id stays the same when its sender tries again; then the time is another, and so is the signature.
        said = f"{self.timestamp}.{self.id}"
        if not await self.nonces.spend(self.credential, said, int(self.timestamp), self.now):
            return Refusal.REPLAYED
        return Principal(self.platform)


def webhook_assertion(
    call: CallHead, principals: Principals, nonces: Nonces, now: datetime
) -> WebhookAssertion | Refusal | None:
    """Read the headers of Standard Webhooks; None when there are none."""
    id, made, signatures = (call.headers.get(name, "") for name in WEBHOOK_HEADERS)
    if not signatures:
        return None
    if not (_WEBHOOK_ID.fullmatch(id) and TIMESTAMP.fullmatch(made)) or call.twice & {*WEBHOOK_HEADERS, KEY}:
        return Refusal.UNKNOWN
    named = call.headers.get(KEY) or next(iter(_QUERY_KEY.findall(call.query)), "")
    known = principals.holder(named, "standard-webhooks")
    if isinstance(known, Refusal):
        return known
    platform, credential = known
    if not is_recent(int(made), now):
        return Refusal.REPLAYED
    signed = tuple(signatures.split(" ")[:_MOST_SIGNATURES])
    return WebhookAssertion(platform, credential.id, id, made, signed, credential, nonces, now)
