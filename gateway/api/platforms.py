"""Platforms: register them, change them, pause them, ask whether they answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import Field, StrictInt

from adapters.base import Adapter
from gateway.api.approvals import WAITS, waiting
from gateway.api.backlog import BacklogView, ContactView, backlog_views, contact_views
from gateway.api.limits import StrictRoute
from gateway.api.models import Reason, RestModel
from gateway.api.openapi import problems
from gateway.api.rights import DOSSIER, Intends, TheHub, may_read_dossiers
from gateway.api.sight import Sight, TheSight
from gateway.coordination.call_rates import CALL_BOUNDS
from gateway.delivery.ping import Ping
from gateway.errors import HutongError
from gateway.hub import Hub
from gateway.intake.coverage import Coverage
from gateway.ledger.errors import no_platform
from gateway.ledger.records import ContactWay, Hold, Platform
from gateway.message import HeldBy
from gateway.observe.drift import DriftPage, OddityKind
from gateway.platforms.registration import is_secret
from schemas.budget import BOUNDS
from schemas.codes import table


class PlatformSettings(RestModel):
    """How a platform is registered or changed. A secret that is left out stays as it is."""

    adapter: str = Field(description="The name of an installed adapter", examples=["penalty"])
    version: str | None = Field(default=None, description="None follows the adapter's active version")
    settings: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, examples=[{"base_url": "https://cf.example.gov.cn", "app_key": "…"}]
    )
    mode: Literal["push", "pull"] = Field(
        default="push",
        description="`push`: the gateway calls the platform at its `base_url`. `pull`: it cannot be called, and "
        "fetches its deliveries from `/v1/inbox`; it needs no `base_url`",
    )
    dossier: bool | None = Field(default=None, description="May this platform read enterprises' dossiers?")
    limits: dict[str, StrictInt] = Field(
        default_factory=dict,
        description="Bounds of the work on one body of this platform, instead of its adapter's: "
        f"{', '.join(f'`{name}` up to {bound.ceiling}' for name, bound in BOUNDS.items())}; "
        "and how often it may call, instead of what the settings say: "
        f"{', '.join(f'`{name}` ({bound.en})' for name, bound in CALL_BOUNDS.items())}",
        examples=[{"records": 20000, "nodes": 1000000, "call_rate": 50, "call_burst": 100}],
    )
    covers: list[Annotated[str, Field(max_length=13)]] = Field(
        default_factory=list,
        max_length=1000,
        description="What it is there for beside its region, each with all that lies in it: codes of GB/T 2260 or of "
        "`/v1/areas`, and ranges of codes, FIRST-LAST",
        examples=[["370171", "370102-370105"]],
    )
    mandates: list[Annotated[str, Field(max_length=20)]] = Field(
        default_factory=list,
        max_length=10,
        description="Kinds of mandate under which it may speak of places that it does not cover: "
        f"{', '.join(f'`{one.code}` {one.title}' for one in table('mandate-kind'))}",
        examples=[["cross"]],
    )
    access: list[dict[str, Any]] | None = Field(
        default=None,
        max_length=10,
        description="How it may show who it is; each way has its `scheme`: `bearer` (the credential is sent, the "
        "default), `hmac-sha256`, `hmac-sm3`, `sm2`, `standard-webhooks`, `oauth2` {issuer, audience, client, jwks or "
        "jwks_url, scopes?, algorithms?}, `mutual-tls` {fingerprints?, subjects?}. Left out it stays as it is; `[]` is "
        "`bearer` again. See docs/access.md",
        examples=[[{"scheme": "hmac-sha256"}]],
    )
    allow: list[Annotated[str, Field(max_length=20)]] = Field(
        default_factory=list,
        max_length=10,
        description="What its address may be beside a public one under TLS, whatever the settings allow to all: `http` "
        "(no TLS), `private` (a private network), `loopback` (this machine). Link-local and metadata addresses never",
        examples=[["private"]],
    )


class HoldView(RestModel):
    """One reason why a platform waits, or with `type` why one message type to it does."""

    by: HeldBy
    since: datetime
    reason: str
    type: str | None


class PlatformView(RestModel):
    """A platform; secrets are named, never shown."""

    id: str
    kind: str
    region: str
    region_name: str
    adapter: str
    version: str | None
    settings: dict[str, Any]
    secrets: list[str] = Field(description="The secrets that are set")
    mode: str
    dossier: bool
    limits: dict[str, int] = Field(
        description="The bounds that were set for it; the others are its adapter's and the settings'"
    )
    covers: list[str] = Field(description="What it is there for beside its region")
    mandates: list[str] = Field(description="Kinds of mandate under which it may speak of other places")
    access: list[dict[str, Any]] = Field(description="How it may show who it is; empty: by a credential as it is")
    allow: list[str] = Field(description="What its address may be beside a public one under TLS")
    warnings: list[str] = Field(description="What is doubtful about how it is registered, stable words")
    holds: list[HeldBy] = Field(description="Why everything to it waits; the first is shown on its deliveries")
    held_since: datetime | None = Field(description="Since when the first of `holds` is there")
    hold_details: list[HoldView] = Field(description="Every hold, those of single message types included")
    created_at: datetime


class PlatformDetail(PlatformView):
    """A platform with what waits for it, and when it was last in contact."""

    backlog: list[BacklogView] = Field(description="What is not done with, what has waited longest first")
    heard: list[ContactView] = Field(description="When it last handed something in, by operation, taken or rejected")
    delivered: list[ContactView] = Field(description="When it last accepted something, by message type")


class PlatformList(RestModel):
    """Every platform, by id."""

    platforms: list[PlatformView]


class PingView(RestModel):
    """Whether a platform answers, and how fast."""

    reachable: bool
    status: int | None = None
    milliseconds: float | None = None
    code: str | None = Field(
        default=None, description="Why not, a stable word: `connection.refused`, `name.unknown`, `tls.expired` …"
    )
    detail: str | None = Field(default=None, description="The same with what was met, for people")


class OddityView(RestModel):
    """A native field and what is odd about it."""

    what: OddityKind = Field(description="`unknown`, `vanished`, `code`, `type` or `schema`")
    path: str = Field(description="Where it stands in the platform's own words")
    field: str = Field(description="The canonical field it is mapped to, if any")
    count: int
    first: datetime
    last: datetime
    example: str = Field(description="A type, never a value")


class OperationDrift(RestModel):
    """What was noticed of one operation, the latest first."""

    operation: str
    adapter: str
    records: int = Field(description="Records that were looked through for types and absences: a sample")
    oddities: list[OddityView]
    more: int = Field(description="Oddities that had to make room")


class DriftReport(RestModel):
    """What a platform sends that its adapter does not know, since this gateway began or the version changed."""

    platform: str
    operations: list[OperationDrift]


router = APIRouter(prefix="/v1/platforms", tags=["platforms"], route_class=StrictRoute)

PlatformId = Annotated[
    str,
    Path(
        max_length=100, description="Kind and region: a code of GB/T 2260, or of an area", examples=["penalty.330000"]
    ),
]


@router.get("", summary="List platforms · 平台列表", responses=problems(401, 403))
async def find(hub: TheHub, sight: TheSight) -> PlatformList:
    """Give every platform of the caller's regions, by id."""
    return PlatformList(platforms=[_view(hub, one) for one in await hub.platforms.all() if sight.platform(one.id)])


