"""Redis's PUBLISH and SUBSCRIBE as a carrier of words; nothing is kept in Redis."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

_LOOK = 5.0
"""Seconds after which a connection on which nothing came is asked whether it lives."""


def namespace(ledger: str) -> str:
    """Give the beginning of every name of a ledger's in Redis.

    Several ledgers may share a server: each has its own, whoever logs in to it as whom.
    """
    where = urlsplit(ledger)
    place = f"{where.hostname}:{where.port or 5432}{where.path}"
    return f"hutong:{sha256(place.encode()).hexdigest()[:16]}"


class RedisCarrier:
    """Carries words through a Redis server. `ledger`: the address of the ledger whose processes they are for."""

    name = "redis"

    def __init__(self, url: str, ledger: str) -> None:
        self._url = url
        self._channel = namespace(ledger)
        self._sending = self._client()

    async def listen(self, heard: Callable[[str], None], ready: Callable[[], None]) -> None:
        async with self._client() as client, client.pubsub(ignore_subscribe_messages=True) as subscribed:
            await subscribed.subscribe(self._channel)
            ready()
            while True:
                message = await subscribed.get_message(timeout=_LOOK)
                if message is not None and message["type"] == "message":
                    heard(message["data"])

    async def send(self, text: str) -> None:
        await self._sending.publish(self._channel, text)

    async def close(self) -> None:
        with suppress(RedisError, OSError):
            await self._sending.aclose()

    def _client(self) -> Any:
        return Redis.from_url(
            self._url,
            decode_responses=True,
            socket_connect_timeout=2,
            socket_timeout=2,
            socket_keepalive=True,
            health_check_interval=int(_LOOK),
            client_name="hutong",
            # Whoever connects again in silence does not say that words were lost.
            retry=Retry(NoBackoff(), 0),
        )
