from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.clock import system_clock
from gateway.errors import Conflict, Invalid, NotFound
from gateway.ledger.records import BulkReplay, DeliveryFilter, ReplayCount
from gateway.message import State


# ── replay ────────────────────────────────────────────────────────────────────────────────────
async def test_dead_replayed(play: Any, ledger: Any, make: Any) -> None:
    """A dead delivery is replayed as itself, in its place, and its lane is held no more."""
    await play.accept("m1")
    await play.accept("m2")
    await play.end("m1/0", State.DEAD, code="http.400", reason="bad")
    before = await ledger.delivery("m1/0")
    after = await ledger.replay("m1/0", make.intent(at=9))
    assert (after.id, after.position, after.state) == (before.id, before.position, State.READY)
    assert (after.code, after.reason, after.changed_at) == (None, None, make.at(9))
    assert await play.state("m2/0") == "ready"
    assert await play.heads() == ["m1/0"]
    assert (await play.end("m1/0", State.DELIVERED)).lane_moved
    assert (await ledger.delivery("m1/0")).attempts == 2


async def test_refused_replayed(play: Any, ledger: Any, make: Any) -> None:
    """A refused delivery is replayed in its place, before what waits in the lane."""
    await play.accept("m1")
    await play.accept("m2")
    await play.end("m1/0", State.REFUSED)
    assert await play.heads() == ["m2/0"]
    await ledger.replay("m1/0", make.intent())
    assert await play.heads() == ["m1/0"]


async def test_refused_replayed_before_a_dead_one(play: Any, ledger: Any, make: Any) -> None:
    """A replayed delivery is not held by a dead one that stands behind it; the dead one still holds the rest."""
    for name in ("m1", "m2", "m3"):
        await play.accept(name)
    await play.end("m1/0", State.REFUSED)
    await play.end("m2/0", State.DEAD)
    await ledger.replay("m1/0", make.intent())
    assert await play.heads() == ["m1/0"]
    assert await play.state("m3/0") == "held:lane"
    assert (await play.end("m1/0", State.DELIVERED)).lane_moved
    assert await play.heads() == []


async def test_delivered_replayed(play: Any, ledger: Any, make: Any) -> None:
    """A delivered one is replayed as a new delivery with a new key at the end of its lane."""
    await play.accept("m1")
    await play.end("m1/0", State.DELIVERED)
    await play.accept("m2")
    again = await ledger.replay("m1/0", make.intent(at=7))
    assert again.id != "m1/0"
    assert (again.replay_of, again.message_id, again.state) == ("m1/0", "m1", State.READY)
    assert again.created_at == make.at(7)
    assert await play.heads() == ["m2/0"]
    assert [each.id for each in await ledger.deliveries_of("m1")] == ["m1/0", again.id]
    assert (await ledger.delivery("m1/0")).state is State.DELIVERED
    assert await ledger.sent(again.id) is None


async def test_replayed_behind_a_dead_one(play: Any, ledger: Any, make: Any) -> None:
    """A new delivery joins the end of its lane, and is held there as all are behind a dead one."""
    await play.accept("m1")
    await play.accept("m2")
    await play.end("m1/0", State.DELIVERED)
    await play.end("m2/0", State.DEAD)
    again = await ledger.replay("m1/0", make.intent())
    assert again.held_by == "lane"
    assert await play.heads() == []


# ── what has moved on ─────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("state", [State.DELIVERED, State.REFUSED])
async def test_lane_moved_on(play: Any, ledger: Any, make: Any, state: State) -> None:
    """After a later delivery of the lane was delivered an older one goes out only when told that it is stale."""
    await play.accept("m1")
    await play.accept("m2")
    await play.end("m1/0", state)
    await play.end("m2/0", State.DELIVERED)
    with pytest.raises(Conflict) as error:
        await ledger.replay("m1/0", make.intent())
    assert error.value.code == "lane.moved_on"
    assert (await ledger.replay("m1/0", make.intent(), stale_ok=True)).state is State.READY


