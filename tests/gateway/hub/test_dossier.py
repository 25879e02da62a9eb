"""One enterprise, side by side: the ledger's knowledge, and what doubles of its platforms answer over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from redis_server import RedisServer

import adapters
from adapters import paths
from adapters.adapter import DeclarativeAdapter, load
from adapters.base import Reply
from adapters.formats import json
from gateway.clock import new_id
from gateway.coordination import MemoryStore, SharedStore
from gateway.coordination.redis_store import RedisStore
from gateway.delivery.authorised import AuthorisedSender
from gateway.delivery.sender import Sender
from gateway.hub.dossier import PARTS, Dossiers, Enterprise, EnterprisePart
from gateway.hub.query_cache import QueryCache
from gateway.hub.questions import Questions
from gateway.ledger.base import Ledger
from gateway.ledger.records import Hold, Intake, IntakeDraft, Intent, Platform
from gateway.message import HeldBy, Message
from gateway.releases.installed import InstalledAdapters
from gateway.sandbox import Double, running

NOW = datetime(2026, 9, 1, tzinfo=UTC)
FOLDER = Path(adapters.__file__).parent
ASKED = {"penalty": "penalties", "pollutant-permit": "permits", "construction-project": "projects"}
SETTINGS = {"app_key": "k", "account": "a", "password": "p", "token": "t"}


@cache
def loaded(name: str) -> DeclarativeAdapter:
    """Load a bundled adapter once."""
    return load(FOLDER / name)


def sample(adapter: DeclarativeAdapter, query: str) -> tuple[Any, Mapping[str, Any]]:
    """Give a native record that a query may find, and the document it means."""
    file = min(name for name in adapter.bundle.files if name.startswith(f"samples/{query}/") and ".native." in name)
    content = adapter.bundle.files[file]
    documents, _ = adapter.read_query(query, Reply(200, {}, content))
    each = paths.in_body(adapter.bundle.manifest.queries[query].each)  # type: ignore[index]
    return paths.values(json.parse(content), each)[0], documents[0].document


@dataclass
class Country:
    """A ledger, three kinds of platforms that answer questions, and a dossier of it all."""

    stack: AsyncExitStack
    ledger: Ledger
    sender: Sender = field(default_factory=Sender)
    doubles: dict[str, Double] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.adapters = {name: loaded(name) for name in (*ASKED, "credit-publicity")}

    async def platform(self, platform_id: str, *, base_url: str | None = None) -> None:
        """Register a platform, with a double that knows the sample's enterprise."""
        kind, _, region = platform_id.partition(".")
        if base_url is None:
            double = self.doubles[platform_id] = Double(self.adapters[kind])
            if kind in ASKED:
                double.platform.records = {ASKED[kind]: [sample(self.adapters[kind], ASKED[kind])[0]]}
            base_url = await self.stack.enter_async_context(running(double))
        settings = {**SETTINGS, "base_url": base_url}
        platform = Platform(platform_id, kind, region, kind, settings, NOW)
        await self.ledger.put_platform(platform, Intent("test", "", NOW), lambda unrouted: None)

    async def knows(self, message_type: str, document: Mapping[str, Any], credit_code: str) -> str:
        """Let the ledger have a message about an enterprise."""
        message_id = new_id(NOW)
        message = Message(
            id=message_id,
            type=message_type,
            document=document,
            source="mobile-enforcement.330000",
            operation="any",
            adapter="any",
            region="330000",
            ordering_key=message_id,
            correlation_id=message_id,
            received_at=NOW - timedelta(days=1),
            identity=message_id,
            digest=message_id,
            keys={"credit_code": credit_code},
        )
        revision = (await self.ledger.registry()).revision
        draft = IntakeDraft(0, message, ())
        await self.ledger.accept(Intake(message.source, "any", NOW, b"", "", (draft,), revision))
        return message_id

    async def dossier(self, credit_code: str, patience: float = 5) -> Enterprise:
        """Give the dossier."""
        known, cache = InstalledAdapters(self.adapters.values()), QueryCache(MemoryStore(), lambda: NOW)
        sender, most = AuthorisedSender(self.sender, lambda: NOW), timedelta(seconds=patience)
        questions = Questions(self.ledger, known, sender, lambda: NOW, cache, patience=most)
        return await Dossiers(self.ledger, questions, lambda: NOW).of(credit_code)

    def code(self, kind: str) -> str:
        """Give the credit code of a kind's sample."""
        _, document = sample(self.adapters[kind], ASKED[kind])
        parties = (document.get(name, {}) for name in ("party", "holder", "builder"))
        return str(next(party["credit_code"] for party in parties if "credit_code" in party))


