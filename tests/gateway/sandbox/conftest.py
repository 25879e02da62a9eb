"""Doubles on loopback, and the bundles they are made of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

import adapters
from adapters.adapter import DeclarativeAdapter, load
from gateway.sandbox import Double, running

PLAIN = Path(__file__).parent / "bundles" / "plain"
BUNDLED = sorted(path.parent for path in Path(adapters.__file__).parent.glob("*/adapter.yaml"))


@pytest.fixture(scope="session")
def plain() -> DeclarativeAdapter:
    """Give the plain bundle as an adapter."""
    return load(PLAIN)


@pytest.fixture(scope="session", params=BUNDLED, ids=lambda path: path.name)
def bundled(request: pytest.FixtureRequest) -> DeclarativeAdapter:
    """Give each bundled adapter in turn."""
    return load(request.param)


@pytest.fixture
async def double(plain: DeclarativeAdapter) -> Double:
    """Give the double of the plain bundle, which never rolls dice in vain: its chance is always 0.5."""
    return Double(plain, chance=lambda: 0.5)


@pytest.fixture
async def client(double: Double) -> AsyncIterator[httpx.AsyncClient]:
    """Call the double over a real socket."""
    async with running(double) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
        yield client
