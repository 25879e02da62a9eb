"""Intake in one process: a ledger on a file, one plain adapter, platforms wherever a test wants them."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import structlog
from faulty import FaultyLedger
from msgspec import Struct
from msgspec.structs import replace

from adapters.base import (
    Answer,
    Document,
    IssuedToken,
    Limits,
    Lineage,
    OutboundRequest,
    Package,
    Record,
    Reply,
    RetrySchedule,
    Sending,
    Setting,
    SigningMoment,
    Translation,
    Verdict,
    VerdictKind,
)
from adapters.formats import json
from gateway.intake import router
from gateway.intake.coverage import Coverage
from gateway.intake.directory import Directory
from gateway.intake.reception import Reception
from gateway.intake.routes import Routes, read_routes
from gateway.intake.steps import IntakeCall, IntakeResult
from gateway.ledger.base import Ledger
from gateway.ledger.records import Accepted, Claim, Intent, Platform, Rejection, Settlement, Work
from gateway.message import Attempt, Delivery, State
from gateway.releases.installed import InstalledAdapters
from gateway.telemetry.events import Event, Events
from schemas import documents
from schemas.budget import STANDARD, Budget
from schemas.catalog import TYPES
from schemas.findings import Finding, Rejected, Text

CREDIT_CODE = "91330110MA2CXY1R13"
PERMIT = f"{CREDIT_CODE}001P"
PARTY = {"name": "杭州示例化工有限公司", "credit_code": CREDIT_CODE}


class PlainAdapter(Struct, frozen=True):
    """Speaks canonical JSON: an operation is a message type, `permits` a package of them, `dated-permit` identified."""

    name: str = "plain"
    version: str = "1.0.0"
    title: str = "测试适配器"
    kind: str = "any"
    digest: str = "0" * 64
    settings: Mapping[str, Setting] = {}
    limits: Limits = Limits()
    retry: RetrySchedule = RetrySchedule()
    sends: frozenset[str] = frozenset(TYPES)
    queries: frozenset[str] = frozenset()
    budget: Budget = STANDARD
    signs: bool = False

    @property
    def receives(self) -> Mapping[str, str]:
        return {**{name: name for name in TYPES}, "permits": "permit.changed", "cases": "case.transferred"} | {
            "dated-permit": "permit.changed"
        }

    def read(
        self, operation: str, body: bytes, content_type: str | None = None, *, budget: Budget | None = None
    ) -> Package:
        tree = json.parse(body)
        if operation not in ("permits", "cases"):
            identity = f"{tree['permit_number']}|{tree['issued_on']}" if operation == "dated-permit" else None
            return Package((Record(0, tree, identity),))
        if tree["count"] != len(tree["records"]):
            raise Rejected("package.count", Text("记录数不符", "The count is wrong"), status=422)
        return Package(tuple(Record(index, one) for index, one in enumerate(tree["records"])), split=True)

    def translate_in(self, operation: str, record: Record) -> Translation:
        known = dict(record.tree)
        drift = (
            [Finding("native.unknown", Text("未映射", "Not mapped"), path="EXTRA")] if known.pop("EXTRA", None) else []
        )
        kind = self.receives[operation]
        checked = documents.check(TYPES[kind].document, known)
        return Translation(kind, checked.document, (*checked.warnings, *drift))

    def answer(self, operation: str, *, accepted: bool, values: Mapping[str, str]) -> Answer | None:
        return None

    def translate_out(self, sending: Sending) -> OutboundRequest:
        return OutboundRequest("POST", f"/{sending.type}", {}, orjson.dumps(sending.document))

    def authorise(
        self, request: OutboundRequest, settings: Mapping[str, Any], moment: SigningMoment | None = None
    ) -> OutboundRequest:
        return request

    def ask_token(self, settings: Mapping[str, Any]) -> OutboundRequest | None:
        return None

    def read_token(self, reply: Reply) -> IssuedToken | None:
        return None

    def judge(self, message_type: str, reply: Reply, *, budget: Budget | None = None) -> Verdict:
        return Verdict(VerdictKind.ACCEPTED if reply.status < 300 else VerdictKind.DEAD, code=f"http.{reply.status}")

    def ask(self, sending: Sending) -> OutboundRequest | None:
        return None

    def judge_answer(self, message_type: str, reply: Reply, *, budget: Budget | None = None) -> Verdict:
        return self.judge(message_type, reply)

    def query(
        self, name: str, parameters: Mapping[str, str], settings: Mapping[str, Any], page: int = 1
    ) -> OutboundRequest | None:
        return None

    def read_query(
        self, name: str, reply: Reply, page: int = 1, *, budget: Budget | None = None
    ) -> tuple[Sequence[Translation], bool]:
        return (), False

    def lineage(self, operation: str) -> Sequence[Lineage]:
        return ()


class Write:
    """Invented documents, each with what is required; keyword arguments change or add."""

    def permit(self, **more: Any) -> Document:
        return {
            "permit_number": PERMIT,
            "holder": PARTY,
            "region": "330110",
            "status": "new",
            "valid_from": "2024-09-10",
            "valid_to": "2029-09-09",
            "issued_on": "2024-09-10",
            "issuer": {"name": "杭州市生态环境局"},
        } | more

    def approval(self, **more: Any) -> Document:
        return {
            "project": {"name": "年产一万吨助剂项目"},
            "builder": PARTY,
            "region": "330110",
            "form": "report-book",
            "approval_number": "杭环审〔2025〕6号",
            "approved_on": "2025-03-01",
            "authority": {"name": "杭州市生态环境局"},
        } | more

    def acceptance(self, **more: Any) -> Document:
        return {
            "project": {"name": "年产一万吨助剂项目"},
            "builder": PARTY,
            "region": "330110",
            "public_from": "2026-05-01",
            "public_to": "2026-06-01",
        } | more

    def order(self, **more: Any) -> Document:
        return {
            "order_number": "DD-1",
            "title": "核查排放口",
            "region": "330110",
            "content": "核查DW001排放口",
            "ordered_at": "2026-08-01T09:00:00+08:00",
            "urgency": "normal",
        } | more

    def report(self, **more: Any) -> Document:
        return {"order_number": "DD-1", "state": "done", "reported_at": "2026-08-03T09:00:00+08:00"} | more

    def inspection(self, **more: Any) -> Document:
        return {
            "inspection_number": "JC-1",
            "party": PARTY,
            "region": "330110",
            "started_at": "2026-08-02T09:00:00+08:00",
            "ended_at": "2026-08-02T11:00:00+08:00",
            "officers": [{"name": "王一", "number": "33010001"}, {"name": "李二", "number": "33010002"}],
            "findings": "污水处理设施未运行",
        } | more

    def case(self, **more: Any) -> Document:
        return {
            "case_number": "AJ-1",
            "name": "杭州示例化工有限公司超标排污案",
            "party": PARTY,
            "region": "330110",
            "found_at": "2026-08-02T11:00:00+08:00",
            "source": "inspection",
            "facts": "污水处理设施未运行",
            "officers": [{"name": "王一", "number": "33010001"}, {"name": "李二", "number": "33010002"}],
        } | more

    def progress(self, **more: Any) -> Document:
        return {"case_number": "AJ-1", "node": "filed", "at": "2026-08-10T09:00:00+08:00"} | more

    def decision(self, **more: Any) -> Document:
        return {
            "case_number": "AJ-1",
            "decision_number": "杭环罚〔2026〕1号",
            "party": PARTY,
            "region": "330110",
            "decided_on": "2026-09-20",
            "kinds": ["fine"],
            "facts": "未按排污许可证规定排放水污染物",
            "legal_basis": ["排污许可管理条例 第三十四条"],
            "authority": {"name": "杭州市生态环境局"},
            "status": "in-force",
            "fine": "200000",
            "publish": {"allowed": True, "level": "general"},
        } | more

    def execution(self, **more: Any) -> Document:
        return {
            "case_number": "AJ-1",
            "decision_number": "杭环罚〔2026〕1号",
            "kind": "paid",
            "at": "2026-09-28T10:00:00+08:00",
            "amount": "200000",
        } | more


class Tick:
    """A clock that moves a millisecond each time it is read."""

    def __init__(self) -> None:
        self._steps = itertools.count()

    def __call__(self) -> datetime:
        return datetime(2026, 9, 1, tzinfo=UTC) + timedelta(milliseconds=next(self._steps))


@dataclass
class Desk:
    """Intake over a ledger. `at` registers platforms by id, which get what waited; every call is as that platform."""

    ledger: Ledger
    adapters: InstalledAdapters
    reception: Reception
    directory: Directory
    routes: Routes
    clock: Tick
    told: list[Event]

    async def at(self, *ids: str, adapter: str = "plain", **more: Any) -> None:
        for one in ids:
            kind, _, region = one.partition(".")
            platform = Platform(one, kind, region, adapter, {"base_url": "http://127.0.0.1"}, self.clock(), **more)
            take = router.taker(self.coverage_with(platform), self.adapters.now.can_send)
            await self.ledger.put_platform(platform, Intent("test", "", self.clock()), take)
            await self.refresh()

    def coverage_with(self, platform: Platform) -> Coverage:
        """Give who covers what once a platform is registered."""
        return Coverage({**self.directory, platform.id: platform}, self.directory.registry.areas)

    async def refresh(self, revision: int = 0) -> None:
        """See the platforms that the ledger has."""
        self.directory.take(await self.ledger.registry())

    def call(self, platform: str, operation: str, tree: Any, **more: Any) -> IntakeCall:
        body = tree if isinstance(tree, bytes) else orjson.dumps(tree)
        return replace(
            IntakeCall(self.directory[platform], operation, body, "application/json", None, "trace-1"), **more
        )

    async def receive(self, platform: str, operation: str, tree: Any, **more: Any) -> IntakeResult:
        return await self.reception.receive(self.call(platform, operation, tree, **more))

    async def send(self, platform: str, operation: str, tree: Any, **more: Any) -> Accepted:
        """Hand a document in that must be accepted."""
        entry = (await self.receive(platform, operation, tree, **more)).receipt.entries[0]
        assert isinstance(entry, Accepted), entry
        return entry

    async def fail(self, platform: str, operation: str, tree: Any, **more: Any) -> Rejection:
        """Hand a document in that must be rejected."""
        entry = (await self.receive(platform, operation, tree, **more)).receipt.entries[0]
        assert isinstance(entry, Rejection), entry
        return entry

    async def submit(self, platform: str, tree: Any, **more: Any) -> Accepted | Rejection:
        outcome = await self.reception.submit(self.call(platform, "messages", tree, **more))
        return outcome.receipt.entries[0]

    async def accept_as(self, delivery: Delivery, field_name: str, original: str, reference: str) -> None:
        """Let a delivery's platform accept it under a number of its own."""
        claim = await self.begin(delivery)
        await self.settle_as(claim, delivery, field_name, original, reference)

    async def begin(self, delivery: Delivery) -> Claim:
        """Let the sending of a delivery begin."""
        assert delivery.platform is not None
        claim = await self.ledger.claim(delivery.platform)
        await self.ledger.begin(claim, delivery.id, "plain@1.0.0", OutboundRequest("POST", "/"), self.clock())
        return claim

    async def settle_as(self, claim: Claim, delivery: Delivery, field_name: str, original: str, reference: str) -> None:
        """Let a delivery that is being sent be accepted under a number of the platform's own."""
        at = self.clock()
        attempt = Attempt(delivery.id, 1, at, at, "accepted", 200, reference)
        await self.ledger.settle(claim, Settlement(attempt, State.DELIVERED, alias=(field_name, original)))

    async def heads(self, platform: str) -> Sequence[Work]:
        """Give what could be sent to a platform now."""
        now = self.clock()
        return await self.ledger.heads(await self.ledger.claim(platform), now, now + timedelta(hours=1), 10)


