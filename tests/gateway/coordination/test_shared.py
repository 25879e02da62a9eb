"""What processes share for a moment: in one process's memory, and in a real Redis server that is hurt."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest
from redis_server import RedisServer

from gateway.access import SharedNonces
from gateway.coordination import Forgetful, MemoryStore, Rate, SharedStore, Unshared, Unsure
from gateway.coordination.redis_store import PATIENCE, PAUSE, RedisStore
from gateway.errors import Unavailable

LEDGER = "postgresql+psycopg://hutong:secret@ledger.example/hutong"
SLOW = Rate(1, 3)
"""Three at once; none comes back while a test runs."""


class Watch:
    """A clock that the tests move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


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
async def sharing() -> AsyncIterator[Callable[..., RedisStore]]:
    """Makes stores of processes that share a server, and closes them."""
    made: list[RedisStore] = []

    def make(url: str, ticks: Callable[[], float] | None = None, ledger: str = LEDGER) -> RedisStore:
        made.append(RedisStore(url, ledger, ticks or Watch()))
        return made[-1]

    yield make
    for each in made:
        await each.close()


Sharing = Callable[..., RedisStore]


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, sharing: Sharing) -> SharedStore:
    """A store of either sort."""
    if request.param == "memory":
        return MemoryStore()
    return sharing(request.getfixturevalue("redis_server").url)


# ── either sort ───────────────────────────────────────────────────────────────────────────────
async def test_what_is_kept_is_given_back(store: SharedStore) -> None:
    """Any bytes, in the order that was asked for; what is not there is nothing; the last word counts."""
    await store.put({"a": b"\x00\xff", "b": b"", "c": "档案".encode()}, 60)
    await store.put({"c": b"new"}, 60)
    await store.put({}, 60)
    assert list(await store.get(["c", "none", "b", "a"])) == [b"new", None, b"", b"\x00\xff"]
    assert list(await store.get([])) == []


async def test_a_rate_is_counted_by_its_key(store: SharedStore) -> None:
    """A burst each, then the wait for the next; whoever is refused pays nothing."""
    assert [await store.draw("one", SLOW) for _ in range(3)] == [0, 0, 0]
    waits = [await store.draw("one", SLOW) for _ in range(3)]
    assert all(0.5 < wait <= 1 for wait in waits)
    assert await store.draw("other", SLOW) == 0


# ── in memory ─────────────────────────────────────────────────────────────────────────────────
async def test_memory_lets_go_of_values_by_itself() -> None:
    """When their time is over, and not what was put in their place meanwhile."""
    watch, timers = Watch(), list[tuple[float, Any]]()
    store = MemoryStore(watch, lambda seconds, call: timers.append((seconds, call)))
    await store.put({"a": b"1", "b": b"2"}, 10)
    watch.now = 9.9
    await store.put({"b": b"3"}, 10)
    assert list(await store.get(["a", "b"])) == [b"1", b"3"]
    watch.now = 10
    assert list(await store.get(["a", "b"])) == [None, b"3"]
    (seconds, end), _ = timers
    end()
    assert seconds == 10
    assert (list(store._kept), store._size) == (["b"], 1)


async def test_memory_is_bounded_in_bytes() -> None:
    """The oldest make room, and what is larger than all of it is not kept."""
    store = MemoryStore(most=100)
    for n in range(20):
        await store.put({f"k{n}": bytes(30)}, 60)
        assert store._size <= 100
    assert [one is not None for one in await store.get(["k16", "k17", "k19"])] == [False, True, True]
    await store.put({"large": bytes(101)}, 60)
    assert list(await store.get(["large"])) == [None]


async def test_memory_forgets_rates_that_rested() -> None:
    """Many names take no memory for ever."""
    watch = Watch()
    watch.now = 1.0
    store = MemoryStore(watch)
    for n in range(25_000):
        watch.now += 0.01
        await store.draw(f"p{n}", Rate(10, 1))
    assert len(store._due) <= 10_000


# ── in Redis ──────────────────────────────────────────────────────────────────────────────────
async def test_processes_of_one_ledger_share(sharing: Sharing, redis_server: RedisServer) -> None:
    """Values and rates; another ledger on the same server has its own."""
    one, other = sharing(redis_server.url), sharing(redis_server.url)
    stranger = sharing(redis_server.url, ledger=LEDGER + "2")
    await one.put({"a": b"1"}, 60)
    assert list(await other.get(["a"])) == [b"1"]
    assert list(await stranger.get(["a"])) == [None]
    waits = [await each.draw("penalty.330000", SLOW) for each in (one, other, one, other, one)]
    assert [wait == 0 for wait in waits] == [True, True, True, False, False]
    assert await stranger.draw("penalty.330000", SLOW) == 0


async def test_redis_keeps_nothing_for_longer_than_it_is_told(sharing: Sharing, redis_server: RedisServer) -> None:
    """Each key has an end, the server's own."""
    store = sharing(redis_server.url)
    await store.put({"a": b"1"}, 7)
    await store.draw("p", SLOW)
    client = redis_server.client()
    rate, value = sorted(client.pttl(key) for key in client.scan_iter())
    assert 0 < rate <= 1002 < value <= 7000


