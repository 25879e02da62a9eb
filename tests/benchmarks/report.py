"""`make bench-report`: how long the regular report of a nation takes, and what keeping its occurrences costs.

The first inspections of a month are kept by the ledger's own promise, as the follower has them kept; further months are
copies of its rows. Then the report is made of a month, of the year, told apart by region, and of the month as it stood
then; the messages behind a figure are listed. Each is asked for a few times, and the middle one is told.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from gateway.ledger.records import Intent, Platform
from gateway.ledger.sql.ledger import SqlLedger
from gateway.message import Message
from gateway.oversight.occurrences import OccurrenceReader
from gateway.oversight.reports import GroupedBy, Reports
from schemas.calendar import PUBLISHED
from schemas.codes import table
from schemas.figures import bundled
from schemas.regions import depth
from schemas.scalars import CHINA_TIME

NOW = datetime(2027, 1, 20, tzinfo=UTC)
FIRST = datetime(2026, 1, 1, 2, tzinfo=UTC)
AT_ONCE, ASKED = 100, 3
SETTINGS = {"inspection_cap": None}
COUNTIES = [one.code for one in table("region") if depth(one.code) == 3 and one.valid_to is None]


def _inspection(number: int, dice: random.Random) -> Message:
    county = dice.choice(COUNTIES)
    at = FIRST + timedelta(seconds=number * 28 * 86_400 // 1_000_000 % (28 * 86_400))
    officers = [{"name": "执法人员", "number": f"{county}{dice.randint(10, 34)}"} for _ in range(2)]
    document: dict[str, Any] = {
        "inspection_number": f"JC-{number}",
        "party": {"name": "示例企业", "credit_code": f"91{county}{number % 500_000:08d}XX"},
        "region": county,
        "started_at": at.isoformat(),
        "ended_at": at.isoformat(),
        "officers": officers,
        "findings": "正常",
        "problem_found": dice.random() < 0.2,
        "mode": dice.choice(["onsite", "onsite", "remote"]),
    }
    return Message(
        id=f"{number:032x}",
        type="inspection.recorded",
        document=document,
        source=f"mobile-enforcement.{county[:2]}0000",
        operation="inspection",
        adapter="plain@1.0.0",
        region=county,
        ordering_key=f"inspection_number:{number}",
        correlation_id=str(number),
        received_at=at + timedelta(minutes=dice.choice([5, 5, 30, 2000])),
        identity=str(number),
        digest=str(number),
    )


async def _fill(file: Path, count: int) -> float:
    """Keep so many inspections of one month, and give the microseconds that one of them took."""
    ledger, reader, dice = (
        SqlLedger(f"sqlite:///{file}"),
        OccurrenceReader(bundled(), CHINA_TIME, SETTINGS),
        random.Random(1),
    )
    await ledger.start()
    try:
        for province in sorted({county[:2] for county in COUNTIES}):
            id = f"mobile-enforcement.{province}0000"
            platform = Platform(id, "mobile-enforcement", f"{province}0000", "plain", {}, NOW)
            await ledger.put_platform(platform, Intent("benchmark", "filling", NOW), lambda _: None)
        spent = 0.0
        for first in range(0, count, AT_ONCE):
            seen = [
                reader.seen(_inspection(number, dice), PUBLISHED)
                for number in range(first, min(first + AT_ONCE, count))
            ]
            began = time.process_time()
            await ledger.keep_occurrences(seen, reader)
            spent += time.process_time() - began
        return 1e6 * spent / count
    finally:
        await ledger.stop()


def _copy(file: Path, months: int) -> None:
    """Add the same month again for further months of the year."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for pragma in ("synchronous=OFF", "journal_mode=MEMORY"):
            database.execute(f"PRAGMA {pragma}")
        names = [row[1] for row in database.execute("PRAGMA table_info(occurrences)") if row[1] != "seq"]
        columns = ", ".join(f'"{name}"' for name in names)
        for month in range(2, months + 1):
            days = (datetime(2026, month, 1, tzinfo=UTC) - datetime(2026, 1, 1, tzinfo=UTC)).days
            shifted = {"month": f"{202600 + month}", "day": f"day + {days}", "identity": f"identity || '{month}'"}
            shifted |= {"message_id": f"message_id || '{month}'"}
            shifted |= {
                name: f'"{name}" + {days * 86_400_000_000}' for name in ("at", "received_at", "first_at", "since")
            }
            values = ", ".join(shifted.get(name, f'"{name}"') for name in names)
            database.execute("BEGIN")
            database.execute(
                f"INSERT INTO occurrences ({columns}) SELECT {values} FROM occurrences WHERE month = 202601"
            )
            database.execute(
                f"INSERT INTO tallies SELECT {202600 + month}, name, thing, traits, region, authority,"
                f" CASE arrived WHEN 0 THEN 0 ELSE {202600 + month} END, count, amount"
                " FROM tallies WHERE month = 202601"
            )
            database.execute("COMMIT")


