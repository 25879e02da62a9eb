"""Leads 线索: what complaints and monitoring report to mobile enforcement, and its answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from schemas.components import Attachment, Officer, OptionalSite, Party
from schemas.documents.document import CatalogEntry, Document, finding, party_doubts, site_doubts
from schemas.field_types import (
    Coded,
    Instant,
    OtherNumber,
    OtherPermit,
    Outlet,
    PlatformNumber,
    Pollutant,
    Prose,
    Quantity,
    Region,
    Some,
)
from schemas.findings import Finding


class Lead(Document):
    """线索: something to be looked into."""

    NAME = "lead/1"
    TITLE = "线索"
    CATALOG = CatalogEntry(
        name="lead.reported",
        title="线索",
        operation="lead",
        ordering=("lead_number",),
        issues="lead_number",
        identifying=("lead_number",),
        scoped=True,
        chronology=(("at", "due_at"),),
    )

    lead_number: PlatformNumber = Field(title="线索编号", description="Number of the lead at the platform it is from.")
    channel: Annotated[str, Coded("lead-channel")] = Field(
        title="线索来源", description="Complaint, monitoring, assigned from above, transferred, media, other."
    )
    region: Region = Field(title="行政区划", description="Where it is about, six digits (GB/T 2260).")
    at: Instant = Field(title="线索时间", description="When it was reported or measured, with offset.")
    content: Prose = Field(title="线索内容", description="What is reported.")
    outlet_code: Outlet | None = Field(
        None, title="排放口编号", description="Code of the outlet it is about (HJ 608-2017)."
    )
    pollutant: Pollutant | None = Field(
        None, title="污染物代码", description="Pollutant code (HJ 524-2009, HJ 525-2009)."
    )
    value: Quantity | None = Field(None, title="监测值", description="What was measured, mg/m³ in air, mg/L in water.")
    limit: Quantity | None = Field(None, title="限值", description="What is allowed, in the unit of the value.")
    due_at: Instant | None = Field(None, title="办结时限", description="When it must be answered, with offset.")
    party: Party | None = Field(None, title="被反映人", description="Whom it is about.")
    permit_number: OtherPermit | None = Field(
        None, title="排污许可证编号", description="Permit of the party, 22 characters (HJ 608-2017)."
    )
    site: OptionalSite = Field(None, title="反映地点", description="Where it is.")
    attachments: Some[Attachment] | None = Field(None, title="附件", description="Photos, videos, series of values.")

    def doubts(self) -> Iterator[Finding]:
        if self.due_at and self.due_at < self.at:
            zh = "办结时限早于线索时间。"
            yield finding("lead.due-early", "due_at", zh, "Due before it was reported.")
        yield from party_doubts(self.party)
        yield from site_doubts(self.site)


class LeadAnswer(Document):
    """线索反馈: how far a lead has been looked into."""

    NAME = "lead-answer/1"
    TITLE = "线索反馈"
    CATALOG = CatalogEntry(
        name="lead.answered",
        title="线索反馈",
        operation="lead-answer",
        ordering=("lead_number",),
        identifying=("lead_number", "state", "at"),
        scoped=True,
        parents=("lead_number",),
    )

    lead_number: PlatformNumber = Field(title="线索编号", description="Number of the lead at the platform it is from.")
    state: Annotated[str, Coded("dispatch-state")] = Field(
        title="办理状态", description="Accepted, working, done or returned."
    )
    at: Instant = Field(title="反馈时间", description="When it was answered, with offset.")
    findings: Prose | None = Field(None, title="办理情况", description="What was found or done.")
    inspection_number: OtherNumber | None = Field(
        None, title="现场检查编号", description="Number of the inspection that was made."
    )
    region: Region | None = Field(None, title="行政区划", description="Where it was done, six digits (GB/T 2260).")
    officers: Some[Officer] | None = Field(None, title="执法人员", description="Who acted.")
