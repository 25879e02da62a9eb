"""Administrative measures 行政命令与强制措施 beside the penalty, and the recheck 复查 of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from schemas.components import Attachment, Authority, Mandate, Officer, Party
from schemas.documents.document import CatalogEntry, Document, finding, party_doubts, too_few
from schemas.field_types import (
    Coded,
    Day,
    Instant,
    Line,
    OtherNumber,
    OtherPermit,
    OtherProject,
    PlatformNumber,
    Prose,
    Region,
    Some,
    YesNo,
)
from schemas.findings import Finding


class Measure(Document):
    """责令改正、查封扣押、限产停产: a measure is imposed, extended or released."""

    NAME = "measure/1"
    TITLE = "行政命令与强制措施"
    CATALOG = CatalogEntry(
        name="measure.ordered",
        title="责令改正与强制措施",
        operation="measure",
        ordering=("case_number", "parent_number", "measure_number"),
        identifying=("measure_number", "action"),
        scoped=True,
        parents=("case_number", "inspection_number"),
        issues="measure_number",
        chronology=(("decided_on", "served_on", "due_on"),),
    )

    measure_number: PlatformNumber = Field(
        title="措施文书编号", description="Number of the order or measure, in its issuer's words."
    )
    kind: Annotated[str, Coded("measure-kind")] = Field(
        title="措施种类", description="Order to correct, seal, seize, restrict or suspend production."
    )
    action: Annotated[str, Coded("measure-action")] = Field(
        title="措施动作", description="Imposed, extended or released."
    )
    party: Party = Field(title="当事人", description="Whom it is imposed on.")
    region: Region = Field(title="行政区划", description="Where it is imposed, six digits (GB/T 2260).")
    authority: Authority = Field(title="决定机关", description="The agency that decided it.")
    decided_on: Day = Field(title="决定日期", description="Day of the decision.")
    legal_basis: list[Line] = Field(
        title="法律依据", description="Provisions it rests on, one text a provision.", min_length=1
    )
    served_on: Day | None = Field(
        None, title="送达日期", description="Day of service, from which the recheck is due (环保部令第28号 第十条)."
    )
    due_on: Day | None = Field(None, title="改正期限", description="Day by which it must be corrected.")
    until: Day | None = Field(None, title="措施截止日期", description="Last day of a seal, seizure or restriction.")
    items: Some[Line] | None = Field(
        None, title="措施内容", description="What is to be corrected, or what is sealed or seized, one a text."
    )
    case_number: OtherNumber | None = Field(None, title="案件编号", description="Number of the case it belongs to.")
    parent_number: OtherNumber | None = Field(
        None, title="原措施文书编号", description="Number of the measure that is extended or released."
    )
    inspection_number: OtherNumber | None = Field(
        None, title="现场检查编号", description="The inspection that it follows."
    )
    permit_number: OtherPermit | None = Field(
        None, title="排污许可证编号", description="Permit of the party, 22 characters (HJ 608-2017)."
    )
    project_code: OtherProject | None = Field(
        None, title="项目代码", description="Investment project code, 20 digits (GB/T 40058-2021)."
    )
    officers: Some[Officer] | None = Field(None, title="执法人员", description="Officers in charge.")
    attachments: Some[Attachment] | None = Field(None, title="附件", description="The writ, lists, photos.")
    mandate: Mandate | None = Field(None, title="管辖依据", description="Why it was decided outside the own region.")

    def doubts(self) -> Iterator[Finding]:
        yield from too_few(self.officers)
        yield from party_doubts(self.party)
        if self.action != "impose" and not (self.parent_number or self.case_number):
            zh = "延长或解除措施，没有写明原措施文书编号，也没有案件编号。"
            en = "Extended or released without the number of the measure or of a case."
            yield finding("measure.parent-missing", "parent_number", zh, en)
        for name, day in (("served_on", self.served_on), ("due_on", self.due_on), ("until", self.until)):
            if day and day < self.decided_on:
                zh = "早于决定日期。"
                yield finding("measure.early", name, zh, "It is before the day of the decision.")


class Recheck(Document):
    """复查: whether what was ordered has been done."""

    NAME = "recheck/1"
    TITLE = "复查"
    CATALOG = CatalogEntry(
        name="recheck.recorded",
        title="复查",
        operation="recheck",
        ordering=("measure_number", "case_number"),
        identifying=("measure_number", "at"),
        scoped=True,
        parents=("measure_number", "case_number"),
    )

    measure_number: PlatformNumber = Field(title="措施文书编号", description="Number of the order that is rechecked.")
    party: Party = Field(title="当事人", description="Who was rechecked.")
    region: Region = Field(title="行政区划", description="Where it was, six digits (GB/T 2260).")
    at: Instant = Field(title="复查时间", description="When it was rechecked, with offset.")
    officers: list[Officer] = Field(
        title="执法人员", description="Officers who rechecked, two or more (行政处罚法 第四十二条).", min_length=1
    )
    result: Annotated[str, Coded("recheck-result")] = Field(
        title="复查结果", description="Corrected, continuing, obstructed, or the unit has stopped."
    )
    covert: YesNo | None = Field(
        None, title="是否暗查", description="Whether it was made unannounced (环保部令第28号 第十条)."
    )
    case_number: OtherNumber | None = Field(None, title="案件编号", description="Number of the case it belongs to.")
    findings: Prose | None = Field(None, title="复查情况", description="What was found.")
    inspection_number: OtherNumber | None = Field(
        None, title="现场检查编号", description="Number of the inspection record it was written in."
    )
    permit_number: OtherPermit | None = Field(
        None, title="排污许可证编号", description="Permit of the party, 22 characters (HJ 608-2017)."
    )
    attachments: Some[Attachment] | None = Field(None, title="附件", description="Photos, videos and records.")

    def doubts(self) -> Iterator[Finding]:
        yield from too_few(self.officers)
        yield from party_doubts(self.party)
