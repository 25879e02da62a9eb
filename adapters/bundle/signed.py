"""Schemes that sign each call, or that call under a token issued for a while."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import quote_plus

from pydantic import Field, model_validator

from adapters import placeholders, signing
from adapters.base import IssuedToken, OutboundRequest, Reply, SigningMoment
from adapters.bundle.scalars import HeaderName, HeaderValue, RequestPath
from adapters.bundle.scheme import PLAIN, Scheme, filled, missing_setting, unusable, with_header
from adapters.source import BadValue
from schemas.findings import Text

SIGNED = frozenset({"method", "path", "query", "body", "digest", "timestamp", "nonce"})
"""What the text that is signed may name beside settings."""

SIGNATURE = "signature"

_WHOLE = "{method}\n{path}\n{query}\n{digest}\n{timestamp}\n{nonce}"

_LONGEST_TOKEN = 8192
_LONGEST_LIFE = 30 * 24 * 3600.0


class _SignedHeaders(Scheme):
    """Puts a signature, and what it was made of, into headers as the platform wants them."""

    signs: ClassVar[bool] = True
    facts: ClassVar[frozenset[str]] = SIGNED | {SIGNATURE}
    digest_of: ClassVar[str] = signing.SHA256

    sign: Annotated[str, Field(min_length=1, max_length=1000)] = _WHOLE
    encoding: Literal["hex", "base64"] = "hex"
    time: Literal["s", "ms"] = "s"
    headers: Annotated[dict[HeaderName, HeaderValue], Field(min_length=1, max_length=16)]

    @model_validator(mode="after")
    def _shows_its_signature(self) -> Self:
        if not any(SIGNATURE in placeholders.parse(text).names for text in self.headers.values()):
            raise BadValue("headers 中须有 {signature}", "one of headers must hold {signature}")
        return self

    def templates(self) -> Mapping[str, str]:
        return {**super().templates(), **{f"headers.{name}": text for name, text in self.headers.items()}}

    def apply(
        self, request: OutboundRequest, settings: Mapping[str, Any], moment: SigningMoment = PLAIN
    ) -> OutboundRequest:
        made = str(int(moment.at * 1000) if self.time == "ms" else int(moment.at))
        path, _, query = request.path.partition("?")
        digest = signing.digest(self._digest(), request.body)
        facts = {
            "method": request.method,
            "path": path,
            "query": query,
            "digest": digest,
            "timestamp": made,
            "nonce": moment.nonce,
        }
        text = _bytes_of(self.sign, {**settings, **facts}, request.body)
        known = {**settings, **facts, SIGNATURE: signing.ENCODINGS[self.encoding](self._signature(text, settings))}
        for name, value in self.headers.items():
            request = with_header(request, name, filled(value, known))
        return request

    def _digest(self) -> str:
        return self.digest_of

    def _signature(self, text: bytes, settings: Mapping[str, Any]) -> bytes:
        raise NotImplementedError


class HmacHeaders(_SignedHeaders):
    """A signature by HMAC in headers; or, of systems that put the key into the text, a plain digest of it."""

    scheme: Literal["hmac-headers"]
    algorithm: Literal["hmac-sha256", "hmac-sm3", "sha256", "sm3"] = "hmac-sha256"
    key: HeaderValue | None = None

    @model_validator(mode="after")
    def _has_its_key(self) -> Self:
        if self.algorithm.startswith("hmac-") != (self.key is not None):
            raise BadValue("hmac 算法须有 key，单纯摘要不用 key", "an hmac needs key, and a plain digest has none")
        return self

    def _digest(self) -> str:
        return self.algorithm.removeprefix("hmac-")

    def _signature(self, text: bytes, settings: Mapping[str, Any]) -> bytes:
        if self.key is None:
            return bytes.fromhex(signing.digest(self._digest(), text))
        return signing.hmac_of(self._digest(), filled(self.key, settings).encode(), text)


class Sm2Headers(_SignedHeaders):
    """A signature by SM2 with SM3 in headers; the gateway has a pair of keys, in hexadecimal digits."""

    scheme: Literal["sm2"]
    digest_of: ClassVar[str] = signing.SM3
    private_key: HeaderValue
    public_key: HeaderValue

    def _signature(self, text: bytes, settings: Mapping[str, Any]) -> bytes:
        private, public = filled(self.private_key, settings), filled(self.public_key, settings)
        try:
            return signing.sm2_sign(signing.sm2_private(private), signing.sm2_public(public), text)
        except ValueError:
            raise unusable("private_key", Text("应为 SM2 密钥", "a key of SM2 is wanted")) from None


class WebhookHeaders(Scheme):
    """The signature of Standard Webhooks, over the call's id, time and body."""

    signs: ClassVar[bool] = True

    scheme: Literal["standard-webhooks"]
    secret: HeaderValue

    def apply(
        self, request: OutboundRequest, settings: Mapping[str, Any], moment: SigningMoment = PLAIN
    ) -> OutboundRequest:
        try:
            key = signing.webhook_key(filled(self.secret, settings))
        except ValueError:
            raise unusable("secret", Text("应为 whsec_ 加 Base64", "whsec_ and Base64 are wanted")) from None
        made = str(int(moment.at))
        signature = signing.webhook_signature(key, request.headers.get("webhook-id", ""), made, request.body)
        return with_header(with_header(request, "webhook-timestamp", made), "webhook-signature", signature)


