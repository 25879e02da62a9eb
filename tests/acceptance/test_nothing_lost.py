"""Kill the gateway again and again under load, then compare what was told, kept and received."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import oracle
import pytest
from town import Town, town
from traffic import PENALTY, Client

from gateway.demo.processes import Served, gateway

KILLS = int(os.environ.get("KILLS", "20"))
DRAIN_SECONDS = 90.0


def settle_everybody(place: Town) -> None:
    """Register the penalty platform that speaks and the four that listen."""
    place.settle_down(PENALTY, "canonical")
    place.settle_down("mobile-enforcement.330000", "mobile-enforcement")
    place.settle_down("credit-publicity.330000", "credit-publicity")
    place.settle_down("pollutant-permit.000000", "pollutant-permit")
    place.settle_down("pollutant-permit.330000", "pollutant-permit")


def judge(place: Town, clients: list[Client]) -> oracle.Judgement:
    """Read the three records and compare them."""
    told = [one for client in clients for one in client.told]
    kept = [
        oracle.Kept(one["message_id"], one["id"], one["platform"], one["lane"], one["state"])
        for one in place.deliveries()
    ]
    received = [
        oracle.Received(platform, one["key"], index, one["times"])
        for platform in place.doubles
        for index, one in enumerate(place.received(platform))
    ]
    return oracle.judge(told, kept, received)


def show(judgement: oracle.Judgement, **more: int) -> None:
    """Print the counts and the first faults."""
    print()
    for name, count in {**more, **judgement.counts}.items():
        print(f"  {name:<42}{count:>8}")
    for fault in judgement.faults[:20]:
        print(f"  FAULT {fault}")


@pytest.mark.limit(180 + 15 * KILLS)
def test_nothing_is_lost_reordered_or_doubled_when_the_gateway_is_killed(tmp_path: Path):
    """Every 202 survives SIGKILL: delivered at least once, in order in its lane, under one key."""
    random.seed(20261123)
    with town(tmp_path) as place:
        settle_everybody(place)
        clients = [Client(name, place) for name in "abcd"]
        for client in clients:
            client.start()
        for _ in range(KILLS):
            time.sleep(random.uniform(0.05, 0.7))
            place.gateway.kill()
            place.gateway.start()
            place.gateway.wait_until_serving()
        for client in clients:
            client.finish()
        assert place.drained(DRAIN_SECONDS), place.operator("GET", "/v1/deliveries?state=dead")
        judgement = judge(place, clients)
        show(judgement, kills=KILLS)
        assert judgement.faults == []
        assert judgement.counts["told accepted"] >= 300
        assert all(one["valid"] for platform in place.doubles for one in place.received(platform))


def sabotaged(folder: Path, *, admin_token: str, adapters: str) -> Served:
    """Describe a gateway that forgets one settle."""
    served = gateway(folder, admin_token=admin_token, adapters=adapters)
    served.command = [served.command[0], str(Path(__file__).with_name("forgetful_gateway.py"))]
    return served


def test_the_judge_sees_a_single_dropped_settle(tmp_path: Path):
    """A gateway that drops a settle on purpose is found out: the kill test can fail."""
    with town(tmp_path, sabotaged) as place:
        settle_everybody(place)
        client = Client("a", place)
        client.start()
        while len(client.told) < 40:
            time.sleep(0.05)
        client.finish()
        place.drained(5)
        judgement = judge(place, [client])
        show(judgement)
        assert any(fault.startswith("not settled") for fault in judgement.faults)
