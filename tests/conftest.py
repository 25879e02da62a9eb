"""What every test has: a limit of time, and ledgers that open at once because their tables exist already."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PostgresLedgers, PostgresServer

from gateway.ledger.sql import SqlLedger

LedgerAt = Callable[[Path], str]
NewLedger = Callable[..., SqlLedger]

LIMIT = 300
"""Seconds that a test may take, and setting up and taking down for it; `@pytest.mark.limit(seconds)` says otherwise."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Limit what is set up."""
    with _limited(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Limit the test."""
    with _limited(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Limit what is taken down."""
    with _limited(item):
        return (yield)


@contextmanager
def _limited(item: pytest.Item) -> Iterator[None]:
    """Fail a test that hangs: the alarm interrupts whatever the main thread waits in, also an idle event loop."""
    marker = item.get_closest_marker("limit")
    seconds = marker.args[0] if marker else LIMIT

    def over(*_: Any) -> None:
        pytest.fail(f"{item.nodeid} takes longer than {seconds} s\n{_awaited()}")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, 10)  # and again, for what goes on after a failure
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _awaited() -> str:
    """Tell what the tasks of the running loop wait in, the innermost await last."""
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        return "no event loop runs in the main thread"
    return "\n".join(f"{task.get_name()}: {' > '.join(_awaits(task.get_coro()))}" for task in tasks)


def _awaits(coroutine: Any) -> Iterator[str]:
    while frame := getattr(coroutine, "cr_frame", None):
        yield f"{coroutine.__qualname__} ({Path(frame.f_code.co_filename).name}:{frame.f_lineno})"
        coroutine = coroutine.cr_await


@pytest.fixture(scope="session")
def ledger_at(tmp_path_factory: pytest.TempPathFactory) -> LedgerAt:
    """Puts an empty ledger, its schema up to date, where there is none yet, and gives its address."""
    empty = tmp_path_factory.mktemp("empty") / "ledger.db"

    async def made() -> None:
        ledger = SqlLedger(f"sqlite:///{empty}")
        await ledger.start()
        await ledger.stop()

    asyncio.run(made())

    def put(path: Path) -> str:
        if not path.exists():
            shutil.copyfile(empty, path)
        return f"sqlite:///{path}"

    return put


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, for tests that need not outlive it: it syncs nothing."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_ledgers(postgres: PostgresServer) -> PostgresLedgers:
    """Empty ledgers in PostgreSQL, their schema up to date."""
    return PostgresLedgers(postgres)


@pytest.fixture
def postgres_address(postgres_ledgers: PostgresLedgers) -> Iterator[str]:
    """The address of an empty ledger in PostgreSQL."""
    with postgres_ledgers.one() as address:
        yield address


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("sqlite", "postgresql")])
def kept_at(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty ledger, once in each engine."""
    if request.param == "postgresql":
        address: str = request.getfixturevalue("postgres_address")
        return address
    put: LedgerAt = request.getfixturevalue("ledger_at")
    return put(tmp_path / "ledger.db")


@pytest.fixture
def new_ledger(ledger_at: LedgerAt, tmp_path: Path) -> NewLedger:
    """Makes a ledger on a file of its own; the caller starts and stops it."""
    names = count(1)

    def new(**arguments: Any) -> SqlLedger:
        return SqlLedger(ledger_at(tmp_path / f"ledger-{next(names)}.db"), **arguments)

    return new
