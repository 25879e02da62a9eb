"""May a decision be published, and until when (信用修复管理办法, since 2026-04-01; 行政处罚法 第四十八条)?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import Field

from schemas.components import Component
from schemas.documents.document import finding
from schemas.field_types import Coded, Prose, YesNo
from schemas.findings import Finding

_MONTHS = {"minor": (0, 3), "general": (3, 12), "serious": (12, 36)}
"""Months on show by level, at least and at most. What is minor is in principle not published."""


class Publish(Component):
    """公示决定: whether a decision may be published."""

    allowed: YesNo = Field(title="是否公示", description="Whether it may be published.")
    reason: Prose | None = Field(None, title="公示或不公示的理由", description="Why it is published, or why not.")
    level: Annotated[str, Coded("publish-level")] | None = Field(
        None, title="失信等级", description="Minor, general or serious: how long it may be on show."
    )


def publish_doubts(publish: Publish | None, decided_on: str, until: str | None) -> Iterator[Finding]:
    """Doubt what is not stated, and an end of publication that its level does not allow."""
    if publish is None:
        zh = "没有写明是否公示：按不公示处理。"
        yield finding("publish.unstated", "publish", zh, "It is not said whether it is published: it is not.")
        return
    if not publish.allowed:
        if until:
            zh = "写明不公示，却有公示截止期。"
            yield finding("publish.until", "publish_until", zh, "It is not published, yet has a last day on show.")
        return
    if publish.level == "minor":
        zh = "轻微的行政处罚原则上不公示，请核对。"
        yield finding("publish.minor", "publish.level", zh, "What is minor is in principle not published.")
    if publish.level and until and not _fits(publish.level, date.fromisoformat(decided_on), date.fromisoformat(until)):
        least, most = _MONTHS[publish.level]
        span_zh = f"{least}至{most}个月" if least else f"至多{most}个月"
        span_en = f"{least} to {most} months" if least else f"at most {most} months"
        zh, en = f"公示截止期与失信等级不符：应为决定后{span_zh}。", f"The level allows {span_en} after the decision."
        yield finding("publish.until", "publish_until", zh, en)


def _fits(level: str, decided: date, until: date) -> bool:
    least, most = _MONTHS[level]
    return until < decided or _after(decided, least) <= until <= _after(decided, most)


def _after(day: date, months: int) -> date:
    """Give the same day some months later, the last of the month where there is none such."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - date(year, month, 1)).days
    return date(year, month, min(day.day, last))
