"""Assessments from the command line."""

import json

import httpx
import pytest

from gateway.cli.assessment import follow
from gateway.cli.remote import Gateway


@pytest.fixture
def case(remote, tmp_path):
    """A case that an enforcement system hands over six years after the act."""
    added = remote("platform", "add", "mobile-enforcement.330100", "--adapter", "canonical", "--set", "token=t",
                   "--set", "base_url=http://127.0.0.1:9")  # fmt: skip
    assert added.code == 0, added.err
    credential = remote("platform", "credentials", "mobile-enforcement.330100", "--json").json["credential"]
    said = {
        "case_number": "浙环案/1",
        "name": "示例案",
        "party": {"name": "示例公司"},
        "region": "330100",
        "source": "inspection",
        "facts": "超标",
        "found_at": "2026-08-02T11:00:00+08:00",
        "occurred_on": "2020-08-02",
        "officers": [{"name": "王一", "number": "33010001"}, {"name": "李二", "number": "33010002"}],
    }
    file = tmp_path / "case.json"
    file.write_text(json.dumps({"type": "case.transferred", "document": said}), encoding="utf-8")
    sent = remote("message", "send", str(file), "--token", credential)
    assert sent.code == 0, sent.err
    return "浙环案/1"


def test_a_case_is_assessed_and_its_findings_are_listed(remote, case):
    """The run waits for its end and sums up; the list has what was looked at, its article and what shows it."""
    run = remote("assessment", "run", "--case", case, "--reason", "季度评查")
    assert run.code == 0, run.err
    assert "1 cases assessed" in run.out
    shown = remote("assessment", "list", "--result", "missed")
    assert shown.code == 0, shown.err
    assert "limitation.kept" in shown.out
    assert "行政处罚法第三十六条" in shown.out
    found = remote("assessment", "list", "--case", case, "--rule", "limitation.kept", "--json").json["findings"]
    assert [(one["result"], one["region"]) for one in found] == [("missed", "330100")]
    assert remote("assessment", "list", "--region", "110000", "--json").json["findings"] == []


def test_the_cases_of_a_time_are_assessed(remote, case):
    """A region and a time, as JSON: the run as it ended."""
    run = remote("assessment", "run", "--region", "330000", "--since", "2020-01-01", "--reason", "补评", "--json")
    assert run.code == 0, run.err
    assert (run.json["cases"], run.json["progress"]) == (1, 1.0)


@pytest.mark.parametrize("more", [(), ("--case", "x", "--period", "2026-03"), ("--case", "x", "--since", "2026-03-01")])
def test_either_a_case_or_a_time(remote, more):
    """Neither and both are misuse, and nothing is asked of the gateway."""
    assert remote("assessment", "run", "--reason", "x", *more).code == 2


def test_an_unknown_case_is_told(remote):
    """It is a failure with its code."""
    gone = remote("assessment", "run", "--case", "浙环案/404", "--reason", "x")
    assert gone.code == 1
    assert "case.unknown" in gone.err


def test_the_bar_follows_the_run_to_its_end(capsys):
    """It is asked how far it is until it has ended."""
    told = [
        {"id": "r", "progress": 0.0, "finished_at": None},
        {"id": "r", "progress": 0.5, "finished_at": None},
        {"id": "r", "progress": 1.0, "finished_at": "2026-09-01T00:00:00Z", "cases": 7, "changed": 2},
    ]
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path))
        return httpx.Response(200, json=told[len(asked) - 1])

    gateway = Gateway("http://gateway", "token", transport=httpx.MockTransport(answer))
    follow(gateway, {"period": "2026-03", "reason": "x"}, as_json=False, pause=lambda seconds: None)
    assert asked == [("POST", "/v1/assessments"), *[("GET", "/v1/assessments/r")] * 2]
    assert "7 cases assessed, 2 findings changed" in capsys.readouterr().out
