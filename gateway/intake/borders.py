"""Who may send what, about where; pure."""

from __future__ import annotations

from gateway.intake.routes import Route
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