@pytest.fixture
async def country(new_ledger: Callable[[], Ledger]) -> AsyncIterator[Country]:
    """Give a country without platforms yet."""
    async with AsyncExitStack() as stack:
        country = Country(stack, new_ledger())
        await country.ledger.start()
        stack.push_async_callback(country.ledger.stop)
        stack.push_async_callback(country.sender.close)
        yield country


async def test_an_unknown_enterprise_has_five_empty_parts(country: Country) -> None:
    """Permits, projects, penalties, inspections, cases: empty, and nobody to ask."""
    enterprise = await country.dossier("91330100MA27XXXX0A")
    assert list(enterprise.parts) == ["permits", "projects", "penalties", "inspections", "cases"] == list(PARTS)
    assert {part.state for part in enterprise.parts.values()} == {"unsupported"}
    assert enterprise.name is None


@pytest.mark.parametrize("kind", ASKED)
async def test_what_a_platform_answers_stands_with_its_source_and_time(country: Country, kind: str) -> None:
    """Each kind is asked for what it knows, in its own format."""
    await country.platform(f"{kind}.330000")
    enterprise = await country.dossier(country.code(kind))
    part = enterprise.parts[ASKED[kind]]
    (entry,) = part.entries
    assert (part.state, entry.platform, entry.at, entry.message_id) == ("ok", f"{kind}.330000", NOW, None)
    assert entry.document == sample(country.adapters[kind], ASKED[kind])[1]
    assert [(source.platform, source.state) for source in part.sources] == [(f"{kind}.330000", "ok")]
    assert enterprise.name


async def test_the_ledger_and_the_platforms_stand_side_by_side(country: Country) -> None:
    """The same document from both stands once, with its message; what only one has stands too, newest first."""
    await country.platform("penalty.330000")
    _, document = sample(country.adapters["penalty"], "penalties")
    code = country.code("penalty")
    same = await country.knows("penalty.decided", document, code)
    other = await country.knows("penalty.decided", {**document, "decision_number": "浙环罚〔2020〕9号"}, code)
    part = (await country.dossier(code)).parts["penalties"]
    assert [entry.message_id for entry in part.entries] == [other, same]
    changed = await country.knows("penalty.executed", {"case_number": "A", "kind": "paid"}, code)
    assert changed in [entry.message_id for entry in (await country.dossier(code)).parts["penalties"].entries]


async def test_a_platform_that_is_down_leaves_its_part_marked(country: Country) -> None:
    """The others answer, the ledger answers, the call does not fail."""
    await country.platform("penalty.330000")
    await country.platform("penalty.330100", base_url="http://127.0.0.1:1")
    await country.platform("pollutant-permit.000000")
    enterprise = await country.dossier(country.code("penalty"))
    part = enterprise.parts["penalties"]
    assert part.state == "partial"
    assert [(source.platform, source.state, source.detail) for source in part.sources] == [
        ("penalty.330000", "ok", None),
        ("penalty.330100", "down", "connection.refused"),
    ]
    assert len(part.entries) == 1
    assert enterprise.parts["permits"].state == "ok"


async def test_nobody_waits_for_a_platform_that_does_not_answer(country: Country) -> None:
    """The patience is for all of them together."""
    await country.platform("penalty.330000")
    country.doubles["penalty.330000"].misbehave(latency_ms=60_000)
    await country.platform("pollutant-permit.000000")
    async with asyncio.timeout(5):
        enterprise = await country.dossier(country.code("penalty"), patience=0.3)
    (source,) = enterprise.parts["penalties"].sources
    assert (source.state, source.detail) == ("down", "timeout")
    assert enterprise.parts["permits"].state == "ok"


@pytest.mark.parametrize(
    ("hold", "state"), [(HeldBy.BREAKER, "down"), (HeldBy.PAUSED, "held"), (HeldBy.CREDENTIALS, "held")]
)
async def test_a_held_platform_is_not_called(country: Country, hold: HeldBy, state: str) -> None:
    """What is known to be down, or was told to be left alone, is left alone."""
    await country.platform("penalty.330000")
    await country.ledger.hold_platform("penalty.330000", Hold(hold, NOW), Intent("test", "", NOW))
    part = (await country.dossier(country.code("penalty"))).parts["penalties"]
    assert [(source.state, source.detail) for source in part.sources] == [(state, hold.value)]
    assert part.entries == ()


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_an_answer_that_cannot_be_read_is_marked(country: Country, status: int) -> None:
    """An error page is not an enterprise without penalties."""
    await country.platform("penalty.330000")
    country.doubles["penalty.330000"].misbehave(status=status)
    part = (await country.dossier(country.code("penalty"))).parts["penalties"]
    assert [source.state for source in part.sources] == ["unreadable"]
    assert part.state == "partial"


