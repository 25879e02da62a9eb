"""`make bench-store`: what a document and a search cost in a small ledger and in a large one.

Both ledgers are filled first (`filling`), without HTTP and translation; then a gateway serves each, takes and delivers
the same load, and is searched. Growth is the large one's figure over the small one's. How long a first sync of all
national permits takes follows from packages of 500 records.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
from document import SOURCE, TARGET
from filling import case_number, credit_code, fill
from pipelines import HERE, Figures, Running, measure, received, running
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from stdnum.cn import uscc
from town import Town, town

from adapters.adapter import bundled
from gateway.demo.processes import Served, free_port
from schemas.identifiers.enterprise import organisation_check

PERMITS, PACKAGE = 3_600_000, 500
"""Dischargers with a permit in China, and the records of a package of their first sync."""

PERMITTING, CODE = "pollutant-permit.330000", "91330110MA2KQ7XH9P"
AT_ONCE = 2
ASKED = 20


# ── a first sync ──────────────────────────────────────────────────────────────────────────────
def synced(place: Town, sink: int, count: int) -> Figures:
    """Hand so many permits in as their platform does, and give the records a second, accepted and delivered."""
    headers = {"Authorization": f"Bearer {place.credentials[PERMITTING]}", "Content-Type": "application/xml"}
    url = f"{place.gateway.url}/v1/inbound/permit"
    before, start = received(sink), time.perf_counter()

    def hand_in(first: int) -> None:
        httpx.post(url, content=_package(first), headers=headers, timeout=600).raise_for_status()

    with ThreadPoolExecutor(AT_ONCE) as clients:
        list(clients.map(hand_in, range(0, count, PACKAGE)))
    accepted = time.perf_counter() - start
    while received(sink) - before < count:
        time.sleep(0.2)
    return {"permits accepted/s": count / accepted, "permits delivered/s": count / (time.perf_counter() - start)}


def _package(first: int) -> bytes:
    """Write a package of permits that differ in their numbers; everything else is the sample's."""
    head, record, tail = _SAMPLE
    records = [record.replace(CODE, _credit_code(first + number)) for number in range(PACKAGE)]
    text = head.replace("<JLS>1<", f"<JLS>{PACKAGE}<") + "".join(records) + tail
    return text.encode("gbk")


def _credit_code(number: int) -> str:
    organisation = f"MA{number:06d}"
    code = f"91330110{organisation}{organisation_check(organisation)}"
    return code + str(uscc.calc_check_digit(code))


def _parts(sample: str) -> tuple[str, str, str]:
    start, end = sample.index("<Record>"), sample.index("</Record>") + len("</Record>")
    return sample[:start], sample[start:end], sample[end:]


_SAMPLE = _parts((bundled()["pollutant-permit"] / "samples/permit/1.native.xml").read_text(encoding="gbk"))


# ── measuring ─────────────────────────────────────────────────────────────────────────────────
def measured(folder: Path, count: int, permits: int, seconds: float) -> Figures:
    """Give what a gateway costs on the ledger of so many messages in a folder."""
    port = free_port()
    sink = Served([sys.executable, str(HERE / "sink.py"), str(port)], port, "/count", folder / "sink.log")
    size = (folder / "hutong.db").stat().st_size
    with running(sink), town(folder) as place:
        place.register(SOURCE, "fast-penalty", "http://127.0.0.1:9")
        place.register(TARGET, "fast-mobile-enforcement", f"http://127.0.0.1:{port}")
        place.register(PERMITTING, "fast-pollutant-permit", "http://127.0.0.1:9")
        assert place.gateway.process is not None
        url = f"{place.gateway.url}/v1/inbound/progress"
        up = Running(url, place.credentials[SOURCE], [place.gateway.process.pid])
        found = measure(up, port, seconds)
        searches = _searches(place, count)
        sync = synced(place, port, permits)
    return {
        "end to end/s": found["end to end/s"],
        "CPU µs": found["CPU µs"],
        "p99 ms": found["p99 ms"],
        **searches,
        **sync,
        "bytes a message": size / count,
    }


def _searches(place: Town, count: int) -> Figures:
    """Give the median milliseconds of searches as operators make them, each with other words."""
    numbers = [int(count * part / ASKED) for part in range(ASKED)]
    asked: Mapping[str, list[str]] = {
        "by case ms": [f"/v1/messages?case_number={case_number(one)}" for one in numbers],
        "by company ms": [f"/v1/messages?credit_code={credit_code(one)}" for one in numbers],
        "a page of a platform ms": [f"/v1/deliveries?platform={TARGET}&limit={50 + one % 7}" for one in numbers],
        "delivered of a platform ms": [
            f"/v1/messages?platform={TARGET}&state=delivered&limit={50 + one % 7}" for one in numbers
        ],
    }
    headers = {"Authorization": f"Bearer {place.admin_token}"}
    with httpx.Client(base_url=place.gateway.url, headers=headers, timeout=60) as client:
        return {name: statistics.median(_timed(client, path) for path in paths) for name, paths in asked.items()}


def _timed(client: httpx.Client, path: str) -> float:
    start = time.perf_counter()
    client.get(path).raise_for_status()
    return (time.perf_counter() - start) * 1000


def main() -> None:
    """Fill, measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, nargs=2, default=[100_000, 10_000_000], metavar=("SMALL", "LARGE"))
    options.add_argument("--permits", type=int, default=200_000, help="of the first sync that is measured")
    options.add_argument("--seconds", type=float, default=8)
    options.add_argument("--fill", action="store_true", help="fill the ledgers of --folder, and measure another time")
    options.add_argument("--folder", type=Path, help="where the ledgers stay; one that is there is not filled again")
    chosen = options.parse_args()
    with ExitStack() as stack:
        kept = chosen.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folders = [kept / str(count) for count in chosen.messages]
        with Progress(console=Console(stderr=True)) as told:
            for folder, count in zip(folders, chosen.messages, strict=True):
                if not (folder / "hutong.db").exists():
                    folder.mkdir(parents=True)
                    fill(folder / "hutong.db", count, told)
        if chosen.fill:
            return
        small, large = (
            measured(folder, count, chosen.permits, chosen.seconds)
            for folder, count in zip(folders, chosen.messages, strict=True)
        )
    table = Table("", *(f"{count:,} messages" for count in chosen.messages), "growth")
    for name, value in small.items():
        fewer_is_worse = name.endswith("/s")
        growth = value / large[name] if fewer_is_worse else large[name] / value
        table.add_row(name, f"{value:.1f}", f"{large[name]:.1f}", f"{growth:.2f}")
    print(f"{datetime.now(UTC):%Y-%m-%d}")
    Console(width=100).print(table)
    hours = PERMITS / large["permits delivered/s"] / 3600
    print(f"{PERMITS:,} permits in packages of {PACKAGE}: {hours:.1f} hours until the last is delivered, at that rate")


if __name__ == "__main__":
    main()
