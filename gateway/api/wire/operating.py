"""What operators order, and what was rejected."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from gateway.api.wire.base import Wire
from gateway.api.wire.problem import Problem


class Reason(Wire):
    """Why an operator does something; kept for good."""

    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S", examples=["平台已修复，重新投递"])


class ReplayReason(Reason):
    """Why a delivery is replayed. `stale_ok`: even though a later one of its lane was delivered."""

    stale_ok: bool = False


class ReplayFilter(Wire):
    """Which deliveries to replay: those in one state, of one platform or of one message where they are named."""

    state: Literal["dead", "refused", "delivered"] = "dead"
    platform: str | None = None
    message_id: str | None = None


class ReplayRequest(ReplayReason):
    """A replay of many."""

    filter: ReplayFilter


class ReplayView(Wire):
    """How far a replay of many has come."""

    id: str
    filter: ReplayFilter
    reason: str
    actor: str
    stale_ok: bool
    total: int
    replayed: int
    failed: int
    created_at: datetime
    finished_at: datetime | None


class RejectionView(Wire):
    """A document that was not accepted from its sender."""

    id: str
    platform: str
    operation: str
    received_at: datetime
    index: int
    status: int
    code: str
    problem: Problem


class RejectionPage(Wire):
    """Rejections, newest first."""

    rejections: list[RejectionView]
    cursor: str | None
