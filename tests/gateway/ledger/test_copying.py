"""A ledger copied to the other engine: everything is there, whatever happens on the way; and two ledgers compared."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from postgres_server import PostgresServer
from report_documents import inspection

from gateway.access import wrapping_keys
from gateway.audit.signing import SigningKey
from gateway.clock import new_id
from gateway.errors import HutongError
from gateway.ledger.assessments import AssessedCase, AssessmentRun, CaseFinding, FindingFilter, Ground
from gateway.ledger.clocked import ClockedCase, ClockStanding, CountedCase, CountedCorrelation, KeptClock
from gateway.ledger.occurrences import REGION, OccurrenceFilter, TallyFilter
from gateway.ledger.reconciled import Comparison, Direction
from gateway.ledger.records import (
    Area,
    BulkReplay,
    CalendarYear,
    Contact,
    ContactWay,
    Credential,
    DeliveryFilter,
    Hold,
    Intent,
    MessageFilter,
    Moved,
    Person,
    Platform,
    Reads,
    Rejection,
    Retention,
    SecondApproval,
    Stamp,
    Unmasking,
    Upload,
    Witnessed,
)
from gateway.ledger.sql import SqlLedger, copying
from gateway.ledger.sql.copying import Compared, Copied, CopyStep
from gateway.ledger.sql.copying.plan import ANEW, NOT_COPIED, chunks, copied_tables
from gateway.ledger.sql.engines import sqlite
from gateway.ledger.sql.tables import metadata
from gateway.ledger.versions import AdapterState, AdapterVersion, BundleKey
from gateway.message import HeldBy, State
from gateway.oversight.occurrences import OccurrenceReader
from gateway.settings import AES
from schemas.calendar import PUBLISHED
from schemas.figures import bundled
from schemas.scalars import CHINA_TIME

pytestmark = pytest.mark.postgresql

DAY = 86_400.0
READER = OccurrenceReader(bundled(), CHINA_TIME, {})
COMPARISON = new_id(datetime(2026, 9, 1, tzinfo=UTC))
EARLY = datetime(2000, 1, 1, tzinfo=UTC)
KEPT = Retention(timedelta(days=400), timedelta(days=200))
CREDIT = "credit-publicity.330000"
KEYS = wrapping_keys("11" * 32, "", AES)


def untold(step: CopyStep) -> None:
    """Nobody looks at how far it has come."""


# ── a ledger with every kind of row ───────────────────────────────────────────────────────────
async def fill(ledger: SqlLedger, small: Any) -> None:
    """Keep at least one row in every table, by the ledger's own promises."""
    await _operators(ledger, small)
    revision = (await ledger.registry()).revision
    await _messages(ledger, small, revision)
    await _deliveries(ledger, small)
    await ledger.note_contacts([Contact(small.platform, ContactWay.DELIVERED, "case.transferred", small.now)])
    await ledger.begin_replay(
        BulkReplay("replay-1", DeliveryFilter(state="dead"), "mended", "operator", small.now), small.intent
    )
    while (await ledger.sequence(200)).more:
        pass
    await ledger.keep_witnessed(Witnessed(CREDIT, 1, b"\x00" * 32, small.now, "见证"))
    await ledger.keep_stamp(Stamp(1, small.now, b"\x30\x00"))
    for day, seen in ((0, 0.0), (500, 500.0)):
        while (await ledger.prune(KEPT, "pruner", small.now + timedelta(days=day), seen=seen * DAY)).more:
            seen = 0.0
    await _later(ledger, small, revision)


