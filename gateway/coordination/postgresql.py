"""PostgreSQL's LISTEN and NOTIFY as a carrier of words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from psycopg import AsyncConnection

_CHANNEL = "hutong"


class PostgresCarrier:
    """Carries words through the ledger's own database, on two connections of its own.

    A NOTIFY is a statement that commits by itself. In the ledger's transactions it would make all
    their commits wait for each other: PostgreSQL orders those that notify.
    """

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._sending: AsyncConnection[Any] | None = None

    async def listen(self, heard: Callable[[str], None], ready: Callable[[], None]) -> None:
        async with await self._connected("hutong told") as connection:
            await connection.execute(f"LISTEN {_CHANNEL}")
            ready()
            async for notification in connection.notifies():
                heard(notification.payload)

    async def send(self, text: str) -> None:
        connection, self._sending = self._sending, None
        connection = connection or await self._connected("hutong tell")
        try:
            await connection.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, text))
        except BaseException:
            await asyncio.shield(connection.close())
            raise
        self._sending = connection  # kept only when all went well: of another one nobody knows what it is doing

    async def close(self) -> None:
        if self._sending is not None:
            await self._sending.close()

    async def _connected(self, name: str) -> AsyncConnection[Any]:
        return await AsyncConnection.connect(
            self._url,
            autocommit=True,
            application_name=name,
            connect_timeout=5,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        )
