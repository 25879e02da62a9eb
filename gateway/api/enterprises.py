"""The dossier of an enterprise (一企一档)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from gateway.api.limits import StrictRoute
from gateway.api.models import RestModel
from gateway.api.openapi import problems
from gateway.api.rights import Caller, TheHub, check_dossier
from schemas.findings import Text


class DossierEntry(RestModel):
    """One document about the enterprise, with where and when it was learnt."""

    type: str
    document: dict[str, Any]
    platform: str
    at: datetime
    message_id: str | None = Field(default=None, description="None when it was asked for just now")


class DossierSource(RestModel):
    """A platform that was asked for this part, and how that went."""

    platform: str
    state: str = Field(description="`ok`, `partial` (some records cannot be read), `down`, `held` or `unreadable`")
    at: datetime
    detail: str | None = None


class DossierPart(RestModel):
    """One part of the dossier."""

    state: str = Field(
        description="`ok`; `partial`: a source could not be read now; `unsupported`: nothing known, nobody to ask"
    )
    entries: list[DossierEntry]
    sources: list[DossierSource]


class DossierView(RestModel):
    """Everything known about an enterprise (一企一档), side by side."""

    credit_code: str
    name: str | None
    at: datetime
    parts: dict[str, DossierPart]


router = APIRouter(prefix="/v1/enterprises", tags=["enterprises"], route_class=StrictRoute)

_NO_RIGHT = Text(
    "本平台没有查阅企业档案的权限；请管理员在平台设置中开通 dossier",
    "This platform may not read dossiers; ask the administrator to set `dossier` for it",
)


@router.get("/{credit_code}", summary="An enterprise's dossier · 一企一档", responses=problems(401, 403, 422))
async def show(
    hub: TheHub,
    caller: Caller,
    credit_code: Annotated[str, Path(max_length=40, examples=["91130200699229617X"])],
) -> DossierView:
    """Give permits, projects, penalties, inspections and cases side by side, each with its source and time.

    Platforms that answer queries are asked; one that is down leaves its part marked, the call does not fail.
    """
    check_dossier(caller)
    return DossierView.of(await hub.dossiers.of(credit_code))