@pytest.mark.parametrize("found", [b"not a number", b"1e300", b"-5", b"99999999999999999"])
async def test_what_somebody_else_wrote_stops_nobody(sharing: Sharing, redis_server: RedisServer, found: bytes) -> None:
    """A number far ahead is of a clock that was set back since; what is no number is nothing."""
    store = sharing(redis_server.url)
    await store.draw("p", SLOW)
    client = redis_server.client()
    (key,) = client.scan_iter()
    client.set(key, found)
    assert await store.draw("p", SLOW) == 0


async def test_a_flushed_server_begins_anew(sharing: Sharing, redis_server: RedisServer) -> None:
    """Values and scripts are gone, and nobody is told of an error."""
    store = sharing(redis_server.url)
    await store.put({"a": b"1"}, 60)
    for _ in range(3):
        await store.draw("p", SLOW)
    redis_server.client().flushall()
    redis_server.client().script_flush()
    assert list(await store.get(["a"])) == [None]
    assert await store.draw("p", SLOW) == 0


async def test_a_frozen_server_costs_one_short_wait(
    sharing: Sharing, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Then nobody waits at all until the pause is over; one asks then, and when it is well all do."""
    caplog.set_level(logging.INFO)
    watch = Watch()
    store = sharing(redis_server.url, watch)
    await store.put({"a": b"1"}, 60)
    redis_server.freeze()
    try:
        began = monotonic()
        for call in (
            lambda: store.get(["a"]),
            *[lambda: store.draw("p", SLOW), lambda: store.put({"a": b"2"}, 60)] * 500,
        ):
            with pytest.raises(Unshared):
                await call()
        assert PATIENCE <= monotonic() - began < 10 * PATIENCE
        # One asks after the pause; who comes meanwhile does not wait with it.
        watch.now += PAUSE
        asking = asyncio.ensure_future(store.get(["a"]))
        await asyncio.sleep(0)
        with pytest.raises(Unshared):
            await store.get(["a"])
        assert not asking.done()
        with pytest.raises(Unshared):
            await asking
    finally:
        redis_server.thaw()
    with pytest.raises(Unshared):
        await store.get(["a"])
    watch.now += PAUSE
    assert list(await store.get(["a"])) == [b"1"]
    assert list(await store.get(["a"])) == [b"1"]
    said = [record.message.partition(":")[0] for record in caplog.records if "shares" in record.message]
    assert said == ["Redis shares nothing now", "Redis shares again"]


async def test_many_at_once_wait_together(sharing: Sharing, redis_server: RedisServer) -> None:
    """A hundred calls in the moment in which it freezes wait as long as one."""
    store = sharing(redis_server.url)
    await store.get(["a"])
    redis_server.freeze()
    try:
        began = monotonic()
        found = await asyncio.gather(*(store.get(["a"]) for _ in range(100)), return_exceptions=True)
        assert monotonic() - began < 10 * PATIENCE
        assert {type(one) for one in found} == {Unshared}
    finally:
        redis_server.thaw()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restart_is_seen_by_whoever_asks_after_the_pause(
    sharing: Sharing, redis_server: RedisServer, how: signal.Signals
) -> None:
    """What it kept is gone."""
    watch = Watch()
    store = sharing(redis_server.url, watch)
    await store.put({"a": b"1"}, 60)
    await store.draw("p", SLOW)
    redis_server.stop(how)
    with pytest.raises(Unshared):
        await store.get(["a"])
    redis_server.start()
    with pytest.raises(Unshared):
        await store.get(["a"])
    watch.now += PAUSE
    assert list(await store.get(["a"])) == [None]
    assert await store.draw("p", SLOW) == 0


async def test_a_server_that_is_not_there(sharing: Sharing) -> None:
    """It is the same as one that does not answer, and closing takes no time."""
    store = sharing("redis://127.0.0.1:1/0")
    for _ in range(100):
        with pytest.raises(Unshared):
            await store.draw("p", SLOW)
    async with asyncio.timeout(5):
        await store.close()


async def test_one_that_refuses_us_is_not_asked_again_and_again(sharing: Sharing, redis_server: RedisServer) -> None:
    """A wrong password, or a server that is full."""
    client = redis_server.client()
    client.config_set("maxmemory", 1)
    try:
        watch = Watch()
        store = sharing(redis_server.url, watch)
        with pytest.raises(Unshared):
            await store.put({"a": b"1"}, 60)
        with pytest.raises(Unshared):
            await store.get(["a"])
    finally:
        client.config_set("maxmemory", 0)
    watch.now += PAUSE
    await store.put({"a": b"1"}, 60)


async def test_an_answer_reaches_nobody_but_who_asked(sharing: Sharing, redis_server: RedisServer) -> None:
    """Callers who left in the middle leave no answer behind for the next."""
    watch = Watch()
    store = sharing(redis_server.url, watch)
    await store.put({f"k{n}": b"%d" % n for n in range(200)}, 60)
    redis_server.freeze()
    left = [asyncio.ensure_future(store.get([f"k{n}"])) for n in range(100)]
    await asyncio.sleep(0.02)
    for each in left[::2]:
        each.cancel()
    redis_server.thaw()
    await asyncio.gather(*left, return_exceptions=True)
    watch.now += PAUSE
    for n in range(200):
        assert list(await store.get([f"k{n}"])) == [b"%d" % n]


# ── for the first time ────────────────────────────────────────────────────────────────────────
MADE = 4102444800
"""A Unix time after every test's: what was made then was made after the server began to remember."""


async def test_a_key_is_new_once_for_all_processes(sharing: Sharing, redis_server: RedisServer) -> None:
    """Whoever asks first; another ledger has its own."""
    one, other = sharing(redis_server.url), sharing(redis_server.url)
    found = await asyncio.gather(*(each.first("n", MADE, 60) for each in (one, other) * 4))
    assert sorted(found) == [False] * 7 + [True]
    assert await sharing(redis_server.url, ledger=LEDGER + "2").first("n", MADE, 60)
    assert await other.first("m", MADE, 60)


async def test_a_key_is_remembered_for_as_long_as_it_was_said(sharing: Sharing, redis_server: RedisServer) -> None:
    """By the server's own clock."""
    await sharing(redis_server.url).first("n", MADE, 7)
    [end] = [redis_server.client().pttl(key) for key in redis_server.client().scan_iter("*:n")]
    assert 6000 < end <= 7000


@pytest.mark.parametrize("lost", ["flushed", "run full", "started again", "started again from a copy"])
async def test_what_was_made_before_the_server_forgot_is_not_known_to_be_new(
    sharing: Sharing, redis_server: RedisServer, lost: str
) -> None:
    """It may have been used already; what is made from then on is judged as ever."""
    watch = Watch()
    store = sharing(redis_server.url, watch)
    client = redis_server.client()
    assert await store.first("n", MADE, 60)
    [since] = client.scan_iter("*:since")
    kept = client.get(since)
    if lost == "run full":
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 200_000)
        for n in range(40):
            client.set(f"k{n}", bytes(10_000))
        assert client.info("stats")["evicted_keys"] > 0
        client.config_set("maxmemory", 0)
        client.delete(*(f"k{n}" for n in range(40)))
        client.set(since, kept)  # it may have been what went
    elif lost == "flushed":
        client.flushall()
    else:
        redis_server.stop(signal.SIGKILL)
        redis_server.start()
        if lost == "started again from a copy":
            redis_server.client().set(since, kept)  # as a copy from before the nonce was spent has it
    with pytest.raises((Forgetful, Unshared)):
        await store.first("n", 1, 60)
    watch.now += PAUSE
    with pytest.raises(Forgetful):
        await store.first("n", 1, 60)
    assert await store.first("n", MADE, 60)
    assert not await store.first("n", MADE, 60)


