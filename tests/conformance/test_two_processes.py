"""Two ledgers in one PostgreSQL, as two processes have it: what one changes, the other sees or waits for."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import Make, Play
from msgspec.structs import replace

from gateway.errors import Conflict
from gateway.ledger.records import Accepted, AuditEntry, BulkReplay, DeliveryFilter, Inbox, Moved, Reads, Receipt
from gateway.ledger.sql import SqlLedger
from gateway.ledger.sql.tree_check import check_tree
from gateway.message import HeldBy, Message, State
from gateway.oversight.follower import Follower

pytestmark = pytest.mark.postgresql

SOURCE, PENALTY, CREDIT = Make.source, Make.penalty, Make.credit
NUMBER = (SOURCE, "case_number", "AJ-1")
OTHERS = Reads(numbers={NUMBER: "another"})


class Two:
    """Two processes' ledgers, and a way to let one stand still just before it commits."""

    def __init__(self, address: str, make: Make) -> None:
        self.make, self.address = make, address
        self.one, self.other = (SqlLedger(address, patience=20) for _ in range(2))
        self.one._store._engine.part, self.other._store._engine.part = 1, 2
        self.first, self.second = Play(self.one, make), Play(self.other, make)
        self._looking = sa.create_engine(address, isolation_level="AUTOCOMMIT")

    async def start(self) -> None:
        """Start both, and register the two platforms."""
        await asyncio.gather(self.one.start(), self.other.start())
        await self.first.register(PENALTY, CREDIT)

    async def stop(self) -> None:
        """Stop both."""
        await asyncio.gather(self.one.stop(), self.other.stop())
        self._looking.dispose()

    @contextmanager
    def standing(self, after: int = 0) -> Iterator[Event]:
        """Let the first process stand still before it commits, `after` so many commits; gives when it stands."""
        stands, go_on = Event(), Event()
        writing = self.one._store._engine.writing

        passing = iter(range(after))

        def hold(_: sa.Connection) -> None:
            if next(passing, None) is not None:
                return
            stands.set()
            go_on.wait(30)

        sa.event.listen(writing, "commit", hold)
        self._go_on = go_on
        try:
            yield stands
        finally:
            go_on.set()  # from now on it stands no more

    def lapse(self) -> None:
        """Let every claim lapse, as if nobody had been heard of for long."""
        with self._looking.connect() as connection:
            connection.execute(sa.text("UPDATE claims SET until = 0"))

    async def in_turn(self, first: Awaitable[Any], second: Awaitable[Any], *, after: int = 0) -> tuple[Any, Any]:
        """Let the first process do something up to its commit; the second must wait for that; give both answers."""
        with self.standing(after) as stands:
            earlier = asyncio.ensure_future(first)
            await asyncio.to_thread(stands.wait, 30)
            later = asyncio.ensure_future(second)
            await self.waits(later)
            self._go_on.set()
            answers = await asyncio.gather(earlier, later, return_exceptions=True)
        return answers[0], answers[1]

    async def waits(self, task: asyncio.Future[Any]) -> None:
        """Wait until a session waits for a lock of another; the task that ought to must not be done."""
        while not await asyncio.to_thread(self._waiting):
            assert not task.done(), "it did not wait"
            await asyncio.sleep(0.005)

    def _waiting(self) -> bool:
        with self._looking.connect() as connection:
            query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            return bool(connection.exec_driver_sql(query).scalar())

    def rows(self, query: str) -> Sequence[Any]:
        """What a query finds."""
        with self._looking.connect() as connection:
            return connection.exec_driver_sql(query).fetchall()


@pytest.fixture
async def two(postgres_address: str, make: Make) -> AsyncIterator[Two]:
    """Two ledgers in one database, with two platforms."""
    both = Two(postgres_address, make)
    await both.start()
    yield both
    await both.stop()


def entry(receipt: Receipt) -> Accepted:
    """The one entry of a receipt."""
    [found] = receipt.entries
    assert isinstance(found, Accepted)
    return found


