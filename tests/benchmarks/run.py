"""`make bench`: what a document costs, as ratios against baselines of the same run.

Accept only and end to end, one process on SQLite, 64 clients, a document of about 3 KB. The
baselines: a bare ASGI endpoint that makes the same bytes durable, and the same gateway with a
mapping that does nothing (canonical in, canonical out). Rounds are interleaved; medians are shown.
"""

from __future__ import annotations

import argparse
import json
import os
import platform as machine
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from bundles import unlimited
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from gateway.demo.processes import Served, double, free_port, gateway

HERE = Path(__file__).parent
TOKEN = "benchmark-admin-token-0123456789abcdef"
SOURCE, TARGET = "penalty.330000", "mobile-enforcement.330000"
OPINION = "经审查，该案事实清楚、证据确凿、程序合法，同意进入下一环节。" * 30

NATIVE = {
    "CASEID": "BENCH-@@",
    "AREACODE": "330110",
    "NODECODE": "NODE_CASE",
    "NODENAME": "立案",
    "WRITNUMBER": "杭环立〔2026〕123号",
    "CACETIME": "2026-09-20 10:00:00",
    "HANDLEPERSONS": ",示例甲,示例乙",
    "HANDLEPERSONIDS": ",33011020260001,33011020260002",
    "HANDLEOPINION": OPINION,
    "FLAG": "1",
}
CANONICAL = {
    "case_number": "BENCH-@@",
    "region": "330110",
    "node": "filed",
    "document_number": "杭环立〔2026〕123号",
    "at": "2026-09-20T10:00:00+08:00",
    "officers": [{"name": "示例甲", "number": "33011020260001"}, {"name": "示例乙", "number": "33011020260002"}],
    "opinion": OPINION,
}


def main() -> None:
    """Run every round and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--clients", type=int, default=64)
    chosen = options.parse_args()
    scenarios = {
        "accept: bare ASGI, the same bytes durable": bare,
        "accept: penalty JSON": lambda *load: accept("fast-penalty", "progress", NATIVE, *load),
        "accept: a mapping that does nothing": lambda *load: accept(
            "fast-canonical", "case.progressed", CANONICAL, *load
        ),
        "end to end: penalty JSON to mobile JSON": lambda *load: end_to_end(
            "fast-penalty", "fast-mobile-enforcement", "progress", NATIVE, *load
        ),
        "end to end: a mapping that does nothing": lambda *load: end_to_end(
            "fast-canonical", "fast-canonical", "case.progressed", CANONICAL, *load
        ),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in scenarios}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("measuring", total=chosen.rounds * len(scenarios))
        for _ in range(chosen.rounds):
            for name, scenario in scenarios.items():
                progress.update(task, description=name)
                found[name].append(scenario(chosen.clients, chosen.seconds))
                progress.advance(task)
    show({name: {key: statistics.median(one[key] for one in each) for key in each[0]} for name, each in found.items()})


def show(medians: dict[str, dict[str, float]]) -> None:
    """Print the medians, and each as a ratio of both baselines."""
    names = list(medians)
    bare_rate = medians[names[0]]["rate"]
    nothing = {"accept": medians[names[2]]["rate"], "end to end": medians[names[4]]["rate"]}
    table = Table(
        "", "documents/s", "against bare ASGI", "against no mapping", "p50 ms", "p99 ms", title_justify="left"
    )
    for name, one in medians.items():
        against = "" if name == names[0] else f"{one['rate'] / nothing[name.partition(':')[0]]:.2f}"
        table.add_row(
            name,
            f"{one['rate']:.0f}",
            f"{one['rate'] / bare_rate:.2f}",
            against,
            f"{one['p50_ms']:.1f}",
            f"{one['p99_ms']:.1f}",
        )
    where = f"{os.cpu_count()} cores · Python {machine.python_version()} · {machine.machine()}"
    print(f"{datetime.now(UTC):%Y-%m-%d} · {where}")
    Console(width=140).print(table)


def bare(clients: int, seconds: float) -> dict[str, float]:
    """Measure the bare endpoint."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = [sys.executable, str(HERE / "bare.py"), f"{folder}/bare.db", str(port)]
        served = Served(command, port, "/health/ready", Path(folder) / "bare.log")
        with running([served]):
            return load(f"{served.url}/", "none", NATIVE, folder, clients, seconds)


