from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from gateway.errors import NotFound
from gateway.ledger.base import Ledger
from gateway.ledger.records import Accepted, PruneStep, Retention
from gateway.message import State

DAY = 86_400.0
YEAR = timedelta(days=366)
KEPT = Retention(messages=2 * YEAR, bodies=YEAR)
SHORT = Retention(messages=YEAR, bodies=YEAR)


class Time:
    """Prunes as days pass. The first step begins the ledger's own time."""

    def __init__(self, ledger: Ledger, make: Any) -> None:
        self.ledger = ledger
        self.make = make
        self.days = 0.0
        self.pruned: Counter[tuple[str, str]] = Counter()

    async def step(self, kept: Retention = KEPT, *, days: float = 0, limit: int = 50, **more: Any) -> PruneStep:
        """One step, so many days later."""
        self.days += days
        seen = more.pop("seen", days * DAY)
        step = await self.ledger.prune(kept, "pruner", self.make.at(self.days * DAY), seen=seen, limit=limit, **more)
        for one in step.pruned:
            self.pruned[one.type, one.what] += one.count
        return step

    async def passes(self, days: float, kept: Retention = KEPT, *, limit: int = 50) -> Sequence[str]:
        """Prune until there is no more, so many days later; gives what went, in words."""
        self.pruned.clear()
        step = await self.step(kept, days=days, limit=limit)
        while step.more:
            step = await self.step(kept, limit=limit)
        return sorted(f"{count} {what} {type}".strip() for (type, what), count in self.pruned.items())


@pytest.fixture
def time(ledger: Ledger, make: Any) -> Time:
    """Prunes as days pass."""
    return Time(ledger, make)


async def _delivered(play: Any, name: str, **draft: Any) -> None:
    await play.accept(name, **draft)
    await play.end(f"{name}/0", State.DELIVERED, reply=b"yes", reference=f"ref {name}")


async def _newest(play: Any) -> None:
    """Another case comes last, and stays: numbers of what is newest are never given twice."""
    await play.accept("newest", lane="newest")


# ── what goes ─────────────────────────────────────────────────────────────────────────────────
async def test_bodies_go_first_then_the_case(play: Any, ledger: Any, make: Any, time: Time) -> None:
    """After a year what was received, sent and replied goes; after two all of it but what tells a repeat."""
    await _delivered(play, "m1", lane="A", keys={"case_number": "A"}, numbers={"case_number": "A"})
    await _newest(play)
    assert await time.passes(0) == []
    assert await time.passes(365) == []
    assert await time.passes(2) == ["1 bodies case.transferred"]
    assert await ledger.native("m1") is None
    assert await ledger.sent("m1/0") is None
    [attempt] = await ledger.attempts_of("m1/0")
    assert (attempt.reply, attempt.reference) == (b"", "ref m1")
    assert (await ledger.message("m1")).document == {"case_number": "A", "name": "m1"}
    assert (await ledger.recall(make.penalty, {"case_number": "A"})) != {}
    assert await time.passes(366) == ["1 messages case.transferred"]
    assert await ledger.delivery("m1/0") is None
    assert await ledger.recall(make.penalty, {"case_number": "A"}) == {}
    assert await ledger.facts("A") == {}
    assert (await ledger.message("m1")).document == {}
    assert await time.passes(1000) == []


async def test_a_repeat_of_what_was_pruned_is_a_duplicate(play: Any, ledger: Any, time: Time) -> None:
    """The latest of an identity is known for good; the one before it is gone, and a new version takes its place."""
    await _delivered(play, "v1", lane="A", identity="permit")
    await _delivered(play, "v2", lane="A", identity="permit")
    await _newest(play)
    await time.passes(0)
    await time.passes(800)
    assert await ledger.message("v1") is None
    again = await play.accept("again", lane="B", identity="permit", digest="digest of v2")
    assert (again.duplicate, again.message.id, again.deliveries) == (True, "v2", ())
    new = await play.accept("v3", lane="B", identity="permit")
    assert not new.duplicate
    assert await ledger.message("v2") is None
    assert (await play.accept("v3 again", lane="B", identity="permit", digest="digest of v3")).message.id == "v3"