async def test_moved_on_while_the_later_one_is_sent(play: Any, ledger: Any, make: Any) -> None:
    """A later delivery that is on its way may arrive first: the older one would overtake it."""
    await play.accept("m1")
    await play.accept("m2")
    await play.end("m1/0", State.REFUSED)
    await play.begin("m2/0")
    with pytest.raises(Conflict) as error:
        await ledger.replay("m1/0", make.intent())
    assert error.value.code == "lane.moved_on"
    await play.unbegin("m2/0")
    assert (await ledger.replay("m1/0", make.intent())).state is State.READY
    assert await play.heads() == ["m1/0"]


@pytest.mark.parametrize("state", [State.WAITING, State.READY, State.DEAD])
async def test_moved_on_while_the_later_one_is_in_doubt(play: Any, ledger: Any, make: Any, state: State) -> None:
    """A later delivery whose request may have arrived counts as one that did, until it is given up."""
    await play.accept("m1")
    await play.accept("m2")
    await play.end("m1/0", State.REFUSED)
    await play.end("m2/0", state, in_doubt=True, due=60 if state is State.WAITING else None)
    with pytest.raises(Conflict) as error:
        await ledger.replay("m1/0", make.intent())
    assert error.value.code == "lane.moved_on"
    await ledger.discard("m2/0", make.intent())
    assert (await ledger.replay("m1/0", make.intent())).state is State.READY


@pytest.mark.parametrize("state", [State.WAITING, State.REFUSED, State.DEAD])
async def test_not_moved_on(play: Any, ledger: Any, make: Any, state: State) -> None:
    """A later delivery that did not arrive, and cannot have, makes nothing stale."""
    await play.accept("m1")
    await play.accept("m2")
    await play.end("m1/0", State.REFUSED)
    await play.end("m2/0", state, due=60 if state is State.WAITING else None)
    assert (await ledger.replay("m1/0", make.intent())).state is State.READY


async def test_other_lanes_do_not_move_on(play: Any, ledger: Any, make: Any) -> None:
    """What was delivered in another lane does not make a replay stale."""
    await play.accept("m1", lane="A", to=[make.penalty, make.credit])
    await play.accept("m2", lane="B")
    await play.accept("m3", lane="A", to=[make.credit])
    await play.end("m1/0", State.REFUSED)
    await play.end("m1/1", State.DELIVERED)
    await play.end("m2/0", State.DELIVERED)
    await play.end("m3/0", State.DELIVERED)
    assert (await ledger.replay("m1/0", make.intent())).state is State.READY


async def test_one_open_replay(play: Any, ledger: Any, make: Any) -> None:
    """Of a delivered delivery one replay is open at a time, stale or not; when it is done with there may be another."""
    await play.accept("m1")
    await play.end("m1/0", State.DELIVERED)
    first = await ledger.replay("m1/0", make.intent())
    for stale_ok in (False, True):
        with pytest.raises(Conflict, match=first.id) as error:
            await ledger.replay("m1/0", make.intent(), stale_ok=stale_ok)
        assert error.value.code == "replay.open"
    await ledger.discard(first.id, make.intent())
    second = await ledger.replay("m1/0", make.intent())
    assert second.id not in ("m1/0", first.id)
    assert [each.id for each in await ledger.deliveries_of("m1")] == ["m1/0", first.id, second.id]


async def test_replay_to_a_platform_that_is_gone(play: Any, ledger: Any, make: Any) -> None:
    """What was delivered to a platform that is not registered any more cannot be replayed to it."""
    await play.accept("m1", lane="A")
    await play.accept("m2", lane="B")
    await play.end("m1/0", State.DELIVERED)
    await play.end("m2/0", State.REFUSED)
    await ledger.delete_platform(make.penalty, make.intent())
    for delivery_id in ("m1/0", "m2/0"):
        with pytest.raises(Conflict) as error:
            await ledger.replay(delivery_id, make.intent(), stale_ok=True)
        assert error.value.code == "platform.unknown"
    assert [await play.state(each) for each in ("m1/0", "m2/0")] == ["delivered", "refused"]


# ── the caller's key ──────────────────────────────────────────────────────────────────────────
async def test_repeated_under_one_key(play: Any, ledger: Any, make: Any) -> None:
    """The same request under one key is done once, at once or later, and answered with the same delivery."""
    await play.accept("m1")
    await play.end("m1/0", State.DELIVERED)
    intent = make.intent(key="k")
    replayed = await asyncio.gather(*(ledger.replay("m1/0", intent) for _ in range(7)))
    replayed.append(await ledger.replay("m1/0", replace(intent, at=make.at(99))))
    [id] = {each.id for each in replayed}
    assert [each.id for each in await ledger.deliveries_of("m1")] == ["m1/0", id]
    assert [each.action for each in await ledger.audit("m1/0")] == ["delivery.replayed"]