# ── intake and intake ─────────────────────────────────────────────────────────────────────────
async def test_one_key(two: Two) -> None:
    """A request that reaches both processes at once is kept once, and answered the same."""
    both = (
        play.receive(two.make.draft(name), key="k", revision=3) for play, name in ((two.first, "a"), (two.second, "b"))
    )
    first, second = await two.in_turn(*both)
    assert (first.repeated, second.repeated) == (False, True)
    assert entry(second).message.id == entry(first).message.id == "a"


async def test_one_key_with_other_bytes(two: Two) -> None:
    """The same key with other bytes is refused, also when the first ones come at the same time."""
    first, second = await two.in_turn(
        two.first.receive(two.make.draft("a"), key="k", revision=3),
        two.second.receive(two.make.draft("b"), key="k", revision=3, body=b"<other/>"),
    )
    assert entry(first).message.id == "a"
    assert isinstance(second, Conflict)


async def test_one_identity(two: Two) -> None:
    """Of two equal documents of one identity, in different cases even, the second is a duplicate."""
    first, second = await two.in_turn(
        two.first.receive(two.make.draft("a", lane="L1", identity="i", digest="d"), revision=3),
        two.second.receive(two.make.draft("b", lane="L2", identity="i", digest="d"), revision=3),
    )
    assert (entry(first).duplicate, entry(second).duplicate) == (False, True)
    assert entry(second).message.id == "a"


@pytest.mark.parametrize(
    ("brings", "reads"),
    [
        ({"numbers": {"case_number": "AJ-1"}}, Reads(numbers={NUMBER: None})),
        ({"numbers": {"case_number": "aj-1\u200b"}}, Reads(numbers={NUMBER: None})),
        ({"correlation_id": "case"}, Reads(fresh=frozenset({"case"}))),
        ({"correlation_id": "case"}, Reads(facts={("case", "region"): None})),
    ],
)
async def test_what_was_read_moved(two: Two, brings: dict[str, Any], reads: Reads) -> None:
    """What an intake was decided on is verified against what the other process brings at the same time."""
    first, second = await two.in_turn(
        two.first.receive(two.make.draft("a", lane="L1", **brings), revision=3),
        two.second.receive(two.make.draft("b", lane="L2", reads=reads), revision=3),
    )
    assert entry(first).message.id == "a"
    assert isinstance(second, Moved)
    assert await two.other.message("b") is None


async def test_one_lane(two: Two) -> None:
    """What both put into one lane has one head, and stands in the order of the commits."""
    first, second = await two.in_turn(
        two.first.receive(two.make.draft("a"), revision=3), two.second.receive(two.make.draft("b"), revision=3)
    )
    assert entry(first).deliveries[0].position < entry(second).deliveries[0].position
    assert (len(entry(first).heads), len(entry(second).heads)) == (1, 0)
    assert await two.second.heads() == ["a/0"]


async def test_positions_follow_what_was_answered(two: Two) -> None:
    """What was answered before the next came stands before it, however many numbers a process drew at once before."""
    await asyncio.gather(*(two.first.receive(two.make.draft(f"x{i}", lane=f"X{i}"), revision=3) for i in range(40)))
    positions = []
    for i in range(6):
        accepted = entry(await (two.first, two.second)[i % 2].receive(two.make.draft(f"m{i}"), revision=3))
        positions.append(accepted.deliveries[0].position)
    assert positions == sorted(positions)


async def test_others_do_not_wait(two: Two) -> None:
    """While one process stands still before its commit, the other takes and delivers what has nothing to do with it."""
    await two.second.accept("n", lane="L9", to=(CREDIT,))
    await two.second.claim(CREDIT)
    with two.standing() as stands:
        held = asyncio.ensure_future(two.first.receive(two.make.draft("a"), revision=3))
        await asyncio.to_thread(stands.wait, 30)
        await two.second.accept("b", lane="L2")
        await two.second.end("n/0", State.DELIVERED)
        await two.other.check()
        assert not held.done()
        two._go_on.set()
        await held


