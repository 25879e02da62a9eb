"""What is handed in, and what its sender is told."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from gateway.api.wire.base import Wire
from gateway.api.wire.problem import FieldError, Problem
from gateway.message import State


class AcceptedDelivery(Wire):
    """Where an accepted message goes."""

    id: str
    platform: str | None = Field(description="None while no platform covers the region")
    kind: str
    state: State


class AcceptedMessage(Wire):
    """A document that is durable now. `duplicate`: an equal one was there already, and this is it."""

    message_id: str
    type: str
    state: str
    duplicate: bool
    warnings: list[FieldError]
    deliveries: list[AcceptedDelivery]


class PackageEntry(BaseModel):
    """What became of one record of a package: accepted, or a problem."""

    index: int
    message_id: str | None = None
    type: str | None = None
    state: str | None = None
    duplicate: bool | None = None
    warnings: list[FieldError] | None = None
    deliveries: list[AcceptedDelivery] | None = None
    problem: Problem | None = None


class AcceptedPackage(Wire):
    """What became of each record of a package, in order."""

    messages: list[PackageEntry]


class RouteView(Wire):
    """Where a document would go. `platform` None: nobody covers the region yet."""

    kind: str
    platform: str | None


class Preview(Wire):
    """What a dry run gives: the translation and the routes, nothing stored."""

    type: str
    document: dict[str, Any]
    warnings: list[FieldError]
    routes: list[RouteView]


class PreviewEntry(BaseModel):
    """What a dry run gives for one record of a package."""

    index: int
    type: str | None = None
    document: dict[str, Any] | None = None
    warnings: list[FieldError] | None = None
    routes: list[RouteView] | None = None
    problem: Problem | None = None


class PreviewPackage(Wire):
    """What a dry run gives for each record of a package, in order."""

    messages: list[PreviewEntry]


class Submission(Wire):
    """A canonical document, handed in by a platform that speaks canonical."""

    type: str = Field(description="The message type, such as `case.transferred`", examples=["case.transferred"])
    document: dict[str, Any] = Field(description="The canonical document; see `/schemas/{document}/{version}`")
    region: str | None = Field(default=None, description="GB/T 2260 code, when the document names none")
    correlation_id: str | None = Field(default=None, description="Ties it to an earlier message's case")
    causation_id: str | None = Field(default=None, description="The message that caused this one")
    corrects: str | None = Field(default=None, description="The message that this document corrects")
