"""How the gateway fares under a steady load: how long accepting takes at half the most, and its memory over time."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from document import NATIVE
from pipelines import CLIENTS, HERE, Figures, Pipeline, Running, accepting, hutong, measure, running

from gateway.demo.processes import Served, free_port


@contextmanager
def served(pipeline: Pipeline) -> Iterator[tuple[Running, int, Path]]:
    """Run a pipeline before a light receiver."""
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sink = Served([sys.executable, str(HERE / "sink.py"), str(port)], port, "/count", folder / "sink.log")
        with running(sink), pipeline(port, folder) as up:
            yield up, port, folder


def waits(seconds: float) -> None:
    """Print how long accepting takes at half the rate that was the most; our own generator keeps the rate."""
    with served(accepting) as (up, sink, folder):
        most = measure(up, sink, seconds)["accepted/s"]
        found = _at(most / 2, up, folder, seconds)
        rate = found["sent"] / found["seconds"]
        told = f"p50 {found['p50_ms']:.1f} ms, p99 {found['p99_ms']:.1f} ms"
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"accepting at most {most:.0f} documents/s; at {rate:.0f}: {told}", end="")
        print(f" (the generators took {own.ru_utime + own.ru_stime:.1f} s of the same processors)")


def _at(rate: float, up: Running, folder: Path, seconds: float) -> Figures:
    templates = folder / "documents.json"
    templates.write_text(json.dumps([json.dumps(NATIVE, ensure_ascii=False)]), encoding="utf-8")
    command = [sys.executable, str(HERE / "load.py"), up.url, up.token, str(templates), str(CLIENTS), str(seconds)]
    found: Figures = json.loads(
        subprocess.run([*command, str(rate), "10000000"], check=True, capture_output=True).stdout
    )
    if found["refused"]:
        raise SystemExit(f"{found['refused']} documents were not accepted")
    return found


def memory(documents: int) -> None:
    """Print the gateway's resident memory while documents are taken and delivered, end to end."""
    with served(hutong) as (up, sink, _):
        delivered = 0.0
        while delivered < documents:
            print(f"{delivered:.0f} documents: {_resident(up.pids[0]):.0f} MB", flush=True)
            found = measure(up, sink, 10)
            delivered += found["end to end/s"] * 10
        print(f"{delivered:.0f} documents: {_resident(up.pids[0]):.0f} MB")


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def main() -> None:
    """Measure the waits, or with `--memory` the memory."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=8)
    options.add_argument("--memory", type=int, metavar="DOCUMENTS", help="memory while so many are taken and delivered")
    chosen = options.parse_args()
    memory(chosen.memory) if chosen.memory else waits(chosen.seconds)


if __name__ == "__main__":
    main()
