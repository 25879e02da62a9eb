"""Problem documents, as they are answered."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


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
