from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import Invalid
from gateway.ledger.records import Backlog, DeliveryFilter, MessageFilter
from gateway.message import HELD, SHOWN, HeldBy, State

CODE = "91330100MA2XXXXX0A"
DECIDED = "penalty.decided"


@pytest.fixture
async def town(play: Any, make: Any, ledger: Any) -> None:
    """Deliveries shown in every way.

    To the penalty platform: one delivered, one dead with one behind it, one held by an operator, one
    of a type whose endpoint is held, one ready. To a paused platform: one that waits. One unrouted.
    """
    await play.accept("done", lane="A", received_at=make.at(1), keys={"case_number": "C1", "credit_code": CODE})
    await play.end("done/0", State.DELIVERED)
    await play.accept("dead", lane="B", received_at=make.at(2), type=DECIDED, keys={"case_number": "C2"})
    await play.end("dead/0", State.DEAD, code="http.400")
    await play.accept("behind", lane="B", received_at=make.at(3), keys={"credit_code": CODE})
    await play.accept("nowhere", lane="C", received_at=make.at(4), to=["nearest"])
    await play.accept("paused", lane="D", received_at=make.at(5), to=[make.credit], source="penalty.330100")
    await play.end("paused/0", State.WAITING, due=60, code="http.503")
    await play.hold(make.credit, HeldBy.PAUSED)
    await play.accept("watched", lane="E", received_at=make.at(6))
    await ledger.hold("watched/0", make.intent())
    await play.accept("decided", lane="F", received_at=make.at(7), type=DECIDED)
    await play.hold(make.penalty, HeldBy.ENDPOINT, type=DECIDED)
    await play.accept("ready", lane="G", received_at=make.at(8))


