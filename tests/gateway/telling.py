"""Tells a ledger of documents as the follower does, and asks for the reports that are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.ledger.base import Ledger
from gateway.ledger.records import Intent, Platform
from gateway.message import Message
from gateway.oversight.figures import Figure
from gateway.oversight.occurrence_keeper import OccurrenceKeeper
from gateway.oversight.reports import GroupedBy, Reports, UsageReport
from schemas.figures import bundled

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 5, 20, 4, tzinfo=UTC)
MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330000"


class Telling:
    """Tells a ledger of documents as the follower does, and asks for reports.

    A document is (type, canonical fields); `lane` ties documents to one case, `at` is when it came.
    """

    def __init__(self, ledger: Ledger, cap: int | None = None) -> None:
        self.ledger = ledger
        settings: Mapping[str, int | None] = {"inspection_cap": cap}
        self.keeper = OccurrenceKeeper(ledger, bundled(), ZONE, settings)
        self.reports = Reports(ledger, bundled(), lambda: NOW, ZONE, settings)
        self.told: list[Message] = []

    async def register(self, *platforms: str, at: datetime | None = None) -> None:
        """Register platforms, to which nothing is sent, a year ago or at a moment."""
        for id in platforms:
            kind, region = id.split(".")
            one = Platform(id, kind, region, kind, {}, NOW)
            await self.ledger.put_platform(one, Intent("admin", "", at or NOW - timedelta(days=365)), lambda _: None)

    def message(
        self,
        type: str,
        document: Mapping[str, Any],
        *,
        at: str = "2026-03-10T12:00:00+08:00",
        lane: str = "L-1",
        source: str = MOBILE,
        region: str = "",
        **more: Any,
    ) -> Message:
        """A message with a document; its id says which in the order of the story it is."""
        number = len(self.told) + 1
        made = Message(
            id=f"m{number:03d}",
            type=type,
            document=document,
            source=source,
            operation=type,
            adapter="plain@1.0.0",
            region=region or document.get("region", "330110"),
            ordering_key=lane,
            correlation_id=lane,
            received_at=datetime.fromisoformat(at).astimezone(UTC) + timedelta(milliseconds=number),
            identity=str(number),
            digest=str(number),
            **more,
        )
        self.told.append(made)
        return made

    async def tell(self, type: str, document: Mapping[str, Any], **more: Any) -> Message:
        """Let the report see a document."""
        message = self.message(type, document, **more)
        await self.keeper.see([message])
        return message

    async def again(self) -> None:
        """Show everything again, in its order, as after a crash."""
        await self.keeper.see(self.told)

    async def report(
        self, period: str = "2026-03", region: str = "330000", by: str | None = None, as_of: str | None = None
    ) -> UsageReport:
        """Make a report."""
        moment = datetime.fromisoformat(as_of).astimezone(UTC) if as_of else None
        return await self.reports.usage(period, region, GroupedBy(by) if by else None, moment)

    async def figure(self, name: str, period: str = "2026-03", **asked: Any) -> Figure:
        """Give one figure of a report."""
        report = await self.report(period, **asked)
        return next(each for each in report.figures if each.rule.figure == name)

    async def counted(self, name: str, period: str = "2026-03", **asked: Any) -> tuple[float | None, float | None]:
        """Give numerator and denominator of one figure."""
        found = await self.figure(name, period, **asked)
        return tuple(None if each is None else float(each) for each in (found.numerator, found.denominator))

    async def behind(
        self, name: str, part: str = "numerator", period: str = "2026-03", as_of: str | None = None
    ) -> list[str]:
        """Give the messages behind a part of a figure."""
        moment = datetime.fromisoformat(as_of).astimezone(UTC) if as_of else None
        found = await self.reports.messages(name, period, "330000", part, None, 100, moment)
        return [each.message_id for each in found.items]