async def test_a_lower_number_that_is_committed_later_is_not_passed(two: Two) -> None:
    """What was numbered first and is committed last stands in its place when messages are followed."""
    await two.second.accept("before", lane="L0")
    assert [each.id for each in (await two.other.messages_after(0)).messages] == ["before"]
    with two.standing() as stands:
        held = asyncio.ensure_future(two.first.receive(two.make.draft("low"), revision=3))
        await asyncio.to_thread(stands.wait, 30)
        await two.second.accept("high", lane="L2")
        for _ in range(3):
            page = await two.other.messages_after(0)
            assert [each.id for each in page.messages] == ["before"]
        two._go_on.set()
        await held
    assert [each.id for each in (await two.other.messages_after(page.position)).messages] == ["low", "high"]


async def test_a_lower_number_of_the_audit_is_not_passed(two: Two) -> None:
    """While somebody who began before stands in a transaction, nothing that was written later is exported."""
    await two.second.ledger.note([AuditEntry(two.make.at(), "a", "body.read", "before")])
    before = (await two.other.audit_after(0)).entries[-1]
    with two.standing() as stands:
        held = asyncio.ensure_future(two.first.receive(two.make.draft("low"), revision=3))
        await asyncio.to_thread(stands.wait, 30)
        await two.second.ledger.note([AuditEntry(two.make.at(), "a", "body.read", "later")])
        for _ in range(3):
            assert (await two.other.audit_after(before.seq)).entries == ()
        two._go_on.set()
        await held
    assert [one.entry.subject for one in (await two.other.audit_after(before.seq)).entries] == ["later"]


async def test_messages_are_followed_while_others_always_write(two: Two) -> None:
    """There may be no moment at which nobody writes: it is enough that whoever wrote then has ended since."""
    with two.standing() as stands:
        held = asyncio.ensure_future(two.first.receive(two.make.draft("first"), revision=3))
        await asyncio.to_thread(stands.wait, 30)
        assert (await two.other.messages_after(0)).messages == ()
        two._go_on.set()
        await held
    with two.standing() as stands:
        held = asyncio.ensure_future(two.first.receive(two.make.draft("second", lane="L2"), revision=3))
        await asyncio.to_thread(stands.wait, 30)
        assert [each.id for each in (await two.other.messages_after(0)).messages] == ["first"]
        two._go_on.set()
        await held


async def test_one_process_follows_until_it_lives_no_more(two: Two) -> None:
    """The other takes no right of a process that lives; when that has left, it does, from where it was."""
    await asyncio.gather(two.one.beat(), two.other.beat())
    assert await two.one.follow("clocks")
    assert not await two.other.follow("clocks")
    seen = await two.other.followed("clocks")
    assert (seen.mine, seen.free) == (False, False)
    await two.one.keep_followed("clocks", 4)
    await two.one.beat(leaving=True)
    assert (await two.other.followed("clocks")).free
    assert await two.other.follow("clocks")
    taken = await two.other.followed("clocks")
    assert (taken.position, taken.mine) == (4, True)


async def test_who_does_not_follow_any_more_keeps_no_position(two: Two) -> None:
    """A process that stood still while another took over moves nothing: neither the position nor deadlines."""
    await asyncio.gather(two.one.beat(), two.other.beat())
    assert await two.one.follow("clocks")
    await two.one.beat(leaving=True)
    assert await two.other.follow("clocks")
    await two.one.keep_followed("clocks", 9)
    assert not await two.one.put_clocks("clocks", [])
    assert (await two.other.followed("clocks")).position == 0
    await two.other.keep_followed("clocks", 3)
    assert (await two.other.followed("clocks")).position == 3
    assert not (await two.one.followed("clocks")).mine


class Diary:
    """An observer that notes the messages which it was shown; it may be let stand still then."""

    name = "diary"

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.stands, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()

    async def see(self, messages: Sequence[Message]) -> None:
        """Note them."""
        self.shown += [each.id for each in messages]
        self.stands.set()
        await self.go_on.wait()