@pytest.mark.usefixtures("town")
async def test_shown(play: Any, ledger: Any) -> None:
    """Every delivery leaves the ledger as it is shown, wherever it is read, and its state is still what is stored."""
    ways = {
        "done/0": "delivered",
        "dead/0": "dead",
        "behind/0": "held:lane",
        "nowhere/0": "unrouted",
        "paused/0": "held:paused",
        "watched/0": "held:operator",
        "decided/0": "held:endpoint",
        "ready/0": "ready",
    }
    assert {id: await play.state(id) for id in ways} == ways
    page = await ledger.find_deliveries(DeliveryFilter())
    of_messages = await ledger.deliveries_of(*(id.removesuffix("/0") for id in ways))
    assert list(reversed(page.items)) == of_messages == [await ledger.delivery(id) for id in ways]
    assert (await ledger.delivery("paused/0")).state is State.WAITING


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ({}, "ready decided watched paused nowhere behind dead done"),
        ({"type": DECIDED}, "decided dead"),
        ({"platform": "mobile-enforcement.330100"}, "ready decided watched nowhere behind dead done"),
        ({"platform": "penalty.330000"}, "ready decided watched behind dead done"),
        ({"platform": "credit-publicity.330000"}, "paused"),
        ({"platform": "penalty.330000", "type": DECIDED}, "decided dead"),
        ({"case_number": "C1"}, "done"),
        ({"credit_code": CODE}, "behind done"),
        ({"credit_code": CODE, "case_number": "C1", "state": State.DELIVERED}, "done"),
        ({"case_number": CODE}, ""),
        ({"correlation_id": "B"}, "behind dead"),
        ({"correlation_id": "B", "type": DECIDED}, "dead"),
        ({"correlation_id": "B", "state": HELD}, "behind"),
        ({"state": State.DELIVERED}, "done"),
        ({"state": State.DELIVERED, "platform": "penalty.330000"}, "done"),
        ({"state": State.DELIVERED, "platform": "mobile-enforcement.330100"}, "done"),
        ({"state": State.DELIVERED, "platform": "credit-publicity.330000"}, ""),
        ({"state": State.DELIVERED, "type": DECIDED}, ""),
        ({"state": State.DEAD}, "dead"),
        ({"state": State.UNROUTED}, "nowhere"),
        ({"state": HELD}, "decided watched paused behind"),
        ({"state": HELD, "type": DECIDED}, "decided"),
        ({"state": State.READY}, "ready"),
        ({"state": State.WAITING}, ""),
        ({"state": HELD, "platform": "penalty.330000"}, "decided watched behind"),
    ],
    ids=str,
)
async def test_messages_by_filter(ledger: Any, filter: dict[str, Any], found: str) -> None:
    """Messages are found by what they are, where they go and how they stand, newest first."""
    page = await ledger.find_messages(MessageFilter(**filter))
    assert " ".join(each.id for each in page.items) == found
    assert page.cursor is None


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    "more", [{}, {"platform": "penalty.330000"}, {"platform": "mobile-enforcement.330100"}, {"state": HELD}], ids=str
)
async def test_messages_by_time(ledger: Any, make: Any, more: dict[str, Any]) -> None:
    """`since` is included and `until` is not, whatever else is asked for."""
    page = await ledger.find_messages(MessageFilter(since=make.at(2), until=make.at(4), **more))
    assert [each.id for each in page.items] == (["behind"] if "state" in more else ["behind", "dead"])


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ({}, "ready decided watched paused nowhere behind dead done"),
        ({"state": HELD}, "decided watched paused behind"),
        ({"state": HELD, "platform": "credit-publicity.330000"}, "paused"),
        ({"state": HELD, "platform": "penalty.330000"}, "decided watched behind"),
        ({"state": HELD, "type": DECIDED}, "decided"),
        ({"state": HELD, "message_id": "behind"}, "behind"),
        ({"state": HELD, "message_id": "dead"}, ""),
        ({"state": HELD, "code": "http.503"}, "paused"),
        ({"state": State.DEAD}, "dead"),
        ({"state": State.DEAD, "code": "http.400"}, "dead"),
        ({"state": State.DEAD, "code": "http.503"}, ""),
        ({"state": State.UNROUTED}, "nowhere"),
        ({"state": State.READY}, "ready"),
        ({"state": State.WAITING}, ""),
        ({"state": State.DELIVERED}, "done"),
        ({"platform": "penalty.330000"}, "ready decided watched behind dead done"),
        ({"platform": "penalty.330000", "type": DECIDED}, "decided dead"),
        ({"message_id": "dead"}, "dead"),
        ({"message_id": "nobody"}, ""),
        ({"code": "http.400"}, "dead"),
    ],
    ids=str,
)
async def test_deliveries_by_filter(ledger: Any, filter: dict[str, Any], found: str) -> None:
    """Deliveries are found as they are shown, newest first."""
    page = await ledger.find_deliveries(DeliveryFilter(**filter))
    assert [each.id for each in page.items] == [f"{name}/0" for name in found.split()]
    assert all(filter.get("state") in (None, each.shown) for each in page.items)


async def test_deliveries_by_time(play: Any, ledger: Any, make: Any) -> None:
    """Deliveries are found by when they were made, and a replay was made when it was asked for."""
    for name in ("m1", "m2"):
        await play.accept(name, lane=name)
        await play.end(f"{name}/0", State.DELIVERED)
    again = await ledger.replay("m1/0", make.intent(at=60))
    for more in ({}, {"platform": make.penalty}, {"type": "case.transferred"}):
        page = await ledger.find_deliveries(DeliveryFilter(since=make.at(), until=make.at(60), **more))
        assert [each.id for each in page.items] == ["m2/0", "m1/0"]
        page = await ledger.find_deliveries(DeliveryFilter(since=make.at(60), **more))
        assert [each.id for each in page.items] == [again.id]
    page = await ledger.find_deliveries(DeliveryFilter(state=State.DELIVERED, until=make.at(1)), None, 1)
    assert [each.id for each in page.items] == ["m2/0"]
    page = await ledger.find_deliveries(DeliveryFilter(state=State.DELIVERED, until=make.at(1)), page.cursor, 1)
    assert ([each.id for each in page.items], page.cursor) == (["m1/0"], None)


