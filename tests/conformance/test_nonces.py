"""Nonces of signed calls: each counts once for as long as it is remembered, whoever asks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.ledger.records import HMAC, Credential


async def test_a_nonce_counts_once_for_its_owner(ledger: Any, make: Any) -> None:
    """For another owner, and another nonce, it is the first time."""
    assert await ledger.spend_nonce("c1", "n1", make.at(0), make.at(10))
    assert not await ledger.spend_nonce("c1", "n1", make.at(1), make.at(11))
    assert await ledger.spend_nonce("c2", "n1", make.at(1), make.at(11))
    assert await ledger.spend_nonce("c1", "n2", make.at(1), make.at(11))


async def test_a_nonce_is_remembered_until_its_time_is_over(ledger: Any, make: Any) -> None:
    """To the moment; whoever was refused does not prolong it."""
    await ledger.spend_nonce("c1", "n1", make.at(0), make.at(10))
    assert not await ledger.spend_nonce("c1", "n1", make.at(9), make.at(100))
    assert await ledger.spend_nonce("c1", "n1", make.at(10), make.at(20))
    assert not await ledger.spend_nonce("c1", "n1", make.at(19), make.at(29))


async def test_of_many_who_spend_one_nonce_at_once_one_is_first(ledger: Any, make: Any) -> None:
    """They share a commit, and are judged one after the other all the same."""
    spent = [ledger.spend_nonce("c1", f"n{n % 3}", make.at(0), make.at(10)) for n in range(30)]
    assert sorted(await asyncio.gather(*spent)) == [False] * 27 + [True] * 3


@pytest.mark.parametrize("owner", ["中文", "a'b", "x" * 500])
async def test_any_text_may_be_one(ledger: Any, make: Any, owner: str) -> None:
    """What a caller writes is a value, and no part of a statement."""
    assert await ledger.spend_nonce(owner, owner, make.at(0), make.at(10))
    assert not await ledger.spend_nonce(owner, owner, make.at(0), make.at(10))


async def test_a_credential_keeps_its_kind_and_the_key_that_it_signs_with(play: Any, ledger: Any, make: Any) -> None:
    """A shared key can be read, since a signature cannot be verified by its hash."""
    await play.register()
    kept = Credential("c1", make.penalty, "d1", "signs", make.at(0), kind=HMAC, secret="a key")
    await ledger.add_credential(kept, make.intent())
    [found] = await ledger.credentials()
    assert found == kept


async def test_a_platform_keeps_how_it_may_show_who_it_is(play: Any, ledger: Any, make: Any) -> None:
    """As it was registered last."""
    ways = ({"scheme": "hmac-sha256"}, {"scheme": "mutual-tls", "fingerprints": ["ab"]})
    await play.register(access=ways)
    assert (await ledger.registry()).platforms[make.penalty].access == ways