async def test_repeated_without_a_key(play: Any, ledger: Any, make: Any) -> None:
    """Without a key the first replay is open, and the other seven are told so."""
    await play.accept("m1")
    await play.end("m1/0", State.DELIVERED)
    clicks = await asyncio.gather(*(ledger.replay("m1/0", make.intent()) for _ in range(8)), return_exceptions=True)
    assert (
        sorted(getattr(each, "code", None) or "replayed" for each in clicks if isinstance(each, Conflict))
        == ["replay.open"] * 7
    )
    assert len(await ledger.deliveries_of("m1")) == 2


async def test_a_repeat_is_answered_with_the_present_state(play: Any, ledger: Any, make: Any) -> None:
    """A repeat under a key is answered with what was done then, as it stands now."""
    await play.accept("m1")
    await play.end("m1/0", State.DELIVERED)
    first = await ledger.replay("m1/0", make.intent(key="k"))
    await play.end(first.id, State.DELIVERED)
    again = await ledger.replay("m1/0", make.intent(key="k"))
    assert (again.id, again.state) == (first.id, State.DELIVERED)


@pytest.mark.parametrize("action", ["discard", "hold"])
async def test_a_key_for_every_action(play: Any, ledger: Any, make: Any, action: str) -> None:
    """Whatever an operator does to a delivery is done once under a key."""
    await play.accept("m1")
    intent = make.intent(key="k")
    first = await getattr(ledger, action)("m1/0", intent)
    assert await getattr(ledger, action)("m1/0", intent) == first
    assert len(await ledger.audit("m1/0")) == 1


async def test_a_key_is_of_one_request(play: Any, ledger: Any, make: Any) -> None:
    """Another request under a key is a conflict, and nothing is done: other delivery, action, reason or argument."""
    for name in ("m1", "m2"):
        await play.accept(name, lane=name)
    await ledger.hold("m1/0", make.intent(key="k"))
    for call in (
        ledger.hold("m2/0", make.intent(key="k")),
        ledger.release("m1/0", make.intent(key="k")),
        ledger.hold("m1/0", make.intent("另一理由", key="k")),
        ledger.replay("m1/0", make.intent(key="k"), stale_ok=True),
    ):
        with pytest.raises(Conflict) as error:
            await call
        assert error.value.code == "idempotency.key-reused"
    assert [await play.state(each) for each in ("m1/0", "m2/0")] == ["held:operator", "ready"]


async def test_a_key_is_of_one_actor(play: Any, ledger: Any, make: Any) -> None:
    """Two operators may use the same key."""
    for name in ("m1", "m2"):
        await play.accept(name, lane=name)
    await ledger.hold("m1/0", make.intent(key="k", actor="first"))
    assert (await ledger.hold("m2/0", make.intent(key="k", actor="second"))).held_by == "operator"


async def test_a_key_of_what_failed(play: Any, ledger: Any, make: Any) -> None:
    """A key is not used up by a request that was answered with an error."""
    await play.accept("m1")
    with pytest.raises(Conflict):
        await ledger.release("m1/0", make.intent(key="k"))
    await ledger.hold("m1/0", make.intent(key="k"))
    assert await play.state("m1/0") == "held:operator"


async def test_a_key_survives(play: Any, ledger: Any, make: Any, opening: Any) -> None:
    """A key is known to whoever opens the ledger again."""
    await play.accept("m1")
    await play.end("m1/0", State.DELIVERED)
    first = await ledger.replay("m1/0", make.intent(key="k"))
    await ledger.stop()
    again = opening()
    await again.start()
    assert (await again.replay("m1/0", make.intent(key="k"))).id == first.id
    await again.stop()


