"""The kinds of faults: each is a function that does harm for a while, and leaves everything running behind it."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import records
from clients import Client, half_close
from journal import Journal
from postgres_server import NoServer
from stage import CREDIT, LOCAL_PERMIT, MOBILE, NEWER, PERMIT, PLATFORMS, PROJECT, Stage

_LISTENERS = (MOBILE, PERMIT, LOCAL_PERMIT, PROJECT, CREDIT)


@dataclass
class Chaos:
    """What a fault works with: the stage, where it is written down, and chance, which the round's seed decides."""

    stage: Stage
    journal: Journal
    clients: Sequence[Client]
    chance: random.Random
    database: threading.RLock = field(default_factory=threading.RLock)

    def some_gateway(self) -> int:
        """Choose a gateway."""
        return self.chance.randrange(len(self.stage.gateways))

    def wait(self, shortest: float, longest: float) -> None:
        """Wait for a while."""
        self.stage.stopping.wait(self.chance.uniform(shortest, longest))

    def misbehave(self, kind: str, seconds: tuple[float, float], **faults: Any) -> None:
        """Let one double misbehave for a while."""
        platform = self.chance.choice(_LISTENERS)
        url = f"{self.stage.machine.urls[platform]}/_double/faults"
        with self.journal.fault(kind, platform, disturbs=False):
            httpx.put(url, json=faults, timeout=10).raise_for_status()
            self.wait(*seconds)
            httpx.put(url, json={}, timeout=10).raise_for_status()


# ── gateways ──────────────────────────────────────────────────────────────────────────────────
def kill(chaos: Chaos, kind: str) -> None:
    """SIGKILL a gateway, and start it again."""
    number = chaos.some_gateway()
    with chaos.stage.locks[number], chaos.journal.fault(kind, f"gateway {number}"):
        chaos.stage.gateways[number].kill()
        chaos.stage.restart(number)


def kill_in_recovery(chaos: Chaos, kind: str) -> None:
    """SIGKILL a gateway, and once more while it recovers from that."""
    number = chaos.some_gateway()
    one = chaos.stage.gateways[number]
    with chaos.stage.locks[number], chaos.journal.fault(kind, f"gateway {number}"):
        one.kill()
        one.start()
        chaos.wait(0.5, 4)
        one.kill()
        chaos.stage.restart(number)


def freeze(chaos: Chaos, kind: str) -> None:
    """SIGSTOP a gateway, perhaps for longer than it may keep its platforms, and let it go on."""
    number = chaos.some_gateway()
    with chaos.stage.locks[number], chaos.journal.fault(kind, f"gateway {number}"):
        chaos.stage.signal(number, signal.SIGSTOP)
        chaos.wait(0.5, 8)
        chaos.stage.signal(number, signal.SIGCONT)


def freeze_in_recovery(chaos: Chaos, kind: str) -> None:
    """SIGKILL a gateway, and SIGSTOP it while it recovers from that."""
    number = chaos.some_gateway()
    one = chaos.stage.gateways[number]
    with chaos.stage.locks[number], chaos.journal.fault(kind, f"gateway {number}"):
        one.kill()
        one.start()
        chaos.wait(0.5, 4)
        chaos.stage.signal(number, signal.SIGSTOP)
        chaos.wait(0.5, 6)
        chaos.stage.signal(number, signal.SIGCONT)
        chaos.stage.restart(number)


def stop(chaos: Chaos, kind: str) -> None:
    """End a gateway gracefully, and start it again."""
    number = chaos.some_gateway()
    with chaos.stage.locks[number], chaos.journal.fault(kind, f"gateway {number}"):
        chaos.stage.gateways[number].stop()
        chaos.stage.restart(number)


