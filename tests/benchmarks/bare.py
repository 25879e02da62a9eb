"""The baseline: a bare ASGI endpoint that makes the same bytes durable (SQLite, FULL, group commit) and says 202."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import sys
import threading
import uuid
import zlib
from pathlib import Path
from typing import Any

import uvicorn

Row = tuple[str, bytes]


class Shelf:
    """One table, one writer thread, one fsync for all that wait."""

    def __init__(self, path: Path) -> None:
        self._queue: queue.SimpleQueue[tuple[Row, asyncio.Future[None]]] = queue.SimpleQueue()
        self._path = path
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._write, daemon=True).start()

    async def keep(self, row: Row) -> None:
        """Return when the row is committed and fsynced."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((row, done))
        await done

    def _write(self) -> None:
        with sqlite3.connect(self._path) as database:
            database.execute("PRAGMA page_size = 16384")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("CREATE TABLE IF NOT EXISTS body (id TEXT PRIMARY KEY, body BLOB)")
            while True:
                batch = [self._queue.get()]
                while len(batch) < 256 and not self._queue.empty():
                    batch.append(self._queue.get())
                database.executemany("INSERT INTO body VALUES (?, ?)", [row for row, _ in batch])
                database.commit()
                self._loop.call_soon_threadsafe(_resolve, [done for _, done in batch])


def _resolve(waiting: list[asyncio.Future[None]]) -> None:
    for done in waiting:
        if not done.done():
            done.set_result(None)


class Bare:
    """POST anything: kept, then 202. GET /health/ready: 200."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shelf: Shelf | None = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        if scope["method"] == "GET":
            await _answer(send, 200, b"{}")
            return
        self._shelf = self._shelf or Shelf(self._path)
        body = b""
        more = True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        name = str(uuid.uuid4())
        await self._shelf.keep((name, zlib.compress(body, 1)))
        await _answer(send, 202, b'{"message_id":"' + name.encode() + b'"}')


async def _answer(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(Bare(Path(sys.argv[1])), port=int(sys.argv[2]), access_log=False, log_level="warning", lifespan="off")
