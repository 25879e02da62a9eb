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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from town import Town, town

from gateway.demo.processes import Served, free_port

Document = dict[str, Any]
Figures = dict[str, float]

HERE = Path(__file__).parent
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

PENALTY = ("penalty", "mobile-enforcement", "progress", NATIVE)


def main() -> None:
    """Run every round and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--clients", type=int, default=64)
    options.add_argument("--steady", action="store_true", help="how long accepting takes at half the maximum rate")
    options.add_argument("--memory", type=int, metavar="DOCUMENTS", help="memory while so many are taken and delivered")
    chosen = options.parse_args()
    if chosen.steady or chosen.memory:
        steady(chosen.clients, chosen.seconds) if chosen.steady else memory(chosen.clients, chosen.memory)
        return
    nothing = ("canonical", "canonical", "case.progressed", CANONICAL)
    scenarios: dict[str, Callable[[int, float], Figures]] = {
        "accept: bare ASGI, the same bytes durable": bare,
        "accept: penalty JSON": partial(accept, *PENALTY),
        "accept: a mapping that does nothing": partial(accept, *nothing),
        "end to end: penalty JSON to mobile JSON": partial(end_to_end, *PENALTY),
        "end to end: a mapping that does nothing": partial(end_to_end, *nothing),
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


def bare(clients: int, seconds: float) -> Figures:
    """Measure the bare endpoint."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = [sys.executable, str(HERE / "bare.py"), f"{folder}/bare.db", str(port)]
        served = Served(command, port, "/health/ready", Path(folder) / "bare.log")
        with running([served]):
            return load(f"{served.url}/", "none", NATIVE, Path(folder), clients, seconds)


def accept(source: str, target: str, operation: str, document: Document, clients: int, seconds: float) -> Figures:
    """Measure accepting alone: the destination is paused."""
    with stage(source, target) as place:
        place.operator("POST", f"/v1/platforms/{TARGET}/pause", json={"reason": "accept only"})
        url = f"{place.gateway.url}/v1/inbound/{operation}"
        return load(url, place.credentials[SOURCE], document, place.folder, clients, seconds)


def end_to_end(source: str, target: str, operation: str, document: Document, clients: int, seconds: float) -> Figures:
    """Measure until the last receipt is recorded."""
    with stage(source, target) as place:
        url = f"{place.gateway.url}/v1/inbound/{operation}"
        start = time.perf_counter()
        found = load(url, place.credentials[SOURCE], document, place.folder, clients, seconds)
        if not place.drained(600):
            raise SystemExit("the deliveries did not end")
        return {**found, "rate": found["sent"] / (time.perf_counter() - start)}


def steady(clients: int, seconds: float) -> None:
    """Measure how long accepting takes at half the rate that was the most."""
    most = accept(*PENALTY, clients, seconds)["rate"]
    with stage(*PENALTY[:2]) as place:
        place.operator("POST", f"/v1/platforms/{TARGET}/pause", json={"reason": "accept only"})
        url = f"{place.gateway.url}/v1/inbound/{PENALTY[2]}"
        token = place.credentials[SOURCE]
        load(url, token, NATIVE, place.folder, clients, 1)
        found = load(url, token, NATIVE, place.folder, clients, seconds, rate=most / 2, first=10**7)
    told = f"p50 {found['p50_ms']:.1f} ms, p99 {found['p99_ms']:.1f} ms"
    print(f"at most {most:.0f} documents/s; at {found['rate']:.0f}: {told}")


def memory(clients: int, documents: int) -> None:
    """Print the gateway's resident memory while documents are taken and delivered."""
    with stage(*PENALTY[:2]) as place:
        url, token = f"{place.gateway.url}/v1/inbound/{PENALTY[2]}", place.credentials[SOURCE]
        sent = 0
        print(f"{sent} documents: {_resident(place):.0f} MB")
        while sent < documents:
            sent += int(load(url, token, NATIVE, place.folder, clients, 10, first=sent)["sent"])
            if not place.drained(600):
                raise SystemExit("the deliveries did not end")
            print(f"{sent} documents: {_resident(place):.0f} MB")


def _resident(place: Town) -> float:
    assert place.gateway.process is not None
    status = Path(f"/proc/{place.gateway.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


@contextmanager
def stage(source: str, target: str) -> Iterator[Town]:
    """Run a gateway with one platform that speaks and one that listens, without rate limits."""
    with tempfile.TemporaryDirectory() as folder, town(Path(folder)) as place:
        place.register(SOURCE, f"fast-{source}", "http://127.0.0.1:9")
        place.settle_down(TARGET, target)
        yield place


def load(
    url: str,
    token: str,
    document: Document,
    folder: Path,
    clients: int,
    seconds: float,
    *,
    rate: float = 0,
    first: int = 0,
) -> Figures:
    """Run the load in a process of its own; at a `rate` if one is given, its documents numbered from `first`."""
    templates = folder / "documents.json"
    templates.write_text(json.dumps([json.dumps(document, ensure_ascii=False)]), encoding="utf-8")
    command = [sys.executable, str(HERE / "load.py"), url, token, str(templates), str(clients), str(seconds)]
    command += [str(rate), str(first)]
    found: Figures = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    if found["refused"]:
        raise SystemExit(f"{found['refused']} documents were not accepted by {url}")
    return {**found, "rate": found["sent"] / found["seconds"]}


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
