"""The facade: platforms come and go, callers are known, operators are obeyed, and nothing waits for a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import orjson
import pytest

from adapters.base import OutboundRequest, Reply, Setting
from gateway.bootstrap import build
from gateway.errors import Conflict, Invalid, NotFound, Unavailable
from gateway.hub import Hub, Principal
from gateway.installed import InstalledAdapters
from gateway.intake.steps import IntakeCall
from gateway.ledger.memory import MemoryLedger
from gateway.ledger.records import BulkReplay, DeliveryFilter, Intake, Platform, Receipt
from gateway.message import HeldBy, State
from gateway.settings import Settings
from gateway.telemetry.events import DeliverySettled, Event
from schemas.findings import Rejected

ADMIN = "admin-token-for-these-tests"
MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330000"
URL = {"base_url": "http://127.0.0.1:9"}


@dataclass
class Post:
    """Instead of the network: remembers what was sent, and answers as it is told to."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    status: int = 200

    async def send(self, platform: Platform, request: OutboundRequest, timeout: timedelta) -> Reply:
        self.sent.append((platform.id, request.headers["Idempotency-Key"]))
        return Reply(self.status)

    async def forget(self, platform_id: str) -> None:
        return None

    async def close(self) -> None:
        return None


@dataclass
class House:
    """A hub and what it did."""

    hub: Hub
    post: Post
    settled: asyncio.Queue[DeliverySettled]

    async def register(self, *ids: str, adapter: str = "plain") -> None:
        for one in ids:
            await self.hub.put_platform(one, adapter, settings=URL, actor="admin")

    async def send(self, platform: str, operation: str, tree: Mapping[str, object]):
        call = IntakeCall(await self.hub.platform(platform), operation, orjson.dumps(tree))
        return (await self.hub.receive(call)).receipt.entries[0]

    async def next(self, state: str) -> DeliverySettled:
        """Wait until a delivery comes to an end, which must be this one."""
        event = await asyncio.wait_for(self.settled.get(), 5)
        assert event.state == state
        return event


def make(plain, ledger=None) -> House:
    """Build a hub over a memory ledger and without a network."""
    settled: asyncio.Queue[DeliverySettled] = asyncio.Queue()

    def hook(event: Event) -> None:
        if isinstance(event, DeliverySettled):
            settled.put_nowait(event)

    settings = Settings(ledger="memory://", admin_token=ADMIN)
    key = Setting("key", "secret", "密钥")
    locked = replace(plain, name="locked", settings={"key": key})
    known = InstalledAdapters([plain, replace(plain, name="deaf", sends=frozenset()), locked])
    post = Post()
    hub = build(settings, adapters=known, sender=post, hooks=(hook,), ledger=ledger)
    return House(hub, post, settled)


@pytest.fixture
async def house(plain):
    """A hub that runs."""
    made = make(plain)
    await made.hub.start()
    yield made
    await made.hub.stop()


async def test_a_document_travels_from_its_sender_to_its_receiver(house, write):
    """Accepted, delivered under the delivery's id as its key, recorded."""
    await house.register(MOBILE, PENALTY)
    entry = await house.send(MOBILE, "case.transferred", write.case())
    event = await house.next("delivered")
    assert house.post.sent == [(PENALTY, entry.deliveries[0].id)]
    assert event.message_id == entry.message.id


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