async def test_types_are_kept_for_times_of_their_own(play: Any, ledger: Any, time: Time) -> None:
    """A type that is kept longer stays whole in its case, bodies included, until its own time."""
    longer = Retention(YEAR, YEAR, {"permit.changed": 3 * YEAR})
    await _delivered(play, "case", lane="A")
    await _delivered(play, "permit", lane="B", type="permit.changed")
    await _newest(play)
    await time.passes(0, longer)
    assert await time.passes(367, longer) == ["1 bodies permit.changed", "1 messages case.transferred"]
    assert await time.passes(366, longer) == []
    assert await time.passes(366, longer) == ["1 messages permit.changed"]


async def test_another_retention_looks_again(play: Any, time: Time) -> None:
    """What was looked at under a longer retention goes when the operator shortens it, and not before the next step."""
    await _delivered(play, "m1")
    await _newest(play)
    await time.passes(0)
    assert await time.passes(400) == ["1 bodies case.transferred"]
    assert await time.passes(0) == []
    assert await time.passes(0, SHORT) == ["1 messages case.transferred"]


# ── what stays ────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("state", [State.DEAD, State.WAITING, State.READY, None])
async def test_one_that_is_not_settled_keeps_its_case(
    play: Any, ledger: Any, make: Any, time: Time, state: State | None
) -> None:
    """One dead, waiting, ready or unrouted delivery among a thousand keeps all of them, with bodies and knowledge."""
    for i in range(30):
        await _delivered(play, f"m{i}", lane="A", numbers={"case_number": "A"})
    await play.accept("odd", lane="A", to=[None if state is None else make.penalty])
    if state in (State.DEAD, State.WAITING):
        await play.end("odd/0", state)
    await _newest(play)
    await time.passes(0)
    assert await time.passes(5000) == []
    assert (await ledger.native("m7")).body == b"<case/>"
    assert "case_number" in await ledger.recall(make.penalty, {"case_number": "A"})
    if state is not State.WAITING:
        await ledger.discard("odd/0", make.intent())
        assert await time.passes(31) == ["31 messages case.transferred"]


async def test_a_younger_message_keeps_its_case(play: Any, ledger: Any, time: Time) -> None:
    """Numbers and facts of a case stay as long as anything new may come to it."""
    await _delivered(play, "old", lane="A", keys={"case_number": "A"})
    await _newest(play)
    await time.passes(0)
    await time.passes(500)
    await _delivered(play, "young", lane="A")
    await play.accept("newer", lane="newer")
    await time.step(days=1)
    assert await time.passes(300) == []
    assert (await ledger.facts("A"))["case_number"].message_id == "old"
    assert await time.passes(500) == ["2 messages case.transferred"]


async def test_an_earlier_one_of_the_lane_keeps_those_behind_it(play: Any, ledger: Any, make: Any, time: Time) -> None:
    """A delivery of another case that can be replayed still finds that its lane has moved on."""
    await play.accept("early", lane="L", correlation_id="one case")
    await play.end("early/0", State.REFUSED)
    await play.accept("needed", lane="other", correlation_id="one case")
    await play.end("needed/0", State.DEAD)
    await _delivered(play, "late", lane="L", correlation_id="another case")
    await _newest(play)
    await time.passes(0)
    assert await time.passes(1000, SHORT) == ["1 bodies case.transferred"]
    assert await ledger.delivery("late/0") is not None
    await ledger.discard("needed/0", make.intent())
    assert await time.passes(31, SHORT) == ["3 messages case.transferred"]


async def test_the_newest_stays(play: Any, ledger: Any, time: Time) -> None:
    """Its number is not given a second time, after a restart either."""
    await _delivered(play, "m1")
    await time.passes(0)
    assert await time.passes(1000) == ["1 bodies case.transferred"]
    await ledger.stop()
    await ledger.start()
    await play.claim()  # a process that starts has none
    await _delivered(play, "m2", lane="B")
    assert (await ledger.native("m1"), (await ledger.native("m2")).body) == (None, b"<case/>")


# ── chunks ────────────────────────────────────────────────────────────────────────────────────
async def test_a_case_goes_from_the_front(play: Any, ledger: Any, time: Time) -> None:
    """A large case goes in several steps; what is left of it are its last messages, and its number is forgotten."""
    for i in range(7):
        await _delivered(play, f"m{i}", lane="A", identity="same", numbers={"case_number": "A"})
    await _newest(play)
    await time.passes(0)
    step = await time.step(days=1000, limit=3)
    assert (step.more, [one.count for one in step.pruned]) == (True, [3])
    left = [f"m{i}" for i in range(7) if await ledger.delivery(f"m{i}/0")]
    assert left == ["m3", "m4", "m5", "m6"]
    assert await ledger.recall("penalty.330000", {"case_number": "A"}) == {}
    await ledger.stop()
    await ledger.start()
    assert await time.passes(0, limit=3) == ["4 messages case.transferred"]


