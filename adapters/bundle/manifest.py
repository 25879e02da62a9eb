"""adapter.yaml as models: the grammar of a bundle's manifest, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from adapters import base
from adapters.auth import Auth, NoAuth
from adapters.bundle.exchange import (
    AnswerPart,
    Conversation,
    InDoubt,
    Pages,
    Query,
    Receive,
    ReplyRule,
    RequestPart,
    Send,
    When,
)
from adapters.bundle.parts import FormatPart, LimitsPart, RetryPart, SettingPart
from adapters.bundle.values import Model, Name, OperationName, Semantic, SettingName, Text, empty

__all__ = [
    "PARAMETERS",
    "QUERIES",
    "AnswerPart",
    "Conversation",
    "FormatPart",
    "InDoubt",
    "LimitsPart",
    "Manifest",
    "Pages",
    "Query",
    "Receive",
    "ReplyRule",
    "RequestPart",
    "RetryPart",
    "Send",
    "SettingPart",
    "When",
]

PARAMETERS = ("credit_code", "permit_number", "project_code")
"""What a query may be asked with."""

QUERIES = ("permits", "projects", "penalties", "inspections")
"""The queries that a dossier asks."""


class Manifest(Model):
    """adapter.yaml: what a bundle is, and everything it speaks."""

    adapter: Name
    """The adapter's name.
    适配器名称。"""
    version: Semantic
    """Its semantic version; a published version never changes.
    语义化版本号；发布后不再改变。"""
    title: Text
    """What people call it.
    给人看的名称。"""
    kind: Name
    """The kind of platform it speaks to, or `any`.
    平台类型，或 any。"""
    format: FormatPart = FormatPart()
    """How bodies are written, where nothing else is said.
    报文格式。"""
    settings: Annotated[dict[SettingName, SettingPart], BeforeValidator(empty)] = Field(
        default_factory=dict, max_length=64
    )
    """What an operator fills in for a platform.
    操作员为平台填写的设置项。"""
    auth: Auth = NoAuth(scheme="none")
    """How requests prove who calls; values may name settings as `{setting}`.
    请求如何表明身份，值中可引用设置项。"""
    limits: LimitsPart = LimitsPart()
    """How hard a platform may be pressed.
    对平台的压力上限。"""
    retry: RetryPart = RetryPart()
    """How a failed delivery is tried again.
    失败后如何重试。"""
    receives: Annotated[dict[OperationName, Receive], BeforeValidator(empty)] = Field(
        default_factory=dict, max_length=64
    )
    """The operations that platforms call, by name.
    平台调用的操作。"""
    sends: Annotated[dict[str, Send], BeforeValidator(empty)] = Field(default_factory=dict)
    """What is sent to platforms, by message type.
    发往平台的消息类型。"""
    queries: Annotated[
        dict[Literal["permits", "projects", "penalties", "inspections"], Query],
        BeforeValidator(empty),
    ] = Field(default_factory=dict)
    """What platforms may be asked.
    可向平台查询的内容。"""

    def operator_settings(self) -> Mapping[str, base.Setting]:
        """Give the settings of a platform that uses this adapter; `base_url` is always there."""
        declared = {
            name: base.Setting(name, part.type, part.title, part.default, tuple(part.choices))
            for name, part in self.settings.items()
        }
        return {"base_url": base.Setting("base_url", "url", "平台地址"), **declared}
