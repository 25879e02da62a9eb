"""One dead platform harms nobody else: real processes, one down, one slow, the others at their pace."""

from __future__ import annotations

import time
from pathlib import Path

from town import Town, town
from traffic import PENALTY, documents

DEAD = "mobile-enforcement.330000"
SLOW = "credit-publicity.330000"
WELL = "pollutant-permit.000000"
CASES = 30
SLOW_SECONDS = 5


def tell(place: Town, first: int, last: int) -> None:
    """Let the penalty platform tell whole cases."""
    for number in range(first, last):
        for message_type, document in documents(f"CF-B-{number}"):
            assert place.submit(PENALTY, message_type, document)["message_id"]


def seconds_until_received(place: Town, platform: str, count: int, patience: float) -> float:
    """Measure until a double has taken so many; the patience when it never does."""
    start = time.monotonic()
    while time.monotonic() - start < patience:
        if len(place.received(platform)) >= count:
            return time.monotonic() - start
        time.sleep(0.05)
    return patience


def test_a_dead_and_a_slow_platform_slow_nobody_else(tmp_path: Path):
    """The well one keeps its pace; the dead one's deliveries are held, and flow in order when it returns."""
    with town(tmp_path) as place:
        for platform, adapter in ((PENALTY, "canonical"), (WELL, "pollutant-permit"), (SLOW, "credit-publicity")):
            place.settle_down(platform, adapter)
        place.settle_down(DEAD, "mobile-enforcement")
        tell(place, 0, CASES)
        undisturbed = seconds_until_received(place, WELL, CASES, 30)

        place.doubles[DEAD].kill()
        place.faults(SLOW, latency_ms=SLOW_SECONDS * 1000)
        tell(place, CASES, 2 * CASES)
        disturbed = seconds_until_received(place, WELL, 2 * CASES, 30)
        print(f"\n  the well platform after the last 202: {undisturbed:.2f} s alone, {disturbed:.2f} s beside the sick")
        assert disturbed < SLOW_SECONDS

        assert held(place), "nothing is held for the dead platform"
        place.faults(SLOW)
        before = len(place.received(WELL))
        place.doubles[DEAD].start()
        place.doubles[DEAD].wait_until_serving()
        assert place.drained(60), place.operator("GET", f"/v1/platforms/{DEAD}")
        assert len(place.received(WELL)) == before
        assert in_order(place)


def held(place: Town) -> bool:
    """Wait until the dead platform's breaker holds what is for it."""
    for _ in range(100):
        page = place.operator("GET", f"/v1/deliveries?state=held&platform={DEAD}")
        if any(one["held_by"] == "breaker" for one in page["deliveries"]):
            return True
        time.sleep(0.1)
    return False


def in_order(place: Town) -> bool:
    """Tell whether the returned platform took each case's documents in the order they were told."""
    positions = {one["id"]: (one["lane"], one["position"]) for one in place.deliveries() if one["platform"] == DEAD}
    lanes: dict[str, list[int]] = {}
    for one in place.received(DEAD):
        lane, position = positions[one["key"]]
        lanes.setdefault(lane, []).append(position)
    return bool(lanes) and all(taken == sorted(taken) for taken in lanes.values())