async def test_a_row_that_cannot_be_read_hides_no_other(country: Country) -> None:
    """The good ones are shown, and the bad one is told by its number, its place and its fault."""
    await country.platform("penalty.330000")
    row, document = sample(country.adapters["penalty"], "penalties")
    odd = {**row, "PUNISHDECIDETIME": "0000-00-00"}
    country.doubles["penalty.330000"].platform.records = {"penalties": [row, odd, odd, row]}
    part = (await country.dossier(country.code("penalty"))).parts["penalties"]
    assert [entry.document for entry in part.entries] == [document, document]
    [source] = part.sources
    assert (part.state, source.state, source.detail, source.unread) == ("partial", "partial", "rows.unreadable", 2)
    assert [(one.row, one.finding.path) for one in source.problems] == [
        (2, "PUNISHDECIDETIME"),
        (3, "PUNISHDECIDETIME"),
    ]


async def test_what_only_the_ledger_knows_has_no_source(country: Country) -> None:
    """Nobody answers questions about cases; what went through the gateway is there all the same."""
    await country.knows("case.progressed", {"case_number": "A", "node": "filed"}, "91330100MA27XXXX0A")
    part = (await country.dossier("91330100MA27XXXX0A")).parts["cases"]
    assert (part.state, len(part.entries), part.sources) == ("ok", 1, ())


async def test_all_pages_are_read(country: Country) -> None:
    """A long list comes in pages; all of it belongs to the dossier."""
    await country.platform("pollutant-permit.000000")
    record, _ = sample(country.adapters["pollutant-permit"], "permits")
    country.doubles["pollutant-permit.000000"].platform.records = {"permits": [record] * 45}
    part = (await country.dossier(country.code("pollutant-permit"))).parts["permits"]
    assert len(part.entries) == 45


