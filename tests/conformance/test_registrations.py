"""Which platforms and areas were there when, on both engines and in the model."""

from __future__ import annotations

from typing import Any

from gateway.ledger.records import Area, Platform

HOUR = 3600.0
ID = "penalty.370000"


async def put(ledger: Any, make: Any, *covers: str, at: float) -> None:
    """Register a platform, or change for which places it is there."""
    platform = Platform(ID, "penalty", "370000", "penalty", {"password": "秘密"}, make.at(), covers=covers)
    await ledger.put_platform(platform, make.intent(at=at), make.nobody)


async def covered(ledger: Any, make: Any, at: float) -> dict[str, tuple[str, ...]]:
    """What platforms covered beside their regions at a moment."""
    return {id: each.covers for id, each in (await ledger.registry_at(make.at(at))).platforms.items()}


async def test_a_platform_is_there_from_when_it_is_registered_until_it_is_deleted(ledger: Any, make: Any) -> None:
    """At every moment it covers what it covered then; nothing secret is kept of it."""
    await put(ledger, make, at=HOUR)
    await put(ledger, make, at=2 * HOUR)
    await put(ledger, make, "370171", at=3 * HOUR)
    await ledger.delete_platform(ID, make.intent(at=4 * HOUR))
    await put(ledger, make, "370172", at=5 * HOUR)
    found = [await covered(ledger, make, hours * HOUR) for hours in (0.9, 1, 2.5, 3, 3.9, 4, 5)]
    assert found == [{}, {ID: ()}, {ID: ()}, {ID: ("370171",)}, {ID: ("370171",)}, {}, {ID: ("370172",)}]
    then = (await ledger.registry_at(make.at(5 * HOUR))).platforms[ID]
    assert (then.kind, then.region, then.settings) == ("penalty", "370000", {})


async def test_two_changes_of_one_moment_leave_the_last(ledger: Any, make: Any) -> None:
    """Nothing stood in between."""
    await put(ledger, make, "370171", at=HOUR)
    await put(ledger, make, "370172", at=HOUR)
    assert await covered(ledger, make, HOUR) == {ID: ("370172",)}


async def test_an_area_lies_where_it_lay_then(ledger: Any, make: Any) -> None:
    """Its parent may change, and it may go."""
    for at, parent in ((HOUR, "370100"), (2 * HOUR, "370200")):
        area = Area("370171", "高新区", parent, make.at(at), "1991-03-06")
        await ledger.put_area(area, make.intent(at=at), ["penalty"], make.nobody)
    await ledger.delete_area("370171", make.intent(at=3 * HOUR), ["penalty"], make.nobody)
    then = [(await ledger.registry_at(make.at(hours * HOUR))).areas for hours in (0, 1, 2, 3)]
    assert [{code: each.parent for code, each in areas.items()} for areas in then] == [
        {}, {"370171": "370100"}, {"370171": "370200"}, {},
    ]  # fmt: skip
    assert then[1]["370171"].valid_from == "1991-03-06"
