"""What the requests and answers of several resources share."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any, Literal, Self

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Shown = Literal[
    "unrouted", "ready", "sending", "waiting", "delivered", "refused", "dead", "discarded", "held", "unwanted"
]
"""Everything a delivery may be shown as, and looked for by: its state, or `held` or `unwanted` over it."""


class RestModel(BaseModel):
    """The base of requests and answers: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def of(cls, kept: object) -> Self:
        """Show a value of the gateway: each field of the model is the value's attribute of that name."""
        return cls.model_validate(kept, from_attributes=True)


class FieldError(BaseModel):
    """One fault of a document: where it was written, which field it is, what to do."""

    model_config = ConfigDict(extra="allow")

    code: str = Field(description="A stable word for the fault, such as `identifier.shape`")
    message: str = Field(description="What is wrong and what to do, in the caller's language")
    path: str = Field(default="", description="Where the sender wrote it (native path)")
    field: str = Field(default="", description="The canonical field")
    title: str = Field(default="", description="The field's Chinese title")
    value: Any = Field(default=None, description="The value as sent, masked when personal")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="A URI that names the problem")
    title: str = Field(description="The kind of problem, in the caller's language")
    status: int = Field(description="The HTTP status")
    detail: str = Field(description="What happened and what to do next")
    code: str = Field(description="A stable word for programs")
    trace_id: str | None = Field(default=None, description="Quote it to the operators")
    rejection_id: str | None = Field(default=None, description="Under this name the rejected bytes are kept")
    errors: list[FieldError] | None = Field(default=None, description="One entry a fault")


class Reason(RestModel):
    """Why an operator does something; kept for good."""

    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S", examples=["平台已修复，重新投递"])


class TimelineEntry(RestModel):
    """Something that happened to the message or one of its deliveries: on its way, or by somebody's hand."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    detail: dict[str, Any]


def _repair(value: object) -> object:
    """Give back the `+` that an unescaped query turned into a space."""
    return value.replace(" ", "+") if isinstance(value, str) and "T" in value else value


def _in_range(value: datetime) -> datetime:
    """Reject what no ledger can keep."""
    if not 1970 <= value.year <= 9998:
        raise ValueError("the year is out of range")
    return value


def in_utc(value: datetime | None, zone: tzinfo) -> datetime | None:
    """Give a time that was asked for in UTC; one without an offset is meant in `zone`, the gateway's."""
    if value is None:
        return None
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


Moment = Annotated[
    Annotated[datetime, BeforeValidator(_repair), AfterValidator(_in_range)] | None,
    Query(
        description="ISO 8601; without an offset it is in the gateway's zone (`HUTONG_ZONE`)",
        examples=["2026-09-01T08:00:00+08:00"],
    ),
]

Instant = Annotated[datetime, AfterValidator(_in_range), Field(examples=["2026-09-01T08:00:00+08:00"])]
"""A time in a body: ISO 8601; without an offset it is in the gateway's zone (`HUTONG_ZONE`)."""

Cursor = Annotated[str | None, Query(max_length=500, description="The `cursor` of the page before")]

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most")]
