"""A server on a real socket with small bounds and a clock that the tests turn on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from msgspec.structs import replace
from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.api.front.bounds import FrontBounds
from gateway.api.front.connection import BoundedConnection
from gateway.api.front.gate import ConnectionGate
from gateway.telemetry.events import ConnectionRefused, Event, Events

BOUNDS = FrontBounds(connections=4, per_address=4, header_bytes=2048, headers=20, url_bytes=512)

Application = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass
class Answered:
    """What came back on a connection until its end."""

    status: int
    text: str


@dataclass
class Caller:
    """One connection to the server, byte by byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, data: bytes) -> None:
        """Send bytes; a server that has gone hears nothing."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            pass

    async def hear(self) -> Answered:
        """Read one answer with its body."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        body = await asyncio.wait_for(self.reader.readexactly(length), 10)
        return Answered(int(head.split()[1]), (head + body).decode())

    async def end(self) -> bytes:
        """Read what comes until the server closes."""
        try:
            return await asyncio.wait_for(self.reader.read(), 10)
        except ConnectionError:
            return b""


@dataclass
class Front:
    """A gate and the server behind it."""

    gate: ConnectionGate
    port: int
    events: list[Event]
    now: list[float] = field(default_factory=lambda: [1000.0])

    async def connect(self) -> Caller:
        """Open a connection, and wait until the server has it or has refused it."""
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.port))
        own = caller.writer.get_extra_info("sockname")
        while own not in self.known:
            await asyncio.sleep(0)
        return caller

    known: set[Any] = field(default_factory=set)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and the gate look at everybody."""
        self.now[0] += seconds
        self.gate.sweep()

    @property
    def only(self) -> BoundedConnection:
        """The one connection there is."""
        [guest] = self.gate.guests()
        assert isinstance(guest, BoundedConnection)
        return guest

    async def until(self, holds: Callable[[], object]) -> None:
        """Let the server run until something holds."""
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0)

    @property
    def refused(self) -> list[str]:
        """Why connections were refused so far."""
        return [one.why for one in self.events if isinstance(one, ConnectionRefused)]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Read the whole body, and say how long it was."""
    size, more = 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        size += len(event.get("body", b""))
        more = event.get("more_body", False)
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def front_of(app: Application, **bounds: Any) -> AsyncIterator[Front]:
    """Serve an application behind a gate."""
    events: list[Event] = []
    now = [1000.0]
    gate = ConnectionGate(replace(BOUNDS, **bounds), Events([events.append]), lambda: now[0])
    config = Config(
        app,
        loop="none",
        http=partial(BoundedConnection, gate),
        ws="none",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
    )
    state, known = ServerState(), set[Any]()

    def accept() -> BoundedConnection:
        connection = BoundedConnection(gate, config, state, {})
        made = connection.connection_made

        def tell(transport: Any) -> None:
            made(transport)
            known.add(transport.get_extra_info("peername"))

        connection.connection_made = tell
        return connection

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    yield Front(gate, server.sockets[0].getsockname()[1], events, now, known)
    server.close()
    for connection in list(state.connections):
        connection.transport.abort()
    await server.wait_closed()
