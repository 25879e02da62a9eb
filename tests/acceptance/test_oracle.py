"""The judge of the kill test is itself tried: each kind of harm, done on purpose, must be seen."""

import dataclasses

import oracle
import pytest

TOLD = [oracle.Told("a", "case-1", place, f"m{place}") for place in range(3)]
KEPT = [oracle.Kept(f"m{place}", f"d{place}", "penalty.330000", "lane-1", "delivered") for place in range(3)]
RECEIVED = [oracle.Received("penalty.330000", f"d{place}", place, 1) for place in range(3)]


def test_a_faultless_run_has_no_faults_and_is_counted():
    """Three documents told, kept and received in order are three of each and no fault."""
    judgement = oracle.judge(TOLD, KEPT, RECEIVED)
    assert judgement.faults == []
    assert judgement.counts["told accepted"] == judgement.counts["received by doubles"] == 3


@pytest.mark.parametrize(
    ("kept", "received", "fault"),
    [
        pytest.param(KEPT[1:], RECEIVED[1:], "lost", id="an accepted message is missing from the ledger"),
        pytest.param(KEPT, RECEIVED[:-1], "never received", id="a settled delivery never arrived"),
        pytest.param(
            [dataclasses.replace(KEPT[0], state="sending"), *KEPT[1:]],
            RECEIVED,
            "not settled",
            id="a settle was dropped",
        ),
        pytest.param(
            [*KEPT, dataclasses.replace(KEPT[0], delivery_id="d9")],
            [*RECEIVED, oracle.Received("penalty.330000", "d9", 3, 1)],
            "two keys",
            id="one message went out under two keys",
        ),
        pytest.param(
            KEPT, [*RECEIVED, oracle.Received("penalty.330000", "d9", 3, 1)], "from nowhere", id="a key nobody kept"
        ),
        pytest.param(
            KEPT,
            [dataclasses.replace(one, place=2 - one.place) for one in RECEIVED],
            "out of order",
            id="a lane ran backwards",
        ),
    ],
)
def test_each_kind_of_harm_is_seen(kept, received, fault):
    """A record with one harm in it is judged to have it."""
    assert any(one.startswith(fault) for one in oracle.judge(TOLD, kept, received).faults)
