"""The assessment 稽查考核: what a check of a case file came to. Always a finding, never a verdict about a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from schemas.components import Component
from schemas.documents.document import CatalogEntry, Document, finding
from schemas.field_types import Coded, Instant, Line, OtherNumber, Prose, Region, Some
from schemas.findings import Finding


class AssessedSubject(Component):
    """评查对象: a case, or one message."""

    case_number: OtherNumber | None = Field(None, title="案件编号", description="Number of the case.")
    message: Line | None = Field(None, title="报文编号", description="Id of the message, where it is about one.")


class Assessment(Document):
    """稽查考核: one check of one case or message, with the messages that show it."""

    NAME = "assessment/1"
    TITLE = "案卷评查"
    CATALOG = CatalogEntry(
        name="assessment.recorded",
        title="案卷评查",
        operation="assessment",
        ordering=("subject.case_number", "subject.message"),
        identifying=("subject.case_number", "subject.message", "rule"),
        scoped=True,
        parents=("case_number",),
    )

    subject: AssessedSubject = Field(title="评查对象", description="The case or the message that was checked.")
    rule: Line = Field(title="评查规则", description="Name of the rule.")
    version: Line = Field(title="评查规则版本", description="Version of the rule it was checked by.")
    result: Annotated[str, Coded("assessment-result")] = Field(
        title="评查结果", description="Met, missed, not applicable or unknown."
    )
    at: Instant = Field(title="评查时间", description="When it was checked, with offset.")
    evidence: Some[Line] | None = Field(
        None, title="评查依据报文", description="Ids of the messages that show it, one a text."
    )
    article: Line | None = Field(None, title="评查依据条款", description="The provision the rule rests on.")
    detail: Prose | None = Field(None, title="评查说明", description="What was found, in words.")
    region: Region | None = Field(None, title="行政区划", description="Region of the case, six digits (GB/T 2260).")
    reviewer: Line | None = Field(None, title="复核人", description="Who looked at it and agreed or not.")
    answer: Prose | None = Field(None, title="被评查单位意见", description="What the authority says of it.")

    def faults(self) -> Iterator[Finding]:
        if not (self.subject.case_number or self.subject.message):
            zh = "评查对象须有案件编号或报文编号。"
            yield finding("assessment.subject", "subject", zh, "The subject is a case or a message: name one.")
