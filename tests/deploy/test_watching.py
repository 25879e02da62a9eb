"""Alerts and dashboards ask only for what the gateway tells, fire when they should, and say what to do."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from deployed import DEPLOY, ROOT, read_yaml, tool
from prometheus_client import Counter, Gauge, Histogram

from gateway.telemetry.metrics import Metrics

ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
OPERATIONS = ROOT / "docs" / "operations.md"
BY_PROMETHEUS = {"instance", "job", "le"}
"""Labels that Prometheus itself puts on every sample."""
_SELECTOR = re.compile(r"\b(hutong_\w+|up)\b(?:\{([^}]*)\})?")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")


def told() -> Mapping[str, set[str]]:
    """Give every sample that the gateway can tell, with the labels it has."""
    metrics = Metrics()
    for name in (
        "hutong_readers",
        "hutong_people",
        "hutong_administrator_used_seconds",
        "hutong_emergency_used_seconds",
        "hutong_audit_head_age_seconds",
        "hutong_encryption_left",
        "hutong_audit_export_behind_seconds",
        "hutong_audit_witness_age_seconds",
        "hutong_audit_stamp_age_seconds",
    ):
        metrics.show(name, "As bootstrap shows it.", lambda: 0.0)
    found: dict[str, set[str]] = {"up": set()}
    for collector in metrics.registry._collector_to_names:
        assert isinstance(collector, Counter | Gauge | Histogram)
        name, labels = collector._name, set(collector._labelnames)
        ends = {Counter: ("_total",), Gauge: ("",), Histogram: ("_bucket", "_sum", "_count")}[type(collector)]
        found |= {f"{name}{end}": labels for end in ends}
    return found


TOLD = told()

UNWATCHED = {
    "hutong_administrator_calls": "the alert asks when the last of them was; this says what was called",
    "hutong_emergency_calls": "likewise",
    "hutong_deliveries_unrouted": "the backlog says how many there are now",
}
"""Metrics that stand on no dashboard and in no alert, and why."""


def rules() -> list[dict[str, Any]]:
    """Give every alert."""
    return [rule for group in read_yaml(ALERTS)["groups"] for rule in group["rules"]]


RULES = rules()


def queries() -> Iterator[tuple[str, str]]:
    """Give every query of the alerts, the dashboards and the autoscaler, with where it stands."""
    for rule in RULES:
        yield f"alert {rule['alert']}", rule["expr"]
    for path in DASHBOARDS:
        board = json.loads(path.read_text(encoding="utf-8"))
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                yield f"{path.stem}: {panel['title']} {target['refId']}", target["expr"]
        for variable in board["templating"]["list"]:
            yield f"{path.stem}: ${variable['name']}", variable["query"]["query"]
    for rule in read_yaml(DEPLOY / "kubernetes" / "autoscaling-rules.yaml")["externalRules"]:
        yield f"autoscaling {rule['name']['as']}", rule["metricsQuery"]


QUERIES = dict(queries())


@pytest.mark.parametrize("where", QUERIES)
def test_a_query_asks_for_what_is_told(where: str) -> None:
    """Every metric exists, every label that is asked for is one of it, and what is grouped by is there."""
    query = QUERIES[where]
    found = _SELECTOR.findall(query)
    assert found, query
    labels = set(BY_PROMETHEUS)
    for name, selected in found:
        assert name in TOLD, f"no metric {name}"
        labels |= TOLD[name]
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selected):
            assert label in TOLD[name] | BY_PROMETHEUS, f"{name} has no label {label}"
    for group in _GROUPED.findall(query):
        assert {one.strip() for one in group.split(",")} <= labels, group


def test_every_metric_is_watched() -> None:
    """What the gateway tells is on a dashboard or in an alert: nobody looks at a number that stands nowhere."""
    asked = {name for query in QUERIES.values() for name, _ in _SELECTOR.findall(query)}
    families = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in asked}
    there = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in TOLD}
    assert there - families - UNWATCHED.keys() == set()
    assert UNWATCHED.keys() <= there - families


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_whole(path: Path) -> None:
    """Its id is its name, its source the provisioned one, its panels have numbers of their own and do not overlap."""
    board = json.loads(path.read_text(encoding="utf-8"))
    assert board["uid"] == path.stem
    [source] = read_yaml(DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {panel["datasource"]["uid"] for panel in panels if panel["type"] != "row"} == {source["uid"]}
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        squares = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not taken & squares, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= squares


def test_prometheus_reads_every_query(tmp_path: Path) -> None:
    """The language's own checker takes the queries of the dashboards, and the alerts as they are."""
    plain = {where: query.replace("$platform", ".*") for where, query in QUERIES.items() if "label_values" not in query}
    rules = [{"record": f"checked:{number}", "expr": query} for number, query in enumerate(plain.values())]
    (tmp_path / "queries.yml").write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    said = _promtool("check", "rules", str(ALERTS), str(tmp_path / "queries.yml"))
    assert said.returncode == 0, said.stdout + said.stderr
    for config in ("prometheus.yml", "distributed.yml"):
        said = _promtool("check", "config", str(ALERTS.parent / config))
        assert said.returncode == 0, said.stdout + said.stderr


def test_alerts_fire_when_they_should() -> None:
    """And are silent when all is well: as `alerts.test.yml` tells it, by Prometheus' own test runner."""
    said = _promtool("test", "rules", str(Path(__file__).with_name("alerts.test.yml")))
    assert said.returncode == 0, said.stdout + said.stderr


def test_every_alert_is_tested() -> None:
    """Each fires in a test, and each is silent in another."""
    tested = [
        case
        for test in read_yaml(Path(__file__).with_name("alerts.test.yml"))["tests"]
        for case in test["alert_rule_test"]
    ]
    names = {rule["alert"] for rule in RULES}
    assert {case["alertname"] for case in tested if case.get("exp_alerts")} == names
    assert {case["alertname"] for case in tested if not case.get("exp_alerts")} == names


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """Its severity is one of three, and its runbook is a section that is there and says what to do."""
    assert rule["labels"]["severity"] in ("page", "ticket", "info")
    path, anchor = rule["annotations"]["runbook"].split("#")
    assert ROOT / path == OPERATIONS
    assert anchor == rule["alert"].lower()
    section = OPERATIONS.read_text(encoding="utf-8").split(f"\n### {rule['alert']}\n", 1)[1].split("\n### ", 1)[0]
    assert len(section.split()) > 20
    assert "**Do:**" in section


def test_every_runbook_has_its_alert() -> None:
    """A section of an alert that is gone misleads."""
    sections = set(re.findall(r"^### (Hutong\w+)$", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE))
    assert sections == {rule["alert"] for rule in RULES}


def _promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool("promtool"), *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
