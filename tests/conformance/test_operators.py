from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Conflict, NotFound
from gateway.message import State

WHO = {"actor": "operator", "reason": "现场核实"}


async def test_dead_replayed(play: Any, ledger: Any, make: Any) -> None:
    """A dead delivery is replayed as itself, in its place, and its lane is held no more."""
    await play.accept("m1")
    await play.accept("m2")
    await play.end("m1/0", State.DEAD, code="http.400", reason="bad")
    before = await ledger.delivery("m1/0")
    after = await ledger.replay("m1/0", at=make.at(9), **WHO)
    assert (after.id, after.position, after.state) == (before.id, before.position, State.READY)
    assert (after.code, after.reason, after.trying_since) == (None, None, None)
    assert await play.state("m2/0") == "ready"
    assert await play.heads() == ["m1/0"]
    assert await play.end("m1/0", State.DELIVERED, number=2)
    assert (await ledger.delivery("m1/0")).attempts == 2


async def test_refused_replayed(play: Any, ledger: Any, make: Any) -> None:
    """A refused delivery is replayed in its place, before what waits in the lane."""
    await play.accept("m1")
    await play.accept("m2")
    await play.end("m1/0", State.REFUSED)
    assert await play.heads() == ["m2/0"]
    await ledger.replay("m1/0", at=make.at(), **WHO)
    assert await play.heads() == ["m1/0"]


async def test_refused_replayed_before_a_dead_one(play: Any, ledger: Any, make: Any) -> None:
    """A replayed delivery is not held by a dead one that stands behind it; the dead one still holds the rest."""
    for name in ("m1", "m2", "m3"):
        await play.accept(name)
    await play.end("m1/0", State.REFUSED)
    await play.end("m2/0", State.DEAD)
    await ledger.replay("m1/0", at=make.at(), **WHO)
    assert await play.heads() == ["m1/0"]
    assert await play.state("m3/0") == "held:lane"
    assert await play.end("m1/0", State.DELIVERED, number=2)
    assert await play.heads() == []


async def test_delivered_replayed(play: Any, ledger: Any, make: Any) -> None:
    """A delivered one is replayed as a new delivery with a new key at the end of its lane."""
    await play.accept("m1")
    await play.end("m1/0", State.DELIVERED)
    await play.accept("m2")
    again = await ledger.replay("m1/0", at=make.at(7), **WHO)
    assert again.id != "m1/0"
    assert (again.replay_of, again.message_id, again.state) == ("m1/0", "m1", State.READY)
    assert again.created_at == make.at(7)
    assert await play.heads() == ["m2/0"]
    assert [each.id for each in await ledger.deliveries_of("m1")] == ["m1/0", again.id]
    assert (await ledger.delivery("m1/0")).state is State.DELIVERED
    assert await ledger.sent(again.id) is None


@pytest.mark.parametrize("state", [State.DELIVERED, State.REFUSED])
async def test_lane_moved_on(play: Any, ledger: Any, make: Any, state: State) -> None:
    """After a later delivery of the lane was delivered an older one goes out only when told that it is stale."""
    await play.accept("m1")
    await play.accept("m2")
    await play.end("m1/0", state)
    await play.end("m2/0", State.DELIVERED)
    with pytest.raises(Conflict) as error:
        await ledger.replay("m1/0", at=make.at(), **WHO)
    assert error.value.code == "lane.moved_on"
    assert (await ledger.replay("m1/0", at=make.at(), stale_ok=True, **WHO)).state is State.READY


async def test_other_lanes_do_not_move_on(play: Any, ledger: Any, make: Any) -> None:
    """What was delivered in another lane does not make a replay stale."""
    await play.accept("m1", lane="A", to=[make.penalty, make.credit])
    await play.accept("m2", lane="B")
    await play.accept("m3", lane="A", to=[make.credit])
    await play.end("m1/0", State.REFUSED)
    await play.end("m1/1", State.DELIVERED)
    await play.end("m2/0", State.DELIVERED)
    await play.end("m3/0", State.DELIVERED)
    assert (await ledger.replay("m1/0", at=make.at(), **WHO)).state is State.READY


