"""The case 行政处罚案件: its file, as handed over, and the steps it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from schemas.components import Attachment, Component, Mandate, Officer, OptionalSite, Party, Violation
from schemas.documents.document import CatalogEntry, Document, finding, party_doubts, repealed, site_doubts, too_few
from schemas.field_types import (
    Coded,
    Day,
    Instant,
    Line,
    Moment,
    OtherNumber,
    OtherPermit,
    OtherProject,
    OtherWrit,
    PlatformNumber,
    Prose,
    Region,
    Some,
)
from schemas.findings import Finding


class CaseFile(Document):
    """案件移送: what mobile enforcement hands to the penalty platform."""

    NAME = "case-file/1"
    TITLE = "案件"
    CATALOG = CatalogEntry(
        name="case.transferred",
        title="案件移送",
        operation="case",
        ordering=("case_number",),
        issues="case_number",
        identifying=("case_number",),
        scoped=True,
        parents=("inspection_number", "order_number"),
        dossier="cases",
        chronology=(("occurred_on", "found_at"),),
    )

    case_number: PlatformNumber = Field(title="案件编号", description="Number of the case, in its issuer's words.")
    name: Line = Field(title="案件名称", description="What the case is called.")
    party: Party = Field(title="当事人", description="Whom the case is about.")
    region: Region = Field(title="行政区划", description="Where it happened, six digits (GB/T 2260).")
    found_at: Instant = Field(title="案件发现时间", description="When it was found, with offset.")
    source: Annotated[str, Coded("case-source")] = Field(title="案件来源", description="How it came to be known.")
    facts: Prose = Field(title="案情", description="What happened.")
    officers: list[Officer] = Field(
        title="执法人员", description="Officers in charge, two or more (行政处罚法 第四十二条).", min_length=1
    )
    occurred_on: Day | None = Field(None, title="案发日期", description="Day of the act.")
    violations: Some[Violation] | None = Field(None, title="违法行为", description="The unlawful acts.")
    inspection_number: OtherNumber | None = Field(
        None, title="现场检查编号", description="The inspection that found it."
    )
    order_number: OtherNumber | None = Field(None, title="调度编号", description="The order that led to it.")
    permit_number: OtherPermit | None = Field(
        None, title="排污许可证编号", description="Permit of the party, 22 characters (HJ 608-2017)."
    )
    project_code: OtherProject | None = Field(
        None, title="项目代码", description="Investment project code, 20 digits (GB/T 40058-2021)."
    )
    approval_number: OtherWrit | None = Field(None, title="环评批复文号", description="Number of the EIA approval.")
    site: OptionalSite = Field(None, title="案发地点", description="Where it happened.")
    attachments: Some[Attachment] | None = Field(None, title="证据材料", description="The evidence.")
    other_parties: Some[Party] | None = Field(
        None, title="其他当事人", description="Further parties of the same case, beside the first."
    )
    mandate: Mandate | None = Field(
        None, title="管辖依据", description="Why the case is handled outside the own region."
    )

    def doubts(self) -> Iterator[Finding]:
        yield from too_few(self.officers)
        yield from party_doubts(self.party)
        yield from site_doubts(self.site)
        if self.occurred_on and self.occurred_on > self.found_at[:10]:
            zh = "案发日期晚于案件发现时间。"
            yield finding("case.found-early", "occurred_on", zh, "The act is later than its discovery.")
        yield from repealed(self.violations, self.occurred_on or self.found_at[:10])


class CaseProgressV1(Document):
    """办案进展: a case reached a node of its chain, from 立案 to 结案."""

    NAME = "case-progress/1"
    TITLE = "案件办理进展"
    CATALOG = CatalogEntry(
        name="case.progressed",
        title="案件进展",
        operation="progress",
        ordering=("case_number",),
        identifying=("case_number", "node", "at"),
        scoped=True,
        parents=("case_number",),
        dossier="cases",
    )

    case_number: PlatformNumber = Field(title="案件编号", description="Number of the case.")
    node: Annotated[str, Coded("case-node")] = Field(
        title="办案环节",
        description="Node of the chain: 立案 filed, 告知 notice, 决定 decided, 结案 closed …",
    )
    at: Instant = Field(title="办理时间", description="When the node was reached, with offset.")
    region: Region | None = Field(None, title="行政区划", description="Region of the case, six digits (GB/T 2260).")
    document_number: OtherWrit | None = Field(None, title="文书号", description="Number of the node's writ.")
    officers: Some[Officer] | None = Field(None, title="办理人员", description="Who handled it.")
    opinion: Prose | None = Field(None, title="办理意见", description="The opinion given at this node.")
    detail: Prose | None = Field(None, title="环节详情", description="Anything else about the node, in words.")


class Participant(Officer):
    """参与人员: who had a part in a node, and which."""

    role: Annotated[str, Coded("participant-role")] | None = Field(
        None, title="参与身份", description="Investigator, reviewer, chair, voter, recorder or approver."
    )


class WritService(Component):
    """送达: how and when a writ reached its party."""

    way: Annotated[str, Coded("service-way")] = Field(
        title="送达方式", description="Direct, left, by post, entrusted, public or electronic."
    )
    on: Day = Field(title="送达日期", description="Day of service.")


class CaseProgress(CaseProgressV1):
    """办案进展: a case reached a node of its chain, from 立案 to 归档."""

    NAME = "case-progress/2"

    node: Annotated[str, Coded("case-node-2")] = Field(
        title="办案环节",
        description="Node of the chain: 立案 filed, 法制审核 legal-reviewed, 送达 served, 归档 archived …",
    )
    at: Moment = Field(title="办理时间", description="When the node was reached: a time with offset, or a day.")
    participants: Some[Participant] | None = Field(
        None, title="参与人员", description="Who had a part in the node, and in which role."
    )
    served: WritService | None = Field(None, title="送达情况", description="How and when the node's writ was served.")
    until: Moment | None = Field(
        None, title="延长或中止至", description="Until when the term is extended or the case suspended."
    )
