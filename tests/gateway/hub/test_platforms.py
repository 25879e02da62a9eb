"""The register of platforms through the hub: what waited goes out, faults are named, holds and callers are known."""

from __future__ import annotations

import asyncio

import pytest
from faulty import FaultyLedger
from msgspec.structs import replace

from gateway.access import Refusal
from gateway.errors import NotFound
from gateway.ledger.records import Hold
from gateway.message import HeldBy, State
from schemas.findings import Rejected

MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330000"
URL = {"base_url": "http://127.0.0.1:9"}


async def test_an_unrouted_delivery_goes_out_the_moment_a_platform_is_registered(house, write):
    """In order of acceptance, and only to who covers its region."""
    await house.register(MOBILE)
    first = await house.send(MOBILE, "case.transferred", write.case())
    second = await house.send(MOBILE, "case.transferred", write.case(facts="补充"))
    assert {one.deliveries[0].state for one in (first, second)} == {State.UNROUTED}
    await house.register("penalty.320000")
    assert house.post.sent == []
    await house.register(PENALTY)
    assert [(await house.next("delivered")).message_id for _ in range(2)] == [first.message.id, second.message.id]


async def test_an_adapter_that_learns_a_type_takes_what_waited_for_it(house, write):
    """Changing a platform counts as registering it."""
    await house.register(MOBILE)
    await house.register(PENALTY, adapter="deaf")
    entry = await house.send(MOBILE, "case.transferred", write.case())
    assert entry.deliveries[0].state is State.UNROUTED
    await house.register(PENALTY)
    await house.next("delivered")


async def test_a_platform_registered_while_a_document_is_being_kept_still_gets_it(make, new_ledger, write):
    """Routed before, committed after: it is routed again, and does not wait for the next registration."""
    ledger = FaultyLedger(new_ledger())
    house = make(ledger)
    await house.hub.start()
    await house.register(MOBILE)
    gate = ledger.hold_before("accept")
    sending = asyncio.create_task(house.send(MOBILE, "case.transferred", write.case()))
    await gate.reached()
    await house.register(PENALTY)
    gate.open()
    entry = await sending
    assert entry.deliveries[0].platform == PENALTY
    assert (await house.next("delivered")).message_id == entry.message.id
    await house.hub.stop()


async def test_an_unrouted_report_waits_for_its_orderer_only(house, write):
    """Another platform of the same kind does not get an answer it did not ask for."""
    await house.register("pollutant-permit.330000", MOBILE)
    await house.send("pollutant-permit.330000", "dispatch.ordered", write.order())
    await house.next("delivered")
    await house.register("pollutant-permit.330000", adapter="deaf")
    report = await house.send(MOBILE, "dispatch.reported", write.report())
    assert (report.deliveries[0].state, report.deliveries[0].kind) == (State.UNROUTED, "pollutant-permit")
    await house.register("pollutant-permit.330100", "pollutant-permit.000000")
    assert len(house.post.sent) == 1
    await house.register("pollutant-permit.330000")
    await house.next("delivered")
    assert house.post.sent[-1][0] == "pollutant-permit.330000"


async def test_a_credential_opens_its_platform_and_nothing_else(house):
    """Only its hash is kept; a deleted platform's opens nothing."""
    await house.register(MOBILE)
    token = (await house.hub.platforms.issue_credential(MOBILE, house.intent())).token
    principal = house.hub.principals.of(token)
    assert (principal.platform.id, principal.admin) == (MOBILE, False)
    assert token not in str(await house.hub.ledger.credentials())
    assert house.hub.principals.of(token + "x") is Refusal.UNKNOWN
    await house.hub.platforms.delete(MOBILE, house.intent())
    assert house.hub.principals.of(token) is Refusal.UNKNOWN


async def test_a_paused_platform_holds_and_flows_again_in_order(house, write):
    """Nothing leaves while paused; holds are seen on the platform."""
    await house.register(MOBILE, PENALTY)
    paused = await house.hub.platforms.pause(PENALTY, house.intent("maintenance"))
    assert paused.held_by() == {HeldBy.PAUSED}
    sent = [await house.send(MOBILE, "case.transferred", write.case(facts=text)) for text in ("一", "二")]
    assert house.post.sent == []
    resumed = await house.hub.platforms.resume(PENALTY, house.intent("done"))
    assert resumed.holds == ()
    assert [(await house.next("delivered")).message_id for _ in sent] == [one.message.id for one in sent]


