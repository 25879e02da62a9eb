"""What an authentication scheme of a bundle is, and how its values are filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from adapters import placeholders
from adapters.base import IssuedToken, OutboundRequest, Reply, SigningMoment
from schemas.findings import Finding, Rejected, Text

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

PLAIN = SigningMoment(0.0, "")


class Scheme(BaseModel):
    """An authentication scheme; values may name settings as `{setting}`.

    `signs`: what it adds depends on the moment. `facts`: names that its values may use beside the settings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    signs: ClassVar[bool] = False
    facts: ClassVar[frozenset[str]] = frozenset()

    scheme: str

    def templates(self) -> Mapping[str, str]:
        """Give the values that may name settings, by their key."""
        said = self.model_dump(exclude={"scheme", "header", "query"})
        return {name: text for name, text in said.items() if isinstance(text, str)}

    def apply(
        self, request: OutboundRequest, settings: Mapping[str, Any], moment: SigningMoment = PLAIN
    ) -> OutboundRequest:
        """Return the request with the authentication added; raises `Rejected` for a setting not given."""
        raise NotImplementedError

    def ask_token(self, settings: Mapping[str, Any]) -> OutboundRequest | None:
        """Give the request for a token that the calls need; None: they need none."""
        return None

    def read_token(self, reply: Reply) -> IssuedToken | None:
        """Read the answer to `ask_token`; None: it gives no token."""
        return None


def filled(text: str, settings: Mapping[str, Any]) -> str:
    """Fill settings into a value; raises `Rejected` for one that is not given, or that holds control characters."""
    template = placeholders.parse(text)
    missing = [name for name in template.names if settings.get(name) in (None, "")]
    if missing:
        raise missing_setting(min(missing))
    value = template.render(settings)
    if _CONTROL.search(value):
        raise unsafe(sorted(template.names))
    return value


def with_header(request: OutboundRequest, name: str, value: str) -> OutboundRequest:
    """Add a header; raises `Rejected` for what it cannot carry."""
    if not value.isascii():
        raise unsafe([name])
    return OutboundRequest(request.method, request.path, {**request.headers, name: value}, request.body)


def missing_setting(name: str) -> Rejected:
    """Reject a setting that is not filled in."""
    text = Text(f"平台设置 {name} 未填写；请在平台设置中填写", f"the setting {name} is not filled in; fill it in")
    return Rejected("auth.setting", text, [Finding("auth.setting", text, path=name)])


def unsafe(names: list[str]) -> Rejected:
    """Reject what a header cannot carry."""
    text = Text(
        f"认证信息含有不能放入请求头的字符（{'、'.join(names)}）；请检查平台设置",
        f"credentials hold characters that a header cannot carry ({', '.join(names)}); check the settings",
    )
    return Rejected("auth.characters", text, [Finding("auth.characters", text)])


def unusable(key: str, why: Text) -> Rejected:
    """Reject a key that cannot sign."""
    text = Text(f"平台设置中的 {key} 不可用：{why.zh}", f"the {key} of the platform's settings is no key: {why.en}")
    return Rejected("auth.key", text, [Finding("auth.key", text, path=key)])
