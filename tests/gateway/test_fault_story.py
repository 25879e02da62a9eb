"""One story with every operation of the ledger, told again with each writing call failing once: nothing stays behind.

A call fails before its commit, or after it (so that nobody knows), or stands still for a while. Whoever
asked asks again, as platforms and operators do: the same bytes, the same key. In the end everything has
flowed, in order and once, without a restart.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest
from faulty import FaultyLedger, Gate, Post, Posted
from msgspec.structs import replace

from adapters.base import Limits, Reply, RetrySchedule, Setting, Verdict, VerdictKind
from gateway.bootstrap import build
from gateway.delivery.breaker import BreakerPolicy
from gateway.delivery.inbox import Leased
from gateway.delivery.lease_receipt import LeaseReceipt
from gateway.errors import HutongError, Unavailable
from gateway.hub import Hub
from gateway.intake.steps import IntakeCall
from gateway.ledger.base import READS, Ledger
from gateway.ledger.records import (
    Accepted,
    Area,
    AuditEntry,
    AuditFilter,
    CalendarYear,
    DeliveryFilter,
    Intent,
    MessageFilter,
)
from gateway.ledger.sql import SqlLedger
from gateway.message import State
from gateway.releases.installed import InstalledAdapters
from gateway.settings import Settings
from schemas.budget import Budget

MOBILE, PENALTY, PERMIT, CREDIT = (
    f"{kind}.330000" for kind in ("mobile-enforcement", "penalty", "pollutant-permit", "credit-publicity")
)
URL = {"base_url": "http://127.0.0.1:9"}
WRITES = sorted(
    name for name in vars(Ledger) if not name.startswith("_") and name not in READS and name not in ("start", "stop")
)
ELSEWHERE = {
    "note": "what was read and who was refused, which changes nothing; see tests of the trail",
    **dict.fromkeys(
        ("ask_approval", "decide_approval", "finish_approval"),
        "only where four eyes are set; see tests of approvals, which fail them before and after their commit",
    ),
    **dict.fromkeys(
        ("keep_missing", "keep_comparison"),
        "a list whose answer is lost is handed in again, and sends nothing; see the conformance of reconciling",
    ),
    **dict.fromkeys(
        ("add_bundle_key", "revoke_bundle_key"),
        "an administrator's, asked again under its key; see the conformance of keys for bundles",
    ),
    "unmask": "whoever asks for it asks again, under its key; see the conformance of people",
    "keep_witnessed": "a head whose answer was not kept is offered again; see tests of witnesses",
    "keep_stamp": "a head whose time-stamp was not kept is stamped again; see tests of the stamper",
    "answer_finding": "what was not kept of an answer is shown again by the follower; see tests of the assessor",
    "change_grounds": "only where a permit, a certificate or a second decision comes; see tests of due cases",
    "follow": "asked again at the next step of the follower; see its tests",
    "keep_followed": "what was not kept is shown again; see tests of the follower",
    "keep_occurrences": "what was not kept is shown again; see tests of the occurrence keeper, which fail it",
    "count_use": "goes on from what it reached; see tests of the occurrence keeper, which fail it",
    "give_back": "only where several processes share a ledger; see tests of several dispatchers",
    "note_contacts": "written every few seconds, whatever happens; one that failed is written with the next",
    "spend_nonce": "a caller that hears no answer signs anew, with another nonce; see tests of signed calls",
    "check": "writes a mark that nothing reads; see tests of the ledger",
    "reencrypt": "goes on from what it reached, which is kept with the rows; see tests of encryption",
    "add_adapter": "an upload is kept by its digest, so asking again is the same; see tests of releases",
}
"""Writing calls that the story does not make, each with the reason."""

PATIENCE = 20.0
T = TypeVar("T")


@dataclass
class Town:
    """The platforms as they see it: what each was sent, and what it took, by lane."""

    statuses: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    taken: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    keys: set[str] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)
    password: str = "old"

    def answers(self, platform: str, facts: str, *statuses: int) -> None:
        """Answer a document with these statuses first, and with 200 from then on."""
        self.statuses[platform, facts] = list(statuses)

    def take(self, leased: Leased) -> None:
        """Take a document that was fetched, once for each key."""
        document, delivery = orjson.loads(leased.request.body), leased.work.delivery
        if delivery.id not in self.keys:
            self.keys.add(delivery.id)
            self.taken[str(delivery.platform), document["case_number"]].append(document["facts"])

    def answer(self, posted: Posted) -> Reply:
        """Take a document as a platform does: once for each key."""
        if posted.settings.get("password", self.password) != self.password:
            return Reply(401)
        document = orjson.loads(posted.request.body)
        if "case_number" not in document:
            return Reply(200)
        waiting = self.statuses[posted.platform, document["facts"]]
        status = waiting.pop(0) if waiting else 200
        if status == 200 and posted.key not in self.keys:
            self.keys.add(posted.key)
            self.taken[posted.platform, document["case_number"]].append(document["facts"])
        return Reply(status)


@dataclass
class Told:
    """The story's hub, with what its people do: ask, and when nobody knows what became of it, ask again."""

    hub: Hub
    ledger: FaultyLedger
    town: Town
    post: Post
    write: Any
    numbers: int = 0

    async def insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer."""
        while True:
            try:
                return await ask()
            except Unavailable:
                await asyncio.sleep(0)

    def intent(self, reason: str) -> Intent:
        """An operator's intent, under a key of its own."""
        self.numbers += 1
        return Intent("operator", reason, self.hub.clock(), f"key-{self.numbers}")

    async def register(self, platform: str, mode: str = "push", **settings: str) -> None:
        """Register a platform or change it."""
        intent = self.intent("register")
        given = {**URL, **settings}
        await self.insist(lambda: self.hub.platforms.put(platform, "plain", settings=given, mode=mode, intent=intent))

    async def case(self, number: str, facts: str) -> Accepted:
        """Hand in a case; its delivery goes to the penalty platform."""
        return await self.send("case.transferred", self.write.case(case_number=number, facts=facts))

    async def send(self, operation: str, document: Any) -> Accepted:
        """Hand in a document, until it is taken."""

        async def ask() -> Accepted:
            platform = await self.hub.platforms.get(MOBILE)
            call = IntakeCall(platform, operation, orjson.dumps(document), "application/json")
            return (await self.hub.receive(call)).receipt.entries[0]

        return await self.insist(ask)

    async def file(self, number: str, *facts: str) -> list[Accepted]:
        """Hand in several versions of a case as a batch does, under keys, until all are taken."""
        platform = await self.hub.platforms.get(MOBILE)
        calls = [
            IntakeCall(
                platform,
                "case.transferred",
                orjson.dumps(self.write.case(case_number=number, facts=one)),
                "application/json",
                f"file#{index}",
            )
            for index, one in enumerate(facts)
        ]

        async def ask() -> list[Accepted]:
            read = list(zip(calls, await self.hub.read_all(calls), strict=True))
            return [one.receipt.entries[0] async for one in self.hub.keep_all(read)]

        return await self.insist(ask)

    async def stands(self, accepted: Accepted, state: State) -> str:
        """Wait until a case's delivery is in a state; gives its id."""
        delivery_id = (await self.ledger.deliveries_of(accepted.message.id))[0].id
        await self.until(lambda: self._is(delivery_id, state))
        return delivery_id

    async def _is(self, delivery_id: str, state: State) -> bool:
        found = await self.ledger.delivery(delivery_id)
        return found is not None and found.state is state

    async def until(self, true: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is true: whatever it waits for comes of itself, or the test fails."""
        async with asyncio.timeout(PATIENCE):
            while not await true():
                await asyncio.sleep(0.005)


class Judge:
    """Reads the statuses of the story as a bundle's reply rules would; facts that say so cannot be translated."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        """Everything else is as the plain adapter has it."""
        return getattr(self._plain, name)

    def translate_out(self, sending: Any) -> Any:
        """Write a request, unless the document says that it cannot be."""
        if sending.document.get("facts") == "untranslatable":
            raise ValueError("not in this platform's words")
        return self._plain.translate_out(sending)

    def judge(self, message_type: str, reply: Reply, *, budget: Budget | None = None) -> Verdict:
        """Give what a status means."""
        kinds = {200: VerdictKind.ACCEPTED, 401: VerdictKind.CREDENTIALS, 409: VerdictKind.REFUSED}
        otherwise = VerdictKind.RETRY if reply.status >= 500 else VerdictKind.DEAD
        return Verdict(kinds.get(reply.status, otherwise), code=f"http.{reply.status}")


@pytest.fixture
async def tell(plain: Any, write: Any, kept_at: str, tmp_path: Path) -> AsyncIterator[Callable[[], Awaitable[Told]]]:
    """Starts the story's hub, and ends it."""
    hubs: list[Hub] = []

    async def told() -> Told:
        town = Town()
        post = Post(answer=town.answer)
        schedule = RetrySchedule(first=timedelta(milliseconds=1), max=timedelta(milliseconds=5))
        settings = {"password": Setting("password", "text", "口令", default="old")}
        speaking = replace(plain, limits=Limits(concurrency=4), retry=schedule, settings=settings)
        ledger = FaultyLedger(SqlLedger(kept_at))
        hub = build(
            Settings(admin_token="an-admin-token-for-the-story", attachments=str(tmp_path / "attachments")),
            ledger=ledger,
            adapters=InstalledAdapters([Judge(speaking), Judge(replace(speaking, version="0.9.0"))]),
            sender=post,
            policy=BreakerPolicy(lanes=3, cool_down=timedelta(milliseconds=5), longest=timedelta(milliseconds=20)),
            pause=timedelta(milliseconds=5),
            lease=timedelta(milliseconds=300),
        )
        await hub.start()
        hubs.append(hub)
        return Told(hub, ledger, town, post, write)

    yield told
    for hub in hubs:
        await hub.stop()


async def story(told: Told) -> None:
    """Do everything that the ledger can, and wait at each turn until it has come to what it must come to."""
    town, hub = told.town, told.hub
    await told.register(MOBILE)

    # A case that nobody can take yet, then the platform that can.
    first = await told.case("AJ-1", "before the platform")
    await told.register(PENALTY, password="old")
    await told.stands(first, State.DELIVERED)
    issued = await told.insist(lambda: hub.platforms.issue_credential(PENALTY, told.intent("credential")))
    revoke = told.intent("it was written on a wall")
    await told.insist(lambda: hub.platforms.revoke_credential(PENALTY, issued.credential.id, revoke))

    # Somebody comes and goes; whoever asks again and hears that the token was shown was heard the first time.
    join, leave = told.intent("a new colleague"), told.intent("has left")
    shown = "idempotency.secret-shown"
    await told.insist(lambda: _done_already(hub.people.add("wang-wei", "王伟", ["operator"], join), shown))
    await told.insist(lambda: hub.people.remove("wang-wei", leave))

    # Three versions of one case in order, the second of them after two failures of the platform.
    town.answers(PENALTY, "two", 503, 503)
    for facts in ("one", "two", "three"):
        last = await told.case("AJ-2", facts)
    await told.stands(last, State.DELIVERED)

    # A file with three versions of another.
    for one in await told.file("AJ-F", "file one", "file two", "file three"):
        await told.stands(one, State.DELIVERED)

    # Refused, and replayed; delivered, and replayed under a new key.
    town.answers(PENALTY, "refused once", 409)
    refused = await told.stands(await told.case("AJ-3", "refused once"), State.REFUSED)
    again = told.intent("mended")
    await told.insist(lambda: hub.deliveries.replay(refused, again))
    await told.until(lambda: told._is(refused, State.DELIVERED))
    lost = told.intent("they lost it")
    copy = await told.insist(lambda: hub.deliveries.replay(refused, lost))
    assert copy.replay_of == refused
    await told.until(lambda: told._is(copy.id, State.DELIVERED))

    # Dead in front of its lane, held back by nobody but itself; discarded, and the next goes.
    town.answers(PENALTY, "dead", 400)
    dead = await told.stands(await told.case("AJ-4", "dead"), State.DEAD)
    behind = await told.case("AJ-4", "behind the dead one")
    gone = told.intent("no longer needed")
    await told.insist(lambda: hub.deliveries.discard(dead, gone))
    await told.stands(behind, State.DELIVERED)
    killed = await told.stands(await told.case("AJ-5", "untranslatable"), State.DEAD)
    given_up = told.intent("cannot be written")
    await told.insist(lambda: hub.deliveries.discard(killed, given_up))

    # Paused, one held by an operator besides; resumed, released.
    pause, resume = told.intent("they move"), told.intent("they have moved")
    await told.insist(lambda: hub.platforms.pause(PENALTY, pause))
    waiting = await told.case("AJ-6", "while paused")
    held = await told.case("AJ-7", "held")
    held_id = (await told.ledger.deliveries_of(held.message.id))[0].id
    hold, release = told.intent("wait"), told.intent("go")
    await told.insist(lambda: hub.deliveries.hold(held_id, hold))
    await told.insist(lambda: hub.platforms.resume(PENALTY, resume))
    await told.stands(waiting, State.DELIVERED)
    await told.insist(lambda: hub.deliveries.release(held_id, release))
    await told.stands(held, State.DELIVERED)

    # The platform changes its password, and ours follows.
    town.password = "new"
    locked_out = await told.case("AJ-8", "old password")
    await told.until(lambda: _held_by(told, PENALTY, "credentials"))
    await told.register(PENALTY, password="new")
    await told.stands(locked_out, State.DELIVERED)

    # Down for everybody, then well again: the breaker opens and closes.
    several = [f"down {i}" for i in range(6)]
    for facts in several:
        town.answers(PENALTY, facts, *[503] * 4)
    for last in [await told.case(f"AJ-9{i}", facts) for i, facts in enumerate(several)]:
        await told.stands(last, State.DELIVERED)

    await _paused_while_waiting(told)

    await _behind_a_gate(told)

    # Everything refused is replayed at once; another bulk replay is cancelled.
    town.answers(PENALTY, "refused a", 409)
    town.answers(PENALTY, "refused b", 409)
    many = [await told.stands(await told.case(f"AJ-1{x}", f"refused {x}"), State.REFUSED) for x in "ab"]
    begin, cancel = told.intent("all of them"), told.intent("not these")
    wanted = DeliveryFilter(state="refused", platform=PENALTY)
    job = await told.insist(lambda: hub.replays.begin(wanted, begin))
    for one in many:
        await told.until(lambda one=one: told._is(one, State.DELIVERED))
    await told.until(lambda: _finished(told, job.id))
    await told.insist(lambda: hub.replays.cancel(job.id, cancel))

    # An inspection that the national permit platform should get, too, if it were there: the reconciler looks.
    await told.register(PERMIT, password="new")
    await told.send("inspection.recorded", told.write.inspection(permit_number="91330110MA2CXY1R13001P"))
    await told.insist(hub.platforms.reconcile)

    # A platform that is not needed goes, and so does an old version of the adapter.
    await told.register(CREDIT)
    delete = told.intent("not needed")

    await told.insist(lambda: _done_already(hub.platforms.delete(CREDIT, delete), "platform.unknown"))
    # Nobody misses it where it stood; then somebody does.
    declare, withdraw = told.intent("the ministry publishes"), told.intent("it will be built")
    kind, region = CREDIT.split(".")
    await told.insist(lambda: hub.platforms.declare_unwanted(kind, region, declare))
    gone = hub.platforms.withdraw_unwanted
    await told.insist(lambda: _done_already(gone(kind, region, withdraw), "unwanted.unknown"))
    # A functional area comes and goes, and a file is uploaded that no document names.
    put, drop = told.intent("a new zone"), told.intent("it is the city's again")
    area = Area("370171", "高新区", "370100", put.at)
    await told.insist(lambda: hub.platforms.put_area(area, put))
    await told.insist(lambda: _done_already(hub.platforms.delete_area(area.code, drop), "area.unknown"))
    enter = told.intent("the State Council's notice")
    year = CalendarYear(2027, ("2027-10-01",), (), enter.at)
    await told.insist(lambda: hub.calendar.enter(year, enter))
    # The files of all cases are checked.
    check, since = told.intent("every quarter"), hub.clock() - timedelta(days=1)
    run = await told.insist(lambda: hub.assessments.begin(check, since=since))
    await told.until(lambda: _assessed(told, run.id))
    assert (await hub.assessments.find(rule="party.identical")).items
    await told.insist(lambda: hub.attachments.receive(MOBILE, "text/plain", {}, _content()))
    await told.insist(hub.attachments.tidy)
    # Nothing is old yet: the ledger's own time begins.
    await told.insist(lambda: hub.pruner.step("operator"))
    # Somebody reads a body, and what happened so far gets its place in the tree.
    read = AuditEntry(hub.clock(), "wang-wei", "body.read", first.message.id)
    await told.insist(lambda: told.ledger.note([read]))
    await told.insist(hub.sequencer.grow)
    retire = told.intent("nobody speaks it")
    await told.insist(lambda: hub.releases.retire("plain", "0.9.0", retire))


async def _content() -> AsyncIterator[bytes]:
    yield b"abc"


async def _done_already(step: Awaitable[Any], code: str) -> None:
    """Take a step that may have been taken although its answer was lost: then it says so by this code."""
    try:
        await step
    except HutongError as error:
        if error.code != code:
            raise


async def _paused_while_waiting(told: Told) -> None:
    """More are begun than there are slots; a pause comes, and those that wait for a slot are un-begun."""
    gate, hub, post = asyncio.Event(), told.hub, told.post
    quick = post.answer

    async def slow(posted: Posted) -> Reply:
        await gate.wait()
        return quick(posted)

    post.answer = slow
    queued = [await told.case(f"AJ-Q{i}", f"queued {i}") for i in range(12)]

    async def begun() -> bool:
        found = [one for each in queued for one in await told.ledger.deliveries_of(each.message.id)]
        return sum(one.state is State.SENDING for one in found) > 4

    await told.until(begun)
    pause, resume = told.intent("now"), told.intent("go on")
    await told.insist(lambda: hub.platforms.pause(PENALTY, pause))
    before = len(post.sent)
    gate.set()
    post.answer = quick

    async def still() -> bool:
        found = [one for each in queued for one in await told.ledger.deliveries_of(each.message.id)]
        return not any(one.state is State.SENDING for one in found)

    await told.until(still)
    assert len(post.sent) == before, "a request left after the pause had returned"
    await told.insist(lambda: hub.platforms.resume(PENALTY, resume))
    for one in queued:
        await told.stands(one, State.DELIVERED)


async def _behind_a_gate(told: Told) -> None:
    """The platform cannot be called for a while, and fetches; some of its receipts come never, twice, or late."""
    await told.register(PENALTY, mode="pull", password="new")
    await told.case("AJ-P1", "never answered at first")
    last = await told.case("AJ-P1", "behind it")
    untranslatable = await told.case("AJ-P2", "untranslatable")
    fetching = asyncio.create_task(_fetch_and_answer(told))
    await told.stands(last, State.DELIVERED)
    killed, given_up = await told.stands(untranslatable, State.DEAD), told.intent("cannot be written")
    await told.insist(lambda: told.hub.deliveries.discard(killed, given_up))
    fetching.cancel()

    # It can be called again while it has one that it fetched.
    first, second = await told.case("AJ-P3", "fetched"), await told.case("AJ-P3", "sent")
    [leased] = await _fetched(told)
    await told.register(PENALTY, password="new")
    await _answer(told, leased)
    await told.stands(first, State.DELIVERED)
    await told.stands(second, State.DELIVERED)


async def _fetched(told: Told) -> Sequence[Leased]:
    """Ask until there is something: what was leased and whose answer was lost comes again when it lapsed."""

    async def ask() -> Sequence[Leased]:
        return await told.hub.inboxes.fetch(await told.hub.platforms.get(PENALTY), 10, 1.0)

    while not (leased := await told.insist(ask)):
        pass
    return leased


async def _fetch_and_answer(told: Told) -> None:
    """Do what a platform behind a gate does, for ever; the first receipt for one document is never written."""
    silent = True
    while True:
        for leased in await _fetched(told):
            if silent and leased.work.message.document["facts"] == "never answered at first":
                silent = False
                told.town.take(leased)
            else:
                await _answer(told, leased)


async def _answer(told: Told, leased: Leased) -> None:
    """Take a document, once for each key, and say so until that is heard; a lease that lapsed is fetched again."""
    told.town.take(leased)
    receipt = LeaseReceipt(VerdictKind.ACCEPTED, b'{"verdict": "accepted"}', attempt=leased.attempt)

    async def say() -> None:
        platform = await told.hub.platforms.get(PENALTY)
        await _done_already(told.hub.inboxes.receipt(platform, leased.work.delivery.id, receipt), "lease.lapsed")

    await told.insist(say)


async def _held_by(told: Told, platform: str, by: str) -> bool:
    return by in (await told.hub.platforms.get(platform)).held_by()


async def _finished(told: Told, replay_id: str) -> bool:
    return (await told.hub.replays.progress(replay_id)).finished_at is not None


async def _assessed(told: Told, run_id: str) -> bool:
    return (await told.hub.assessments.progress(run_id)).finished_at is not None


async def _nothing_is_left(told: Told) -> None:
    """Nothing is open any more, and what the ledger counts says so."""

    async def drained() -> bool:
        return not [one for one in await told.ledger.backlog() if one.platform is not None]

    await told.until(drained)
    await _every_fact_has_its_leaf(told)


async def _every_fact_has_its_leaf(told: Told) -> None:
    """Each message and each attempt has one leaf, however often somebody asked; each entry of the audit has one."""
    await told.hub.sequencer.grow()
    for message in (await told.ledger.find_messages(MessageFilter(), limit=500)).items:
        kinds = [each.leaf.kind for each in await told.ledger.leaves_of(message.id)]
        assert kinds.count("accepted") == 1
        deeds = await told.ledger.find_audit(AuditFilter(subject=message.id), limit=200)
        assert kinds.count("done") == len(deeds.items)
        for delivery in await told.ledger.deliveries_of(message.id):
            kinds = [each.leaf.kind for each in await told.ledger.leaves_of(delivery.id)]
            tried = len(await told.ledger.attempts_of(delivery.id))
            assert kinds.count("ended") == (tried or int(delivery.state is State.DISCARDED and not delivery.attempts))

    async def followed() -> bool:
        return (await told.ledger.followed("clocks")).unseen_since is None

    await told.until(followed)


def in_order_and_once(town: Town) -> None:
    """Every document was taken once for each time it was meant to be, and each case in its order."""
    taken = {case: facts for (platform, case), facts in town.taken.items() if platform == PENALTY}
    assert taken["AJ-2"] == ["one", "two", "three"]
    assert taken["AJ-F"] == ["file one", "file two", "file three"]
    assert taken["AJ-3"] == ["refused once", "refused once"], "once, and once more as it was asked for"
    assert taken["AJ-4"] == ["behind the dead one"]
    assert taken["AJ-P1"] == ["never answered at first", "behind it"]
    assert taken["AJ-P3"] == ["fetched", "sent"]
    assert "AJ-5" not in taken
    told_of = ("AJ-2", "AJ-3", "AJ-4", "AJ-F", "AJ-P1", "AJ-P3")
    others = {case: facts for case, facts in taken.items() if case not in told_of}
    assert {case: len(facts) for case, facts in others.items() if len(facts) != 1} == {}


async def test_the_story_makes_every_writing_call(tell: Any) -> None:
    """What the ledger can be asked to write is asked in the story, so that no call's fault goes untried."""
    told = await tell()
    await story(told)
    await _nothing_is_left(told)
    in_order_and_once(told.town)
    assert set(WRITES) - set(told.ledger.calls) <= set(ELSEWHERE)


TRIED = [name for name in WRITES if name not in ELSEWHERE]
STORIES = 5
in_either_engine = pytest.mark.parametrize(
    ("kept_at", "names"),
    [
        *(pytest.param("sqlite", [name], id=f"sqlite-{name}", marks=pytest.mark.sqlite) for name in TRIED),
        # What asks again is the same code for both engines, and a server takes longer: several in one story.
        *(
            pytest.param("postgresql", TRIED[at::STORIES], id=f"postgresql-{at}", marks=pytest.mark.postgresql)
            for at in range(STORIES)
        ),
    ],
    indirect=["kept_at"],
)


@in_either_engine
async def test_calls_fail_before_their_commit(tell: Any, names: Sequence[str]) -> None:
    """Nothing was written: whoever asked asks again, and everything flows."""
    told = await tell()
    for name in names:
        told.ledger.fail_before(name)
    await _ends_well(told, *names)


@in_either_engine
async def test_calls_fail_after_their_commit(tell: Any, names: Sequence[str]) -> None:
    """All was written and nobody knows: asking again changes nothing more, and everything flows."""
    told = await tell()
    for name in names:
        told.ledger.fail_after(name)
    await _ends_well(told, *names)


@pytest.mark.parametrize("kept_at", ["sqlite"], indirect=True)  # it stands still before the ledger and behind it
@pytest.mark.parametrize("name", TRIED)
async def test_a_call_is_slow(tell: Any, name: str) -> None:
    """It stands still while others go on, once before it writes and once when it has written."""
    told = await tell()
    gates = [told.ledger.hold_before(name), told.ledger.hold_after(name)]

    async def open_late(gate: Gate) -> None:
        await gate.reached()
        for _ in range(200):
            await asyncio.sleep(0)
        gate.open()

    opening = [asyncio.create_task(open_late(gate)) for gate in gates]
    await _ends_well(told, name)
    for task in opening:
        task.cancel()


async def _ends_well(told: Told, *names: str) -> None:
    await story(told)
    await _nothing_is_left(told)
    in_order_and_once(told.town)
    assert set(names) <= set(told.ledger.calls)