async def _operators(ledger: SqlLedger, small: Any) -> None:
    credit = Platform(CREDIT, "credit-publicity", "330000", "credit", {"secret": "秘密\n"}, small.now)
    await ledger.put_platform(credit, replace(small.intent, key="k-1"), lambda unrouted: None, asked={"a": 1})
    await ledger.hold_platform(CREDIT, Hold(HeldBy.PAUSED, small.now, "检修"), small.intent)
    for name, until in (("old", None), ("new", small.now)):
        await ledger.add_credential(Credential(name, CREDIT, f"{name} hash", "2027", small.now, until), small.intent)
    await ledger.revoke_credential(CREDIT, "old", small.intent)
    await ledger.add_person(Person("wang-wei", "王伟", "hash", ("operator", "viewer"), small.now), small.intent)
    key = BundleKey("k-1", "ed25519", "07" * 32, "330000", "省厅", small.now)
    await ledger.add_bundle_key(key, small.intent)
    await ledger.revoke_bundle_key("k-1", small.intent)
    later = small.now + timedelta(days=9)
    await ledger.unmask(Unmasking("u-1", "wang-wei", "m", "核对", small.now, later), small.intent)
    asked = SecondApproval(
        "a-1", "discard", "m/0", "wang-wei", "重复", small.now, later, {"platform": "p"}, {"id": "m/0"}
    )
    await ledger.ask_approval(asked, small.intent)
    await ledger.put_area(Area("370171", "高新区", "370100", small.now), small.intent, [], lambda unrouted: None)
    await ledger.add_upload(Upload("u-1", CREDIT, "sha256:ab", 2, "image/jpeg", small.now))
    await ledger.spend_nonce("new", "n-1", small.now, small.now)
    await ledger.put_unwanted("permit", "330100", Intent("operator", "本省由部里统一公示", small.now))
    await ledger.put_year(CalendarYear(2027, ("2027-10-01",), ("2027-10-10",), small.now), small.intent)
    found = (
        "330100",
        "1",
        "missed",
        "看过\n",
        "looked",
        ("m1",),
        small.now,
        None,
        None,
        "李一",
        "已补正",
        CREDIT,
        small.now,
    )
    await ledger.put_findings([CaseFinding("case:A", "x", "A", "later", *found)])
    await ledger.begin_assessment(AssessmentRun("run-1", "operator", "稽查", small.now, "330100"), small.intent)
    version = AdapterVersion("town", "1.0.0", "d", AdapterState.DRAFT, small.now, small.now, expected=("fine",))
    await ledger.add_adapter(version, bytes(range(256)) * 9, small.intent)


async def _messages(ledger: SqlLedger, small: Any, revision: int) -> None:
    names = ("delivered", "refused", "waiting", "dead", "sending", "ready", "held", "discarded")
    drafts = [
        replace(
            small.draft(name, name, keys={"case_number": name, "credit_code": "91330100MA2KQ7XH9P"}, trace_id="t" * 32),
            numbers={"case_number": f"浙杭环立〔2026〕{name}"},
        )
        for name in (*names, "old")
    ]
    package = small.package(*drafts, key="key-1", body=bytes(range(256)) * 40)
    await ledger.accept(replace(package, revision=revision))
    await ledger.accept(replace(small.package(small.unrouted("unrouted")), revision=revision))
    many = [small.draft(f"p{index}", f"p{index}") for index in range(501)]
    many[500] = replace(many[500], reads=Reads(facts={("delivered", "region"): "nobody"}))
    with pytest.raises(Moved):  # what is kept of it before that is a package under way
        await ledger.accept(replace(small.package(*many, body=b"many"), revision=revision))
    nul = small.draft("nul", "nul\x00", document={"a": "\x00"}, keys={"case_number": "C\x001"})
    await ledger.accept(replace(small.package(nul, body=b"\x00"), revision=revision))


