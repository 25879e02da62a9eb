"""`make profile`: where a document's processor time goes, stage by stage, in one gateway under load.

The gateway runs with a timer around each stage, which counts the CPU time of the thread that is in it and not in
a stage within. What no stage has (the event loop, sockets, the garbage collector) is `the rest`. A second run counts
the calls of Python functions. Both slow the gateway down: the shares count, not the sum.
"""

from __future__ import annotations

import argparse
import atexit
import importlib
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr
from rich.console import Console
from rich.table import Table

STAGES = (
    ("take: http", "gateway.api.front.connection:BoundedConnection.data_received"),
    ("take: http", "gateway.api.inbound.asgi:Application.__call__"),
    ("take: read", "adapters.adapter:DeclarativeAdapter.read"),
    ("take: check", "adapters.exchange.receiving:CompiledReceive._schema_faults"),
    ("take: check", "schemas.documents:check"),
    ("take: translate", "adapters.adapter:DeclarativeAdapter.translate_in"),
    ("take: decide", "gateway.intake.decider:Decider.decide"),
    ("take: commit", "gateway.ledger.sql.ledger:SqlLedger.accept"),
    ("take: commit, in the writer", "gateway.ledger.sql.accepting:ACCEPT.do"),
    ("take: tell", "gateway.intake.reception:Reception._tell"),
    ("send: head", "gateway.delivery.supply:Supply.fetch"),
    ("send: head", "gateway.ledger.sql.store:Reader.run"),
    ("send: attempt", "gateway.delivery.attempt:Attempts.make"),
    ("send: translate", "gateway.delivery.attempt:Attempts._write"),
    ("send: call", "gateway.delivery.sender:Sender.send"),
    ("send: call", "gateway.delivery.connection:Connection.data_received"),
    ("send: judge", "gateway.delivery.attempt:Attempts._judge"),
    ("send: commit", "gateway.ledger.sql.ledger:SqlLedger.begin"),
    ("send: commit", "gateway.ledger.sql.ledger:SqlLedger.settle"),
    ("send: commit, in the writer", "gateway.ledger.sql.attempts:BEGIN.do"),
    ("send: commit, in the writer", "gateway.ledger.sql.attempts:SETTLE.do"),
    ("both: commit, in the writer", "gateway.ledger.sql.writing:Writer.run"),
)
"""A stage, and a function that is it; what is called within and stands here too is counted there."""

ACCEPT = "gateway.ledger.sql.ledger:SqlLedger.accept"


