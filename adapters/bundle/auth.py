"""How calls to a platform are authenticated: the declared schemes, and what each adds to a request."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from adapters import placeholders
from adapters.base import OutboundRequest
from adapters.bundle.scalars import HeaderName, HeaderValue
from adapters.source import BadValue
from schemas.findings import Finding, Rejected, Text

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

LATER = ("hmac-headers", "gov-gateway", "oauth2", "standard-webhooks", "sm2")
"""Schemes with a place in the grammar that this version does not speak."""


class Scheme(BaseModel):
    """An authentication scheme; values may name settings as `{setting}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scheme: str

    def templates(self) -> Mapping[str, str]:
        """Give the values that may name settings, by their key."""
        said = self.model_dump(exclude={"scheme", "header", "query"})
        return {name: text for name, text in said.items() if isinstance(text, str)}

    def apply(self, request: OutboundRequest, settings: Mapping[str, Any]) -> OutboundRequest:
        """Return the request with the authentication added; raises `Rejected` for a setting not given."""
        raise NotImplementedError


class NoAuth(Scheme):
    """Nothing is added."""

    scheme: Literal["none"]

    def apply(self, request: OutboundRequest, settings: Mapping[str, Any]) -> OutboundRequest:
        return request


class Basic(Scheme):
    """RFC 7617, in UTF-8."""

    scheme: Literal["basic"]
    username: HeaderValue
    password: HeaderValue

    def apply(self, request: OutboundRequest, settings: Mapping[str, Any]) -> OutboundRequest:
        pair = f"{_fill(self.username, settings)}:{_fill(self.password, settings)}"
        return _with_header(request, "Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")


class Bearer(Scheme):
    """RFC 6750."""

    scheme: Literal["bearer"]
    token: HeaderValue

    def apply(self, request: OutboundRequest, settings: Mapping[str, Any]) -> OutboundRequest:
        return _with_header(request, "Authorization", f"Bearer {_fill(self.token, settings)}")


class ApiKey(Scheme):
    """A key in a header or in the query."""

    scheme: Literal["api-key"]
    header: HeaderName | None = None
    query: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    value: HeaderValue

    @model_validator(mode="after")
    def _in_one_place(self) -> Self:
        if (self.header is None) == (self.query is None):
            raise BadValue("header 与 query 只写其一", "give exactly one of header and query")
        return self

    def apply(self, request: OutboundRequest, settings: Mapping[str, Any]) -> OutboundRequest:
        value = _fill(self.value, settings)
        if self.header is not None:
            return _with_header(request, self.header, value)
        mark = "&" if "?" in request.path else "?"
        path = f"{request.path}{mark}{quote(self.query or '', safe='')}={quote(value, safe='')}"
        return OutboundRequest(request.method, path, request.headers, request.body)


def _known(value: Any) -> Any:
    scheme = value.get("scheme") if isinstance(value, Mapping) else None
    if scheme in LATER:
        raise BadValue(
            f"此版本尚不支持 {scheme}，请使用 none、basic、bearer 或 api-key",
            f"the scheme {scheme} is not spoken by this version yet; use none, basic, bearer or api-key",
        )
    return value


Auth = Annotated[
    NoAuth | Basic | Bearer | ApiKey,
    Field(discriminator="scheme"),
    BeforeValidator(_known),
]


def _fill(text: str, settings: Mapping[str, Any]) -> str:
    template = placeholders.parse(text)
    missing = [name for name in template.names if settings.get(name) in (None, "")]
    if missing:
        raise _missing(min(missing))
    value = template.render(settings)
    if _CONTROL.search(value):
        raise _unsafe(sorted(template.names))
    return value


def _with_header(request: OutboundRequest, name: str, value: str) -> OutboundRequest:
    if not value.isascii():
        raise _unsafe([name])
    return OutboundRequest(request.method, request.path, {**request.headers, name: value}, request.body)


def _missing(name: str) -> Rejected:
    text = Text(f"平台设置 {name} 未填写；请在平台设置中填写", f"the setting {name} is not filled in; fill it in")
    return Rejected("auth.setting", text, [Finding("auth.setting", text, path=name)])


def _unsafe(names: list[str]) -> Rejected:
    text = Text(
        f"认证信息含有不能放入请求头的字符（{'、'.join(names)}）；请检查平台设置",
        f"credentials hold characters that a header cannot carry ({', '.join(names)}); check the settings",
    )
    return Rejected("auth.characters", text, [Finding("auth.characters", text)])
