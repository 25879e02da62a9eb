from __future__ import annotations

from typing import Any

from gateway.ledger.records import DeliveryFilter, Unwanted
from gateway.message import State

KIND = "credit-publicity"
WHY = "本省由部里统一公示"


async def declare(ledger: Any, make: Any, region: str = "330000", reason: str = WHY, kind: str = KIND) -> Unwanted:
    """Declares a kind unwanted in a region."""
    return await ledger.put_unwanted(kind, region, make.intent(reason))


async def shown(ledger: Any, state: str | None = None) -> dict[str, tuple[str, str | None, str | None]]:
    """What is shown of the deliveries, or of those that are found by a state."""
    found = (await ledger.find_deliveries(DeliveryFilter(state=state), None, 100)).items
    return {each.id: (each.shown, each.code, each.reason) for each in found}


async def counted(ledger: Any) -> dict[str, tuple[int, Any]]:
    """How many there are of each state, and since when."""
    return {each.state: (each.count, each.oldest) for each in await ledger.backlog()}


async def test_what_is_there_and_what_comes_is_unwanted(play: Any, ledger: Any, make: Any) -> None:
    """A declaration marks what is unrouted for the kind in the region, now and later, and nothing else."""
    await play.accept("m1", to=[None], kind=KIND)
    await declare(ledger, make)
    await play.accept("m2", to=[None], kind=KIND, region="330203")
    await play.accept("m3", to=[None], kind=KIND, region="320100")
    await play.accept("m4", to=[None], kind="justice")
    unwanted, unrouted = ("unwanted", "kind.unwanted", WHY), ("unrouted", None, None)
    assert await shown(ledger) == {"m1/0": unwanted, "m2/0": unwanted, "m3/0": unrouted, "m4/0": unrouted}
    assert set(await shown(ledger, "unwanted")) == {"m1/0", "m2/0"}
    assert set(await shown(ledger, "unrouted")) == {"m3/0", "m4/0"}


async def test_the_sender_is_answered_as_it_stands(play: Any, ledger: Any, make: Any) -> None:
    """What is accepted after a declaration is unwanted in the receipt, too."""
    await declare(ledger, make)
    accepted = await play.accept("m1", to=[None], kind=KIND)
    assert [(each.state, each.shown) for each in accepted.deliveries] == [(State.UNROUTED, "unwanted")]


async def test_unwanted_ones_are_counted_apart(play: Any, ledger: Any, make: Any) -> None:
    """They are no longer among the unrouted that an alert counts; the others are, with their own age."""
    for number, region in enumerate(("330100", "330100", "320100"), 1):
        await play.accept(f"m{number}", to=[None], kind=KIND, region=region)
    assert await counted(ledger) == {"unrouted": (3, make.at())}
    await declare(ledger, make)
    assert await counted(ledger) == {"unwanted": (2, make.at()), "unrouted": (1, make.at())}
    await ledger.discard("m1/0", make.intent())
    assert await counted(ledger) == {"unwanted": (1, make.at()), "unrouted": (1, make.at())}
    assert (await shown(ledger))["m1/0"] == ("discarded", None, "现场核实")


async def test_withdrawn_it_is_unrouted_again(play: Any, ledger: Any, make: Any) -> None:
    """A declaration that is withdrawn leaves nothing behind; there is nothing to withdraw twice."""
    await play.accept("m1", to=[None], kind=KIND)
    await declare(ledger, make)
    assert await ledger.delete_unwanted(KIND, "330000", make.intent())
    assert not await ledger.delete_unwanted(KIND, "330000", make.intent())
    assert await shown(ledger) == {"m1/0": ("unrouted", None, None)}
    assert await counted(ledger) == {"unrouted": (1, make.at())}
    assert await ledger.unwanted() == []


async def test_a_platform_that_comes_gets_everything_in_order(play: Any, ledger: Any, make: Any) -> None:
    """Nothing is lost by a declaration: what a platform can take goes to it, by position, with no mark left."""
    await play.accept("m1", to=[None], kind=KIND)
    await declare(ledger, make)
    await play.accept("m2", to=[None], kind=KIND)
    await play.register(make.credit, take=make.takes(make.credit))
    assert await shown(ledger) == {"m1/0": ("ready", None, None), "m2/0": ("ready", None, None)}
    assert await play.heads(make.credit) == ["m1/0"]
    await play.end("m1/0", State.DELIVERED)
    assert await play.heads(make.credit) == ["m2/0"]
    assert await counted(ledger) == {"ready": (1, make.at())}


async def test_the_place_is_whom_a_delivery_seeks(play: Any, ledger: Any, make: Any) -> None:
    """What is for the nation's platform, or for a named one, is not unwanted because its message's region is."""
    to = [None, "national", "toward credit-publicity.320000", "toward credit-publicity.330100"]
    await play.accept("m1", to=to, kind=KIND)
    await declare(ledger, make)
    assert set(await shown(ledger, "unwanted")) == {"m1/0", "m1/3"}
    await declare(ledger, make, "000000")
    assert set(await shown(ledger, "unwanted")) == {"m1/0", "m1/1", "m1/2", "m1/3"}


async def test_the_narrowest_declaration_says_why(play: Any, ledger: Any, make: Any) -> None:
    """Where several cover a place, the one nearest to it gives the reason; without it the wider one does."""
    await play.accept("m1", to=[None], kind=KIND)
    await declare(ledger, make, "330100", "市里没有")
    await declare(ledger, make)
    assert (await shown(ledger))["m1/0"][2] == "市里没有"
    await ledger.delete_unwanted(KIND, "330100", make.intent())
    assert (await shown(ledger))["m1/0"][2] == WHY
    await declare(ledger, make, reason="另有安排")
    assert (await shown(ledger))["m1/0"][2] == "另有安排"


async def test_declarations_are_listed_and_audited(ledger: Any, make: Any) -> None:
    """Each is listed with its reason; who declared and withdrew it is in the audit; under one key it is done once."""
    first = await ledger.put_unwanted(KIND, "330000", make.intent(WHY, at=1, key="k"))
    assert first == Unwanted(KIND, "330000", WHY, make.at(1))
    assert await ledger.put_unwanted(KIND, "330000", make.intent(WHY, at=2, key="k")) == first
    await declare(ledger, make, kind="justice")
    assert [(each.kind, each.region) for each in await ledger.unwanted()] == [(KIND, "330000"), ("justice", "330000")]
    await ledger.delete_unwanted(KIND, "330000", make.intent("已建成", at=3))
    entries = await ledger.audit(f"{KIND}.330000")
    assert [(each.action, each.reason, each.actor) for each in entries] == [
        ("unwanted.declared", WHY, "operator"),
        ("unwanted.withdrawn", "已建成", "operator"),
    ]


async def test_declarations_outlive_a_restart(play: Any, ledger: Any, make: Any, opening: Any) -> None:
    """What was declared and marked is there when the ledger is opened again."""
    await play.accept("m1", to=[None], kind=KIND)
    await declare(ledger, make)
    await ledger.stop()
    again = opening()
    await again.start()
    try:
        assert [each.region for each in await again.unwanted()] == ["330000"]
        assert await shown(again) == {"m1/0": ("unwanted", "kind.unwanted", WHY)}
    finally:
        await again.stop()