async def test_a_replay_comes_before_or_after(play: Any, ledger: Any, make: Any, time: Time) -> None:
    """What is replayed is open and keeps its case; what was pruned cannot be replayed."""
    await _delivered(play, "m1", lane="A")
    await _delivered(play, "m2", lane="B")
    await _newest(play)
    await time.passes(0)
    again = await ledger.replay("m1/0", make.intent())
    assert await time.passes(1000) == ["1 messages case.transferred"]
    assert await ledger.delivery(again.id) is not None
    with pytest.raises(NotFound):
        await ledger.replay("m2/0", make.intent())


async def test_a_request_is_fixed_anew(play: Any, ledger: Any, make: Any, time: Time) -> None:
    """What is replayed after its request was pruned fixes one at its next attempt, and resends that."""
    await play.accept("m1")
    await play.end("m1/0", State.REFUSED)
    await _newest(play)
    await time.passes(0)
    await time.passes(400)
    assert await ledger.sent("m1/0") is None
    await ledger.replay("m1/0", make.intent())
    assert await play.begin("m1/0") == 2
    assert await ledger.sent("m1/0") == make.request


# ── packages and keys ─────────────────────────────────────────────────────────────────────────
async def test_bytes_of_a_package_go_with_its_last_message(play: Any, ledger: Any, time: Time) -> None:
    """Records of one package in cases of their own share its bytes."""
    await play.receive(*(play.make.draft(f"m{i}", lane=f"L{i}", index=i) for i in range(3)), body=b"package")
    for i in (0, 1):
        await play.end(f"m{i}/0", State.DELIVERED)
    await _newest(play)
    await time.passes(0)
    await time.passes(400)
    assert [await ledger.native(f"m{i}") for i in (0, 1)] == [None, None]
    assert (await ledger.native("m2")).body == b"package"
    await play.end("m2/0", State.DELIVERED)
    assert await time.passes(31) == ["1 bodies case.transferred"]
    assert await ledger.native("m2") is None


async def test_keys_live_as_long_as_their_messages(play: Any, ledger: Any, time: Time) -> None:
    """A receipt goes with the last message that it names; until then it tells of those that are left."""
    drafts = [play.make.draft(f"m{i}", lane=f"L{i}", index=i, identity=f"i{i}") for i in range(2)]
    await play.receive(*drafts, key="k", body=b"package")
    await play.end("m0/0", State.DELIVERED)
    await play.receive(play.make.draft("x0", lane="L0", identity="i0"))
    await play.end("x0/0", State.DELIVERED)
    await _newest(play)
    await time.passes(0)
    await time.passes(1000)
    repeated = await play.receive(*drafts, key="k", body=b"package")
    assert repeated.repeated
    assert [each.message.id for each in repeated.entries if isinstance(each, Accepted)] == ["m1"]
    await play.end("m1/0", State.DELIVERED)
    await time.passes(31)
    assert not (await play.receive(play.make.draft("new"), key="k", body=b"other")).repeated


# ── rejections ────────────────────────────────────────────────────────────────────────────────
async def test_rejections_go_with_age(play: Any, ledger: Any, make: Any, time: Time) -> None:
    """With their bytes, but not with those that a message came in, too."""
    await play.receive(make.draft("m1"), make.rejection("r1", index=1), body=b"both")
    await play.receive(make.rejection("r2"), body=b"bad")
    await _newest(play)
    await time.passes(0)
    assert await time.passes(367) == ["2 rejections"]
    assert await ledger.rejection("r1") is None
    assert (await ledger.native("m1")).body == b"both"


# ── clocks ────────────────────────────────────────────────────────────────────────────────────
async def test_a_clock_set_ahead_makes_nothing_older(play: Any, ledger: Any, time: Time) -> None:
    """A clock years ahead, also over restarts, ages nothing by more than the seconds that were seen to pass."""
    await _delivered(play, "m1")
    await _newest(play)
    await time.step()
    for _ in range(20):
        step = await time.step(days=3000, seen=60.0)
        assert step.pruned == ()
        await ledger.stop()
        await ledger.start()
    assert await time.passes(400) == ["1 bodies case.transferred"]