# ── discard, hold, release ────────────────────────────────────────────────────────────────────
async def test_discarded(play: Any, ledger: Any, make: Any) -> None:
    """What is dead, ready, waiting, held or unrouted can be given up, and its lane moves on."""
    for name in ("m1", "m2", "m3", "m4", "m5"):
        await play.accept(name)
    await play.accept("u1", to=[None], lane="U")
    await play.end("m1/0", State.DEAD)
    for name in ("m1/0", "m2/0"):
        assert (await ledger.discard(name, make.intent())).state is State.DISCARDED
    await play.end("m3/0", State.WAITING, due=60)
    await ledger.discard("m3/0", make.intent())
    await ledger.hold("m4/0", make.intent())
    await ledger.discard("m4/0", make.intent())
    assert await play.heads() == ["m5/0"]
    assert (await ledger.discard("u1/0", make.intent())).reason == "现场核实"
    assert await ledger.assign(["penalty"], make.takes(), make.at()) == frozenset()


async def test_discarded_from_the_middle(play: Any, ledger: Any, make: Any) -> None:
    """A delivery behind a dead one can be given up; the rest stays held."""
    for name in ("m1", "m2", "m3"):
        await play.accept(name)
    await play.end("m1/0", State.DEAD)
    await ledger.discard("m2/0", make.intent())
    assert await play.state("m3/0") == "held:lane"
    await ledger.replay("m1/0", make.intent())
    await play.end("m1/0", State.DELIVERED)
    assert await play.heads() == ["m3/0"]


async def test_held_by_an_operator(play: Any, ledger: Any, make: Any) -> None:
    """An operator's hold keeps a delivery and the lane behind it until it is released."""
    await play.accept("m1")
    await play.accept("m2")
    held = await ledger.hold("m1/0", make.intent(at=4))
    assert (held.state, held.held_by, held.held_at) == (State.READY, "operator", make.at(4))
    assert await play.heads() == []
    assert await play.begin("m1/0") is None
    assert await play.begin("m1/0", probe=True) is None
    assert await play.state("m1/0") == "held:operator"
    assert await play.state("m2/0") == "ready"
    assert (await ledger.release("m1/0", make.intent())).shown == "ready"
    assert await play.heads() == ["m1/0"]


async def test_waiting_held_and_released(play: Any, ledger: Any, make: Any) -> None:
    """A waiting delivery that was held waits on after release, with the whole time to try again."""
    await play.accept("m1")
    await play.end("m1/0", State.WAITING, due=600, tried_for=30.0)
    await ledger.hold("m1/0", make.intent())
    assert await play.next_due() is None
    released = await ledger.release("m1/0", make.intent(at=5))
    assert (released.state, released.due_at, released.tried_for) == (State.WAITING, make.at(600), 0)
    assert await play.heads(at=5) == []
    assert await play.heads(at=600) == ["m1/0"]


async def test_held_twice(play: Any, ledger: Any, make: Any) -> None:
    """Holding what is held changes nothing, and is not recorded."""
    await play.accept("m1")
    first = await ledger.hold("m1/0", make.intent(at=1))
    assert await ledger.hold("m1/0", make.intent(at=2)) == first
    assert len(await ledger.audit("m1/0")) == 1


@pytest.mark.parametrize("action", ["replay", "release"])
async def test_not_while_ready(play: Any, ledger: Any, make: Any, action: str) -> None:
    """What is ready can be neither replayed nor released, and nothing is recorded."""
    await play.accept("m1")
    with pytest.raises(Conflict) as error:
        await getattr(ledger, action)("m1/0", make.intent())
    assert error.value.code == "state.wrong"
    assert await ledger.audit("m1/0") == []


@pytest.mark.parametrize("action", ["discard", "hold", "replay"])
async def test_not_while_sent(play: Any, ledger: Any, make: Any, action: str) -> None:
    """What is being sent can be neither given up, nor held, nor replayed."""
    await play.accept("m1")
    await play.begin("m1/0")
    with pytest.raises(Conflict, match="sending"):
        await getattr(ledger, action)("m1/0", make.intent())
    assert await play.state("m1/0") == "sending"


@pytest.mark.parametrize("action", ["replay", "discard", "hold", "release"])
async def test_unknown(ledger: Any, make: Any, action: str) -> None:
    """What nobody knows is not found."""
    with pytest.raises(NotFound):
        await getattr(ledger, action)("nobody", make.intent())


