"""Four eyes: nothing happens before another person approved it, and then once, by what the world is then."""

import asyncio
from datetime import timedelta

import pytest

from gateway.api.rights import Role
from gateway.settings import FOUR_EYES, Unset, load

PENALTY = "penalty.330000"
MOBILE = "mobile-enforcement.330000"
SECRET = "a-new-secret-of-the-town"
OTHER = "http://127.0.0.1:8"


@pytest.fixture
def four_eyes():
    """Everything needs a second person."""
    return ",".join(FOUR_EYES)


async def join(caller, id, *roles):
    """Give somebody a token."""
    order = {"id": id, "name": "王伟", "roles": [str(one) for one in roles]}
    return (await caller.admin("POST", "/v1/people", json=order)).json()["token"]


@pytest.fixture
async def asker(caller):
    """Somebody who may do everything, and so ask for everything."""
    return await join(caller, "wang-wei", Role.ADMIN, Role.OPERATOR, Role.APPROVER)


@pytest.fixture
async def approver(caller):
    """Somebody else, who approves."""
    return await join(caller, "li-na", Role.APPROVER)


@pytest.fixture
async def unrouted(caller, execution):
    """A delivery that nobody can take yet."""
    await caller.send(PENALTY, "execution", execution)
    await caller.outcome()
    [found] = (await caller.admin("GET", "/v1/deliveries?state=unrouted")).json()["deliveries"]
    return found["id"]


async def discard(caller, token, delivery):
    """Ask to give a delivery up."""
    asked = await caller.call(token, "POST", f"/v1/deliveries/{delivery}/discard", json={"reason": "重复"})
    assert asked.status_code == 202, asked.text
    assert set(asked.json()) == {"approval_id"}
    return asked.json()["approval_id"]


async def change(caller, token, **changed):
    """Ask for a change of the penalty system's registration."""
    order = {"adapter": "town", "settings": {"base_url": "http://127.0.0.1:9"}, **changed}
    return await caller.call(token, "PUT", f"/v1/platforms/{PENALTY}", json=order)


async def approve(caller, token, approval):
    """Approve something."""
    return await caller.call(token, "POST", f"/v1/approvals/{approval}/approve")


async def state(caller, delivery):
    """Tell how a delivery stands."""
    return (await caller.admin("GET", f"/v1/deliveries/{delivery}")).json()["state"]


async def actions(caller, subject, prefix=""):
    """Give what was done to something, and by whom."""
    return [(one.action, one.actor) for one in await caller.hub.ledger.audit(subject) if one.action.startswith(prefix)]


async def test_it_happens_when_another_person_approves(caller, asker, approver, unrouted):
    """Not before, not by whoever asked, and both are in the audit."""
    approval = await discard(caller, asker, unrouted)
    assert await state(caller, unrouted) == "unrouted"
    own = await approve(caller, asker, approval)
    assert (own.status_code, own.json()["code"]) == (403, "approval.own")
    assert await state(caller, unrouted) == "unrouted"
    done = await approve(caller, approver, approval)
    assert done.status_code == 200, done.text
    assert (done.json()["state"], done.json()["asked_by"], done.json()["decided_by"]) == ("done", "wang-wei", "li-na")
    assert await state(caller, unrouted) == "discarded"
    assert await actions(caller, unrouted) == [
        ("approval.asked", "wang-wei"),
        ("approval.approved", "li-na"),
        ("delivery.discarded", "wang-wei"),
        ("approval.done", "gateway"),
    ]


async def test_who_does_not_approve(caller, asker, unrouted):
    """Neither a viewer nor an operator nor a platform; nor is there anything under another id."""
    approval = await discard(caller, asker, unrouted)
    for role in (Role.VIEWER, Role.OPERATOR, Role.AUTHOR, Role.ADMIN):
        refused = await approve(caller, await join(caller, f"one-{role}", role), approval)
        assert (refused.status_code, refused.json()["code"]) == (403, "right.missing")
    assert (await caller.platform(PENALTY, "POST", f"/v1/approvals/{approval}/approve")).status_code == 403
    absent = await approve(caller, await join(caller, "zhou-jie", Role.APPROVER), "nothing")
    assert (absent.status_code, absent.json()["code"]) == (404, "approval.unknown")
    assert await state(caller, unrouted) == "unrouted"


async def test_the_administrators_token_approves_nothing_of_its_own(caller, unrouted):
    """It is one person, whoever holds it."""
    asked = await caller.admin("POST", f"/v1/deliveries/{unrouted}/discard", json={"reason": "重复"})
    own = await caller.admin("POST", f"/v1/approvals/{asked.json()['approval_id']}/approve")
    assert (own.status_code, own.json()["code"]) == (403, "approval.own")


