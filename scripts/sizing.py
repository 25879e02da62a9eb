"""How many processes and how much disk a province and the nation need: a model of a few lines, from measured figures.

Measured is what stands in BENCHMARKS.md; assumed is what stands in YEAR and below it, to be replaced by what
a province knows of itself:

.venv/bin/python scripts/sizing.py --officers 2600 --dischargers 120000
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "sizing.md"
BENCHMARKS = ROOT / "BENCHMARKS.md"

PROVINCES = 31
OFFICERS = 80_000
DISCHARGERS = 3_600_000

WORKING_SECONDS = 250 * 8 * 3600
"""Seconds of a year in which people work."""
PEAK = 10
"""How many times the average of the working hours comes in the busiest minute."""
LOAD = 0.5
"""Of what a process does at most, how much it is given, so that waiting stays short."""
LARGEST = 3
"""How many times the average province is the largest."""
SPARE = 1
"""Processes that may be away: one is restarted, or its host fails."""


class Flow(Struct, frozen=True):
    """What is sent of a sort: how many messages a year for each officer or discharger, and to how many platforms."""

    name: str
    each: str
    a_year: float
    destinations: float


YEAR = (
    Flow("inspections", "officer", 30, 2.5),
    Flow("dispatch orders and their reports", "officer", 40, 1),
    Flow("cases: transfer, nodes, decision, payment", "officer", 20, 2),
    Flow("leads and their answers", "officer", 20, 1),
    Flow("permits and registrations that change", "discharger", 0.4, 1),
    Flow("project approvals and acceptances", "discharger", 0.15, 1.5),
)
"""What is assumed to be sent in a year."""


class Measured(Struct, frozen=True):
    """What one process did, in the largest ledger that was measured."""

    documents: float
    permits: float
    bytes: float
    megabytes: float


class Need(Struct, frozen=True):
    """What somebody needs. `sync_hours`: a first full sync of all permits and registrations, by one process."""

    messages: float
    deliveries: float
    peak: float
    processes: int
    gigabytes: float
    sync_hours: float


def measured(text: str) -> Measured:
    """Read the measured figures out of BENCHMARKS.md; ValueError when one is not there."""
    return Measured(
        documents=_row(text, "end to end/s"),
        permits=_row(text, "permits delivered/s"),
        bytes=_row(text, "bytes a message"),
        megabytes=_found(text, r"Memory[^\n]*?\*\*(\d+) MB\*\*", "memory"),
    )


def _row(text: str, name: str) -> float:
    """Give the figure of the largest ledger: the last but one cell of a row, whose last is the growth."""
    return _found(text, rf"^\| {re.escape(name)} \|.*\| ([\d.,]+) \| [\d.,]+ \|$", name)


def _found(text: str, pattern: str, name: str) -> float:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise ValueError(f"BENCHMARKS.md does not say: {name}")
    return float(found[1].replace(",", ""))


def need(process: Measured, officers: float, dischargers: float) -> Need:
    """Work out what is needed for so many officers and dischargers."""
    many = {"officer": officers, "discharger": dischargers}
    messages = sum(flow.a_year * many[flow.each] for flow in YEAR)
    deliveries = sum(flow.a_year * many[flow.each] * flow.destinations for flow in YEAR)
    # A document end to end is one message and one delivery; a further destination counts half as much.
    work = messages + (deliveries - messages) / 2
    peak = work / WORKING_SECONDS * PEAK
    return Need(
        messages=messages,
        deliveries=deliveries,
        peak=peak,
        processes=math.ceil(peak / (process.documents * LOAD)) + SPARE,
        gigabytes=messages * process.bytes / 1e9,
        sync_hours=dischargers / process.permits / 3600,
    )


def tables(process: Measured) -> str:
    """Write what docs/sizing.md has between its marks."""
    average, largest = (OFFICERS / PROVINCES, DISCHARGERS / PROVINCES), LARGEST / PROVINCES
    needs = {
        "an average province": need(process, *average),
        "the largest province": need(process, OFFICERS * largest, DISCHARGERS * largest),
        "the nation in one place": need(process, OFFICERS, DISCHARGERS),
    }
    one = [
        ("documents end to end a second", f"{process.documents:,.0f}"),
        ("permits delivered a second, in packages of 500", f"{process.permits:,.0f}"),
        ("bytes that the ledger keeps of a message", f"{process.bytes:,.0f}"),
        ("memory", f"{process.megabytes:,.0f} MB"),
    ]
    heads = ("", "messages a year", "deliveries a year", "peak a second", "processes", "GB a year", "first sync, hours")
    return "\n".join(
        [
            "What one process does (BENCHMARKS.md, the largest ledger measured):\n",
            *_table(("measured", ""), one),
            "\nWhat is assumed to be sent:\n",
            *_table(("what", "a year", "to platforms"), _assumed()),
            "\nWhat follows:\n",
            *_table(heads, [(name, *_cells(each)) for name, each in needs.items()]),
        ]
    )


def _assumed() -> Iterator[Sequence[str]]:
    for flow in YEAR:
        yield flow.name, f"{flow.a_year:g} for each {flow.each}", f"{flow.destinations:g}"


def _cells(need: Need) -> Sequence[str]:
    return (
        f"{need.messages / 1e6:,.1f} million",
        f"{need.deliveries / 1e6:,.1f} million",
        f"{need.peak:,.1f}",
        str(need.processes),
        f"{need.gigabytes:,.1f}",
        f"{need.sync_hours:,.2f}",
    )


def _table(columns: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> Iterator[str]:
    for line in (columns, ["---"] * len(columns), *rows):
        yield f"| {' | '.join(line)} |"


def page() -> str:
    """Give docs/sizing.md with its tables as they follow now."""
    before, rest = PAGE.read_text(encoding="utf-8").split("<!-- sizing -->\n")
    after = rest.split("<!-- /sizing -->\n")[1]
    made = tables(measured(BENCHMARKS.read_text(encoding="utf-8")))
    return f"{before}<!-- sizing -->\n{made}\n<!-- /sizing -->\n{after}"


def main(
    officers: Annotated[int, typer.Option("--officers", help="Enforcement officers.")] = OFFICERS,
    dischargers: Annotated[
        int, typer.Option("--dischargers", help="Permit holders and registered ones.")
    ] = DISCHARGERS,
) -> None:
    """Print what so many officers and dischargers need."""
    found = need(measured(BENCHMARKS.read_text(encoding="utf-8")), officers, dischargers)
    heads = ("messages a year", "deliveries a year", "peak a second", "processes", "GB a year", "first sync, hours")
    for name, cell in zip(heads, _cells(found), strict=True):
        print(f"{name:20} {cell}")


if __name__ == "__main__":
    typer.run(main)
