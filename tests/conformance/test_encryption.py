"""What is secret is kept encrypted, bound to its place, under keys that can be replaced."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from adapters.base import OutboundRequest
from gateway.access import wrapping_keys
from gateway.audit.signing import SigningKey
from gateway.errors import HutongError
from gateway.ledger.records import Credential, SecondApproval
from gateway.ledger.sql import SqlLedger
from gateway.ledger.sql.tree_check import check_tree
from gateway.message import State
from gateway.settings import AES, SM4
from tests.servers.postgres_server import binaries

CANARY = "canary-f3a9c1"
FIRST, SECOND, OTHER = "11" * 32, "22" * 32, "33" * 16
REQUEST = OutboundRequest("POST", f"/api/{CANARY}", {"x-key": CANARY}, b"<key>" + CANARY.encode() + b"</key>")


def keys(current: str = FIRST, older: str = "", cipher: str = AES) -> Any:
    """The wrapping keys of a gateway."""
    return wrapping_keys(current, older, cipher)


@asynccontextmanager
async def opened(kept_at: str, keys: Any = None) -> AsyncIterator[SqlLedger]:
    """The ledger under some keys, open."""
    ledger = SqlLedger(kept_at, keys=keys, key=SigningKey.new())
    await ledger.start()
    try:
        yield ledger
    finally:
        await ledger.stop()


async def fill(ledger: SqlLedger, playing: Callable[..., Any], make: Any, name: str = "m1") -> None:
    """Keep a secret in every place that has any."""
    play = playing(ledger)
    platform = replace(make.platform(), settings={"base_url": "http://127.0.0.1:9", "key": CANARY})
    await ledger.put_platform(platform, make.intent(), make.nobody)
    await ledger.add_credential(replace(credential(make), id=name, digest=f"hash of {name}"), make.intent())
    await ledger.ask_approval(approval(make, name), make.intent(actor="wang-wei"))
    await play.accept(name)
    await begin(ledger, play, make, name)


async def begin(ledger: SqlLedger, play: Any, make: Any, name: str) -> None:
    """Begin to send a document whose request has a secret in each of its parts."""
    claim = await play.claim()
    assert await ledger.begin(claim, f"{name}/0", "penalty@1.0.0", REQUEST, make.at()) == 1


def credential(make: Any) -> Credential:
    """A credential that signs, whose secret has to be read."""
    return replace(make.credential(), kind="hmac-sha256", secret=CANARY)


def approval(make: Any, id: str) -> SecondApproval:
    """A change that waits, with a secret in it."""
    order = {"step": "put", "settings": {"key": CANARY}}
    return SecondApproval(id, "secrets", "p", "wang-wei", "", make.at(), make.at(60), {"platform": "p"}, order)


async def read(ledger: SqlLedger, name: str = "m1") -> list[str]:
    """Every place with a secret, as it is read."""
    [platform] = (await ledger.registry()).platforms.values()
    found = [platform.settings["key"], *(one.secret for one in await ledger.credentials())]
    found += [one.order["settings"]["key"] for one in await ledger.approvals()]
    assert await ledger.sent(f"{name}/0") == REQUEST
    return found


def dumped(kept_at: str) -> bytes:
    """Every byte of the file and of those beside it, or of a dump of the database."""
    if kept_at.startswith("sqlite"):
        path = Path(kept_at.removeprefix("sqlite:///"))
        return b"".join(one.read_bytes() for one in sorted(path.parent.glob(f"{path.name}*")))
    address = kept_at.replace("postgresql+psycopg", "postgresql")
    return subprocess.run([binaries() / "pg_dump", address], capture_output=True, check=True).stdout


def in_clear(kept_at: str) -> bool:
    """Whether the canary can be read in it; a dump writes bytes as hexadecimal digits."""
    found = dumped(kept_at)
    return CANARY.encode() in found or CANARY.encode().hex().encode() in found


def change(kept_at: str, *statements: str) -> None:
    """Do what somebody does who has the database."""
    engine = sa.create_engine(kept_at)
    with engine.begin() as connection:
        for one in statements:
            connection.exec_driver_sql(one)
    engine.dispose()


@pytest.mark.parametrize("cipher", [AES, SM4])
async def test_no_secret_is_in_clear(kept_at: str, playing: Any, make: Any, cipher: str) -> None:
    """With a key no byte of the file, or of a dump, has any secret; it is read as it was written, also later."""
    async with opened(kept_at, keys(cipher=cipher)) as ledger:
        await fill(ledger, playing, make)
        assert await read(ledger) == [CANARY] * 3
        assert not in_clear(kept_at)
    assert not in_clear(kept_at)
    async with opened(kept_at, keys(cipher=cipher)) as ledger:
        assert await read(ledger) == [CANARY] * 3


async def test_without_a_key_all_is_as_before(kept_at: str, playing: Any, make: Any) -> None:
    """Nothing is encrypted, nothing is left to do; this is also how the test above knows that it would see a secret."""
    async with opened(kept_at) as ledger:
        await fill(ledger, playing, make)
        assert await read(ledger) == [CANARY] * 3
        assert await ledger.reencrypt(10) == 0
    assert in_clear(kept_at)


async def test_what_was_in_clear_is_encrypted_in_steps(kept_at: str, playing: Any, make: Any) -> None:
    """A key that is set later encrypts what there is: a few rows a step, each read as it was between any two."""
    async with opened(kept_at) as ledger:
        await fill(ledger, playing, make)
        await ledger.add_credential(replace(make.credential("bearer"), secret=""), make.intent())
    async with opened(kept_at, keys()) as ledger:
        left = [await ledger.reencrypt(1) for _ in range(4)]
        assert left == [3, 2, 1, 0]
        assert sorted(await read(ledger)) == ["", CANARY, CANARY, CANARY]
        assert await ledger.reencrypt(1) == 0
    assert not in_clear(kept_at)


async def test_a_request_stays_byte_for_byte_while_it_is_sent(kept_at: str, playing: Any, make: Any) -> None:
    """Its delivery is under way: encrypted anew in the middle, it settles, and its leaf tells of the same bytes."""
    async with opened(kept_at) as ledger:
        await fill(ledger, playing, make)
    async with opened(kept_at, keys()) as ledger:
        play = playing(ledger)
        await play.claim()
        assert await play.rescue() == ["m1/0"]
        [work] = await play.works()
        assert work.request == REQUEST
        while await ledger.reencrypt(1):
            pass
        assert await play.begin("m1/0") == 2
        await play.settle("m1/0", State.DELIVERED, number=2)
        assert await ledger.sent("m1/0") == REQUEST
        while (await ledger.sequence(100)).more:
            pass
    report = await asyncio.to_thread(check_tree, kept_at, [], keys=keys())
    assert report.wrong == ()
    with pytest.raises(HutongError) as error:
        await asyncio.to_thread(check_tree, kept_at, [])
    assert error.value.code == "ledger.key-missing"


@pytest.mark.parametrize(("wrong", "code"), [(None, "ledger.key-missing"), (SECOND, "ledger.key-wrong")])
async def test_it_does_not_start_without_its_key(
    kept_at: str, playing: Any, make: Any, wrong: str | None, code: str
) -> None:
    """Neither without one nor with another: and nothing was changed, so that it starts with the right one."""
    async with opened(kept_at, keys()) as ledger:
        await fill(ledger, playing, make)
    refused = SqlLedger(kept_at, keys=wrong and keys(wrong))
    with pytest.raises(HutongError) as error:
        await refused.start()
    assert error.value.code == code
    assert "HUTONG_ENCRYPTION_KEY" in error.value.detail.en
    assert "HUTONG_ENCRYPTION_KEY" in error.value.detail.zh
    async with opened(kept_at, keys()) as ledger:
        assert await read(ledger) == [CANARY] * 3


async def test_keys_are_replaced(kept_at: str, playing: Any, make: Any) -> None:
    """A new key encrypts, the older still reads; once it was named as an older one it is not needed any more."""
    async with opened(kept_at, keys()) as ledger:
        await fill(ledger, playing, make)
    async with opened(kept_at, keys(SECOND, FIRST)) as ledger:
        assert await read(ledger) == [CANARY] * 3
        assert await ledger.reencrypt(2) == 2
    async with opened(kept_at, keys(SECOND)) as ledger:
        assert await read(ledger) == [CANARY] * 3
        assert await ledger.reencrypt(100) == 0
    async with opened(kept_at, keys(OTHER, SECOND, SM4)) as ledger:
        assert await ledger.reencrypt(100) == 0
        assert await read(ledger) == [CANARY] * 3
    with pytest.raises(HutongError):
        await SqlLedger(kept_at, keys=keys()).start()


async def test_a_ciphertext_that_was_moved_is_refused(kept_at: str, playing: Any, make: Any) -> None:
    """To another row, or another column: what somebody with the database puts there opens nothing."""
    async with opened(kept_at, keys()) as ledger:
        await fill(ledger, playing, make)
        await ledger.add_credential(replace(credential(make), id="c2", digest="hash of c2"), make.intent())
    mine, other = "digest = 'hash of c2'", "digest = 'hash of m1'"
    change(kept_at, f"UPDATE credentials SET secret = (SELECT secret FROM credentials WHERE {other}) WHERE {mine}")
    async with opened(kept_at, keys()) as ledger:
        with pytest.raises(HutongError) as error:
            await ledger.credentials()
        assert error.value.code == "ledger.undecipherable"
        assert "credentials.secret" in error.value.detail.en
        assert CANARY not in error.value.detail.en
    change(kept_at, "UPDATE requests SET path = headers")
    async with opened(kept_at, keys()) as ledger:
        with pytest.raises(HutongError) as error:
            await ledger.sent("m1/0")
        assert error.value.code == "ledger.undecipherable"


@pytest.mark.parametrize("broken", ["'enc:'", "'enc:00:%%%'", "substr(secret, 1, 40)", "secret || 'AAAA'"])
async def test_a_ciphertext_that_was_changed_is_refused(kept_at: str, playing: Any, make: Any, broken: str) -> None:
    """Whatever it was changed to, and nothing of it is told."""
    async with opened(kept_at, keys()) as ledger:
        await fill(ledger, playing, make)
    change(kept_at, f"UPDATE credentials SET secret = {broken.replace('%', '%%')}")
    async with opened(kept_at, keys()) as ledger:
        with pytest.raises(HutongError) as error:
            await ledger.credentials()
        assert error.value.code == "ledger.undecipherable"
