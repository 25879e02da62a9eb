"""What happens to a decision afterwards: review 复议、诉讼, and what publicity makes of it 公示、撤下、修复、异议."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from schemas.components import Authority
from schemas.documents.document import CatalogEntry, Document, finding
from schemas.field_types import (
    Coded,
    Day,
    Line,
    Link,
    Moment,
    OtherNumber,
    OtherPermit,
    OtherWrit,
    PlatformNumber,
    Prose,
    Region,
    Writ,
    Yuan,
)
from schemas.findings import Finding


class Review(Document):
    """复议、诉讼: a decision is reviewed, and with which result."""

    NAME = "review/1"
    TITLE = "行政复议与行政诉讼"
    CATALOG = CatalogEntry(
        name="decision.reviewed",
        title="复议诉讼",
        operation="review",
        ordering=("case_number",),
        identifying=("case_number", "decision_number", "stage", "filed_on"),
        scoped=True,
        parents=("case_number",),
        chronology=(("filed_on", "concluded_on"),),
    )

    decision_number: Writ = Field(title="行政处罚决定书文号", description="Number of the decision under review.")
    case_number: PlatformNumber = Field(title="案件编号", description="Number of the case.")
    stage: Annotated[str, Coded("review-stage")] = Field(
        title="复议诉讼阶段", description="Reconsideration, first or second instance."
    )
    filed_on: Day = Field(title="申请或起诉日期", description="Day it was applied for or sued.")
    result: Annotated[str, Coded("review-result")] | None = Field(
        None, title="复议诉讼结果", description="Upheld, changed, annulled, unlawful, void or withdrawn."
    )
    concluded_on: Day | None = Field(None, title="复议诉讼办结日期", description="Day it was concluded.")
    document_number: OtherWrit | None = Field(
        None, title="复议决定或判决文号", description="Number of the reconsideration decision or judgment."
    )
    heard_by: Authority | None = Field(None, title="复议机关或法院", description="Who heard it.")
    fine: Yuan | None = Field(None, title="变更后罚款金额", description="The fine as changed, yuan.")
    region: Region | None = Field(None, title="行政区划", description="Region of the case, six digits (GB/T 2260).")
    permit_number: OtherPermit | None = Field(
        None, title="排污许可证编号", description="Permit of the party, 22 characters (HJ 608-2017)."
    )
    reason: Prose | None = Field(None, title="复议诉讼理由", description="Why it was applied for, or so decided.")

    def doubts(self) -> Iterator[Finding]:
        if self.concluded_on and self.concluded_on < self.filed_on:
            zh = "办结日期早于申请或起诉日期。"
            yield finding("review.concluded-early", "concluded_on", zh, "Concluded before it was filed.")
        if self.result and not self.concluded_on:
            zh = "有复议诉讼结果，没有办结日期。"
            yield finding("review.undated", "concluded_on", zh, "A result without the day it was concluded.")


class Publication(Document):
    """公示回执: a decision is on show, was taken down, repaired, expired, or objected to."""

    NAME = "publication/1"
    TITLE = "公示情况"
    CATALOG = CatalogEntry(
        name="penalty.published",
        title="处罚公示",
        operation="publication",
        ordering=("case_number", "decision_number"),
        identifying=("decision_number", "state", "at"),
        scoped=True,
        parents=("case_number", "decision_number"),
    )

    decision_number: Writ = Field(title="行政处罚决定书文号", description="Number of the decision on show.")
    state: Annotated[str, Coded("publication-state")] = Field(
        title="公示状态", description="Published, withdrawn, repaired, expired, or objected to."
    )
    at: Moment = Field(title="公示状态时间", description="When it came to this: a time with offset, or a day.")
    url: Link | None = Field(None, title="公示地址", description="Where it is on show.")
    snapshot_digest: Line | None = Field(
        None, title="公示快照摘要值", description="Digest of the page as shown, with its algorithm, as `sm3:…`."
    )
    case_number: OtherNumber | None = Field(None, title="案件编号", description="Number of the case.")
    region: Region | None = Field(None, title="行政区划", description="Region of the case, six digits (GB/T 2260).")
    reason: Prose | None = Field(None, title="公示状态说明", description="Why it was taken down or objected to.")
