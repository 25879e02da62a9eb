"""Years of the calendar: which days are free beside weekends, and which weekend days are worked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from gateway.api.limits import StrictRoute
from gateway.api.models import RestModel
from gateway.api.openapi import problems
from gateway.api.rights import Actor, Intends, TheHub
from gateway.ledger.records import CalendarYear

Days = list[Annotated[str, Field(max_length=10)]]


class CalendarOrder(RestModel):
    """A year as the State Council published it, whole; days are `YYYY-MM-DD`."""

    holidays: Days = Field(max_length=60, description="Days that are free", examples=[["2027-10-01", "2027-10-02"]])
    workdays: Days = Field(
        default_factory=list,
        max_length=60,
        description="Weekend days that are worked to make up for them",
        examples=[["2027-10-09"]],
    )


class CalendarView(RestModel):
    """A year of the calendar."""

    year: int
    holidays: list[str]
    workdays: list[str]
    at: datetime | None = Field(description="When it was entered; null: as it was published when this release was made")


router = APIRouter(prefix="/v1/calendar", tags=["cases"], route_class=StrictRoute)

Year = Annotated[int, Path(ge=2000, le=2100, description="The year", examples=[2027])]


@router.get("/{year}", summary="Show a year of the calendar · 查看节假日", responses=problems(401, 403, 404, 422))
async def show(hub: TheHub, actor: Actor, year: Year) -> CalendarView:
    """Give its holidays and make-up days; a year that nobody knows is `calendar.unknown`."""
    return CalendarView.of(await hub.calendar.of(year))


@router.put(
    "/{year}", summary="Enter a year of the calendar · 录入节假日", responses=problems(400, 401, 403, 409, 415, 422)
)
async def put(hub: TheHub, intends: Intends, year: Year, order: CalendarOrder) -> CalendarView:
    """Let deadlines count by it, instead of by what was known of the year before."""
    intent = intends("")
    entered = CalendarYear(year, tuple(order.holidays), tuple(order.workdays), intent.at)
    return CalendarView.of(await hub.calendar.enter(entered, intent))
