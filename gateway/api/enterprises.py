"""The dossier of an enterprise (一企一档)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from gateway.api import views, wire
from gateway.api.callers import Caller, TheHub
from gateway.api.openapi import problems
from gateway.errors import Forbidden
from gateway.hub import Principal
from schemas.findings import Text

router = APIRouter(prefix="/v1/enterprises", tags=["enterprises"])

_NO_RIGHT = Text(
    "本平台没有查阅企业档案的权限；请管理员在平台设置中开通 dossier",
    "This platform may not read dossiers; ask the administrator to set `dossier` for it",
)


@router.get("/{credit_code}", summary="An enterprise's dossier · 一企一档", responses=problems(401, 403, 422))
async def show(
    hub: TheHub,
    caller: Caller,
    credit_code: Annotated[str, Path(max_length=40, examples=["91130200699229617X"])],
) -> wire.Dossier:
    """Give permits, projects, penalties, inspections and cases side by side, each with its source and time.

    Platforms that answer queries are asked; one that is down leaves its part marked, the call does not fail.
    """
    _check_right(caller)
    return views.dossier_view(await hub.dossiers.of(credit_code))


def _check_right(caller: Principal) -> None:
    if not caller.admin and not (caller.platform is not None and views.may_read_dossiers(caller.platform)):
        raise Forbidden(_NO_RIGHT)
