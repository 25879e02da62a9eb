"""Functional areas: kept with the registry, which routing depends on; and what platforms state beside their region."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import Conflict, NotFound
from gateway.ledger.records import Area, AuditEntry, Moved
from gateway.message import State

KINDS = ["penalty", "credit-publicity"]


def zone(make: Any, code: str = "370171", **fields: Any) -> Area:
    """A functional area of 济南."""
    return Area(code, "济南高新区", "370100", make.at(), **fields)


async def put(ledger: Any, make: Any, area: Area, **intent: Any) -> Any:
    """Put an area; nothing unrouted is taken."""
    return await ledger.put_area(area, replace(make.intent(), **intent), KINDS, make.nobody)


async def test_an_area_is_kept_with_the_registry(ledger: Any, make: Any) -> None:
    """Found by its code, changed by putting it again; each change is a revision and an entry of the audit."""
    before = (await ledger.registry()).revision
    added = await put(ledger, make, zone(make))
    changed = zone(make, valid_from="1991-03-06", valid_to="2030-12-31")
    done = await put(ledger, make, changed)
    registry = await ledger.registry()
    assert registry.areas == {"370171": changed}
    assert before < added.revision < done.revision == registry.revision
    assert [each.action for each in await ledger.audit("370171")] == ["area.put", "area.put"]


async def test_what_was_decided_by_the_old_areas_is_decided_again(play: Any, ledger: Any, make: Any) -> None:
    """A document routed before an area was known has `Moved` for an answer."""
    revision = (await ledger.registry()).revision
    await put(ledger, make, zone(make))
    with pytest.raises(Moved):
        await play.receive(make.draft("m1"), revision=revision)


async def test_what_is_routable_with_an_area_is_given_out_in_its_transaction(play: Any, ledger: Any, make: Any) -> None:
    """A delivery that waited for a platform of its area is ready when the area is known, and when it goes."""
    await play.register()
    await play.accept("m1", to=[None])
    await play.accept("m2", to=["national"])
    done = await ledger.put_area(
        zone(make), make.intent(), KINDS, lambda one: make.penalty if one.toward == "nearest" else None
    )
    assert done.given == {make.penalty}
    assert [(await ledger.delivery(f"m{number}/0")).state for number in (1, 2)] == [State.READY, State.UNROUTED]
    gone = await ledger.delete_area("370171", make.intent(), KINDS, make.takes())
    assert gone.given == {make.penalty}
    assert (await ledger.delivery("m2/0")).state is State.READY


@pytest.mark.parametrize("covers", [("370171",), ("370101-370171",)])
async def test_an_area_that_is_named_stays(play: Any, ledger: Any, make: Any, covers: tuple[str, ...]) -> None:
    """By a platform's covers, or as another one's parent: it is told by whom, and goes when nobody names it."""
    await put(ledger, make, zone(make))
    await put(ledger, make, replace(zone(make, "370199"), parent="370171"))
    await play.register(covers=covers)
    for mend in (play.register(), ledger.delete_area("370199", make.intent(), KINDS, make.nobody)):
        with pytest.raises(Conflict) as caught:
            await ledger.delete_area("370171", make.intent(), KINDS, make.nobody)
        assert caught.value.code == "area.in-use"
        await mend
    await ledger.delete_area("370171", make.intent(), KINDS, make.nobody)
    assert (await ledger.registry()).areas == {}


async def test_an_area_with_a_platform_of_its_own_stays(play: Any, ledger: Any, make: Any) -> None:
    """A platform whose region it is names it, too."""
    await put(ledger, make, zone(make, "660000"))
    await play.register("penalty.660000")
    with pytest.raises(Conflict):
        await ledger.delete_area("660000", make.intent(), KINDS, make.nobody)


async def test_an_area_that_is_not_there(ledger: Any, make: Any) -> None:
    """Deleting it says so."""
    with pytest.raises(NotFound) as caught:
        await ledger.delete_area("370171", make.intent(), KINDS, make.nobody)
    assert caught.value.code == "area.unknown"


async def test_an_area_is_put_once_under_a_key(ledger: Any, make: Any) -> None:
    """The same again answers the same and changes nothing; other words under the key are a conflict."""
    first = await put(ledger, make, zone(make), key="k")
    assert await put(ledger, make, zone(make), key="k") == first
    assert (await ledger.registry()).revision == first.revision
    with pytest.raises(Conflict):
        await put(ledger, make, zone(make, valid_to="2030-12-31"), key="k")


async def test_a_platform_keeps_what_it_covers_and_its_mandates(play: Any, ledger: Any, make: Any) -> None:
    """As it was registered last; the audit says what was granted."""
    await play.register(covers=("370171", "370101-370109"), mandates=("cross",))
    found = (await ledger.registry()).platforms[make.penalty]
    assert (found.covers, found.mandates) == (("370171", "370101-370109"), ("cross",))
    await play.register()
    found = (await ledger.registry()).platforms[make.penalty]
    assert (found.covers, found.mandates) == ((), ())


async def test_what_a_draft_has_audited_is_audited_once(play: Any, ledger: Any, make: Any) -> None:
    """With the message, in its transaction: a duplicate, which is not kept, adds nothing."""
    used = AuditEntry(make.at(), "penalty.330000", "mandate.used", "m1", "交办〔2026〕1号", {"kind": "cross"})
    for name in ("m1", "m2"):
        await play.receive(replace(make.draft(name, identity="one", digest="same"), audited=(used,)))
    entries = await ledger.audit("m1")
    assert [each.action for each in entries] == ["message.accepted", "mandate.used"]
    assert entries[1].actor == "penalty.330000"
