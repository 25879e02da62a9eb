"""People: added once, removed once, known for good."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import Conflict, NotFound
from gateway.ledger.records import Person, Unmasking


def person(make: Any, id: str, **changed: Any) -> Person:
    """Somebody who operates."""
    return replace(Person(id, "王伟", f"hash of {id}", ("operator", "viewer"), make.at()), **changed)


async def test_people_are_kept_as_they_were_added(ledger: Any, make: Any) -> None:
    """By id, with their roles; each change is counted, so that other processes learn of it."""
    before = (await ledger.registry()).changes
    both = [person(make, "li-na", expires_at=make.at(60), regions=("330000", "370171")), person(make, "wang-wei")]
    for one in reversed(both):
        await ledger.add_person(one, make.intent())
    assert await ledger.people() == both
    assert (await ledger.registry()).changes == before + 2


async def test_an_id_is_given_once(ledger: Any, make: Any) -> None:
    """Also when its person was removed: what was done under it is theirs."""
    await ledger.add_person(person(make, "wang-wei"), make.intent())
    for _ in range(2):
        with pytest.raises(Conflict) as error:
            await ledger.add_person(person(make, "wang-wei", digest="other"), make.intent())
        assert error.value.code == "person.exists"
        await ledger.remove_person("wang-wei", make.intent())


async def test_people_are_removed_once_and_stay_known(ledger: Any, make: Any) -> None:
    """With the moment of the first removal; nobody else can be removed."""
    await ledger.add_person(person(make, "wang-wei"), make.intent(at=1))
    assert await ledger.remove_person("wang-wei", make.intent(at=5))
    assert not await ledger.remove_person("wang-wei", make.intent(at=9))
    assert [one.removed_at for one in await ledger.people()] == [make.at(5)]
    with pytest.raises(NotFound) as error:
        await ledger.remove_person("li-na", make.intent())
    assert error.value.code == "person.unknown"
    assert [one.action for one in await ledger.audit("wang-wei")] == ["person.added", "person.removed"]


async def test_once_under_a_key(ledger: Any, make: Any) -> None:
    """The same again is answered the same and not done; another request under the key is a conflict."""
    one = person(make, "wang-wei")
    for _ in range(2):
        await ledger.add_person(one, make.intent(key="add"))
        assert await ledger.remove_person("wang-wei", make.intent(key="remove"))
    assert len(await ledger.audit("wang-wei")) == 2
    with pytest.raises(Conflict) as error:
        await ledger.add_person(replace(one, digest="other"), make.intent(key="add"))
    assert error.value.code == "idempotency.key-reused"


def unmasking(make: Any, id: str, until: float, **changed: Any) -> Unmasking:
    """Somebody who sees a message's personal values until then."""
    return replace(Unmasking(id, "wang-wei", "m-1", "核对", make.at(), make.at(until)), **changed)


async def test_an_unmasking_ends_by_itself(ledger: Any, make: Any) -> None:
    """It is its person's alone, and over when its time is; what for is in the audit of its subject for good."""
    both = [unmasking(make, "u-1", 60), unmasking(make, "u-2", 30, subject="浙环案1")]
    for one in both:
        assert await ledger.unmask(one, make.intent(reason="核对")) == one
    await ledger.unmask(unmasking(make, "u-3", 60, person="li-na"), make.intent())
    assert await ledger.unmaskings("wang-wei", make.at(29)) == both[::-1]
    assert await ledger.unmaskings("wang-wei", make.at(30)) == both[:1]
    assert await ledger.unmaskings("wang-wei", make.at(60)) == []
    [entry] = await ledger.audit("浙环案1")
    assert (entry.action, entry.reason) == ("personal.unmasked", "核对")


async def test_an_unmasking_is_not_prolonged_under_its_key(ledger: Any, make: Any) -> None:
    """The same again, asked later, gives the first with its end; other minutes under the key are a conflict."""
    first = unmasking(make, "u-1", 60)
    await ledger.unmask(first, make.intent(key="k"))
    again = unmasking(make, "u-2", 90, at=make.at(30))
    assert await ledger.unmask(again, make.intent(key="k", at=30)) == first
    with pytest.raises(Conflict) as error:
        await ledger.unmask(unmasking(make, "u-3", 120), make.intent(key="k"))
    assert error.value.code == "idempotency.key-reused"
    assert await ledger.unmaskings("wang-wei", make.at(70)) == []
