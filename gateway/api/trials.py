"""Trying a version: in the shadow of the active one, or on a document of one's own."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from adapters.base import Translation
from gateway.api.adapters import PATH, Name, StepReason, Version
from gateway.api.authors import check_author
from gateway.api.inbound.answer import DryRunEntry
from gateway.api.limits import StrictRoute
from gateway.api.models import FieldError, Problem, RestModel
from gateway.api.openapi import problems
from gateway.api.rights import Intends, TheHub, TheIncoming
from gateway.api.sight import TheSight
from gateway.errors import Invalid
from gateway.errors.problems import keep_warning, problem, tell_warnings
from gateway.observe.shadows import ShadowRun
from gateway.releases import playground
from gateway.releases.playground import Tried
from schemas.findings import Text

FieldPath = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class ShadowOrder(StepReason):
    """How a version runs in shadow."""

    expected: list[FieldPath] | None = Field(
        default=None,
        max_length=200,
        description="Fields that are meant to differ, as the report names them; None leaves what was declared",
        examples=[["fine", "body.rows[].JE"]],
    )
    recorded: int = Field(default=0, ge=0, le=1000, description="Compare the last so many messages of each platform")


class ShadowExample(RestModel):
    """One difference, personal values masked."""

    active: str
    shadow: str


class ShadowField(RestModel):
    """A field in which the versions differ."""

    name: str = Field(description="The operation that is received, or the message type that is sent")
    field: str = Field(
        description="Canonical path of what is received; of what is sent: method, path, headers.…, body.…; "
        "`rejected` when only one version could translate it"
    )
    count: int
    expected: bool
    examples: list[ShadowExample]


class ShadowReport(RestModel):
    """What a version in shadow did otherwise than the active one."""

    name: str
    version: str
    active: str = Field(description="The version that it is compared with")
    since: datetime
    compared: int
    equal: int
    errors: int = Field(description="How often the shadow failed where the active version did not")
    dropped: int = Field(description="How much live traffic was not compared, so as not to slow it")
    speed: float | None = Field(description="The shadow's time over the active version's: above 1 it is slower")
    unexplained: int = Field(description="Fields that differ though nobody declared it; activation waits for none")
    fields: list[ShadowField]


class TrialOrder(RestModel):
    """Something to translate; nothing of it is kept."""

    direction: Literal["in", "out"]
    name: str = Field(
        max_length=100, description="In: an operation it receives; out: a message type it sends", examples=["decision"]
    )
    body: Any = Field(default=None, description="In: JSON as it is, any other format as text")
    content_type: str | None = Field(default=None, max_length=200)
    document: dict[str, Any] | None = Field(default=None, description="Out: the canonical document")
    settings: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="Out: the platform's settings; one left out stands for itself"
    )


class TrialRequest(RestModel):
    """The request that a version writes, before authentication."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class TrialResult(RestModel):
    """What a version makes of it: `messages` of what is read, `request` of what is written."""

    messages: list[DryRunEntry] | None = None
    request: TrialRequest | None = None


router = APIRouter(prefix=PATH, tags=["adapters"], route_class=StrictRoute)


@router.post(
    "/{name}/{version}/shadow",
    summary="Run a version in shadow · 影子试行",
    responses=problems(401, 403, 404, 409, 415, 422),
)
async def shadow(
    hub: TheHub, sight: TheSight, intends: Intends, name: Name, version: Version, order: ShadowOrder | None = None
) -> ShadowReport:
    """Let a version translate recorded and live traffic beside the active one; it sends nothing.

    Called again, it declares what is expected to differ, or compares recorded messages.
    """
    await check_author(hub, sight, name)
    wanted = order or ShadowOrder()
    await hub.releases.shadow(name, version, intends(wanted.reason), expected=wanted.expected)
    return _report(await hub.observers.shadows.compare_recorded(name, version, wanted.recorded))


@router.get("/{name}/{version}/shadow", summary="What the shadow found · 试行报告", responses=problems(401, 403, 404))
async def found(hub: TheHub, sight: TheSight, name: Name, version: Version) -> ShadowReport:
    """Give how many documents were equal, and which fields differ how often, with masked examples."""
    await check_author(hub, sight, name)
    await hub.releases.find(name, version)
    return _report(hub.observers.shadows.of(name, version))


@router.post(
    "/{name}/{version}/translate",
    summary="Try a translation · 试转换",
    responses=problems(401, 403, 404, 409, 415, 422),
)
async def translate(
    hub: TheHub, sight: TheSight, incoming: TheIncoming, name: Name, version: Version, trial: TrialOrder
) -> TrialResult:
    """Translate a body in, or a document out, with any version, a draft too. Nothing is kept and nothing is sent."""
    await check_author(hub, sight, name)
    adapter = await hub.releases.adapter(name, version)
    if trial.direction == "in":
        tried = await asyncio.to_thread(playground.read, adapter, trial.name, trial.body, trial.content_type)
        return TrialResult(messages=[_entry(one, incoming.language) for one in tried])
    if trial.document is None:
        raise Invalid(_NO_DOCUMENT, code="request.invalid")
    request = await asyncio.to_thread(playground.write, adapter, trial.name, trial.document, trial.settings)
    return TrialResult(
        request=TrialRequest(
            method=request.method,
            path=request.path,
            headers=dict(request.headers),
            body=playground.text(adapter, trial.name, request),
        )
    )


_NO_DOCUMENT = Text(
    "direction 为 out 时须在 document 中给出规范文书", "For direction `out`, give the canonical document in `document`"
)


def _entry(tried: Tried, language: str) -> DryRunEntry:
    made = tried.outcome
    if isinstance(made, Translation):
        warnings = [FieldError(**one) for one in tell_warnings([keep_warning(w) for w in made.warnings], language)]
        return DryRunEntry(index=tried.index, type=made.type, document=made.document, warnings=warnings)
    told = problem(made.code, made.status, made.detail, made.findings, language=language)
    return DryRunEntry(index=tried.index, problem=Problem(**told))


def _report(run: ShadowRun) -> ShadowReport:
    counts = run.counts()
    return ShadowReport(
        name=run.shadow.name,
        version=run.shadow.version,
        active=run.active.version,
        since=run.since,
        compared=counts.compared,
        equal=counts.equal,
        errors=counts.errors,
        dropped=run.dropped,
        speed=None if counts.speed is None else round(counts.speed, 3),
        unexplained=len(counts.unexplained),
        fields=[
            ShadowField(
                name=one.name,
                field=one.field,
                count=one.count,
                expected=one.expected,
                examples=[ShadowExample(active=each.active, shadow=each.shadow) for each in one.examples],
            )
            for one in counts.fields
        ],
    )