async def test_audited(play: Any, ledger: Any, make: Any) -> None:
    """Everything an operator does is recorded with who, when and why, oldest first."""
    began = system_clock()
    await play.accept("m1")
    ended = system_clock()
    await ledger.hold("m1/0", make.intent(at=1))
    await ledger.release("m1/0", make.intent(at=2))
    await play.end("m1/0", State.DELIVERED)
    again = await ledger.replay("m1/0", make.intent(at=3))
    entries = await ledger.audit("m1/0")
    assert [each.action for each in entries] == ["delivery.held", "delivery.released", "delivery.replayed"]
    assert [each.at for each in entries] == [make.at(1), make.at(2), make.at(3)]
    assert {(each.actor, each.reason, each.subject) for each in entries} == {("operator", "现场核实", "m1/0")}
    assert entries[-1].detail == {"as": again.id}
    assert len(await ledger.audit("m1/0", limit=1)) == 1
    [accepted] = await ledger.audit("m1")
    assert (accepted.action, accepted.actor) == ("message.accepted", make.source)
    assert began <= accepted.at <= ended


# ── bulk replay ───────────────────────────────────────────────────────────────────────────────
def bulk(make: Any, state: State = State.DELIVERED, id: str = "b1", **fields: Any) -> BulkReplay:
    """A bulk replay of what is in a state at the penalty platform."""
    looked_for = fields.pop("filter", DeliveryFilter(state=state.value, platform=make.penalty))
    return BulkReplay(id, looked_for, "平台丢了一天", "operator", make.at(100), **fields)


async def delivered(play: Any, names: Any) -> None:
    """Delivers messages, each in a lane of its own."""
    for name in names:
        await play.accept(name, lane=name)
        await play.end(f"{name}/0", State.DELIVERED)


async def replays_of(ledger: Any, *messages: str) -> list[str]:
    """The replays there are of messages: of which delivery each is one."""
    return [each.replay_of for each in await ledger.deliveries_of(*messages) if each.replay_of]


async def test_bulk_replayed_in_steps(play: Any, ledger: Any, make: Any) -> None:
    """Everything that a filter finds is replayed once, in order of position, and its progress is told."""
    names = [f"m{i}" for i in range(5)]
    await delivered(play, names)
    begun = await ledger.begin_replay(bulk(make), make.intent())
    assert (begun.total, begun.replayed, begun.cursor, begun.finished_at) == (5, 0, 0, None)
    await delivered(play, ["late"])
    first = await ledger.step_replay("b1", 2, make.at(101))
    assert (first.replayed, first.skipped, first.finished_at) == (2, 0, None)
    assert await replays_of(ledger, *names) == ["m0/0", "m1/0"]
    assert await ledger.replays(unfinished=True) == [first]
    await ledger.step_replay("b1", 2, make.at(102))
    last = await ledger.step_replay("b1", 2, make.at(103))
    assert (last.replayed, last.total, last.finished_at) == (5, 5, make.at(103))
    assert last.counts == (ReplayCount(make.penalty, "case.transferred", None, 5),)
    assert await replays_of(ledger, *names, "late") == [f"{name}/0" for name in names]
    assert await ledger.step_replay("b1", 2, make.at(104)) == last
    assert await ledger.replays(unfinished=True) == []
    assert await ledger.replays() == [last]


async def test_bulk_replay_of_the_dead(play: Any, ledger: Any, make: Any) -> None:
    """Dead ones are ready again as themselves, their lanes go on, and each is recorded with the replay's reason."""
    for name in ("a1", "a2", "b1"):
        await play.accept(name, lane=name[0])
    for name in ("a1", "b1"):
        await play.end(f"{name}/0", State.DEAD, code="http.400")
    await ledger.begin_replay(bulk(make, State.DEAD), make.intent())
    done = await ledger.step_replay("b1", 10, make.at(101))
    assert done.counts == (ReplayCount(make.penalty, "case.transferred", "http.400", 2),)
    assert await play.heads() == ["a1/0", "b1/0"]
    assert await play.state("a2/0") == "ready"
    [entry] = await ledger.audit("b1/0")
    assert (entry.action, entry.actor, entry.reason) == ("delivery.replayed", "operator", "平台丢了一天")