async def _later(ledger: SqlLedger, small: Any, revision: int) -> None:
    """Keep what would have been pruned."""
    at = small.now + timedelta(days=500)
    rejection = Rejection("r1", "mobile-enforcement.330100", "case", at, 1, 422, "document.invalid", {"字段": "缺"})
    draft = replace(small.draft("later", "later", received_at=at), numbers={"case_number": "later"})
    draft = replace(draft, reads=Reads(uploads=frozenset({"u-1"})))
    package = small.package(draft, body=b"later")
    entries = (*package.entries, rejection)
    await ledger.accept(replace(package, revision=revision, received_at=at, entries=entries))
    await ledger.follow("clocks")
    case = ClockedCase("later", "later", "later", "330100", ("penalty.330000",), complete=True, counted_by="rules")
    clock = KeptClock("case.filing", "", ClockStanding.OPEN, date(2026, 9, 1), date(2026, 9, 16), None, ("later",))
    ground = Ground("permit.changed permit_number", "P-1")
    await ledger.put_findings([], [AssessedCase("later", "later", None, date(2026, 9, 16), (ground,), 0)])
    await ledger.change_grounds([ground])
    await ledger.put_clocks("clocks", [CountedCorrelation("later", (CountedCase(case, (clock,)),))])
    read = READER.seen(replace(draft.message, type="inspection.recorded", document=inspection()[1]), PUBLISHED)
    await ledger.keep_occurrences([read], READER)
    await ledger.count_use(READER)
    # Its platform spoke of it by a number of its own before: what it said is tied to the case.
    back = small.draft("back", "back", received_at=at, source=small.platform)
    back = replace(back, numbers={"case_number": "P-1"}, deliveries=())
    await ledger.accept(replace(small.package(back, body=b"back"), revision=revision, received_at=at))
    claim = await ledger.claim(small.platform)
    settlement = small.settlement("later/0", State.DELIVERED)
    attempt = replace(settlement.attempt, reference="P-1")
    await ledger.begin(claim, "later/0", "penalty@1.0.0", small.request, at)
    await ledger.settle(claim, replace(settlement, attempt=attempt, alias=("case_number", "later")))


async def _deliveries(ledger: SqlLedger, small: Any) -> None:
    claim = await ledger.claim(small.platform)

    async def end(name: str, state: State, **attempt: Any) -> None:
        settlement = small.settlement(f"{name}/0", state)
        settlement = replace(settlement, attempt=replace(settlement.attempt, reply=b"\x00\xff" * 900, **attempt))
        await ledger.begin(claim, f"{name}/0", "penalty@1.0.0", small.request, small.now)
        await ledger.settle(claim, replace(settlement, tried_for=1 / 3))

    await end("delivered", State.DELIVERED, reference="P-1")
    await end("old", State.DELIVERED)
    await end("refused", State.REFUSED, status=422, code="http.422", reason="不符\x00合")
    await end("waiting", State.WAITING)
    await end("dead", State.DEAD)
    await ledger.begin(claim, "sending/0", "penalty@1.0.0", small.request, small.now)
    await ledger.hold("held/0", small.intent)
    await ledger.discard("discarded/0", small.intent)
    counts = {"equal": 1, "missing": 1}
    day = ("2026-09-01", small.now, small.now)
    comparison = Comparison(COMPARISON, small.platform, Direction.DELIVERED, *day, small.platform, 2, "d", True, counts)
    missing = await ledger.delivery("delivered/0")
    assert missing is not None
    await ledger.keep_missing(comparison.id, small.now, [missing.position])
    await ledger.keep_comparison(comparison)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, ledger_at: Callable[[Path], str], small: Any) -> Path:
    """A file with every kind of row."""
    path = tmp_path_factory.mktemp("full") / "ledger.db"

    async def made() -> None:
        ledger = await small.start(SqlLedger(ledger_at(path), key=SigningKey.new(), keys=KEYS))
        await fill(ledger, small)
        await ledger.stop()

    asyncio.run(made())
    with closing(sqlite3.connect(path)) as database:
        empty = [
            name
            for name in metadata.tables
            if not database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] and name not in NOT_COPIED
        ]
    assert empty == []
    return path


