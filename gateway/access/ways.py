"""The ways in which a platform may show who it is, as its registration says them; checked when it is registered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from msgspec import Struct

from gateway.ledger.records import BEARER, HMAC, SM2, WEBHOOK, Platform
from schemas.findings import Finding, Text

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
"""What tokens of other issuers may be signed with, unless a registration says fewer; never with a shared key."""

MOST = 10
"""Ways of one platform."""

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Token(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scheme", tag="bearer"):
    """Its credential as it is: `Authorization: Bearer`, or Basic with its id as the user."""


class HmacSha256(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scheme", tag="hmac-sha256"):
    """A signature by HMAC-SHA256 over the call."""


class HmacSm3(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scheme", tag="hmac-sm3"):
    """A signature by HMAC-SM3 over the call."""


class Sm2(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scheme", tag="sm2"):
    """A signature by SM2 over the call, with SM3."""


class StandardWebhooks(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scheme", tag="standard-webhooks"):
    """A signature over the body, as Standard Webhooks says."""


class OAuth2(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scheme", tag="oauth2"):
    """A token (JWT) that an authorization server issued to a client of its own: client credentials.

    The issuer's public keys are given (`jwks`), or fetched from `jwks_url`. The token must be for `audience`, and have
    every one of `scopes`.
    """

    issuer: str
    audience: str
    client: str
    jwks: Mapping[str, Any] | None = None
    jwks_url: str | None = None
    scopes: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ALGORITHMS

    def __post_init__(self) -> None:
        if not (self.issuer and self.audience and self.client):
            raise ValueError("issuer, audience and client must not be empty")
        if (self.jwks is None) == (self.jwks_url is None):
            raise ValueError("exactly one of jwks and jwks_url")
        if not self.algorithms or not set(self.algorithms) <= set(ALGORITHMS):
            raise ValueError(f"algorithms must be among {', '.join(ALGORITHMS)}")
        if self.jwks is not None:
            read_keys(self.jwks)
        if self.jwks_url is not None:
            check_keys_url(self.jwks_url)


class MutualTls(Struct, frozen=True, forbid_unknown_fields=True, tag_field="scheme", tag="mutual-tls"):
    """A client certificate, which a trusted proxy verified: one of these, by the SHA-256 of its DER or its subject.

    Subjects are written as RFC 4514 says: `CN=penalty,O=…,C=CN`.
    """

    fingerprints: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.fingerprints or self.subjects) or not all(self.subjects):
            raise ValueError("at least one of fingerprints and subjects")
        if not all(map(_FINGERPRINT.fullmatch, self.fingerprints)):
            raise ValueError("a fingerprint is 64 lower-case hexadecimal digits, SHA-256")


Way = Token | HmacSha256 | HmacSm3 | Sm2 | StandardWebhooks | OAuth2 | MutualTls

KIND_OF: Mapping[str, str] = {
    "bearer": BEARER,
    "hmac-sha256": HMAC,
    "hmac-sm3": HMAC,
    "standard-webhooks": WEBHOOK,
    "sm2": SM2,
}
"""Scheme → the kind of credential that it needs; the others need none of ours."""

SCHEMES = (*KIND_OF, "oauth2", "mutual-tls")

W = TypeVar("W")


def admits(platform: Platform, scheme: str) -> bool:
    """Tell whether a platform may show who it is by this scheme; one whose registration says nothing, by `bearer`."""
    if not platform.access:
        return scheme == "bearer"
    return any(way.get("scheme") == scheme for way in platform.access)


def ways_of(platform: Platform, kind: type[W]) -> Iterator[W]:
    """Give the ways of one kind that a platform's registration says."""
    for way in platform.access:
        read = msgspec.convert(way, Way)
        if isinstance(read, kind):
            yield read


def way_faults(access: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Name what is wrong with the ways of a registration."""
    if len(access) > MOST:
        yield _fault("access", f"最多 {MOST} 种方式", f"at most {MOST} ways")
        return
    for index, way in enumerate(access):
        try:
            msgspec.convert(way, Way)
        except (msgspec.ValidationError, ValueError) as error:
            zh = f"认证方式有误（{error}）；scheme 可用：{'、'.join(SCHEMES)}"
            yield _fault(f"access[{index}]", zh, f"is no way to call: {error}; schemes are {', '.join(SCHEMES)}")


def read_keys(jwks: Mapping[str, Any]) -> KeySet:
    """Read an issuer's public keys; ValueError for what is none, and for keys that are shared or private."""
    keys = jwks.get("keys")
    if not isinstance(keys, Sequence) or not all(isinstance(one, Mapping) for one in keys):
        raise ValueError("jwks must be {keys: […]}")
    if any(one.get("kty") == "oct" or "d" in one for one in keys):
        raise ValueError("jwks must hold public keys only")
    try:
        return KeySet.import_key_set({"keys": [dict(one) for one in keys]})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"jwks cannot be read: {error}") from None


def check_keys_url(url: str) -> None:
    """Let the address of an issuer's keys pass; ValueError for one that others could answer in its place."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    # It is shown to everybody who sees the platform, and logged: no user or password may stand in it.
    if not host or "@" in parts.netloc or parts.fragment or port == 0 or not url.isascii() or not url.isprintable():
        raise ValueError("jwks_url must be an address")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise ValueError("jwks_url must be https (http on this machine only)")


def _fault(path: str, zh: str, en: str) -> Finding:
    return Finding("access.invalid", Text(zh, en), path=path)