def move_clock(chaos: Chaos, kind: str) -> None:
    """Move a gateway's wall clock by up to a day, and later back."""
    number = chaos.some_gateway()
    seconds = chaos.chance.choice((-86400, -3600, -90, -5, 5, 90, 3600, 86400))
    with chaos.journal.fault(kind, f"gateway {number} by {seconds:+d} s", disturbs=False):
        chaos.stage.machine.clock(number).write_text(f"{seconds:+d}\n")
        chaos.wait(1, 5)
        chaos.stage.machine.clock(number).write_text("+0\n")


# ── what the gateways stand on ────────────────────────────────────────────────────────────────
def restart_database(chaos: Chaos, kind: str) -> None:
    """Restart PostgreSQL."""
    _end_database(chaos, kind, signal.SIGINT)


def kill_database(chaos: Chaos, kind: str) -> None:
    """SIGKILL PostgreSQL's first process, and start it again: it recovers from its log."""
    _end_database(chaos, kind, signal.SIGKILL)


def _end_database(chaos: Chaos, kind: str, how: signal.Signals) -> None:
    server = chaos.stage.machine.postgres
    assert server is not None
    with chaos.database, chaos.journal.fault(kind):
        server.stop(how)
        chaos.wait(0, 1.5)
        _start_database(chaos)


def _start_database(chaos: Chaos) -> None:
    server = chaos.stage.machine.postgres
    assert server is not None
    deadline = time.monotonic() + 30
    while True:
        try:
            chaos.stage.machine.start_server(server)
            return
        except NoServer as error:
            # What was left running after a SIGKILL keeps the shared memory for a moment: it says so and ends.
            chaos.journal.say(f"PostgreSQL does not start yet: {error}"[:300])
            server.stop(signal.SIGKILL)
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def cut_before_commit(chaos: Chaos, kind: str) -> None:
    """Cut database connections when a COMMIT is on its way, before the database hears of it."""
    _cut(chaos, kind, "before")


def cut_after_commit(chaos: Chaos, kind: str) -> None:
    """Cut database connections when they were committed, before anybody is told."""
    _cut(chaos, kind, "after")


def _cut(chaos: Chaos, kind: str, when: str) -> None:
    proxy = chaos.stage.proxy
    assert proxy is not None
    with chaos.database, chaos.journal.fault(kind):
        proxy.cut(when, chaos.chance.randint(1, 3))
        before = proxy.cuts
        deadline = time.monotonic() + 3
        while proxy.cuts == before and time.monotonic() < deadline:
            chaos.stage.stopping.wait(0.05)
        chaos.wait(0.2, 1)
        proxy.cut(when, 0)
        if proxy.cuts == before:
            raise NothingDone(f"{kind}: nobody committed")


def fill_store(chaos: Chaos, kind: str) -> None:
    """Leave no room where the ledger is, for a while."""
    store, server = chaos.stage.machine.store, chaos.stage.machine.postgres
    assert store is not None
    with chaos.database, chaos.journal.fault(kind):
        writers = [one.process.pid for one in chaos.stage.gateways if one.process is not None]
        store.fill(writers if server is None else server.pids())
        chaos.wait(0.5, 2.5)
        store.empty()
        if server is not None and not server.alive:
            _start_database(chaos)


def flush_redis(chaos: Chaos, kind: str) -> None:
    """FLUSHALL."""
    redis = chaos.stage.machine.redis
    assert redis is not None
    with chaos.database, chaos.journal.fault(kind, disturbs=False):
        redis.client().flushall()


def kill_redis(chaos: Chaos, kind: str) -> None:
    """SIGKILL Redis, and start it again."""
    redis = chaos.stage.machine.redis
    assert redis is not None
    with chaos.database, chaos.journal.fault(kind, disturbs=False):
        redis.stop(signal.SIGKILL)
        chaos.wait(0.2, 2)
        chaos.stage.machine.start_server(redis)


# ── platforms ─────────────────────────────────────────────────────────────────────────────────
def reset_after_accept(chaos: Chaos, kind: str) -> None:
    """A double breaks the connection once it has taken a document."""
    chaos.misbehave(kind, (1, 3), reset_after_accept=True)


