"""What is shown of what is kept: values of the gateway become models of the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adapters.base import Adapter, Lineage, Setting
from gateway.api import wire
from gateway.api.answers import message_state
from gateway.delivery.dispatcher import Ping
from gateway.errors.problems import tell_warnings, told
from gateway.hub.dossier import Enterprise, EnterprisePart
from gateway.ledger.records import AuditEntry, BulkReplay, Platform, Rejection
from gateway.message import Attempt, Delivery, Enriched, Message, State
from gateway.observe.drift import DriftPage
from gateway.releases import Release
from schemas import regions

DOSSIER = "dossier"
"""The setting that holds the dossier right."""

LONGEST_REPLY = 4096
"""Bytes of a platform's reply that are shown."""


def message_view(message: Message, deliveries: Sequence[Delivery]) -> wire.MessageView:
    """Show a message's headers."""
    return wire.MessageView(**_headers(message, deliveries))


def message_detail(
    message: Message,
    deliveries: Sequence[wire.DeliveryDetail],
    states: Sequence[Delivery],
    timeline: Iterable[AuditEntry],
    language: str,
) -> wire.MessageDetail:
    """Show a message with everything that happened to it, oldest first."""
    return wire.MessageDetail(
        **_headers(message, states),
        warnings=[wire.FieldError(**one) for one in tell_warnings(message.warnings, language)],
        enriched=enriched_view(message.enriched),
        deliveries=list(deliveries),
        timeline=[timeline_entry(one) for one in sorted(timeline, key=lambda entry: entry.at)],
    )


def _headers(message: Message, deliveries: Sequence[Delivery]) -> dict[str, Any]:
    return {
        "id": message.id,
        "type": message.type,
        "state": message_state(deliveries),
        "source": message.source,
        "operation": message.operation,
        "adapter": message.adapter,
        "region": message.region,
        "ordering_key": message.ordering_key,
        "correlation_id": message.correlation_id,
        "causation_id": message.causation_id,
        "corrects": message.corrects,
        "received_at": message.received_at,
        "keys": dict(message.keys),
        "trace_id": message.trace_id,
    }


def enriched_view(enriched: Mapping[str, Enriched]) -> dict[str, wire.EnrichedView]:
    """Show what the case already knew."""
    return {field: wire.EnrichedView(value=one.value, message_id=one.message_id) for field, one in enriched.items()}


def timeline_entry(entry: AuditEntry) -> wire.TimelineEntry:
    """Show one thing that was done."""
    return wire.TimelineEntry(
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        reason=entry.reason,
        detail=dict(entry.detail),
    )


def delivery_view(delivery: Delivery) -> wire.DeliveryView:
    """Show a delivery as it stands."""
    return wire.DeliveryView(**_delivery(delivery))


def delivery_detail(delivery: Delivery, attempts: Sequence[Attempt], *, replies: bool) -> wire.DeliveryDetail:
    """Show a delivery with its attempts; the platform's own words only when `replies`."""
    receipt = None
    if delivery.state is State.DELIVERED:
        receipt = wire.ReceiptView(reference=delivery.reference, at=delivery.changed_at)
    tries = [attempt_view(one, replies=replies) for one in attempts]
    return wire.DeliveryDetail(**_delivery(delivery), tries=tries, receipt=receipt)


def _delivery(delivery: Delivery) -> dict[str, Any]:
    names = wire.DeliveryView.model_fields
    return {name: getattr(delivery, name) for name in names}


def attempt_view(attempt: Attempt, *, replies: bool) -> wire.AttemptView:
    """Show one try."""
    return wire.AttemptView(
        number=attempt.number,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        verdict=attempt.verdict,
        status=attempt.status,
        reference=attempt.reference,
        reason=attempt.reason,
        code=attempt.code,
        reply=attempt.reply[:LONGEST_REPLY].decode("utf-8", "replace") if replies else None,
    )


def rejection_view(rejection: Rejection, language: str) -> wire.RejectionView:
    """Show what was not accepted, and why."""
    return wire.RejectionView(
        id=rejection.id,
        platform=rejection.platform,
        operation=rejection.operation,
        received_at=rejection.received_at,
        index=rejection.index,
        status=rejection.status,
        code=rejection.code,
        problem=wire.Problem(**told(rejection.problem, language)),
    )


def replay_view(replay: BulkReplay) -> wire.ReplayView:
    """Show how far a replay of many has come."""
    return wire.ReplayView(
        id=replay.id,
        filter=wire.ReplayFilter.model_validate(
            {
                "state": (replay.filter.state or State.DEAD).value,
                "platform": replay.filter.platform,
                "message_id": replay.filter.message_id,
            }
        ),
        reason=replay.reason,
        actor=replay.actor,
        stale_ok=replay.stale_ok,
        total=replay.total,
        replayed=replay.replayed,
        failed=replay.failed,
        created_at=replay.created_at,
        finished_at=replay.finished_at,
    )


