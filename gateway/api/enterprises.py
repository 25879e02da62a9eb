"""The dossier of an enterprise (一企一档)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path
from pydantic import Field

from gateway.api.limits import StrictRoute
from gateway.api.models import FieldError, RestModel
from gateway.api.openapi import problems
from gateway.api.rights import Caller, TheHub, TheIncoming, check_dossier
from gateway.errors.problems import keep_warning, tell_warnings
from gateway.hub.dossier import Enterprise
from gateway.hub.questions import AskedPlatform
from schemas.findings import Text


class DossierEntry(RestModel):
    """One document about the enterprise, with where and when it was learnt."""

    type: str
    document: dict[str, Any]
    platform: str
    at: datetime
    message_id: str | None = Field(default=None, description="None when a platform said it")


class UnreadRowView(FieldError):
    """A row of a platform's answer that cannot be read, and the first thing that is wrong with it."""

    row: int = Field(description="Its number among all the rows that the platform answered with, from 1")


class DossierSource(RestModel):
    """A platform that was asked for this part, and how that went."""

    platform: str
    state: str = Field(description="`ok`; `partial`: not every row can be read; `down`, `held` or `unreadable`")
    at: datetime = Field(description="When it answered, which may be a moment ago")
    detail: str | None = None
    unread: int = Field(default=0, description="How many of its rows cannot be read")
    problems: list[UnreadRowView] = Field(default=[], description="What is wrong with them, the first fifty")


class DossierPart(RestModel):
    """One part of the dossier."""

    state: str = Field(
        description="`ok`; `partial`: a source, or a row of one, could not be read now; "
        "`unsupported`: nothing known, nobody to ask"
    )
    entries: list[DossierEntry]
    sources: list[DossierSource]


class DossierView(RestModel):
    """Everything known about an enterprise (一企一档), side by side."""

    credit_code: str
    name: str | None
    at: datetime
    parts: dict[str, DossierPart]


_CACHE_CONTROL = Header(
    alias="Cache-Control",
    description="`no-cache`：重新询问各平台 · asks the platforms anew, whatever they answered a moment ago",
)

router = APIRouter(prefix="/v1/enterprises", tags=["enterprises"], route_class=StrictRoute)

_NO_RIGHT = Text(
    "本平台没有查阅企业档案的权限；请管理员在平台设置中开通 dossier",
    "This platform may not read dossiers; ask the administrator to set `dossier` for it",
)


@router.get("/{credit_code}", summary="An enterprise's dossier · 一企一档", responses=problems(401, 403, 422, 429))
async def show(
    hub: TheHub,
    caller: Caller,
    incoming: TheIncoming,
    credit_code: Annotated[str, Path(max_length=40, examples=["91130200699229617X"])],
    cache_control: Annotated[list[str] | None, _CACHE_CONTROL] = None,
) -> DossierView:
    """Give permits, projects, penalties, inspections and cases side by side, each with its source and time.

    Platforms that answer queries are asked; one that is down leaves its part marked, the call does not fail. What one
    answered a moment ago may be given again, with the time of that (`HUTONG_QUERY_SECONDS`).
    """
    check_dossier(caller)
    dossier = await hub.dossiers.of(credit_code, anew=_anew(cache_control or ()))
    return _view(dossier, incoming.language)


def _anew(said: Sequence[str]) -> bool:
    """Tell whether a caller wants what is so now, as browsers do when a page is loaded again (RFC 9111, 5.2.1)."""
    directives = {one.strip().lower() for each in said for one in each.split(",")}
    return not directives.isdisjoint(("no-cache", "max-age=0"))


def _view(enterprise: Enterprise, language: str) -> DossierView:
    parts = {
        name: DossierPart(
            state=part.state,
            entries=[DossierEntry.of(one) for one in part.entries],
            sources=[_source(one, language) for one in part.sources],
        )
        for name, part in enterprise.parts.items()
    }
    return DossierView(credit_code=enterprise.credit_code, name=enterprise.name, at=enterprise.at, parts=parts)


def _source(asked: AskedPlatform, language: str) -> DossierSource:
    told = tell_warnings([keep_warning(one.finding) for one in asked.problems], language)
    return DossierSource(
        platform=asked.platform,
        state=asked.state,
        at=asked.at,
        detail=asked.detail,
        unread=asked.unread,
        problems=[UnreadRowView(row=one.row, **said) for one, said in zip(asked.problems, told, strict=True)],
    )