def reset_before_read(chaos: Chaos, kind: str) -> None:
    """A double breaks the connection before it reads anything."""
    chaos.misbehave(kind, (0.5, 2), reset_before_read=True)


def storm(chaos: Chaos, kind: str) -> None:
    """A double answers 429 to everybody, or to most."""
    chaos.misbehave(kind, (1, 3), status=429, retry_after_s=1, error_rate=chaos.chance.choice((0.7, 1.0)))


def slow_bodies(chaos: Chaos, kind: str) -> None:
    """A double's answers, and a client's document, come slowly."""
    with contextlib.suppress(OSError):
        half_close(chaos.stage, chaos.clients[-1], chaos.some_gateway(), whole=True, slowly=1.0)
    chaos.misbehave(kind, (1, 3), slow_body_ms=chaos.chance.randint(200, 1500))


# ── clients and operators ─────────────────────────────────────────────────────────────────────
def half_closed(chaos: Chaos, kind: str) -> None:
    """Clients close the sending side of their connections: some in the middle of a document, some after it."""
    with chaos.journal.fault(kind, disturbs=False):
        for whole in (False, True, False, True):
            with contextlib.suppress(OSError):
                half_close(chaos.stage, chaos.clients[-1], chaos.some_gateway(), whole=whole)


def two_replay(chaos: Chaos, kind: str) -> None:
    """A double says no for a while; then two operators replay each refused delivery at once."""
    platform = chaos.chance.choice(_LISTENERS)
    url = f"{chaos.stage.machine.urls[platform]}/_double/faults"
    with chaos.journal.fault(kind, platform, disturbs=False):
        httpx.put(url, json={"refuse": True}, timeout=10).raise_for_status()
        chaos.wait(0.5, 1.5)
        httpx.put(url, json={}, timeout=10).raise_for_status()
        replay_all(chaos)


def replay_all(chaos: Chaos) -> None:
    """Replay all that was refused, two operators at once, under one key or under two."""
    with contextlib.suppress(Exception), chaos.stage.rows() as rows:
        for key, platform in records.answered_no(rows):
            chaos.journal.replayed.add(key)
            chaos.journal.say(f"replay {key} to {platform}")
            body = {"reason": "平台已恢复", "stale_ok": True}
            _two_at_once(chaos, "POST", f"/v1/deliveries/{key}/replay", body)


def two_pause(chaos: Chaos, kind: str) -> None:
    """Two operators pause a platform at once, one resumes while the other pauses, and both resume it."""
    platform = chaos.chance.choice(_LISTENERS)
    with chaos.journal.fault(kind, platform, disturbs=False):
        path = f"/v1/platforms/{platform}"
        try:
            _two_at_once(chaos, "POST", f"{path}/pause", {"reason": "检修"})
            chaos.wait(0.1, 0.8)
            _two_at_once(chaos, "POST", f"{path}/resume", {"reason": "完成"}, other=f"{path}/pause")
        finally:
            chaos.stage.persist("POST", f"{path}/resume", json={"reason": "完成"})


def two_discard(chaos: Chaos, kind: str) -> None:
    """Two operators give up the same delivery at once, while its platform is paused."""
    platform = chaos.chance.choice(_LISTENERS)
    with chaos.journal.fault(kind, platform, disturbs=False):
        path = f"/v1/platforms/{platform}"
        chaos.stage.persist("POST", f"{path}/pause", json={"reason": "检修"})
        try:
            chaos.wait(0.3, 1)
            found = chaos.stage.persist("GET", f"/v1/deliveries?state=held&platform={platform}&limit=2").json()
            for one in found["deliveries"]:
                # Noted before it is asked for: the answer of one that was given up may be lost.
                chaos.journal.discarded.add(one["id"])
                chaos.journal.say(f"discard {one['id']}")
                _two_at_once(chaos, "POST", f"/v1/deliveries/{one['id']}/discard", {"reason": "重复上报"})
        finally:
            chaos.stage.persist("POST", f"{path}/resume", json={"reason": "完成"})


