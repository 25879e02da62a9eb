"""Cases across all systems: their documents, deliveries, timeline and statutory deadlines."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from gateway.api.deliveries import DeliveryDetail, ShownReplies, delivery_detail
from gateway.api.inbound.answer import problem_bytes
from gateway.api.inbound.request import Incoming
from gateway.api.limits import StrictRoute
from gateway.api.masking import TheMasking
from gateway.api.models import RestModel, TimelineEntry
from gateway.api.openapi import problems
from gateway.api.rights import Caller, Role, TheHub, TheIncoming, has_role, own_id
from gateway.api.sight import Sight, TheSight
from gateway.api.timeline import timeline
from gateway.errors.problems import problem
from gateway.ledger.records import NamedCase
from gateway.oversight.cases import AmbiguousCase, Sees, WholeCase
from gateway.oversight.clocks import CaseClock


class CaseNumberView(RestModel):
    """Which platform uses the number that was asked for, and what for."""

    platform: str
    field: str


class CaseDocumentView(RestModel):
    """A document of the case, with where it went."""

    id: str
    type: str
    source: str
    operation: str
    received_at: datetime
    keys: dict[str, str]
    deliveries: list[DeliveryDetail] = Field(description="To a platform, its own alone")


class ClockView(RestModel):
    """A statutory deadline, and how it stands."""

    rule: str = Field(examples=["case.decision"])
    title: str = Field(description="What is due, in the caller's language")
    article: str = Field(examples=["行政处罚法第六十条"])
    bound: Literal["authority", "party", "police", "publicity"] = Field(description="Whose deadline it is")
    about: str = Field(description="The measure or decision that it is counted for; empty: the case")
    counting: Literal["working", "natural"]
    started_at: date = Field(description="The day it counts from, which is not counted itself")
    due_at: date | None = Field(description="The last day; null while it is stopped or unknown")
    state: Literal["running", "met", "missed", "stopped", "unknown"] = Field(
        description="`unknown`: it needs a year whose holidays are not known"
    )
    ended_at: date | None
    days_left: int | None = Field(description="Days of the calendar, negative when it is over; null once it ended")
    evidence: list[str] = Field(description="The messages that show it")
    unknown_year: int | None = Field(description="The year whose holidays are not known")


class CaseView(RestModel):
    """A case across all systems."""

    case_number: str = Field(description="As its issuer writes it")
    correlation_id: str
    named_by: list[CaseNumberView]
    documents: list[CaseDocumentView] = Field(description="In the order in which they came")
    timeline: list[TimelineEntry]
    clocks: list[ClockView]
    complete: bool = Field(description="false: there were too many documents, and the oldest were left out")


router = APIRouter(prefix="/v1/cases", tags=["cases"], route_class=StrictRoute)

CaseNumber = Annotated[
    str,
    Path(
        max_length=200,
        description="Any number that a platform gave the case, or its decision's; a `/` in it is percent-encoded",
        examples=["浙杭环立〔2026〕1号"],
    ),
]
IssuedBy = Annotated[
    str | None,
    Query(max_length=100, description="Whose number it is, where several cases have it", examples=["penalty.330000"]),
]


@router.get(
    "/{case_number:path}",
    summary="A case across all systems · 案件全貌",
    responses=problems(401, 403, 404, 409, 422, 429),
    response_model=CaseView,
)
async def show(
    hub: TheHub,
    caller: Caller,
    sight: TheSight,
    masking: TheMasking,
    incoming: TheIncoming,
    case_number: CaseNumber,
    platform: IssuedBy = None,
) -> Any:
    """Give every document, delivery and receipt of a case, and each statutory deadline with its article.

    People see the documents of their regions. A platform that took part sees the documents that it sent or got, its
    own deliveries, and the deadlines; for others the case is not there. Several cases of that number: 409
    `case.ambiguous`, with `candidates`.
    """
    try:
        found = await hub.cases.of(case_number, issued_by=platform, sees=_sees(sight))
    except AmbiguousCase as error:
        return ambiguous(error, incoming)
    masked = {one.id for one in found.messages if await masking.hides_message(one)}
    return _view(found, sight, masked, incoming.language)


def _sees(sight: Sight) -> Sees | None:
    """Give what bounds the caller's sight; None: it is everything."""
    return sight.message if sight.bounded or sight.caller.platform else None


def ambiguous(error: AmbiguousCase, incoming: Incoming) -> Response:
    """Answer that a number names several cases, with the candidates."""
    said = problem(error.code, error.status, error.detail, language=incoming.language, trace_id=incoming.trace_id)
    candidates = [
        {"case_number": one.number, "platforms": one.platforms, "correlation_id": one.correlation_id}
        for one in error.candidates
    ]
    answer = problem_bytes({**said, "candidates": candidates})
    return Response(answer.body, answer.status, answer.headers, answer.content_type)


def _view(case: WholeCase, sight: Sight, masked: Set[str], language: str) -> CaseView:
    own = own_id(sight.caller)
    documents: list[CaseDocumentView] = []
    entries: list[TimelineEntry] = []
    for message in case.messages:
        if not sight.message(message, case.deliveries[message.id]):
            continue
        seen = [
            one for one in case.deliveries[message.id] if own in (None, one.platform) and sight.delivery(message, one)
        ]
        bodies = has_role(sight.caller, Role.BODY_READER)
        told = ShownReplies(message, masked=message.id in masked) if bodies else None
        documents.append(
            CaseDocumentView(
                id=message.id,
                type=message.type,
                source=message.source,
                operation=message.operation,
                received_at=message.received_at,
                keys=dict(message.keys),
                deliveries=[delivery_detail(one, case.attempts[one.id], sight.caller, replies=told) for one in seen],
            )
        )
        entries += timeline(message, seen, case.attempts, ())
    return CaseView(
        case_number=case.number,
        correlation_id=case.correlation_id,
        named_by=[CaseNumberView(platform=one.platform, field=one.field) for one in _named(case, sight, documents)],
        documents=documents,
        timeline=sorted(entries, key=lambda entry: entry.at),
        clocks=[_clock(one, language) for one in case.clocks],
        complete=case.complete,
    )


def _named(case: WholeCase, sight: Sight, documents: Sequence[CaseDocumentView]) -> Sequence[NamedCase]:
    """Give whose words the number is in: to a bounded sight, of who sent a document that is seen, or is its own."""
    if _sees(sight) is None:
        return case.numbers
    seen = {own_id(sight.caller), *(one.source for one in documents)}
    return [one for one in case.numbers if one.platform in seen or (sight.bounded and sight.platform(one.platform))]


def _clock(clock: CaseClock, language: str) -> ClockView:
    return ClockView(**clock_fields(clock, language))


def clock_fields(clock: CaseClock, language: str) -> dict[str, Any]:
    """Give the fields of a `ClockView`."""
    rule = clock.rule
    same = ("about", "started_at", "due_at", "ended_at", "days_left", "unknown_year")
    return {name: getattr(clock, name) for name in same} | {
        "rule": rule.rule,
        "title": rule.text.say(language),
        "article": rule.article,
        "bound": rule.bound.value,
        "counting": rule.counting.value,
        "state": clock.state.value,
        "evidence": list(clock.evidence),
    }
