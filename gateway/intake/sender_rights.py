"""What a sender may send: which types, about which region, and to which case."""

from __future__ import annotations

from gateway.intake.lookups import Lookups
from gateway.intake.routes import Route
from gateway.intake.steps import SubmissionHeaders
from gateway.ledger.records import Platform
from schemas import regions
from schemas.catalog import TYPES
from schemas.findings import Finding, Rejected, Text


def check_sender(route: Route, caller: Platform) -> None:
    """Refuse a message type that does not come from the caller's kind: Rejected `type.forbidden`, status 403."""
    if caller.kind in route.sources:
        return
    title = TYPES[route.type].title
    kinds = ", ".join(sorted(route.sources))
    detail = Text(
        f"{caller.kind} 平台不能发送 {title}（{route.type}）；可发送的平台类别：{kinds}",
        f"A {caller.kind} platform does not send {route.type}; it comes from: {kinds}",
    )
    raise Rejected("type.forbidden", detail, status=403)


def region_of(named: str | None, case: str | None, caller: Platform) -> str:
    """Give the region a message is about: what it names, else its case's, else the caller's.

    Rejected `region.outside` (403) when the sender names a place outside its own region.
    """
    if named is None:
        return case or caller.region
    if regions.covers(caller.region, named):
        return named
    place, own = regions.path_name(named), regions.path_name(caller.region)
    message = Text(
        f"{place}（{named}）不在 {own}（{caller.region}）之内",
        f"{named} ({place}) does not lie in {caller.region} ({own})",
    )
    detail = Text(
        f"文书所涉地区 {named} 超出本平台的行政区域 {caller.region}；请核对行政区划代码，或由当地平台报送",
        f"The document is about {named}, outside the caller's region {caller.region}; check the code, "
        "or let the platform of that place send it",
    )
    finding = Finding("region.outside", message, field="region", title="行政区划代码", value=named)
    raise Rejected("region.outside", detail, [finding], status=403)


async def tied(lookups: Lookups, caller: str, headers: SubmissionHeaders) -> str | None:
    """Give the correlation that the sender names, itself or through what it corrects; None when it names none.

    Rejected `message.unknown` for a message that is not the caller's, and `correlation.foreign`
    (403) for a case that the caller has no part in: else it could read a case of others and add to it.
    """
    corrected = await _corrected(lookups, caller, headers.corrects) if headers.corrects else None
    if headers.correlation_id is None:
        return corrected
    named = await lookups.case(headers.correlation_id)
    if not await lookups.is_open(named):
        raise _foreign(headers.correlation_id)
    return named


async def _corrected(lookups: Lookups, caller: str, message_id: str) -> str:
    message = await lookups.message(message_id)
    if message is None or message.source != caller:
        raise Rejected(
            "message.unknown",
            Text(
                f"本平台没有发送过消息 {message_id}；请核对 corrects",
                f"This platform sent no message {message_id}; check `corrects`",
            ),
            [_finding("corrects", message_id)],
        )
    return await lookups.case(message_id)


def _foreign(correlation_id: str) -> Rejected:
    detail = Text(
        f"本平台未参与案件 {correlation_id}；请去掉 correlation_id 或核对后重发",
        f"This platform has no part in correlation {correlation_id}; leave correlation_id out, or check it",
    )
    return Rejected("correlation.foreign", detail, [_finding("correlation_id", correlation_id)], status=403)


def _finding(path: str, value: str) -> Finding:
    return Finding(
        "value.unknown", Text("网关没有可用的记录", "The gateway has nothing under it"), path=path, value=value
    )
