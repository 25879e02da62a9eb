"""What a sender may send: which types, about which region, and to which case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.intake.coverage import Coverage
from gateway.intake.lookups import Lookups
from gateway.intake.routes import Route
from gateway.intake.steps import Jurisdiction, SubmissionHeaders
from gateway.ledger.records import AuditEntry, Platform
from schemas.catalog import TYPES
from schemas.codes import table
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


def jurisdiction(
    named: str | None,
    case: str | None,
    mandate: Any,
    caller: Platform,
    coverage: Coverage,
    settled: str | None = None,
) -> Jurisdiction:
    """Give the region a message is about: what it names, else its case's, else the caller's.

    `settled` is the region of a case that the caller takes part in, for a document that cannot state a mandate: it
    was settled when the case began that the caller may speak of it. Any other place that the caller is not there
    for needs a mandate (交叉执法、指定管辖、提级管辖、委托) of a kind that its registration grants: Rejected
    `mandate.not-allowed`, without any mandate `region.outside`, both 403.
    """
    if named is None:
        return Jurisdiction(case or caller.region)
    if named == settled or coverage.covers(caller, named):
        return Jurisdiction(named)
    if not isinstance(mandate, Mapping):
        raise _outside(named, caller, coverage)
    if mandate.get("kind") not in caller.mandates:
        raise _not_granted(str(mandate.get("kind")), named, caller)
    return Jurisdiction(named, mandate)


def used(jurisdiction: Jurisdiction, message_id: str, caller: str, at: datetime) -> tuple[AuditEntry, ...]:
    """Give what is to be audited of a message: that a mandate was used for it, of which kind and number, and where."""
    mandate = jurisdiction.mandate
    if mandate is None:
        return ()
    detail = {"kind": str(mandate["kind"]), "region": jurisdiction.region}
    return (AuditEntry(at, caller, "mandate.used", message_id, str(mandate.get("number", "")), detail),)


def _not_granted(kind: str, named: str, caller: Platform) -> Rejected:
    title = table("mandate-kind").rows[kind].title if kind in table("mandate-kind") else kind
    detail = Text(
        f"本平台的登记未授予“{title}”（{kind}），不能据此报送 {named} 的文书；"
        "请网关管理员核实后在平台登记的 mandates 中授予",
        f"This platform is not registered for mandates of the kind {kind}, by which it speaks of {named}; "
        "ask the administrator to grant it under `mandates`",
    )
    finding = _finding("mandate.kind", kind)
    return Rejected("mandate.not-allowed", detail, [finding], status=403)


def _outside(named: str, caller: Platform, coverage: Coverage) -> Rejected:
    place, own = coverage.name(named), coverage.name(caller.region)
    message = Text(
        f"{place}（{named}）不在 {own}（{caller.region}）之内",
        f"{named} ({place}) does not lie in {caller.region} ({own})",
    )
    detail = Text(
        f"文书所涉地区 {named} 超出本平台的行政区域 {caller.region}；请核对行政区划代码，或由当地平台报送；"
        "交叉执法、指定管辖、提级管辖、委托办理的，请填写 mandate",
        f"The document is about {named}, outside the caller's region {caller.region}; check the code, "
        "let the platform of that place send it, or state the `mandate` it is sent under",
    )
    finding = Finding("region.outside", message, field="region", title="行政区划代码", value=named)
    return Rejected("region.outside", detail, [finding], status=403)


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