def _two_at_once(chaos: Chaos, method: str, path: str, body: dict[str, Any], other: str | None = None) -> None:
    """Let two operators do the same (or the second something else) at once, under one key or under two."""
    same = other is None and chaos.chance.random() < 0.5
    keys = [f"op-{chaos.chance.getrandbits(64):x}" for _ in range(2)]
    gate = threading.Barrier(2)
    at = [chaos.some_gateway() for _ in range(2)]

    def ask(place: int) -> None:
        headers = {"Idempotency-Key": keys[0 if same else place]}
        with contextlib.suppress(threading.BrokenBarrierError):
            gate.wait(5)
        # Conflicts and gateways that are away are what operators see too; what counts is what the ledger says.
        with contextlib.suppress(httpx.HTTPError):
            chaos.stage.operator(method, (other or path) if place else path, at[place], json=body, headers=headers)

    asking = [threading.Thread(target=ask, args=(place,), daemon=True) for place in range(2)]
    for one in asking:
        one.start()
    for one in asking:
        one.join(30)


def register_anew(chaos: Chaos, kind: str) -> None:
    """Register a platform again, at its address by another name, and back."""
    platform = chaos.chance.choice(_LISTENERS)
    adapter = f"fast-{PLATFORMS[platform]}"
    with chaos.journal.fault(kind, platform, disturbs=False):
        try:
            chaos.stage.register(platform, adapter, persistently=True, host="localhost")
            chaos.wait(0.2, 1)
        finally:
            chaos.stage.register(platform, adapter, persistently=True)


def switch_version(chaos: Chaos, kind: str) -> None:
    """Switch an adapter to its other version, and back."""
    name = f"fast-{PLATFORMS[chaos.chance.choice(list(PLATFORMS))]}"
    with chaos.journal.fault(kind, name, disturbs=False):
        for version in ("1.0.0", NEWER):
            with contextlib.suppress(httpx.HTTPStatusError):  # it is active already: another switch is under way
                chaos.stage.persist("POST", f"/v1/adapters/{name}/{version}/activate", json={"reason": "切换"})
            chaos.wait(0.2, 1)


class NothingDone(Exception):
    """A fault found nothing to harm, and does not count."""


@dataclass(frozen=True)
class Kind:
    """A kind of fault, and with which ledgers it can be."""

    name: str
    inject: Callable[[Chaos, str], None]
    ledgers: tuple[str, ...] = ("sqlite", "postgresql")


_POSTGRESQL = ("postgresql",)

KINDS = (
    Kind("gateway killed", kill),
    Kind("gateway killed in recovery", kill_in_recovery),
    Kind("gateway frozen", freeze),
    Kind("gateway frozen in recovery", freeze_in_recovery),
    Kind("gateway ended and started", stop),
    Kind("clock moved", move_clock),
    Kind("PostgreSQL restarted", restart_database, _POSTGRESQL),
    Kind("PostgreSQL killed", kill_database, _POSTGRESQL),
    Kind("connection cut before commit", cut_before_commit, _POSTGRESQL),
    Kind("connection cut after commit", cut_after_commit, _POSTGRESQL),
    Kind("store full", fill_store),
    Kind("Redis flushed", flush_redis, _POSTGRESQL),
    Kind("Redis killed", kill_redis, _POSTGRESQL),
    Kind("double resets after accept", reset_after_accept),
    Kind("double resets before read", reset_before_read),
    Kind("storm of 429", storm),
    Kind("slow bodies", slow_bodies),
    Kind("half-closed clients", half_closed),
    Kind("two operators replay", two_replay),
    Kind("two operators pause and resume", two_pause),
    Kind("two operators discard", two_discard),
    Kind("platform registered anew", register_anew),
    Kind("adapter version switched", switch_version),
)
CLOCK = "clock moved"


def kinds_for(ledger: str) -> dict[str, Kind]:
    """Give the kinds of faults that a ledger can have, by name."""
    return {one.name: one for one in KINDS if ledger in one.ledgers}
