"""The regular report: figures of a period and a region, the use of the gateway, and the messages behind each figure."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import Field

from gateway.api import report_files
from gateway.api.limits import StrictRoute
from gateway.api.models import Cursor, Limit, Moment, RestModel, in_utc
from gateway.api.openapi import problems
from gateway.api.rights import Actor, TheHub, TheIncoming
from gateway.api.sight import TheSight
from gateway.oversight.figures import Figure
from gateway.oversight.reports import GroupedBy, UsageReport
from schemas.figures import FigureUnit
from schemas.regions import NATIONAL

Amount = int | float | str | None


class FigureView(RestModel):
    """A figure: what was counted, and what follows. Yuan are decimal texts; the rest are numbers."""

    figure: str = Field(examples=["entry-timeliness"])
    title: str = Field(description="In the caller's language")
    unit: Literal["share", "count", "yuan"] = Field(
        description="`value` is numerator by denominator, the numerator alone, or a mean in yuan"
    )
    numerator: Amount
    denominator: Amount
    value: Amount = Field(description="null: not known, as `unknown` says")
    unknown: str | None = Field(description="Why it is not known")
    late: int = Field(description="How many of what was counted came to stand like this after the period's end")


class GroupView(RestModel):
    """A region, authority or month, with its figures."""

    group: str
    title: str
    figures: list[FigureView]


class PlatformUseView(RestModel):
    """What came of a platform in the period."""

    platform: str
    received: int
    rejected: int
    rejection_rate: float | None
    heard_at: datetime | None = Field(description="When it was heard last, at all")


class CountyUseView(RestModel):
    """A county where a platform is registered, and when a document about it came last."""

    region: str
    title: str
    heard_at: datetime | None


class DurationView(RestModel):
    """How long something took, in seconds, rounded up by at most a tenth."""

    count: int
    median: int | None
    worst: int | None


class UseView(RestModel):
    """How the gateway is used."""

    platforms: list[PlatformUseView]
    counties: list[CountyUseView]
    counties_heard: int = Field(description="How many of them were ever heard of")
    officers: int = Field(description="Officers who acted in the period")
    arrival: DurationView = Field(description="From what happened to its arrival here")
    delivery: DurationView = Field(description="From arrival to being accepted, of what arrived in the period")


class ReportView(RestModel):
    """The regular report."""

    period: str
    since: date
    until: date
    over: bool = Field(description="Whether the period has ended; else more is still to come")
    region: str
    title: str
    by: Literal["region", "authority", "month"] | None
    as_of: datetime | None = Field(description="The moment as of which it was asked for")
    made_at: datetime
    figures: list[FigureView] = Field(description="Of the whole period and region")
    groups: list[GroupView]
    use: UseView | None = Field(description="null as of a moment: of this only the present is known")


class FigureMessage(RestModel):
    """A message behind a figure, and what it tells of; it may be pruned meanwhile."""

    message_id: str
    occurrence: str = Field(examples=["inspection"])
    day: date
    region: str
    authority: str


class FigureMessages(RestModel):
    """A page of them."""

    messages: list[FigureMessage]
    cursor: str | None


router = APIRouter(prefix="/v1/reports/usage", tags=["reports"], route_class=StrictRoute)

InPeriod = Annotated[str, Query(max_length=7, description="A month or a year", examples=["2026-03", "2026"])]
InRegion = Annotated[str, Query(max_length=6, description="A region or area, with all in it", examples=["330000"])]
By = Annotated[GroupedBy | None, Query(description="What to tell apart beside the whole")]
Name = Annotated[str, Path(max_length=100, description="A figure", examples=["entry-timeliness"])]
PartOf = Annotated[Literal["numerator", "denominator"], Query(description="Which part of it")]

_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report; `Accept` says in which format",
        "content": {
            media: {"schema": {"type": "string", "format": "binary"}} for media in (report_files.CSV, report_files.XLSX)
        },
    }
}


@router.get(
    "",
    summary="The regular report · 应用情况通报",
    responses={**problems(401, 403, 422, 503), **_FILES},
    response_model=ReportView,
)
async def usage(
    hub: TheHub,
    sight: TheSight,
    actor: Actor,
    incoming: TheIncoming,
    period: InPeriod,
    region: InRegion = NATIONAL,
    by: By = None,
    as_of: Moment = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Any:
    """Give the figures of a month or a year, and how the gateway is used; as JSON, CSV or XLSX, as `Accept` says.

    The day in a document decides when it counts, and its last version how. With `as_of` everything stands as it did
    at that moment: the report of March made in May can be made again, and `late` says what arrived since.
    """
    sight.check_place(region)
    report = await hub.reports.usage(period, region, by, in_utc(as_of, hub.zone))
    for media, write in report_files.WRITERS.items():
        if media in accept:
            name = f"hutong-{report.period.name}-{report.region}.{report_files.SUFFIXES[media]}"
            headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept, Accept-Language"}
            content = await asyncio.to_thread(write, report, incoming.language, hub.zone)
            return Response(content, media_type=media, headers=headers)
    content = await asyncio.to_thread(lambda: _view(report, incoming.language).model_dump_json().encode())
    return Response(content, media_type="application/json", headers={"Vary": "Accept, Accept-Language"})


@router.get(
    "/figures/{name}/messages",
    summary="The messages behind a figure · 指标依据",
    responses=problems(401, 403, 404, 422, 503),
)
async def messages(
    hub: TheHub,
    sight: TheSight,
    actor: Actor,
    name: Name,
    period: InPeriod,
    region: InRegion = NATIONAL,
    part: PartOf = "numerator",
    as_of: Moment = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> FigureMessages:
    """Give the message behind each occurrence that a figure counts; counties and cities have none.

    With `as_of`, behind each that the report as of that moment counts; what came or changed since is left out.
    """
    sight.check_place(region)
    page = await hub.reports.messages(name, period, region, part, cursor, limit, in_utc(as_of, hub.zone))
    return FigureMessages(
        messages=[
            FigureMessage(
                message_id=one.message_id,
                occurrence=one.name,
                day=one.day,
                region=one.region,
                authority=one.authority,
            )
            for one in page.items
        ],
        cursor=page.cursor,
    )


def _view(report: UsageReport, language: str) -> ReportView:
    use = report.use
    return ReportView(
        period=report.period.name,
        since=report.period.first,
        until=report.period.last,
        over=report.over,
        region=report.region,
        title=report.title,
        by=report.by.value if report.by else None,
        as_of=report.as_of,
        made_at=report.made_at,
        figures=[_figure(one, language) for one in report.figures],
        groups=[
            GroupView(group=one.key, title=one.title, figures=[_figure(each, language) for each in one.figures])
            for one in report.groups
        ],
        use=None
        if use is None
        else UseView(
            platforms=[PlatformUseView.of(one) for one in use.platforms],
            counties=[CountyUseView.of(one) for one in use.counties],
            counties_heard=use.counties_heard,
            officers=use.officers,
            arrival=DurationView.of(use.arrival),
            delivery=DurationView.of(use.delivery),
        ),
    )


def _figure(figure: Figure, language: str) -> FigureView:
    money = figure.rule.unit is FigureUnit.YUAN
    return FigureView(
        figure=figure.rule.figure,
        title=figure.rule.text.say(language),
        unit=figure.rule.unit.value,
        numerator=_amount(figure.numerator, money=money),
        denominator=_amount(figure.denominator, money=False),
        value=_amount(figure.value, money=money),
        unknown=figure.unknown.say(language) if figure.unknown else None,
        late=figure.late,
    )


def _amount(value: Decimal | None, *, money: bool) -> Amount:
    if value is None or money:
        return None if value is None else str(value)
    return int(value) if value == value.to_integral_value() else float(value)
