"""Adapter versions, as they are shown and moved through their life."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from gateway.api.wire.base import Wire
from gateway.api.wire.messages import TimelineEntry
from gateway.ledger.versions import AdapterState


class SettingView(Wire):
    """One value an operator fills in."""

    name: str
    type: str
    title: str
    required: bool
    default: Any
    choices: list[str]


class AdapterView(Wire):
    """A version of an adapter, as it stands."""

    name: str
    version: str
    title: str
    kind: str
    digest: str = Field(description="SHA-256 over the bundle's files; a version never changes")
    state: AdapterState
    uploaded: bool = Field(description="False: it came with the gateway, or from a folder of HUTONG_ADAPTERS")
    usable: bool = Field(description="False: this gateway cannot compile it any more")
    platforms: list[str] = Field(description="The platforms that speak this version now")
    expected: list[str] = Field(description="Fields in which it is meant to differ from the active version")
    receives: dict[str, str]
    sends: list[str]
    queries: list[str]
    settings: list[SettingView]
    created_at: datetime
    changed_at: datetime
    activated_at: datetime | None


class AdapterDetail(AdapterView):
    """A version with its last proof and what was done to it."""

    report: dict[str, Any] | None = Field(description="What the last check found; None when it was not checked yet")
    timeline: list[TimelineEntry]


class AdapterList(Wire):
    """Every version of every adapter, by name, oldest first."""

    adapters: list[AdapterView]


class StepReason(Wire):
    """Why a version is moved; kept for good."""

    reason: str = Field(default="", max_length=1000, examples=["上线新版"])


class Activation(StepReason):
    """Why a version is activated. `force` gives the reason for doing it in spite of what speaks against it."""

    force: str | None = Field(default=None, min_length=1, max_length=1000, pattern=r"\S")