@pytest.mark.usefixtures("town")
async def test_one_found_in_several_ways(play: Any, ledger: Any, make: Any) -> None:
    """What several things hold is found once, and shown as held by the first of them."""
    await ledger.hold("behind/0", make.intent())
    await play.hold(make.penalty, HeldBy.BREAKER)
    page = await ledger.find_deliveries(DeliveryFilter(state=HELD, platform=make.penalty))
    assert [(each.id, each.held_by) for each in page.items] == [
        ("ready/0", HeldBy.BREAKER),
        ("decided/0", HeldBy.BREAKER),
        ("watched/0", HeldBy.OPERATOR),
        ("behind/0", HeldBy.OPERATOR),
    ]


async def test_unknown_state(ledger: Any) -> None:
    """A state that nothing is shown in is refused, with those that there are."""
    for search, filter in (
        (ledger.find_messages, MessageFilter(state="expired")),
        (ledger.find_deliveries, DeliveryFilter(state="expired")),
    ):
        with pytest.raises(Invalid) as error:
            await search(filter)
        assert error.value.code == "state.unknown"
        assert all(state in str(error.value) for state in SHOWN)


async def test_deliveries_of_many(play: Any, ledger: Any, make: Any) -> None:
    """The deliveries of many messages come in order of position, each once, however often it is asked for."""
    for i in range(140):
        await play.receive(make.draft(f"m{i}", lane=f"L{i % 3}", to=[make.penalty, make.credit]))
    found = await ledger.deliveries_of(*(f"m{i}" for i in reversed(range(140))), "m1", "nobody")
    assert [each.id for each in found] == [f"m{i}/{to}" for i in range(140) for to in (0, 1)]
    assert await ledger.deliveries_of() == []


async def test_who_takes_part(play: Any, ledger: Any, make: Any) -> None:
    """Who sent or got a message of a case takes part in it; of a case that nobody has nothing is said."""
    await play.accept("m1", correlation_id="case", to=[make.penalty])
    await play.accept("m2", correlation_id="case", to=["nearest"], kind="credit-publicity", source="penalty.330100")
    for platform in (make.source, make.penalty, "penalty.330100"):
        assert await ledger.partakes("case", platform) is True
    assert await ledger.partakes("case", make.credit) is False
    assert await ledger.partakes("another", make.penalty) is None
    await play.register(make.credit, take=make.takes(make.credit))
    assert await ledger.partakes("case", make.credit) is True


async def test_what_a_number_names(play: Any, ledger: Any, make: Any) -> None:
    """A number names its case whoever uses it and however it is spelled; two platforms may mean two cases by it."""
    draft = make.draft("m1", lane="L1", numbers={"case_number": "浙案〔2026〕1号"}, to=[make.penalty])
    await play.receive(draft)
    await play.receive(make.draft("m2", lane="L2", numbers={"case_number": "浙案〔2026〕1号"}, source=make.penalty))
    found = await ledger.named("浙案〔2026〕1号\u200b")
    assert {(each.platform, each.field, each.original) for each in found} >= {
        (make.source, "case_number", "浙案〔2026〕1号"),
        (make.penalty, "case_number", "浙案〔2026〕1号"),
    }
    assert await ledger.named("浙案〔2026〕2号") == []