@pytest.fixture
def filled(full: Path, path: Path) -> str:
    """The address of a ledger with every kind of row, in a file, that nobody has open."""
    shutil.copyfile(full, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def empty(postgres: PostgresServer) -> str:
    """The name of a database with an empty ledger."""
    address = postgres.database()
    copying.migrate(address)
    return address.rpartition("/")[2]


@pytest.fixture
def target(postgres: PostgresServer, empty: str) -> Iterator[str]:
    """The address of an empty ledger in a database of its own."""
    address = postgres.database(empty)
    yield address
    postgres.drop(address)


@pytest.fixture(scope="module")
def full_database(full: Path, postgres: PostgresServer, empty: str) -> str:
    """The name of a database with a copy of it."""
    address = postgres.database(empty)
    assert copying.copy(f"sqlite:///{full}", address, untold).same
    return address.rpartition("/")[2]


# ── copied ────────────────────────────────────────────────────────────────────────────────────
async def answers(ledger: SqlLedger, small: Any) -> Mapping[str, Any]:
    """Ask everything that can be asked of a ledger."""
    found: dict[str, Any] = {}
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await ledger.find_messages(MessageFilter(), cursor, 100)
        ids += [each.id for each in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    found["messages"] = ids
    for id in ids:
        found[f"message {id}"] = await ledger.message(id), await ledger.native(id), await ledger.deliveries_of(id)
        found[f"delivery {id}"] = await ledger.attempts_of(f"{id}/0"), await ledger.sent(f"{id}/0")
        found[f"audit {id}"] = await ledger.audit(f"{id}/0")
        found[f"facts {id}"] = sorted((await ledger.facts(id)).items())
    for state in State:
        found[f"deliveries {state}"] = await ledger.find_deliveries(DeliveryFilter(state=state.value), limit=200)
    found["case"] = await ledger.find_messages(MessageFilter(case_number="waiting"))
    found["nul"] = [each.id for each in (await ledger.find_messages(MessageFilter(case_number="C\x001"))).items]
    found["number"] = await ledger.recall(small.platform, {"case_number": "浙杭环立〔2026〕waiting"})
    found["dossier"] = await ledger.dossier("91330100MA2KQ7XH9P", ["case.transferred"])
    found["rejections"] = await ledger.find_rejections()
    found["rejection"] = await ledger.rejection("r1"), await ledger.rejection_native("r1")
    found["registry"] = await ledger.registry(), await ledger.unwanted(), await ledger.credentials()
    found["people"] = await ledger.people(), await ledger.unmaskings("wang-wei", EARLY), await ledger.approvals()
    found["calendar"] = await ledger.years()
    found["findings"] = await ledger.find_findings(FindingFilter()), await ledger.assessments()
    found["due"] = await ledger.due_cases(date(2026, 9, 16)), await ledger.ground_changes(["later"])
    found["adapters"] = (
        await ledger.adapters(),
        await ledger.bundle_keys(),
        await ledger.adapter_content("town", "1.0.0"),
    )
    found["backlog"] = sorted(await ledger.backlog(), key=repr)
    found["compared"] = await ledger.comparison(COMPARISON)
    found["replays"] = await ledger.replays(), await ledger.contacts()
    head = await ledger.newest_head()
    assert head is not None
    found["tree"] = await ledger.signed_heads(), await ledger.signing_keys(), await ledger.tree_standing()
    found["witnessed"] = await ledger.witnessed([CREDIT], head.size)
    found["stamps"] = await ledger.stamps()
    found["leaf"] = await ledger.prove_message("p7"), await ledger.prove_consistency(300, head.size)
    found["tallies"] = sorted(map(repr, await ledger.tallies(TallyFilter(202601, 202912), READER)))
    found["occurrences"] = await ledger.find_occurrences(OccurrenceFilter(("inspection",), (), 202603, 202603))
    found["heard"] = await ledger.heard_of(REGION)
    found["prunings"] = await ledger.prunings()
    found["prunable"] = await ledger.prunable(KEPT)
    return found


def symbols(value: Any) -> str:
    """Write answers so that U+0000 and the symbol that PostgreSQL keeps for it are the same."""
    return repr(value).replace("\\x00", "␀")


async def test_a_copy_answers_as_the_source_does(filled: str, target: str, small: Any, opened: Any) -> None:
    """Every table is the same, every question has the same answer, and work goes on where it stood, in new numbers."""
    told: list[CopyStep] = []
    done = copying.copy(filled, target, told.append, size=100)
    assert done.same
    assert {each.table for each in done.tables} == set(metadata.tables) - NOT_COPIED
    assert all(each.source.rows for each in done.tables)
    assert [step.done for step in told] == sorted(step.done for step in told if step.stage == "copy") + [
        step.done for step in told if step.stage == "verify"
    ]
    assert done.symbols["messages"] > 0
    assert all(each.same for each in copying.compare(filled, target, untold))
    there = await small.start(SqlLedger(target, keys=KEYS))
    here = await small.start(opened(keys=KEYS))
    mine, its = await answers(here, small), await answers(there, small)
    assert len(mine["messages"]) > 500
    for question, answer in mine.items():
        if not question.startswith("delivery nul"):
            assert symbols(its[question]) == symbols(answer), question
    claims = [await each.claim(small.platform) for each in (here, there)]
    assert claims[0].epoch == claims[1].epoch + 1  # taking the file over ended its claims once more; none comes again
    rescued = [await each.rescue(claim, (), small.now) for each, claim in zip((here, there), claims, strict=True)]
    assert rescued[0] == rescued[1] == ["sending/0"]
    assert await small.heads(here, claims[0]) == await small.heads(there, claims[1])
    await there.accept(replace(small.intake("new", "new"), revision=(await there.registry()).revision))
    assert (await there.find_messages(MessageFilter())).items[0].id == "new"
    await there.begin(claims[1], "new/0", "penalty@1.0.0", small.request, small.now)
    await there.settle(claims[1], small.settlement("new/0", State.DEAD))
    await there.discard("new/0", small.intent)
    await here.stop()
    await there.stop()


async def test_back_to_sqlite(filled: str, target: str, tmp_path: Path, small: Any) -> None:
    """What went to PostgreSQL comes back to a file, where a gateway goes on."""
    copying.copy(filled, target, untold)
    back = f"sqlite:///{tmp_path / 'back.db'}"
    assert copying.copy(target, back, untold).same
    assert all(each.same for each in copying.compare(filled, back, untold))
    ledger = await small.start(SqlLedger(back, keys=KEYS))
    await ledger.accept(replace(small.intake("new", "new"), revision=(await ledger.registry()).revision))
    await ledger.stop()


def test_what_belongs_to_a_process_is_made_anew(filled: str, target: str, postgres: PostgresServer) -> None:
    """Nobody has the copy, or a claim in it; the epochs are those of the source."""
    copying.copy(filled, target, untold)
    with closing(sqlite3.connect(filled.removeprefix("sqlite:///"))) as source:
        before = source.execute("SELECT owner, epoch FROM claims").fetchall()
        epoch = source.execute("SELECT epoch FROM ledger").fetchone()[0]
    assert before[0][0]
    with postgres.connected(target) as target:
        assert target.execute("SELECT owner, epoch FROM claims").fetchall() == [("", number) for _, number in before]
        assert target.execute("SELECT owner, epoch FROM ledger").fetchall() == [("", epoch)]
    assert set(ANEW) <= set(metadata.tables)


def test_any_language_of_the_database(filled: str, postgres: PostgresServer) -> None:
    """A database that orders texts by a language is compared in the order of their bytes all the same."""
    with postgres.connected() as connection:
        connection.execute(
            "CREATE DATABASE icu ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'zh-u-co-pinyin' TEMPLATE template0"
        )
    assert copying.copy(filled, postgres.url("icu"), untold).same
    postgres.drop(postgres.url("icu"))


# ── cut off ───────────────────────────────────────────────────────────────────────────────────
CHILD = dedent(
    """
    import sys
    import sqlalchemy as sa
    from gateway.ledger.sql import copying
    from gateway.ledger.sql.copying import copier, side

    def stop(*_):
        print("cut", flush=True)
        sys.stdin.read()

    source, target, when, chunk = sys.argv[1:]
    count = 0
    def tell(step):
        global count
        count += 1
        if when == "between" and count == int(chunk) or when == step.stage == "verify":
            stop()

    advance = copier.mark.advance
    def advancing(connection, table, now):
        advance(connection, table, now)
        if when == "before the commit" and count == int(chunk) - 1:
            stop()
    copier.mark.advance = advancing
    copying.copy(source, target, tell, size=20)
    """
)


def cut_off(source: str, target: str, when: str, chunk: int) -> None:
    """Copy in a process of its own, and kill it there."""
    command = [sys.executable, "-c", CHILD, source, target, when, str(chunk)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "cut\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    child.stdin.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def from_one_to_the_other(
    request: Any, filled: str, postgres: PostgresServer, full_database: str, tmp_path: Path
) -> Iterator[tuple[str, str]]:
    """A source and a target that does not exist yet or has no tables, in both directions."""
    if request.param == "sqlite":
        address = postgres.database()
        yield filled, address
    else:
        address = postgres.database(full_database)
        yield address, f"sqlite:///{tmp_path / 'copied.db'}"
    postgres.drop(address)


@pytest.mark.parametrize(("when", "chunk"), [("between", 1), ("between", 30), ("before the commit", 30), ("verify", 0)])
async def test_killed_in_the_middle(from_one_to_the_other: tuple[str, str], when: str, chunk: int) -> None:
    """Half a copy is served by nobody; the same again goes on where it was cut, and no chunk comes twice."""
    source, target = from_one_to_the_other
    cut_off(source, target, when, chunk)
    for refused in (SqlLedger(target, keys=KEYS).start, lambda: _migrated(target)):
        with pytest.raises(HutongError, match="hutong ledger copy") as error:
            await refused()
        assert error.value.code == "ledger.half-copied"
    done = copying.copy(source, target, untold, size=20)
    total = sum(each.source.rows for each in done.tables)
    assert done.same
    assert (done.before > 0, done.before + done.rows) == (True, total)
    assert (done.rows == 0) == (when == "verify")
    ledger = SqlLedger(target, keys=KEYS)
    await ledger.start()
    await ledger.stop()


async def _migrated(target: str) -> None:
    copying.migrate(target)


async def test_a_source_that_went_on_meanwhile(filled: str, target: str, opened: Any) -> None:
    """A copy is not gone on with when a gateway ran on the source since: rows that are copied may have changed."""
    cut_off(filled, target, "between", 30)
    ledger = opened(keys=KEYS)
    await ledger.start()
    await ledger.stop()
    with pytest.raises(HutongError, match="copy anew") as error:
        copying.copy(filled, target, untold)
    assert error.value.code == "ledger.other-source"


# ── refused ───────────────────────────────────────────────────────────────────────────────────
def refused(source: str, target: str) -> str:
    """Give the code with which a copy is refused."""
    with pytest.raises(HutongError) as error:
        copying.copy(source, target, untold)
    return error.value.code


async def test_live_ledgers(ledger: SqlLedger, path: Path, target: str, tmp_path: Path) -> None:
    """Neither a source nor a target that a gateway has open; and nothing is left behind."""
    source = f"sqlite:///{path}"
    assert refused(source, target) == "ledger.in-use"
    await ledger.stop()
    there = SqlLedger(target)
    await there.start()
    assert refused(source, target) == "ledger.in-use"
    assert refused(target, f"sqlite:///{tmp_path / 'new.db'}") == "ledger.in-use"
    with pytest.raises(HutongError, match="hutong writer"):
        copying.compare(source, target, untold)
    await there.stop()
    assert copying.copy(source, target, untold).same


async def test_the_source_is_locked_meanwhile(filled: str, target: str, opened: Any) -> None:
    """No gateway starts on a file that is being copied."""
    codes: list[str] = []

    def tell(step: CopyStep) -> None:
        if not codes:
            holder = subprocess.run([sys.executable, "-c", STARTS, filled], capture_output=True, text=True, check=False)
            codes.append(holder.stdout.strip())

    copying.copy(filled, target, tell)
    assert codes == ["ledger.in-use"]


STARTS = """
import asyncio, sys
from gateway.errors import HutongError
from gateway.ledger.sql import SqlLedger
try:
    asyncio.run(SqlLedger(sys.argv[1]).start())
except HutongError as error:
    print(error.code)
"""


async def test_target_that_has_something(filled: str, target: str, postgres: PostgresServer, small: Any) -> None:
    """Rows of a ledger, or tables of somebody else, are left as they are; an empty ledger is a target."""
    there = await small.start(SqlLedger(target, keys=KEYS))
    await there.stop()
    assert refused(filled, target) == "ledger.not-empty"
    again = await small.start(SqlLedger(target, keys=KEYS))
    assert list((await again.registry()).platforms) == [small.platform]
    await again.stop()
    other = postgres.database()
    with postgres.connected(other) as connection:
        connection.execute("CREATE TABLE wages (id INTEGER)")
    assert refused(filled, other) == "ledger.not-empty"
    with postgres.connected(other) as connection:
        assert connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall() == [
            ("wages",)
        ]
    postgres.drop(other)


def test_source_that_cannot_be(filled: str, target: str, postgres: PostgresServer, tmp_path: Path) -> None:
    """No file, an empty one, an empty database, an older or newer schema, or the engine of the target."""
    nowhere = tmp_path / "nowhere.db"
    assert refused(f"sqlite:///{nowhere}", target) == "ledger.missing"
    assert not nowhere.exists()
    nowhere.touch()
    assert refused(f"sqlite:///{nowhere}", target) == "ledger.missing"
    empty = postgres.database()
    assert refused(empty, f"sqlite:///{nowhere}") == "ledger.missing"
    assert refused(filled, f"sqlite:///{tmp_path / 'other.db'}") == "ledger.one-engine"
    for revision, code in (("0011", "ledger.older"), ("9999", "ledger.newer")):
        with closing(sqlite3.connect(filled.removeprefix("sqlite:///"))) as database:
            database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
            database.commit()
        assert refused(filled, target) == code
    postgres.drop(empty)


# ── rows that the target does not take ────────────────────────────────────────────────────────
def change(address: str, *statements: str) -> None:
    """Change a ledger beside all promises."""
    with closing(sqlite3.connect(address.removeprefix("sqlite:///"))) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def test_row_that_is_refused_is_named(filled: str, target: str, postgres: PostgresServer) -> None:
    """The one row of a chunk is told by its key, what was before it stays, and once corrected the copy goes on."""
    with closing(sqlite3.connect(filled.removeprefix("sqlite:///"))) as database:
        *before, last = [seq for (seq,) in database.execute("SELECT seq FROM attempts ORDER BY seq")]
    change(filled, f"UPDATE attempts SET number = 5000000000 WHERE seq = {last}")
    with pytest.raises(HutongError, match=rf"\[{last}\] of attempts") as error:
        copying.copy(filled, target, untold)
    assert error.value.code == "ledger.row-refused"
    with postgres.connected(target) as connection:
        assert connection.execute("SELECT seq FROM attempts ORDER BY seq").fetchall() == [(seq,) for seq in before]
    change(filled, f"UPDATE attempts SET number = 1 WHERE seq = {last}")
    done = copying.copy(filled, target, untold)
    assert done.same
    assert done.before > 500


@pytest.mark.parametrize("size", [1, 1000])
def test_text_that_is_no_text(filled: str, target: str, size: int) -> None:
    """A text that cannot be read is told by the row before it."""
    change(filled, "UPDATE audit SET reason = CAST(x'ff' AS TEXT) WHERE seq = 3")
    with pytest.raises(HutongError, match=r"audit .*\[2\]") as error:
        copying.copy(filled, target, untold, size=size)
    assert error.value.code == "ledger.unreadable"


def test_rows_that_only_nul_tells_apart(filled: str, target: str, postgres: PostgresServer) -> None:
    """Two keys that would be one in PostgreSQL are told before anything is copied; alone, such a key is copied."""
    insert = "INSERT INTO facts VALUES ('case' || char(0), 'k', 'v', 1)"
    change(filled, insert, "INSERT INTO facts VALUES ('case␀', 'k', 'v', 1)")
    with pytest.raises(HutongError, match="facts") as error:
        copying.copy(filled, target, untold)
    assert error.value.code == "ledger.alike"
    with postgres.connected(target) as connection:
        assert connection.execute("SELECT count(*) FROM platforms").fetchone() == (0,)
    change(filled, "DELETE FROM facts WHERE correlation_id = 'case␀'")
    done = copying.copy(filled, target, untold, size=1)
    assert done.same
    assert done.symbols["facts"] > 0
    with postgres.connected(target) as connection:
        assert connection.execute("SELECT value FROM facts WHERE correlation_id = 'case␀'").fetchall() == [("v",)]


# ── compared ──────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def copied(filled: str, full_database: str, postgres: PostgresServer) -> Iterator[tuple[str, str]]:
    """A source and its copy."""
    address = postgres.database(full_database)
    yield filled, address
    postgres.drop(address)


@pytest.mark.parametrize(
    ("statement", "table", "named"),
    [
        ("UPDATE documents SET content = content || '\\x00' WHERE message = 3", "documents", "[3]: differs in content"),
        (
            "UPDATE deliveries SET tried_for = tried_for + 1e-12 WHERE id = 'dead/0'",
            "deliveries",
            "differs in tried_for",
        ),
        ("UPDATE bodies SET kept = NOT kept WHERE seq = 1", "bodies", "[1]: differs in kept"),
        ("UPDATE messages SET trace_id = '' WHERE seq = 20", "messages", "[20]: differs in trace_id"),
        ("DELETE FROM attempts WHERE seq = (SELECT max(seq) FROM attempts)", "attempts", "not in the target"),
        (
            "DELETE FROM numbers WHERE number = '浙杭环立〔2026〕DEAD' AND platform = 'penalty.330000'",
            "numbers",
            "DEAD",
        ),
        ("INSERT INTO facts VALUES ('', 'f', 'v', 1)", "facts", '["","f"]: only in the target'),
    ],
)
def test_what_differs_is_named(
    copied: tuple[str, str], postgres: PostgresServer, statement: str, table: str, named: str
) -> None:
    """One changed, missing or additional row is found, by its key and column; all other tables are the same."""
    with postgres.connected(copied[1]) as connection:
        assert connection.execute(statement).rowcount == 1
    found = {each.table: each for each in copying.compare(*copied, untold)}
    assert [name for name, each in found.items() if not each.same] == [table]
    assert named in (found[table].difference or "")


def test_copy_that_differs_is_not_served(filled: str, target: str, postgres: PostgresServer) -> None:
    """When a row of the target is changed before all is verified, the copy stays marked, and the row is named."""

    def tell(step: CopyStep) -> None:
        if step.stage == "verify":
            with postgres.connected(target) as connection:
                connection.execute("UPDATE audit SET reason = 'other' WHERE seq = 1")

    done = copying.copy(filled, target, tell)
    assert not done.same
    assert [each.difference for each in done.tables if not each.same] == ["[1]: differs in reason"]
    with pytest.raises(HutongError) as error:
        copying.migrate(target)
    assert error.value.code == "ledger.half-copied"


def test_digests_do_not_depend_on_chunks(copied: tuple[str, str]) -> None:
    """The digest of a table is that of its rows, however they were read."""
    once: Sequence[Compared] = copying.compare(*copied, untold)
    table = next(each for each in copied_tables() if each.name == "messages")
    rows = [(n, *["x"] * (len(table.columns) - 1)) for n in range(7)]
    assert [len(each) for each in chunks(rows, table, 3)] == [3, 3, 1]
    assert len({each.source.digest for each in once}) == len(once)


# ── migrated ──────────────────────────────────────────────────────────────────────────────────
def test_migrate(path: Path, postgres: PostgresServer, make_old: Callable[[Path], None]) -> None:
    """From which revision to which is said, also when there is nothing to do, and when nothing was there."""
    make_old(path)
    newest = copying.migrate(f"sqlite:///{path.with_name('new.db')}").after
    address = postgres.database()
    assert [(each.before, each.after) for each in map(copying.migrate, [address, address])] == [
        (None, newest),
        (newest, newest),
    ]
    first = copying.migrate(f"sqlite:///{path}")
    assert (first.before, first.after) == ("0005", newest)
    postgres.drop(address)


@pytest.fixture
def make_old() -> Callable[[Path], None]:
    """Makes a ledger as it was at revision 0005."""

    def made(path: Path) -> None:
        engine = sqlite.writing(f"sqlite:///{path}", patience=1)
        sqlite.upgrade(engine, "0005")
        engine.dispose()

    return made


async def test_migrate_a_live_ledger(ledger: SqlLedger, path: Path) -> None:
    """A file that a gateway has open is left alone."""
    with pytest.raises(HutongError) as error:
        copying.migrate(f"sqlite:///{path}")
    assert error.value.code == "ledger.in-use"


def test_copied_says_whether_all_is_the_same() -> None:
    """One table that differs is enough."""
    same = Compared("audit", copying.TableDigest(1, "a"), copying.TableDigest(1, "a"))
    other = replace(same, target=copying.TableDigest(1, "b"))
    assert Copied(1, 0, {}, [same]).same
    assert not Copied(1, 0, {}, [same, other]).same


def test_every_type_of_column_is_known() -> None:
    """A column of a type that nobody has thought of is noticed before a ledger has it."""
    known = (sa.Boolean, sa.Integer, sa.Float, sa.LargeBinary, sa.Text)
    assert all(isinstance(column.type, known) for table in copied_tables() for column in table.written)
