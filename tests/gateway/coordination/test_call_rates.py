"""How often callers may call: each process for itself, and all together through a Redis server that is hurt."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from time import monotonic

import pytest
from redis_server import RedisServer

from gateway.coordination import MemoryStore, Rate
from gateway.coordination.call_rates import CallRates
from gateway.coordination.redis_store import PATIENCE, PAUSE, RedisStore
from gateway.errors import TooFast

LEDGER = "postgresql+psycopg://hutong:secret@ledger.example/hutong"
HZ, NB = "penalty.330100", "penalty.330200"
BURST = 5
SLOW = Rate(1, BURST)


class Watch:
    """A clock that the tests move."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def admitted(rates: CallRates, times: int, platform: str = HZ, limits: Mapping[str, int] | None = None) -> int:
    """Call so many times; give how many were let in."""
    count = 0
    for _ in range(times):
        with suppress(TooFast):
            await rates.admit(platform, limits or {})
            count += 1
    return count


# ── one process ───────────────────────────────────────────────────────────────────────────────
async def test_without_a_rate_everybody_may_call() -> None:
    """It is off unless it is set."""
    assert await admitted(CallRates(MemoryStore(Watch())), 1000) == 1000
    assert await admitted(CallRates(MemoryStore(Watch())), 1000, limits={"records": 5, "call_burst": 1}) == 1000


async def test_each_caller_has_its_own() -> None:
    """Who calls too often takes nothing from others, and may call again after the time that it is told."""
    watch = Watch()
    rates = CallRates(MemoryStore(watch), SLOW)
    assert await admitted(rates, 100, HZ) == BURST
    assert await admitted(rates, 100, NB) == BURST
    with pytest.raises(TooFast) as refused:
        await rates.admit(HZ, {})
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == ("rate.limited", 429, 1)
    watch.now += refused.value.retry_after
    assert await admitted(rates, 100, HZ) == 1


@pytest.mark.parametrize(
    ("limits", "at_once", "in_a_second"),
    [
        ({"call_rate": 2}, 2, 2),
        ({"call_rate": 2, "call_burst": 7}, 7, 2),
        ({"call_burst": 7}, 7, 1),
        ({"records": 10}, BURST, 1),
    ],
)
async def test_what_is_registered_for_a_platform_counts(
    limits: Mapping[str, int], at_once: int, in_a_second: int
) -> None:
    """Its rate instead of the setting's; a burst alone beside the setting's rate."""
    watch = Watch()
    rates = CallRates(MemoryStore(watch), SLOW)
    assert await admitted(rates, 20, limits=limits) == at_once
    watch.now += 1
    assert await admitted(rates, 20, limits=limits) == in_a_second


# ── several processes ─────────────────────────────────────────────────────────────────────────
class Processes:
    """Two processes that share a server, with a clock that moves only when the tests move it."""

    def __init__(self, url: str) -> None:
        self.watch = Watch()
        self.stores = [RedisStore(url, LEDGER, self.watch) for _ in range(2)]
        self.rates = [CallRates(MemoryStore(self.watch), SLOW, store) for store in self.stores]

    async def admitted(self, times: int = 20) -> list[int]:
        """Call each so many times; give how many were let in by each."""
        return [await admitted(each, times) for each in self.rates]


@pytest.fixture(scope="module")
def servers() -> Iterator[RedisServer]:
    """A Redis server."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(servers: RedisServer) -> RedisServer:
    """A Redis server that is well and empty."""
    servers.client().flushall()
    return servers


@pytest.fixture
async def processes(redis_server: RedisServer) -> AsyncIterator[Callable[..., Processes]]:
    """Makes pairs of processes."""
    made: list[Processes] = []

    def make(url: str = redis_server.url) -> Processes:
        made.append(Processes(url))
        return made[-1]

    yield make
    for store in (store for each in made for store in each.stores):
        await store.close()


Making = Callable[..., Processes]


async def test_together_they_let_the_whole_rate_through(processes: Making) -> None:
    """However the calls are spread: what one let in, the other does not."""
    assert await processes().admitted() == [BURST, 0]


async def test_one_that_is_alone_lets_all_of_it_through(processes: Making) -> None:
    """A caller that stays with one process loses nothing by the others."""
    one, _ = processes().rates
    assert await admitted(one, 20) == BURST


async def test_a_flush_lets_no_process_pass_its_own_count(processes: Making, redis_server: RedisServer) -> None:
    """Flushed after every call: each counts for itself, so it is the rate of each at most."""
    pair = processes()
    count = 0
    for _ in range(20):
        for each in pair.rates:
            count += await admitted(each, 1)
            redis_server.client().flushall()
    assert count == 2 * BURST


@pytest.mark.parametrize("hurt", ["absent", "frozen", "killed"])
async def test_without_the_server_each_counts_for_itself(
    processes: Making, redis_server: RedisServer, hurt: str
) -> None:
    """Nobody is turned away who may come, and one call of each process waits, for a moment."""
    pair = processes("redis://127.0.0.1:1/0") if hurt == "absent" else processes()
    if hurt == "frozen":
        redis_server.freeze()
    if hurt == "killed":
        redis_server.stop(signal.SIGKILL)
    try:
        began = monotonic()
        assert await pair.admitted(500) == [BURST, BURST]
        assert monotonic() - began < 10 * PATIENCE
    finally:
        if hurt == "frozen":
            redis_server.thaw()
        if hurt == "killed":
            redis_server.start()
    if hurt != "absent":
        # Well again: both have rested, and count together. What it was asked while it stood still may count late.
        pair.watch.now += max(PAUSE, BURST) + 1
        assert BURST - 2 <= sum(await pair.admitted()) <= BURST
