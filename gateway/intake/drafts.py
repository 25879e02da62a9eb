"""Write down what intake decided: the message, its deliveries, or the rejection; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from adapters.base import Adapter
from gateway.clock import new_id
from gateway.errors import problems
from gateway.intake import receiver, router
from gateway.intake.routes import Route, Routes
from gateway.intake.steps import CaseContext, IntakeCall, Planned, Translated
from gateway.ledger.records import Rejection
from gateway.message import Delivery, Message, State
from schemas.catalog import TYPES
from schemas.findings import Finding, Rejected, Text


def signed(route: Route, caller: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write into a document who sent it, where its type has a field for that."""
    return {**document, route.sender: caller} if route.sender else document


def message(
    call: IntakeCall,
    record: Translated,
    adapter: Adapter,
    context: CaseContext,
    noticed: Iterable[Finding],
    at: datetime,
) -> Message:
    """Write the message: the document with the numbers of their issuers, and apart from it what the case knew."""
    recognised, headers = context.recognised, record.headers
    message_id = new_id(at)
    return Message(
        id=message_id,
        type=record.type,
        document=context.document,
        source=call.platform.id,
        operation=call.operation,
        adapter=f"{adapter.name}@{adapter.version}",
        region=context.jurisdiction.region,
        ordering_key=recognised.ordering_key,
        correlation_id=context.correlation_id or message_id,
        received_at=at,
        identity=receiver.identity_of(record),
        digest=receiver.digest_of(record),
        keys=TYPES[record.type].keys(context.effective),
        causation_id=recognised.causation_id or headers.causation_id,
        corrects=headers.corrects or (context.corrects.id if context.corrects else None),
        enriched=context.enriched,
        raw_numbers=recognised.raw,
        warnings=tuple(problems.keep_warning(one) for one in noticed),
        trace_id=call.trace_id,
    )


def deliveries(message: Message, planned: Iterable[Planned]) -> tuple[Delivery, ...]:
    """Make a delivery of each planned one: ready, or unrouted when nobody can take it."""
    return tuple(
        Delivery(
            id=new_id(message.received_at),
            message_id=message.id,
            type=message.type,
            kind=one.kind,
            platform=one.platform,
            lane=message.ordering_key,
            state=State.UNROUTED if one.platform is None else State.READY,
            created_at=message.received_at,
            toward=one.toward,
        )
        for one in planned
    )


def unrouted_notices(routes: Routes, planned: Iterable[Planned]) -> list[Finding]:
    """Say for whom the message is kept until a platform can take it, one warning a delivery."""
    return [_unrouted(one, routes.kinds.get(one.kind, one.kind)) for one in planned if one.platform is None]


def _unrouted(planned: Planned, title: str) -> Finding:
    reach, _, place = (planned.toward or "").partition(".")
    if reach == router.NEAREST and place:
        zh = f"没有可接收的{title}覆盖报送平台所在地区 {place}；已留存，此类平台登记后立即投递"
        en = f"No {planned.kind} platform covers {place}, the sender's region, and can take it; "
    elif planned.toward == router.NEAREST:
        zh = f"没有可接收的{title}覆盖该地区；已留存，此类平台登记后立即投递"
        en = f"No {planned.kind} platform covers the region and can take it; "
    elif planned.toward == router.NATIONAL:
        zh = f"没有可接收的国家级{title}；已留存，登记后立即投递"
        en = f"No national {planned.kind} platform can take it; "
    else:
        zh = f"平台 {planned.toward} 未登记或不能接收；已留存，可接收后立即投递"
        en = f"The platform {planned.toward} is not registered or cannot take it; "
    message = Text(zh, f"{en}it is kept and goes out as soon as one can")
    return Finding("delivery.unrouted", message, value=planned.kind)


def rejection(call: IntakeCall, index: int, error: Rejected, at: datetime, *, kept: bool = True) -> Rejection:
    """Write a rejection with its problem document; one that is not `kept` has no id to be found under."""
    rejection_id = new_id(at) if kept else None
    return Rejection(
        id=rejection_id or "",
        platform=call.platform.id,
        operation=call.operation,
        received_at=at,
        index=index,
        status=error.status,
        code=error.code,
        problem=problems.keep(
            error.code,
            error.status,
            error.detail,
            error.findings,
            trace_id=call.trace_id,
            rejection_id=rejection_id,
        ),
    )
