"""What processes share for a moment, in Redis: asked for a short time, and left alone for a while when it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.clock import Ticks, monotonic
from gateway.coordination.rates import Rate
from gateway.coordination.redis import namespace
from gateway.coordination.shared import Forgetful, Unshared, Unsure

_log = logging.getLogger(__name__)

_Found = TypeVar("_Found")

PATIENCE = 0.2
"""Seconds that anybody waits for Redis."""

PAUSE = 5.0
"""Seconds for which nobody asks it after it failed; then one asks, and the others when that went well."""

_CONNECTIONS = 16

_SINCE = "since"
"""Under which a server remembers since when it keeps everything."""

_UNKNOWN, _UNSURE = 2, 3

_DRAW = """
local step, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local due = tonumber(redis.call('GET', KEYS[1]) or '') or 0
local begins = math.max(due, now)
if due > now + step * burst then begins = now end
local wait = begins - now - (burst - 1) * step
if wait > 0 then return math.ceil(wait) end
local after = begins + step
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1)
return 0
"""
"""`rates.drawn` in microseconds of Redis's own clock, so that no process's clock matters."""


_FIRST = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local evicted = string.match(redis.call('INFO', 'stats'), 'evicted_keys:(%d+)')
local found = run .. ' ' .. evicted .. ' '
local now = redis.call('TIME')[1]
local since = redis.call('GET', KEYS[2])
if not since or string.sub(since, 1, #found) ~= found then
  since = found .. now
  redis.call('SET', KEYS[2], since)
end
local at, ahead, whole = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(string.sub(since, #found + 1))
if at <= whole then return 2 end
if not redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[2]) then return 0 end
if ahead > 0 and (at > tonumber(now) or at - ahead <= whole) then return 3 end
return 1
"""
"""Whether a key is new: 1, 0, or 2 where that is not known, since the server keeps nothing from that time.

3 is new as well, of a time ahead of the server's clock, or one that may have been ahead before the server forgot: what
was asked for early was asked for before `since`, although its time is after it. All of it by the server's own clock.

It remembers by its own clock since when it keeps everything: since it was started, emptied, or ran full and let go of
something. The run's id tells a server that was started again from an older copy of what it kept.
"""


class RedisStore:
    """Shares through a Redis server, for the processes of one ledger; `ticks` measure how long it is left alone."""

    def __init__(self, url: str, ledger: str, ticks: Ticks = monotonic) -> None:
        # The pool waits for no longer than the caller does: what it began goes on when the caller has left.
        self._client: Any = Redis.from_pool(
            BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=PATIENCE,
                socket_connect_timeout=PATIENCE,
                socket_timeout=PATIENCE,
                client_name="hutong",
                retry=Retry(NoBackoff(), 0),
            )
        )
        self._draw = self._client.register_script(_DRAW)
        self._first = self._client.register_script(_FIRST)
        self._prefix = namespace(ledger)
        self._ticks = ticks
        self._not_before: float | None = None  # None: it is well
        self._asking: set[asyncio.Future[Any]] = set()

    async def get(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """See `SharedStore`."""
        if not keys:
            return []
        found: Sequence[bytes | None] = await self._ask(self._client.mget, [self._named(key) for key in keys])
        return found

    async def put(self, values: Mapping[str, bytes], seconds: float) -> None:
        """See `SharedStore`."""
        pipeline = self._client.pipeline(transaction=False)
        for key, value in values.items():
            pipeline.set(self._named(key), value, px=max(1, round(seconds * 1000)))
        if values:
            await self._ask(pipeline.execute)

    async def draw(self, key: str, rate: Rate) -> float:
        """See `SharedStore`."""
        microseconds: int = await self._ask(self._draw, [self._named(key)], [round(rate.step * 1e6), rate.burst])
        return microseconds / 1e6

    async def first(self, key: str, at: float, seconds: float, ahead: float = 0) -> bool:
        """See `SharedMemory`."""
        keys = [self._named(key), self._named(_SINCE)]
        found: int = await self._ask(self._first, keys, [int(at), max(1, round(seconds * 1000)), int(ahead)])
        if found == _UNKNOWN:
            raise Forgetful
        if found == _UNSURE:
            raise Unsure
        return bool(found)

    async def close(self) -> None:
        """See `SharedStore`; what other processes share stays."""
        for each in self._asking:
            each.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        with suppress(RedisError, OSError):
            await self._client.aclose()

    def _named(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    # ── the circuit ───────────────────────────────────────────────────────────────────────────
    async def _ask(self, ask: Any, *arguments: Any) -> Any:
        """Ask Redis; Unshared where it does not answer in time, and at once where it did not just before."""
        if self._not_before is not None:
            now = self._ticks()
            if now < self._not_before:
                raise Unshared
            self._not_before = now + PAUSE  # whoever comes while this one asks does not
        try:
            found = await self._patiently(ask(*arguments))
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            raise Unshared from error
        if self._not_before is not None:
            _log.info("Redis shares again")
        self._not_before = None
        return found

    async def _patiently(self, asking: Awaitable[_Found]) -> _Found:
        # In a task of its own, which nobody cancels: a connection that is left in the middle of an answer would have
        # to be closed, and if it were not, the next to use it would get that answer.
        task = asyncio.ensure_future(asking)
        self._asking.add(task)
        task.add_done_callback(self._answered)
        done, _ = await asyncio.wait([task], timeout=PATIENCE)
        if not done:
            raise TimeoutError("no answer in time")
        return task.result()

    def _answered(self, task: asyncio.Future[Any]) -> None:
        self._asking.discard(task)
        if not task.cancelled():
            task.exception()  # it was told, or nobody waits for it any more

    def _failed(self, error: BaseException) -> None:
        if self._not_before is None:
            _log.warning("Redis shares nothing now: %s", error or type(error).__name__)
        self._not_before = self._ticks() + PAUSE
