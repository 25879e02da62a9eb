"""The dossier of an enterprise (一企一档): what the ledger knows, and what its platforms answer now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.base import Adapter, Reply, Translation
from gateway.clock import Clock, new_id
from gateway.delivery.no_answer import NoAnswer, Unsendable
from gateway.delivery.outgoing import keyed, stamped
from gateway.delivery.sender import Sender
from gateway.errors import Busy, HutongError, Unavailable
from gateway.ledger.base import Ledger
from gateway.ledger.records import MessageFilter, Platform
from gateway.message import HeldBy, Message, effective_document
from gateway.readers import OnThreads, TaskRunner, TooCostly, is_heavy
from gateway.releases.installed import InstalledAdapters
from schemas.budget import FINDINGS, Budget
from schemas.catalog import of_dossier
from schemas.findings import Finding, Rejected
from schemas.identifiers import CreditCode, Misshapen

PARTS: Mapping[str, tuple[str, ...]] = {
    part: tuple(one.name for one in of_dossier(part))
    for part in ("permits", "projects", "penalties", "inspections", "cases")
}
"""Part → the message types it is made of. A query by a part's name refreshes it."""

_TYPES = frozenset(one for part in PARTS.values() for one in part)
_CREDIT_CODE = "credit_code"
"""What a message is found by; one of the same case that names nobody (a node, a payment) belongs to it too."""

_NAMED = ("party", "holder", "builder")
_MOST_PAGES = 10


@dataclass(frozen=True, slots=True)
class EnterpriseDocument:
    """One document about the enterprise. `message_id` None: a platform said it just now."""

    type: str
    document: Mapping[str, Any]
    platform: str
    at: datetime
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class UnreadRow:
    """A row of a platform's answer that cannot be read: its number among all its rows, from 1, and what is wrong."""

    row: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class AskedPlatform:
    """A platform that was asked, and how that went.

    `state`: `ok`; `partial` (some of its rows cannot be read: `unread` of them, the first of which
    are `problems`); `down` (no answer in time, or known to be unwell); `held` (paused, or its
    credentials are refused); `unreadable` (an answer that cannot be read). `detail` is a stable word.
    """

    platform: str
    state: str
    at: datetime
    detail: str | None = None
    unread: int = 0
    problems: tuple[UnreadRow, ...] = ()


@dataclass(frozen=True, slots=True)
class EnterprisePart:
    """One part: newest first. `state`: `ok`; `partial` (a source, or a row of one, could not be read now, the rest
    stands); `unsupported` (nothing is known, and no platform answers questions about it)."""

    state: str
    entries: tuple[EnterpriseDocument, ...]
    sources: tuple[AskedPlatform, ...] = ()


@dataclass(frozen=True, slots=True)
class Enterprise:
    """Everything known about an enterprise, part by part."""

    credit_code: str
    name: str | None
    at: datetime
    parts: Mapping[str, EnterprisePart]