async def test_new_settings_lift_the_hold_of_refused_credentials(house, write):
    """401 held the whole platform; with a new registration it is tried again."""
    await house.register(MOBILE, PENALTY)
    hold = Hold(HeldBy.CREDENTIALS, house.hub.clock(), "401")
    await house.hub.ledger.hold_platform(PENALTY, hold, house.intent())
    await house.register(PENALTY)
    assert (await house.hub.platforms.get(PENALTY)).holds == ()
    await house.send(MOBILE, "case.transferred", write.case())
    await house.next("delivered")


@pytest.mark.parametrize(
    ("platform", "adapter", "settings", "mode", "path", "code"),
    [
        ("penalty", "plain", URL, "push", "id", "platform.id"),
        ("penalty.33", "plain", URL, "push", "id", "platform.id"),
        ("penalty.990000", "plain", URL, "push", "id", "region.unknown"),
        ("police.330000", "plain", URL, "push", "id", "kind.unknown"),
        (PENALTY, "plain", URL, "fetch", "mode", "mode.unknown"),
        (PENALTY, "plain", {}, "push", "settings.base_url", "setting.missing"),
        (PENALTY, "plain", {"base_url": "ftp://x"}, "push", "settings.base_url", "setting.url"),
        (PENALTY, "plain", {"base_url": 7}, "push", "settings.base_url", "setting.url"),
        (PENALTY, "plain", {"base_url": "http://me:secret@x"}, "push", "settings.base_url", "setting.url"),
        (PENALTY, "plain", {"base_url": "http://x/a b"}, "push", "settings.base_url", "setting.url"),
        (PENALTY, "plain", {"base_url": "http://x/#part"}, "push", "settings.base_url", "setting.url"),
        (PENALTY, "plain", {**URL, "colour": "red"}, "push", "settings.colour", "setting.unknown"),
        (PENALTY, "plain", {**URL, "dossier": "yes"}, "push", "settings.dossier", "setting.bool"),
        (PENALTY, "locked", URL, "push", "settings.key", "setting.missing"),
        (PENALTY, "locked", {**URL, "key": " "}, "push", "settings.key", "setting.text"),
        (PENALTY, "locked", {**URL, "key": "k\r\nX: y"}, "push", "settings.key", "setting.control"),
    ],
)
async def test_a_registration_that_cannot_work_names_its_faults(house, platform, adapter, settings, mode, path, code):
    """422, and nothing is registered."""
    with pytest.raises(Rejected) as caught:
        await house.hub.platforms.put(platform, adapter, None, settings, mode, intent=house.intent())
    assert (path, code) in [(one.path, one.code) for one in caught.value.findings]
    assert await house.hub.platforms.all() == []


async def test_an_adapter_that_is_not_installed_is_not_found(house):
    """404 with what there is."""
    with pytest.raises(NotFound) as caught:
        await house.hub.platforms.put(PENALTY, "other", settings=URL, intent=house.intent())
    assert caught.value.code == "adapter.unknown"


async def test_an_adapter_of_one_kind_serves_no_other(make, plain):
    """The penalty adapter does not speak for permits."""
    made = make(adapter=replace(plain, kind="penalty"))
    await made.hub.start()
    with pytest.raises(Rejected) as caught:
        await made.register("pollutant-permit.330000")
    assert caught.value.findings[0].code == "adapter.kind"
    await made.hub.stop()


async def test_a_secret_that_is_left_out_stays_what_it_was(house):
    """Nobody can read it back to repeat it; another value replaces it."""
    await house.hub.platforms.put(PENALTY, "locked", settings={**URL, "key": "one"}, intent=house.intent())
    moved = await house.hub.platforms.put(
        PENALTY, "locked", settings={"base_url": f"{URL['base_url']}/b"}, intent=house.intent()
    )
    assert moved.settings == {"base_url": f"{URL['base_url']}/b", "key": "one"}
    changed = await house.hub.platforms.put(PENALTY, "locked", settings={**URL, "key": "two"}, intent=house.intent())
    assert changed.settings["key"] == "two"


async def test_the_dossier_right_is_a_setting(house):
    """Given by name or among the settings."""
    given = await house.hub.platforms.put(PENALTY, "plain", settings=URL, intent=house.intent(), dossier=True)
    assert given.settings["dossier"] is True