@pytest.fixture
def write() -> Write:
    """Documents to send."""
    return Write()


@pytest.fixture
def plain() -> PlainAdapter:
    """The adapter that every platform of these tests speaks, unless it says otherwise."""
    return PlainAdapter()


@pytest.fixture
async def desk(plain: PlainAdapter, new_ledger: Callable[[], Ledger]) -> AsyncIterator[Desk]:
    """Intake, ready to take documents."""
    ledger = new_ledger()
    await ledger.start()
    yield desk_over(ledger, plain)
    await ledger.stop()


@pytest.fixture
async def racing(plain: PlainAdapter, new_ledger: Callable[[], Ledger]) -> AsyncIterator[Desk]:
    """Intake over a ledger whose calls can be made to fail or to wait."""
    ledger = FaultyLedger(new_ledger())
    await ledger.start()
    yield desk_over(ledger, plain)
    await ledger.stop()


@pytest.fixture
def desk_of() -> Callable[[Ledger, PlainAdapter], Desk]:
    """Makes intake over a ledger that is started already, for an adapter."""
    return desk_over


def desk_over(ledger: Ledger, plain: PlainAdapter) -> Desk:
    """Make intake over a ledger that is started already."""
    told: list[Event] = []
    clock, directory, routes = Tick(), Directory(), read_routes()
    adapters = InstalledAdapters([plain, replace(plain, name="deaf", sends=frozenset())])
    events = Events([told.append])
    reception = Reception(ledger, adapters, routes, directory, lambda revision: desk.refresh(revision), clock, events)
    desk = Desk(ledger, adapters, reception, directory, routes, clock, told)
    return desk


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """Leave logging as it was found: a handler that stays writes to a stream which pytest closes."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