def accept(adapter: str, operation: str, document: dict[str, Any], clients: int, seconds: float) -> dict[str, float]:
    """Measure accepting alone: the destination is paused."""
    with town(adapter, adapter, paused=True) as (gate, credential, folder):
        return load(f"{gate.url}/v1/inbound/{operation}", credential, document, folder, clients, seconds)


def end_to_end(
    source: str, target: str, operation: str, document: dict[str, Any], clients: int, seconds: float
) -> dict[str, float]:
    """Measure until the last receipt is recorded."""
    with town(source, target, paused=False) as (gate, credential, folder):
        start = time.perf_counter()
        found = load(f"{gate.url}/v1/inbound/{operation}", credential, document, folder, clients, seconds)
        while any(
            operator(gate, "GET", f"/v1/deliveries?state={state}")["deliveries"] for state in ("ready", "sending")
        ):
            time.sleep(0.05)
        return {**found, "rate": found["sent"] / (time.perf_counter() - start)}


def load(url: str, token: str, document: dict[str, Any], folder: str, clients: int, seconds: float) -> dict[str, float]:
    """Run the load in a process of its own."""
    templates = Path(folder) / "documents.json"
    templates.write_text(json.dumps([json.dumps(document, ensure_ascii=False)]), encoding="utf-8")
    command = [sys.executable, str(HERE / "load.py"), url, token, str(templates), str(clients), str(seconds)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    if found["refused"]:
        raise SystemExit(f"{found['refused']} documents were not accepted by {url}")
    return {**found, "rate": found["sent"] / found["seconds"]}


@contextmanager
def town(source: str, target: str, *, paused: bool) -> Iterator[tuple[Served, str, str]]:
    """Run a gateway with one platform that speaks and one that listens, without rate limits."""
    with tempfile.TemporaryDirectory() as folder:
        bundles = unlimited(Path(folder) / "bundles", "penalty", "mobile-enforcement", "canonical")
        gate = gateway(Path(folder), admin_token=TOKEN, adapters=str(bundles))
        sink = double(str(bundles / target), Path(folder))
        with running([gate, sink]):
            register(gate, SOURCE, source, sink.url)
            register(gate, TARGET, target, sink.url)
            if paused:
                operator(gate, "POST", f"/v1/platforms/{TARGET}/pause", json={"reason": "accept only"})
            credential = operator(gate, "POST", f"/v1/platforms/{SOURCE}/credentials")["credential"]
            yield gate, credential, folder


def register(gate: Served, platform: str, adapter: str, base_url: str) -> None:
    """Register a platform with invented settings."""
    known = {one["name"]: one for one in operator(gate, "GET", "/v1/adapters")["adapters"]}[adapter]
    settings = {one["name"]: "bench" for one in known["settings"] if one["required"]} | {"base_url": base_url}
    operator(gate, "PUT", f"/v1/platforms/{platform}", json={"adapter": adapter, "settings": settings})


def operator(gate: Served, method: str, path: str, **arguments: Any) -> Any:
    """Call the gateway as its operator."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    response = httpx.request(method, gate.url + path, headers=headers, timeout=60, **arguments)
    response.raise_for_status()
    return response.json() if response.content else None


@contextmanager
def running(served: list[Served]) -> Iterator[None]:
    """Start processes, wait until they serve, and end them."""
    try:
        for one in served:
            one.start()
        for one in served:
            one.wait_until_serving()
        yield
    finally:
        for one in served:
            one.stop()


if __name__ == "__main__":
    main()
