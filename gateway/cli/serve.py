"""`hutong serve`: one gateway process, or several on one port, from settings to a graceful end."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
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
from gateway.cli.supervisor import GaveUp, Member, ServeSupervisor
from gateway.clock import zone
from gateway.hub import Hub
from gateway.settings import Settings
from gateway.telemetry import logs
from gateway.telemetry.siblings import Siblings

_log = logging.getLogger(__name__)

EXAMPLE = "HUTONG_LEDGER=sqlite:////var/lib/hutong/hutong.db hutong serve --port 8080"

GRACE_SECONDS = 15
"""How long requests that are being answered may take once the process was asked to end."""

PARTING_SECONDS = 1.5
"""How long a connection on which nothing is asked stays open after that."""

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
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=256, help="Processes on this port; more than 1 need PostgreSQL.")
    ] = 1,
    member: Annotated[str | None, typer.Option("--member", hidden=True)] = None,
) -> None:
    """Run the gateway. Ctrl-C ends it once the deliveries in flight are recorded.

    With --workers, SIGHUP replaces the processes one after the other.
    """
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings_here(**given)
    logs.configure(_level(log_level), zone=zone(settings.zone))
    if member is not None:
        handed = Member.read(member)
        with socket.socket(fileno=handed.listener) as listener, socket.socket(fileno=handed.line) as line:
            uvloop.run(_serve(settings, listener, handed, line))
        return
    if workers > 1:
        _check_shared(settings)
    with _listen(settings.host, settings.port) as listener:
        if workers > 1:
            _supervise(listener, workers, log_level)
        else:
            uvloop.run(_serve(settings, listener))


class NotShared(CommandFailed):
    """What is asked for needs a ledger that several processes may have (exit code 2)."""

    exit_code = 2


def _check_shared(settings: Settings) -> None:
    if not settings.shared:
        raise NotShared(
            "--workers needs a ledger that several processes may have: SQLite's is a file, and a file has one process",
            "set HUTONG_LEDGER=postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, or leave --workers out",
        )
    if settings.admin_token is None:
        raise NotShared(
            "--workers needs the administrator's token set, the same for all processes: each would make its own",
            "set HUTONG_ADMIN_TOKEN; `openssl rand -base64 32` makes a good one",
        )


def _supervise(listener: socket.socket, workers: int, log_level: str) -> None:
    # Everything else the processes read from the same settings; where to listen is only the supervisor's.
    command = [sys.executable, "-m", "gateway.cli.main", "serve", "--log-level", log_level]
    began = partial(_greet, listener, f"{workers} processes · SIGHUP replaces them one after the other")
    try:
        asyncio.run(ServeSupervisor(command, listener, workers, began).run())
    except GaveUp as gave_up:
        raise SystemExit(gave_up.code) from None


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


async def _serve(
    settings: Settings, listener: socket.socket, member: Member | None = None, line: socket.socket | None = None
) -> None:
    hub = build(settings)
    if settings.encryption_key is None:
        _log.warning("platforms' secrets are kept in clear in the ledger: set HUTONG_ENCRYPTION_KEY (docs/rights.md)")
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
        ending = Ending(server, gate, hub.part)
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, ending.ask)
        if member is not None and line is not None:
            hub.siblings = Siblings(Path(member.siblings), member.name, hub.counted)
            await hub.siblings.start()
            beside.append(asyncio.create_task(_heed(line, server, ending), name="supervisor"))
        else:
            _greet(listener, *_token_file(hub))
        await server.serve(sockets=[listener])
    finally:
        for one in beside:
            one.cancel()
        if hub.siblings is not None:
            await hub.siblings.stop()
        await hub.stop()


async def _heed(line: socket.socket, server: Server, ending: Ending) -> None:
    """Tell the supervisor that this process serves, and end when the supervisor is gone."""
    while not server.started:
        await asyncio.sleep(0.01)
    loop = asyncio.get_running_loop()
    line.setblocking(False)
    with suppress(OSError):
        await loop.sock_sendall(line, b"!")
        await loop.sock_recv(line, 1)
    ending.ask()


class Ending:
    """The end of a server.

    No connection is taken any more. Those that are there part with their next answer, or when nothing was asked on
    them for a while: so nobody asks on a connection that is closed at that moment. Then what is being answered is
    waited for. `answer` has whoever waits for something to come answered now.
    """

    def __init__(self, server: Server, gate: ConnectionGate, answer: Callable[[], None]) -> None:
        self._server = server
        self._answer = answer
        self._gate = gate
        self._parting: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Begin to end; asked a second time, end at once."""
        self._answer()
        if self._parting is not None:
            self._server.force_exit = self._server.should_exit = True
        elif self._server.started:
            self._parting = asyncio.create_task(self._part(), name="parting")
        else:
            self._server.should_exit = True

    async def _part(self) -> None:
        for one in self._server.servers:
            one.close()
        self._gate.parting = True
        loop = asyncio.get_running_loop()
        until = loop.time() + PARTING_SECONDS
        while self._gate.waiting() and loop.time() < until:
            await asyncio.sleep(0.02)
        self._server.should_exit = True


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


def _greet(listener: socket.socket, *lines: str) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    say(f"[bold]互通 Hutong[/] serves at [cyan]{url}[/]")
    say(f"  documentation {url}/docs · metrics {url}/metrics · health {url}/health/ready")
    for line in lines:
        say(f"  {line}")


def _token_file(hub: Hub) -> tuple[str, ...]:
    # Its path and never the token: what is printed here is kept by journals and collectors of logs.
    file = hub.admin_token_file
    if file is None:
        return ()
    return (
        f"admin token in [bold]{file}[/], which only its owner can read",
        f'[dim]export HUTONG_ADMIN_TOKEN="$(cat {file})" lets the other commands use it[/]',
    )
