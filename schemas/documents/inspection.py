"""The on-site inspection 现场检查（勘察）笔录 (生态环境行政处罚办法 第二十八条)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.components import Attachment, CertifiedOfficer, Component, Mandate, Officer, OptionalSite, Party
from schemas.documents.document import CatalogEntry, Document, finding, party_doubts, site_doubts, too_few
from schemas.field_types import (
    Coded,
    Instant,
    Line,
    Moment,
    OtherNumber,
    OtherPermit,
    OtherProject,
    OtherWrit,
    PlatformNumber,
    Prose,
    Quantity,
    Region,
    Some,
    YesNo,
)
from schemas.findings import Finding
from schemas.identifiers.folding import says_nothing


def _without_none(problems: list[str] | None) -> list[str] | None:
    """Leave out what only says that there is no problem."""
    return [one for one in problems or () if not says_nothing(one)] or None


class InspectionV1(Document):
    """现场检查: who was inspected by whom, when and where, and what was found."""

    NAME = "inspection/1"
    TITLE = "现场检查"
    CATALOG = CatalogEntry(
        name="inspection.recorded",
        title="现场检查",
        operation="inspection",
        ordering=("inspection_number",),
        issues="inspection_number",
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
    problems: Annotated[Some[Prose] | None, AfterValidator(_without_none)] = Field(
        None, title="发现问题", description="Problems found, one a text; `无` says that there are none."
    )
    permit_number: OtherPermit | None = Field(
        None, title="排污许可证编号", description="Permit of the party, 22 characters (HJ 608-2017)."
    )
    project_code: OtherProject | None = Field(
        None, title="项目代码", description="Investment project code, 20 digits (GB/T 40058-2021)."
    )
    approval_number: OtherWrit | None = Field(None, title="环评批复文号", description="Number of the EIA approval.")
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


class Approval(Component):
    """检查审批: the approval that an inspection was made on."""

    number: Line = Field(title="审批编号", description="Number of the approval.")
    at: Moment | None = Field(None, title="审批时间", description="When it was approved, a day or a time with offset.")


class ChecklistItem(Component):
    """检查事项: one item of the list that was inspected by."""

    item: Line = Field(title="检查事项", description="What was looked at.")
    result: Line = Field(title="检查结果", description="What was found of it, in the words of the list.")


class RandomDraw(Component):
    """双随机抽取: how the enterprise and the officers were drawn."""

    at: Instant = Field(title="抽取时间", description="When they were drawn, with offset.")
    rate: Quantity | None = Field(None, title="抽查比例", description="Share of all enterprises drawn, per cent.")


class Inspection(InspectionV1):
    """现场检查: who was inspected by whom, when and where, what was found, and on what ground it was made."""

    NAME = "inspection/2"

    class_: Annotated[str, Coded("inspection-class")] | None = Field(
        None, alias="class", title="检查类别", description="Daily, special or individual (国办发〔2024〕54号)."
    )
    mode: Annotated[str, Coded("inspection-mode")] | None = Field(
        None, title="检查方式", description="On site, or remote."
    )
    problem_found: YesNo | None = Field(None, title="是否发现问题", description="Whether a problem was found.")
    plan_number: OtherNumber | None = Field(
        None, title="检查计划编号", description="Number of the inspection plan it belongs to."
    )
    approval: Approval | None = Field(None, title="检查审批", description="The approval it was made on.")
    notice_number: OtherNumber | None = Field(
        None, title="检查通知书文号", description="Number of the notice that the party was given."
    )
    behaviour_code: Line | None = Field(
        None, title="执法行为码", description="Code that was shown to the party before the inspection (亮码)."
    )
    joint_with: Some[Line] | None = Field(
        None, title="联合检查部门", description="Agencies it was made together with, one a text."
    )
    cap_exemption: Line | None = Field(
        None, title="不计频次原因", description="Why it does not count towards the yearly cap of inspections."
    )
    checklist: Some[ChecklistItem] | None = Field(
        None, title="检查事项清单", description="The items inspected and what was found of each."
    )
    samples: Some[Line] | None = Field(None, title="采样编号", description="Numbers of samples taken, one a text.")
    random_draw: RandomDraw | None = Field(
        None, title="双随机抽取", description="When and at what rate it was drawn at random."
    )
    mandate: Mandate | None = Field(
        None, title="管辖依据", description="Why it was made outside the inspectors' own region."
    )

    def doubts(self) -> Iterator[Finding]:
        yield from super().doubts()
        if self.problem_found is False and self.problems:
            zh = "写明未发现问题，却列有问题。"
            yield finding("inspection.problem", "problem_found", zh, "No problem was found, but problems are named.")
