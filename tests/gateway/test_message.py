from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.message import OPEN, SETTLED, TRANSITIONS, Attempt, State, drawing, may_pass, reached


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


START = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


def attempt(number: int, level: str | None, answered: bytes | None = b"") -> Attempt:
    """An attempt whose answer proves so much."""
    at = START + timedelta(minutes=number)
    digest = None if answered is None else bytes([number]) * 32
    return Attempt("d-1", number, at, at, "retry", level=level, answered=digest)


def test_levels_are_reached_by_the_first_answer_that_shows_them() -> None:
    """Each with when it came and its digest; a higher one includes those below."""
    found = reached([attempt(1, None), attempt(2, "transport"), attempt(3, "transport"), attempt(4, "business")])
    assert [(each.level, each.attempt) for each in found] == [("transport", 2), ("schema", 4), ("business", 4)]
    assert (found[0].at, found[0].digest) == (START + timedelta(minutes=2), b"\2" * 32)


def test_a_level_that_is_not_known_is_absent() -> None:
    """Without an answer, and of attempts from before levels were kept, nothing is said."""
    assert reached([]) == []
    assert reached([attempt(1, None), attempt(2, "business", None)]) == []
    assert [each.level for each in reached([attempt(1, "schema")])] == ["transport", "schema"]
