"""The judge is itself tried: each kind of harm, done on purpose to the records, must be seen."""

import dataclasses

import oracle
import pytest

PLATFORM = "penalty.330000"
TOLD = [oracle.Told("a", "case-1", place, f"m{place}", ((PLATFORM, f"d{place}"),)) for place in range(3)]
KEPT = [oracle.Kept(f"m{place}", f"d{place}", PLATFORM, "lane-1", "delivered", 1, ("accepted",)) for place in range(3)]
RECEIVED = [
    oracle.Received(PLATFORM, f"d{place}", place, 1, True, (oracle.Arrival(place, place + 0.1),)) for place in range(3)
]
AGAIN = dataclasses.replace(RECEIVED[0], times=2, arrivals=(oracle.Arrival(0, 0.1), oracle.Arrival(2, 2.1)))
TWICE = dataclasses.replace(KEPT[0], attempts=2, verdicts=("retry", "accepted"))


def test_a_faultless_run_has_no_faults_and_is_counted():
    """Three documents told, kept and received in order are three of each and no fault."""
    judgement = oracle.judge(TOLD, KEPT, RECEIVED)
    assert judgement.faults == []
    assert judgement.counts["told accepted"] == judgement.counts["received by doubles"] == 3
    assert judgement.counts["accepted"] == judgement.counts["delivered"] == 3


@pytest.mark.parametrize(
    ("kept", "received", "harm"),
    [
        pytest.param(KEPT[1:], RECEIVED[1:], oracle.LOST, id="an accepted message is missing from the ledger"),
        pytest.param(
            [*KEPT, oracle.Kept("m9", "d9", PLATFORM, "lane-1", "delivered")],
            RECEIVED,
            oracle.LOST,
            id="a settled delivery that no client was told of never arrived",
        ),
        pytest.param(KEPT, RECEIVED[:-1], oracle.LOST, id="a settled delivery never arrived"),
        pytest.param(
            KEPT,
            [dataclasses.replace(RECEIVED[0], accepted=False), *RECEIVED[1:]],
            oracle.LOST,
            id="what the platform refused counts as delivered",
        ),
        pytest.param(
            [dataclasses.replace(KEPT[0], state="sending"), *KEPT[1:]],
            RECEIVED,
            oracle.STUCK,
            id="a delivery is never settled",
        ),
        pytest.param(
            [dataclasses.replace(KEPT[0], state="discarded"), *KEPT[1:]],
            RECEIVED,
            oracle.STUCK,
            id="a delivery was given up, and nobody asked for it",
        ),
        pytest.param(
            [*KEPT, dataclasses.replace(KEPT[0], delivery_id="d9")],
            [*RECEIVED, dataclasses.replace(RECEIVED[0], key="d9", place=3)],
            oracle.TWO_KEYS,
            id="one message went out under two keys",
        ),
        pytest.param(
            KEPT,
            [*RECEIVED, dataclasses.replace(RECEIVED[0], key="d9", place=3)],
            oracle.TWO_KEYS,
            id="a key nobody kept",
        ),
        pytest.param(
            KEPT,
            [dataclasses.replace(one, place=2 - one.place) for one in RECEIVED],
            oracle.OUT_OF_ORDER,
            id="a lane ran backwards",
        ),
        pytest.param(
            [dataclasses.replace(one, lane=one.delivery_id) for one in KEPT],
            [dataclasses.replace(one, place=2 - one.place) for one in RECEIVED],
            oracle.OUT_OF_ORDER,
            id="a case ran backwards in lanes of their own",
        ),
        pytest.param(
            [dataclasses.replace(TWICE, verdicts=("accepted", "accepted")), *KEPT[1:]],
            RECEIVED,
            oracle.RESENT,
            id="an accepted delivery was tried again",
        ),
        pytest.param(
            KEPT, [AGAIN, *RECEIVED[1:]], oracle.RESENT, id="a key came twice, and one attempt is in the ledger"
        ),
        pytest.param(
            [TWICE, *KEPT[1:]], [AGAIN, *RECEIVED[1:]], oracle.RESENT, id="a key came again after it was answered"
        ),
    ],
)
def test_each_kind_of_harm_is_seen(kept, received, harm):
    """A record with one harm in it is judged to have it."""
    assert oracle.judge(TOLD, kept, received).harms[harm] > 0


@pytest.mark.parametrize(
    "explained",
    [
        pytest.param({"disturbances": [oracle.Disturbance("gateway killed", 1, 1.5)]}, id="the gateway was killed"),
        pytest.param({"replayed": {"d0"}}, id="an operator asked for it"),
    ],
)
def test_what_has_a_reason_is_no_harm(explained):
    """A key may come again when its answer may have been lost since, or when an operator asked for that."""
    assert oracle.judge(TOLD, [TWICE, *KEPT[1:]], [AGAIN, *RECEIVED[1:]], **explained).faults == []


def test_a_disturbance_before_or_after_explains_nothing():
    """Only what happened between the two arrivals can have made the answer doubtful."""
    disturbances = [oracle.Disturbance("gateway killed", began, began + 0.5) for began in (-1.0, 3.0)]
    judgement = oracle.judge(TOLD, [TWICE, *KEPT[1:]], [AGAIN, *RECEIVED[1:]], disturbances=disturbances)
    assert judgement.harms[oracle.RESENT] == 1


def test_what_an_operator_gave_up_need_not_arrive():
    """A delivery that was discarded because somebody asked for it is neither stuck nor lost."""
    kept = [dataclasses.replace(KEPT[0], state="discarded", attempts=0, verdicts=()), *KEPT[1:]]
    judgement = oracle.judge(TOLD, kept, RECEIVED[1:], discarded={"d0"})
    assert judgement.faults == []
    assert judgement.counts["accepted"] == judgement.counts["delivered"] == 2


def test_the_judge_uses_no_code_of_the_gateway(pytestconfig):
    """Neither the judge nor what reads the records for it imports what it judges."""
    for name in ("acceptance/oracle.py", "chaos/records.py", "chaos/journal.py"):
        text = (pytestconfig.rootpath / "tests" / name).read_text(encoding="utf-8")
        assert not any(
            f"{word} {layer}" in text for word in ("from", "import") for layer in ("gateway", "adapters", "schemas")
        )
