from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Conflict, Invalid
from gateway.ledger import decisions
from gateway.ledger.records import Claim, Hold, Platform, Settlement
from gateway.message import HELD, SENDABLE, TRANSITIONS, Attempt, Delivery, HeldBy, State

NOW = datetime(2026, 9, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
PLATFORM = Platform("penalty.330000", "penalty", "330000", "penalty", {}, NOW)


def delivery(state: State = State.READY, **fields: Any) -> Delivery:
    """A delivery in a state, at its first attempt."""
    return Delivery(
        "d1", "m", "t", "penalty", PLATFORM.id, "L", state, NOW, **{"attempts": 1, "tried_for": 9.0, **fields}
    )


def hold(by: HeldBy, type: str | None = None) -> Hold:
    """A hold of the platform, or of one endpoint of it."""
    return Hold(by, NOW, type=type)


# ── steps ─────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("state", State)
def test_settled_only_as_the_table_says(state: State) -> None:
    """An attempt can end only in a state that sending may pass to."""
    settlement = Settlement(Attempt("d1", 1, NOW, LATER, "x"), state, tried_for=12.5)
    if state in TRANSITIONS[State.SENDING]:
        settled = decisions.settled(delivery(State.SENDING), settlement)
        assert (settled.state, settled.tried_for, settled.changed_at) == (state, 12.5, LATER)
        assert settled.due_at == (LATER if state is State.WAITING else None)
    else:
        with pytest.raises(Conflict):
            decisions.settled(delivery(State.SENDING), settlement)


@pytest.mark.parametrize("now", [delivery(), delivery(State.SENDING, attempts=2), delivery(State.DELIVERED)])
def test_settled_by_the_attempt_under_way(now: Delivery) -> None:
    """Only the attempt that is under way settles a delivery."""
    with pytest.raises(Conflict) as error:
        decisions.settled(now, Settlement(Attempt("d1", 1, NOW, NOW, "x"), State.DELIVERED))
    assert error.value.code == "settle.stale"


def test_unbegun() -> None:
    """An attempt that is taken back is not counted; doubt stays, and a first one takes its adapter with it."""
    first = decisions.begun(delivery(attempts=0), "a@1", NOW)
    assert decisions.unbegun(first, NOW) == delivery(attempts=0, changed_at=NOW)
    second = decisions.begun(delivery(attempts=1, adapter="a@1", in_doubt=True), "a@2", NOW)
    back = decisions.unbegun(second, NOW)
    assert (back.attempts, back.adapter, back.in_doubt) == (1, "a@1", True)


@pytest.mark.parametrize("state", State)
def test_operators_hold_what_could_go(state: State) -> None:
    """An operator holds what is ready or waiting, once; to release it starts the time to give up anew."""
    if state not in SENDABLE:
        with pytest.raises(Conflict):
            decisions.held(delivery(state), NOW)
        return
    held = decisions.held(delivery(state), NOW)
    assert (held.state, held.held_at) == (state, NOW)
    assert decisions.held(held, LATER) == held
    assert decisions.released(held) == delivery(state, tried_for=0.0)
    with pytest.raises(Conflict):
        decisions.released(delivery(state))


def test_replayed() -> None:
    """Dead and refused ones go again themselves; a delivered one again as another; what moved on only when asked."""
    for state in (State.DEAD, State.REFUSED):
        again = decisions.replayed(delivery(state), "d2", NOW, moved_on=False, stale_ok=False)
        assert (again.id, again.state, again.tried_for) == ("d1", State.READY, 0.0)
    copy = decisions.replayed(delivery(State.DELIVERED), "d2", NOW, moved_on=True, stale_ok=True)
    assert (copy.id, copy.replay_of, copy.attempts) == ("d2", "d1", 0)
    with pytest.raises(Conflict) as error:
        decisions.replayed(delivery(State.DEAD), "d2", NOW, moved_on=True, stale_ok=False)
    assert error.value.code == "lane.moved_on"


# ── holds ─────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("state", State)
def test_only_what_could_be_sent_is_shown_held(state: State) -> None:
    """Holds show on what is ready or waiting, and on nothing else; the state that is kept stays."""
    shown = decisions.shown(delivery(state), [hold(HeldBy.BREAKER), hold(HeldBy.PAUSED)], parked=True)
    assert shown.state is state
    assert shown.shown == (HELD if state in SENDABLE else state)
    assert shown.held_by == (HeldBy.LANE if state in SENDABLE else None)


def test_first_reason_is_shown() -> None:
    """Of several reasons the first in the order of `HeldBy` is shown, in whatever order they came."""
    for some in permutations((HeldBy.PAUSED, HeldBy.CREDENTIALS, HeldBy.BREAKER)):
        assert decisions.held_by(delivery(), [hold(by) for by in some], parked=False) is HeldBy.PAUSED
    assert decisions.held_by(delivery(held_at=NOW), [hold(HeldBy.PAUSED)], parked=True) is HeldBy.OPERATOR


def test_endpoint_holds_its_own() -> None:
    """The hold of an endpoint is about its message type alone."""
    assert decisions.held_by(delivery(), [hold(HeldBy.ENDPOINT, "t")], parked=False) is HeldBy.ENDPOINT
    assert decisions.held_by(delivery(), [hold(HeldBy.ENDPOINT, "other")], parked=False) is None


@pytest.mark.parametrize("by", [HeldBy.PAUSED, HeldBy.CREDENTIALS, HeldBy.BREAKER, HeldBy.ENDPOINT])
def test_probe_looks_past_what_may_have_passed(by: HeldBy) -> None:
    """A probe looks past the holds of breakers, for it is to find out; past nothing else."""
    holds = [hold(by, "t" if by is HeldBy.ENDPOINT else None)]
    assert not decisions.may_send(delivery(), holds, probe=False)
    assert decisions.may_send(delivery(), holds, probe=True) is (by in (HeldBy.BREAKER, HeldBy.ENDPOINT))
    assert not decisions.may_send(delivery(held_at=NOW), [], probe=True)


# ── claims, platforms, pages ──────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("now", [(None, None), ("me", 2), ("other", 1)])
def test_lost_claim(now: tuple[str | None, int | None]) -> None:
    """A claim is lost when another owner or epoch has the platform."""
    decisions.verify_claim(Claim(PLATFORM.id, "me", 1), "me", 1)
    with pytest.raises(Conflict) as error:
        decisions.verify_claim(Claim(PLATFORM.id, "me", 1), *now)
    assert error.value.code == "claim.lost"


@given(st.sets(st.sampled_from([HeldBy.PAUSED, HeldBy.CREDENTIALS, HeldBy.BREAKER])))
def test_changed_platform(holds: set[HeldBy]) -> None:
    """A platform that is changed keeps its birth and its holds, but for credentials: they may be others now."""
    before = Platform(PLATFORM.id, "penalty", "330000", "old", {}, NOW, revision=3, holds=tuple(map(hold, holds)))
    after = decisions.registered(
        Platform(PLATFORM.id, "penalty", "330000", "new", {}, LATER, holds=(hold(HeldBy.LANE),)), before, 7
    )
    assert (after.adapter, after.created_at, after.revision) == ("new", NOW, 7)
    assert after.held_by() == holds - {HeldBy.CREDENTIALS}


@pytest.mark.parametrize("cursor", ["", "-1", "1.5", "一", "٣", "1" * 30, "x"])
def test_unknown_cursors_are_refused(cursor: str) -> None:
    """Anything that is not a number is refused."""
    with pytest.raises(Invalid):
        decisions.read_cursor(cursor)
    assert decisions.read_cursor("42") == 42
    assert decisions.read_cursor(None) is None