async def test_what_came_while_the_clock_was_behind_is_not_old(play: Any, make: Any, time: Time) -> None:
    """A message stamped ten years early, when the clock had been set back, is as young as it is."""
    await play.accept("first", lane="first")
    await time.step()
    await _delivered(play, "m1", received_at=make.at(-3650 * DAY))
    await _newest(play)
    assert await time.passes(2) == []
    assert await time.passes(300) == []
    assert await time.passes(100) == ["1 bodies case.transferred"]


async def test_what_came_while_the_clock_was_ahead_is_not_younger(play: Any, make: Any, time: Time) -> None:
    """A message stamped ten years late goes with its time all the same."""
    await play.accept("first", lane="first")
    await time.step()
    await _delivered(play, "m1", received_at=make.at(3650 * DAY))
    await _newest(play)
    await time.passes(2)
    assert await time.passes(400) == ["1 bodies case.transferred"]


async def test_a_clock_set_back_stops_only_for_a_while(play: Any, time: Time) -> None:
    """The ledger's own time never goes back, and goes on when the clock does."""
    await _delivered(play, "m1")
    await _newest(play)
    await time.step()
    before = (await time.step(days=10)).time
    assert (await time.step(days=-5000, seen=60.0)).time == before
    assert await time.passes(400) == ["1 bodies case.transferred"]


async def test_two_processes_do_not_age_it_twice_as_fast(play: Any, ledger: Any, make: Any, time: Time) -> None:
    """Each tells what it saw pass, and the same hour counts once."""
    await play.accept("m1")
    begun = (await time.step()).time
    for hour in range(1, 5):
        now = make.at(hour * 3600)
        for _ in range(3):
            step = await ledger.prune(KEPT, "pruner", now, seen=3600.0)
    assert step.time - begun == timedelta(hours=4)


# ── what is told of it ────────────────────────────────────────────────────────────────────────
async def test_what_went_is_recorded(play: Any, ledger: Any, make: Any, time: Time) -> None:
    """A row for each day, actor, type and sort: how many, how large, until when, and when."""
    for i in range(4):
        await _delivered(play, f"m{i}", lane=f"L{i}")
    await _newest(play)
    await time.passes(0)
    await time.passes(1000, SHORT, limit=1)
    [row] = (await ledger.prunings()).items
    assert (row.actor, row.type, row.what, row.count) == ("pruner", "case.transferred", "messages", 4)
    assert row.until == make.at(0)
    assert row.at == make.at(1000 * DAY)
    assert row.day == row.at.date().isoformat()
    assert row.size > 4 * len(b"<case/>")


async def test_what_would_go_is_what_goes(play: Any, ledger: Any, time: Time) -> None:
    """A dry run counts, stretch by stretch, what the steps then prune, and changes nothing."""
    for i in range(5):
        await _delivered(play, f"m{i}", lane=f"L{i % 2}")
    await play.accept("dead", lane="D")
    await play.end("dead/0", State.DEAD)
    await play.receive(play.make.rejection())
    await _newest(play)
    await time.passes(0)
    long = Retention(5 * YEAR, 5 * YEAR)
    await time.passes(1000, long)
    would: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    cursor, stretches = None, 0
    while True:
        found = await ledger.prunable(SHORT, cursor, 2)
        for one in found.would:
            would[one.type, one.what] += one.count
            sizes[one.type, one.what] += one.size
        stretches += 1
        if found.cursor is None:
            break
        assert found.done <= found.total
        cursor = found.cursor
    assert stretches > 2
    assert would == {("case.transferred", "messages"): 5, ("", "rejections"): 1}
    await time.passes(0, SHORT)
    assert time.pruned == would
    assert {(one.type, one.what): one.size for one in (await ledger.prunings()).items} == sizes


async def test_oldest(play: Any, make: Any, time: Time) -> None:
    """A step tells when the oldest message came that still has its deliveries."""
    await _delivered(play, "m1", received_at=make.at(-5 * DAY))
    await _newest(play)
    assert (await time.step()).oldest == make.at(-5 * DAY)
    await time.passes(1000)
    assert (await time.step()).oldest == make.at(0)
