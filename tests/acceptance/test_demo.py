"""The demo is the main job: five platforms linked end to end, and everything counted from both records."""

from __future__ import annotations

import json
import subprocess
import sys

from gateway.demo.story import PLATFORMS, STORY


def test_the_story_is_delivered_and_confirmed_by_every_double():
    """`hutong demo --once` ends with 0, and each delivery it sent is in the receiving double's own record."""
    command = [sys.executable, "-m", "gateway.cli.main", "demo", "--once", "--json"]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    told = json.loads(done.stdout)
    expected = sum(len(step.destinations) for step in STORY)
    assert told["counts"]["sent"] == told["counts"]["delivered"] == told["counts"]["confirmed"] == expected
    assert told["counts"]["lost"] == 0
    assert told["told"]["sent"] == told["told"]["confirmed"] > 0
    assert told["assessment"]["met"] > told["assessment"]["missed"]
    fines = next(one for one in told["report"]["figures"] if one["figure"] == "fines")
    assert (fines["denominator"], fines["numerator"]) == (1, "180000.00")
    assert {one["to"] for one in told["deliveries"]} == set(PLATFORMS)


def test_the_story_shows_what_the_law_asks_for():
    """The decision, which names no permit, is written back to the permit platform: the case knew the number."""
    decision = next(step for step in STORY if step.operation == "decision")
    assert b"PWXKZBH" not in decision.body({"case": "1"})
    assert "pollutant-permit.000000" in decision.destinations
