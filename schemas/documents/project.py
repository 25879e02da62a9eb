"""Construction projects 建设项目: EIA approval 环评审批 and completion acceptance 竣工环境保护验收."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from schemas.components import AcceptedBuilder, Authority, Builder, Change, OptionalSite, Organisation, ProjectRef
from schemas.documents.document import CatalogEntry, Document, finding, site_doubts
from schemas.field_types import (
    Coded,
    Day,
    Industry,
    Instant,
    Line,
    Link,
    OtherPermit,
    OtherWrit,
    Prose,
    Region,
    Some,
    Writ,
    Yuan,
)
from schemas.findings import Finding
from schemas.identifiers import DocumentNumber


class ProjectApproval(Document):
    """环评审批: the decision on a project's environmental impact assessment."""

    NAME = "project-approval/1"
    TITLE = "建设项目环评审批"
    CATALOG = CatalogEntry(
        name="project.approved",
        title="环评审批",
        operation="approval",
        ordering=("project",),
        identifying=("project",),
        dossier="projects",
        chronology=(("accepted_on", "approved_on"),),
    )

    project: ProjectRef = Field(title="建设项目", description="The project.")
    builder: Builder = Field(title="建设单位", description="Who builds it.")
    region: Region = Field(title="行政区划", description="Region of the site, six digits (GB/T 2260).")
    form: Annotated[str, Coded("eia-form")] = Field(
        title="环评文件类别", description="Report book, report table or registration form."
    )
    approval_number: Writ = Field(title="环评批复文号", description="Number of the approval, or of the registration.")
    approved_on: Day = Field(title="审批日期", description="Day of the approval.")
    authority: Authority = Field(title="审批机关", description="The agency that approved it.")
    industry_code: Industry | None = Field(
        None, title="国民经济行业类别", description="Industry, section letter and digits (GB/T 4754)."
    )
    industry_edition: Annotated[str, Coded("industry-edition")] | None = Field(
        None, title="行业分类版本", description="Edition of GB/T 4754 that the industry code is of."
    )
    eia_category: Line | None = Field(
        None,
        title="环评行业类别",
        description="Category in 建设项目环境影响评价分类管理名录, as printed (`2021版本:045-肥料制造`).",
    )
    investment: Yuan | None = Field(None, title="总投资", description="Total investment, yuan.")
    environmental_investment: Yuan | None = Field(
        None, title="环保投资", description="Investment in environmental protection, yuan."
    )
    site: OptionalSite = Field(None, title="建设地点", description="Where it is built.")
    accepted_on: Day | None = Field(None, title="受理日期", description="Day the application was accepted.")
    prepared_by: Organisation | None = Field(None, title="环评编制单位", description="Who prepared the EIA document.")
    updated_at: Instant | None = Field(None, title="更新时间", description="Time stamp of the record at its source.")

    def faults(self) -> Iterator[Finding]:
        if DocumentNumber(self.approval_number, self.approval_number).refuses:
            zh = "这是不予批准的文号，不是环评批复：请不要作为审批送出。"
            en = "This is the number of a refusal, which is no approval: do not send it as one."
            yield finding("approval.refused", "approval_number", zh, en)

    def doubts(self) -> Iterator[Finding]:
        if self.accepted_on and self.accepted_on > self.approved_on:
            zh = "受理日期晚于审批日期。"
            yield finding("approval.before-application", "accepted_on", zh, "Applied for after it was approved.")
        yield from _investments(self.investment, self.environmental_investment)
        yield from site_doubts(self.site)


