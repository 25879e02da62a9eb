"""A change of the registry is one step: committed, assigned and live together, also when an answer is lost."""

from __future__ import annotations

import asyncio

import pytest
from faulty import FaultyLedger

from gateway.access import Refusal
from gateway.errors import Conflict, NotFound, Unavailable
from gateway.ledger.records import DeliveryFilter
from gateway.message import HeldBy, State
from gateway.telemetry.events import PlatformHeld, PlatformReleased

MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330000"


@pytest.fixture
async def faulty(make, new_ledger):
    """A hub that runs over a ledger that can be made to fail, or to wait."""
    house = make(FaultyLedger(new_ledger()))
    await house.hub.start()
    yield house
    await house.hub.stop()


async def until(told) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(10):
        while not await told():
            await asyncio.sleep(0)


# ── order ─────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("when", ["hold_before", "hold_after"])
async def test_what_waited_for_a_platform_goes_out_before_what_comes_while_it_is_registered(faulty, write, when):
    """A was answered 202 before B was sent: A leaves before B, wherever the registration stands then."""
    await faulty.register(MOBILE)
    first = await faulty.send(MOBILE, "case.transferred", write.case(facts="first"))
    gate = getattr(faulty.hub.ledger, when)("put_platform")
    registering = asyncio.create_task(faulty.register(PENALTY))
    await gate.reached()
    sending = asyncio.create_task(faulty.send(MOBILE, "case.transferred", write.case(facts="second")))

    async def being_kept() -> bool:
        return faulty.hub.ledger.calls.count("accept") == 2

    await until(being_kept)
    gate.open()
    await registering
    second = await sending
    for _ in range(2):
        await faulty.next("delivered")
    assert [key for _, key in faulty.post.sent] == [first.deliveries[0].id, second.deliveries[0].id]


async def test_many_that_waited_are_the_platforms_own_in_one_step(house, write):
    """All of them, in the order in which they were accepted."""
    await house.register(MOBILE)
    records = [write.case(case_number=f"AJ-{number}") for number in range(1200)]
    call = await house.call(MOBILE, "cases", {"count": 1200, "records": records})
    outcome = await house.hub.receive(call)
    await house.hub.platforms.put(PENALTY, "plain", settings=house.url, intent=house.intent(), mode="push")
    (waiting,) = [one.deliveries[0] for one in outcome.receipt.entries[:1]]
    assert waiting.state is State.UNROUTED
    unrouted = await house.hub.ledger.find_deliveries(DeliveryFilter("unrouted"))
    assert unrouted.items == ()
    last = await house.hub.ledger.deliveries_of(outcome.receipt.entries[-1].message.id)
    assert last[0].platform == PENALTY


# ── deleting ──────────────────────────────────────────────────────────────────────────────────
async def test_a_delivery_of_a_platform_that_is_gone_is_not_replayed_to_nobody(house, write):
    """409, and not a delivery that is ready for a platform that is not there."""
    await house.register(MOBILE, PENALTY)
    entry = await house.send(MOBILE, "case.transferred", write.case())
    await house.next("delivered")
    await house.hub.platforms.delete(PENALTY, house.intent())
    with pytest.raises(Conflict) as caught:
        await house.hub.deliveries.replay(entry.deliveries[0].id, house.intent("again"))
    assert caught.value.code == "platform.unknown"


# ── lost answers ──────────────────────────────────────────────────────────────────────────────
async def test_a_registration_that_was_committed_although_it_failed_is_live_without_a_restart(faulty, write):
    """The operator got a 503; what waited for the platform goes out all the same, and so does what comes."""
    await faulty.register(MOBILE)
    await faulty.send(MOBILE, "case.transferred", write.case())
    faulty.hub.ledger.fail_after("put_platform")
    with pytest.raises(Unavailable):
        await faulty.register(PENALTY)
    await faulty.next("delivered")
    later = await faulty.send(MOBILE, "case.transferred", write.case(facts="补充"))
    assert later.deliveries[0].platform == PENALTY
    await faulty.next("delivered")


