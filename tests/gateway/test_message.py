from __future__ import annotations

import pytest

from gateway.message import OPEN, SETTLED, TRANSITIONS, State, drawing, may_pass


def test_every_state_has_its_steps() -> None:
    """The table speaks of every state, and steps lead only to states."""
    assert set(TRANSITIONS) == set(State)
    assert {after for steps in TRANSITIONS.values() for after in steps} <= set(State)


def test_open_settled_or_unrouted() -> None:
    """Every state is exactly one of open, settled and unrouted."""
    assert OPEN | SETTLED | {State.UNROUTED} == set(State)
    assert not OPEN & SETTLED


@pytest.mark.parametrize("state", [State.DELIVERED, State.DISCARDED])
def test_ends(state: State) -> None:
    """What was delivered or discarded stays so."""
    assert not TRANSITIONS[state]


def test_every_state_can_be_reached() -> None:
    """From ready and unrouted every other state can be reached."""
    reached = {State.READY, State.UNROUTED}
    for _ in State:
        reached |= {after for before in reached for after in TRANSITIONS[before]}
    assert reached == set(State)


def test_only_through_sending() -> None:
    """Nothing is delivered or refused that was not sent; dead without sending is only what cannot be translated."""
    assert [state for state in State if may_pass(state, State.DELIVERED)] == [State.SENDING]
    assert [state for state in State if may_pass(state, State.REFUSED)] == [State.SENDING]
    assert [state for state in State if may_pass(state, State.DEAD)] == [State.READY, State.SENDING]


def test_drawing() -> None:
    """The drawing is mermaid and has a line for every step."""
    lines = drawing().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert "    [*] --> ready" in lines
    assert "    delivered --> [*]" in lines
    steps = {f"    {before} --> {after}" for before, steps in TRANSITIONS.items() for after in steps}
    assert steps <= set(lines)
    assert len(lines) == 1 + 2 + len(steps) + len(SETTLED)
