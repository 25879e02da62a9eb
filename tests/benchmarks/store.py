"""`make bench-store`: what a document and a search cost in a small ledger and in a large one.

The ledgers are filled through the ledger's own promises (accept, begin, settle), without HTTP and translation;
then a gateway serves each, takes and delivers the same load, and is searched. Growth is the large one's figure
over the small one's. How long a first sync of all national permits takes follows from packages of 500 records.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx
from document import NATIVE, SOURCE, TARGET
from pipelines import HERE, Figures, Running, measure, received, running
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from stdnum.cn import uscc
from town import Town, town

from adapters.adapter import bundled
from adapters.base import OutboundRequest
from gateway.clock import new_id
from gateway.demo.processes import Served, free_port
from gateway.ledger.records import Accepted, Claim, Intake, IntakeDraft, Settlement, Work
from gateway.ledger.sql.ledger import SqlLedger
from gateway.message import Attempt, Delivery, Message, State
from schemas.identifiers.enterprise import organisation_check

PERMITS, PACKAGE = 3_600_000, 500
"""Dischargers with a permit in China, and the records of a package of their first sync."""

PERMITTING, CODE = "pollutant-permit.330000", "91330110MA2KQ7XH9P"
AT_ONCE, AT_ONCE_SYNCED = 250, 2
ASKED = 20
_YES = b'{"code":"0000","msg":"ok","data":{"id":"R1"}}'
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


# ── filling ───────────────────────────────────────────────────────────────────────────────────
async def fill(file: Path, count: int, told: Progress) -> None:
    """Put so many delivered messages into a ledger that no process has open."""
    ledger = SqlLedger(f"sqlite:///{file}")
    await ledger.start()
    try:
        revision, claim = (await ledger.registry()).revision, await ledger.claim(TARGET)
        task = told.add_task(f"{count} messages", total=count)
        for first in range(0, count, AT_ONCE):
            intakes = [_intake(number, revision) for number in range(first, min(first + AT_ONCE, count))]
            receipts = await asyncio.gather(*map(ledger.accept, intakes))
            accepted = [entry for receipt in receipts for entry in receipt.entries if isinstance(entry, Accepted)]
            await _deliver(ledger, claim, [work for one in accepted for work in one.heads])
            told.advance(task, len(intakes))
    finally:
        await ledger.stop()


async def _deliver(ledger: SqlLedger, claim: Claim, works: Sequence[Work]) -> None:
    request = OutboundRequest("POST", "/case", {"content-type": "application/json"}, json.dumps(NATIVE).encode())
    at = datetime.now(UTC)
    await asyncio.gather(
        *(ledger.begin(claim, one.delivery.id, "fast@1.0.0", request, at, message=one.message) for one in works)
    )
    await asyncio.gather(*(ledger.settle(claim, _settlement(one.delivery.id, at)) for one in works))


def _settlement(delivery_id: str, at: datetime) -> Settlement:
    return Settlement(Attempt(delivery_id, 1, at, at, "accepted", 200, "R1", reply=_YES), State.DELIVERED)


def _intake(number: int, revision: int) -> Intake:
    at = _BEGAN + timedelta(seconds=number)
    body = json.dumps({**NATIVE, "CASEID": f"STORE-{number}"}, ensure_ascii=False).encode()
    case, digest, id = f"STORE-{number}", sha256(body).hexdigest(), new_id(at)
    message = Message(
        id=id,
        type="case.progressed",
        document={"case_number": case, "region": "330110", "node": "filed", "opinion": NATIVE["HANDLEOPINION"]},
        source=SOURCE,
        operation="progress",
        adapter="fast-penalty@1.0.0",
        region="330110",
        ordering_key=f"case_number:{SOURCE}:{case}",
        correlation_id=id,
        received_at=at,
        identity=case,
        digest=digest,
        keys={"case_number": case, "credit_code": f"91330100{number % 50_000:08d}XX"},
        trace_id=digest[:32],
    )
    lane = message.ordering_key
    delivery = Delivery(new_id(at), id, message.type, "mobile-enforcement", TARGET, lane, State.READY, at)
    draft = IntakeDraft(0, message, (delivery,), numbers={"case_number": case})
    return Intake(SOURCE, "progress", at, body, "application/json", (draft,), revision)


# ── a first sync ──────────────────────────────────────────────────────────────────────────────
def synced(place: Town, sink: int, count: int) -> Figures:
    """Hand so many permits in as their platform does, and give the records a second, accepted and delivered."""
    headers = {"Authorization": f"Bearer {place.credentials[PERMITTING]}", "Content-Type": "application/xml"}
    url = f"{place.gateway.url}/v1/inbound/permit"
    before, start = received(sink), time.perf_counter()

    def hand_in(first: int) -> None:
        httpx.post(url, content=_package(first), headers=headers, timeout=600).raise_for_status()

    with ThreadPoolExecutor(AT_ONCE_SYNCED) as clients:
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
def measured(count: int, permits: int, seconds: float, told: Progress) -> Figures:
    """Fill a ledger, and give what a gateway on it costs."""
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sink = Served([sys.executable, str(HERE / "sink.py"), str(port)], port, "/count", folder / "sink.log")
        with running(sink), town(folder) as place:
            place.register(SOURCE, "fast-penalty", "http://127.0.0.1:9")
            place.register(TARGET, "fast-mobile-enforcement", f"http://127.0.0.1:{port}")
            place.register(PERMITTING, "fast-pollutant-permit", "http://127.0.0.1:9")
            place.gateway.stop()
            asyncio.run(fill(folder / "hutong.db", count, told))
            size = (folder / "hutong.db").stat().st_size
            with _again(place) as up:
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


@contextmanager
def _again(place: Town) -> Iterator[Running]:
    place.gateway.start()
    place.gateway.wait_until_serving()
    assert place.gateway.process is not None
    url = f"{place.gateway.url}/v1/inbound/progress"
    yield Running(url, place.credentials[SOURCE], [place.gateway.process.pid])
    place.gateway.stop()


def _searches(place: Town, count: int) -> Figures:
    """Give the median milliseconds of searches as operators make them, each with other words."""
    numbers = [int(count * part / ASKED) for part in range(ASKED)]
    asked: Mapping[str, list[str]] = {
        "by case ms": [f"/v1/messages?case_number=STORE-{one}" for one in numbers],
        "by company ms": [f"/v1/messages?credit_code=91330100{one % 50_000:08d}XX" for one in numbers],
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
    chosen = options.parse_args()
    with Progress(console=Console(stderr=True)) as told:
        small, large = (measured(count, chosen.permits, chosen.seconds, told) for count in chosen.messages)
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