async def test_discarded(play: Any, ledger: Any, make: Any) -> None:
    """What is dead, ready, waiting, held or unrouted can be given up, and its lane moves on."""
    for name in ("m1", "m2", "m3", "m4", "m5"):
        await play.accept(name)
    await play.accept("u1", to=[None], lane="U")
    await play.end("m1/0", State.DEAD)
    for name in ("m1/0", "m2/0"):
        assert (await ledger.discard(name, at=make.at(), **WHO)).state is State.DISCARDED
    await play.end("m3/0", State.WAITING, due=60)
    await ledger.discard("m3/0", at=make.at(), **WHO)
    await ledger.hold("m4/0", at=make.at(), **WHO)
    await ledger.discard("m4/0", at=make.at(), **WHO)
    assert await play.heads() == ["m5/0"]
    assert (await ledger.discard("u1/0", at=make.at(), **WHO)).reason == "现场核实"
    assert await ledger.unrouted("penalty") == []


async def test_discarded_from_the_middle(play: Any, ledger: Any, make: Any) -> None:
    """A delivery behind a dead one can be given up; the rest stays held."""
    for name in ("m1", "m2", "m3"):
        await play.accept(name)
    await play.end("m1/0", State.DEAD)
    await ledger.discard("m2/0", at=make.at(), **WHO)
    assert await play.state("m3/0") == "held:lane"
    await ledger.replay("m1/0", at=make.at(), **WHO)
    await play.end("m1/0", State.DELIVERED, number=2)
    assert await play.heads() == ["m3/0"]


async def test_held_by_an_operator(play: Any, ledger: Any, make: Any) -> None:
    """An operator's hold keeps a delivery and the lane behind it until it is released."""
    await play.accept("m1")
    await play.accept("m2")
    assert (await ledger.hold("m1/0", at=make.at(), **WHO)).held_by == "operator"
    assert await play.heads() == []
    assert not await ledger.begin("m1/0", "penalty@1.0.0", make.request, make.at())
    assert await play.state("m1/0") == "held:operator"
    assert await play.state("m2/0") == "ready"
    assert (await ledger.release("m1/0", at=make.at(), **WHO)).state is State.READY
    assert await play.heads() == ["m1/0"]


async def test_waiting_held_and_released(play: Any, ledger: Any, make: Any) -> None:
    """A waiting delivery that was held is ready after release, with the whole time to try again."""
    await play.accept("m1")
    await play.end("m1/0", State.WAITING, due=600)
    await ledger.hold("m1/0", at=make.at(), **WHO)
    released = await ledger.release("m1/0", at=make.at(5), **WHO)
    assert (released.due_at, released.trying_since) == (None, None)
    assert await play.heads(at=5) == ["m1/0"]


@pytest.mark.parametrize("action", ["replay", "release"])
async def test_not_while_ready(play: Any, ledger: Any, make: Any, action: str) -> None:
    """What is ready can be neither replayed nor released, and nothing is recorded."""
    await play.accept("m1")
    with pytest.raises(Conflict) as error:
        await getattr(ledger, action)("m1/0", at=make.at(), **WHO)
    assert error.value.code == "state.wrong"
    assert await ledger.audit("m1/0") == []


@pytest.mark.parametrize("action", ["discard", "hold"])
async def test_not_while_sent(play: Any, ledger: Any, make: Any, action: str) -> None:
    """What is being sent can be neither given up nor held."""
    await play.accept("m1")
    await ledger.begin("m1/0", "penalty@1.0.0", make.request, make.at())
    with pytest.raises(Conflict, match="sending"):
        await getattr(ledger, action)("m1/0", at=make.at(), **WHO)
    assert await play.state("m1/0") == "sending"


@pytest.mark.parametrize("action", ["replay", "discard", "hold", "release"])
async def test_unknown(ledger: Any, make: Any, action: str) -> None:
    """What nobody knows is not found."""
    with pytest.raises(NotFound):
        await getattr(ledger, action)("nobody", at=make.at(), **WHO)


async def test_audited(play: Any, ledger: Any, make: Any) -> None:
    """Everything an operator does is recorded with who, when and why, oldest first."""
    await play.accept("m1")
    await ledger.hold("m1/0", at=make.at(1), **WHO)
    await ledger.release("m1/0", at=make.at(2), **WHO)
    await play.end("m1/0", State.DELIVERED)
    again = await ledger.replay("m1/0", at=make.at(3), **WHO)
    entries = await ledger.audit("m1/0")
    assert [each.action for each in entries] == ["delivery.held", "delivery.released", "delivery.replayed"]
    assert [each.at for each in entries] == [make.at(1), make.at(2), make.at(3)]
    assert {(each.actor, each.reason, each.subject) for each in entries} == {("operator", "现场核实", "m1/0")}
    assert entries[-1].detail == {"as": again.id}
    assert len(await ledger.audit("m1/0", limit=1)) == 1
    [accepted] = await ledger.audit("m1")
    assert (accepted.action, accepted.actor, accepted.at) == ("message.accepted", make.source, make.at())