async def test_what_was_asked_for_early_is_never_sure_to_be_new(sharing: Sharing, redis_server: RedisServer) -> None:
    """Not when it is asked for, nor after the server forgot it; what was made after both by its clock is."""
    store, client = sharing(redis_server.url), redis_server.client()
    early = client.time()[0] + 290
    with pytest.raises(Unsure):
        await store.first("n", early, 900, 300)
    assert not await store.first("n", early, 900, 300)
    client.flushall()
    with pytest.raises(Unsure):
        await store.first("n", early, 900, 300)
    assert not await store.first("n", early, 900, 300)
    await begun_earlier(client, 400)
    assert await store.first("m", client.time()[0], 900, 300)
    await begun_earlier(client, 100)
    with pytest.raises(Unsure):
        await store.first("o", client.time()[0], 900, 300)


async def begun_earlier(client: Any, seconds: int) -> None:
    """Let the server have begun to remember so long ago."""
    [key] = client.scan_iter("*:since")
    run, evicted, _ = client.get(key).split()
    client.set(key, b"%s %s %d" % (run, evicted, client.time()[0] - seconds))


@pytest.mark.parametrize("ahead", [0, 3, 290])
async def test_a_signed_call_is_not_let_in_again_by_a_server_that_forgot(
    sharing: Sharing, redis_server: RedisServer, new_ledger: Any, ahead: int
) -> None:
    """Whatever its time: what was ahead of the server's clock stands in the ledger, the rest is refused as unknown."""
    client, now = redis_server.client(), datetime.now(UTC)
    ledger = new_ledger()
    await ledger.start()
    try:
        nonces = SharedNonces(sharing(redis_server.url), ledger)
        made = client.time()[0] + ahead
        with suppress(Unavailable):  # the server begins to remember
            await nonces.spend("c1", "begin", made, now)
        await begun_earlier(client, 400)
        assert await nonces.spend("c1", "n1", made, now)
        assert not await nonces.spend("c1", "n1", made, now)
        client.flushall()
        if ahead:
            assert not await nonces.spend("c1", "n1", made, now)
            assert not await nonces.spend("c1", "n1", made, now)
        else:
            with pytest.raises(Unavailable):
                await nonces.spend("c1", "n1", made, now)
        assert await nonces.spend("c1", "n2", client.time()[0] + 5, now)
    finally:
        await ledger.stop()
