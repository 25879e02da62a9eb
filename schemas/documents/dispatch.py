"""Command and dispatch 指挥调度: the order, and the report on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from schemas.components import Officer, OptionalRelated, Party
from schemas.documents.document import CatalogEntry, Document, finding, party_doubts
from schemas.field_types import Coded, Instant, Line, OtherNumber, PlatformNumber, Prose, Region, Some
from schemas.findings import Finding


class DispatchOrder(Document):
    """调度任务: one platform asks the mobile enforcement of a region to act."""

    NAME = "dispatch-order/1"
    TITLE = "调度任务"
    CATALOG = CatalogEntry(
        name="dispatch.ordered",
        title="指挥调度",
        operation="dispatch",
        ordering=("order_number",),
        issues="order_number",
        identifying=("order_number",),
        scoped=True,
        parents=("case_number",),
        chronology=(("ordered_at", "due_at"),),
    )

    order_number: PlatformNumber = Field(
        title="调度编号", description="Number of the order at the platform that gave it."
    )
    title: Line = Field(title="任务名称", description="What the order is called.")
    region: Region = Field(title="目标行政区划", description="Where to act, six digits (GB/T 2260).")
    content: Prose = Field(title="任务内容", description="What is to be done.")
    ordered_at: Instant = Field(title="下达时间", description="When the order was given, with offset.")
    urgency: Annotated[str, Coded("urgency")] = Field(title="紧急程度", description="Normal, urgent or emergency.")
    task_type: Annotated[str, Coded("task-type")] | None = Field(
        None, title="任务类型", description="Kind of enforcement task."
    )
    party: Party | None = Field(None, title="执法对象", description="Whom the order is about.")
    due_at: Instant | None = Field(None, title="办结时限", description="When it must be done, with offset.")
    related: OptionalRelated = Field(None, title="关联编号", description="Permit, project or case the order is about.")
    ordered_by: Line | None = Field(
        None, title="下达平台", description="Id of the platform that gave the order; set by the gateway."
    )

    def doubts(self) -> Iterator[Finding]:
        if self.due_at and self.due_at < self.ordered_at:
            zh = "办结时限早于下达时间。"
            yield finding("order.due-early", "due_at", zh, "Due before it was ordered.")
        yield from party_doubts(self.party)


class DispatchReport(Document):
    """调度反馈: how far an order has come."""

    NAME = "dispatch-report/1"
    TITLE = "调度反馈"
    CATALOG = CatalogEntry(
        name="dispatch.reported",
        title="调度反馈",
        operation="dispatch-report",
        ordering=("order_number",),
        identifying=("order_number", "state", "reported_at"),
        scoped=True,
        parents=("order_number",),
    )

    order_number: PlatformNumber = Field(
        title="调度编号", description="Number of the order at the platform that gave it."
    )
    state: Annotated[str, Coded("dispatch-state")] = Field(
        title="办理状态", description="Accepted, working, done or returned."
    )
    reported_at: Instant = Field(title="反馈时间", description="When it was reported, with offset.")
    region: Region | None = Field(None, title="行政区划", description="Where it was done, six digits (GB/T 2260).")
    officers: Some[Officer] | None = Field(None, title="执法人员", description="Who acted.")
    findings: Prose | None = Field(None, title="办理情况", description="What was found or done.")
    inspection_number: OtherNumber | None = Field(
        None, title="现场检查编号", description="Number of the inspection that was made."
    )
