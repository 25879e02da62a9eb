"""`make chaos`: rounds of traffic under faults, each judged; a table at the end, and exit code 1 for any harm.

It runs real gateways, doubles, PostgreSQL, Redis and clients. Everything is decided by a seed, and each round can be
repeated alone: `make chaos ARGS="--seed S --round N"`. What a round that failed left behind is kept.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import oracle
import rounds
from faults import CLOCK, Kind, kinds_for
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from stage import Machine, NotToBeHad, faketime, new_folder

GATEWAYS = {"postgresql": 3, "sqlite": 1}
CLIENTS = 5
TARGET = 200
LEAST = 10
"""How often each kind of fault is injected in `TARGET` rounds, at least."""

console = Console()


@dataclass
class Tally:
    """The sums of all rounds."""

    ledger: str
    rounds: int = 0
    failed: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    harms: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    recovery: list[float] = field(default_factory=list)

    def add(self, outcome: rounds.Outcome) -> None:
        """Add a round."""
        self.rounds += 1
        self.counts.update(outcome.judgement.counts)
        self.harms.update(outcome.judgement.harms)
        self.injected.update(outcome.injected)
        self.recovery.append(outcome.recovery)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="make chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"200 rounds are the measure: each kind of fault is then injected at least {LEAST} times.",
    )
    parser.add_argument("--rounds", type=int, default=TARGET, metavar="N", help=f"how many (default {TARGET})")
    parser.add_argument(
        "--ledger",
        choices=[*GATEWAYS, "both"],
        default="both",
        help="three gateways on PostgreSQL, one on SQLite, or (default) both, one after the other, N rounds each",
    )
    parser.add_argument("--seed", type=int, default=None, help="decides everything (default: by chance; it is printed)")
    parser.add_argument("--round", type=int, default=None, metavar="N", help="only this round of the seed")
    parser.add_argument("--seconds", type=float, default=10.0, help="traffic of a round, at least (default 10)")
    parser.add_argument("--faults", type=int, default=8, metavar="N", help="faults of a round (default 8)")
    parser.add_argument("--only", nargs="+", metavar="KIND", help="only these kinds of faults")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between a client's documents (default 0.05)")
    parser.add_argument("--keep", type=Path, default=None, metavar="FOLDER", help="where failed rounds are kept")
    parser.add_argument("--kinds", action="store_true", help="list the kinds of faults, and end")
    return parser.parse_args(given)


def chosen(options: argparse.Namespace, ledger: str) -> dict[str, Kind]:
    """Give the kinds of faults that are asked for and that this ledger can have."""
    kinds = kinds_for(ledger)
    if options.only:
        unknown = set(options.only) - {name for each in GATEWAYS for name in kinds_for(each)}
        if unknown:
            raise NotToBeHad(f"there is no such kind of fault: {', '.join(sorted(unknown))}; see --kinds")
        kinds = {name: kind for name, kind in kinds.items() if name in options.only}
    if CLOCK in kinds:
        faketime()
    return kinds


def run(options: argparse.Namespace, tally: Tally, seed: int, keep: Path, progress: Progress) -> None:
    """Play all rounds over one ledger."""
    ledger = tally.ledger
    kinds = chosen(options, ledger)
    numbers = [options.round] if options.round is not None else range(options.rounds)
    bar = progress.add_task(f"{ledger}", total=len(numbers), step="doubles start")
    with _folder(keep) as folder, Machine(folder, ledger, gateways=GATEWAYS[ledger], clocks=CLOCK in kinds) as machine:
        for number in numbers:
            what = rounds.plan(seed, number, kinds=list(kinds), seconds=options.seconds, faults=options.faults)
            place = folder / f"round-{number}"

            def step(said: str, number: int = number) -> None:
                progress.update(bar, step=f"round {number}: {said}")

            outcome = rounds.run(machine, what, place, kinds=kinds, clients=CLIENTS, pause=options.pause, step=step)
            tally.add(outcome)
            if outcome.problems:
                tally.failed.append(_tell(options, ledger, seed, number, outcome, keep, place, machine))
            shutil.rmtree(place, ignore_errors=True)
            progress.advance(bar)


@contextlib.contextmanager
def _folder(keep: Path) -> Iterator[Path]:
    folder = new_folder(keep)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tell(
    options: argparse.Namespace,
    ledger: str,
    seed: int,
    number: int,
    outcome: rounds.Outcome,
    keep: Path,
    place: Path,
    machine: Machine,
) -> str:
    """Say what was wrong, keep what the round left behind, and give the line that repeats it."""
    kept = keep / f"{ledger}-{seed}-{number}"
    shutil.copytree(place, kept, dirs_exist_ok=True)
    shutil.copy(machine.folder / "doubles.log", kept)
    (kept / "problems.txt").write_text("\n".join(outcome.problems) + "\n", encoding="utf-8")
    more = "".join(
        f" --{name} {value}"
        for name, value in (("seconds", options.seconds), ("faults", options.faults), ("pause", options.pause))
        if value != {"seconds": 10.0, "faults": 8, "pause": 0.05}[name]
    )
    only = f" --only {' '.join(repr(one) for one in options.only)}" if options.only else ""
    again = f'make chaos LEDGER={ledger} ARGS="--seed {seed} --round {number}{more}{only}"'
    console.print(f"[bold red]round {number} failed[/]; kept in {kept}", highlight=False)
    for problem in outcome.problems[:12]:
        console.print(f"  {problem}"[:400], highlight=False, markup=False)
    console.print(f"  again: {again}", highlight=False, markup=False)
    return again


def show(tally: Tally) -> None:
    """Print the table of one ledger."""
    table = Table(title=f"{tally.rounds} rounds on {tally.ledger}, {GATEWAYS[tally.ledger]} gateway(s)", min_width=60)
    table.add_column("what")
    table.add_column("count", justify="right")
    for name in ("accepted", "delivered"):
        table.add_row(name, str(tally.counts[name]))
    for harm in oracle.HARMS:
        table.add_row(harm, str(tally.harms[harm]), style="bold red" if tally.harms[harm] else None)
    slowest = max(tally.recovery, default=0.0)
    table.add_row(
        "recovery, seconds, the longest", f"{slowest:.1f}", style="bold red" if slowest > rounds.DRAIN else None
    )
    table.add_row("received again under the same key", str(tally.counts["received again under the same key"]))
    table.add_row("rounds that failed", str(len(tally.failed)), end_section=True)
    for name in kinds_for(tally.ledger):
        if name in tally.injected:
            table.add_row(name, str(tally.injected[name]))
    console.print(table)


def too_few(options: argparse.Namespace, tally: Tally) -> list[str]:
    """Give the kinds that a full run has injected too seldom."""
    if options.round is not None or tally.rounds < TARGET:
        return []
    return [name for name in chosen(options, tally.ledger) if tally.injected[name] < LEAST]


def main() -> int:
    """Run what was asked for; gives the exit code."""
    options = arguments()
    if options.kinds:
        for ledger in GATEWAYS:
            console.print(f"{ledger}: {', '.join(kinds_for(ledger))}")
        return 0
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    ledgers = list(GATEWAYS) if options.ledger == "both" else [options.ledger]
    console.print(f"seed {seed}", highlight=False)
    signal.signal(signal.SIGTERM, _interrupt)
    keep = options.keep or Path(".chaos").absolute()
    keep.mkdir(parents=True, exist_ok=True)
    tallies: list[Tally] = []
    columns: list[Any] = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[step]}"),
    ]
    try:
        for ledger in ledgers:
            with Progress(*columns, console=console) as progress:
                tallies.append(Tally(ledger))
                run(options, tallies[-1], seed, keep, progress)
    except KeyboardInterrupt:
        for tally in tallies:
            show(tally)
        console.print("stopped; every process is ended")
        return 130
    except NotToBeHad as error:
        console.print(f"[bold red]{error}[/]")
        return 2
    seldom = []
    for tally in tallies:
        show(tally)
        seldom += [f"{tally.ledger}: {name} was injected fewer than {LEAST} times" for name in too_few(options, tally)]
    for one in seldom:
        console.print(one)
    return 1 if seldom or any(tally.failed for tally in tallies) else 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
