"""Statutory deadlines of all cases: those that run out, that were missed, and that nobody can count."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from gateway.api.cases import ClockView, clock_fields
from gateway.api.limits import StrictRoute
from gateway.api.models import Cursor, Limit, RestModel
from gateway.api.openapi import problems
from gateway.api.rights import TheHub, TheIncoming
from gateway.api.sight import TheSight, page_in_sight
from gateway.oversight.clock_list import ListedClock, ListedState


class ListedClockView(ClockView):
    """A statutory deadline, how it stands today, and the case that it belongs to."""

    case_number: str = Field(description="As its issuer writes it; of a measure without a case, the measure's")
    correlation_id: str
    region: str
    platforms: list[str] = Field(description="Those that sent or got a document of the case")
    lapsing: bool = Field(description="It runs, and its last day is near (`HUTONG_CLOCK_WARNING_DAYS`)")
    complete: bool = Field(description="false: the case has too many documents, and the oldest were left out")


class ClockPage(RestModel):
    """Deadlines, what ends first first. `cursor` continues after the last; null: there is no more."""

    clocks: list[ListedClockView]
    cursor: str | None


router = APIRouter(prefix="/v1/clocks", tags=["cases"], route_class=StrictRoute)


@router.get("", summary="Find statutory deadlines · 查找法定期限", responses=problems(401, 403, 422, 429))
async def find(
    hub: TheHub,
    sight: TheSight,
    incoming: TheIncoming,
    state: Annotated[
        ListedState | None,
        Query(description="How they stand today; `lapsing`: running, and due within the days of warning"),
    ] = None,
    region: Annotated[
        str | None,
        Query(pattern=r"^[0-9]{6}$", description="Of this region and all that lies in it", examples=["330100"]),
    ] = None,
    until: Annotated[date | None, Query(description="Due on this day or before", examples=["2026-12-31"])] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ClockPage:
    """Find the deadlines of all cases of the caller's regions, what ends first first.

    What has no last day (stopped, unknown) is behind. They are counted a moment after a document came, and anew when a
    year of the calendar is entered. Whether one is missed follows from today. With `until`, what has no last day is
    left out.
    """

    async def seen(one: ListedClock) -> bool:
        return sight.place(one.case.region) or any(map(sight.platform, one.case.platforms))

    page = await page_in_sight(lambda cursor: hub.clocks.find(state, region, until, cursor, limit), seen, cursor)
    return ClockPage(clocks=[_view(one, incoming.language) for one in page.items], cursor=page.cursor)


def _view(listed: ListedClock, language: str) -> ListedClockView:
    case = listed.case
    return ListedClockView(
        **clock_fields(listed.clock, language),
        case_number=case.number,
        correlation_id=case.correlation_id,
        region=case.region,
        platforms=list(case.platforms),
        lapsing=listed.lapsing,
        complete=case.complete,
    )
