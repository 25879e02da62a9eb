"""The penalty 行政处罚: the decision (行政处罚法 第五十九条) and its execution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.components import Authority, Component, Mandate, Officer, Party, Violation, absent_when_empty
from schemas.documents.document import CatalogEntry, Document, finding, party_doubts, too_few
from schemas.documents.publicity import Publish, publish_doubts
from schemas.field_types import (
    Coded,
    Day,
    Instant,
    Line,
    OtherCredit,
    OtherPermit,
    OtherProject,
    OtherWrit,
    PlatformNumber,
    Prose,
    Region,
    Some,
    Writ,
    Yuan,
)
from schemas.findings import Finding


class PenaltyDecisionV1(Document):
    """行政处罚决定."""

    NAME = "penalty-decision/1"
    TITLE = "行政处罚决定"
    CATALOG = CatalogEntry(
        name="penalty.decided",
        title="处罚决定",
        operation="decision",
        ordering=("case_number",),
        brings=("decision_number",),
        amends="decision_number",
        identifying=("case_number", "decision_number"),
        scoped=True,
        parents=("case_number",),
        dossier="penalties",
        chronology=(("decided_on", "valid_until"), ("decided_on", "publish_until")),
    )

    case_number: PlatformNumber = Field(title="案件编号", description="Number of the case.")
    decision_number: Writ = Field(title="行政处罚决定书文号", description="Number of the decision.")
    party: Party = Field(title="当事人", description="Who is punished.")
    region: Region = Field(title="行政区划", description="Region of the case, six digits (GB/T 2260).")
    decided_on: Day = Field(title="处罚决定日期", description="Day of the decision.")
    kinds: list[Annotated[str, Coded("penalty-kind")]] = Field(
        title="处罚种类",
        description="Kinds of penalty (行政处罚法 第九条; 生态环境行政处罚办法 第八条).",
        min_length=1,
    )
    facts: Prose = Field(title="违法事实", description="The facts found.")
    legal_basis: list[Line] = Field(
        title="处罚依据", description="Provisions the decision rests on, one text a provision.", min_length=1
    )
    authority: Authority = Field(title="处罚机关", description="The agency that decided.")
    status: Annotated[str, Coded("decision-status")] = Field(
        title="决定状态", description="In force, corrected or withdrawn."
    )
    fine: Yuan | None = Field(None, title="罚款金额", description="The fine, yuan.")
    confiscated: Yuan | None = Field(None, title="没收金额", description="Value of confiscated gains and goods, yuan.")
    content: Prose | None = Field(None, title="处罚内容", description="The penalty in the words of the decision.")
    violation_type: Line | None = Field(None, title="违法行为类型", description="Kind of unlawful act, in words.")
    valid_until: Day | None = Field(
        None, title="处罚有效期", description="Last day of effect; 2099-12-31 says for good."
    )
    publish_until: Day | None = Field(None, title="公示截止期", description="Last day of publication.")
    permit_number: OtherPermit | None = Field(
        None, title="排污许可证编号", description="Permit of the party, 22 characters (HJ 608-2017)."
    )
    project_code: OtherProject | None = Field(
        None, title="项目代码", description="Investment project code, 20 digits (GB/T 40058-2021)."
    )
    approval_number: OtherWrit | None = Field(None, title="环评批复文号", description="Number of the EIA approval.")
    license_actions: Some[Line] | None = Field(
        None, title="暂扣或吊销证照", description="Licences suspended or revoked, name and number, one a text."
    )
    officers: Some[Officer] | None = Field(None, title="执法人员", description="Officers in charge.")
    violations: Some[Violation] | None = Field(None, title="违法行为", description="The unlawful acts.")

    def doubts(self) -> Iterator[Finding]:
        yield from too_few(self.officers)
        yield from party_doubts(self.party)
        yield from self._fine_doubts()
        yield from self._date_doubts()

    def _fine_doubts(self) -> Iterator[Finding]:
        fined = self.fine not in (None, "0")
        if fined and "fine" not in (self.kinds or ()):
            zh = "有罚款金额，但处罚种类中没有罚款。"
            yield finding("decision.fine-unnamed", "fine", zh, "An amount is fined, but the kinds name no fine.")
        if not fined and "fine" in (self.kinds or ()):
            zh = "处罚种类有罚款，但没有罚款金额。"
            yield finding("decision.fine-missing", "fine", zh, "The kinds name a fine, but no amount is given.")

    def _date_doubts(self) -> Iterator[Finding]:
        if self.valid_until and self.valid_until < self.decided_on:
            zh = "处罚有效期早于决定日期。"
            yield finding("decision.valid-early", "valid_until", zh, "Loses effect before it was decided.")
        if self.publish_until and self.publish_until < self.decided_on:
            zh = "公示截止期早于决定日期。"
            yield finding("decision.published-early", "publish_until", zh, "Publication ends before the decision.")


class Acts(Component):
    """违法行为起止: when the unlawful act was done."""

    from_: Day | None = Field(None, alias="from", title="违法行为起始日期", description="First day of the act.")
    to: Day | None = Field(None, title="违法行为终了日期", description="Last day of the act.")


class Discretion(Component):
    """裁量: how the amount was found."""

    basis: Line | None = Field(None, title="裁量基准", description="The standard of discretion that was applied.")
    factors: Some[Line] | None = Field(None, title="裁量情节", description="What was taken into account, one a text.")
    direction: Annotated[str, Coded("discretion-direction")] | None = Field(
        None, title="裁量方向", description="Lighter, reduced, heavier, or ordinary."
    )


class DailyPenalty(Component):
    """按日连续处罚: the days counted, and the decision it goes on from (环保部令第28号 第十七条、第十九条)."""

    from_: Day | None = Field(
        None, alias="from", title="计罚起始日期", description="First day counted: the day after service."
    )
    to: Day | None = Field(
        None, title="计罚终止日期", description="Last day counted: that of the recheck that found it."
    )
    original_number: OtherWrit | None = Field(
        None, title="原处罚决定书文号", description="Number of the decision it goes on from."
    )


class DataSource(Component):
    """数据来源单位: who supplied the record."""

    name: Line | None = Field(None, title="数据来源单位名称", description="Name of who supplied the record.")
    credit_code: OtherCredit | None = Field(
        None, title="数据来源单位代码", description="Unified social credit code of who supplied it (GB 32100-2015)."
    )


class PenaltyDecision(PenaltyDecisionV1):
    """行政处罚决定, also one not to punish; whether it may be published is said, never assumed."""

    NAME = "penalty-decision/2"

    # Wider than in the first version on purpose: whatever that one said is read here.
    kinds: Some[Annotated[str, Coded("penalty-kind")]] | None = Field(  # type: ignore[assignment]
        None,
        title="处罚种类",
        description="Kinds of penalty (行政处罚法 第九条; 生态环境行政处罚办法 第八条); none where nobody is punished.",
    )
    outcome: Annotated[str, Coded("decision-outcome")] | None = Field(
        None,
        title="决定结果",
        description="Punished, exempt, first offence or without fault; absent beside kinds: punished.",
    )
    publish: Publish | None = Field(
        None, title="公示决定", description="Whether it may be published; absent: it may not."
    )
    procedure: Annotated[str, Coded("penalty-procedure")] | None = Field(
        None, title="适用程序", description="Simple, ordinary, or daily penalty."
    )
    acts: Annotated[Acts | None, AfterValidator(absent_when_empty)] = Field(
        None, title="违法行为起止", description="First and last day of the act."
    )
    proposed_fine: Yuan | None = Field(
        None, title="拟罚款金额", description="The fine that the notice proposed, yuan (行政处罚法 第四十五条)."
    )
    discretion: Annotated[Discretion | None, AfterValidator(absent_when_empty)] = Field(
        None, title="裁量", description="How the amount was found."
    )
    daily: Annotated[DailyPenalty | None, AfterValidator(absent_when_empty)] = Field(
        None, title="按日连续处罚", description="The days counted, and the decision it goes on from."
    )
    corrects: OtherWrit | None = Field(
        None, title="更正的决定书文号", description="Number of the decision that this one corrects or withdraws."
    )
    mandate: Mandate | None = Field(None, title="管辖依据", description="Why it was decided outside the own region.")
    data_source: Annotated[DataSource | None, AfterValidator(absent_when_empty)] = Field(
        None, title="数据来源单位", description="Who supplied the record, which need not be the deciding agency."
    )

    def faults(self) -> Iterator[Finding]:
        spared = self.outcome not in (None, "punished")
        if spared and self.kinds:
            zh = "决定不予处罚，却有处罚种类：请删去处罚种类，或更正决定结果。"
            en = "Nobody is punished, but kinds of penalty are named: leave them out, or correct the outcome."
            yield finding("decision.kinds-unpunished", "kinds", zh, en)
        if not spared and not self.kinds:
            zh = "缺少处罚种类；不予处罚的，请写明决定结果。"
            yield finding("field.missing", "kinds", zh, "Kinds of penalty are missing, or an outcome that spares.")
        if self.daily and self.daily.from_ and self.daily.to and self.daily.to < self.daily.from_:
            zh = "计罚终止日期早于起始日期。"
            yield finding("decision.daily", "daily.to", zh, "The days counted end before they begin.")

    def doubts(self) -> Iterator[Finding]:
        yield from super().doubts()
        yield from publish_doubts(self.publish, self.decided_on, self.publish_until)


class PenaltyExecution(Document):
    """处罚执行: a payment, a surcharge, enforcement, or the end of it."""

    NAME = "penalty-execution/1"
    TITLE = "行政处罚执行"
    CATALOG = CatalogEntry(
        name="penalty.executed",
        title="处罚执行",
        operation="execution",
        ordering=("case_number",),
        identifying=("case_number", "decision_number", "kind", "at"),
        scoped=True,
        parents=("case_number",),
        dossier="penalties",
    )

    case_number: PlatformNumber = Field(title="案件编号", description="Number of the case.")
    decision_number: Writ = Field(title="行政处罚决定书文号", description="Number of the decision.")
    kind: Annotated[str, Coded("execution-kind")] = Field(
        title="执行情况", description="Paid, instalment, surcharge (行政处罚法 第七十二条), enforced, closed."
    )
    at: Instant = Field(title="执行时间", description="When it happened, with offset.")
    amount: Yuan | None = Field(None, title="金额", description="Amount paid or added, yuan.")
    region: Region | None = Field(None, title="行政区划", description="Region of the case, six digits (GB/T 2260).")

    def doubts(self) -> Iterator[Finding]:
        if self.amount is None and self.kind in ("paid", "instalment", "surcharge"):
            zh = "缴款或加处罚款缺少金额。"
            yield finding("execution.amount-missing", "amount", zh, "A payment or surcharge without its amount.")