async def test_a_long_answer_is_read_as_far_as_the_platforms_limits_say(country: Country) -> None:
    """One of more than a megabyte is whole where the bundle takes two."""
    await country.platform("penalty.330000")
    row, _ = sample(country.adapters["penalty"], "penalties")
    rows = [row] * (1_300_000 // len(str(row)) + 1)
    country.doubles["penalty.330000"].platform.records = {"penalties": rows}
    part = (await country.dossier(country.code("penalty"), patience=60)).parts["penalties"]
    assert [source.state for source in part.sources] == ["ok"]
    assert len(part.entries) == len(rows)


async def test_a_platform_without_questions_is_no_source(country: Country) -> None:
    """The publicity platform only receives."""
    await country.platform("credit-publicity.330000")
    enterprise = await country.dossier("91330100MA27XXXX0A")
    assert all(part.sources == () for part in enterprise.parts.values())


# ── asked a moment ago ────────────────────────────────────────────────────────────────────────
class Clicking:
    """Two processes that share what platforms answered, by a clock that the tests move."""

    def __init__(self, country: Country, store: SharedStore, seconds: int = 30) -> None:
        self.now = NOW
        self._country = country
        known = InstalledAdapters(country.adapters.values())

        def process() -> Dossiers:
            cache = QueryCache(store, self.clock, seconds)
            sender = AuthorisedSender(country.sender, self.clock)
            questions = Questions(country.ledger, known, sender, self.clock, cache)
            return Dossiers(country.ledger, questions, self.clock)

        self._processes = process(), process()

    def clock(self) -> datetime:
        """Give the moment."""
        return self.now

    async def part(self, name: str, kind: str, *, process: int = 0, anew: bool = False) -> EnterprisePart:
        """Look at one part of the sample's enterprise."""
        dossier = await self._processes[process].of(self._country.code(kind), anew=anew)
        return dossier.parts[name]


def asked_at(part: EnterprisePart) -> list[datetime]:
    """Give when the sources of a part answered; their entries are of the same time."""
    times = {source.platform: source.at for source in part.sources}
    assert all(entry.at == times[entry.platform] for entry in part.entries if entry.message_id is None)
    return list(times.values())


@pytest.mark.parametrize("kind", ASKED)
async def test_a_second_look_asks_nobody(country: Country, kind: str) -> None:
    """In another process, too: the same documents, with the time of the first answer; later it is asked again."""
    await country.platform(f"{kind}.330000")
    clicking = Clicking(country, MemoryStore(lambda: clicking.now.timestamp()))
    first = await clicking.part(ASKED[kind], kind)
    country.doubles[f"{kind}.330000"].misbehave(status=500)
    clicking.now += timedelta(seconds=29)
    again = await clicking.part(ASKED[kind], kind, process=1)
    assert again == first
    assert asked_at(again) == [NOW]
    clicking.now += timedelta(seconds=1)
    assert (await clicking.part(ASKED[kind], kind)).sources[0].state == "unreadable"


async def test_who_wants_what_is_so_now_is_given_it(country: Country) -> None:
    """And the others get the newer answer from then on."""
    await country.platform("penalty.330000")
    clicking = Clicking(country, MemoryStore())
    assert len((await clicking.part("penalties", "penalty")).entries) == 1
    country.doubles["penalty.330000"].platform.records = {"penalties": []}
    clicking.now += timedelta(seconds=5)
    assert asked_at(await clicking.part("penalties", "penalty")) == [NOW]
    anew = await clicking.part("penalties", "penalty", anew=True)
    assert (len(anew.entries), asked_at(anew)) == (0, [clicking.now])
    assert await clicking.part("penalties", "penalty", process=1) == anew


async def test_only_whole_answers_are_kept(country: Country) -> None:
    """What could not be read, in whole or in part, or did not come, is asked for again."""
    await country.platform("penalty.330000")
    await country.platform("pollutant-permit.000000")
    double = country.doubles["penalty.330000"]
    row, _ = sample(country.adapters["penalty"], "penalties")
    clicking = Clicking(country, MemoryStore())
    double.misbehave(status=500)
    assert (await clicking.part("penalties", "penalty")).sources[0].state == "unreadable"
    double.misbehave(reset_before_read=True)
    assert (await clicking.part("penalties", "penalty")).sources[0].state == "down"
    double.misbehave()
    double.platform.records = {"penalties": [row, {**row, "PUNISHDECIDETIME": "0000-00-00"}]}
    assert (await clicking.part("penalties", "penalty")).sources[0].state == "partial"
    double.platform.records = {"penalties": [row]}
    clicking.now += timedelta(seconds=5)
    part = await clicking.part("penalties", "penalty")
    assert (part.state, asked_at(part)) == ("ok", [clicking.now])
    assert asked_at(await clicking.part("permits", "penalty")) == [NOW]


@pytest.mark.parametrize("change", ["held", "registered anew"])
async def test_a_changed_platform_is_not_told_of_by_its_old_answer(country: Country, change: str) -> None:
    """It is paused, or stands at another address now."""
    await country.platform("penalty.330000")
    clicking = Clicking(country, MemoryStore())
    assert (await clicking.part("penalties", "penalty")).state == "ok"
    if change == "held":
        await country.ledger.hold_platform("penalty.330000", Hold(HeldBy.PAUSED, NOW), Intent("test", "", NOW))
    else:
        await country.platform("penalty.330000", base_url="http://127.0.0.1:1")
    part = await clicking.part("penalties", "penalty")
    assert part.entries == ()
    assert part.sources[0].state == ("held" if change == "held" else "down")


@pytest.mark.parametrize("hurt", ["flushed", "frozen", "killed", "absent"])
async def test_without_the_store_platforms_are_asked(country: Country, hurt: str) -> None:
    """Nothing is missing and nothing fails; a store that does not answer is waited for once."""
    await country.platform("penalty.330000")
    with RedisServer() as server:
        url = "redis://127.0.0.1:1/0" if hurt == "absent" else server.url
        store = RedisStore(url, "postgresql://ledger.example/hutong", lambda: 0.0)
        clicking = Clicking(country, store)
        assert asked_at(await clicking.part("penalties", "penalty")) == [NOW]
        clicking.now += timedelta(seconds=5)
        kept = await clicking.part("penalties", "penalty", process=1)
        assert asked_at(kept) == [clicking.now if hurt == "absent" else NOW]
        {"flushed": lambda: server.client().flushall(), "frozen": server.freeze, "killed": server.stop}.get(
            hurt, lambda: None
        )()
        asked = await clicking.part("penalties", "penalty")
        assert (asked.state, asked_at(asked), len(asked.entries)) == ("ok", [clicking.now], 1)
        await store.close()
