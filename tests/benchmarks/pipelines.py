"""`make bench`: the gateway beside other pipelines in one interleaved run, from the load to a light receiver.

Each takes the same document of 3 KB (penalty JSON), checks a token, translates it, keeps it durably and
delivers it (mobile JSON). Two are less: nginx only passes it on (the limit of the wire), and Node-RED keeps
nothing. Accepting alone is measured beside a bare ASGI endpoint that makes the same bytes durable. Medians of
the rounds, and the CPU time of all of a pipeline's processes; wrk makes the load, the receiver counts what arrived.
"""

from __future__ import annotations

import argparse
import json
import os
import platform as machine
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
from document import NATIVE, SOURCE, TARGET
from postgres_server import PostgresServer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from town import Town, town

from gateway.demo.processes import Served, free_port, gateway

HERE = Path(__file__).parent
RIVALS = HERE / "rivals"
PYTHON = HERE.parents[1] / ".rivals" / "bin" / "python"
NODE_RED = HERE.parents[1] / ".rivals" / "node_modules" / "node-red" / "red.js"
CLIENTS, TOKEN, STILL = 64, "pipeline-token-0123456789", 1.5
TICK = os.sysconf("SC_CLK_TCK")
NGINX = """worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_buffer_size 64k;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  upstream sink {{ server 127.0.0.1:{sink}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://sink; proxy_http_version 1.1; proxy_set_header Connection ''; }}
  }}
}}
"""


@dataclass(frozen=True)
class Running:
    """A pipeline that serves: where it takes documents, its token, its processes, and whether it delivers."""

    url: str
    token: str
    pids: Sequence[int]
    delivers: bool = True


Pipeline = Callable[[int, Path], "contextmanager[Running]"]
Figures = Mapping[str, float]


# ── pipelines ─────────────────────────────────────────────────────────────────────────────────
@contextmanager
def nginx(sink: int, folder: Path) -> Iterator[Running]:
    """Pass through, one worker: no translation, nothing durable."""
    port = free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, sink=sink, port=port), encoding="utf-8")
    with running(_served(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], port, "/count", folder)) as up:
        yield Running(f"http://127.0.0.1:{port}/", TOKEN, up)


@contextmanager
def hutong(sink: int, folder: Path) -> Iterator[Running]:
    """This gateway, everything on, one process on SQLite; bundles without their rate limits."""
    with _gateway(sink, folder) as (_, up):
        yield up


@contextmanager
def on_postgresql(sink: int, folder: Path) -> Iterator[Running]:
    """This gateway, one process on PostgreSQL, whose own CPU is counted."""
    with _distributed(sink, folder, processes=1) as up:
        yield up


@contextmanager
def two_on_postgresql(sink: int, folder: Path) -> Iterator[Running]:
    """The same, two processes on one port."""
    with _distributed(sink, folder, processes=2) as up:
        yield up


@contextmanager
def accepting(sink: int, folder: Path) -> Iterator[Running]:
    """The same, with its destination paused: what accepting alone costs."""
    with _gateway(sink, folder) as (place, up):
        place.operator("POST", f"/v1/platforms/{TARGET}/pause", json={"reason": "accept only"})
        yield replace(up, delivers=False)


@contextmanager
def _distributed(sink: int, folder: Path, processes: int) -> Iterator[Running]:
    with PostgresServer(durable=True) as server:
        ledger = server.database()

        def serve(folder: Path, **settings: str) -> Served:
            served = gateway(folder, ledger=ledger, **settings)
            served.command = [*served.command, "--workers", str(processes)]
            return served

        with _gateway(sink, folder, serve) as (_, up), server.connected(ledger) as connection:
            while len(connection.execute("SELECT 1 FROM processes").fetchall()) < processes:
                time.sleep(0.1)
            yield replace(up, pids=[*up.pids, server.pids()[0]])


@contextmanager
def _gateway(sink: int, folder: Path, make: Callable[..., Served] = gateway) -> Iterator[tuple[Town, Running]]:
    with town(folder, make) as place:
        place.register(SOURCE, "fast-penalty", "http://127.0.0.1:9")
        place.register(TARGET, "fast-mobile-enforcement", f"http://127.0.0.1:{sink}")
        assert place.gateway.process is not None
        url = f"{place.gateway.url}/v1/inbound/progress"
        yield place, Running(url, place.credentials[SOURCE], [place.gateway.process.pid])