@router.put(
    "/{platform_id}",
    summary="Register or change a platform · 登记平台",
    responses=problems(400, 401, 403, 404, 409, 415, 422) | WAITS,
    response_model=PlatformView,
)
async def put(hub: TheHub, intends: Intends, platform_id: PlatformId, order: PlatformSettings) -> Any:
    """Register a platform; deliveries that waited for one like it start at once.

    Where four eyes are set for what is changed of it, that happens once it is approved.
    """
    asked = {**order.model_dump(), "platform_id": platform_id}
    intent = intends("")
    before = (await hub.ledger.registry()).platforms.get(platform_id)
    if (kind := hub.approvals.kind_of(_touched(hub, order, before))) is not None:
        await hub.platforms.put(**asked, intent=intent, keep=False)
        step = {**asked, "step": "platform", "only_at": 0 if before is None else before.revision}
        return waiting(await hub.approvals.ask(kind, platform_id, step, _told(hub, platform_id, order), intent))
    platform = await hub.platforms.put(**asked, intent=intent)
    return _view(hub, platform)


@router.get("/{platform_id}", summary="Show a platform · 查看平台", responses=problems(401, 403, 404))
async def show(hub: TheHub, sight: TheSight, platform_id: PlatformId) -> PlatformDetail:
    """Give a platform with what waits for it and its last contacts; secrets are named, never shown."""
    view = _view(hub, await platform_in_sight(hub, sight, platform_id))
    contacts = await hub.contacts.of(platform_id)
    return PlatformDetail(
        **dict(view),
        backlog=backlog_views(await hub.ledger.backlog(), hub.clock(), platform_id),
        heard=contact_views(contacts, ContactWay.HEARD),
        delivered=contact_views(contacts, ContactWay.DELIVERED),
    )


