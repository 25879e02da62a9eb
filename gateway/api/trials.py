"""Trying a version: in the shadow of the active one, or on a document of one's own."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from adapters.base import Translation
from gateway.api import wire
from gateway.api.adapters import PATH, Name, Version
from gateway.api.callers import Admin, TheHub, TheIncoming
from gateway.api.openapi import problems
from gateway.api.strict import StrictRoute
from gateway.errors import Invalid
from gateway.errors.problems import keep_warning, problem, tell_warnings
from gateway.observe.shadows import ShadowRun
from gateway.releases import playground
from gateway.releases.playground import Tried
from schemas.findings import Text

router = APIRouter(prefix=PATH, tags=["adapters"], route_class=StrictRoute)


@router.post(
    "/{name}/{version}/shadow",
    summary="Run a version in shadow · 影子试行",
    responses=problems(401, 403, 404, 409, 415, 422),
)
async def shadow(
    hub: TheHub, actor: Admin, name: Name, version: Version, order: wire.ShadowOrder | None = None
) -> wire.ShadowReport:
    """Let a version translate recorded and live traffic beside the active one; it sends nothing.

    Called again, it declares what is expected to differ, or compares recorded messages.
    """
    wanted = order or wire.ShadowOrder()
    await hub.releases.shadow(name, version, actor=actor, expected=wanted.expected, reason=wanted.reason)
    return _report(await hub.observers.shadows.compare_recorded(name, version, wanted.recorded))


@router.get("/{name}/{version}/shadow", summary="What the shadow found · 试行报告", responses=problems(401, 403, 404))
async def found(hub: TheHub, actor: Admin, name: Name, version: Version) -> wire.ShadowReport:
    """Give how many documents were equal, and which fields differ how often, with masked examples."""
    await hub.releases.find(name, version)
    return _report(hub.observers.shadows.of(name, version))


@router.post(
    "/{name}/{version}/translate",
    summary="Try a translation · 试转换",
    responses=problems(401, 403, 404, 409, 415, 422),
)
async def translate(
    hub: TheHub, actor: Admin, incoming: TheIncoming, name: Name, version: Version, trial: wire.Trial
) -> wire.TrialResult:
    """Translate a body in, or a document out, with any version, a draft too. Nothing is kept and nothing is sent."""
    adapter = await hub.releases.adapter(name, version)
    if trial.direction == "in":
        tried = await asyncio.to_thread(playground.read, adapter, trial.name, trial.body, trial.content_type)
        return wire.TrialResult(messages=[_entry(one, incoming.language) for one in tried])
    if trial.document is None:
        raise Invalid(_NO_DOCUMENT, code="request.invalid")
    request = await asyncio.to_thread(playground.write, adapter, trial.name, trial.document, trial.settings)
    return wire.TrialResult(
        request=wire.TrialRequest(
            method=request.method,
            path=request.path,
            headers=dict(request.headers),
            body=playground.text(adapter, trial.name, request),
        )
    )


_NO_DOCUMENT = Text(
    "direction 为 out 时须在 document 中给出规范文书", "For direction `out`, give the canonical document in `document`"
)


def _entry(tried: Tried, language: str) -> wire.PreviewEntry:
    made = tried.outcome
    if isinstance(made, Translation):
        warnings = [wire.FieldError(**one) for one in tell_warnings([keep_warning(w) for w in made.warnings], language)]
        return wire.PreviewEntry(index=tried.index, type=made.type, document=made.document, warnings=warnings)
    told = problem(made.code, made.status, made.detail, made.findings, language=language)
    return wire.PreviewEntry(index=tried.index, problem=wire.Problem(**told))


def _report(run: ShadowRun) -> wire.ShadowReport:
    counts = run.counts()
    return wire.ShadowReport(
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
            wire.ShadowField(
                name=one.name,
                field=one.field,
                count=one.count,
                expected=one.expected,
                examples=[wire.ShadowExample(active=each.active, shadow=each.shadow) for each in one.examples],
            )
            for one in counts.fields
        ],
    )