def platform_view(platform: Platform, adapter: Adapter | None) -> wire.PlatformView:
    """Show a platform; a setting that its adapter does not know counts as secret, save the address."""
    secret = {name for name in platform.settings if _is_secret(name, adapter)}
    return wire.PlatformView(
        id=platform.id,
        kind=platform.kind,
        region=platform.region,
        region_name=regions.path_name(platform.region) or "",
        adapter=platform.adapter,
        version=platform.version,
        settings={name: value for name, value in platform.settings.items() if name not in {*secret, DOSSIER}},
        secrets=sorted(secret),
        mode=platform.mode,
        dossier=may_read_dossiers(platform),
        holds=sorted(platform.holds),
        held_since=platform.held_since,
        created_at=platform.created_at,
    )


def may_read_dossiers(platform: Platform) -> bool:
    """Tell whether an administrator gave a platform the dossier right."""
    return platform.settings.get(DOSSIER) is True


def _is_secret(name: str, adapter: Adapter | None) -> bool:
    setting = None if adapter is None else adapter.settings.get(name)
    if setting is None:
        return name not in ("base_url", DOSSIER)
    return setting.type == "secret"


def drift_report(platform_id: str, pages: Mapping[str, DriftPage]) -> wire.DriftReport:
    """Show what a platform sends that its adapter does not know."""
    return wire.DriftReport(
        platform=platform_id,
        operations=[_operation_drift(operation, page) for operation, page in pages.items()],
    )


def _operation_drift(operation: str, page: DriftPage) -> wire.OperationDrift:
    names = wire.OddityView.model_fields
    return wire.OperationDrift(
        operation=operation,
        adapter=f"{page.adapter.name}@{page.adapter.version}",
        records=page.records,
        oddities=[wire.OddityView(**{name: getattr(one, name) for name in names}) for one in page.oddities()],
        more=page.more,
    )


def ping_view(ping: Ping) -> wire.PingView:
    """Show whether a platform answered."""
    milliseconds = round(ping.seconds * 1000, 1)
    return wire.PingView(reachable=ping.ok, status=ping.status, milliseconds=milliseconds, detail=ping.reason)


def dossier_view(enterprise: Enterprise) -> wire.Dossier:
    """Show everything known about an enterprise."""
    return wire.Dossier(
        credit_code=enterprise.credit_code,
        name=enterprise.name,
        at=enterprise.at,
        parts={name: _part(part) for name, part in enterprise.parts.items()},
    )


def _part(part: EnterprisePart) -> wire.DossierPart:
    return wire.DossierPart(
        state=part.state,
        entries=[
            wire.DossierEntry(
                type=one.type, document=dict(one.document), platform=one.platform, at=one.at, message_id=one.message_id
            )
            for one in part.entries
        ],
        sources=[
            wire.DossierSource(platform=one.platform, state=one.state, at=one.at, detail=one.detail)
            for one in part.sources
        ],
    )


def adapter_view(release: Release) -> wire.AdapterView:
    """Show a version of an adapter."""
    return wire.AdapterView(**_version(release), **_spoken(release.adapter))


def adapter_detail(release: Release, done: Iterable[AuditEntry]) -> wire.AdapterDetail:
    """Show a version with its last proof and what was done to it."""
    report = release.kept.report
    return wire.AdapterDetail(
        **_version(release),
        **_spoken(release.adapter),
        report=None if report is None else dict(report),
        timeline=[timeline_entry(one) for one in done],
    )


def _version(release: Release) -> dict[str, Any]:
    kept = release.kept
    return {
        "name": kept.name,
        "version": kept.version,
        "digest": kept.digest,
        "state": kept.state,
        "uploaded": kept.uploaded,
        "usable": release.adapter is not None,
        "platforms": list(release.platforms),
        "expected": list(kept.expected),
        "created_at": kept.created_at,
        "changed_at": kept.changed_at,
        "activated_at": kept.activated_at,
    }


def _spoken(adapter: Adapter | None) -> dict[str, Any]:
    """Show what an adapter speaks; of one that does not compile any more nothing is known."""
    if adapter is None:
        return {"title": "", "kind": "", "receives": {}, "sends": [], "queries": [], "settings": []}
    return {
        "title": adapter.title,
        "kind": adapter.kind,
        "receives": dict(adapter.receives),
        "sends": sorted(adapter.sends),
        "queries": sorted(adapter.queries),
        "settings": [_setting(one) for one in adapter.settings.values()],
    }


def _setting(one: Setting) -> wire.SettingView:
    return wire.SettingView(
        name=one.name,
        type=one.type,
        title=one.title,
        required=one.required,
        default=one.default,
        choices=list(one.choices),
    )


def lineage_view(lineage: Lineage) -> wire.LineageView:
    """Show where one canonical value came from."""
    return wire.LineageView(
        field=lineage.field,
        title=lineage.title,
        path=lineage.path,
        converters=list(lineage.converters),
        codes=lineage.codes,
        note=lineage.note,
    )
