"""Deadlines of all cases from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def case(remote: Any, tmp_path: Path) -> str:
    """A case whose decision came late."""
    added = remote("platform", "add", "penalty.330100", "--adapter", "canonical", "--set", "token=t",
                   "--set", "base_url=http://127.0.0.1:9")  # fmt: skip
    assert added.code == 0, added.err
    credential = remote("platform", "credentials", "penalty.330100", "--json").json["credential"]
    for node, day in (("filed", "2025-03-03"), ("decided", "2025-06-02")):
        said = {"case_number": "浙环案/1", "node": node, "at": day, "region": "330100"}
        file = tmp_path / f"{node}.json"
        file.write_text(json.dumps({"type": "case.progressed", "document": said}), encoding="utf-8")
        sent = remote("message", "send", str(file), "--token", credential)
        assert sent.code == 0, sent.err
    return "浙环案/1"


def test_deadlines_are_listed(remote: Any, case: str) -> None:
    """A moment after the documents came; by state, place and day."""
    for _ in range(200):
        found = remote("clock", "list", "--state", "missed", "--json").json["clocks"]
        if len(found) == 2:
            break
    assert {one["rule"] for one in found} == {"case.decision", "decision.service"}
    shown = remote("clock", "list", "--state", "missed", "--region", "330100", "--until", "2025-06-01")
    assert shown.code == 0, shown.err
    assert "2025-06-01" in shown.out
    assert case in shown.out
    assert "decision.service" not in shown.out
    page = remote("clock", "list", "--limit", "1")
    assert "more: --cursor" in page.out
    assert "No such deadline." in remote("clock", "list", "--region", "440000").out


def test_a_state_that_is_none_is_told(remote: Any) -> None:
    """With what is wrong."""
    wrong = remote("clock", "list", "--state", "late")
    assert wrong.code != 0
    assert "state" in wrong.err
