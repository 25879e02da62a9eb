"""The parts that documents are made of: parties, places, people, attachments."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from schemas.field_types import (
    Badge,
    Coded,
    Credit,
    Instant,
    Latitude,
    Line,
    Link,
    Longitude,
    OtherBadge,
    OtherCitizen,
    OtherCredit,
    OtherNumber,
    OtherPermit,
    OtherProject,
    OwnProject,
    Prose,
    Size,
    Some,
    YesNo,
)

PERSONAL: dict[str, Any] = {"personal": True}
"""Marks a field that tells something about a natural person: masked in logs, errors and publications."""


class Component(BaseModel):
    """A frozen part of a document; it knows exactly its own fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Part = TypeVar("Part", bound=Component)


def absent_when_empty(part: Part | None) -> Part | None:
    """Give a part, or None for one in which nothing is said."""
    if part is not None and all(value is None for value in part.__dict__.values()):
        return None
    return part


class Certificate(Component):
    """证件: what tells a person who has no citizen id."""

    kind: Annotated[str, Coded("certificate-kind")] = Field(
        title="证件类型", description="Passport, travel permit, residence permit, or another certificate."
    )
    number: Line = Field(title="证件号码", description="Number of the certificate.", json_schema_extra=PERSONAL)


class Party(Component):
    """当事人: a company or a person. What it is, where `kind` is silent, is told by which number is there."""

    name: Line = Field(title="当事人名称", description="Name of the company, or of the person.")
    kind: Annotated[str, Coded("party-kind")] | None = Field(
        None, title="当事人类别", description="Company or organisation, person, or sole trader."
    )
    credit_code: OtherCredit | None = Field(
        None, title="统一社会信用代码", description="Unified social credit code, 18 characters (GB 32100-2015)."
    )
    citizen_id: OtherCitizen | None = Field(
        None,
        title="公民身份号码",
        description="Citizen id of a natural person, 18 characters (GB 11643-1999).",
        json_schema_extra=PERSONAL,
    )
    certificate: Certificate | None = Field(
        None, title="其他证件", description="Certificate of a person without a citizen id: passport, travel permit …"
    )
    legal_representative: Line | None = Field(
        None,
        title="法定代表人",
        description="Legal representative or person in charge.",
        json_schema_extra=PERSONAL,
    )
    address: Line | None = Field(
        None, title="地址", description="Registered address or residence.", json_schema_extra=PERSONAL
    )
    phone: Line | None = Field(None, title="联系电话", description="Telephone number.", json_schema_extra=PERSONAL)


class Holder(Component):
    """排污单位: who holds a permit."""

    name: Line = Field(title="单位名称", description="Name of the discharging unit.")
    credit_code: OtherCredit | None = Field(
        None, title="统一社会信用代码", description="Unified social credit code, 18 characters (GB 32100-2015)."
    )
    legal_representative: Line | None = Field(
        None, title="法定代表人", description="Legal representative.", json_schema_extra=PERSONAL
    )
    contact: Line | None = Field(
        None, title="技术负责人", description="Technical contact of the unit.", json_schema_extra=PERSONAL
    )
    phone: Line | None = Field(
        None, title="联系电话", description="Telephone number of the contact.", json_schema_extra=PERSONAL
    )


class Authority(Component):
    """机关: an agency that issues, approves or punishes."""

    name: Line = Field(title="机关名称", description="Full name of the agency.")
    credit_code: OtherCredit | None = Field(
        None, title="机关统一社会信用代码", description="The agency's unified social credit code (GB 32100-2015)."
    )
    code: Line | None = Field(None, title="机关代码", description="The agency's code in the platform that speaks.")


class Organisation(Component):
    """单位: a company named for a part it has in a project."""

    name: Line = Field(title="单位名称", description="Name of the company.")
    credit_code: OtherCredit | None = Field(
        None, title="统一社会信用代码", description="Unified social credit code, 18 characters (GB 32100-2015)."
    )


class Builder(Organisation):
    """建设单位: who builds."""

    legal_representative: Line | None = Field(
        None, title="建设单位法人", description="Legal representative.", json_schema_extra=PERSONAL
    )
    contact: Line | None = Field(None, title="联系人", description="Contact person.", json_schema_extra=PERSONAL)
    phone: Line | None = Field(None, title="联系电话", description="Telephone number.", json_schema_extra=PERSONAL)
    address: Line | None = Field(None, title="建设单位地址", description="Registered address of the company.")


class AcceptedBuilder(Builder):
    """建设单位 of a finished project: the acceptance platform always names its credit code."""

    credit_code: Credit = Field(
        title="统一社会信用代码", description="Unified social credit code, 18 characters (GB 32100-2015)."
    )


class ProjectRef(Component):
    """建设项目: what is built."""

    name: Line = Field(title="项目名称", description="Name of the construction project.")
    code: OwnProject = Field(
        None,
        title="项目代码",
        description="Investment project code (GB/T 40058-2021). Often junk at its source: dropped with a warning then.",
    )
    nature: Annotated[str, Coded("project-nature")] | None = Field(
        None, title="建设性质", description="New, rebuilt, expanded, technical renovation or moved."
    )


