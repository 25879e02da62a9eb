"""Serves a double on loopback, over connections that can really be broken."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from adapters.adapter import load
from gateway.sandbox.double import RESET, Double
from gateway.sandbox.pulling import PullingDouble

LOOPBACK = "127.0.0.1"
_NO_LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of zero: closing the socket sends a TCP reset instead of a FIN."""


class BreakableConnection(HttpToolsProtocol):
    """uvicorn's connection, which offers the application to break it (a TCP reset)."""

    def on_message_begin(self) -> None:
        """Add the reset extension to the scope of the request that begins."""
        super().on_message_begin()
        scope: Any = self.scope
        scope["extensions"] = {RESET: self._reset}

    def _reset(self) -> None:
        # Mark the request as answered before the abort, so that uvicorn neither writes a 500 nor logs an error.
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.cycle.disconnected = True
        self.cycle.response_started = self.cycle.response_complete = True
        self.transport.abort()


def _config(double: Double, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        double,
        host=host,
        port=port,
        http=BreakableConnection,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
    )


class _Announced(uvicorn.Server):
    """A server that says where it listens once it does, and then does what it does `beside`."""

    def __init__(
        self, config: uvicorn.Config, announce: Callable[[str], object], beside: PullingDouble | None = None
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._beside = beside
        self._fetching: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        self._announce(f"http://{host}:{port}")
        if self._beside is not None:
            self._fetching = asyncio.create_task(self._beside.run(), name="fetching")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Fetch nothing more, and end."""
        if self._fetching is not None:
            self._fetching.cancel()
        await super().shutdown(sockets)


def serve(
    bundle: Path | str,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    announce: Callable[[str], object] = print,
    gateway: str | None = None,
    credential: str = "",
) -> None:
    """Serve the double of a bundle until it is told to stop (SIGINT, SIGTERM); BrokenBundle when it is broken.

    `announce` is told the base address once it answers there. With the address of a `gateway` it fetches its
    documents there, under the `credential` of its platform.
    """
    double = Double(load(bundle))
    beside = None if gateway is None else PullingDouble(double, gateway, credential)
    _Announced(_config(double, host, port), announce, beside).run()


@asynccontextmanager
async def running(double: Double, *, port: int = 0) -> AsyncIterator[str]:
    """Serve a double inside this event loop while the block lasts; gives its base address."""
    config = _config(double, LOOPBACK, port)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: BreakableConnection(config=config, server_state=state, app_state={}), LOOPBACK, port
    )
    try:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        under_way = list(state.tasks)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
