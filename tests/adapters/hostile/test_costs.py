"""What a hostile body costs: twice the bytes at most two and a half times the time, and bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.adapter import bundled
from adapters.formats import BODY_FORMATS

MEASURING = Path(__file__).parents[2] / "fuzz" / "measuring.py"
TIMES = 2.5
FREE_SECONDS = 0.02
"""Less is the noise of the machine."""

AGAIN = 5
"""What is too dear is so each time it is measured; what the machine's other work made dear once is not."""

MEMORY_A_BYTE = 40
FREE_MEMORY = 16 * 1024 * 1024


def _costs(name: str, *only: str) -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, MEASURING, name, *only], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _dear(cost: dict[str, Any]) -> bool:
    if "full" not in cost:
        return True  # the reader ended its own process
    slow = cost["full"] > TIMES * max(cost["half"], FREE_SECONDS) * max(1.0, cost["bytes"] / cost["half_bytes"] / 2)
    return slow or cost["peak"] > MEMORY_A_BYTE * cost["bytes"] + FREE_MEMORY


@pytest.mark.parametrize("name", [*BODY_FORMATS, *bundled()])
def test_a_hostile_body_costs_what_it_weighs(name: str) -> None:
    """Bodies, replies and answers to queries, in every format and for every bundled adapter."""
    costs = _costs(name)
    assert len(costs) >= (4 if name in BODY_FORMATS else 1)
    dear = [cost for cost in costs if _dear(cost)]
    for _ in range(AGAIN):
        if dear:
            dear = [cost for cost in _costs(name, *(cost["case"] for cost in dear)) if _dear(cost)]
    assert dear == []
