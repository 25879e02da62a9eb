"""A case from the command line."""

import json

import pytest


@pytest.fixture
def case(remote, tmp_path):
    """A case that a penalty system filed and decided."""
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


def test_a_case_is_shown_with_its_deadlines(remote, case):
    """Its documents, its timeline, and each deadline with its article."""
    shown = remote("case", "show", case)
    assert shown.code == 0, shown.err
    assert "case.decision" in shown.out
    assert "2025-06-01" in shown.out
    clocks = {one["rule"]: one["state"] for one in remote("case", "show", case, "--json").json["clocks"]}
    assert clocks == {"case.decision": "missed", "decision.service": "missed"}


def test_a_case_that_is_not_there_is_told(remote):
    """An unknown number is a failure with its code."""
    gone = remote("case", "show", "浙环案/2")
    assert gone.code == 1
    assert "case.unknown" in gone.err
