"""Who is on the rolls: discharging units that only register 排污登记, and officers with their certificates 执法证件."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from schemas.components import Authority, OptionalSite
from schemas.documents.document import CatalogEntry, Document, finding, site_doubts
from schemas.field_types import Badge, Coded, Day, Industry, Line, Moment, OtherCredit, Region
from schemas.field_types import Permit as PermitValue
from schemas.findings import Finding


class PermitRegistration(Document):
    """排污登记: a unit that needs no permit registers (排污许可管理条例 第二十四条)."""

    NAME = "registration/1"
    TITLE = "排污登记"
    CATALOG = CatalogEntry(
        name="registration.changed",
        title="排污登记变化",
        operation="registration",
        ordering=("registration_number",),
        identifying=("registration_number",),
        credit_code_in="registration_number",
    )

    registration_number: PermitValue = Field(
        title="排污登记编号", description="Number of the registration, 22 characters (HJ 608-2017)."
    )
    unit: Line = Field(title="登记单位名称", description="Name of the unit.")
    region: Region = Field(title="行政区划", description="Region of the site, six digits (GB/T 2260).")
    status: Annotated[str, Coded("registration-status")] = Field(
        title="登记状态", description="Registered anew, changed or cancelled."
    )
    at: Moment = Field(title="登记时间", description="When it was registered: a time with offset, or a day.")
    credit_code: OtherCredit | None = Field(
        None, title="统一社会信用代码", description="Unified social credit code, 18 characters (GB 32100-2015)."
    )
    site: OptionalSite = Field(None, title="生产经营场所", description="Where the unit produces.")
    industry_code: Industry | None = Field(
        None, title="行业类别", description="Industry, section letter and digits (GB/T 4754)."
    )

    def doubts(self) -> Iterator[Finding]:
        yield from site_doubts(self.site)


class OfficerCertificate(Document):
    """执法人员与执法证件 (环境监察执法证件管理办法 第五条)."""

    NAME = "officer/1"
    TITLE = "执法人员"
    CATALOG = CatalogEntry(
        name="officer.changed",
        title="执法人员变化",
        operation="officer",
        ordering=("number",),
        identifying=("number",),
        chronology=(("valid_from", "valid_to"),),
    )

    number: Badge = Field(title="执法证件号", description="Number of the enforcement certificate, 8 to 20 characters.")
    name: Line = Field(title="执法人员姓名", description="Name of the officer, who acts in office.")
    authority: Authority = Field(title="所属单位", description="The agency the officer belongs to.")
    region: Region = Field(title="使用区域", description="Where the certificate is good, six digits (GB/T 2260).")
    valid_from: Day = Field(title="证件有效期起", description="First day the certificate is valid.")
    valid_to: Day = Field(title="证件有效期止", description="Last day the certificate is valid.")
    status: Annotated[str, Coded("officer-status")] = Field(
        title="证件状态", description="Valid, suspended or revoked."
    )

    def faults(self) -> Iterator[Finding]:
        if self.valid_to < self.valid_from:
            zh = "证件有效期止早于有效期起。"
            yield finding("officer.validity", "valid_to", zh, "The certificate ends before it begins.")
