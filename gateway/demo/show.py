"""Send the story's documents and describe each delivery: platforms, field samples, receipt, time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from gateway.clock import system_clock
from gateway.demo.processes import Stage
from gateway.demo.story import PLATFORMS, REPORT, Step
from gateway.releases.installed import InstalledAdapters, install

_PATIENCE_SECONDS = 20.0
_SETTLED = ("delivered", "refused", "dead", "discarded")


@dataclass(frozen=True)
class Row:
    """One delivery of the story, as the gateway and the receiving double recorded it."""

    step: Step
    message_id: str
    delivery_id: str
    platform: str
    state: str
    confirmed: bool
    sample: tuple[str, str, str]
    receipt: str
    milliseconds: float


class Unexpected(Exception):
    """The story did not go as written; the message says where."""


def play(stage: Stage, story: tuple[Step, ...]) -> Iterator[Row]:
    """Send each document once the one before it has arrived; give a row for each delivery."""
    numbers: dict[str, str] = {}
    for step in story:
        if step.uploads:
            numbers |= stage.upload(step.sender, step.uploads)
        answer = stage.send(step.sender, step.operation, step.body(numbers), step.content_type)
        rows = [row for entry in answer.get("messages", [answer]) for row in _rows(stage, step, entry)]
        if sorted(row.platform for row in rows) != sorted(step.destinations):
            raise Unexpected(f"{step.title}: went to {[row.platform for row in rows]}, not to {step.destinations}")
        if step.learns:
            numbers[step.learns] = rows[0].receipt
        yield from rows


def assessed(stage: Stage) -> list[dict[str, Any]]:
    """Have the case's file checked as it stands at the end of the story; give what each check came to."""
    since = (system_clock() - timedelta(days=1)).isoformat()
    run = stage.operator("POST", "/v1/assessments", json={"since": since, "reason": "演示 · demo"})
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while run["finished_at"] is None and time.monotonic() < deadline:
        time.sleep(0.05)
        run = stage.operator("GET", f"/v1/assessments/{run['id']}")
    found: list[dict[str, Any]] = stage.operator("GET", "/v1/assessments", params={"limit": 200})["findings"]
    return found


def told(stage: Stage, findings: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count the deliveries by which platforms are told of findings, and those that their doubles confirm."""
    messages = {one["told"]: _settled(stage, one["told"]) for one in findings if one["told"]}
    sent = [delivery["id"] for message in messages.values() for delivery in message["deliveries"]]
    received = {one["key"] for platform in stage.doubles for one in stage.received(platform) if one["valid"]}
    return {"sent": len(sent), "confirmed": len(received.intersection(sent))}


def reported(stage: Stage) -> dict[str, Any]:
    """Give the regular report of the story's last month, once it counts the last document."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        report: dict[str, Any] = stage.operator("GET", "/v1/reports/usage", params=REPORT)
        counted = next(one for one in report["figures"] if one["figure"] == "fines")
        if counted["denominator"] or time.monotonic() > deadline:
            return report
        time.sleep(0.1)


def _rows(stage: Stage, step: Step, entry: Mapping[str, Any]) -> list[Row]:
    if entry.get("problem"):
        raise Unexpected(f"{step.title}: {entry['problem']}")
    message = _settled(stage, entry["message_id"])
    document = stage.operator("GET", f"/v1/messages/{entry['message_id']}/canonical")
    return [_row(stage, step, message, delivery, document) for delivery in message["deliveries"]]


def _settled(stage: Stage, message_id: str) -> Any:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        message = stage.operator("GET", f"/v1/messages/{message_id}")
        if all(one["state"] in _SETTLED for one in message["deliveries"]) or time.monotonic() > deadline:
            return message
        time.sleep(0.01)


def _row(
    stage: Stage, step: Step, message: Mapping[str, Any], delivery: Mapping[str, Any], document: Mapping[str, Any]
) -> Row:
    platform = delivery["platform"] or f"{delivery['kind']} (unrouted)"
    record = next((one for one in stage.received(platform) if one["key"] == delivery["id"]), None)
    ended = delivery["tries"][-1]["ended_at"] if delivery["tries"] else message["received_at"]
    passed = datetime.fromisoformat(ended) - datetime.fromisoformat(message["received_at"])
    return Row(
        step=step,
        message_id=message["id"],
        delivery_id=delivery["id"],
        platform=platform,
        state=delivery["state"],
        confirmed=record is not None and bool(record["valid"]),
        sample=_sample(step, message["type"], platform, document, record),
        receipt=delivery["reference"] or "",
        milliseconds=passed.total_seconds() * 1000,
    )


def _sample(
    step: Step, message_type: str, platform: str, document: Mapping[str, Any], record: Mapping[str, Any] | None
) -> tuple[str, str, str]:
    """Give the watched field as it was called where it came from, in the document, and where it went."""
    canonical = f"{step.watched} = {document.get(step.watched)}"
    source = _native_path(step.sender, step.operation, step.watched)
    target = _native_path(platform, message_type, step.watched)
    written = "" if record is None else _at(record["native"], target)
    return source, canonical, f"{target} = {written}" if target else "—"


def _native_path(platform: str, name: str, field: str) -> str:
    lineage = _adapters().get(PLATFORMS[platform]).lineage(name)
    return next((one.path for one in lineage if one.field == field), "")


@cache
def _adapters() -> InstalledAdapters:
    return install()


def _at(tree: Any, path: str) -> Any:
    for part in path.replace("[]", "").split(".") if path else ():
        tree = tree.get(part, "") if isinstance(tree, dict) else ""
    return tree