async def test_a_registration_that_was_not_committed_changed_nothing(faulty, write):
    """And the next one is taken."""
    await faulty.register(MOBILE)
    faulty.hub.ledger.fail_before("put_platform")
    with pytest.raises(Unavailable):
        await faulty.register(PENALTY)
    sent = await faulty.send(MOBILE, "case.transferred", write.case())
    assert sent.deliveries[0].state is State.UNROUTED
    await faulty.register(PENALTY)
    await faulty.next("delivered")


async def test_a_registration_whose_applying_failed_is_applied_as_soon_as_the_ledger_can_be_read(faulty, write):
    """Committed, and then the ledger could not be read back, twice."""
    await faulty.register(MOBILE)
    await faulty.send(MOBILE, "case.transferred", write.case())
    gate = faulty.hub.ledger.hold_after("put_platform")
    registering = asyncio.create_task(faulty.register(PENALTY))
    await gate.reached()
    faulty.hub.ledger.fail_before("registry", times=2)
    gate.open()
    with pytest.raises(Unavailable):
        await registering
    await faulty.next("delivered")


async def test_a_deletion_that_was_committed_although_it_failed_closes_the_credentials(faulty):
    """Nobody calls as a platform that is not there any more."""
    await faulty.register(MOBILE)
    token = (await faulty.hub.platforms.issue_credential(MOBILE, faulty.intent())).token
    faulty.hub.ledger.fail_after("delete_platform")
    with pytest.raises(Unavailable):
        await faulty.hub.platforms.delete(MOBILE, faulty.intent())

    async def closed() -> bool:
        return faulty.hub.principals.of(token) is Refusal.UNKNOWN

    await until(closed)


async def test_a_revocation_that_was_committed_although_it_failed_closes_the_credential(faulty):
    """Its answer was lost; what was revoked opens nothing, and asking again is answered well."""
    await faulty.register(MOBILE)
    issued = await faulty.hub.platforms.issue_credential(MOBILE, faulty.intent())
    faulty.hub.ledger.fail_after("revoke_credential")
    with pytest.raises(Unavailable):
        await faulty.hub.platforms.revoke_credential(MOBILE, issued.credential.id, faulty.intent())

    async def closed() -> bool:
        return faulty.hub.principals.of(issued.token) is Refusal.REVOKED

    await until(closed)
    await faulty.hub.platforms.revoke_credential(MOBILE, issued.credential.id, faulty.intent())


async def test_a_revocation_that_was_not_committed_leaves_the_credential(faulty):
    """It goes on to open its platform, and whoever revoked is told that nothing happened."""
    await faulty.register(MOBILE)
    issued = await faulty.hub.platforms.issue_credential(MOBILE, faulty.intent())
    faulty.hub.ledger.fail_before("revoke_credential")
    with pytest.raises(Unavailable):
        await faulty.hub.platforms.revoke_credential(MOBILE, issued.credential.id, faulty.intent())
    assert faulty.hub.principals.of(issued.token).platform.id == MOBILE


async def test_a_pause_that_was_committed_although_it_failed_is_obeyed_and_told(faulty, write):
    """Nothing leaves, and the alert comes once."""
    await faulty.register(MOBILE, PENALTY)
    faulty.hub.ledger.fail_after("hold_platform")
    with pytest.raises(Unavailable):
        await faulty.hub.platforms.pause(PENALTY, faulty.intent("maintenance"))

    async def told() -> bool:
        return PlatformHeld(PENALTY, "paused") in faulty.told

    await until(told)
    entry = await faulty.send(MOBILE, "case.transferred", write.case())
    assert (entry.deliveries[0].shown, entry.deliveries[0].held_by) == ("held", HeldBy.PAUSED)
    await faulty.hub.platforms.resume(PENALTY, faulty.intent("done"))
    await faulty.next("delivered")
    assert faulty.told.count(PlatformHeld(PENALTY, "paused")) == 1
    assert faulty.told.count(PlatformReleased(PENALTY, "paused")) == 1


