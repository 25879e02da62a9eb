from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Invalid
from gateway.ledger.records import Backlog, BulkReplay, DeliveryFilter, MessageFilter
from gateway.message import HeldBy, State

CODE = "91330100MA2XXXXX0A"


@pytest.fixture
async def town(play: Any, make: Any, ledger: Any) -> None:
    """Five messages: one delivered, one dead with one behind it, one unrouted, one waiting at a paused platform."""
    await ledger.put_platform(make.platform(make.credit), actor="admin", at=make.at())
    await play.accept("done", lane="A", received_at=make.at(1), keys={"case_number": "C1", "credit_code": CODE})
    await play.end("done/0", State.DELIVERED)
    await play.accept("dead", lane="B", received_at=make.at(2), type="penalty.decided", keys={"case_number": "C2"})
    await play.end("dead/0", State.DEAD)
    await play.accept("behind", lane="B", received_at=make.at(3), keys={"credit_code": CODE})
    await play.accept("nowhere", lane="C", received_at=make.at(4), to=[None])
    await play.accept("paused", lane="D", received_at=make.at(5), to=[make.credit], source="penalty.330100")
    await play.end("paused/0", State.WAITING, due=60)
    await ledger.hold_platform(make.credit, HeldBy.PAUSED, actor="admin", reason="检修", at=make.at(6))


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ({}, "paused nowhere behind dead done"),
        ({"type": "penalty.decided"}, "dead"),
        ({"platform": "mobile-enforcement.330100"}, "nowhere behind dead done"),
        ({"platform": "penalty.330000"}, "behind dead done"),
        ({"platform": "credit-publicity.330000"}, "paused"),
        ({"platform": "penalty.330000", "type": "penalty.decided"}, "dead"),
        ({"case_number": "C1"}, "done"),
        ({"credit_code": CODE}, "behind done"),
        ({"credit_code": CODE, "case_number": "C1", "state": State.DELIVERED}, "done"),
        ({"case_number": CODE}, ""),
        ({"correlation_id": "B"}, "behind dead"),
        ({"correlation_id": "B", "type": "penalty.decided"}, "dead"),
        ({"state": State.DELIVERED}, "done"),
        ({"state": State.DEAD}, "dead"),
        ({"state": State.UNROUTED}, "nowhere"),
        ({"state": State.HELD}, "paused behind"),
        ({"state": State.READY}, ""),
        ({"state": State.WAITING}, ""),
        ({"state": State.HELD, "platform": "penalty.330000"}, "behind"),
    ],
    ids=str,
)
async def test_messages_by_filter(ledger: Any, filter: dict[str, Any], found: str) -> None:
    """Messages are found by what they are, where they go and how they stand, newest first."""
    page = await ledger.find_messages(MessageFilter(**filter))
    assert " ".join(each.id for each in page.items) == found
    assert page.cursor is None


@pytest.mark.usefixtures("town")
async def test_messages_by_time(ledger: Any, make: Any) -> None:
    """`since` is included and `until` is not."""
    page = await ledger.find_messages(MessageFilter(since=make.at(2), until=make.at(4)))
    assert [each.id for each in page.items] == ["behind", "dead"]


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ({}, "paused/0 nowhere/0 behind/0 dead/0 done/0"),
        ({"state": State.HELD}, "paused/0 behind/0"),
        ({"state": State.HELD, "platform": "credit-publicity.330000"}, "paused/0"),
        ({"state": State.DEAD}, "dead/0"),
        ({"state": State.UNROUTED}, "nowhere/0"),
        ({"state": State.READY}, ""),
        ({"state": State.WAITING}, ""),
        ({"state": State.DELIVERED}, "done/0"),
        ({"platform": "penalty.330000"}, "behind/0 dead/0 done/0"),
        ({"message_id": "dead"}, "dead/0"),
        ({"message_id": "nobody"}, ""),
    ],
    ids=str,
)
async def test_deliveries_by_filter(ledger: Any, filter: dict[str, Any], found: str) -> None:
    """Deliveries are found as they are shown, newest first."""
    page = await ledger.find_deliveries(DeliveryFilter(**filter))
    assert " ".join(each.id for each in page.items) == found
    assert all(filter.get("state") in (None, each.state) for each in page.items)


