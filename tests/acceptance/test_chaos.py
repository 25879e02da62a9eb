"""The short form of `make chaos`: some faults while documents flow; and its judge, tried by gateways with real bugs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import oracle
import pytest
import rounds
from faults import kinds_for
from stage import Machine

PLANTED = Path(__file__).parents[1] / "chaos" / "planted"
FAULTS = (
    "gateway killed",
    "gateway frozen",
    "connection cut before commit",
    "connection cut after commit",
    "PostgreSQL killed",
    "Redis flushed",
    "double resets after accept",
    "storm of 429",
    "half-closed clients",
    "two operators replay",
    "platform registered anew",
)

pytestmark = [pytest.mark.postgresql, pytest.mark.limit(300)]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """PostgreSQL, Redis and the doubles."""
    with Machine(tmp_path_factory.mktemp("chaos"), "postgresql", gateways=2, clocks=False) as machine:
        yield machine


def played(machine: Machine, folder: Path, what: rounds.Plan, *, plant: str = "", drain: float = rounds.DRAIN):
    """Play a round."""
    place = PLANTED / plant if plant else None
    return rounds.run(
        machine, what, folder, kinds=kinds_for(machine.ledger), clients=3, pause=0.05, plant=place, drain=drain
    )


def test_two_gateways_lose_double_and_reorder_nothing_whatever_fails(machine: Machine, tmp_path: Path):
    """Killed, frozen and cut off, on a database, a Redis and platforms that fail: each 202 is delivered as promised."""
    machine.gateways = 2
    what = rounds.plan(20261127, 0, kinds=FAULTS, seconds=6, faults=len(FAULTS))
    outcome = played(machine, tmp_path / "round", what)
    assert outcome.problems == [], outcome.judgement.counts
    assert set(outcome.injected) == set(FAULTS)
    assert outcome.judgement.counts["accepted"] >= 50


@pytest.mark.parametrize(
    ("plant", "gateways", "around", "harm"),
    [
        pytest.param("dropped_settle", 1, "", oracle.STUCK, id="a settle is dropped"),
        pytest.param("skipped_fence", 2, "slow bodies", oracle.RESENT, id="the fence is skipped"),
        pytest.param("reordered_lane", 1, "storm of 429", oracle.OUT_OF_ORDER, id="a lane is reordered"),
        pytest.param("two_keys", 1, "", oracle.TWO_KEYS, id="a document is sent under two keys"),
    ],
)
def test_the_judge_finds_a_gateway_out(
    machine: Machine, tmp_path: Path, plant: str, gateways: int, around: str, harm: str
):
    """A bug that was planted into a real gateway is seen for what it is; nothing `around` it explains that."""
    machine.gateways = gateways
    faults = tuple((at, around) for at in (0.5, 0.6, 0.7, 0.8) if around)
    outcome = played(machine, tmp_path / "round", rounds.Plan("planted", 4, faults), plant=plant, drain=6)
    assert outcome.judgement.harms[harm] > 0, outcome.problems