async def test_two_processes_follow(two: Two) -> None:
    """One of them shows messages; the other goes on where that stood when it has left, and not before."""
    await asyncio.gather(two.one.beat(), two.other.beat())
    here, there = Diary(), Diary()
    first, second = Follower(two.one, (here,)), Follower(two.other, (there,))
    await two.first.accept("a")
    await first.step()
    await two.second.accept("b", lane="L2")
    assert await second.step() == 0
    await two.one.beat(leaving=True)
    await second.step()
    await two.first.accept("c", lane="L3")
    assert await first.step() == 0
    await second.step()
    assert (here.shown, there.shown) == (["a"], ["b", "c"])


async def test_a_process_that_stood_still_moves_nothing_back(two: Two) -> None:
    """What it was showing when another one took over is shown twice, and that is all."""
    await asyncio.gather(two.one.beat(), two.other.beat())
    here, there = Diary(), Diary()
    here.go_on.clear()
    await two.first.accept("a")
    standing = asyncio.create_task(Follower(two.one, (here,)).step())
    await here.stands.wait()
    await two.one.beat(leaving=True)
    await two.second.accept("b", lane="L2")
    second = Follower(two.other, (there,))
    await second.step()
    before = await two.other.followed("diary")
    here.go_on.set()
    await standing
    after = await two.other.followed("diary")
    assert (here.shown, there.shown) == (["a"], ["a", "b"])
    assert (after.position, after.mine) == (before.position, True)
    assert await second.step() == 0


async def test_rejections_and_a_package(two: Two) -> None:
    """A package's bytes are not forgotten with old rejections while its next part brings the first message of it."""
    wrong = [two.make.rejection(f"r{i}", index=i) for i in range(250)]
    package = {"body": b"<large/>", "revision": 3}
    with pytest.raises(Moved):  # the second part moved: of this package only rejections are kept so far
        await two.first.receive(*wrong, replace(two.make.draft("m", reads=OTHERS), index=250), **package)
    small = SqlLedger(two.address, rejections=1)
    await small.start()
    trimming = small.accept(two.make.intake(two.make.rejection("new"), body=b"<new/>", revision=3))
    going_on = two.first.receive(*wrong, replace(two.make.draft("m"), index=250), **package)
    answers = await two.in_turn(going_on, trimming, after=1)
    await small.stop()
    assert all(isinstance(each, Receipt) for each in answers), answers
    assert (await two.one.native("m")).body == b"<large/>"


# ── delivery ──────────────────────────────────────────────────────────────────────────────────
async def test_head_moves_while_its_lane_grows(two: Two) -> None:
    """A settlement and an intake of one lane: there is a head when both are done, and one only."""
    await two.first.accept("a")
    await two.first.begin("a/0")
    settled, accepted = await two.in_turn(
        two.first.settle("a/0", State.DELIVERED), two.second.receive(two.make.draft("b"), revision=3)
    )
    assert settled.lane_moved is False
    assert [each.delivery.id for each in entry(accepted).heads] == ["b/0"]
    assert await two.first.heads() == ["b/0"]


async def test_lane_grows_while_its_head_is_sent(two: Two) -> None:
    """The other way round: the settlement sees what came, and makes it the head."""
    await two.second.accept("a")
    await two.second.begin("a/0")
    accepted, settled = await two.in_turn(
        two.first.receive(two.make.draft("b"), revision=3), two.second.settle("a/0", State.DELIVERED)
    )
    assert entry(accepted).heads == ()
    assert settled.lane_moved is True
    assert await two.second.heads() == ["b/0"]


async def test_claim_is_taken_while_an_attempt_begins(two: Two) -> None:
    """Whoever takes a claim waits for what began under the older one and finds it; nothing more is done under that."""
    await two.first.accept("a")
    old = await two.first.claim()
    two.lapse()
    begun, claim = await two.in_turn(two.first.begin("a/0"), two.other.claim(PENALTY))
    assert begun == 1
    assert claim.epoch == old.epoch + 1
    assert await two.other.rescue(claim, [], two.make.at()) == ["a/0"]
    with pytest.raises(Conflict) as error:
        await two.first.settle("a/0", State.DELIVERED)
    assert error.value.code == "claim.lost"