class OAuth2Client(Scheme):
    """RFC 6749, client credentials: a token from `path`, below base_url, is sent as a bearer's.

    `send`: how the client shows its secret there. `token` and `expires` are where they stand in the answer, which is
    JSON.
    """

    signs: ClassVar[bool] = True

    scheme: Literal["oauth2"]
    path: RequestPath
    client_id: HeaderValue
    client_secret: HeaderValue
    scope: HeaderValue | None = None
    send: Literal["basic", "body"] = "basic"
    token: Annotated[str, Field(min_length=1, max_length=100)] = "access_token"
    expires: Annotated[str, Field(min_length=1, max_length=100)] = "expires_in"

    @model_validator(mode="after")
    def _has_a_plain_path(self) -> Self:
        if "{" in self.path:
            raise BadValue("取令牌的路径不能含占位符", "the path of tokens holds no placeholders")
        return self

    def templates(self) -> Mapping[str, str]:
        return {
            name: text for name, text in super().templates().items() if name not in ("path", "send", "token", "expires")
        }

    def apply(
        self, request: OutboundRequest, settings: Mapping[str, Any], moment: SigningMoment = PLAIN
    ) -> OutboundRequest:
        if not moment.token:
            raise missing_setting("access_token")
        return with_header(request, "Authorization", f"Bearer {moment.token}")

    def ask_token(self, settings: Mapping[str, Any]) -> OutboundRequest | None:
        id, secret = filled(self.client_id, settings), filled(self.client_secret, settings)
        said = {"grant_type": "client_credentials"}
        if self.scope is not None:
            said["scope"] = filled(self.scope, settings)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self.send == "basic":
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote_plus(id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            said |= {"client_id": id, "client_secret": secret}
        body = "&".join(f"{name}={quote_plus(value)}" for name, value in said.items())
        return OutboundRequest("POST", self.path, headers, body.encode())

    def read_token(self, reply: Reply) -> IssuedToken | None:
        if reply.status != 200:
            return None
        try:
            said = json.loads(reply.body)
        except (ValueError, RecursionError):
            return None
        token, seconds = _at(said, self.token), _at(said, self.expires)
        if not isinstance(token, str) or not 0 < len(token) <= _LONGEST_TOKEN or not _is_visible(token):
            return None
        return IssuedToken(token, _life(seconds))


def _bytes_of(text: str, values: Mapping[str, Any], body: bytes) -> bytes:
    """Fill in a text that is signed; `{body}` are the bytes as they are sent, in whatever charset."""
    template = placeholders.parse(text)
    lacking = [name for name in template.names if name not in SIGNED and values.get(name) in (None, "")]
    if lacking:
        raise missing_setting(min(lacking))
    parts = [
        body if part.name == "body" else (part.literal or part.value(values) or "").encode() for part in template.parts
    ]
    return b"".join(parts)


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _is_visible(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _life(seconds: Any) -> float | None:
    try:
        life = float(seconds)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(life, _LONGEST_LIFE) if life > 0 else None
