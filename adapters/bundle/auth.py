"""How calls to a platform are authenticated: the declared schemes, and what each adds to a request."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import BeforeValidator, Field, model_validator

from adapters.base import OutboundRequest, SigningMoment
from adapters.bundle.scalars import HeaderName, HeaderValue
from adapters.bundle.scheme import PLAIN, Scheme, filled, with_header
from adapters.bundle.signed import HmacHeaders, OAuth2Client, Sm2Headers, WebhookHeaders
from adapters.source import BadValue

LATER = ("gov-gateway",)
"""Schemes with a place in the grammar that this version does not speak."""


class NoAuth(Scheme):
    """Nothing is added."""

    scheme: Literal["none"]

    def apply(
        self, request: OutboundRequest, settings: Mapping[str, Any], moment: SigningMoment = PLAIN
    ) -> OutboundRequest:
        return request


class Basic(Scheme):
    """RFC 7617, in UTF-8."""

    scheme: Literal["basic"]
    username: HeaderValue
    password: HeaderValue

    def apply(
        self, request: OutboundRequest, settings: Mapping[str, Any], moment: SigningMoment = PLAIN
    ) -> OutboundRequest:
        pair = f"{filled(self.username, settings)}:{filled(self.password, settings)}"
        return with_header(request, "Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")


class Bearer(Scheme):
    """RFC 6750."""

    scheme: Literal["bearer"]
    token: HeaderValue

    def apply(
        self, request: OutboundRequest, settings: Mapping[str, Any], moment: SigningMoment = PLAIN
    ) -> OutboundRequest:
        return with_header(request, "Authorization", f"Bearer {filled(self.token, settings)}")


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

    def apply(
        self, request: OutboundRequest, settings: Mapping[str, Any], moment: SigningMoment = PLAIN
    ) -> OutboundRequest:
        value = filled(self.value, settings)
        if self.header is not None:
            return with_header(request, self.header, value)
        mark = "&" if "?" in request.path else "?"
        path = f"{request.path}{mark}{quote(self.query or '', safe='')}={quote(value, safe='')}"
        return OutboundRequest(request.method, path, request.headers, request.body)


def _known(value: Any) -> Any:
    scheme = value.get("scheme") if isinstance(value, Mapping) else None
    if scheme in LATER:
        raise BadValue(
            f"此版本尚不支持 {scheme}，请参阅适配包语法",
            f"the scheme {scheme} is not spoken by this version yet; see the grammar of bundles",
        )
    return value


Auth = Annotated[
    NoAuth | Basic | Bearer | ApiKey | HmacHeaders | Sm2Headers | WebhookHeaders | OAuth2Client,
    Field(discriminator="scheme"),
    BeforeValidator(_known),
]
