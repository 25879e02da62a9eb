"""One round: traffic under faults, then a drain that is measured, then the judgement."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import oracle
import records
from clients import Client
from faults import Chaos, Kind, NothingDone, replay_all
from journal import Journal
from stage import Machine, Stage

DRAIN = 30.0
"""Seconds within which everything must be settled once the faults are over."""

_PATIENCE = 150.0
"""Seconds for which faults may take to be over: gateways start slowly on a machine that is busy."""


@dataclass(frozen=True)
class Plan:
    """What happens in a round: kinds of faults, each with its second, all decided by the seed."""

    seed: str
    seconds: float
    faults: tuple[tuple[float, str], ...]


def plan(seed: int, number: int, *, kinds: Sequence[str], seconds: float, faults: int) -> Plan:
    """Decide a round. All rounds together use each kind equally often, and each round is decided for itself."""
    chance = random.Random(f"{seed}/{number}")
    drawn = [_drawn(seed, kinds, place) for place in range(number * faults, (number + 1) * faults)]
    return Plan(
        f"{seed}/{number}", seconds, tuple(sorted((chance.uniform(0.5, max(0.6, seconds - 1)), one) for one in drawn))
    )


def _drawn(seed: int, kinds: Sequence[str], place: int) -> str:
    """Give the kind at a place of an endless row of shuffled decks."""
    deck = sorted(kinds)
    random.Random(f"{seed}/deck/{place // len(deck)}").shuffle(deck)
    return deck[place % len(deck)]


@dataclass
class Outcome:
    """How a round ended."""

    judgement: oracle.Judgement
    injected: Counter[str]
    recovery: float
    refused: list[str]
    broken: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Everything that keeps the round from passing."""
        counts = self.judgement.counts
        found = [*self.broken, *self.judgement.faults, *(f"refused: {one}" for one in self.refused)]
        if counts["delivered"] != counts["accepted"]:
            found.append(f"accepted {counts['accepted']}, delivered {counts['delivered']}")
        if self.recovery > DRAIN:
            found.append(f"not everything was settled {DRAIN:.0f} s after the faults were over")
        return found


def run(
    machine: Machine,
    what: Plan,
    folder: Path,
    *,
    kinds: dict[str, Kind],
    clients: int,
    pause: float,
    plant: Path | None = None,
    step: Callable[[str], None] = lambda _: None,
    drain: float = DRAIN,
) -> Outcome:
    """Play a round in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    machine.heal()
    stage = Stage(machine, folder)
    with (folder / "journal.log").open("w", encoding="utf-8") as out:
        journal = Journal(out)
        try:
            step("gateways start")
            stage.open(plant)
            return _play(stage, what, journal, kinds, clients, pause, step, drain)
        finally:
            stage.close()


def _play(
    stage: Stage,
    what: Plan,
    journal: Journal,
    kinds: dict[str, Kind],
    count: int,
    pause: float,
    step: Callable[[str], None],
    drain: float,
) -> Outcome:
    clients = [Client(f"c{n}", stage, n, random.Random(f"{what.seed}/client/{n}"), pause) for n in range(count)]
    beside = Client("beside", stage, 0, random.Random(0), pause)  # never started: it notes what half-closed calls get
    chaos = Chaos(stage, journal, [*clients, beside], random.Random(f"{what.seed}/chaos"))
    for one in clients:
        one.start()
    step("faults under load")
    broken = _inject(chaos, what, kinds)
    over = time.monotonic()
    for one in clients:
        one.finish(drain + 10)
    step("drain")
    recovery = _drained(chaos, over, drain)
    told = [one for client in (*clients, beside) for one in client.told]
    refused = [one for client in (*clients, beside) for one in client.refused]
    with stage.rows() as rows:
        kept = records.kept(rows)
    judgement = oracle.judge(
        told,
        kept,
        records.received(stage.machine.urls),
        disturbances=journal.disturbances,
        replayed=journal.replayed,
        discarded=_given_up(kept, journal),
    )
    return Outcome(judgement, journal.injected, recovery, refused, broken)


def _given_up(kept: Sequence[oracle.Kept], journal: Journal) -> set[str]:
    """Give what operators asked to give up and did: one that was asked too late is delivered like the others."""
    return {one.delivery_id for one in kept if one.delivery_id in journal.discarded and one.state == "discarded"}


def _inject(chaos: Chaos, what: Plan, kinds: dict[str, Kind]) -> list[str]:
    """Inject each fault at its second, in a thread of its own, and return once all are over and the time is too."""
    began = time.monotonic()
    broken: list[str] = []

    def inject(at: float, kind: Kind, number: int) -> None:
        mine = Chaos(chaos.stage, chaos.journal, chaos.clients, random.Random(f"{what.seed}/{number}"), chaos.database)
        chaos.stage.stopping.wait(max(0.0, began + at - time.monotonic()))
        try:
            kind.inject(mine, kind.name)
        except NothingDone as error:
            chaos.journal.say(str(error))
        except Exception as error:
            chaos.journal.say(f"{kind.name} failed: {error!r}")
            broken.append(f"the fault itself failed: {kind.name}: {error!r}")

    threads = [
        threading.Thread(target=inject, args=(at, kinds[name], number), daemon=True, name=name)
        for number, (at, name) in enumerate(what.faults)
    ]
    for one in threads:
        one.start()
    while time.monotonic() - began < what.seconds:
        time.sleep(0.1)
    for one in threads:
        one.join(max(0.1, began + _PATIENCE - time.monotonic()))
        if one.is_alive():
            broken.append(f"the fault was not over after {_PATIENCE:.0f} s: {one.name}")
    return broken


def _drained(chaos: Chaos, over: float, drain: float) -> float:
    """Wait until everything is settled; gives the seconds since the faults were over.

    What was refused while a double said no is replayed: a platform that is well again is sent what it refused.
    """
    while True:
        with chaos.stage.rows() as rows:
            left, refused = records.unsettled(rows), records.answered_no(rows)
        seconds = time.monotonic() - over
        if not left or seconds > drain:
            return seconds
        if len(refused) == left:
            replay_all(chaos)
        time.sleep(0.2)