async def test_approved_many_times_at_once_it_is_done_once(caller, asker, approver):
    """By several calls of one person and by another one: one change, whoever was first."""
    asked = await change(caller, asker, settings={"base_url": OTHER, "key": SECRET})
    assert asked.status_code == 202, asked.text
    second = await join(caller, "zhou-jie", Role.APPROVER)
    tokens = [approver, approver, approver, second]
    answers = await asyncio.gather(*(approve(caller, one, asked.json()["approval_id"]) for one in tokens))
    codes = [one.json()["code"] for one in answers if one.status_code != 200]
    assert set(codes) == {"approval.decided"}
    assert len(codes) in (1, 3)
    done = await actions(caller, PENALTY, "approval.")
    assert [action for action, _ in done] == ["approval.asked", "approval.approved", "approval.done"]
    shown = (await caller.admin("GET", f"/v1/platforms/{PENALTY}")).json()
    assert shown["settings"]["base_url"] == OTHER
    assert len(await actions(caller, PENALTY, "platform.put")) == 2


@pytest.mark.parametrize("call", ["ask_approval", "decide_approval", "discard", "finish_approval"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_ledger_that_fails_in_between_does_it_once(caller, asker, approver, unrouted, call, when):
    """Before a commit or after it: asked again it goes on, and what was approved is taken up without being asked."""
    fail = caller.hub.ledger.fail_before if when == "before" else caller.hub.ledger.fail_after
    if call == "ask_approval":
        fail(call)
        key = {"Idempotency-Key": "k-1"}
        path, body = f"/v1/deliveries/{unrouted}/discard", {"reason": "重复"}
        assert (await caller.call(asker, "POST", path, json=body, headers=key)).status_code == 503
        again = await caller.call(asker, "POST", path, json=body, headers=key)
        assert (await approve(caller, approver, again.json()["approval_id"])).status_code == 200
    else:
        approval = await discard(caller, asker, unrouted)
        fail(call)
        assert (await approve(caller, approver, approval)).status_code == 503
        if (call, when) != ("decide_approval", "before"):
            await caller.hub.approvals.resume()
            assert await state(caller, unrouted) == "discarded"
        assert (await approve(caller, approver, approval)).json()["state"] == "done"
    assert await state(caller, unrouted) == "discarded"
    done = [action for action, _ in await actions(caller, unrouted)]
    assert done == ["approval.asked", "approval.approved", "delivery.discarded", "approval.done"]


async def test_a_platform_that_was_changed_meanwhile_is_left_alone(caller, asker, approver):
    """409, and the approval has failed: what was approved is not what is there."""
    asked = await change(caller, asker, settings={"base_url": OTHER, "key": SECRET})
    between = await change(caller, asker, covers=["330101"])
    assert between.status_code == 200, between.text
    refused = await approve(caller, approver, asked.json()["approval_id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "platform.changed")
    shown = (await caller.admin("GET", f"/v1/platforms/{PENALTY}")).json()
    assert (shown["settings"]["base_url"], shown["covers"]) == ("http://127.0.0.1:9", ["330101"])
    [listed] = (await caller.call(approver, "GET", "/v1/approvals")).json()["approvals"]
    assert (listed["state"], listed["failed"]) == ("failed", "platform.changed")
    again = await approve(caller, approver, asked.json()["approval_id"])
    assert (again.status_code, again.json()["code"]) == (409, "approval.decided")


async def test_a_delivery_that_stands_otherwise_is_left_alone(caller, asker, approver, unrouted):
    """It was routed meanwhile: whoever approved meant one that nobody takes."""
    approval = await discard(caller, asker, unrouted)
    kind = (await caller.admin("GET", f"/v1/deliveries/{unrouted}")).json()["kind"]
    caller.hub.approvals.kinds = frozenset()
    caller.sender.silent = True
    await caller.register(f"{kind}.330000", "canonical", token="t")
    assert await state(caller, unrouted) != "unrouted"
    refused = await approve(caller, approver, approval)
    assert (refused.status_code, refused.json()["code"]) == (409, "state.wrong")
    assert await state(caller, unrouted) != "discarded"


async def test_a_version_that_was_moved_is_not_activated(caller, asker, approver):
    """409 `adapter.changed`: another step of it came between."""
    asked = await caller.call(asker, "POST", "/v1/adapters/town/1.0.0/activate", json={"reason": "上线"})
    assert asked.status_code == 202, asked.text
    approval = asked.json()["approval_id"]
    assert (await caller.admin("POST", "/v1/adapters/town/1.0.0/check")).status_code == 200
    refused = await approve(caller, approver, approval)
    assert (refused.status_code, refused.json()["code"]) == (409, "adapter.changed")


async def test_nobody_sees_the_secrets_of_a_change(caller, asker, approver):
    """Neither in the answer nor in the list nor in the audit; and they are there when it is done."""
    asked = await change(caller, asker, settings={"base_url": "http://127.0.0.1:9", "key": SECRET})
    listed = await caller.call(approver, "GET", "/v1/approvals?state=pending")
    [one] = listed.json()["approvals"]
    assert (one["kind"], one["change"]["secrets"]) == ("secrets", ["key"])
    done = await approve(caller, approver, asked.json()["approval_id"])
    audit = str(await caller.hub.ledger.audit(PENALTY))
    assert SECRET not in asked.text + listed.text + done.text + audit
    assert (await caller.hub.ledger.registry()).platforms[PENALTY].settings["key"] == SECRET


async def test_what_a_faulty_change_needs_is_told_at_once(caller, asker):
    """422 before anybody is asked to approve it."""
    refused = await change(caller, asker, settings={"base_url": "no address"})
    assert (refused.status_code, refused.json()["code"]) == (422, "platform.invalid")
    assert (await caller.admin("GET", "/v1/approvals")).json()["approvals"] == []


async def test_what_no_four_eyes_look_at_is_done_at_once(caller, asker):
    """A platform's other settings; its secrets given again as they are."""
    done = await change(caller, asker, settings={"base_url": "http://127.0.0.1:9", "key": "k"}, covers=["330101"])
    assert done.status_code == 200, done.text


async def test_pinning_a_version_is_activating_it(caller, asker):
    """There is no way around the approval by the platform's registration."""
    asked = await change(caller, asker, version="1.0.0")
    assert asked.status_code == 202, asked.text
    [one] = (await caller.admin("GET", "/v1/approvals")).json()["approvals"]
    assert one["kind"] == "activation"


async def test_a_bulk_replay_waits_and_a_dry_run_does_not(caller, asker, approver):
    """Approved it begins, once."""
    order = {"filter": {"state": "dead", "platform": MOBILE}, "reason": "重投"}
    dry = await caller.call(asker, "POST", "/v1/replays", json={**order, "dry_run": True})
    assert dry.status_code == 200
    asked = await caller.call(asker, "POST", "/v1/replays", json=order)
    assert asked.status_code == 202
    assert await caller.hub.ledger.replays() == []
    for _ in range(2):
        assert (await approve(caller, approver, asked.json()["approval_id"])).status_code == 200
    assert len(await caller.hub.ledger.replays()) == 1


async def test_rejected_is_rejected(caller, asker, approver, unrouted):
    """With a reason; whoever asked may take it back, too."""
    for token in (approver, asker):
        approval = await discard(caller, asker, unrouted)
        path = f"/v1/approvals/{approval}/reject"
        assert (await caller.call(token, "POST", path, json={})).status_code == 422
        told = (await caller.call(token, "POST", path, json={"reason": "尚需核实"})).json()
        assert (told["state"], told["decision"]) == ("rejected", "尚需核实")
        late = await approve(caller, approver, approval)
        assert (late.status_code, late.json()["code"]) == (409, "approval.decided")
    assert await state(caller, unrouted) == "unrouted"


async def test_it_waits_for_seven_days(caller, asker, approver, unrouted):
    """Then it is too late, by the clock of the gateway that is asked."""
    approval = await discard(caller, asker, unrouted)
    clock = caller.hub.clock
    caller.hub.clock = lambda: clock() + timedelta(days=7)
    late = await approve(caller, approver, approval)
    assert (late.status_code, late.json()["code"]) == (409, "approval.expired")
    [listed] = (await caller.call(approver, "GET", "/v1/approvals?state=expired")).json()["approvals"]
    assert listed["id"] == approval
    assert await state(caller, unrouted) == "unrouted"


async def test_what_somebody_asked_who_was_removed_is_not_done(caller, asker, approver, unrouted):
    """409: whoever takes their place asks for it again."""
    approval = await discard(caller, asker, unrouted)
    await caller.admin("DELETE", "/v1/people/wang-wei")
    refused = await approve(caller, approver, approval)
    assert (refused.status_code, refused.json()["code"]) == (409, "approval.asker-gone")
    assert await state(caller, unrouted) == "unrouted"


def test_only_what_is_known_is_looked_at():
    """A misspelt name would leave a change to one person."""
    assert load({}, four_eyes="discard, address").four_eyes_kinds == {"discard", "address"}
    with pytest.raises(Unset, match="HUTONG_FOUR_EYES"):
        load({}, four_eyes="discards")
