"""Trying adapter versions: in the shadow of another, in the playground, and what drifted from them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from gateway.api.wire.adapters import StepReason
from gateway.api.wire.base import Wire
from gateway.api.wire.intake import PreviewEntry
from gateway.observe.drift import What

FieldPath = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class ShadowOrder(StepReason):
    """How a version runs in shadow."""

    expected: list[FieldPath] | None = Field(
        default=None,
        max_length=200,
        description="Fields that are meant to differ, as the report names them; None leaves what was declared",
        examples=[["fine", "body.rows[].JE"]],
    )
    recorded: int = Field(default=0, ge=0, le=1000, description="Compare the last so many messages of each platform")


class ShadowExample(Wire):
    """One difference, personal values masked."""

    active: str
    shadow: str


class ShadowField(Wire):
    """A field in which the versions differ."""

    name: str = Field(description="The operation that is received, or the message type that is sent")
    field: str = Field(
        description="Canonical path of what is received; of what is sent: method, path, headers.…, body.…; "
        "`rejected` when only one version could translate it"
    )
    count: int
    expected: bool
    examples: list[ShadowExample]


class ShadowReport(Wire):
    """What a version in shadow did otherwise than the active one."""

    name: str
    version: str
    active: str = Field(description="The version that it is compared with")
    since: datetime
    compared: int
    equal: int
    errors: int = Field(description="How often the shadow failed where the active version did not")
    dropped: int = Field(description="How much live traffic was not compared, so as not to slow it")
    speed: float | None = Field(description="The shadow's time over the active version's: above 1 it is slower")
    unexplained: int = Field(description="Fields that differ though nobody declared it; activation waits for none")
    fields: list[ShadowField]


class Trial(Wire):
    """Something to translate; nothing of it is kept."""

    direction: Literal["in", "out"]
    name: str = Field(
        max_length=100, description="In: an operation it receives; out: a message type it sends", examples=["decision"]
    )
    body: Any = Field(default=None, description="In: JSON as it is, any other format as text")
    content_type: str | None = Field(default=None, max_length=200)
    document: dict[str, Any] | None = Field(default=None, description="Out: the canonical document")
    settings: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="Out: the platform's settings; one left out stands for itself"
    )


class TrialRequest(Wire):
    """The request that a version writes, before authentication."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class TrialResult(Wire):
    """What a version makes of it: `messages` of what is read, `request` of what is written."""

    messages: list[PreviewEntry] | None = None
    request: TrialRequest | None = None


class OddityView(Wire):
    """A native field and what is odd about it."""

    what: What = Field(description="`unknown`, `vanished`, `code`, `type` or `schema`")
    path: str = Field(description="Where it stands in the platform's own words")
    field: str = Field(description="The canonical field it is mapped to, if any")
    count: int
    first: datetime
    last: datetime
    example: str = Field(description="A type, never a value")


class OperationDrift(Wire):
    """What was noticed of one operation, the latest first."""

    operation: str
    adapter: str
    records: int = Field(description="Records that were looked through for types and absences: a sample")
    oddities: list[OddityView]
    more: int = Field(description="Oddities that had to make room")


class DriftReport(Wire):
    """What a platform sends that its adapter does not know, since this gateway began or the version changed."""

    platform: str
    operations: list[OperationDrift]