@router.get("/{platform_id}/drift", summary="What drifted · 格式漂移", responses=problems(401, 403, 404))
async def drift(hub: TheHub, sight: TheSight, platform_id: PlatformId) -> DriftReport:
    """Give which of its fields nobody mapped, vanished, changed their type or hold unknown codes, with counts."""
    await platform_in_sight(hub, sight, platform_id)
    return _drift_report(platform_id, hub.observers.drift.pages(platform_id))


@router.delete(
    "/{platform_id}",
    status_code=204,
    summary="Forget a platform · 注销平台",
    responses=problems(400, 401, 403, 404, 409),
)
async def delete(hub: TheHub, intends: Intends, platform_id: PlatformId) -> Response:
    """Forget a platform that has nothing left to receive."""
    await hub.platforms.delete(platform_id, intends(""))
    return Response(status_code=204)


@router.post(
    "/{platform_id}/pause",
    summary="Pause a platform · 暂停平台",
    responses=problems(400, 401, 403, 404, 409, 415, 422),
)
async def pause(hub: TheHub, sight: TheSight, intends: Intends, platform_id: PlatformId, order: Reason) -> PlatformView:
    """Hold everything to a platform, until it is resumed; nothing is dropped."""
    await platform_in_sight(hub, sight, platform_id)
    return _view(hub, await hub.platforms.pause(platform_id, intends(order.reason)))


@router.post(
    "/{platform_id}/resume",
    summary="Resume a platform · 恢复平台",
    responses=problems(400, 401, 403, 404, 409, 415, 422),
)
async def resume(
    hub: TheHub, sight: TheSight, intends: Intends, platform_id: PlatformId, order: Reason
) -> PlatformView:
    """Let deliveries to a paused platform go on, in order."""
    await platform_in_sight(hub, sight, platform_id)
    return _view(hub, await hub.platforms.resume(platform_id, intends(order.reason)))


@router.post("/{platform_id}/ping", summary="Does it answer? · 连通测试", responses=problems(401, 403, 404, 409))
async def ping(hub: TheHub, sight: TheSight, platform_id: PlatformId) -> PingView:
    """Call the platform's address once; any HTTP answer counts. One that fetches for itself is not called."""
    await platform_in_sight(hub, sight, platform_id)
    return _ping(await hub.platforms.ping(platform_id))


async def platform_in_sight(hub: Hub, sight: Sight, platform_id: str) -> Platform:
    """Give a platform; NotFound `platform.unknown`, also for one outside of the caller's regions."""
    if not sight.platform(platform_id):
        raise no_platform(platform_id)
    return await hub.platforms.get(platform_id)