@contextmanager
def bare(sink: int, folder: Path) -> Iterator[Running]:
    """A bare ASGI endpoint: the same bytes compressed and durable (SQLite, FULL, group commit), nothing else."""
    port = free_port()
    command = [sys.executable, str(HERE / "bare.py"), f"{folder}/bare.db", str(port)]
    with running(_served(command, port, "/health/ready", folder)) as up:
        yield Running(f"http://127.0.0.1:{port}/", TOKEN, up, delivers=False)


@contextmanager
def node_red(sink: int, folder: Path) -> Iterator[Running]:
    """A Node-RED flow: it translates and sends, checks the token, and keeps nothing."""
    port = free_port()
    for one in ("flow.json", "settings.js"):
        shutil.copy(RIVALS / "node_red" / one, folder)
    command = ["node", str(NODE_RED), "-u", str(folder), "-s", str(folder / "settings.js"), "-p", str(port)]
    environment = {"SINK": f"http://127.0.0.1:{sink}/", "TOKEN": TOKEN}
    with running(Served(command, port, "/health", folder / "node-red.log", environment)) as up:
        yield Running(f"http://127.0.0.1:{port}/", TOKEN, up)


@contextmanager
def taskiq(sink: int, folder: Path) -> Iterator[Running]:
    """FastAPI, taskiq, aiohttp, Redis Streams with every write fsynced."""
    worker = ["-m", "taskiq", "worker", "with_taskiq:broker", "--workers", "1", "--log-level", "ERROR"]
    with _on_redis("with_taskiq", [*worker, "--ack-type", "when_executed"], sink, folder) as pipeline:
        yield pipeline


@contextmanager
def celery(sink: int, folder: Path) -> Iterator[Running]:
    """FastAPI, Celery (prefork, 2), httpx, Redis with every write fsynced."""
    worker = ["-m", "celery", "-A", "with_celery:celery", "worker", "-c", "2", "-l", "ERROR"]
    with _on_redis("with_celery", worker, sink, folder) as pipeline:
        yield pipeline


PIPELINES: Mapping[str, Pipeline] = {
    "nginx": nginx,
    "hutong": hutong,
    "postgresql-1": on_postgresql,
    "postgresql-2": two_on_postgresql,
    "taskiq": taskiq,
    "celery": celery,
    "node-red": node_red,
    "accepting": accepting,
    "bare": bare,
}


@contextmanager
def _on_redis(name: str, worker: Sequence[str], sink: int, folder: Path) -> Iterator[Running]:
    redis, port = free_port(), free_port()
    command = ["redis-server", "--port", str(redis), "--dir", str(folder), "--save", ""]
    store = subprocess.Popen([*command, "--appendonly", "yes", "--appendfsync", "always"], stdout=subprocess.DEVNULL)
    address = {"REDIS": f"redis://127.0.0.1:{redis}/0", "SINK": f"http://127.0.0.1:{sink}/", "TOKEN": TOKEN}
    environment = {**os.environ, **address, "PYTHONPATH": str(RIVALS)}
    app = ["-m", "uvicorn", f"{name}:app", "--port", str(port), "--log-level", "error", "--no-access-log"]
    background = subprocess.Popen([PYTHON, *worker], env=environment, cwd=RIVALS, stderr=subprocess.DEVNULL)
    front = Served([str(PYTHON), *app], port, "/docs", folder / "app.log", environment)
    try:
        with running(front) as up:
            time.sleep(4)  # a worker says nowhere that it is ready
            yield Running(f"{front.url}/", TOKEN, [store.pid, background.pid, *up])
    finally:
        for process in (background, store):
            process.terminate()
            process.wait(10)


def _served(command: Sequence[str], port: int, health: str, folder: Path) -> Served:
    return Served(command, port, health, folder / f"{Path(command[0]).name}.log")


@contextmanager
def running(served: Served) -> Iterator[Sequence[int]]:
    """Start a server, wait until it serves, and end it; gives its process."""
    served.start()
    try:
        served.wait_until_serving()
        assert served.process is not None
        yield [served.process.pid]
    finally:
        served.stop()  # not killed: nginx's worker would outlive it


# ── measuring ─────────────────────────────────────────────────────────────────────────────────
def measure(pipeline: Running, sink: int, seconds: float) -> Figures:
    """Load a pipeline for some seconds, wait until nothing arrives any more, and say what came of it."""
    _load(pipeline, 1)
    _settle(sink)
    before, cpu, start = received(sink), sum(map(_cpu, pipeline.pids)), time.time()
    sent, p50, p99, errors = _load(pipeline, seconds)
    loaded = time.time() - start
    drained = _settle(sink) if pipeline.delivers else 0.0
    spent, accepted = sum(map(_cpu, pipeline.pids)) - cpu, sent - errors
    done = received(sink) - before if pipeline.delivers else accepted
    return {
        "end to end/s": done / (loaded + drained) if pipeline.delivers else 0.0,
        "accepted/s": accepted / loaded,
        "p50 ms": p50,
        "p99 ms": p99,
        "CPU µs": spent / max(done, 1) * 1e6,
        "errors": errors,
    }


