"""Assessment of case files: what the checks came to, with what shows it, and runs over a region and a time."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path, Query
from pydantic import Field, model_validator

from gateway.api.cases import ambiguous
from gateway.api.limits import StrictRoute
from gateway.api.models import Cursor, Instant, Limit, RestModel, in_utc
from gateway.api.openapi import problems
from gateway.api.rights import Actor, Intends, TheHub, TheIncoming
from gateway.api.sight import TheSight, outside, page_in_sight
from gateway.ledger.assessments import AssessmentRun, CaseFinding
from gateway.ledger.errors import no_run
from gateway.oversight.cases import AmbiguousCase
from schemas.assessment import CaseCheck
from schemas.assessment_file import bundled
from schemas.findings import Text

Outcome = Literal["met", "missed", "not-applicable", "unknown"]


class AnswerView(RestModel):
    """What the authority said of a finding."""

    platform: str
    at: datetime
    reviewer: str | None
    answer: str | None


class FindingView(RestModel):
    """What one check of a case came to: a finding about a file, never a verdict about a person."""

    case_number: str = Field(description="As its issuer writes it")
    region: str
    rule: str = Field(examples=["officers.two"])
    title: str = Field(description="What is right, in the caller's language")
    numbers: list[int] = Field(description="Its items of the 2024 细则; empty: it is none of them")
    legality: bool = Field(description="A legality item: a hit scores the file 0")
    article: str | None
    version: str = Field(description="Of the rule")
    result: Outcome
    said: str = Field(description="What was looked at and what was seen, in the caller's language")
    evidence: list[str] = Field(description="The messages that show it")
    at: datetime = Field(description="Since when it is so")
    told: str | None = Field(description="The message by which platforms were told; null: they were not")
    answered: AnswerView | None


class FindingList(RestModel):
    """A page of findings, those that became so last first."""

    findings: list[FindingView]
    cursor: str | None = Field(description="Ask for the next page with it")


class AssessmentRequest(RestModel):
    """What to assess: one case, or the cases of a region of which something came in a time."""

    case_number: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    platform: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="Whose number it is, where several cases have it"
    )
    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = Field(default=None, examples=["330100"])
    period: Annotated[str, Field(pattern=r"^(19[7-9][0-9]|20[0-9]{2})(-(0[1-9]|1[0-2]))?$")] | None = Field(
        default=None, description="A year or a month, instead of `since` and `until`", examples=["2026-03"]
    )
    since: Instant | None = None
    until: Instant | None = None
    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S", examples=["季度案卷评查"])

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        if self.case_number is not None and (self.region or self.period or self.since or self.until):
            raise ValueError("a case, or a region and a time: not both")
        if self.period is not None and (self.since or self.until):
            raise ValueError("either `period`, or `since` and `until`")
        return self


class RunView(RestModel):
    """How far an assessment of one case or many has come."""

    id: str
    case_number: str | None
    region: str | None
    since: datetime | None
    until: datetime | None
    reason: str
    actor: str
    cases: int = Field(description="Assessed so far; one that had documents in several steps counts for each")
    changed: int = Field(description="Findings that came out otherwise than before")
    progress: float = Field(description="0 to 1, by when the documents came", ge=0, le=1)
    created_at: datetime
    finished_at: datetime | None


router = APIRouter(prefix="/v1/assessments", tags=["cases"], route_class=StrictRoute)

RunId = Annotated[str, Path(max_length=100, description="The id that the run was given when it began")]


@router.get("", summary="What the checks of case files came to · 案卷评查", responses=problems(401, 403, 422))
async def find(
    hub: TheHub,
    sight: TheSight,
    incoming: TheIncoming,
    case_number: Annotated[str | None, Query(max_length=200, description="Any number that a platform gave it")] = None,
    region: Annotated[
        str | None, Query(pattern=r"^[0-9]{6}$", description="And all that lies in it", examples=["330100"])
    ] = None,
    rule: Annotated[str | None, Query(max_length=100, examples=["officers.two"])] = None,
    result: Outcome | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> FindingList:
    """Give the last finding of each case and rule: what was looked at, and the messages that show it.

    A finding is about a file and never a verdict about a person; what no document tells is `unknown`.
    """
    named = {"case_number": case_number, "region": region, "rule": rule, "result": result}

    async def seen(one: CaseFinding) -> bool:
        return sight.place(one.region)

    page = await page_in_sight(lambda cursor: hub.assessments.find(**named, cursor=cursor, limit=limit), seen, cursor)
    checks = {each.rule: each for each in bundled().checks}
    views = [_finding(each, checks.get(each.rule), incoming.language) for each in page.items]
    return FindingList(findings=views, cursor=page.cursor)


@router.post(
    "",
    status_code=202,
    summary="Assess a case, or the cases of a region and a time · 开展评查",
    responses=problems(400, 401, 403, 404, 409, 415, 422),
    response_model=RunView,
)
async def start(hub: TheHub, sight: TheSight, intends: Intends, incoming: TheIncoming, order: AssessmentRequest) -> Any:
    """Assess in the background; errors and restarts of the gateway do not stop it. `GET` its id tells how far it is.

    Findings that changed, and those that nobody was told of yet, go to the platforms of their case. Whoever works for
    some regions names one of them, or a case of theirs.
    """
    since, until = _times(order, hub.zone)
    try:
        if sight.bounded and order.case_number is not None:
            await hub.cases.of(order.case_number, issued_by=order.platform, sees=sight.message)
        elif sight.bounded and (order.region is None or not sight.place(order.region)):
            raise outside()
        run = await hub.assessments.begin(
            intends(order.reason),
            region=order.region,
            since=since,
            until=until,
            case_number=order.case_number,
            platform=order.platform,
        )
    except AmbiguousCase as error:
        return ambiguous(error, incoming)
    return _run(run)


@router.get("/{run_id}", summary="How far an assessment has come · 评查进度", responses=problems(401, 403, 404))
async def show(hub: TheHub, sight: TheSight, actor: Actor, run_id: RunId) -> RunView:
    """Give how many cases were assessed, and how many findings changed."""
    run = await hub.assessments.progress(run_id)
    if sight.bounded and run.actor != actor and (run.region is None or not sight.place(run.region)):
        raise no_run(run_id)
    return _run(run)


def _times(order: AssessmentRequest, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    if order.period is None:
        return in_utc(order.since, zone), in_utc(order.until, zone)
    year, month = int(order.period[:4]), int(order.period[5:] or 0)
    first = datetime(year, month or 1, 1, tzinfo=zone)
    over = (
        datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone) if month else datetime(year + 1, 1, 1, tzinfo=zone)
    )
    return in_utc(first, zone), in_utc(over, zone)


def _finding(kept: CaseFinding, check: CaseCheck | None, language: str) -> FindingView:
    heard = None
    if kept.answered_by is not None and kept.answered_at is not None:
        heard = AnswerView(platform=kept.answered_by, at=kept.answered_at, reviewer=kept.reviewer, answer=kept.answer)
    return FindingView(
        case_number=kept.case_number,
        region=kept.region,
        rule=kept.rule,
        title=kept.rule if check is None else check.text.say(language),
        numbers=[] if check is None else list(check.numbers),
        legality=check is not None and check.legality,
        article=None if check is None else check.article,
        version=kept.version,
        result=kept.result,
        said=Text(kept.said_zh, kept.said_en).say(language),
        evidence=list(kept.evidence),
        at=kept.at,
        told=kept.told or None,
        answered=heard,
    )


def _run(run: AssessmentRun) -> RunView:
    shown = {name: getattr(run, name) for name in RunView.model_fields if name != "progress"}
    return RunView(**shown, progress=_progress(run))


def _progress(run: AssessmentRun) -> float:
    if run.finished_at is not None:
        return 1.0
    if run.since is None or run.until is None or run.reached_at is None or run.until <= run.since:
        return 0.0
    return min(1.0, (run.reached_at - run.since) / (run.until - run.since))
