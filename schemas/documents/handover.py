"""The hand-over 移送 of a case to the police, the procuratorate or another agency, and their answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from schemas.components import Attachment, Authority, Party
from schemas.documents.document import CatalogEntry, Document, finding, party_doubts
from schemas.field_types import Coded, Day, Moment, OtherWrit, PlatformNumber, Prose, Region, Some
from schemas.findings import Finding


class Handover(Document):
    """移送: a case is handed over, and what became of it."""

    NAME = "handover/1"
    TITLE = "案件移送其他机关"
    CATALOG = CatalogEntry(
        name="case.handed-over",
        title="移送",
        operation="handover",
        ordering=("case_number",),
        identifying=("case_number", "to", "decided_on"),
        scoped=True,
        parents=("case_number",),
    )

    case_number: PlatformNumber = Field(title="案件编号", description="Number of the case.")
    to: Annotated[str, Coded("handover-kind")] = Field(
        title="移送种类", description="Detention, crime, another agency, another jurisdiction, or damages."
    )
    decided_on: Day = Field(title="移送决定日期", description="Day it was decided to hand over.")
    receiver: Authority = Field(title="受移送机关", description="Who receives the case.")
    sent_at: Moment | None = Field(
        None, title="移送时间", description="When it was handed over: a time with offset, or a day."
    )
    outcome: Annotated[str, Coded("handover-outcome")] | None = Field(
        None, title="移送结果", description="Accepted, to be supplemented, filed, declined or returned."
    )
    outcome_on: Day | None = Field(None, title="移送结果日期", description="Day of the outcome.")
    document_number: OtherWrit | None = Field(
        None, title="移送书文号", description="Number of the letter it was handed over with."
    )
    region: Region | None = Field(None, title="行政区划", description="Region of the case, six digits (GB/T 2260).")
    party: Party | None = Field(None, title="当事人", description="Whom the case is about.")
    reason: Prose | None = Field(None, title="移送理由", description="Why it is handed over, or the outcome's reason.")
    attachments: Some[Attachment] | None = Field(None, title="移送材料", description="What was handed over with it.")

    def doubts(self) -> Iterator[Finding]:
        yield from party_doubts(self.party)
        if self.sent_at and self.sent_at[:10] < self.decided_on:
            zh = "移送时间早于移送决定日期。"
            yield finding("handover.sent-early", "sent_at", zh, "Handed over before that was decided.")
        if self.outcome and not self.outcome_on:
            zh = "有移送结果，没有结果日期。"
            yield finding("handover.outcome-undated", "outcome_on", zh, "An outcome without its day.")
