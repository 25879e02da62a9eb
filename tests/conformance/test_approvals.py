"""Changes that wait for a second person: decided once, marked once."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import Conflict, Forbidden, NotFound
from gateway.ledger.records import ApprovalState, SecondApproval

APPROVED, REJECTED = ApprovalState.APPROVED, ApprovalState.REJECTED


def asked(make: Any, id: str = "a-1", **changed: Any) -> SecondApproval:
    """A change that somebody asked for."""
    order = {"step": "discard", "delivery_id": "m/0", "state": "dead"}
    made = SecondApproval(id, "discard", "m/0", "wang-wei", "重复", make.at(), make.at(60), {"platform": "p"}, order)
    return replace(made, **changed)


def by(make: Any, actor: str, at: float = 1, **more: Any) -> Any:
    """Somebody's intent."""
    return replace(make.intent(at=at, **more), actor=actor)


async def test_an_approval_is_decided_once(ledger: Any, make: Any) -> None:
    """By somebody else than who asked; the same again stays, anything else is refused."""
    approval = await ledger.ask_approval(asked(make), by(make, "wang-wei"))
    assert await ledger.approvals() == [approval]
    with pytest.raises(Forbidden) as own:
        await ledger.decide_approval("a-1", APPROVED, by(make, "wang-wei"))
    assert own.value.code == "approval.own"
    done = await ledger.decide_approval("a-1", APPROVED, by(make, "li-na", 5))
    assert (done.state, done.decided_by, done.decided_at) == (APPROVED, "li-na", make.at(5))
    assert await ledger.decide_approval("a-1", APPROVED, by(make, "li-na", 9)) == done
    for actor, state in (("zhou-jie", APPROVED), ("li-na", REJECTED), ("wang-wei", REJECTED)):
        with pytest.raises(Conflict) as error:
            await ledger.decide_approval("a-1", state, by(make, actor, 9))
        assert error.value.code == "approval.decided"
    told = [(one.action, one.actor) for one in await ledger.audit("m/0")]
    assert told == [("approval.asked", "wang-wei"), ("approval.approved", "li-na")]


async def test_an_approval_is_finished_once(ledger: Any, make: Any) -> None:
    """Only what was approved; done stays done, failed stays failed and is approved no more."""
    for id, failed in (("a-1", None), ("a-2", "platform.changed")):
        await ledger.ask_approval(asked(make, id), by(make, "wang-wei"))
        assert (await ledger.finish_approval(id, make.at(2), None)).state is ApprovalState.PENDING
        await ledger.decide_approval(id, APPROVED, by(make, "li-na"))
        done = await ledger.finish_approval(id, make.at(3), failed)
        assert (done.state, done.failed) == (ApprovalState.FAILED if failed else ApprovalState.DONE, failed)
        assert await ledger.finish_approval(id, make.at(4), "other") == done
    assert (await ledger.decide_approval("a-1", APPROVED, by(make, "li-na"))).state is ApprovalState.DONE
    with pytest.raises(Conflict) as error:
        await ledger.decide_approval("a-2", APPROVED, by(make, "li-na"))
    assert error.value.code == "approval.decided"


async def test_an_approval_stands_for_a_time(ledger: Any, make: Any) -> None:
    """To its last moment; what is rejected has its reason; and of no other id there is anything."""
    await ledger.ask_approval(asked(make), by(make, "wang-wei"))
    await ledger.ask_approval(asked(make, "a-2"), by(make, "wang-wei"))
    with pytest.raises(Conflict) as over:
        await ledger.decide_approval("a-1", APPROVED, by(make, "li-na", 60))
    assert over.value.code == "approval.expired"
    said = await ledger.decide_approval("a-2", REJECTED, by(make, "wang-wei", 59, reason="收回"))
    assert (said.state, said.decision) == (REJECTED, "收回")
    for call in (
        ledger.decide_approval("a-3", APPROVED, by(make, "li-na")),
        ledger.finish_approval("a-3", make.at(), None),
    ):
        with pytest.raises(NotFound) as none:
            await call
        assert none.value.code == "approval.unknown"


async def test_asked_again_under_its_key_it_is_the_first(ledger: Any, make: Any) -> None:
    """Also where things stand otherwise by then; another change under the key is a conflict."""
    first = await ledger.ask_approval(asked(make), by(make, "wang-wei", key="k"))
    moved = asked(make, "a-2", order={**first.order, "state": "waiting"})
    assert await ledger.ask_approval(moved, by(make, "wang-wei", key="k")) == first
    other = asked(make, "a-3", order={**first.order, "delivery_id": "m/1"})
    with pytest.raises(Conflict) as error:
        await ledger.ask_approval(other, by(make, "wang-wei", key="k"))
    assert error.value.code == "idempotency.key-reused"
    assert await ledger.approvals() == [first]