class ProjectAcceptance(Document):
    """竣工环境保护验收: the builder's own acceptance, put on show."""

    NAME = "project-acceptance/1"
    TITLE = "建设项目竣工环境保护验收"
    CATALOG = CatalogEntry(
        name="project.accepted",
        title="竣工验收",
        operation="acceptance",
        ordering=("project",),
        identifying=("project",),
        parents=("project_code", "approval_number"),
        dossier="projects",
        chronology=(("approved_on", "completed_on", "trial_from", "trial_to"), ("public_from", "public_to")),
    )

    project: ProjectRef = Field(title="建设项目", description="The project.")
    builder: AcceptedBuilder = Field(title="建设单位", description="Who built it.")
    region: Region = Field(title="行政区划", description="Region of the site, six digits (GB/T 2260).")
    public_from: Day = Field(title="验收报告公开起始日期", description="First day the report is on show.")
    public_to: Day = Field(title="验收报告公开结束日期", description="Last day the report is on show.")
    approval_number: OtherWrit | None = Field(None, title="环评审批文号", description="Number of the EIA approval.")
    approved_on: Day | None = Field(None, title="环评批复日期", description="Day of the EIA approval.")
    authority: Authority | None = Field(None, title="环评审批机关", description="The agency that approved the EIA.")
    permit_number: OtherPermit | None = Field(
        None, title="排污许可证编号", description="Number of the project's permit, 22 characters (HJ 608-2017)."
    )
    permit_issued_on: Day | None = Field(None, title="排污许可批准日期", description="Day the permit was issued.")
    completed_on: Day | None = Field(None, title="竣工日期", description="Day of completion.")
    trial_from: Day | None = Field(None, title="调试起始日期", description="First day of trial operation.")
    trial_to: Day | None = Field(None, title="调试结束日期", description="Last day of trial operation.")
    investment: Yuan | None = Field(None, title="实际总投资", description="Actual total investment, yuan.")
    environmental_investment: Yuan | None = Field(
        None, title="实际环保投资", description="Actual investment in environmental protection, yuan."
    )
    changes: Some[Change] | None = Field(None, title="工程变动", description="How it differs from what was approved.")
    industry_code: Industry | None = Field(
        None, title="国民经济行业类别", description="Industry, section letter and digits (GB/T 4754)."
    )
    eia_category: Line | None = Field(
        None,
        title="环评行业类别",
        description="Category in 建设项目环境影响评价分类管理名录, as printed (`2021版本:045-肥料制造`).",
    )
    site: OptionalSite = Field(None, title="建设地点", description="Where it was built.")
    operator: Organisation | None = Field(None, title="运营单位", description="Who operates it.")
    prepared_by: Organisation | None = Field(None, title="验收报告编制机构", description="Who prepared the report.")
    monitored_by: Some[Organisation] | None = Field(None, title="验收监测单位", description="Who monitored.")
    public_url: Link | None = Field(None, title="验收报告公开载体", description="Where the report is on show.")
    conclusion: Prose | None = Field(None, title="验收结论", description="The conclusion of the acceptance.")

    def faults(self) -> Iterator[Finding]:
        if self.public_to < self.public_from:
            zh = "验收报告公开结束日期早于起始日期。"
            yield finding("acceptance.publication", "public_to", zh, "The publication ends before it begins.")
        if self.trial_from and self.trial_to and self.trial_to < self.trial_from:
            zh = "调试结束日期早于起始日期。"
            yield finding("acceptance.trial", "trial_to", zh, "The trial operation ends before it begins.")

    def doubts(self) -> Iterator[Finding]:
        if self.completed_on and self.trial_from and self.trial_from < self.completed_on:
            zh = "调试起始日期早于竣工日期。"
            yield finding("acceptance.trial-early", "trial_from", zh, "Trial operation began before completion.")
        if self.approved_on and self.completed_on and self.completed_on < self.approved_on:
            zh = "竣工日期早于环评批复日期，可能未批先建。"
            en = "Completed before its EIA was approved: it may have been built without approval."
            yield finding("acceptance.built-unapproved", "completed_on", zh, en)
        if any(change.major for change in self.changes or ()):
            zh = "存在重大变动，依法应重新报批环评文件。"
            en = "A major change: the EIA document has to be approved anew (环境影响评价法 第二十四条)."
            yield finding("acceptance.major-change", "changes", zh, en)
        yield from _investments(self.investment, self.environmental_investment)
        yield from site_doubts(self.site)


def _investments(total: str | None, environmental: str | None) -> Iterator[Finding]:
    if total and environmental and float(environmental) > float(total):
        zh = "环保投资大于总投资，请核对单位是否为元。"
        en = "The environmental investment exceeds the total: check that both are in yuan."
        yield finding("investment.exceeds", "environmental_investment", zh, en)
