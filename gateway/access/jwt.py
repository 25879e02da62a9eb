"""Tokens (JWT) that another party issued: whose they are, verified by the issuer's public keys."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ExpiredTokenError,
    InvalidKeyIdError,
    JoseError,
)
from joserfc.jwk import KeySet
from msgspec import Struct

from gateway.access.assertions import CallHead, SignedBody
from gateway.access.key_sets import KeySets
from gateway.access.principals import Principal, Principals, Refusal
from gateway.access.ways import OAuth2, read_keys, ways_of
from gateway.ledger.records import Platform

LONGEST = 8192
"""Characters of a token."""

LEEWAY = 60
"""Seconds by which an issuer's clock may be off ours."""

_CLIENT = ("client_id", "azp", "sub")
"""Where issuers name the client to whom a token was issued: RFC 9068, OpenID Connect, and those before them."""


def unverified(header: str | None) -> tuple[str, Mapping[str, Any]] | None:
    """Give the JWT of an `Authorization` header and what it claims, which nobody verified; None when it has none."""
    scheme, _, token = (header or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or token.count(".") != 2 or len(token) > LONGEST:
        return None
    payload = token.split(".")[1]
    try:
        claims = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error):
        return None
    return (token, claims) if isinstance(claims, dict) else None


class TokenAssertion(Struct, frozen=True):
    """A token of somebody else's, for a platform."""

    platform: Platform
    token: str
    way: OAuth2
    keys: KeySets
    now: datetime
    credential: str | None = None
    content: SignedBody | None = None
    whole: bool = False
    scheme: str = "oauth2"

    async def confirm(self, body: bytes) -> Principal | Refusal:
        """See `Assertion`."""
        way = self.way
        claims = await verified(
            self.token, way.issuer, way.audience, way.algorithms, self.keys, self.now, way.jwks_url, way.jwks
        )
        if isinstance(claims, Refusal):
            return claims
        granted = words(claims.get("scope")) | words(claims.get("scp"))
        return Principal(self.platform) if set(way.scopes) <= granted else Refusal.UNKNOWN


def token_assertion(
    call: CallHead, principals: Principals, keys: KeySets, now: datetime
) -> TokenAssertion | Refusal | None:
    """Read a token of another issuer; None when the call carries none."""
    found = unverified(call.headers.get("authorization"))
    if found is None:
        return None
    token, claims = found
    named = [(one, way) for one in principals.platforms() for way in ways_of(one, OAuth2) if _is_for(way, claims)]
    if len(named) != 1:
        return Refusal.UNKNOWN
    platform, way = named[0]
    return TokenAssertion(platform, token, way, keys, now)


def _is_for(way: OAuth2, claims: Mapping[str, Any]) -> bool:
    client = next((claims[name] for name in _CLIENT if isinstance(claims.get(name), str)), None)
    return claims.get("iss") == way.issuer and client == way.client


async def verified(
    token: str,
    issuer: str,
    audience: str,
    algorithms: Collection[str],
    keys: KeySets,
    now: datetime,
    jwks_url: str | None = None,
    jwks: Mapping[str, Any] | None = None,
) -> Mapping[str, Any] | Refusal:
    """Give the claims of a token that its issuer signed for an audience, and that is good now.

    A key that is not known is looked for once more, since issuers change theirs. Unavailable where there are no keys.
    """
    known = read_keys(jwks) if jwks is not None else await keys.of(jwks_url or "")
    try:
        return _decoded(token, known, issuer, audience, algorithms, now)
    except InvalidKeyIdError:
        if jwks_url is None:
            return Refusal.UNKNOWN
    try:
        return _decoded(token, await keys.of(jwks_url, newer=True), issuer, audience, algorithms, now)
    except InvalidKeyIdError:
        return Refusal.UNKNOWN


def _decoded(
    token: str, keys: KeySet, issuer: str, audience: str, algorithms: Collection[str], now: datetime
) -> Mapping[str, Any] | Refusal:
    rules = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
    )
    try:
        claims = jwt.decode(token, keys, algorithms=list(algorithms)).claims
        rules.validate(claims)
    except InvalidKeyIdError:
        raise
    except BadSignatureError:
        if _names_key(token):
            return Refusal.UNKNOWN
        # Its issuer has one key, and does not say which: it may be another by now.
        raise InvalidKeyIdError from None
    except ExpiredTokenError:
        return Refusal.EXPIRED
    except (JoseError, ValueError, TypeError, KeyError):
        return Refusal.UNKNOWN
    return claims


def _names_key(token: str) -> bool:
    header = token.split(".")[0]
    return "kid" in orjson.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))


def words(said: Any) -> set[str]:
    """Read what a claim lists: words with spaces between, or a list of them."""
    if isinstance(said, str):
        return set(said.split())
    return {one for one in said if isinstance(one, str)} if isinstance(said, Sequence) else set()