@dataclass(frozen=True, slots=True)
class _Answer:
    part: str
    source: AskedPlatform
    entries: tuple[EnterpriseDocument, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadPage:
    """Read a page of a query's answer, within `budget`: whether another follows, then each record."""

    name: str
    reply: Reply
    page: int
    budget: Budget

    def __call__(self, adapter: Adapter) -> Iterator[Any]:
        """Read it."""
        records, more = adapter.read_query(self.name, self.reply, self.page, budget=self.budget)
        yield more
        yield from records


class Dossiers:
    """Puts dossiers together. Platforms are asked in parallel, `at_once` at a time; `patience` bounds all of it."""

    def __init__(
        self,
        ledger: Ledger,
        adapters: InstalledAdapters,
        sender: Sender,
        clock: Clock,
        *,
        patience: timedelta = timedelta(seconds=5),
        at_once: int = 16,
        readers: TaskRunner | None = None,
    ) -> None:
        self._ledger = ledger
        self._adapters = adapters
        self._sender = sender
        self._clock = clock
        self._patience = patience
        self._at_once = at_once
        self._readers = readers or OnThreads()

    async def of(self, credit_code: str) -> Enterprise:
        """Give the dossier of a unified social credit code; a platform that is down leaves its part marked.

        Rejected `credit-code.shape` for what is no credit code.
        """
        credit_code = _credit_code(credit_code)
        kept, answers = await asyncio.gather(self._kept(credit_code), self._asked(credit_code))
        parts = {name: _part(name, kept, answers) for name in PARTS}
        entries = (entry for part in parts.values() for entry in part.entries)
        return Enterprise(credit_code, _name(entries), self._clock(), parts)

    async def _kept(self, credit_code: str) -> Sequence[EnterpriseDocument]:
        about = await self._ledger.dossier(credit_code, sorted(_TYPES))
        cases = dict.fromkeys(message.correlation_id for message in about)
        pages = [await self._ledger.find_messages(MessageFilter(correlation_id=one)) for one in cases]
        nameless = [one for page in pages for one in page.items if one.type in _TYPES and _CREDIT_CODE not in one.keys]
        return [_entry(message) for message in (*about, *nameless)]

    # ── asking ────────────────────────────────────────────────────────────────────────────────
    async def _asked(self, credit_code: str) -> Sequence[_Answer]:
        gate = asyncio.Semaphore(self._at_once)
        asked = [(part, platform, adapter) for platform, adapter in await self._askable() for part in adapter.queries]
        questions = {
            asyncio.create_task(self._ask(part, platform, adapter, credit_code, gate)): (part, platform)
            for part, platform, adapter in asked
            if part in PARTS
        }
        if not questions:
            return []
        try:
            done, late = await asyncio.wait(questions, timeout=self._patience.total_seconds())
        finally:
            # Also when the caller is cancelled while waiting. Cancelling those that are done does nothing.
            for task in questions:
                task.cancel()
        # Waits until the cancelled ones have ended, so that none outlives this call.
        await asyncio.gather(*late, return_exceptions=True)
        missed = [_Answer(questions[task][0], self._source(questions[task][1], "down", "timeout")) for task in late]
        return [*(task.result() for task in done), *missed]

    async def _askable(self) -> Sequence[tuple[Platform, Adapter]]:
        found = []
        for platform in (await self._ledger.registry()).platforms.values():
            try:
                found.append((platform, self._adapters.of(platform)))
            except HutongError:
                continue
        return [(platform, adapter) for platform, adapter in found if adapter.queries]

    async def _ask(
        self, part: str, platform: Platform, adapter: Adapter, credit_code: str, gate: asyncio.Semaphore
    ) -> _Answer:
        held = platform.held_by()
        if held:
            state = "down" if held == {HeldBy.BREAKER} else "held"
            return _Answer(part, self._source(platform, state, sorted(held)[0].value))
        try:
            async with gate:
                found = await self._pages(part, platform, adapter, credit_code)
        except NoAnswer as none:
            return _Answer(part, self._source(platform, "down", none.reason))
        except Rejected as rejected:
            return _Answer(part, self._source(platform, "unreadable", rejected.code))
        except Unsendable:
            return _Answer(part, self._source(platform, "unreadable", "request.unwritable"))
        except TooCostly:
            return _Answer(part, self._source(platform, "unreadable", "reply.too-costly"))
        except (Busy, Unavailable) as error:
            return _Answer(part, self._source(platform, "unreadable", error.code))
        unread = [UnreadRow(row, _first(one)) for row, one in enumerate(found, 1) if isinstance(one, Rejected)]
        source = self._source(platform, "ok") if not unread else self._partial(platform, unread)
        read = (one for one in found if not isinstance(one, Rejected))
        entries = tuple(EnterpriseDocument(one.type, one.document, platform.id, source.at) for one in read)
        return _Answer(part, source, entries)

    async def _pages(
        self, part: str, platform: Platform, adapter: Adapter, credit_code: str
    ) -> Sequence[Translation | Rejected]:
        found: list[Translation | Rejected] = []
        for page in range(1, _MOST_PAGES + 1):
            request = adapter.query(part, {"credit_code": credit_code}, platform.settings, page)
            if request is None:
                break
            now = self._clock()
            ready = stamped(adapter.authorise(keyed(request, new_id(now), None), platform.settings), now)
            budget = platform.bounded(adapter.budget)
            patience = min(adapter.limits.timeout, self._patience)
            reply = await self._sender.send(platform, ready, patience, budget.body)
            task = ReadPage(part, reply, page, budget)
            more, *records = await self._read(adapter, platform, task)
            found.extend(records)
            if not more:
                break
        return found

    async def _read(self, adapter: Adapter, platform: Platform, task: ReadPage) -> list[Any]:
        if not is_heavy(task.reply.body):
            return list(task(adapter))
        return await self._readers.run(platform.id, adapter, task)

    def _source(self, platform: Platform, state: str, detail: str | None = None) -> AskedPlatform:
        return AskedPlatform(platform.id, state, self._clock(), detail)

    def _partial(self, platform: Platform, unread: Sequence[UnreadRow]) -> AskedPlatform:
        first = tuple(unread[:FINDINGS])
        return AskedPlatform(platform.id, "partial", self._clock(), "rows.unreadable", len(unread), first)


def _first(rejected: Rejected) -> Finding:
    return rejected.findings[0] if rejected.findings else Finding(rejected.code, rejected.detail)


def _credit_code(text: str) -> str:
    try:
        return CreditCode.normalise(text)
    except Misshapen as error:
        raise Rejected("credit-code.shape", error.finding.message, [error.finding]) from None


def _entry(message: Message) -> EnterpriseDocument:
    return EnterpriseDocument(
        message.type, effective_document(message), message.source, message.received_at, message.id
    )


def _part(name: str, kept: Sequence[EnterpriseDocument], answers: Sequence[_Answer]) -> EnterprisePart:
    told = [answer for answer in answers if answer.part == name]
    known = [entry for entry in kept if entry.type in PARTS[name]]
    fresh = [entry for answer in told for entry in answer.entries]
    new = [entry for entry in fresh if not any(_same(entry, one) for one in known)]
    entries = sorted((*new, *known), key=lambda entry: entry.at, reverse=True)
    sources = tuple(sorted((answer.source for answer in told), key=lambda source: source.platform))
    return EnterprisePart(_state(entries, sources), tuple(entries), sources)


def _same(entry: EnterpriseDocument, other: EnterpriseDocument) -> bool:
    return entry.type == other.type and entry.document == other.document


def _state(entries: Sequence[EnterpriseDocument], sources: Sequence[AskedPlatform]) -> str:
    if not entries and not sources:
        return "unsupported"
    return "ok" if all(source.state == "ok" for source in sources) else "partial"


def _name(entries: Iterable[EnterpriseDocument]) -> str | None:
    for entry in entries:
        for field in _NAMED:
            party = entry.document.get(field)
            if isinstance(party, Mapping) and party.get("name"):
                return str(party["name"])
    return None
