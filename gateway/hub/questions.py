"""Asks platforms what they know of an enterprise: all at once, each in its own format, and none again too soon."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from adapters.base import Adapter, Document, Reply, Translation
from gateway.clock import Clock, new_id
from gateway.delivery.authorised import AuthorisedSender
from gateway.delivery.no_answer import NoAnswer, Unsendable
from gateway.delivery.outgoing import keyed
from gateway.errors import Busy, HutongError, Unavailable
from gateway.hub.query_cache import KeptAnswer, QueryCache
from gateway.ledger.base import Ledger
from gateway.ledger.records import Platform
from gateway.message import HeldBy
from gateway.readers import OnThreads, TaskRunner, TooCostly, is_heavy
from gateway.releases.installed import InstalledAdapters
from schemas.budget import FINDINGS, Budget
from schemas.findings import Finding, Rejected

_MOST_PAGES = 10


@dataclass(frozen=True, slots=True)
class EnterpriseDocument:
    """One document about the enterprise. `message_id` None: a platform said it just now."""

    type: str
    document: Document
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
class PlatformAnswer:
    """What a platform said to one question, and how that went."""

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


class Question(Struct, frozen=True):
    """What a platform is asked: by the name of a query of its adapter, about one enterprise."""

    part: str
    platform: Platform
    adapter: Adapter
    credit_code: str

    @property
    def text(self) -> str:
        """Everything that its answer depends on: a platform that is registered anew, say with another address, is
        asked anew."""
        platform, adapter = self.platform, self.adapter
        said = (platform.id, platform.revision, adapter.name, adapter.version, self.part, self.credit_code)
        return json.dumps(said)


class Questions:
    """Asks platforms, `at_once` at a time; `patience` bounds all of it. What they answered lately is in `cache`."""

    def __init__(
        self,
        ledger: Ledger,
        adapters: InstalledAdapters,
        sender: AuthorisedSender,
        clock: Clock,
        cache: QueryCache,
        *,
        patience: timedelta = timedelta(seconds=5),
        at_once: int = 16,
        readers: TaskRunner | None = None,
    ) -> None:
        self._ledger = ledger
        self._adapters = adapters
        self._sender = sender
        self._clock = clock
        self._cache = cache
        self._patience = patience
        self._at_once = at_once
        self._readers = readers or OnThreads()

    async def ask(self, parts: Collection[str], credit_code: str, *, anew: bool = False) -> Sequence[PlatformAnswer]:
        """Give what each platform that knows of these parts answers now, or answered lately unless asked `anew`."""
        questions = [one for one in await self._questions(credit_code) if one.part in parts]
        held = [_held(one.platform) for one in questions]
        askable = [one for one, why in zip(questions, held, strict=True) if why is None]
        kept = [None] * len(askable) if anew else await self._cache.find([one.text for one in askable])
        asked = await self._asked([one for one, found in zip(askable, kept, strict=True) if found is None])
        await self._cache.keep([_to_keep(one, answer) for one, answer in asked if answer.source.state == "ok"])
        return [
            *(self._untold(one, *why) for one, why in zip(questions, held, strict=True) if why is not None),
            *(_as_kept(one, found) for one, found in zip(askable, kept, strict=True) if found is not None),
            *(answer for _, answer in asked),
        ]

    async def _questions(self, credit_code: str) -> Sequence[Question]:
        found = []
        for platform in (await self._ledger.registry()).platforms.values():
            try:
                adapter = self._adapters.of(platform)
            except HutongError:
                continue
            found += [Question(part, platform, adapter, credit_code) for part in adapter.queries]
        return found

    # ── asking ────────────────────────────────────────────────────────────────────────────────
    async def _asked(self, questions: Sequence[Question]) -> Sequence[tuple[Question, PlatformAnswer]]:
        if not questions:
            return []
        gate = asyncio.Semaphore(self._at_once)
        asking = {asyncio.create_task(self._ask(one, gate)): one for one in questions}
        try:
            done, late = await asyncio.wait(asking, timeout=self._patience.total_seconds())
        finally:
            # Also when the caller is cancelled while waiting. Cancelling those that are done does nothing.
            for task in asking:
                task.cancel()
        # Waits until the cancelled ones have ended, so that none outlives this call.
        await asyncio.gather(*late, return_exceptions=True)
        missed = [(asking[task], self._untold(asking[task], "down", "timeout")) for task in late]
        return [*((asking[task], task.result()) for task in done), *missed]

    async def _ask(self, question: Question, gate: asyncio.Semaphore) -> PlatformAnswer:
        try:
            async with gate:
                found = await self._pages(question)
        except NoAnswer as none:
            return self._untold(question, "down", none.reason)
        except Rejected as rejected:
            return self._untold(question, "unreadable", rejected.code)
        except Unsendable:
            return self._untold(question, "unreadable", "request.unwritable")
        except TooCostly:
            return self._untold(question, "unreadable", "reply.too-costly")
        except (Busy, Unavailable) as error:
            return self._untold(question, "unreadable", error.code)
        unread = [UnreadRow(row, _first(one)) for row, one in enumerate(found, 1) if isinstance(one, Rejected)]
        read = tuple((one.type, one.document) for one in found if not isinstance(one, Rejected))
        return _answer(question, read, self._clock(), unread)

    async def _pages(self, question: Question) -> Sequence[Translation | Rejected]:
        platform, adapter = question.platform, question.adapter
        found: list[Translation | Rejected] = []
        for page in range(1, _MOST_PAGES + 1):
            request = adapter.query(question.part, {"credit_code": question.credit_code}, platform.settings, page)
            if request is None:
                break
            ready = keyed(request, new_id(self._clock()), None)
            budget = platform.bounded(adapter.budget)
            patience = min(adapter.limits.timeout, self._patience)
            reply = await self._sender.send(adapter, platform, ready, patience, budget.body)
            task = ReadPage(question.part, reply, page, budget)
            more, *records = await self._read(adapter, platform, task)
            found.extend(records)
            if not more:
                break
        return found

    async def _read(self, adapter: Adapter, platform: Platform, task: ReadPage) -> list[Any]:
        if not is_heavy(task.reply.body):
            return list(task(adapter))
        return await self._readers.run(platform.id, adapter, task)

    def _untold(self, question: Question, state: str, detail: str) -> PlatformAnswer:
        return PlatformAnswer(question.part, AskedPlatform(question.platform.id, state, self._clock(), detail))


def _held(platform: Platform) -> tuple[str, str] | None:
    """Tell the state and the reason in which a platform is left alone; None when it may be asked."""
    held = platform.held_by()
    if not held:
        return None
    return "down" if held == {HeldBy.BREAKER} else "held", sorted(held)[0].value


def _answer(
    question: Question, records: Sequence[tuple[str, Document]], at: datetime, unread: Sequence[UnreadRow] = ()
) -> PlatformAnswer:
    platform = question.platform.id
    source = AskedPlatform(platform, "ok", at)
    if unread:
        source = AskedPlatform(platform, "partial", at, "rows.unreadable", len(unread), tuple(unread[:FINDINGS]))
    entries = tuple(EnterpriseDocument(type, document, platform, at) for type, document in records)
    return PlatformAnswer(question.part, source, entries)


def _as_kept(question: Question, kept: KeptAnswer) -> PlatformAnswer:
    return _answer(question, kept.records, kept.at)


def _to_keep(question: Question, answer: PlatformAnswer) -> KeptAnswer:
    return KeptAnswer(question.text, answer.source.at, tuple((one.type, one.document) for one in answer.entries))


def _first(rejected: Rejected) -> Finding:
    return rejected.findings[0] if rejected.findings else Finding(rejected.code, rejected.detail)