def _adapter_of(hub: Hub, order: PlatformSettings) -> Adapter | None:
    try:
        return hub.adapters.get(order.adapter, order.version)
    except HutongError:
        return None


def _touched(hub: Hub, order: PlatformSettings, before: Platform | None) -> set[str]:
    """Tell what of a platform an order changes that four eyes may be set for.

    How a platform shows who it is counts with its secrets. To pin it to another version is to activate that for it.
    """
    adapter, was = _adapter_of(hub, order), {} if before is None else before.settings
    given = {name: value for name, value in order.settings.items() if value is not None and value != was.get(name)}
    secret = any(is_secret(name, adapter, hub.adapters.versions(order.adapter)) for name in given)
    touched = {"secrets"} if secret else set()
    if order.access is not None and order.access != ([] if before is None else [*before.access]):
        touched.add("secrets")
    if before is None:
        return touched | ({"address"} if "base_url" in given or order.allow else set())
    if order.settings.get("base_url") != was.get("base_url") or order.mode != before.mode:
        touched.add("address")
    if set(order.allow) != set(before.allow):
        touched.add("address")
    if (order.adapter, order.version) != (before.adapter, before.version):
        touched.add("activation")
    return touched


def _told(hub: Hub, platform_id: str, order: PlatformSettings) -> dict[str, Any]:
    """Give what others are told of an order: secrets are named, never shown."""
    adapter, versions = _adapter_of(hub, order), hub.adapters.versions(order.adapter)
    secrets = sorted(name for name in order.settings if is_secret(name, adapter, versions))
    said = order.model_dump(exclude={"settings"}, exclude_none=True)
    shown = {name: value for name, value in order.settings.items() if name not in secrets}
    return {**said, "platform": platform_id, "settings": shown, "secrets": secrets}


def _view(hub: Hub, platform: Platform) -> PlatformView:
    try:
        adapter = hub.adapters.of(platform)
    except HutongError:
        adapter = None
    versions = hub.adapters.versions(platform.adapter)
    secret = {name for name in platform.settings if is_secret(name, adapter, versions)}
    return _shown(platform, secret, hub.platforms.directory.coverage)


def _shown(platform: Platform, secret: Collection[str], coverage: Coverage) -> PlatformView:
    holds = sorted(platform.holds, key=_order)
    whole = [one for one in holds if one.type is None]
    told = {
        "region_name": coverage.name(platform.region),
        "settings": {name: value for name, value in platform.settings.items() if name not in {*secret, DOSSIER}},
        "secrets": sorted(secret),
        "dossier": may_read_dossiers(platform),
        "holds": [one.by for one in whole],
        "held_since": whole[0].since if whole else None,
        "hold_details": [HoldView.of(one) for one in holds],
        "warnings": [f"destination.{kind}" for kind in platform.allow],
    }
    kept = {name: getattr(platform, name) for name in PlatformView.model_fields if name not in told}
    return PlatformView(**kept, **told)


def _order(hold: Hold) -> tuple[int, str]:
    """Order holds as they are shown: the one that is named on a delivery first."""
    return list(HeldBy).index(hold.by), hold.type or ""


def _drift_report(platform_id: str, pages: Mapping[str, DriftPage]) -> DriftReport:
    return DriftReport(
        platform=platform_id,
        operations=[_operation_drift(operation, page) for operation, page in pages.items()],
    )


def _operation_drift(operation: str, page: DriftPage) -> OperationDrift:
    return OperationDrift(
        operation=operation,
        adapter=f"{page.adapter.name}@{page.adapter.version}",
        records=page.records,
        oddities=[OddityView.of(one) for one in page.oddities()],
        more=page.more,
    )


def _ping(ping: Ping) -> PingView:
    milliseconds = round(ping.seconds * 1000, 1)
    detail = ": ".join(one for one in (ping.reason, ping.detail) if one) or None
    return PingView(reachable=ping.ok, status=ping.status, milliseconds=milliseconds, code=ping.reason, detail=detail)