async def _ask(file: Path, months: int) -> dict[str, tuple[float, float]]:
    ledger = SqlLedger(f"sqlite:///{file}", deadline=600)
    await ledger.start()
    reports = Reports(ledger, bundled(), lambda: NOW, CHINA_TIME, SETTINGS)
    last = f"2026-{months:02d}"
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        "a month of the nation": lambda: reports.usage(last, "000000"),
        "… by region": lambda: reports.usage(last, "000000", GroupedBy.REGION),
        "… by authority": lambda: reports.usage(last, "000000", GroupedBy.AUTHORITY),
        "the year of the nation, by month": lambda: reports.usage("2026", "000000", GroupedBy.MONTH),
        "a month of a province": lambda: reports.usage(last, "330000"),
        "a month as it stood at its end": lambda: reports.usage(
            last, "000000", None, datetime(2026, months, 28, tzinfo=UTC)
        ),
        "100 messages behind a figure": lambda: reports.messages(
            "problem-discovery", last, "330000", "numerator", None, 100
        ),
    }
    try:
        return {name: await _middle(ask) for name, ask in asked.items()}
    finally:
        await ledger.stop()


async def _middle(ask: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    """Give seconds, and those of processor time."""
    took: list[tuple[float, float]] = []
    for _ in range(ASKED):
        began, spent = time.perf_counter(), time.process_time()
        await ask()
        took.append((time.perf_counter() - began, time.process_time() - spent))
    return statistics.median(wall for wall, _ in took), statistics.median(spent for _, spent in took)


def _size(file: Path, table: str) -> float:
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        sizes = database.execute("SELECT sum(pgsize) FROM dbstat WHERE name = ? OR name LIKE ?", (table, f"{table}%"))
        return float(sizes.fetchone()[0]) / max(1, rows)


def main() -> None:
    """Fill, ask and tell."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--inspections", type=int, default=100_000, help="inspections of a month")
    arguments.add_argument("--months", type=int, default=10, help="months of the year that there are")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        kept = asyncio.run(_fill(file, given.inspections))
        _copy(file, given.months)
        drawn = Table(
            "",
            "seconds",
            "of a processor",
            title=f"{given.inspections * given.months:,} occurrences in {given.months} months",
        )
        for name, (seconds, spent) in asyncio.run(_ask(file, given.months)).items():
            drawn.add_row(name, f"{seconds:.2f}", f"{spent:.2f}")
        screen = Console()
        screen.print(drawn)
        with closing(sqlite3.connect(file)) as database:
            rows = database.execute("SELECT count(*) FROM tallies WHERE month = 202601").fetchone()[0]
        screen.print(f"keeping one: {kept:.0f} µs of processor time; tallies of a month: {rows:,}")
        try:
            screen.print(f"an occurrence: {_size(file, 'occurrences'):.0f} bytes with its indexes")
        except sqlite3.OperationalError:
            screen.print(
                f"the file: {file.stat().st_size / (given.inspections * given.months):.0f} bytes an occurrence"
            )


if __name__ == "__main__":
    main()