class Location(Component):
    """A point, CGCS2000 (GB 22021-2008), decimal degrees."""

    longitude: Longitude | None = Field(
        None, title="经度", description="Longitude, decimal degrees east, CGCS2000. Platforms may lack one of the two."
    )
    latitude: Latitude | None = Field(None, title="纬度", description="Latitude, decimal degrees north, CGCS2000.")


OptionalLocation = Annotated[Location | None, AfterValidator(absent_when_empty)]


class Site(Component):
    """场所: where something stands or happened."""

    address: Line | None = Field(None, title="场所地址", description="Address of the place.")
    location: OptionalLocation = Field(None, title="场所坐标", description="Coordinates of the place, CGCS2000.")


OptionalSite = Annotated[Site | None, AfterValidator(absent_when_empty)]


class Officer(Component):
    """执法人员: an enforcement officer."""

    name: Line = Field(title="执法人员姓名", description="Name of the officer, who acts in office.")
    number: OtherBadge | None = Field(
        None, title="执法证件号", description="Number of the enforcement certificate, 8 to 20 characters."
    )


class CertifiedOfficer(Officer):
    """执法人员 whose certificate the record must name (生态环境行政处罚办法 第二十八条)."""

    number: Badge = Field(title="执法证件号", description="Number of the enforcement certificate, 8 to 20 characters.")


FORMER_NAMES = {"captured_at": "at"}
"""Fields of attachments by the name they had before: documents and mappings that say it are read as before."""


class Attachment(Component):
    """附件: a photo, video, report or writ that belongs to a document.

    The file itself stays at its sender (`url`) or was uploaded to the gateway (`upload_id`).
    """

    name: Line = Field(title="附件名称", description="File name or title.")
    kind: Annotated[str, Coded("attachment-kind")] | None = Field(
        None, title="附件种类", description="Photo, video, record, report, writ, or the snapshot of a page."
    )
    media_type: Line | None = Field(None, title="附件类型", description="Media type, as `image/jpeg`.")
    size: Size | None = Field(None, title="附件大小", description="Size of the file, bytes.")
    digest: Line | None = Field(
        None, title="附件摘要值", description="Digest of the file with its algorithm, as `sm3:…` or `sha256:…`."
    )
    url: Link | None = Field(None, title="附件地址", description="Address or path of the file at the sender.")
    upload_id: Line | None = Field(
        None, title="附件上传编号", description="What the gateway called the file when it was uploaded there."
    )
    at: Instant | None = Field(
        None,
        title="采集时间",
        description="When it was captured, with offset. Also read under its former name `captured_at`.",
        validation_alias=AliasChoices("at", *FORMER_NAMES),
    )
    device: Line | None = Field(None, title="采集设备", description="Number of the device or body camera it came from.")
    location: OptionalLocation = Field(None, title="采集地点", description="Where it was captured, CGCS2000.")
    about: Line | None = Field(None, title="附件说明", description="What it shows, or what it proves.")


class Mandate(Component):
    """管辖依据: why somebody acts outside the own region."""

    kind: Annotated[str, Coded("mandate-kind")] = Field(
        title="管辖依据种类", description="Cross-region, designated or escalated jurisdiction, or entrusted."
    )
    number: Line = Field(title="管辖依据文号", description="Number of the document that gives the mandate.")


class Violation(Component):
    """违法行为: one unlawful act."""

    item_code: Line | None = Field(
        None, title="执法事项编码", description="Number in the enforcement item catalogue (2020), or the local code."
    )
    facts: Prose = Field(title="违法事实", description="What was done, in the words of the record.")
    legal_basis: Some[Line] | None = Field(
        None, title="违反条款", description="Provisions that were broken, one text a provision."
    )


class Change(Component):
    """工程变动: how the built project differs from the approved one."""

    aspect: Annotated[str, Coded("change-aspect")] = Field(
        title="变动方面", description="What differs: nature, scale, location, process, measures, other."
    )
    approved: Prose | None = Field(None, title="环评内容", description="What the EIA said.")
    actual: Prose | None = Field(None, title="实际建设情况", description="What was built, and why it differs.")
    major: YesNo | None = Field(None, title="是否属于重大变动", description="Whether it is a major change.")


class Related(Component):
    """关联编号: what a dispatch order is about."""

    permit_number: OtherPermit | None = Field(
        None, title="排污许可证编号", description="Number of the permit, 22 characters (HJ 608-2017)."
    )
    project_code: OtherProject | None = Field(
        None, title="项目代码", description="Investment project code, 20 digits (GB/T 40058-2021)."
    )
    case_number: OtherNumber | None = Field(
        None, title="案件编号", description="Number of the case at the platform that keeps it."
    )


OptionalRelated = Annotated[Related | None, AfterValidator(absent_when_empty)]