# ── in the gateway ────────────────────────────────────────────────────────────────────────────
class Watch(threading.local):
    """The stage that a thread is in, and since when."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.since = time.thread_time_ns()


class Profile:
    """Counts what each stage took (ns of CPU), its calls of functions, and the documents."""

    def __init__(self) -> None:
        self.took: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.documents = self.cpu = 0
        self._watch = Watch()

    def enter(self, stage: str) -> None:
        self._turn()
        self._watch.stages.append(stage)

    def leave(self) -> None:
        self._turn()
        self._watch.stages.pop()

    def _turn(self) -> None:
        now, watch = time.thread_time_ns(), self._watch
        if watch.stages:
            self.took[watch.stages[-1]] += now - watch.since
        watch.since = now

    def _count(self) -> None:
        """Count a document; what was before the first one, starting the gateway above all, is left out."""
        if not self.documents:
            self.took.clear()
            self.calls.clear()
            self.began = time.process_time_ns()
        self.documents += 1
        self.cpu = time.process_time_ns() - self.began

    def called(self, frame: Any, event: str, argument: Any) -> None:
        """Count a call (`sys.setprofile`)."""
        if event == "call":
            stages = self._watch.stages
            self.calls[stages[-1] if stages else "the rest"] += 1

    def written(self) -> str:
        """Give all of it as JSON."""
        return json.dumps({"took": self.took, "calls": self.calls, "documents": self.documents, "cpu": self.cpu})

    def around(self, stage: str, function: Callable[..., Any], *, counts: bool) -> Callable[..., Any]:
        """Give the function with the timer around it; what it gives to await is timed step by step."""

        def timed(*arguments: Any, **named: Any) -> Any:
            if counts:
                self._count()
            self.enter(stage)
            try:
                result = function(*arguments, **named)
            finally:
                self.leave()
            return Stepped(self, stage, result) if hasattr(result, "__await__") else result

        return timed


class Stepped:
    """What is awaited, with the timer around each step."""

    def __init__(self, profile: Profile, stage: str, work: Any) -> None:
        self._profile, self._stage, self._work = profile, stage, work

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._work.__await__()
        resume, value = steps.__next__, ()
        while True:
            self._profile.enter(self._stage)
            try:
                waits_for = resume(*value)
            except StopIteration as end:
                return end.value
            finally:
                self._profile.leave()
            try:
                yield waits_for
                resume, value = steps.__next__, ()
            except BaseException as error:
                resume, value = steps.throw, (error,)


def serve(file: str, *, count_calls: bool) -> None:
    """Serve as `hutong serve` does, and write what was counted when it ends."""
    from gateway.cli.main import main  # noqa: PLC0415  (only the gateway's process needs it)

    profile = Profile()
    for stage, place in STAGES:
        module, _, name = place.partition(":")
        owner: Any = importlib.import_module(module)
        *path, last = name.split(".")
        for one in path:
            owner = getattr(owner, one)
        replace = force_setattr if isinstance(owner, Struct) else setattr
        replace(owner, last, profile.around(stage, getattr(owner, last), counts=place == ACCEPT))
    atexit.register(lambda: Path(file).write_text(profile.written()))
    if count_calls:
        threading.setprofile(profile.called)
        sys.setprofile(profile.called)
    main(["serve"])


# ── the runs ──────────────────────────────────────────────────────────────────────────────────
def measured(seconds: float, *, count_calls: bool) -> dict[str, Any]:
    """Run a gateway under load from wrk, before a light sink; give what it counted."""
    import pipelines  # noqa: PLC0415  (the gateway's own process has no use for it)
    from document import SOURCE, TARGET  # noqa: PLC0415

    from gateway.demo.processes import Served, free_port, gateway  # noqa: PLC0415

    def watched(folder: Path, **settings: Any) -> Served:
        served = gateway(folder, **settings)
        served.command = [sys.executable, __file__, "--serve", str(folder / "stages.json")]
        served.environment = {**served.environment, "COUNT_CALLS": "1" if count_calls else ""}
        return served

    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sink = Served([sys.executable, str(pipelines.HERE / "sink.py"), str(port)], port, "/count", folder / "sink.log")
        with pipelines.running(sink), pipelines.town(folder, watched) as place:
            place.register(SOURCE, "fast-penalty", "http://127.0.0.1:9")
            place.register(TARGET, "fast-mobile-enforcement", f"http://127.0.0.1:{port}")
            url = f"{place.gateway.url}/v1/inbound/progress"
            pipelines.measure(pipelines.Running(url, place.credentials[SOURCE], ()), port, seconds)
            place.gateway.stop()
            found: dict[str, Any] = json.loads((folder / "stages.json").read_text())
            return found


def show(timed: dict[str, Any], counted: dict[str, Any]) -> None:
    """Print both runs as one table, a line a stage."""
    rest = timed["cpu"] - sum(timed["took"].values())
    took = {**timed["took"], "the rest": rest}
    table = Table("stage", "CPU µs a document", "share", "calls a document")
    for stage in [*dict.fromkeys(stage for stage, _ in STAGES), "the rest"]:
        micros, calls = took.get(stage, 0) / timed["documents"] / 1000, counted["calls"].get(stage, 0)
        share = took.get(stage, 0) / timed["cpu"]
        table.add_row(stage, f"{micros:.0f}", f"{share:.0%}", f"{calls / counted['documents']:.0f}")
    total = timed["cpu"] / timed["documents"] / 1000
    table.add_row("all", f"{total:.0f}", "100%", f"{sum(counted['calls'].values()) / counted['documents']:.0f}")
    print(f"{time.strftime('%Y-%m-%d')} · {timed['documents']} documents")
    Console(width=100).print(table)


def main() -> None:
    """Run both and print; `--serve FILE` is the gateway's own process."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--serve", metavar="FILE", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.serve:
        serve(chosen.serve, count_calls=bool(os.environ["COUNT_CALLS"]))
    else:
        show(measured(chosen.seconds, count_calls=False), measured(chosen.seconds, count_calls=True))


if __name__ == "__main__":
    main()
