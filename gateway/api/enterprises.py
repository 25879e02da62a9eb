"""The dossier of an enterprise (一企一档)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path
from msgspec.structs import replace
from pydantic import Field

from gateway.api.limits import StrictRoute
from gateway.api.masking import TheMasking, document_masked
from gateway.api.models import FieldError, RestModel
from gateway.api.openapi import problems
from gateway.api.rights import Caller, TheHub, TheIncoming, check_dossier
from gateway.api.sight import Sight, TheSight
from gateway.errors.problems import keep_warning, tell_warnings
from gateway.hub import Hub
from gateway.hub.dossier import Enterprise, name_in
from gateway.hub.questions import AskedPlatform, EnterpriseDocument


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


@router.get("/{credit_code}", summary="An enterprise's dossier · 一企一档", responses=problems(401, 403, 422, 429))
async def show(
    hub: TheHub,
    caller: Caller,
    sight: TheSight,
    masking: TheMasking,
    incoming: TheIncoming,
    credit_code: Annotated[str, Path(max_length=40, examples=["91130200699229617X"])],
    cache_control: Annotated[list[str] | None, _CACHE_CONTROL] = None,
) -> DossierView:
    """Give permits, projects, penalties, inspections and cases side by side, each with its source and time.

    Platforms that answer queries are asked; one that is down leaves its part marked, the call does not fail. What one
    answered a moment ago may be given again, with the time of that (`HUTONG_QUERY_SECONDS`). Whoever works for some
    regions is given what these regions' platforms said, and what is about these regions.
    """
    check_dossier(caller)
    dossier = await hub.dossiers.of(credit_code, anew=_anew(cache_control or ()))
    seen = await _in_sight(hub, sight, dossier)
    await masking.read("dossier.read", dossier.credit_code)
    if await masking.hides(dossier.credit_code):
        seen = _masked(seen)
    return _view(seen, incoming.language)


def _masked(dossier: Enterprise) -> Enterprise:
    parts = {
        name: replace(part, entries=tuple(map(_entry_masked, part.entries))) for name, part in dossier.parts.items()
    }
    return replace(dossier, parts=parts, name=name_in(one for part in parts.values() for one in part.entries))


def _entry_masked(entry: EnterpriseDocument) -> EnterpriseDocument:
    return EnterpriseDocument(
        entry.type, document_masked(entry.type, entry.document), entry.platform, entry.at, entry.message_id
    )


async def _in_sight(hub: Hub, sight: Sight, dossier: Enterprise) -> Enterprise:
    """Leave out of a dossier what is out of a person's sight."""
    if not sight.bounded:
        return dossier
    parts = {
        name: replace(
            part,
            entries=tuple([one for one in part.entries if await _is_seen(hub, sight, one)]),
            sources=tuple(one for one in part.sources if sight.platform(one.platform)),
        )
        for name, part in dossier.parts.items()
    }
    return replace(dossier, parts=parts, name=name_in(one for part in parts.values() for one in part.entries))


async def _is_seen(hub: Hub, sight: Sight, entry: EnterpriseDocument) -> bool:
    if sight.platform(entry.platform):
        return True
    message = await hub.ledger.message(entry.message_id) if entry.message_id else None
    return message is not None and sight.message(message, await hub.ledger.deliveries_of(message.id))


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