async def test_a_pause_waits_for_no_search(faulty, write):
    """What the reconciler looks for every minute may take as long as any search; nobody stands behind it."""
    await faulty.register(MOBILE, PENALTY)
    gate = faulty.hub.ledger.hold_before("backlog")
    reconciling = asyncio.create_task(faulty.hub.platforms.reconcile())
    await gate.reached()
    paused = await asyncio.wait_for(faulty.hub.platforms.pause(PENALTY, faulty.intent("works")), 5)
    assert paused.held_by() == {HeldBy.PAUSED}
    gate.open()
    await reconciling


async def test_a_document_that_was_kept_although_its_answer_was_lost_is_delivered(faulty, write):
    """Its sender got a 503 and nobody woke the platform; it goes out all the same, and the repeat is a duplicate."""
    await faulty.register(MOBILE, PENALTY)
    faulty.hub.ledger.fail_after("accept")
    with pytest.raises(Unavailable):
        await faulty.send(MOBILE, "case.transferred", write.case())
    await faulty.next("delivered")
    assert (await faulty.send(MOBILE, "case.transferred", write.case())).duplicate


async def test_a_replay_that_was_committed_although_its_answer_was_lost_is_delivered(faulty, write):
    """The operator got a 503; the delivery goes out, once."""
    await faulty.register(MOBILE, PENALTY)
    faulty.post.status = 400
    entry = await faulty.send(MOBILE, "case.transferred", write.case())
    await faulty.next("dead")
    faulty.post.status = 200
    faulty.hub.ledger.fail_after("replay")
    with pytest.raises(Unavailable):
        await faulty.hub.deliveries.replay(entry.deliveries[0].id, faulty.intent("fixed"))
    await faulty.next("delivered")


async def test_what_comes_again_under_a_key_after_its_platform_is_gone_is_not_found(house):
    """The pause was made and answered; its repeat comes after the platform was deleted."""
    await house.register(PENALTY)
    await house.hub.platforms.pause(PENALTY, house.intent("maintenance", key="k"))
    await house.hub.platforms.delete(PENALTY, house.intent())
    assert PlatformReleased(PENALTY, "paused") in house.told
    with pytest.raises(NotFound):
        await house.hub.platforms.pause(PENALTY, house.intent("maintenance", key="k"))


# ── keys ──────────────────────────────────────────────────────────────────────────────────────
async def test_a_change_that_comes_again_under_its_key_is_the_same_whatever_was_changed_in_between(house):
    """It left the secret as it was; that somebody changed the secret since does not make it another request."""

    async def put(reason, under=None, **settings):
        intent = house.intent(reason, under)
        return await house.hub.platforms.put(PENALTY, "locked", settings={**house.url, **settings}, intent=intent)

    await put("register", key="old")
    await put("move", "K-1", base_url=f"{house.url['base_url']}/moved")
    await put("rotate", key="new")
    again = await put("move", "K-1", base_url=f"{house.url['base_url']}/moved")
    assert (again.settings["key"], again.settings["base_url"]) == ("new", house.url["base_url"])
    with pytest.raises(Conflict, match="Idempotency-Key"):
        await put("move", "K-1", base_url=f"{house.url['base_url']}/elsewhere")


async def test_a_credential_is_issued_once_under_a_key(house):
    """It is shown once: the repeat is 409 and makes no second one."""
    await house.register(MOBILE)
    await house.hub.platforms.issue_credential(MOBILE, house.intent(key="k"))
    with pytest.raises(Conflict) as caught:
        await house.hub.platforms.issue_credential(MOBILE, house.intent(key="k"))
    assert caught.value.code == "idempotency.secret-shown"
    assert len(await house.hub.ledger.credentials()) == 1
    with pytest.raises(NotFound):
        await house.hub.platforms.issue_credential("penalty.110000", house.intent())