async def test_pages(play: Any, ledger: Any, make: Any) -> None:
    """A cursor goes on after the last item shown, without gaps, even while more arrives."""
    for i in range(5):
        await play.receive(make.draft(f"m{i}", lane=f"L{i}"))
    searches = (
        lambda cursor: ledger.find_messages(MessageFilter(), cursor, 2),
        lambda cursor: ledger.find_messages(MessageFilter(platform=make.penalty), cursor, 2),
        lambda cursor: ledger.find_messages(MessageFilter(platform=make.penalty, since=make.at()), cursor, 2),
        lambda cursor: ledger.find_messages(MessageFilter(platform=make.penalty, until=make.at(1)), cursor, 2),
        lambda cursor: ledger.find_deliveries(DeliveryFilter(), cursor, 2),
        lambda cursor: ledger.find_deliveries(DeliveryFilter(state=State.READY), cursor, 2),
    )
    for number, search in enumerate(searches):
        first = await search(None)
        await play.receive(make.draft(f"late{number}", lane=f"late{number}", to=[]))
        second = await search(first.cursor)
        third = await search(second.cursor)
        ids = [each.id.split("/")[0] for page in (first, second, third) for each in page.items]
        assert ids == ["m4", "m3", "m2", "m1", "m0"]
        assert third.cursor is None


async def test_pages_of_rejections(play: Any, ledger: Any, make: Any) -> None:
    """Rejections are paged too, newest first, of one platform or of all."""
    for i in range(3):
        await play.receive(make.rejection(f"r{i}"))
    first = await ledger.find_rejections(None, None, 2)
    second = await ledger.find_rejections(make.source, first.cursor, 2)
    assert [each.id for each in (*first.items, *second.items)] == ["r2", "r1", "r0"]
    assert second.cursor is None
    assert (await ledger.find_rejections("nobody.000000")).items == ()


async def test_strange_cursor(ledger: Any) -> None:
    """A cursor that is not ours is refused in words."""
    with pytest.raises(Invalid, match="cursor"):
        await ledger.find_messages(MessageFilter(), "'; drop table messages")


async def test_nothing_there(ledger: Any) -> None:
    """What nobody knows is None, and has nothing."""
    assert await ledger.message("nobody") is None
    assert await ledger.native("nobody") is None
    assert await ledger.delivery("nobody") is None
    assert await ledger.sent("nobody") is None
    assert await ledger.rejection("nobody") is None
    assert await ledger.rejection_native("nobody") is None
    assert await ledger.deliveries_of("nobody") == []
    assert await ledger.attempts_of("nobody") == []
    assert await ledger.audit("nobody") == []


async def test_dossier(play: Any, ledger: Any) -> None:
    """The dossier gives the latest of each identity about an enterprise, of the types asked for, newest first."""
    keys = {"credit_code": CODE}
    await play.accept("old permit", identity="P", keys=keys, type="permit.changed")
    await play.accept("case", identity="C", keys=keys)
    await play.accept("new permit", identity="P", keys=keys, type="permit.changed")
    await play.accept("other's", identity="O", keys={"credit_code": "other"}, type="permit.changed")
    types = ["permit.changed", "case.transferred"]
    assert [each.id for each in await ledger.dossier(CODE, types)] == ["new permit", "case"]
    assert [each.id for each in await ledger.dossier(CODE, ["permit.changed"])] == ["new permit"]
    assert [each.id for each in await ledger.dossier(CODE, types, limit=1)] == ["new permit"]
    assert await ledger.dossier("nobody", types) == []


@pytest.mark.usefixtures("town")
async def test_backlog(play: Any, ledger: Any, make: Any) -> None:
    """The backlog counts what is not settled as it is shown, with the age of the oldest."""
    await play.accept("more", lane="B")
    counted = {(each.platform, each.kind, each.state, each.held_by): each for each in await ledger.backlog()}
    assert {group: each.count for group, each in counted.items()} == {
        (make.penalty, "penalty", State.DEAD, None): 1,
        (make.penalty, "penalty", State.HELD, HeldBy.LANE): 2,
        (None, "penalty", State.UNROUTED, None): 1,
        (make.credit, "credit-publicity", State.HELD, HeldBy.PAUSED): 1,
    }
    assert {each.oldest for each in counted.values()} == {make.at()}
    assert all(isinstance(each, Backlog) for each in counted.values())


async def test_replays_of_many(ledger: Any, make: Any) -> None:
    """The progress of a replay of many is kept, newest first; those that go on can be asked for."""
    first = BulkReplay("p1", DeliveryFilter(state=State.DEAD, platform=make.penalty), "修好了", "operator", make.at())
    second = BulkReplay("p2", DeliveryFilter(), "again", "operator", make.at(5), stale_ok=True, cursor="12", total=3)
    await ledger.put_bulk_replay(first)
    await ledger.put_bulk_replay(second)
    assert await ledger.bulk_replays() == [second, first]
    done = BulkReplay(**{**_fields(first), "finished_at": make.at(9), "replayed": 2, "failed": 1})
    await ledger.put_bulk_replay(done)
    assert await ledger.bulk_replays() == [second, done]
    assert await ledger.bulk_replays(unfinished=True) == [second]


def _fields(replay: BulkReplay) -> dict[str, Any]:
    return {name: getattr(replay, name) for name in BulkReplay.__slots__}