async def test_bulk_replay_goes_on_where_it_was(play: Any, ledger: Any, make: Any, opening: Any) -> None:
    """Whoever opens the ledger again goes on with it, and each is replayed once."""
    names = [f"m{i}" for i in range(4)]
    await delivered(play, names)
    await ledger.begin_replay(bulk(make), make.intent())
    await ledger.step_replay("b1", 2, make.at(101))
    await ledger.stop()
    again = opening()
    await again.start()
    try:
        [unfinished] = await again.replays(unfinished=True)
        assert (unfinished.replayed, unfinished.total) == (2, 4)
        assert (await again.step_replay("b1", 10, make.at(102))).replayed == 4
        assert await replays_of(again, *names) == [f"{name}/0" for name in names]
    finally:
        await again.stop()


async def test_bulk_replay_skips_what_moved_on(play: Any, ledger: Any, make: Any) -> None:
    """What a later delivery of its lane overtook is skipped and counted, unless the replay says it may be stale."""
    for name in ("m1", "m2"):
        await play.accept(name)
        await play.end(f"{name}/0", State.DELIVERED)
    await ledger.begin_replay(bulk(make), make.intent())
    careful = await ledger.step_replay("b1", 10, make.at(101))
    assert (careful.replayed, careful.skipped) == (1, 1)
    assert await replays_of(ledger, "m1", "m2") == ["m2/0"]
    await ledger.begin_replay(bulk(make, id="b2", stale_ok=True), make.intent())
    bold = await ledger.step_replay("b2", 10, make.at(102))
    assert (bold.replayed, bold.skipped) == (1, 1), "m2 has an open replay already"
    assert sorted(await replays_of(ledger, "m1", "m2")) == ["m1/0", "m2/0"]


async def test_bulk_replay_skips_what_is_not_dead_any_more(play: Any, ledger: Any, make: Any) -> None:
    """What somebody replayed or discarded meanwhile is counted as skipped at the end."""
    for name in ("m1", "m2", "m3"):
        await play.accept(name, lane=name)
        await play.end(f"{name}/0", State.DEAD)
    await ledger.begin_replay(bulk(make, State.DEAD), make.intent())
    await ledger.discard("m2/0", make.intent())
    done = await ledger.step_replay("b1", 10, make.at(101))
    assert (done.total, done.replayed, done.skipped) == (3, 2, 1)
    assert await play.state("m2/0") == "discarded"


async def test_bulk_replay_to_a_platform_that_is_gone(play: Any, ledger: Any, make: Any) -> None:
    """What was for a platform that is not registered any more is skipped."""
    await delivered(play, ["m1"])
    await ledger.begin_replay(bulk(make), make.intent())
    await ledger.delete_platform(make.penalty, make.intent())
    done = await ledger.step_replay("b1", 10, make.at(101))
    assert (done.replayed, done.skipped) == (0, 1)


async def test_bulk_replay_cancelled(play: Any, ledger: Any, make: Any) -> None:
    """A cancelled replay stays where it is: what was replayed stays so, and no step does more."""
    await delivered(play, ["m1", "m2"])
    await ledger.begin_replay(bulk(make), make.intent())
    await ledger.step_replay("b1", 1, make.at(101))
    cancelled = await ledger.cancel_replay("b1", make.intent("搞错了", at=102))
    assert (cancelled.replayed, cancelled.cancelled_at, cancelled.finished_at) == (1, make.at(102), None)
    assert await ledger.step_replay("b1", 10, make.at(103)) == cancelled
    assert await ledger.cancel_replay("b1", make.intent(at=104)) == cancelled
    assert await ledger.replays(unfinished=True) == []
    assert await replays_of(ledger, "m1", "m2") == ["m1/0"]
    assert [each.action for each in await ledger.audit("b1")] == ["replay.begun", "replay.cancelled"]


