"""Words between processes, over real servers: they arrive, and whatever happens to a server, later ones do again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from redis_server import RedisServer

from gateway.coordination import CHANGES, CLAIMS, WakeUps
from gateway.coordination.postgresql import PostgresCarrier
from gateway.coordination.redis import RedisCarrier

LEDGER = "postgresql+psycopg://hutong:secret@ledger.example/hutong"
PATIENCE = 15.0


class Listener:
    """Somebody who is told words."""

    def __init__(self, wake_ups: WakeUps) -> None:
        self.wake_ups = wake_ups
        self.words: set[str] = set()
        self.happened = asyncio.Event()
        wake_ups.start(self.told)

    def told(self, words: frozenset[str]) -> None:
        """Take note of words."""
        self.words |= words
        self.happened.set()

    async def until(self, *words: str) -> None:
        """Wait until these words came."""
        async with asyncio.timeout(PATIENCE):
            while not self.words.issuperset(words):
                self.happened.clear()
                await self.happened.wait()

    async def connected(self) -> None:
        """Wait until it listens: then it is told to look at everything once."""
        await self.until(CLAIMS, CHANGES)
        self.words.clear()


Making = Callable[..., Listener]


@pytest.fixture
async def listening() -> AsyncIterator[Making]:
    """Starts listeners, and stops them."""
    started: list[Listener] = []

    def start(*carriers: Any) -> Listener:
        started.append(Listener(WakeUps(carriers)))
        return started[-1]

    yield start
    for each in started:
        await each.wake_ups.stop()


@pytest.fixture(scope="module")
def servers() -> Iterator[RedisServer]:
    """A Redis server."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(servers: RedisServer) -> RedisServer:
    """A Redis server that is well."""
    return servers


@pytest.fixture(params=["redis", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def carrier(request: pytest.FixtureRequest) -> Callable[[], Any]:
    """Makes carriers of one sort."""
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url
        return lambda: RedisCarrier(url, LEDGER)
    address = request.getfixturevalue("postgres_address")
    return lambda: PostgresCarrier(address)


async def reached(teller: Listener, listener: Listener, word: str) -> None:
    """Tell a word again and again until it arrives: what is lost meanwhile is lost."""
    async with asyncio.timeout(PATIENCE):
        while word not in listener.words:
            teller.wake_ups.tell(word)
            await asyncio.sleep(0.05)


async def test_a_word_reaches_the_others_and_not_the_teller(listening: Making, carrier: Any) -> None:
    """Words that come soon after each other leave together, however many there are."""
    one, other, third = (listening(carrier()) for _ in range(3))
    for each in (one, other, third):
        await each.connected()
    words = {f"penalty.{n:06d}" for n in range(250)}
    for word in words:
        one.wake_ups.tell(word)
    await other.until(*words)
    await third.until(*words)
    assert one.words == set()


async def test_what_somebody_else_says_does_no_harm(listening: Making, carrier: Any) -> None:
    """Texts that are no words of ours are passed over."""
    one, other = listening(carrier()), listening(carrier())
    await one.connected()
    await other.connected()
    stranger = carrier()
    for text in ("", "{}", "[]", "not json", '[1, {"a": 2}, null]', "[" * 5000):
        await stranger.send(text)
    await stranger.close()
    one.wake_ups.tell("penalty.330000")
    await other.until("penalty.330000")


async def test_what_is_still_to_be_told_is_told_at_the_end(listening: Making, carrier: Any) -> None:
    """Who stops says so in time: a claim that was given back is taken at once."""
    one, other = listening(carrier()), listening(carrier())
    await one.connected()
    await other.connected()
    one.wake_ups.tell(CLAIMS)
    await one.wake_ups.stop()
    await other.until(CLAIMS)


async def test_without_a_carrier_nothing_is_told(listening: Making) -> None:
    """One process is alone: it tells nobody, and nothing runs."""
    alone = listening()
    alone.wake_ups.tell(CLAIMS)
    assert asyncio.all_tasks() == {asyncio.current_task()}


# ── Redis is hurt ─────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restart_is_outlived(listening: Making, redis_server: RedisServer, how: signal.Signals) -> None:
    """Whoever listened listens again, and is told to look at everything, since words may have been lost."""
    one, other = (listening(RedisCarrier(redis_server.url, LEDGER)) for _ in range(2))
    await one.connected()
    await other.connected()
    redis_server.stop(how)
    one.wake_ups.tell("lost.330000")
    redis_server.start()
    await other.connected()
    await reached(one, other, "penalty.330000")


async def test_flushing_changes_nothing(listening: Making, redis_server: RedisServer) -> None:
    """Nothing is kept there."""
    one, other = (listening(RedisCarrier(redis_server.url, LEDGER)) for _ in range(2))
    await one.connected()
    await other.connected()
    assert redis_server.client().dbsize() == 0
    redis_server.client().flushall()
    one.wake_ups.tell("penalty.330000")
    await other.until("penalty.330000")


async def test_a_server_that_is_not_there_keeps_nobody_waiting(listening: Making) -> None:
    """Words are dropped, and stopping takes no time."""
    one = listening(RedisCarrier("redis://127.0.0.1:1/0", LEDGER))
    for n in range(1000):
        one.wake_ups.tell(f"penalty.{n}")
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await one.wake_ups.stop()


async def test_a_ledger_hears_only_its_own(listening: Making, redis_server: RedisServer) -> None:
    """Two ledgers share a server; who logs in to one of them as somebody else is still one of its processes."""
    one = listening(RedisCarrier(redis_server.url, LEDGER))
    same = listening(RedisCarrier(redis_server.url, LEDGER.replace("hutong:secret@", "other:one@")))
    else_ = listening(RedisCarrier(redis_server.url, LEDGER.replace("/hutong", "/another")))
    for each in (one, same, else_):
        await each.connected()
    one.wake_ups.tell("penalty.330000")
    await same.until("penalty.330000")
    assert else_.words == set()


# ── one carrier for another ───────────────────────────────────────────────────────────────────
@pytest.mark.postgresql
@pytest.mark.parametrize("hurt", ["frozen", "gone"])
async def test_the_next_carrier_tells_what_redis_does_not(
    listening: Making, redis_server: RedisServer, postgres_address: str, hurt: str
) -> None:
    """It does not answer, or it is not there: the ledger's own database carries the words meanwhile."""

    def both() -> Listener:
        return listening(RedisCarrier(redis_server.url, LEDGER), PostgresCarrier(postgres_address))

    one, other = both(), both()
    await one.connected()
    await other.connected()
    await reached(one, other, "first")
    redis_server.freeze() if hurt == "frozen" else redis_server.stop(signal.SIGKILL)
    try:
        one.wake_ups.tell("penalty.330000")
        await other.until("penalty.330000")
    finally:
        redis_server.thaw() if hurt == "frozen" else redis_server.start()
    await reached(one, other, "again")


@pytest.mark.postgresql
async def test_cut_connections_to_postgresql_are_outlived(
    listening: Making, postgres_address: str, postgres: Any
) -> None:
    """The server closes all of them, as it does when it is restarted."""
    one, other = (listening(PostgresCarrier(postgres_address)) for _ in range(2))
    await one.connected()
    await other.connected()
    await reached(one, other, "first")
    with postgres.connected(postgres_address) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name IN ('hutong told', 'hutong tell')"
        )
    await other.connected()
    await reached(one, other, "again")
