"""Same-day reconciliation: what was exchanged with a platform on a day, and what its own list of that day lacks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from msgspec import Struct

from gateway.clock import Clock, new_id
from gateway.errors import Busy, Conflict, NotFound
from gateway.hub.platform_lists import ExchangeCount, ListReader, Sorted
from gateway.ledger.base import Ledger
from gateway.ledger.reconciled import Comparison, Direction, Exchanged
from gateway.ledger.records import DeliveryFilter
from gateway.message import State
from schemas.findings import Text

RECENT = timedelta(minutes=5)
"""What was exchanged so shortly before a list of today came is not missed in it: the list may be older."""

SHOWN = 1000
"""Documents of each sort that an answer names; all are counted."""

_PAGE = 1000
_ASKED = 500
_AT_ONCE = 4
"""Days that are gone through at once in one process."""


class Day(Struct, frozen=True):
    """A calendar day in the gateway's zone: from `since` until `until`, not included."""

    name: str
    since: datetime
    until: datetime

    def __contains__(self, moment: object) -> bool:
        return isinstance(moment, datetime) and self.since <= moment < self.until


def day_of(named: date, zone: tzinfo) -> Day:
    """Give a day by its date."""
    since, until = (datetime.combine(each, time(), zone) for each in (named, named + timedelta(days=1)))
    return Day(named.isoformat(), since.astimezone(UTC), until.astimezone(UTC))


class DayStatement(Struct, frozen=True):
    """What was exchanged with a platform on a day, by direction and type; the empty type is all of them.

    `until`: what came later is not in it, for the day is not over. `pruned_until`: messages that came up to then may
    have been pruned, and are not counted.
    """

    platform: str
    day: Day
    until: datetime
    counts: Mapping[Direction, Mapping[str, ExchangeCount]]
    pruned_until: datetime | None


class Disagreement(Struct, frozen=True):
    """One document that the two sides do not agree on. `id`: as it was listed, or ours where it was not."""

    id: str
    type: str | None = None
    at: datetime | None = None
    state: str | None = None
    digest: str | None = None
    listed: str | None = None


class ComparedList(Struct, frozen=True):
    """A comparison with what it found, up to `SHOWN` of each sort."""

    comparison: Comparison
    found: Mapping[str, Sequence[Disagreement]]
    pruned_until: datetime | None


SORTS = ("missing", "unknown", "different", "other_day", "undelivered", "twice", "resent")
"""What is told one by one: see docs/reconciliation.md. `equal` is only counted."""