class Slow(MemoryLedger):
    """A ledger whose commits wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self.go = asyncio.Event()

    async def accept(self, intake: Intake) -> Receipt:
        self.reached.set()
        await self.go.wait()
        return await super().accept(intake)


async def test_a_platform_registered_while_a_document_is_being_kept_still_gets_it(plain, write):
    """Routed before, committed after: it does not wait for the next registration."""
    ledger = Slow()
    house = make(plain, ledger)
    await house.hub.start()
    await house.register(MOBILE)
    sending = asyncio.create_task(house.send(MOBILE, "case.transferred", write.case()))
    await ledger.reached.wait()
    await house.register(PENALTY)
    ledger.go.set()
    entry = await sending
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
    token = await house.hub.issue_credential(MOBILE, actor="admin")
    principal = house.hub.principal(token)
    assert (principal.platform.id, principal.admin) == (MOBILE, False)
    assert token not in str(await house.hub.ledger.credentials())
    assert house.hub.principal(token + "x") is None
    await house.hub.delete_platform(MOBILE, actor="admin")
    assert house.hub.principal(token) is None


async def test_the_admin_token_is_the_settings(house):
    """It stands for no platform, and none was made."""
    assert house.hub.principal(ADMIN) == Principal(None, admin=True)
    assert house.hub.principal("") is None
    assert house.hub.new_admin_token is None


async def test_a_paused_platform_holds_and_flows_again_in_order(house, write):
    """Nothing leaves while paused; holds are seen on the platform."""
    await house.register(MOBILE, PENALTY)
    paused = await house.hub.pause(PENALTY, actor="admin", reason="maintenance")
    assert paused.holds == {HeldBy.PAUSED}
    sent = [await house.send(MOBILE, "case.transferred", write.case(facts=text)) for text in ("一", "二")]
    assert house.post.sent == []
    resumed = await house.hub.resume(PENALTY, actor="admin", reason="done")
    assert resumed.holds == frozenset()
    assert [(await house.next("delivered")).message_id for _ in sent] == [one.message.id for one in sent]


async def test_new_settings_lift_the_hold_of_refused_credentials(house, write):
    """401 held the whole platform; with a new registration it is tried again."""
    await house.register(MOBILE, PENALTY)
    at = house.hub.clock()
    await house.hub.ledger.hold_platform(PENALTY, HeldBy.CREDENTIALS, actor="test", reason="401", at=at)
    await house.register(PENALTY)
    assert (await house.hub.platform(PENALTY)).holds == frozenset()
    await house.send(MOBILE, "case.transferred", write.case())
    await house.next("delivered")


@pytest.mark.parametrize(
    ("platform", "adapter", "settings", "mode", "path", "code"),
    [
        ("penalty", "plain", URL, "push", "id", "platform.id"),
        ("penalty.33", "plain", URL, "push", "id", "platform.id"),
        ("penalty.990000", "plain", URL, "push", "id", "region.unknown"),
        ("police.330000", "plain", URL, "push", "id", "kind.unknown"),
        (PENALTY, "plain", URL, "pull", "mode", "mode.unsupported"),
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
        await house.hub.put_platform(platform, adapter, None, settings, mode, actor="admin")
    assert (path, code) in [(one.path, one.code) for one in caught.value.findings]
    assert await house.hub.platforms() == []


async def test_an_adapter_that_is_not_installed_is_not_found(house):
    """404 with what there is."""
    with pytest.raises(NotFound) as caught:
        await house.hub.put_platform(PENALTY, "other", settings=URL, actor="admin")
    assert caught.value.code == "adapter.unknown"


async def test_an_adapter_of_one_kind_serves_no_other(plain):
    """The penalty adapter does not speak for permits."""
    made = make(replace(plain, kind="penalty"))
    await made.hub.start()
    with pytest.raises(Rejected) as caught:
        await made.register("pollutant-permit.330000")
    assert caught.value.findings[0].code == "adapter.kind"
    await made.hub.stop()


async def test_a_secret_that_is_left_out_stays_what_it_was(house):
    """Nobody can read it back to repeat it; another value replaces it."""
    await house.hub.put_platform(PENALTY, "locked", settings={**URL, "key": "one"}, actor="admin")
    moved = await house.hub.put_platform(PENALTY, "locked", settings={"base_url": "http://b"}, actor="admin")
    assert moved.settings == {"base_url": "http://b", "key": "one"}
    changed = await house.hub.put_platform(PENALTY, "locked", settings={**URL, "key": "two"}, actor="admin")
    assert changed.settings["key"] == "two"


async def test_the_dossier_right_is_a_setting(house):
    """Given by name or among the settings."""
    given = await house.hub.put_platform(PENALTY, "plain", settings=URL, actor="admin", dossier=True)
    assert given.settings["dossier"] is True


async def test_a_dossier_is_asked_for_by_a_credit_code(house, write):
    """Anything else is 422; what the ledger knows is there."""
    await house.register("pollutant-permit.330000")
    await house.send("pollutant-permit.330000", "permit.changed", write.permit())
    known = await house.hub.dossier(write.permit()["holder"]["credit_code"].lower())
    assert [one.type for one in known.parts["permits"].entries] == ["permit.changed"]
    with pytest.raises(Rejected) as caught:
        await house.hub.dossier("nobody")
    assert caught.value.status == 422


async def test_operators_replay_discard_hold_and_release(house, write):
    """Each wakes what it must; each is a conflict in the wrong state."""
    await house.register(MOBILE, PENALTY)
    house.post.status = 400
    entry = await house.send(MOBILE, "case.transferred", write.case())
    await house.next("dead")
    house.post.status = 200
    delivery = entry.deliveries[0].id
    await house.hub.replay(delivery, actor="admin", reason="fixed")
    await house.next("delivered")
    assert [key for _, key in house.post.sent] == [delivery, delivery]
    with pytest.raises(Conflict):
        await house.hub.discard(delivery, actor="admin", reason="too late")
    with pytest.raises(NotFound):
        await house.hub.hold("nothing", actor="admin", reason="x")


async def test_a_replay_of_many_runs_in_the_background_and_counts(house, write):
    """Every dead delivery goes out again; progress is kept under an id."""
    await house.register(MOBILE, PENALTY)
    house.post.status = 400
    for number in range(3):
        await house.send(MOBILE, "case.transferred", write.case(case_number=f"AJ-{number}"))
        await house.next("dead")
    house.post.status = 200
    begun = await house.hub.replay_many(DeliveryFilter(State.DEAD, PENALTY), actor="admin", reason="fixed")
    for _ in range(3):
        await house.next("delivered")
    progress = await finished(house.hub, begun.id)
    assert (progress.total, progress.replayed, progress.failed) == (3, 3, 0)
    with pytest.raises(Invalid):
        await house.hub.replay_many(DeliveryFilter(State.READY), actor="admin", reason="x")
    with pytest.raises(NotFound):
        await house.hub.replay_progress("nothing")


async def test_a_replay_that_a_stop_cut_short_is_taken_up_at_start(plain, write):
    """What it had counted stays counted; what is left is replayed."""
    ledger = MemoryLedger()
    house = make(plain, ledger)
    await house.hub.start()
    await house.register(MOBILE, PENALTY)
    house.post.status = 400
    await house.send(MOBILE, "case.transferred", write.case())
    await house.next("dead")
    at = house.hub.clock()
    await ledger.put_bulk_replay(
        BulkReplay("r-1", DeliveryFilter(State.DEAD), "fixed", "admin", at, replayed=4, cursor="0")
    )
    await house.hub.stop()

    again = make(plain, ledger)
    await again.hub.start()
    await again.next("delivered")
    progress = await finished(again.hub, "r-1")
    assert (progress.total, progress.replayed) == (5, 5)
    await again.hub.stop()


class Halting(MemoryLedger):
    """A ledger that has its hub stopped while the second delivery is being replayed."""

    hub: Hub
    asked: int = 0
    stopped: asyncio.Task[None] | None = None

    async def replay(self, delivery_id, *, actor, reason, at, stale_ok=False):
        self.asked += 1
        if self.asked == 2:
            self.stopped = asyncio.create_task(self.hub.stop())
            await asyncio.sleep(0)
        return await super().replay(delivery_id, actor=actor, reason=reason, at=at, stale_ok=stale_ok)


async def test_a_stop_never_has_a_delivery_replayed_twice(plain, write):
    """A replay of what was delivered makes copies under new keys: what was done when the gateway stopped is done."""
    ledger = Halting()
    house = make(plain, ledger)
    ledger.hub = house.hub
    await house.hub.start()
    await house.register(MOBILE, PENALTY)
    for number in range(3):
        await house.send(MOBILE, "case.transferred", write.case(case_number=f"AJ-{number}"))
        await house.next("delivered")
    begun = await house.hub.replay_many(DeliveryFilter(State.DELIVERED), actor="admin", reason="lost by them")
    while ledger.stopped is None:
        await asyncio.sleep(0)
    await ledger.stopped

    again = make(plain, ledger)
    await again.hub.start()
    progress = await finished(again.hub, begun.id)
    copies = [one for one in (await ledger.find_deliveries(DeliveryFilter(), None, 100)).items if one.replay_of]
    assert (progress.total, progress.replayed, len(copies)) == (3, 3, 3)
    assert len({one.replay_of for one in copies}) == 3
    await again.hub.stop()


async def finished(hub: Hub, replay_id: str):
    """Give a replay once it is done."""
    async with asyncio.timeout(5):
        while (progress := await hub.replay_progress(replay_id)).finished_at is None:
            await asyncio.sleep(0)
    return progress


async def test_a_hub_that_does_not_run_says_so(plain):
    """Not before it was started, not after it was stopped."""
    made = make(plain)
    with pytest.raises(Unavailable):
        await made.hub.check()
    await made.hub.start()
    await made.hub.check()
    await made.hub.stop()
    with pytest.raises(Unavailable):
        await made.hub.check()
