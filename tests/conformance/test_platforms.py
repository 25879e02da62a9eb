from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import Conflict, NotFound
from gateway.ledger.records import Moved, Taker, Unrouted
from gateway.message import HeldBy, State

PROVINCE, NATIONAL = "pollutant-permit.330000", "pollutant-permit.000000"


@pytest.fixture
async def penalty(play: Any, make: Any) -> Any:
    """The penalty platform, registered."""
    await play.register()
    return make.platform()


def by_reach(*registered: str) -> Taker:
    """Takes as routing does: `nearest` is the province if it is there, `national` the nation."""

    def take(unrouted: Unrouted) -> str | None:
        wanted = {"nearest": (PROVINCE, NATIONAL), "national": (NATIONAL,)}.get(unrouted.toward, (unrouted.toward,))
        return next((each for each in wanted if each in registered), None)

    return take


# ── registering ───────────────────────────────────────────────────────────────────────────────
async def test_registered_and_changed(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """A platform is found as it was put; changing it leaves its birth and its holds alone."""
    await play.register(make.credit)
    assert list((await ledger.registry()).platforms) == [make.credit, make.penalty]
    await play.hold(at=10)
    await play.hold(by=HeldBy.ENDPOINT, at=11, type="case.transferred")
    changed = replace(penalty, adapter="canonical", settings={"base_url": "http://x"}, version="2.0.0")
    put = await ledger.put_platform(replace(changed, created_at=make.at(99)), make.intent(at=20), make.nobody)
    holds = (make.hold(at=10), make.hold(HeldBy.ENDPOINT, at=11, type="case.transferred"))
    found = (await ledger.registry()).platforms[make.penalty]
    assert found == replace(changed, holds=holds, revision=put.revision)


async def test_every_change_advances_the_revision(play: Any, ledger: Any, make: Any) -> None:
    """What routing depends on changes with the revision; holds and credentials leave it as it is."""
    revisions = [(await ledger.registry()).revision]
    for id in (make.penalty, make.credit, make.penalty):
        put = await play.register(id)
        registry = await ledger.registry()
        assert put.revision == registry.revision == registry.platforms[id].revision
        revisions.append(put.revision)
    revisions.append((await ledger.delete_platform(make.credit, make.intent())).revision)
    assert revisions == sorted(set(revisions))
    await play.hold()
    await ledger.add_credential(make.credential(), make.intent())
    await ledger.assign(["penalty"], make.nobody, make.at())
    assert (await ledger.registry()).revision == revisions[-1]
    assert (await ledger.registry()).platforms[make.penalty].revision < revisions[-1]


async def test_refused_credentials_are_forgotten(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """Registering a platform anew lifts the hold for credentials, says so, and lifts no other."""
    for by in (HeldBy.CREDENTIALS, HeldBy.PAUSED):
        await play.hold(by=by)
    await play.register()
    assert (await ledger.registry()).platforms[make.penalty].held_by() == {HeldBy.PAUSED}
    released = [each for each in await ledger.audit(make.penalty) if each.action == "platform.released"]
    assert [each.detail for each in released] == [{"by": "credentials"}]


async def test_what_was_routed_before_a_change_is_decided_again(play: Any, ledger: Any, make: Any) -> None:
    """An intake that was routed before a platform was registered or deleted is not kept, and told the new revision."""
    before = await play.revision()
    put = await play.register()
    with pytest.raises(Moved) as moved:
        await play.receive(make.draft("m1", to=[None]), revision=before)
    assert moved.value.revision == put.revision
    deleted = await ledger.delete_platform(make.penalty, make.intent())
    with pytest.raises(Moved) as moved:
        await play.receive(make.draft("m1"), revision=put.revision)
    assert moved.value.revision == deleted.revision
    assert await ledger.message("m1") is None


async def test_deleting_races_an_intake(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """However a deletion and an intake for the platform share a commit, no delivery is ready for nobody."""
    revision = await play.revision()
    for first in ("delete", "accept"):
        name = f"m-{first}"
        calls = {
            "delete": ledger.delete_platform(make.penalty, make.intent()),
            "accept": play.receive(make.draft(name), revision=revision),
        }
        order = sorted(calls, key=lambda each: each != first)
        answers = await asyncio.gather(*(calls[each] for each in order), return_exceptions=True)
        deleted, accepted = (dict(zip(order, answers, strict=True))[each] for each in ("delete", "accept"))
        registered = make.penalty in (await ledger.registry()).platforms
        kept = await ledger.message(name) is not None
        assert kept == registered
        assert (isinstance(deleted, Conflict), isinstance(accepted, Moved)) == (kept, not kept)
        if not registered:
            revision = (await play.register()).revision


# ── unrouted ──────────────────────────────────────────────────────────────────────────────────
async def test_registering_gives_what_was_unrouted(play: Any, ledger: Any, make: Any) -> None:
    """A platform gets what waited for it in the same step, in the order it was accepted."""
    for i in range(3):
        await play.accept(f"m{i}", lane=f"L{i}", to=[None])
    asked: list[Unrouted] = []

    def take(unrouted: Unrouted) -> str | None:
        asked.append(unrouted)
        return make.penalty if unrouted.id != "m1/0" else None

    registered = await play.register(take=take)
    assert registered.given == {make.penalty}
    assert await play.heads() == ["m0/0", "m2/0"]
    assert [each.id for each in asked] == ["m0/0", "m1/0", "m2/0"]
    assert asked[0] == Unrouted("m0/0", "m0", "case.transferred", "penalty", "nearest", "330100", make.source)
    assert await play.state("m1/0") == "unrouted"


async def test_only_its_kind_is_asked_about(play: Any, ledger: Any, make: Any) -> None:
    """Deliveries of other kinds are none of a platform's."""
    await play.accept("m1", lane="A", to=[None], kind="credit-publicity")
    await play.accept("m2", lane="B", to=[None])
    registered = await play.register(make.credit, take=lambda unrouted: make.credit)
    assert registered.given == {make.credit}
    assert [await play.state(each) for each in ("m1/0", "m2/0")] == ["ready", "unrouted"]


async def test_registering_keeps_the_order_of_a_lane(play: Any, ledger: Any, make: Any) -> None:
    """What was answered before a platform came stands before what is sent to it later, in the same lane."""
    await play.accept("a", to=[None])
    await play.accept("b", to=[None])
    await play.register(take=make.takes())
    await play.accept("c")
    order = []
    for _ in range(3):
        [head] = await play.heads()
        order.append(head)
        await play.end(head, State.DELIVERED)
    assert order == ["a/0", "b/0", "c/0"]


@pytest.mark.parametrize("order", [[PROVINCE, NATIONAL], [NATIONAL, PROVINCE]])
async def test_both_get_theirs_whichever_comes_first(play: Any, ledger: Any, order: list[str]) -> None:
    """A message for the nearest and the national platform reaches both, whichever is registered first."""
    await play.accept("m1", to=["nearest", "national"], kind="pollutant-permit")
    await play.register(order[0], take=by_reach(order[0]))
    await play.register(order[1], take=by_reach(*order))
    deliveries = await ledger.deliveries_of("m1")
    assert sorted(each.platform or "unrouted" for each in deliveries) == sorted(order)
    assert {each.state for each in deliveries} == {State.READY}


async def test_a_message_never_goes_to_one_platform_twice(play: Any) -> None:
    """Where the nearest platform is the national one it gets one delivery; the other waits for a nearer platform."""
    await play.accept("m1", to=["nearest", "national"], kind="pollutant-permit")
    registered = await play.register(NATIONAL, take=by_reach(NATIONAL))
    assert registered.given == {NATIONAL}
    assert [await play.state(f"m1/{i}") for i in range(2)] == ["unrouted", "ready"]
    again = await play.register(NATIONAL, take=by_reach(NATIONAL))
    assert again.given == frozenset()
    await play.end("m1/1", State.DELIVERED)
    assert (await play.register(NATIONAL, take=by_reach(NATIONAL))).given == frozenset()


async def test_unrouted_for_one_platform(play: Any, make: Any) -> None:
    """An answer that is meant for one platform goes to that one alone."""
    await play.accept("m1", to=[f"toward {make.penalty}"])
    assert (await play.register("penalty.000000", take=by_reach("penalty.000000"))).given == frozenset()
    assert (await play.register(take=by_reach("penalty.000000", make.penalty))).given == {make.penalty}
    assert await play.heads() == ["m1/0"]


async def test_a_platform_that_is_not_registered_gets_nothing(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """A delivery that is taken for a platform which was deleted meanwhile stays unrouted."""
    await play.accept("m1", to=[None])
    assert await ledger.assign(["penalty"], make.takes("penalty.000000"), make.at()) == frozenset()
    assert await play.state("m1/0") == "unrouted"


async def test_platforms_recognise_the_numbers_they_are_given(play: Any, ledger: Any, make: Any) -> None:
    """A platform that got a message late may speak of its numbers, as one that got it at once."""
    await play.accept("m1", to=[None], numbers={"case_number": "C1"})
    assert await ledger.recall(make.penalty, {"case_number": "C1"}) == {}
    await play.register(take=make.takes())
    known = await ledger.recall(make.penalty, {"case_number": "C1"})
    assert (known["case_number"].message_id, known["case_number"].original) == ("m1", "C1")


async def test_the_first_message_of_a_number_stays_the_first(play: Any, ledger: Any, make: Any) -> None:
    """Of several messages that were unrouted, a number that they share leads to the one that was accepted first."""
    for name, to in (("m1", "nearest"), ("m2", "national")):
        await play.accept(name, lane=name, to=[to], numbers={"case_number": "C1"})
    await play.register(take=make.takes())
    assert (await ledger.recall(make.penalty, {"case_number": "C1"}))["case_number"].message_id == "m1"


async def test_assigned_behind_a_dead_one(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """What is given its platform late is held by a dead one ahead of it, and not by one behind it."""
    await play.accept("early", to=[None])
    await play.accept("dead")
    await play.accept("late", to=[None])
    await play.end("dead/0", State.DEAD)
    await ledger.assign(["penalty"], make.takes(), make.at())
    assert [await play.state(each) for each in ("early/0", "late/0")] == ["ready", "held:lane"]
    assert await play.heads() == ["early/0"]


@pytest.mark.parametrize("kinds", [[], ["penalty"], ["penalty", "credit-publicity"]])
async def test_assigned_by_kind(play: Any, ledger: Any, make: Any, kinds: Collection[str]) -> None:
    """Assignment alone looks at the kinds it is asked about, and tells who got any."""
    await play.register(make.penalty, make.credit)
    await play.accept("m1", lane="A", to=[None])
    await play.accept("m2", lane="B", to=[None], kind="credit-publicity")
    given = await ledger.assign(kinds, lambda unrouted: f"{unrouted.kind}.330000", make.at())
    assert given == {f"{kind}.330000" for kind in kinds}
    unrouted = [each for each in ("m1/0", "m2/0") if await play.state(each) == "unrouted"]
    assert len(unrouted) == 2 - len(kinds)


async def test_a_discarded_one_is_not_given(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """What was given up while nobody could take it stays given up."""
    await play.accept("m1", to=[None])
    await ledger.discard("m1/0", make.intent())
    assert await ledger.assign(["penalty"], make.takes(), make.at()) == frozenset()
    assert await play.state("m1/0") == "discarded"


async def test_a_taker_that_fails_changes_nothing(play: Any, ledger: Any, make: Any) -> None:
    """When the choice itself fails the platform is not registered either."""
    await play.accept("m1", to=[None])
    before = await ledger.registry()

    def broken(unrouted: Unrouted) -> str | None:
        raise ValueError(unrouted.id)

    with pytest.raises(ValueError, match="m1/0"):
        await play.register(take=broken)
    assert await ledger.registry() == before


# ── holding ───────────────────────────────────────────────────────────────────────────────────
async def test_held_platform(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """While a platform is held nothing of it is given out, and all that could be sent is shown as held."""
    await play.accept("m1")
    await play.accept("m2", lane="M")
    await play.end("m2/0", State.WAITING, due=5)
    assert await play.hold()
    later = await play.accept("m3", lane="N")
    assert await play.heads(at=5) == await play.heads(at=5, probe=True) == []
    assert [await play.state(each) for each in ("m1/0", "m2/0", "m3/0")] == ["held:paused"] * 3
    assert later.deliveries[0].held_by is HeldBy.PAUSED
    assert await play.begin("m1/0") is None
    assert await play.lift()
    assert [await play.state(each) for each in ("m1/0", "m2/0", "m3/0")] == ["ready", "waiting", "ready"]
    assert await play.heads(at=5) == ["m1/0", "m2/0", "m3/0"]


async def test_held_endpoint(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """While one endpoint is held its message type waits, and the platform's others go on."""
    await play.accept("m1", lane="A")
    await play.accept("m2", lane="B", type="lead.reported")
    await play.hold(by=HeldBy.ENDPOINT, type="lead.reported")
    assert await play.heads() == ["m1/0"]
    assert await play.heads(probe=True) == ["m1/0", "m2/0"]
    assert [await play.state(each) for each in ("m1/0", "m2/0")] == ["ready", "held:endpoint"]
    platform = (await ledger.registry()).platforms[make.penalty]
    assert (platform.held_by(), {hold.type for hold in platform.holds}) == (frozenset(), {"lead.reported"})
    assert not await play.lift(by=HeldBy.ENDPOINT)
    assert not await play.lift(by=HeldBy.ENDPOINT, type="case.transferred")
    assert await play.lift(by=HeldBy.ENDPOINT, type="lead.reported")
    assert await play.heads() == ["m1/0", "m2/0"]


async def test_probe(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """A probe looks past the breaker's hold, and past no other."""
    await play.accept("m1")
    await play.hold(by=HeldBy.BREAKER)
    assert await play.heads() == []
    assert await play.heads(probe=True) == ["m1/0"]
    await play.hold(by=HeldBy.CREDENTIALS)
    assert await play.heads(probe=True) == []
    assert await play.state("m1/0") == "held:credentials"
    await play.lift(by=HeldBy.CREDENTIALS)
    assert await play.begin("m1/0") is None
    assert await play.begin("m1/0", probe=True) == 1


async def test_held_twice(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """The first hold of a sort stays, and a hold that is not there is not lifted."""
    assert await play.hold(at=1)
    assert not await play.hold(at=2, reason="again")
    assert (await ledger.registry()).platforms[make.penalty].holds == (make.hold(at=1),)
    assert await play.lift()
    assert not await play.lift()


async def test_held_as_it_was_registered(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """A hold that was decided on an older registration of a platform is not put."""
    old = (await ledger.registry()).platforms[make.penalty].revision
    new = (await play.register()).revision
    assert not await ledger.hold_platform(make.penalty, make.hold(), make.intent(), revision=old)
    assert (await ledger.registry()).platforms[make.penalty].holds == ()
    assert await ledger.hold_platform(make.penalty, make.hold(), make.intent(), revision=new)


async def test_other_platforms_go_on(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """A held platform holds nobody else."""
    await play.accept("m1", to=[make.penalty, make.credit])
    await play.hold(by=HeldBy.BREAKER)
    assert await play.heads(make.credit) == ["m1/1"]
    assert await play.state("m1/1") == "ready"


async def test_what_is_shown_first(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """Of several reasons the nearest is shown: the operator's, the lane's, the platform's, the endpoint's."""
    await play.accept("m1")
    await play.accept("m2")
    await play.accept("m3", lane="N")
    await play.end("m1/0", State.DEAD)
    holds = [(HeldBy.ENDPOINT, "case.transferred"), *((by, None) for by in (HeldBy.BREAKER, HeldBy.CREDENTIALS))]
    for by, type in [*holds, (HeldBy.PAUSED, None)]:
        await play.hold(by=by, type=type)
        assert [await play.state(each) for each in ("m1/0", "m2/0", "m3/0")] == ["dead", "held:lane", f"held:{by}"]
    await ledger.hold("m2/0", make.intent())
    assert await play.state("m2/0") == "held:operator"


# ── deleting ──────────────────────────────────────────────────────────────────────────────────
async def test_deleted_when_nothing_waits(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """A platform is forgotten only when nothing waits for it; its credentials and holds go with it."""
    await ledger.add_credential(make.credential(), make.intent())
    await play.accept("m1")
    with pytest.raises(Conflict) as error:
        await ledger.delete_platform(make.penalty, make.intent())
    assert error.value.code == "platform.in-use"
    await play.end("m1/0", State.DELIVERED)
    await play.hold()
    await ledger.delete_platform(make.penalty, make.intent())
    assert (await ledger.registry()).platforms == {}
    assert await ledger.credentials() == []
    with pytest.raises(NotFound):
        await ledger.delete_platform(make.penalty, make.intent())
    await play.register()
    assert (await ledger.registry()).platforms[make.penalty].holds == ()


@pytest.mark.parametrize("state", [State.WAITING, State.DEAD, State.READY])
async def test_not_deleted_while_something_is_open(play: Any, ledger: Any, make: Any, state: State) -> None:
    """What waits, is dead or is being sent keeps its platform."""
    await play.accept("m1")
    await play.begin("m1/0")
    for _ in range(2):
        with pytest.raises(Conflict):
            await ledger.delete_platform(make.penalty, make.intent())
        if await play.state("m1/0") == "sending":
            await play.settle("m1/0", state, due=60 if state is State.WAITING else None)
    await ledger.discard("m1/0", make.intent())
    await ledger.delete_platform(make.penalty, make.intent())


# ── credentials, keys and audit ───────────────────────────────────────────────────────────────
async def test_credentials(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """A platform may have several credentials, kept as they were issued; nobody else's platform can have any."""
    old, new = make.credential("c1"), make.credential("c2", label="2027", expires=60)
    for one in (new, old):
        await ledger.add_credential(one, make.intent())
    assert await ledger.credentials() == [old, new]
    with pytest.raises(NotFound):
        await ledger.add_credential(make.credential("c3", platform="nobody.000000"), make.intent())


async def test_a_credential_is_revoked_once_and_stays_known(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """Later revocations leave the moment of the first; of another platform it is absent, as one never issued is."""
    await play.register(make.credit)
    for name in ("c1", "c2"):
        await ledger.add_credential(make.credential(name), make.intent())
    assert await ledger.revoke_credential(make.penalty, "c1", make.intent(at=5))
    assert not await ledger.revoke_credential(make.penalty, "c1", make.intent(at=9))
    assert [one.revoked_at for one in await ledger.credentials()] == [make.at(5), None]
    for platform, name in ((make.credit, "c2"), (make.penalty, "c3")):
        with pytest.raises(NotFound) as absent:
            await ledger.revoke_credential(platform, name, make.intent())
        assert absent.value.code == "credential.absent"
    actions = [each.action for each in await ledger.audit(make.penalty)]
    assert actions == ["platform.put", *2 * ["credential.added"], "credential.revoked"]


async def test_unknown_platform(ledger: Any, make: Any) -> None:
    """A platform nobody registered can be neither held nor released."""
    for call in (
        ledger.hold_platform("nobody.000000", make.hold(), make.intent()),
        ledger.release_platform("nobody.000000", HeldBy.PAUSED, make.intent()),
    ):
        with pytest.raises(NotFound):
            await call


async def test_once_under_a_key(play: Any, ledger: Any, make: Any) -> None:
    """Whatever is done to a platform is done once under a key and answered the same; another request is a conflict."""
    await play.accept("m1", to=[None])
    calls = {
        "put": lambda key: ledger.put_platform(make.platform(), make.intent(key=key), make.takes()),
        "hold": lambda key: ledger.hold_platform(make.penalty, make.hold(), make.intent(key=key)),
        "release": lambda key: ledger.release_platform(make.penalty, HeldBy.PAUSED, make.intent(key=key)),
        "credential": lambda key: ledger.add_credential(make.credential(), make.intent(key=key)),
        "revoke": lambda key: ledger.revoke_credential(make.penalty, "c1", make.intent(key=key)),
        "discard": lambda key: ledger.discard("m1/0", make.intent(key=key)),
        "delete": lambda key: ledger.delete_platform(make.penalty, make.intent(key=key)),
    }
    for name, call in calls.items():
        assert await call(name) == await call(name)
    with pytest.raises(Conflict) as error:
        await calls["hold"]("delete")
    assert error.value.code == "idempotency.key-reused"
    actions = [each.action for each in await ledger.audit(make.penalty)]
    platform, credential = ("put", "held", "released"), ("added", "revoked")
    expected = [*(f"platform.{one}" for one in platform), *(f"credential.{one}" for one in credential)]
    expected.append("platform.deleted")
    assert actions == expected


async def test_audited_without_secrets(play: Any, ledger: Any, make: Any, penalty: Any) -> None:
    """What was done to a platform is recorded, what changed nothing is not, and no setting is written there."""
    for seconds in (1, 2):
        await ledger.hold_platform(make.penalty, make.hold(at=seconds), make.intent("检修", at=seconds))
    await ledger.add_credential(make.credential(), make.intent(at=3))
    entries = await ledger.audit(make.penalty)
    assert [each.action for each in entries] == ["platform.put", "platform.held", "credential.added"]
    assert (entries[1].reason, entries[1].detail) == ("检修", {"by": "paused"})
    assert "base_url" not in str(entries)
    assert "hash" not in str(entries)