async def test_attempt_begins_while_its_claim_is_taken(two: Two) -> None:
    """A claim that was taken, even if its taker has not been answered yet, lets the older one begin nothing."""
    await two.first.accept("a")
    await two.second.claim()
    two.lapse()
    claim, begun = await two.in_turn(two.one.claim(PENALTY), two.second.begin("a/0"))
    assert isinstance(begun, Conflict)
    assert (await two.one.heads(claim, two.make.at(), two.make.at(9), 9))[0].delivery.id == "a/0"


async def test_alias_is_learned_while_its_number_comes(two: Two) -> None:
    """A platform's own number comes while we hear what it stands for: it is decided again, in the right case."""
    await two.first.accept("a", lane="AJ-1", numbers={"case_number": "AJ-1"})
    await two.first.begin("a/0")
    own = ("penalty.330000", "case_number", "P-7")
    answer = two.make.draft("b", lane="P-7", to=(), numbers={"case_number": "P-7"}, reads=Reads(numbers={own: None}))
    settled, accepted = await two.in_turn(
        two.first.settle("a/0", State.DELIVERED, alias=("case_number", "AJ-1"), reference="P-7"),
        two.second.receive(replace(answer, message=replace(answer.message, source=PENALTY)), revision=3),
    )
    assert settled.lane_moved is False
    assert isinstance(accepted, Moved)
    known = await two.other.recall(PENALTY, {"case_number": "p-7"})
    assert known["case_number"].correlation_id == "AJ-1"


async def test_retying_is_alone(two: Two) -> None:
    """A settlement that ties another case's messages locks everything: an intake of that case waits, and follows it."""
    await two.first.accept("a", lane="AJ-1", numbers={"case_number": "AJ-1"})
    await two.first.begin("a/0")
    answer = two.make.draft("b", lane="P-7", to=(CREDIT,), numbers={"case_number": "P-7"})
    await two.second.receive(replace(answer, message=replace(answer.message, source=PENALTY)))
    fact = Reads(facts={("P-7", "region"): "b"})
    _, accepted = await two.in_turn(
        two.first.settle("a/0", State.DELIVERED, alias=("case_number", "AJ-1"), reference="P-7"),
        two.second.receive(two.make.draft("c", lane="P-7", to=(CREDIT,), reads=fact), revision=3),
    )
    assert isinstance(accepted, Moved)
    assert (await two.other.message("b")).correlation_id == "AJ-1"
    assert (await two.other.delivery("b/0")).lane == "AJ-1"


# ── leases ────────────────────────────────────────────────────────────────────────────────────
async def fetches(two: Two) -> Inbox:
    """Let the penalty platform fetch for itself, and give its right."""
    await two.first.register(mode="pull")
    return Inbox(PENALTY, await two.first.revision())


def lease(ledger: SqlLedger, two: Two, inbox: Inbox) -> Awaitable[int | None]:
    """Lease a platform's first delivery for a minute."""
    make = two.make
    return ledger.lease(inbox, "a/0", "penalty@1.0.0", make.request, make.at(), make.at(60))


async def test_two_polls_in_two_processes(two: Two) -> None:
    """Whichever process is asked: a delivery is leased once, and needs no claim for it."""
    inbox = await fetches(two)
    await two.first.accept("a")
    numbers = await two.in_turn(lease(two.one, two, inbox), lease(two.other, two, inbox))
    assert numbers == (1, None)


@pytest.mark.parametrize(("late", "how", "lapses"), [(False, "in-time", 0), (True, "late", 1)])
async def test_a_receipt_comes_while_its_lease_lapses(two: Two, late: bool, how: str, lapses: int) -> None:
    """Leased by one process, answered to one, lapsed in the other: it is settled once, whichever is first."""
    inbox, make = await fetches(two), two.make
    await two.first.accept("a")
    await lease(two.other, two, inbox)
    settlement = make.settlement("a/0", State.DELIVERED, at=61)
    moments = make.at(61), make.at(300), make.at(61)
    if late:
        lapsed, settled = await two.in_turn(two.one.lapse(*moments, 10), two.other.settle_lease(PENALTY, settlement))
    else:
        settled, lapsed = await two.in_turn(two.one.settle_lease(PENALTY, settlement), two.other.lapse(*moments, 10))
    assert (settled.attempt.receipt, len(lapsed)) == (how, lapses)
    assert await two.first.state("a/0") == "delivered"


