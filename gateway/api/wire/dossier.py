"""The dossier of an enterprise, as it is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from gateway.api.wire.base import Wire


class DossierEntry(Wire):
    """One document about the enterprise, with where and when it was learnt."""

    type: str
    document: dict[str, Any]
    platform: str
    at: datetime
    message_id: str | None = Field(default=None, description="None when it was asked for just now")


class DossierSource(Wire):
    """A platform that was asked for this part, and how that went."""

    platform: str
    state: str = Field(description="`ok`, `down`, `held` or `unreadable`")
    at: datetime
    detail: str | None = None


class DossierPart(Wire):
    """One part of the dossier."""

    state: str = Field(
        description="`ok`; `partial`: a source could not be read now; `unsupported`: nothing known, nobody to ask"
    )
    entries: list[DossierEntry]
    sources: list[DossierSource]


class Dossier(Wire):
    """Everything known about an enterprise (一企一档), side by side."""

    credit_code: str
    name: str | None
    at: datetime
    parts: dict[str, DossierPart]
