"""A platform behind a one-way gate, as a real process that fetches, while everything around it goes wrong."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import oracle
import pytest
from town import Town, town
from traffic import PENALTY, Client

from gateway.demo.processes import Served, double, gateway

MOBILE = "mobile-enforcement.330000"


def leasing(seconds: int) -> Callable[..., Served]:
    """Give what describes a gateway whose leases last so long."""
    return partial(gateway, lease_seconds=str(seconds))


def register(place: Town, mode: str) -> None:
    """Register the enforcement system: as one that is called, or as one that fetches."""
    base_url = place.doubles[MOBILE].url
    body = {"adapter": "fast-mobile-enforcement", "settings": {"base_url": base_url, "token": "t"}, "mode": mode}
    place.operator("PUT", f"/v1/platforms/{MOBILE}", json=body)


def move_in(place: Town) -> None:
    """Let a penalty system in that speaks, and an enforcement system that fetches what comes of it."""
    place.settle_down(PENALTY, "canonical")
    served = place.doubles[MOBILE] = double(
        str(place.folder / "bundles" / "fast-mobile-enforcement"), place.folder, name=MOBILE
    )
    register(place, "pull")
    credential = place.operator("POST", f"/v1/platforms/{MOBILE}/credentials")["credential"]
    place.credentials[MOBILE] = credential
    secret = place.folder / "credential"
    secret.write_text(credential, encoding="utf-8")
    served.command = [*served.command, "--pull", place.gateway.url, "--credential", f"@{secret}"]
    served.start()
    served.wait_until_serving()


def fetched(place: Town, **query: Any) -> list[dict[str, Any]]:
    """Ask for the enforcement system's inbox by hand."""
    headers = {"Authorization": f"Bearer {place.credentials[MOBILE]}"}
    answer = httpx.get(f"{place.gateway.url}/v1/inbox", params=query, headers=headers, timeout=90)
    answer.raise_for_status()
    deliveries: list[dict[str, Any]] = answer.json()["deliveries"]
    return deliveries


def judge(place: Town, clients: list[Client]) -> oracle.Judgement:
    """Compare what was told, kept and received."""
    told = [one for client in clients for one in client.told]
    kept = [
        oracle.Kept(one["message_id"], one["id"], one["platform"], one["lane"], one["state"])
        for one in place.deliveries()
        if one["platform"] == MOBILE
    ]
    received = [
        oracle.Received(MOBILE, one["key"], index, one["times"]) for index, one in enumerate(place.received(MOBILE))
    ]
    return oracle.judge(told, kept, received)


def settled(place: Town, seconds: float) -> bool:
    """Wait until nothing is left for the enforcement system."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        left = [
            one
            for state in ("ready", "sending", "waiting", "held", "dead")
            for one in place.operator("GET", f"/v1/deliveries?state={state}&platform={MOBILE}")["deliveries"]
        ]
        if not left:
            return True
        time.sleep(0.2)
    return False


@pytest.mark.limit(300)
def test_nothing_is_lost_behind_a_gate(tmp_path: Path):
    """Killed gateways, receipts that are lost and switches to push and back: each once a key, in order."""
    random.seed(20261127)
    with town(tmp_path, leasing(2)) as place:
        move_in(place)
        clients = [Client(name, place) for name in "abc"]
        for client in clients:
            client.start()
        for turn in range(3):
            time.sleep(random.uniform(0.2, 0.8))
            place.gateway.kill()
            place.gateway.start()
            place.gateway.wait_until_serving()
            place.faults(MOBILE, **({"reset_after_accept": True} if turn % 3 == 0 else {}))
            time.sleep(random.uniform(0.1, 0.5))
            register(place, "push" if turn % 2 else "pull")
        place.faults(MOBILE)
        register(place, "pull")
        for client in clients:
            client.finish()
        assert settled(place, 90), place.operator("GET", f"/v1/deliveries?platform={MOBILE}")
        judgement = judge(place, clients)
        print()
        for name, count in judgement.counts.items():
            print(f"  {name:<42}{count:>8}")
        assert judgement.faults == []
        assert judgement.counts["told accepted"] >= 100
        assert judgement.counts["received again under the same key"] > 0, "a receipt was lost"
        assert all(one["valid"] for one in place.received(MOBILE))


def test_a_lease_outlives_a_killed_gateway(tmp_path: Path):
    """Killed while something is leased: it stays leased until its moment, and its receipt is taken meanwhile."""
    with town(tmp_path, leasing(20)) as place:
        place.settle_down(PENALTY, "canonical")
        place.doubles[MOBILE] = double("mobile-enforcement", tmp_path)  # never started: nobody can call it
        register(place, "pull")
        place.credentials[MOBILE] = place.operator("POST", f"/v1/platforms/{MOBILE}/credentials")["credential"]
        for case in ("AJ-1", "AJ-2"):
            document = {"case_number": case, "node": "filed", "at": "2026-09-01T09:00:00+08:00"}
            place.submit(PENALTY, "case.progressed", document)
        first, second = fetched(place)
        place.gateway.kill()
        place.gateway.start()
        place.gateway.wait_until_serving()
        states = {one["id"]: one["state"] for one in place.deliveries()}
        assert states == {first["delivery_id"]: "sending", second["delivery_id"]: "sending"}
        path = f"/v1/inbox/{first['delivery_id']}/receipt"
        answer = place.post(MOBILE, path, json={"verdict": "accepted", "attempt": first["attempt"]})
        assert (answer.status_code, answer.json()["state"]) == (200, "delivered")
        [again] = fetched(place, wait=60)
        assert (again["delivery_id"], again["attempt"]) == (second["delivery_id"], 2)
        assert base64.b64decode(again["body_base64"]) == base64.b64decode(second["body_base64"])