async def test_leased_while_the_platform_is_switched(two: Two) -> None:
    """A lease that was first stays; one that comes after the switch was committed is none."""
    inbox = await fetches(two)
    await two.first.accept("a")
    number, _ = await two.in_turn(lease(two.one, two, inbox), two.second.register(mode="push"))
    assert number == 1
    assert await two.second.state("a/0") == "sending"
    inbox = await fetches(two)
    await two.first.accept("b", lane="b")
    _, refused = await two.in_turn(two.first.register(mode="push"), lease(two.other, two, inbox))
    assert isinstance(refused, Conflict)
    assert refused.code == "inbox.closed"


# ── the registry and operators ────────────────────────────────────────────────────────────────
async def test_platform_is_registered_while_its_document_comes(two: Two) -> None:
    """A document that nobody could take when it was routed is not kept unrouted beside its new platform."""
    late = "penalty.330100"
    registered, accepted = await two.in_turn(
        two.first.register(late, take=two.make.takes(late)),
        two.second.receive(two.make.draft("a", to=(None,)), revision=3),
    )
    assert registered.revision == 4
    assert isinstance(accepted, Moved)


async def test_document_comes_while_its_platform_is_registered(two: Two) -> None:
    """And one that was kept first is given to it."""
    late = "penalty.330100"
    accepted, registered = await two.in_turn(
        two.first.receive(two.make.draft("a", to=(None,)), revision=3),
        two.second.register(late, take=two.make.takes(late)),
    )
    assert entry(accepted).deliveries[0].state is State.UNROUTED
    assert registered.given == {late}


async def test_two_operators(two: Two) -> None:
    """Two operators who do the same at once under one key do it once; under none, the second hears that it was done."""
    await two.first.accept("a")
    intents = [two.make.intent(key="k") for _ in range(2)]
    first, second = await two.in_turn(two.one.discard("a/0", intents[0]), two.other.discard("a/0", intents[1]))
    assert first.state is second.state is State.DISCARDED
    assert len(await two.one.audit("a/0")) == 1
    with pytest.raises(Conflict):
        await two.other.discard("a/0", two.make.intent())


# ── everything at once ────────────────────────────────────────────────────────────────────────
LANES, MESSAGES = "ABCDE", 120


async def test_a_bulk_replay_is_stepped_by_both(two: Two) -> None:
    """Its progress and its replays are one transaction: whoever steps goes on from there, and each is replayed once."""
    ids = [f"m{n}" for n in range(12)]
    for name in ids:
        await two.first.accept(name, lane=name)
        await two.first.end(f"{name}/0", State.REFUSED)
    asked = BulkReplay("job", DeliveryFilter(state="refused"), "why", "operator", two.make.at())
    await two.one.begin_replay(asked, two.make.intent())

    async def step(ledger: SqlLedger) -> None:
        while (await ledger.step_replay("job", 1, two.make.at())).finished_at is None:
            pass

    await asyncio.gather(step(two.one), step(two.other))
    [job] = await two.one.replays()
    assert (job.replayed, job.skipped) == (12, 0)
    assert sorted(await two.first.heads()) == sorted(f"{name}/0" for name in ids)


