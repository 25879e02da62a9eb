"""The requests and answers of the REST layer, as models: names and shapes are public."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.message import HeldBy, State


class Wire(BaseModel):
    """The base of what goes over the wire: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# ── problems ──────────────────────────────────────────────────────────────────────────────────
class FieldError(BaseModel):
    """One fault of a document: where it was written, which field it is, what to do."""

    model_config = ConfigDict(extra="allow")

    code: str = Field(description="A stable word for the fault, such as `identifier.shape`")
    message: str = Field(description="What is wrong and what to do, in the caller's language")
    path: str = Field(default="", description="Where the sender wrote it (native path)")
    field: str = Field(default="", description="The canonical field")
    title: str = Field(default="", description="The field's Chinese title")
    value: Any = Field(default=None, description="The value as sent, masked when personal")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="A URI that names the problem")
    title: str = Field(description="The kind of problem, in the caller's language")
    status: int = Field(description="The HTTP status")
    detail: str = Field(description="What happened and what to do next")
    code: str = Field(description="A stable word for programs")
    trace_id: str | None = Field(default=None, description="Quote it to the operators")
    rejection_id: str | None = Field(default=None, description="Under this name the rejected bytes are kept")
    errors: list[FieldError] | None = Field(default=None, description="One entry a fault")


# ── intake ────────────────────────────────────────────────────────────────────────────────────
class AcceptedDelivery(Wire):
    """Where an accepted message goes."""

    id: str
    platform: str | None = Field(description="None while no platform covers the region")
    kind: str
    state: State


class AcceptedMessage(Wire):
    """A document that is durable now. `duplicate`: an equal one was there already, and this is it."""

    message_id: str
    type: str
    state: str
    duplicate: bool
    warnings: list[FieldError]
    deliveries: list[AcceptedDelivery]


class PackageEntry(BaseModel):
    """What became of one record of a package: accepted, or a problem."""

    index: int
    message_id: str | None = None
    type: str | None = None
    state: str | None = None
    duplicate: bool | None = None
    warnings: list[FieldError] | None = None
    deliveries: list[AcceptedDelivery] | None = None
    problem: Problem | None = None


class AcceptedPackage(Wire):
    """What became of each record of a package, in order."""

    messages: list[PackageEntry]


class RouteView(Wire):
    """Where a document would go. `platform` None: nobody covers the region yet."""

    kind: str
    platform: str | None


class Preview(Wire):
    """What a dry run gives: the translation and the routes, nothing stored."""

    type: str
    document: dict[str, Any]
    warnings: list[FieldError]
    routes: list[RouteView]


class PreviewEntry(BaseModel):
    """What a dry run gives for one record of a package."""

    index: int
    type: str | None = None
    document: dict[str, Any] | None = None
    warnings: list[FieldError] | None = None
    routes: list[RouteView] | None = None
    problem: Problem | None = None


class PreviewPackage(Wire):
    """What a dry run gives for each record of a package, in order."""

    messages: list[PreviewEntry]


class Submission(Wire):
    """A canonical document, handed in by a platform that speaks canonical."""

    type: str = Field(description="The message type, such as `case.transferred`", examples=["case.transferred"])
    document: dict[str, Any] = Field(description="The canonical document; see `/schemas/{document}/{version}`")
    region: str | None = Field(default=None, description="GB/T 2260 code, when the document names none")
    correlation_id: str | None = Field(default=None, description="Ties it to an earlier message's case")
    causation_id: str | None = Field(default=None, description="The message that caused this one")
    corrects: str | None = Field(default=None, description="The message that this document corrects")


# ── messages and deliveries ───────────────────────────────────────────────────────────────────
class AttemptView(Wire):
    """One try of one delivery."""

    number: int
    started_at: datetime
    ended_at: datetime
    verdict: str
    status: int | None = Field(description="The HTTP status, None without an answer")
    reference: str | None
    reason: str | None
    code: str | None
    reply: str | None = Field(default=None, description="The beginning of the reply; operators only")


class ReceiptView(Wire):
    """The platform's acceptance: its own number for what it took."""

    reference: str | None
    at: datetime | None


class DeliveryView(Wire):
    """One message to one platform, as it stands."""

    id: str
    message_id: str
    type: str
    kind: str
    platform: str | None
    lane: str
    position: int
    state: State
    held_by: HeldBy | None
    due_at: datetime | None
    in_doubt: bool
    attempts: int
    reference: str | None
    reason: str | None
    code: str | None
    adapter: str | None
    replay_of: str | None
    created_at: datetime
    changed_at: datetime | None


class DeliveryDetail(DeliveryView):
    """A delivery with each of its attempts and, once accepted, its receipt."""

    tries: list[AttemptView]
    receipt: ReceiptView | None


class TimelineEntry(Wire):
    """Something that was done to the message or one of its deliveries."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    detail: dict[str, Any]


class MessageView(Wire):
    """A message's headers."""

    id: str
    type: str
    state: str
    source: str
    operation: str
    adapter: str
    region: str
    ordering_key: str
    correlation_id: str
    causation_id: str | None
    corrects: str | None
    received_at: datetime
    keys: dict[str, str]
    trace_id: str | None


