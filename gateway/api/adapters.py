"""Adapters: which wire formats this gateway speaks, and the life of each version."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import Field

from adapters.base import Adapter
from gateway.api.approvals import WAITS, waiting
from gateway.api.authors import check_author, region_of_upload
from gateway.api.limits import StrictRoute
from gateway.api.models import RestModel, TimelineEntry
from gateway.api.openapi import problems
from gateway.api.rights import Actor, Intends, TheHub
from gateway.api.sight import TheSight
from gateway.hub import Hub
from gateway.ledger.versions import AdapterState, AdapterVersion
from gateway.releases import Release
from schemas.findings import Rejected, Text


class SettingView(RestModel):
    """One value an operator fills in."""

    name: str
    type: str
    title: str
    required: bool
    default: Any
    choices: list[str]


class AdapterView(RestModel):
    """A version of an adapter, as it stands."""

    name: str
    version: str
    title: str
    kind: str
    digest: str = Field(description="SHA-256 over the bundle's files; a version never changes")
    state: AdapterState
    region: str = Field(description="Whose it is, as its uploader said; empty: nobody's alone")
    signed_by: str = Field(description="The key for bundles that signed its archive; empty: none did")
    signed_at: datetime | None = Field(description="When, as its signer said")
    signature: str = Field(description="The signature in Base64; see docs/bundle.md")
    uploaded: bool = Field(description="False: it came with the gateway, or from a folder of HUTONG_ADAPTERS")
    usable: bool = Field(description="False: this gateway cannot compile it any more")
    platforms: list[str] = Field(description="The platforms that speak this version now")
    expected: list[str] = Field(description="Fields in which it is meant to differ from the active version")
    receives: dict[str, str]
    sends: list[str]
    queries: list[str]
    settings: list[SettingView]
    created_at: datetime
    changed_at: datetime
    activated_at: datetime | None


class AdapterDetail(AdapterView):
    """A version with its last proof and what was done to it."""

    warnings: list[str] = Field(description="What is doubtful about it, stable words: `bundle.unsigned`")
    report: dict[str, Any] | None = Field(description="What the last check found; None when it was not checked yet")
    timeline: list[TimelineEntry]


class AdapterList(RestModel):
    """Every version of every adapter, by name, oldest first."""

    adapters: list[AdapterView]


class StepReason(RestModel):
    """Why a version is moved; kept for good."""

    reason: str = Field(default="", max_length=1000, examples=["上线新版"])


class Activation(StepReason):
    """Why a version is activated. `force` gives the reason for doing it although a check stands against it."""

    force: str | None = Field(default=None, min_length=1, max_length=1000, pattern=r"\S")


PATH = "/v1/adapters"
"""Where bundles are uploaded."""

router = APIRouter(prefix=PATH, tags=["adapters"], route_class=StrictRoute)

Name = Annotated[str, Path(max_length=100, description="The adapter's name", examples=["penalty"])]

Version = Annotated[str, Path(max_length=50, description="Its semantic version", examples=["1.0.0"])]

_ANOTHER_REGION = Text(
    "region 与签名所写的区域不同；签名写明适配包属于哪个区域，可省略 region",
    "`region` is not the one that was signed; the signature says whose the bundle is, so leave `region` out",
)

_ZIP: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "适配包的 zip 文件 · the bundle as a zip; `hutong adapter pack` writes one",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}

_KEPT: dict[int | str, dict[str, Any]] = {
    200: {"description": "It was there already, with the same content", "model": AdapterDetail}
}


@router.get("", summary="List adapters · 适配器列表", responses=problems(401, 403))
async def find(hub: TheHub, actor: Actor) -> AdapterList:
    """Give every version of every adapter with its state and the platforms that use it."""
    return AdapterList(
        adapters=[AdapterView(**_version(one), **_spoken(one.adapter)) for one in await hub.releases.all()]
    )


@router.post(
    "",
    status_code=201,
    summary="Upload a bundle · 上传适配包",
    responses=problems(401, 403, 409, 413, 422) | _KEPT,
    openapi_extra=_ZIP,
)
async def upload(
    hub: TheHub,
    sight: TheSight,
    intends: Intends,
    request: Request,
    response: Response,
    region: Annotated[
        str,
        Query(
            max_length=13,
            description="Whose bundle it is: authors of this region may change it while no platform speaks it; "
            "empty: the author's region, if it is one, else nobody's alone",
            examples=["330000"],
        ),
    ] = "",
    bundle_signature: Annotated[
        str | None,
        Header(
            max_length=300,
            description="Who signed this very zip, for which region: the line that `hutong adapter sign` writes",
            json_schema_extra={"pattern": "^[ -~]*$"},
        ),
    ] = None,
) -> AdapterDetail:
    """Keep a bundle (a zip) as a draft. The same content again is no new version; other content needs a new number.

    Authors of some regions upload bundles that only platforms of theirs speak, or new ones of theirs. A signature is
    judged before anything of the zip is read; whose the bundle is says it, too.
    """
    content = await request.body()
    signature = await hub.releases.signatures.judge(content, bundle_signature, hub.clock())
    if signature is not None and region not in ("", signature.region):
        raise Rejected("bundle.region", _ANOTHER_REGION)
    owner = region_of_upload(hub, sight, signature.region if signature else region)

    async def permit(draft: AdapterVersion) -> None:
        await check_author(hub, sight, draft.name, draft)

    release, new = await hub.releases.upload(content, intends(""), owner, permit, signature)
    response.status_code = 201 if new else 200
    return await _detail(hub, release)


@router.get("/{name}/{version}", summary="Show an adapter · 查看适配器", responses=problems(401, 403, 404))
async def show(hub: TheHub, actor: Actor, name: Name, version: Version) -> AdapterDetail:
    """Give what a version receives and sends, the settings it needs, its last proof and its history."""
    return await _detail(hub, await hub.releases.find(name, version))


@router.post("/{name}/{version}/check", summary="Prove a version · 检查适配器", responses=problems(401, 403, 404, 409))
async def check(hub: TheHub, sight: TheSight, intends: Intends, name: Name, version: Version) -> AdapterDetail:
    """Prove a version as `hutong adapter check` does, and keep the report; a draft that passes is `checked`."""
    await check_author(hub, sight, name)
    return await _detail(hub, await hub.releases.check(name, version, intends("")))


@router.post(
    "/{name}/{version}/activate",
    summary="Activate a version · 启用适配器",
    responses=problems(401, 403, 404, 409, 415, 422) | WAITS,
    response_model=AdapterDetail,
)
async def activate(
    hub: TheHub, sight: TheSight, intends: Intends, name: Name, version: Version, order: Activation | None = None
) -> Any:
    """Let the platforms that follow this adapter use this version from now on; the one before is retired.

    What is under way ends with the version it began with. Activating an earlier version goes back.
    """
    await check_author(hub, sight, name)
    wanted = order or Activation()
    intent = intends(wanted.reason)
    if (kind := hub.approvals.kind_of({"activation"})) is not None:
        kept = (await hub.releases.find(name, version)).kept
        asked = {"step": "activate", "name": name, "version": version, "force": wanted.force, "only_at": kept.revision}
        shown = {"adapter": name, "version": version, "force": wanted.force}
        return waiting(await hub.approvals.ask(kind, kept.id, asked, shown, intent))
    release = await hub.releases.activate(name, version, intent, force=wanted.force)
    return await _detail(hub, release)


@router.post(
    "/{name}/rollback",
    summary="Go back to the version before · 回退适配器",
    responses=problems(401, 403, 409, 415, 422) | WAITS,
    response_model=AdapterDetail,
)
async def rollback(hub: TheHub, sight: TheSight, intends: Intends, name: Name, order: StepReason | None = None) -> Any:
    """Activate the version that was active before the present one; one that a rollback left is not gone back to."""
    await check_author(hub, sight, name)
    intent = intends(order.reason if order else "")
    if (kind := hub.approvals.kind_of({"activation"})) is not None:
        active = hub.adapters.active(name)
        asked = {"step": "rollback", "name": name, "only_from": active}
        return waiting(await hub.approvals.ask(kind, name, asked, {"adapter": name, "back_from": active}, intent))
    return await _detail(hub, await hub.releases.rollback(name, intent))


@router.post(
    "/{name}/{version}/retire",
    summary="Retire a version · 停用适配器",
    responses=problems(401, 403, 404, 409, 415, 422),
)
async def retire(
    hub: TheHub, sight: TheSight, intends: Intends, name: Name, version: Version, order: StepReason | None = None
) -> AdapterDetail:
    """Take a version out of use, once no platform uses it; it is kept, because old messages name it."""
    await check_author(hub, sight, name)
    release = await hub.releases.retire(name, version, intends(order.reason if order else ""))
    return await _detail(hub, release)


async def _detail(hub: Hub, release: Release) -> AdapterDetail:
    kept = release.kept
    return AdapterDetail(
        **_version(release),
        **_spoken(release.adapter),
        warnings=["bundle.unsigned"] if kept.uploaded and not kept.signed_by else [],
        report=None if kept.report is None else dict(kept.report),
        timeline=[TimelineEntry.of(one) for one in await hub.releases.history(kept.name, kept.version)],
    )


def _version(release: Release) -> dict[str, Any]:
    kept = release.kept
    names = AdapterView.model_fields.keys() & set(AdapterVersion.__struct_fields__)
    shown = {name: getattr(kept, name) for name in names}
    return {**shown, "usable": release.adapter is not None, "platforms": release.platforms}


def _spoken(adapter: Adapter | None) -> dict[str, Any]:
    """Show what an adapter receives and sends; nothing of one that does not compile any more."""
    if adapter is None:
        return {"title": "", "kind": "", "receives": {}, "sends": [], "queries": [], "settings": []}
    return {
        "title": adapter.title,
        "kind": adapter.kind,
        "receives": dict(adapter.receives),
        "sends": sorted(adapter.sends),
        "queries": sorted(adapter.queries),
        "settings": [SettingView.of(one) for one in adapter.settings.values()],
    }
