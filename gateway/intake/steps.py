"""What each step of intake hands to the next, from the call to its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from adapters.base import Adapter, Tree
from gateway.ledger.records import IntakeDraft, Platform, Receipt, Rejection
from gateway.message import Enriched, Message
from schemas.findings import Finding, Rejected
from schemas.reprs import Discreet


class IntakeCall(Discreet, frozen=True):
    """One request of an authenticated platform: the exact bytes, and the caller's Idempotency-Key.

    `adapter` is the version that the whole call is read, recorded and answered with; None takes the
    one that the platform speaks when the call is read. `caller_span` is the caller's span in its trace. `words` is the
    platform in whose words the numbers stand, where they are not the caller's own.
    """

    platform: Platform
    operation: str
    body: bytes
    content_type: str | None = None
    key: str | None = None
    trace_id: str | None = None
    adapter: Adapter | None = None
    caller_span: str | None = None
    words: str | None = None


class IntakeResult(Struct, frozen=True):
    """What became of a call. `split`: the operation takes packages, so its entries are told one by one.

    A call that was rejected whole has one rejection as its only entry, and is not split.
    """

    receipt: Receipt
    split: bool = False


class Planned(Struct, frozen=True):
    """A delivery that routing asks for.

    `platform` None: nobody can take it yet, it will be unrouted; `toward` then says whom it seeks
    among its kind (`nearest`, `nearest.REGION`, `national`, or one platform's id).
    """

    kind: str
    platform: str | None
    toward: str | None = None


class Previewed(Discreet, frozen=True):
    """What a document would become: the document as it would be sent on, and where to."""

    index: int
    type: str
    document: Mapping[str, Any]
    warnings: tuple[Mapping[str, Any], ...]
    routes: tuple[Planned, ...]


class IntakePreview(Struct, frozen=True):
    """What a dry run found; nothing was stored, and its rejections cannot be looked up."""

    entries: tuple[Previewed | Rejection, ...]
    split: bool = False


class SubmissionHeaders(Struct, frozen=True):
    """What a sender may say about its document beside it."""

    region: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    corrects: str | None = None


class Translated(Discreet, frozen=True):
    """One record as a valid canonical document. `identity` is the operation's own, if it declares one.

    `native` is the record as its sender wrote it, parsed; None for a canonical submission.
    """

    index: int
    type: str
    document: dict[str, Any]
    warnings: tuple[Finding, ...] = ()
    identity: str | None = None
    headers: SubmissionHeaders = SubmissionHeaders()
    native: Tree = None


class RejectedRecord(Struct, frozen=True):
    """One record (or a whole body) that cannot be accepted."""

    index: int
    error: Rejected


class Reading(Struct, frozen=True):
    """A body, read and translated record by record, all by one version of an adapter."""

    adapter: Adapter
    entries: tuple[Translated | RejectedRecord, ...]
    split: bool = False


class Recognised(Discreet, frozen=True):
    """A document with its numbers as their issuers write them, and what they tie it to.

    `raw` are the sender's own numbers that were replaced; `numbers` the ones to remember it by.
    `answered` is the platform whose message this document answers, when it answers one.
    """

    document: dict[str, Any]
    raw: Mapping[str, str]
    numbers: Mapping[str, str]
    ordering_key: str
    correlation_id: str | None = None
    causation_id: str | None = None
    answered: str | None = None


class Jurisdiction(Struct, frozen=True):
    """The region a message is about, and the mandate that lets its sender speak of it, where it needs one."""

    region: str
    mandate: Mapping[str, Any] | None = None


class CaseContext(Discreet, frozen=True):
    """Where a document belongs: its numbers recognised, its correlation, what the case knew, its jurisdiction.

    `document` is the one to be kept; `effective`, with what the case knew added to it, is routed and sent on.
    `corrects` is the earlier message that it corrects or withdraws.
    """

    recognised: Recognised
    document: Mapping[str, Any]
    effective: Mapping[str, Any]
    enriched: Mapping[str, Enriched]
    jurisdiction: Jurisdiction
    correlation_id: str | None = None
    corrects: Message | None = None


class Decided(Discreet, frozen=True):
    """Everything intake decided about one document, before anything is kept. `document` is the one sent on."""

    draft: IntakeDraft
    document: Mapping[str, Any]
    planned: tuple[Planned, ...]


class Decisions(Struct, frozen=True):
    """What was decided about every record of a body, in order, by the platforms of one revision of the registry."""

    revision: int
    entries: tuple[Decided | RejectedRecord, ...]
