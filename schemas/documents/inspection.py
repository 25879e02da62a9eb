"""The on-site inspection 现场检查（勘察）笔录 (生态环境行政处罚办法 第二十八条)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from schemas.components import Attachment, CertifiedOfficer, Officer, OptionalSite, Party
from schemas.documents.document import CatalogEntry, Document, finding, party_doubts, site_doubts, too_few
from schemas.field_types import (
    Coded,
    Instant,
    Line,
    OtherNumber,
    Permit,
    PlatformNumber,
    Project,
    Prose,
    Region,
    Some,
    Writ,
    YesNo,
)
from schemas.findings import Finding


class Inspection(Document):
    """现场检查: who was inspected by whom, when and where, and what was found."""

    NAME = "inspection/1"
    TITLE = "现场检查"
    CATALOG = CatalogEntry(
        name="inspection.recorded",
        title="现场检查",
        operation="inspection",
        ordering_field="inspection_number",
        identifying=("inspection_number",),
        scoped=True,
        parents=("order_number",),
        dossier="inspections",
        chronology=(("started_at", "ended_at"),),
    )

    inspection_number: PlatformNumber = Field(
        title="现场检查编号", description="Number of the inspection at the mobile enforcement platform."
    )
    party: Party = Field(title="被检查人", description="Who was inspected.")
    region: Region = Field(title="行政区划", description="Region of the place, six digits (GB/T 2260).")
    started_at: Instant = Field(title="检查开始时间", description="When it began, with offset.")
    ended_at: Instant = Field(title="检查结束时间", description="When it ended, with offset.")
    officers: list[CertifiedOfficer] = Field(
        title="执法人员", description="Officers who inspected, two or more (行政处罚法 第四十二条).", min_length=1
    )
    findings: Prose = Field(title="现场情况", description="What was found.")
    site: OptionalSite = Field(None, title="检查地点", description="Where it was.")
    problems: Some[Prose] | None = Field(None, title="发现问题", description="Problems found, one a text.")
    permit_number: Permit | None = Field(
        None, title="排污许可证编号", description="Permit of the party, 22 characters (HJ 608-2017)."
    )
    project_code: Project | None = Field(
        None, title="项目代码", description="Investment project code, 20 digits (GB/T 40058-2021)."
    )
    approval_number: Writ | None = Field(None, title="环评批复文号", description="Number of the EIA approval.")
    order_number: OtherNumber | None = Field(
        None, title="调度编号", description="The dispatch order it answers, in its issuer's words."
    )
    attachments: Some[Attachment] | None = Field(None, title="附件", description="Photos, videos and records.")
    task_type: Annotated[str, Coded("task-type")] | None = Field(
        None, title="任务类型", description="Kind of enforcement task."
    )
    reason: Prose | None = Field(None, title="检查事由", description="Why it was made.")
    recorder: Officer | None = Field(None, title="记录人", description="Who took the record.")
    certificate_shown: YesNo | None = Field(
        None, title="是否出示执法证件", description="Whether the officers showed their certificates."
    )
    rights_told: YesNo | None = Field(
        None, title="是否告知权利义务", description="Whether the party was told of its rights and duties."
    )
    absence_note: Line | None = Field(
        None, title="缺席或拒签说明", description="Note on a party that was absent or refused to sign."
    )

    def faults(self) -> Iterator[Finding]:
        if self.ended_at < self.started_at:
            zh = "检查结束时间早于开始时间。"
            yield finding("inspection.ends-early", "ended_at", zh, "The inspection ends before it begins.")

    def doubts(self) -> Iterator[Finding]:
        yield from too_few(self.officers)
        yield from party_doubts(self.party)
        yield from site_doubts(self.site)