class _Findings:
    """What was found so far: all of it counted, and the first of each sort kept."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.found: dict[str, list[Disagreement]] = {name: [] for name in SORTS}

    def add(self, sort: str, one: Disagreement) -> None:
        self.counts[sort] += 1
        if sort in self.found and len(self.found[sort]) < SHOWN:
            self.found[sort].append(one)


class Reconciliation:
    """Goes through days page by page: memory is bounded, and nobody waits for it.

    Busy `reconciliation.busy` when too many days are gone through at once.
    """

    def __init__(self, ledger: Ledger, clock: Clock, zone: tzinfo) -> None:
        self._ledger = ledger
        self._clock = clock
        self.zone = zone
        self._going = 0

    # ── the day ───────────────────────────────────────────────────────────────────────────────
    async def statement(self, platform: str, named: date) -> DayStatement:
        """Count what was exchanged with a platform on a day, with digests that it can compute itself."""
        day = day_of(named, self.zone)
        until = min(day.until, max(self._clock(), day.since))
        counts = {each: await self._counted(platform, each, day, until) for each in Direction}
        return DayStatement(platform, day, until, counts, await self._ledger.pruned_until())

    async def _counted(
        self, platform: str, direction: Direction, day: Day, until: datetime
    ) -> Mapping[str, ExchangeCount]:
        with self._one_more() as lines:
            async for page in self._pages(platform, direction, day.since, until):
                await asyncio.to_thread(lines.add_exchanged, page)
            return await asyncio.to_thread(lines.counted)

    async def lines(self, platform: str, direction: Direction, named: date) -> AsyncIterator[Sequence[Exchanged]]:
        """Give all that was exchanged on a day, page by page, the oldest first."""
        day = day_of(named, self.zone)
        async for page in self._pages(platform, direction, day.since, day.until):
            yield page

    async def _pages(
        self, platform: str, direction: Direction, since: datetime, until: datetime
    ) -> AsyncIterator[Sequence[Exchanged]]:
        cursor = None
        while True:
            page = await self._ledger.exchanged(platform, direction, since, until, cursor, _PAGE)
            if page.items:
                yield page.items
            cursor = page.cursor
            if cursor is None:
                return

    @contextmanager
    def _one_more(self) -> Iterator[Sorted]:
        if self._going >= _AT_ONCE:
            raise Busy(
                Text("正在进行的对账过多，请稍后再试", "Too many days are being reconciled; ask again in a moment"),
                code="reconciliation.busy",
            )
        self._going += 1
        lines = Sorted()
        try:
            yield lines
        finally:
            self._going -= 1
            lines.close()

    # ── a platform's list ─────────────────────────────────────────────────────────────────────
    async def compare(
        self,
        platform: str,
        direction: Direction,
        named: date,
        actor: str,
        body: AsyncIterator[bytes],
        *,
        is_csv: bool = False,
        as_of: datetime | None = None,
    ) -> ComparedList:
        """Compare a platform's list of a day with the ledger, and keep what it came to; Invalid as `ListReader` says.

        `as_of`: when the list was made; what was exchanged later is not missed in it.
        """
        day, at = day_of(named, self.zone), self._clock()
        until = min(day.until, as_of or at - RECENT)
        with self._one_more() as lines:
            listed = await self._read(body, ListReader(is_csv=is_csv), lines)
            findings, comparison_id = _Findings(), new_id(at)
            # First what is listed: what is acknowledged while it is looked for is in the list, and so never missed.
            await self._look_up(platform, direction, day, lines, findings)
            sound = _is_sound(listed, findings.counts)
            async for page in self._pages(platform, direction, day.since, until):
                missed = await self._missed(page, lines, findings)
                if missed and sound and direction is Direction.DELIVERED:
                    await self._ledger.keep_missing(comparison_id, at, missed)
            digest = (await asyncio.to_thread(lines.counted))[""].digest
        counts = {name: findings.counts[name] for name in ("equal", *SORTS)}
        comparison = Comparison(
            comparison_id, platform, direction, day.name, until, at, actor, listed, digest, sound, counts
        )
        await self._ledger.keep_comparison(comparison)
        return ComparedList(comparison, findings.found, await self._ledger.pruned_until())

    async def _read(self, body: AsyncIterator[bytes], reader: ListReader, lines: Sorted) -> int:
        """Read a list into `lines`; gives how many lines it has."""

        def read(piece: bytes) -> int:
            said = list(reader.read(piece))
            lines.add(said)
            return len(said)

        listed = 0
        async for piece in body:
            listed += await asyncio.to_thread(read, piece)
        reader.end()
        return listed

    async def _look_up(self, platform: str, direction: Direction, day: Day, lines: Sorted, findings: _Findings) -> None:
        """Look for everything that is listed, whatever day it is of, and say what it is."""
        last = ""
        while page := await asyncio.to_thread(lines.after, last, _ASKED):
            last = page[-1][0]
            found = await self._ledger.exchanged_as(platform, direction, [id for id, _, _ in page])
            ours: dict[str, list[Exchanged]] = {}
            for one in found:
                ours.setdefault(one.listed_as, []).append(one)
            for id, digest, times in page:
                if times > 1:
                    findings.add("twice", Disagreement(id))
                findings.add(*_judged(id, digest, ours.get(id, ()), day))
            await asyncio.to_thread(lines.know, [one.id for one in found])

    async def _missed(self, page: Sequence[Exchanged], lines: Sorted, findings: _Findings) -> Sequence[int]:
        """Say what of a page of ours is not listed; gives the places of what has to be sent again."""
        unlisted = await asyncio.to_thread(lines.unknown, [one.id for one in page])
        missed = [one for one in page if one.id in unlisted]
        for one in missed:
            findings.add("resent" if one.resent else "missing", _found(one.id, one))
        return [one.place for one in missed if not one.resent]

    async def to_resend(self, comparison_id: str) -> tuple[Comparison, DeliveryFilter]:
        """Give a comparison and what its resend replays.

        NotFound `reconciliation.unknown`; Conflict `reconciliation.theirs`: what they sent only they can send again;
        `reconciliation.unsound`: the list was not one of that day.
        """
        comparison = await self._ledger.comparison(comparison_id)
        if comparison is None:
            raise no_comparison(comparison_id)
        if comparison.direction is not Direction.DELIVERED:
            raise Conflict(_THEIRS, code="reconciliation.theirs")
        if not comparison.sound:
            raise Conflict(_UNSOUND, code="reconciliation.unsound")
        chosen = DeliveryFilter(state=State.DELIVERED.value, platform=comparison.platform, comparison=comparison.id)
        return comparison, chosen


def _is_sound(listed: int, counts: Mapping[str, int]) -> bool:
    """Tell whether a list is one of its day: not empty, and not of another day alone."""
    return bool(listed) and not (counts["other_day"] and not counts["equal"] + counts["different"])


def _judged(id: str, listed: str | None, ours: Sequence[Exchanged], day: Day) -> tuple[str, Disagreement]:
    """Say what a listed id is; a key of a package stands for several messages that came in the same bytes."""
    if not ours:
        return "unknown", Disagreement(id, listed=listed)
    one = next((each for each in ours if each.at in day), ours[0])
    if one.at is None:
        return "undelivered", _found(id, one, listed)
    if one.at not in day:
        return "other_day", _found(id, one, listed)
    same = listed is None or one.digest is None or one.digest.hex() == listed
    return "equal" if same else "different", _found(id, one, listed)


def _found(id: str, one: Exchanged, listed: str | None = None) -> Disagreement:
    return Disagreement(id, one.type, one.at, one.state, one.digest.hex() if one.digest is not None else None, listed)


def no_comparison(comparison_id: str) -> NotFound:
    """Say that there is no such comparison."""
    return NotFound(
        Text(
            f"没有编号为 {comparison_id} 的对账；对账保留 30 天，请重新提交清单",
            f"There is no reconciliation {comparison_id}; one is kept for 30 days: hand the list in again",
        ),
        code="reconciliation.unknown",
    )


_THEIRS = Text(
    "这份清单是平台报送给网关的文书；网关缺少的只能由平台重新报送",
    "This list is of what the platform sent to the gateway; what the gateway lacks only the platform can send again",
)
_UNSOUND = Text(
    "这份清单为空或属于其他日期，不据此重新投递；请核对日期后重新提交清单",
    "The list is empty or of another day, and nothing is sent again by it; check the day and hand the list in again",
)
