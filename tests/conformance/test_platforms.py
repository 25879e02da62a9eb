from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import Conflict, NotFound
from gateway.message import HeldBy, State

WHO = {"actor": "admin", "reason": "检修"}


@pytest.fixture
async def penalty(ledger: Any, make: Any) -> Any:
    """The penalty platform, registered."""
    platform = make.platform()
    await ledger.put_platform(platform, actor="admin", at=make.at())
    return platform


async def test_registered_and_changed(ledger: Any, make: Any, penalty: Any) -> None:
    """A platform is found as it was put; changing it leaves its birth and its holds alone."""
    await ledger.put_platform(make.platform(make.credit), actor="admin", at=make.at())
    assert [each.id for each in await ledger.platforms()] == [make.credit, make.penalty]
    await ledger.hold_platform(penalty.id, HeldBy.PAUSED, at=make.at(10), **WHO)
    changed = replace(penalty, adapter="canonical", mode="pull", settings={"base_url": "http://x"}, version="2.0.0")
    await ledger.put_platform(replace(changed, created_at=make.at(99)), actor="admin", at=make.at(20))
    found = (await ledger.platforms())[1]
    assert found == replace(changed, holds=frozenset({HeldBy.PAUSED}), held_since=make.at(10))


async def test_held_platform(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """While a platform is held nothing of it is given out, and all that could be sent is shown as held."""
    await play.accept("m1")
    await play.accept("m2", lane="M")
    await play.end("m2/0", State.WAITING, due=5)
    await ledger.hold_platform(penalty.id, HeldBy.PAUSED, at=make.at(), **WHO)
    later = await play.accept("m3", lane="N")
    assert await play.heads(at=5) == await play.heads(at=5, probe=True) == []
    assert [await play.state(each) for each in ("m1/0", "m2/0", "m3/0")] == ["held:paused"] * 3
    assert later.deliveries[0].held_by is HeldBy.PAUSED
    assert not await ledger.begin("m1/0", "penalty@1.0.0", make.request, make.at())
    await ledger.release_platform(penalty.id, HeldBy.PAUSED, at=make.at(9), **WHO)
    assert [await play.state(each) for each in ("m1/0", "m2/0", "m3/0")] == ["ready", "waiting", "ready"]
    assert await play.heads(at=5) == ["m1/0", "m2/0", "m3/0"]


async def test_probe(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """A probe looks past the breaker's hold, and past no other."""
    await play.accept("m1")
    await ledger.hold_platform(penalty.id, HeldBy.BREAKER, at=make.at(), **WHO)
    assert await play.heads() == []
    assert await play.heads(probe=True) == ["m1/0"]
    await ledger.hold_platform(penalty.id, HeldBy.CREDENTIALS, at=make.at(), **WHO)
    assert await play.heads(probe=True) == []
    assert await play.state("m1/0") == "held:credentials"
    await ledger.release_platform(penalty.id, HeldBy.CREDENTIALS, at=make.at(), **WHO)
    assert await ledger.begin("m1/0", "penalty@1.0.0", make.request, make.at())


async def test_other_platforms_go_on(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """A held platform holds nobody else."""
    await play.accept("m1", to=[make.penalty, make.credit])
    await ledger.hold_platform(penalty.id, HeldBy.BREAKER, at=make.at(), **WHO)
    assert await play.heads(make.credit) == ["m1/1"]
    assert await play.state("m1/1") == "ready"


async def test_lane_before_platform(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """What is held by its lane is shown so, whatever holds its platform."""
    await play.accept("m1")
    await play.accept("m2")
    await play.end("m1/0", State.DEAD)
    await ledger.hold_platform(penalty.id, HeldBy.BREAKER, at=make.at(), **WHO)
    assert [await play.state("m1/0"), await play.state("m2/0")] == ["dead", "held:lane"]


async def test_unheld_clock(ledger: Any, make: Any, penalty: Any) -> None:
    """Time passes for giving up only while nothing holds the platform; two holds at once count once."""

    async def clock(seconds: float) -> float:
        [platform] = await ledger.platforms()
        return float(platform.unheld(make.at(seconds)) - make.at().timestamp())

    await ledger.hold_platform(penalty.id, HeldBy.PAUSED, at=make.at(100), **WHO)
    await ledger.hold_platform(penalty.id, HeldBy.BREAKER, at=make.at(150), **WHO)
    await ledger.hold_platform(penalty.id, HeldBy.BREAKER, at=make.at(170), **WHO)
    assert await clock(200) == 100
    await ledger.release_platform(penalty.id, HeldBy.PAUSED, at=make.at(200), **WHO)
    assert await clock(250) == 100
    await ledger.release_platform(penalty.id, HeldBy.BREAKER, at=make.at(300), **WHO)
    await ledger.release_platform(penalty.id, HeldBy.BREAKER, at=make.at(350), **WHO)
    assert await clock(400) == 200
    await ledger.hold_platform(penalty.id, HeldBy.PAUSED, at=make.at(500), **WHO)
    await ledger.release_platform(penalty.id, HeldBy.PAUSED, at=make.at(600), **WHO)
    assert await clock(700) == 400


async def test_trying_since(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """The first attempt notes the unheld clock, later ones leave it, and a replay starts anew."""
    await play.accept("m1")
    await ledger.hold_platform(penalty.id, HeldBy.PAUSED, at=make.at(0), **WHO)
    await ledger.release_platform(penalty.id, HeldBy.PAUSED, at=make.at(40), **WHO)
    await play.end("m1/0", State.READY, at=100)
    await play.end("m1/0", State.DEAD, at=200, number=2)
    assert (await ledger.delivery("m1/0")).trying_since == make.at(60).timestamp()
    await ledger.replay("m1/0", actor="operator", reason="again", at=make.at(300))
    await play.end("m1/0", State.READY, at=400, number=3)
    assert (await ledger.delivery("m1/0")).trying_since == make.at(360).timestamp()


async def test_deleted_when_nothing_waits(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """A platform is forgotten only when nothing waits for it; its credentials go with it."""
    await ledger.add_credential(penalty.id, "hash", actor="admin", at=make.at())
    await play.accept("m1")
    with pytest.raises(Conflict) as error:
        await ledger.delete_platform(penalty.id, actor="admin", at=make.at())
    assert error.value.code == "platform.in-use"
    await play.end("m1/0", State.DELIVERED)
    await ledger.delete_platform(penalty.id, actor="admin", at=make.at())
    assert await ledger.platforms() == []
    assert await ledger.credentials() == {}
    with pytest.raises(NotFound):
        await ledger.delete_platform(penalty.id, actor="admin", at=make.at())


async def test_credentials(ledger: Any, make: Any, penalty: Any) -> None:
    """A platform may have several credentials; each leads to it."""
    await ledger.add_credential(penalty.id, "old", actor="admin", at=make.at())
    await ledger.add_credential(penalty.id, "new", actor="admin", at=make.at())
    assert await ledger.credentials() == {"old": penalty.id, "new": penalty.id}
    with pytest.raises(NotFound):
        await ledger.add_credential("nobody.000000", "hash", actor="admin", at=make.at())


@pytest.mark.parametrize("action", ["hold_platform", "release_platform"])
async def test_unknown_platform(ledger: Any, make: Any, action: str) -> None:
    """A platform nobody registered can be neither held nor released."""
    with pytest.raises(NotFound):
        await getattr(ledger, action)("nobody.000000", HeldBy.PAUSED, at=make.at(), **WHO)


async def test_audited_without_secrets(ledger: Any, make: Any, penalty: Any) -> None:
    """What was done to a platform is recorded, what changed nothing is not, and no setting is written there."""
    for seconds in (1, 2):
        await ledger.hold_platform(penalty.id, HeldBy.PAUSED, at=make.at(seconds), **WHO)
    await ledger.add_credential(penalty.id, "hash", actor="admin", at=make.at(3))
    entries = await ledger.audit(penalty.id)
    assert [each.action for each in entries] == ["platform.put", "platform.held", "credential.added"]
    assert (entries[1].reason, entries[1].detail) == ("检修", {"by": "paused"})
    assert "base_url" not in str(entries)
    assert "hash" not in str(entries)
