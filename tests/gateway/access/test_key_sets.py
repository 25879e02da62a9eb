"""The keys of token issuers: fetched seldom, found again when they change, and good for a day without their issuer."""

import asyncio

import orjson
import pytest
from signers import Issuer

from gateway.access import KeySets, Unfetched
from gateway.access.key_sets import AT_MOST_EVERY, FRESH, LONGEST
from gateway.errors import Unavailable

URL = "https://idp.example.gov.cn/keys"


class World:
    """An issuer, whether it answers, and a clock."""

    def __init__(self):
        self.issuer, self.now, self.fetched, self.answers = Issuer(), 0.0, 0, None
        self.keys = KeySets(self.fetch, lambda: self.now)

    async def fetch(self, url):
        """Answer as the issuer does."""
        assert url == URL
        self.fetched += 1
        await asyncio.sleep(0)
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers or orjson.dumps(self.issuer.jwks())

    async def known(self, **how):
        """Give the ids of the keys."""
        return [key.kid for key in await self.keys.of(URL, **how)]


@pytest.fixture
def world():
    """A world."""
    return World()


async def test_many_who_ask_at_once_have_them_fetched_once(world):
    """And then not for ten minutes."""
    assert await asyncio.gather(*(world.known() for _ in range(20))) == [["k1"]] * 20
    world.now = FRESH - 1
    await world.known()
    assert world.fetched == 1
    world.now = FRESH
    await world.known()
    assert world.fetched == 2


async def test_a_new_key_is_found_and_unknown_ones_cost_little(world):
    """Whoever names keys that there are not makes us ask every half minute, and no oftener."""
    await world.known()
    world.issuer.rotate("k2")
    for _ in range(100):
        assert await world.known(newer=True) == ["k1"]
    assert world.fetched == 1
    world.now = AT_MOST_EVERY
    assert await world.known(newer=True) == ["k2", "k1"]


@pytest.mark.parametrize(
    "answer", [Unfetched("down"), b"<html>", b"[]", b'{"keys": []}', b'{"keys": [{"kty": "oct"}]}']
)
async def test_an_issuer_that_fails_keeps_its_keys_for_a_day(world, answer):
    """Then nobody is let in any more; one that never answered lets nobody in at all."""
    await world.known()
    world.answers, world.now = answer, FRESH
    assert await world.known() == ["k1"]
    world.now = LONGEST + 1
    with pytest.raises(Unavailable) as caught:
        await world.known()
    assert caught.value.code == "keys.unavailable"
    world.answers, world.now = None, world.now + FRESH
    assert await world.known() == ["k1"]
    never = World()
    never.answers = answer
    with pytest.raises(Unavailable):
        await never.known()
    with pytest.raises(Unavailable):
        await never.known()
    assert never.fetched == 1


async def test_of_an_address_the_origin_alone_is_logged(caplog):
    """Its query may hold a key, and a registration from before may hold a password."""

    async def fetch(url):
        raise Unfetched("down")

    for user in ("", ":canary-password@", "canary-user:canary-password@"):
        with pytest.raises(Unavailable):
            await KeySets(fetch).of(f"https://{user}idp.example.gov.cn:8443/canary-path?key=canary-key")
    assert caplog.messages == ["the keys at https://idp.example.gov.cn:8443 are not to be had: down"] * 3
