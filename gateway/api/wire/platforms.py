"""Platforms, as they are registered and shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from gateway.api.wire.base import Wire
from gateway.message import HeldBy


class PlatformSettings(Wire):
    """How a platform is registered or changed. A secret that is left out stays as it is."""

    adapter: str = Field(description="The name of an installed adapter", examples=["penalty"])
    version: str | None = Field(default=None, description="None follows the adapter's active version")
    settings: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, examples=[{"base_url": "https://cf.example.gov.cn", "app_key": "…"}]
    )
    mode: Literal["push"] = Field(default="push", description="The gateway calls the platform")
    dossier: bool | None = Field(default=None, description="May this platform read enterprises' dossiers?")


class PlatformView(Wire):
    """A platform; secrets are named, never shown."""

    id: str
    kind: str
    region: str
    region_name: str
    adapter: str
    version: str | None
    settings: dict[str, Any]
    secrets: list[str] = Field(description="The secrets that are set")
    mode: str
    dossier: bool
    holds: list[HeldBy]
    held_since: datetime | None
    created_at: datetime


class PlatformList(Wire):
    """Every platform, by id."""

    platforms: list[PlatformView]


class PingView(Wire):
    """Whether a platform answers, and how fast."""

    reachable: bool
    status: int | None = None
    milliseconds: float | None = None
    detail: str | None = None


class Credential(Wire):
    """A new credential, shown this once. Send it as `Authorization: Bearer …`."""

    credential: str
