"""Calls under a token that is fetched: once for everybody, before its end, and once more when it is refused."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.adapter import DeclarativeAdapter
from adapters.base import OutboundRequest, Reply
from adapters.bundle import assemble
from adapters.bundle import load as load_bundle
from gateway.delivery.authorised import AuthorisedSender
from gateway.delivery.no_answer import NoAnswer
from gateway.ledger.records import Platform

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
SETTINGS = {"base_url": "https://cf.example.gov.cn", "key": "s"}
PLATFORM = Platform("penalty.330000", "penalty", "330000", "town", SETTINGS, NOW)
PATIENCE = timedelta(seconds=5)
CALL = OutboundRequest("POST", "/api/cases", {}, b"{}")
TOWN = Path(__file__).parents[2] / "adapters" / "bundles" / "town"
BEFORE = b'auth: {scheme: api-key, header: X-Key, value: "{key}"}'
AUTH = b'auth: {scheme: oauth2, path: /token, client_id: me, client_secret: "{key}"}'


class Town:
    """A platform that issues tokens, and forgets them when it is told to."""

    def __init__(self) -> None:
        self.tokens, self.good, self.now = 0, set[str](), 0.0
        self.issues: Any = None
        self.asked: list[str] = []
        files = dict(load_bundle(TOWN).files)
        files["adapter.yaml"] = files["adapter.yaml"].replace(BEFORE, AUTH)
        self.adapter = DeclarativeAdapter(assemble(files))
        self.sender = AuthorisedSender(self, lambda: NOW, lambda: self.now)  # type: ignore[arg-type]

    async def send(self, platform: Platform, request: OutboundRequest, timeout: timedelta, most: int = 0) -> Reply:
        """Answer, as the network would."""
        self.asked.append(request.path)
        await asyncio.sleep(0)
        if request.path == "/token":
            if isinstance(self.issues, Exception):
                raise self.issues
            return self.issues or self._issue()
        known = request.headers["Authorization"].removeprefix("Bearer ") in self.good
        return Reply(200 if known else 401)

    def _issue(self) -> Reply:
        self.tokens += 1
        self.good.add(f"t{self.tokens}")
        return Reply(200, {}, f'{{"access_token": "t{self.tokens}", "expires_in": 100}}'.encode())

    async def forget(self, platform_id: str) -> None:
        """Be told that a platform is no more."""

    async def call(self, platform: Platform = PLATFORM) -> int:
        """Make a call; gives what it was answered."""
        return (await self.sender.send(self.adapter, platform, CALL, PATIENCE)).status


@pytest.fixture
def town() -> Town:
    """A town."""
    return Town()


async def test_many_calls_share_a_token(town: Town) -> None:
    """It is fetched once, however many wait for it."""
    assert await asyncio.gather(*(town.call() for _ in range(20))) == [200] * 20
    assert town.tokens == 1


async def test_another_is_fetched_before_the_end(town: Town) -> None:
    """At four fifths of its life."""
    await town.call()
    town.now = 79
    await town.call()
    assert town.tokens == 1
    town.now = 80
    assert (await town.call(), town.tokens) == (200, 2)


async def test_a_token_that_is_refused_is_replaced_once(town: Town) -> None:
    """A platform that was started again has forgotten it; one that takes none at all is asked no oftener."""
    await town.call()
    town.good.clear()
    assert await asyncio.gather(*(town.call() for _ in range(5))) == [200] * 5
    assert town.tokens == 2
    town.asked.clear()
    town.good.clear()
    town.issues = Reply(200, {}, b'{"access_token": "never", "expires_in": 100}')
    assert await town.call() == 401
    assert town.asked == ["/api/cases", "/token", "/api/cases"]


async def test_other_settings_fetch_another_token(town: Town) -> None:
    """And each platform has its own; of one that is no more none is kept."""
    await town.call()
    changed = Platform(PLATFORM.id, "penalty", "330000", "town", {**SETTINGS, "key": "new"}, NOW)
    await town.call(changed)
    await town.call(Platform("penalty.320000", "penalty", "320000", "town", SETTINGS, NOW))
    assert town.tokens == 3
    await town.sender.forget(PLATFORM.id)
    await town.call(changed)
    assert town.tokens == 4


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_client_that_is_refused_counts_as_a_call_that_is(town: Town, status: int) -> None:
    """401: the platform is held for its credentials, and nothing is sent."""
    town.issues = Reply(status, {}, b'{"error": "invalid_client"}')
    assert await town.call() == 401
    assert town.asked == ["/token"]


FAULTS = [Reply(500), Reply(429), Reply(200, {}, b"<html>"), NoAnswer("timeout.read", may_have_left=True)]


@pytest.mark.parametrize("fault", FAULTS)
async def test_while_there_is_no_token_nothing_of_the_call_has_left(town: Town, fault: Any) -> None:
    """It is tried again, and is not in doubt; with the next token it goes."""
    town.issues = fault
    with pytest.raises(NoAnswer) as caught:
        await town.call()
    assert not caught.value.may_have_left
    assert town.asked == ["/token"]
    town.issues = None
    assert await town.call() == 200


async def test_a_call_that_is_cancelled_in_the_middle_leaves_the_others_well(town: Town) -> None:
    """Whoever waits for the same token gets one."""
    first, second = asyncio.ensure_future(town.call()), asyncio.ensure_future(town.call())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 200