async def test_bulk_replay_tried_dry(play: Any, ledger: Any, make: Any) -> None:
    """A dry run tells how many of each platform, type and code would be replayed, and leaves nothing behind."""
    for lane, code in (("A", "http.400"), ("A", None), ("B", "http.400"), ("C", "http.413")):
        await play.accept(f"{lane}-{code}", lane=lane)
        await play.end(f"{lane}-{code}/0", State.REFUSED, code=code)
    await play.accept("A-late", lane="A")
    await play.end("A-late/0", State.DELIVERED)
    dry = await ledger.begin_replay(bulk(make, State.REFUSED, dry_run=True), make.intent(key="k"))
    assert (dry.total, dry.skipped, dry.replayed) == (4, 2, 0)
    assert dry.finished_at is not None
    assert dry.counts == (
        ReplayCount(make.penalty, "case.transferred", "http.400", 1),
        ReplayCount(make.penalty, "case.transferred", "http.413", 1),
    )
    bold = await ledger.begin_replay(bulk(make, State.REFUSED, dry_run=True, stale_ok=True), make.intent())
    assert (sum(each.count for each in bold.counts), bold.skipped) == (4, 0)
    assert await ledger.replays() == []
    assert await ledger.audit("b1") == []
    with pytest.raises(NotFound):
        await ledger.step_replay("b1", 10, make.at(101))


async def test_a_dry_run_says_what_a_real_one_does(play: Any, ledger: Any, make: Any) -> None:
    """The counts of a dry run are those of the real one when nothing happens between them."""
    await delivered(play, ["m1", "m2"])
    await ledger.replay("m1/0", make.intent())
    dry = await ledger.begin_replay(bulk(make, dry_run=True), make.intent())
    await ledger.begin_replay(bulk(make), make.intent())
    real = await ledger.step_replay("b1", 10, make.at(101))
    assert (dry.total, dry.skipped, dry.counts) == (real.total, real.skipped, real.counts)


async def test_bulk_replay_filtered(play: Any, ledger: Any, make: Any) -> None:
    """A replay may be narrowed by platform, type, code, message and time."""
    await play.accept("m1", lane="A", type="lead.reported")
    await play.accept("m2", lane="B", to=[make.credit])
    await play.accept("m3", lane="C")
    for delivery_id, code in (("m1/0", "a"), ("m2/0", "b"), ("m3/0", "c")):
        await play.end(delivery_id, State.DEAD, code=code)

    async def total(**filter: Any) -> int:
        looked_for = DeliveryFilter(state="dead", **filter)
        found = await ledger.begin_replay(bulk(make, filter=looked_for, dry_run=True), make.intent())
        assert sum(each.count for each in found.counts) == found.total
        return int(found.total)

    assert await total() == 3
    assert await total(platform=make.penalty) == 2
    assert await total(platform=make.penalty, type="lead.reported") == 1
    assert await total(code="b") == 1
    assert await total(message_id="m3") == 1
    assert await total(since=make.at(), until=make.at(1)) == 3
    assert await total(since=make.at(1)) == await total(until=make.at()) == 0


@pytest.mark.parametrize("state", [None, "ready", "waiting", "sending", "held", "unrouted", "discarded", "lost"])
async def test_bulk_replay_of_what_cannot_be_replayed(ledger: Any, make: Any, state: str | None) -> None:
    """Only what is dead, refused or delivered may be asked for, dry or not."""
    for dry_run in (False, True):
        with pytest.raises(Invalid) as error:
            await ledger.begin_replay(bulk(make, filter=DeliveryFilter(state=state), dry_run=dry_run), make.intent())
        assert error.value.code == "replay.state"
    assert await ledger.replays() == []


async def test_bulk_replay_begun_once(play: Any, ledger: Any, make: Any) -> None:
    """The same bulk replay under one key is begun once; so is one under one id. Another under the key is a conflict."""
    await delivered(play, ["m1"])
    begun = await ledger.begin_replay(bulk(make), make.intent(key="k"))
    assert await ledger.begin_replay(bulk(make, id="b2"), make.intent(key="k")) == begun
    assert await ledger.begin_replay(bulk(make), make.intent()) == begun
    with pytest.raises(Conflict) as error:
        await ledger.begin_replay(bulk(make, State.DEAD), make.intent(key="k"))
    assert error.value.code == "idempotency.key-reused"
    assert await ledger.replays() == [begun]


async def test_unknown_bulk_replay(ledger: Any, make: Any) -> None:
    """A bulk replay nobody began can be neither gone on with nor cancelled."""
    for call in (ledger.step_replay("nobody", 10, make.at()), ledger.cancel_replay("nobody", make.intent())):
        with pytest.raises(NotFound) as error:
            await call
        assert error.value.code == "replay.unknown"