async def test_pages(play: Any, ledger: Any, make: Any) -> None:
    """A cursor goes on after the last item shown, without gaps, even while more arrives."""
    for i in range(5):
        await play.receive(make.draft(f"m{i}", lane=f"L{i}"))
    searches = (
        lambda cursor: ledger.find_messages(MessageFilter(), cursor, 2),
        lambda cursor: ledger.find_messages(MessageFilter(platform=make.penalty), cursor, 2),
        lambda cursor: ledger.find_messages(MessageFilter(platform=make.penalty, since=make.at()), cursor, 2),
        lambda cursor: ledger.find_messages(MessageFilter(platform=make.penalty, until=make.at(1)), cursor, 2),
        lambda cursor: ledger.find_messages(MessageFilter(state=State.READY), cursor, 2),
        lambda cursor: ledger.find_deliveries(DeliveryFilter(), cursor, 2),
        lambda cursor: ledger.find_deliveries(DeliveryFilter(since=make.at()), cursor, 2),
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


async def test_unknown_cursor(ledger: Any) -> None:
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


async def test_backlog(play: Any, ledger: Any, make: Any) -> None:
    """The backlog counts what is not settled as it is shown, with the birth of the oldest."""
    made = 0

    async def accept(lane: str, **draft: Any) -> str:
        nonlocal made
        made += 1
        draft = {"lane": lane, **draft}
        await ledger.accept(
            make.intake(_born(make.draft(f"m{made}", **draft), make.at(made)), revision=await play.revision())
        )
        return f"m{made}/0"

    for platform in (make.penalty, make.credit):
        await play.register(platform)
    await play.end(await accept("A"), State.DELIVERED)
    await play.end(await accept("B"), State.DEAD)
    for lane in ("B", "B", "C"):
        await accept(lane)
    await ledger.hold(await accept("B"), make.intent())
    await accept("C", type=DECIDED)
    await accept("D", to=["nearest"])
    await play.end(await accept("E"), State.REFUSED)
    await play.begin(await accept("F"))
    await play.end(await accept("G", to=[make.credit]), State.WAITING, due=60)

    assert await _counted(ledger, make) == {
        (make.penalty, "dead", None): (1, 2),
        (make.penalty, "held", "lane"): (2, 3),
        (make.penalty, "held", "operator"): (1, 6),
        (make.penalty, "ready", None): (2, 5),
        (None, "unrouted", None): (1, 8),
        (make.penalty, "sending", None): (1, 10),
        (make.credit, "waiting", None): (1, 11),
    }
    await play.hold(make.penalty, HeldBy.ENDPOINT, type=DECIDED)
    await play.hold(make.credit, HeldBy.PAUSED)
    assert await _counted(ledger, make) == {
        (make.penalty, "dead", None): (1, 2),
        (make.penalty, "held", "lane"): (2, 3),
        (make.penalty, "held", "operator"): (1, 6),
        (make.penalty, "ready", None): (1, 5),
        (make.penalty, "held", "endpoint"): (1, 7),
        (None, "unrouted", None): (1, 8),
        (make.penalty, "sending", None): (1, 10),
        (make.credit, "held", "paused"): (1, 11),
    }


async def test_backlog_of_nothing(play: Any, ledger: Any) -> None:
    """What was done with is not counted."""
    assert await ledger.backlog() == []
    await play.accept("m1")
    await play.end("m1/0", State.DELIVERED)
    assert await ledger.backlog() == []


def _born(draft: Any, at: Any) -> Any:
    return replace(draft, deliveries=tuple(replace(each, created_at=at) for each in draft.deliveries))


def _order(backlog: Backlog, make: Any) -> float:
    """Give which in the order of birth the oldest is, as its birth and its id both say."""
    born = (backlog.oldest - make.at()).total_seconds()
    assert backlog.oldest_id == f"m{born:.0f}/0"
    return born


async def _counted(ledger: Any, make: Any) -> Any:
    """How many stand where, and which in the order of birth is the oldest."""
    backlog = await ledger.backlog()
    assert all(
        isinstance(each, Backlog) and each.kind == (each.platform or "penalty").split(".")[0] for each in backlog
    )
    return {(each.platform, each.state, each.held_by): (each.count, _order(each, make)) for each in backlog}