class EnrichedView(Wire):
    """A value the case already knew, and the message it came from."""

    value: str
    message_id: str


class MessageDetail(MessageView):
    """A message with its warnings, what was filled in, its deliveries and its timeline."""

    warnings: list[FieldError]
    enriched: dict[str, EnrichedView]
    deliveries: list[DeliveryDetail]
    timeline: list[TimelineEntry]


class MessagePage(Wire):
    """Messages, newest first. `cursor` continues after the last; None: there is no more."""

    messages: list[MessageView]
    cursor: str | None


class DeliveryPage(Wire):
    """Deliveries, newest first."""

    deliveries: list[DeliveryView]
    cursor: str | None


class LineageView(Wire):
    """Where one canonical value came from."""

    field: str
    title: str
    path: str
    converters: list[str]
    codes: str | None
    note: str | None


class LineageList(Wire):
    """The lineage of a message's document, field by field."""

    adapter: str
    operation: str
    fields: list[LineageView]
    enriched: dict[str, EnrichedView]


# ── operators ─────────────────────────────────────────────────────────────────────────────────
class Reason(Wire):
    """Why an operator does something; kept for good."""

    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S", examples=["平台已修复，重新投递"])


class ReplayReason(Reason):
    """Why a delivery is replayed. `stale_ok`: even though a later one of its lane was delivered."""

    stale_ok: bool = False


class ReplayFilter(Wire):
    """Which deliveries to replay: dead or refused ones, of one platform or of one message."""

    state: Literal["dead", "refused", "delivered"] = "dead"
    platform: str | None = None
    message_id: str | None = None


class ReplayRequest(ReplayReason):
    """A replay of many."""

    filter: ReplayFilter


class ReplayView(Wire):
    """How far a replay of many has come."""

    id: str
    filter: ReplayFilter
    reason: str
    actor: str
    stale_ok: bool
    total: int
    replayed: int
    failed: int
    created_at: datetime
    finished_at: datetime | None


class RejectionView(Wire):
    """A document that was not accepted from its sender."""

    id: str
    platform: str
    operation: str
    received_at: datetime
    index: int
    status: int
    code: str
    problem: Problem


class RejectionPage(Wire):
    """Rejections, newest first."""

    rejections: list[RejectionView]
    cursor: str | None


# ── platforms and adapters ────────────────────────────────────────────────────────────────────
class PlatformSettings(Wire):
    """How a platform is registered or changed. A secret that is left out stays as it is."""

    adapter: str = Field(description="The name of an installed adapter", examples=["penalty"])
    version: str | None = Field(default=None, description="None follows the adapter's newest")
    settings: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, examples=[{"base_url": "https://cf.example.gov.cn", "app_key": "…"}]
    )
    mode: Literal["push"] = Field(default="push", description="The gateway calls the platform")
    dossier: bool | None = Field(default=None, description="May this platform read enterprises' dossiers?")


class PlatformView(Wire):
    """A platform; secrets are named, never shown."""

    id: str
    kind: str
    region: str
    region_name: str
    adapter: str
    version: str | None
    settings: dict[str, Any]
    secrets: list[str] = Field(description="The secrets that are set")
    mode: str
    dossier: bool
    holds: list[HeldBy]
    held_since: datetime | None
    created_at: datetime


class PlatformList(Wire):
    """Every platform, by id."""

    platforms: list[PlatformView]


class PingView(Wire):
    """Whether a platform answers, and how fast."""

    reachable: bool
    status: int | None = None
    milliseconds: float | None = None
    detail: str | None = None


class Credential(Wire):
    """A new credential, shown this once. Send it as `Authorization: Bearer …`."""

    credential: str


class SettingView(Wire):
    """One value an operator fills in."""

    name: str
    type: str
    title: str
    required: bool
    default: Any
    choices: list[str]


class AdapterView(Wire):
    """An installed adapter."""

    name: str
    version: str
    title: str
    kind: str
    digest: str
    receives: dict[str, str]
    sends: list[str]
    queries: list[str]
    settings: list[SettingView]


class AdapterList(Wire):
    """Every installed adapter, by name and version."""

    adapters: list[AdapterView]


# ── dossier and health ────────────────────────────────────────────────────────────────────────
class DossierEntry(Wire):
    """One document about the enterprise, with where and when it was learnt."""

    type: str
    document: dict[str, Any]
    platform: str
    at: datetime
    message_id: str | None = Field(default=None, description="None when it was asked for just now")


class DossierSource(Wire):
    """A platform that was asked for this part, and how that went."""

    platform: str
    state: str = Field(description="`ok`, `down`, `held` or `unreadable`")
    at: datetime
    detail: str | None = None


class DossierPart(Wire):
    """One part of the dossier."""

    state: str = Field(description="`ok`; `partial`: a source could not be read now; `unsupported`: nobody to ask")
    entries: list[DossierEntry]
    sources: list[DossierSource]


class Dossier(Wire):
    """Everything known about an enterprise (一企一档), side by side."""

    credit_code: str
    name: str | None
    at: datetime
    parts: dict[str, DossierPart]


class Health(Wire):
    """Whether the gateway lives, and whether it can take documents."""

    status: Literal["ok", "unavailable"]
    detail: str | None = None