@pytest.mark.limit(600)
async def test_storm(two: Two) -> None:
    """Both take, deliver, fail and replay at once while claims move: in order, once, and every count is right."""
    draw = random.Random(7)
    sent: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    delivered: set[int] = set()
    done = asyncio.Event()

    async def take(play: Play, names: Sequence[str]) -> None:
        for name in names:
            lane, to = draw.choice(LANES), draw.sample([PENALTY, CREDIT], draw.choice([1, 2]))
            number = {"case_number": draw.choice(["N-1", "n-1", f"N-{lane}"])}
            await play.accept(name, lane=lane, to=to, numbers=number, keys=number, identity=draw.choice([name, "twin"]))

    async def deliver(play: Play, platform: str) -> None:
        lost = False
        while not done.is_set() or await two.one.backlog():
            try:
                if lost:
                    await asyncio.sleep(draw.random() / 20)
                    await take_over(play, platform)
                await deliver_heads(play, platform)
                lost = False
            except Conflict as error:
                if error.code not in ("claim.lost", "claim.taken", "settle.stale"):
                    raise
                lost = True

    async def take_over(play: Play, platform: str) -> None:
        await asyncio.to_thread(two.lapse)
        await play.ledger.rescue(await play.claim(platform), [], two.make.at())

    async def deliver_heads(play: Play, platform: str) -> None:
        for work in await play.works(platform, limit=3):
            delivery = work.delivery
            attempt = await play.begin(delivery.id)
            if attempt is None:
                continue
            # Noted as it leaves: the answer to a settlement may be heard later than what followed it.
            sent[delivery.lane, platform].append(delivery.position)
            ending = draw.choice([State.DELIVERED, State.DELIVERED, State.READY, State.DEAD])
            alias = ("case_number", f"N-{delivery.lane}") if ending is State.DELIVERED else None
            await play.settle(delivery.id, ending, number=attempt, alias=alias, reference=f"P-{delivery.lane}")
            if ending is State.DELIVERED:
                delivered.add(delivery.position)
            elif ending is not State.READY:
                await play.ledger.replay(delivery.id, two.make.intent(), stale_ok=True)
        await asyncio.sleep(0)

    async def pause(play: Play) -> None:
        while not done.is_set():
            await play.hold(CREDIT, HeldBy.PAUSED)
            await play.lift(CREDIT, HeldBy.PAUSED)
            await asyncio.sleep(0.02)

    async def take_all() -> None:
        names = [f"m{i}" for i in range(MESSAGES)]
        plays = (two.first, two.second) * 6
        await asyncio.gather(*(take(play, names[i :: len(plays)]) for i, play in enumerate(plays)))
        done.set()

    delivering = (deliver(play, to) for play in (two.first, two.second) for to in (PENALTY, CREDIT))
    await asyncio.gather(take_all(), *delivering, pause(two.first))
    for lane, positions in sent.items():
        assert positions == sorted(positions), lane
        assert delivered.issuperset(positions), lane
    assert (
        two.rows("SELECT platform FROM counts GROUP BY platform, kind, type, state, held_by HAVING sum(count) <> 0")
        == []
    )
    assert two.rows("SELECT count(*) FROM deliveries WHERE head OR state NOT IN ('delivered')") == [(0,)]


# ── the tree ──────────────────────────────────────────────────────────────────────────────────
async def test_one_process_gives_places(two: Two) -> None:
    """The other does nothing while the first one is heard of, and goes on where it left; none is given twice."""
    for number in range(6):
        await (two.first, two.second)[number % 2].accept(f"m{number}", lane=f"L{number}")
    total = two.rows("SELECT count(*) FROM new_leaves")[0][0]
    assert (await two.one.sequence(3)).count == 3
    assert (await two.other.tree_standing()).elsewhere
    assert (await two.other.sequence(100)).count == 0
    assert (await two.one.sequence(2, leaving=True)).count == 2
    assert not (await two.other.tree_standing()).elsewhere
    assert (await two.other.sequence(100)).count == total - 5
    assert two.rows("SELECT count(*), count(DISTINCT hash), max(number) FROM leaves") == [(total, total, total - 1)]
    assert check_tree(two.address).wrong == ()


async def test_nobody_waits_for_places(two: Two) -> None:
    """While one gives places, the other accepts; what comes meanwhile has its place the next time."""
    await two.first.accept("m1")
    with two.standing() as stands:
        placing = asyncio.ensure_future(two.one.sequence(100))
        await asyncio.to_thread(stands.wait, 30)
        await two.second.accept("m2", lane="L2")
    assert (await placing).count > 0
    assert (await two.one.sequence(100)).count == 1
