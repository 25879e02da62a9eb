"""The pollutant discharge permit 排污许可证 (排污许可管理条例 第十三条)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from schemas.components import Authority, Component, Holder, OptionalSite, absent_when_empty
from schemas.documents.document import CatalogEntry, Document, finding, site_doubts
from schemas.field_types import (
    Coded,
    Day,
    Industry,
    Instant,
    Line,
    Outlet,
    Pollutant,
    Quantity,
    Region,
    Some,
)
from schemas.field_types import Permit as PermitValue
from schemas.findings import Finding
from schemas.identifiers.permit import credit_code_of


class PermitV1(Document):
    """排污许可证: a permit as it now stands, and what happened to it (`status`)."""

    NAME = "permit/1"
    TITLE = "排污许可证"
    CATALOG = CatalogEntry(
        name="permit.changed",
        title="排污许可证变化",
        operation="permit",
        ordering=("permit_number",),
        identifying=("permit_number",),
        credit_code_in="permit_number",
        dossier="permits",
        chronology=(("valid_from", "issued_on", "valid_to"),),
    )

    permit_number: PermitValue = Field(
        title="排污许可证编号", description="Number of the permit, 22 characters (HJ 608-2017)."
    )
    holder: Holder = Field(title="排污单位", description="Who holds the permit.")
    region: Region = Field(title="行政区划", description="Region of the production site, six digits (GB/T 2260).")
    status: Annotated[str, Coded("permit-status")] = Field(
        title="申请类型",
        description="What happened: new, reissued, changed, renewed, cancelled, revoked, or the record was deleted.",
    )
    valid_from: Day = Field(title="有效期限起", description="First day the permit is valid.")
    valid_to: Day = Field(title="有效期限止", description="Last day the permit is valid.")
    issued_on: Day = Field(title="核发日期", description="Day of issue.")
    issuer: Authority = Field(title="核发机关", description="The agency that issued it.")
    management_class: Annotated[str, Coded("management-class")] | None = Field(
        None, title="管理类别", description="Key, simplified or registration (排污许可管理条例 第二条、第二十四条)."
    )
    industry_code: Industry | None = Field(
        None, title="行业类别", description="Industry, section letter and digits (GB/T 4754)."
    )
    industry_edition: Annotated[str, Coded("industry-edition")] | None = Field(
        None, title="行业分类版本", description="Edition of GB/T 4754 that the industry code is of."
    )
    site: OptionalSite = Field(None, title="生产经营场所", description="Where the unit produces.")
    pollutants: Some[Line] | None = Field(
        None, title="主要污染物类别", description="Names of the main pollutants, one a text."
    )
    key_areas: Some[Annotated[str, Coded("key-area")]] | None = Field(
        None, title="重点区域类型", description="Kinds of key control area the site lies in."
    )
    production_on: Day | None = Field(None, title="投产日期", description="Day production began.")
    decided_at: Instant | None = Field(None, title="办结时间", description="When the application was settled.")
    updated_at: Instant | None = Field(None, title="更新时间", description="Time stamp of the record at its source.")

    def faults(self) -> Iterator[Finding]:
        if self.valid_to < self.valid_from:
            zh = "有效期限止早于有效期限起。"
            yield finding("permit.validity", "valid_to", zh, "The permit ends before it begins.")

    def doubts(self) -> Iterator[Finding]:
        if self.status == "deleted":
            zh = "来源平台已删除这条记录，许可证本身不一定注销。"
            en = "The source platform deleted this record; the permit itself may still be valid."
            yield finding("permit.deleted", "status", zh, en)
        own, numbered = self.holder.credit_code, credit_code_of(self.permit_number)
        if own and numbered and own != numbered:
            zh = "排污单位的统一社会信用代码与许可证编号前18位不一致。"
            en = "The holder's credit code differs from the one its permit number begins with."
            yield finding("permit.holder-differs", "holder.credit_code", zh, en)
        if self.issued_on > self.valid_to:
            zh = "核发日期晚于有效期限止。"
            yield finding("permit.issued-late", "issued_on", zh, "Issued after its last day of validity.")
        yield from site_doubts(self.site)


class OutletPollutant(Component):
    """许可排放: what of one pollutant an outlet may discharge."""

    code: Pollutant = Field(title="污染物代码", description="Pollutant code (HJ 524-2009 air, HJ 525-2009 water).")
    limit: Quantity | None = Field(
        None, title="许可排放浓度", description="Permitted concentration, mg/m³ in air, mg/L in water."
    )
    tonnes: Quantity | None = Field(None, title="许可年排放量", description="Permitted discharge, tonnes a year.")


class PermitOutlet(Component):
    """排放口: an outlet that the permit names."""

    code: Outlet = Field(title="排放口编号", description="Code of the outlet, as DA001 (HJ 608-2017).")
    pollutants: Some[OutletPollutant] | None = Field(
        None, title="排放口污染物", description="What it may discharge, by pollutant."
    )


class PermitReport(Component):
    """执行报告: a report on how the permit was kept."""

    period: Line = Field(title="执行报告期间", description="Year, quarter or month it reports on, as `2026年第1季度`.")
    submitted_on: Day | None = Field(None, title="执行报告提交日期", description="Day it was submitted.")


class Issuer(Authority):
    """核发机关 of a permit: platforms may give its code and `/` for its name."""

    name: Line | None = Field(None, title="核发机关名称", description="Full name of the agency.")  # type: ignore[assignment]


class Permit(PermitV1):
    """排污许可证: a permit as it now stands, what it allows, and what happened to it (`status`)."""

    NAME = "permit/2"

    status: Annotated[str, Coded("permit-status-2")] = Field(
        title="申请类型",
        description="What happened: new, reissued, changed, renewed, reapplied, adjusted, cancelled, revoked, "
        "revoked by penalty, or the record was deleted.",
    )
    # Wider than in the first version on purpose: whatever that one said is read here.
    issuer: Annotated[Issuer | None, AfterValidator(absent_when_empty)] = Field(  # type: ignore[assignment]
        None, title="核发机关", description="The agency that issued it; platforms may write `/`."
    )
    industries: Some[Industry] | None = Field(
        None, title="全部行业类别", description="Every industry of the unit where it has several, the main one first."
    )
    outlets: Some[PermitOutlet] | None = Field(
        None, title="排放口", description="The outlets and what each may discharge."
    )
    reports: Some[PermitReport] | None = Field(
        None, title="执行报告", description="The reports submitted on how the permit was kept."
    )

    @model_validator(mode="after")
    def _one_industry_is_the_industry(self) -> Permit:
        """Keep a list of industries only where there are several, or none that is the main one."""
        if self.industries and self.industries == [self.industry_code]:
            return self.model_copy(update={"industries": None})
        return self

    def doubts(self) -> Iterator[Finding]:
        yield from super().doubts()
        if self.issuer is None or self.issuer.name is None:
            zh = "没有写明核发机关，请核对。"
            yield finding("permit.issuer-missing", "issuer", zh, "The issuing agency is not named.")