def _load(pipeline: Running, seconds: float) -> tuple[int, float, float, int]:
    head, tail = json.dumps(NATIVE, ensure_ascii=False).split("@@")
    told = {"DOCUMENT_HEAD": head, "DOCUMENT_TAIL": tail, "TOKEN": pipeline.token, "STAMP": str(time.time_ns())}
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds:g}s", "-s", str(HERE / "load.lua"), pipeline.url]
    printed = subprocess.run(command, env={**os.environ, **told}, capture_output=True, text=True, check=True).stdout
    _, sent, _, p50, p99, errors = next(line for line in printed.splitlines() if line.startswith("RESULT")).split()
    return int(sent), float(p50), float(p99), int(errors)


def _settle(sink: int) -> float:
    """Wait until nothing has arrived for a while; gives the seconds until the last arrival."""
    start = last = time.time()
    seen = received(sink)
    while time.time() - last < STILL:
        time.sleep(0.05)
        now = received(sink)
        if now != seen:
            seen, last = now, time.time()
    return last - start


def received(sink: int) -> int:
    """Tell how many requests the receiver got."""
    return int(httpx.get(f"http://127.0.0.1:{sink}/count", timeout=30).json()["received"])


def _cpu(pid: int) -> float:
    """Give the CPU seconds of a process and of its children that live."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [int(one) for task in tasks for one in (task / "children").read_text().split()]
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK + sum(map(_cpu, children))


def show(medians: Mapping[str, Figures]) -> None:
    """Print the medians, and the gateway's ratio to each: end to end, and accepting alone."""
    where = f"{os.cpu_count()} cores · Python {machine.python_version()} · {machine.machine()}"
    print(f"{datetime.now(UTC):%Y-%m-%d} · {where} · {CLIENTS} clients")
    for ours, key in (("hutong", "end to end/s"), ("accepting", "accepted/s")):
        shown = {name: one for name, one in medians.items() if (one["end to end/s"] > 0) == (ours == "hutong")}
        if shown:
            _table(shown, medians.get(ours), key)


def _table(shown: Mapping[str, Figures], ours: Figures | None, key: str) -> None:
    table = Table("", *next(iter(shown.values())), f"Hutong against it: {key}", "CPU")
    for name, one in shown.items():
        cells = [f"{value:.1f}" if column.startswith("p") else f"{value:.0f}" for column, value in one.items()]
        rate = f"{ours[key] / one[key]:.3f}" if ours else ""
        cpu = f"{ours['CPU µs'] / one['CPU µs']:.2f}" if ours and one["CPU µs"] else ""
        table.add_row(name, *cells, rate, cpu)
    Console(width=150).print(table)


def main() -> None:
    """Run every round and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=5)
    options.add_argument("names", nargs="*", metavar="PIPELINE", help=f"of {', '.join(PIPELINES)}; all unless named")
    chosen = options.parse_args()
    names = chosen.names or [name for name in PIPELINES if name != "node-red" or NODE_RED.exists()]
    if not chosen.names and "node-red" not in names:
        print("Node-RED is left out: install Node.js and npm, then run scripts/rivals", file=sys.stderr)
    missing = [one for one in ("wrk", "nginx", "redis-server") if shutil.which(one) is None]
    if missing or not PYTHON.exists():
        sys.exit(f"not found: {', '.join(missing) or PYTHON}; `make bench` sets them up")
    found: dict[str, list[Figures]] = {name: [] for name in names}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("measuring", total=chosen.rounds * len(names))
        for _ in range(chosen.rounds):
            for name in names:
                progress.update(task, description=name)
                found[name].append(_round(PIPELINES[name], chosen.seconds))
                progress.advance(task)
    show({name: {key: statistics.median(one[key] for one in each) for key in each[0]} for name, each in found.items()})


def _round(pipeline: Pipeline, seconds: float) -> Figures:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        sink = Served([sys.executable, str(HERE / "sink.py"), str(port)], port, "/count", Path(folder) / "sink.log")
        with running(sink), pipeline(port, Path(folder)) as up:
            return measure(up, port, seconds)


if __name__ == "__main__":
    main()
