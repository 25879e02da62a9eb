"""Real readers with small bounds, which may also import the tests' own tasks."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from adapters import bundled
from adapters.adapter import DeclarativeAdapter, load
from gateway.readers import ReaderBounds, Readers
from gateway.readers.process import ReaderProcess
from gateway.telemetry.events import Event, Events

HERE = str(Path(__file__).parents[1])
COMMAND = (
    sys.executable,
    "-I",
    "-c",
    f"import sys; sys.path.append({HERE!r}); from gateway.readers.child import main; main(*map(int, sys.argv[1:]))",
)


@pytest.fixture(scope="session")
def penalty() -> DeclarativeAdapter:
    """Give a bundled adapter."""
    return load(bundled()["penalty"])


@pytest.fixture(scope="session")
def permits() -> DeclarativeAdapter:
    """Give another, which reads packages."""
    return load(bundled()["pollutant-permit"])


@pytest.fixture
async def new_readers() -> AsyncIterator[Callable[..., Readers]]:
    """Make readers, and end them after the test."""
    made: list[Readers] = []
    start: Callable[[ReaderBounds], Awaitable[ReaderProcess]] = partial(ReaderProcess.start, command=COMMAND)

    def make(events: list[Event] | None = None, *, most: int = 1, **bounds: float) -> Readers:
        told = Events([] if events is None else [events.append])
        readers = Readers(ReaderBounds(**{"megabytes": 512, "seconds": 1, **bounds}), told, most=most, start=start)
        made.append(readers)
        return readers

    yield make
    for readers in made:
        await readers.stop()
