"""`hutong serve`: one gateway process, from settings to a graceful end."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

import typer
import uvicorn
import uvloop

from gateway.api.app import create_app
from gateway.api.front.bounds import bounds_of
from gateway.api.front.connection import BoundedConnection
from gateway.api.front.gate import ConnectionGate
from gateway.bootstrap import build
from gateway.cli import collector
from gateway.cli.configuration import settings_here
from gateway.cli.output import CommandFailed, say
from gateway.clock import zone
from gateway.hub import Hub
from gateway.settings import Settings
from gateway.telemetry import logs

EXAMPLE = "HUTONG_LEDGER=sqlite:////var/lib/hutong/hutong.db hutong serve --port 8080"

GRACE_SECONDS = 15
"""How long requests that are being answered may take once the process was asked to end."""

BACKLOG = 2048

_NEVER = 24 * 3600
"""Seconds; the gate closes idle connections, not the server."""

_FILES = 65536
"""Files to be opened at once where the system sets no limit."""


class Server(uvicorn.Server):
    """A server that leaves signals to us, so that deliveries end as gracefully as requests do."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing; `_serve` asks the server to stop."""
        yield


def serve(
    host: Annotated[str | None, typer.Option("--host", help="Listen here; else HUTONG_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="0 takes a free one; else HUTONG_PORT.")
    ] = None,
    log_level: Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")] = "info",
) -> None:
    """Run the gateway. Ctrl-C ends it once the deliveries in flight are recorded."""
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings_here(**given)
    logs.configure(_level(log_level), zone=zone(settings.zone))
    listener = _listen(settings.host, settings.port)
    with listener:
        uvloop.run(_serve(settings, listener))


def _level(name: str) -> str:
    if name.lower() not in ("debug", "info", "warning", "error"):
        raise typer.BadParameter("debug, info, warning or error", param_hint="--log-level")
    return name.lower()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=False)
    except (OSError, OverflowError) as error:
        raise CommandFailed(
            f"cannot listen on {host} port {port}: {error}",
            "another gateway may be running; choose another port with --port or HUTONG_PORT",
        ) from None


async def _serve(settings: Settings, listener: socket.socket) -> None:
    hub = build(settings)
    await hub.start()
    collector.set_up()
    gate = ConnectionGate(bounds_of(settings, _most_files()), hub.events)
    hub.metrics.show("hutong_connections", "Connections from callers.", gate.connections)
    beside = [
        asyncio.create_task(collector.collect(hub.admission.under_way), name="collector"),
        asyncio.create_task(gate.keep(), name="gate"),
        asyncio.create_task(hub.loop_watch.beat(), name="beat"),
    ]
    try:
        server = Server(_configuration(hub, settings, gate))
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, _end, server, hub)
        _greet(hub, listener)
        await server.serve(sockets=[listener])
    finally:
        for one in beside:
            one.cancel()
        await hub.stop()


def _most_files() -> int:
    """Open as many files as this process is allowed to, and give how many that is."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else most
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return wanted


def _configuration(hub: Hub, settings: Settings, gate: ConnectionGate) -> uvicorn.Config:
    connection: Any = partial(BoundedConnection, gate)
    return uvicorn.Config(
        create_app(hub, settings),
        loop="none",
        http=connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=_NEVER,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _end(server: uvicorn.Server, hub: Hub) -> None:
    """Ask the server to end once requests are answered; asked a second time, end it at once.

    Polls of inboxes wait for as long as their platform said: they are answered now. Batches end where they are.
    """
    server.force_exit = server.should_exit
    server.should_exit = True
    hub.inboxes.end()
    hub.batches.end()


def _greet(hub: Hub, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    say(f"[bold]互通 Hutong[/] serves at [cyan]{url}[/]")
    say(f"  documentation {url}/docs · metrics {url}/metrics · health {url}/health/ready")
    if hub.new_admin_token is not None:
        say(f"  admin token (shown this once): [bold]{hub.new_admin_token}[/]")
        say("  [dim]export HUTONG_ADMIN_TOKEN=… lets the other commands use it[/]")
