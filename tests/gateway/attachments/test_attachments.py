"""Uploads and what is let go of them: the ledger and the store never disagree for long."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.attachments import Attachments, FolderStore
from gateway.attachments.attachments import UNKNOWN_FOR
from gateway.attachments.digests import Digests, stated
from gateway.errors import Busy, NotFound, Unavailable
from schemas.findings import Rejected

PLATFORM = "mobile-enforcement.330000"
NOW = datetime(2026, 9, 1, tzinfo=UTC)
DIGEST = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"  # of b"abc"


async def pieces(*each: bytes) -> AsyncIterator[bytes]:
    """Content that comes in pieces."""
    for one in each:
        yield one


class Seconds:
    """Ticks that go on when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    """The ticks of these tests."""
    return Seconds()


@pytest.fixture
def store(tmp_path) -> FolderStore:
    """An empty store."""
    return FolderStore(tmp_path / "attachments")


@pytest.fixture
def attachments(racing, store, seconds) -> Attachments:
    """Attachments over a ledger with faults."""
    return Attachments(racing.ledger, store, lambda: NOW, unnamed_for=timedelta(0), ticks=seconds)


async def kept(store: FolderStore) -> set[str]:
    """Every name in the store."""
    return {name for _ in range(256) for name in await store.some_names()}


async def round_of(attachments: Attachments) -> None:
    """Tidy until every folder was looked at."""
    for _ in range(256):
        await attachments.tidy()


async def test_what_the_ledger_does_not_take_is_let_go_after_a_while(racing, attachments, store, seconds):
    """Content is kept, then the ledger fails: nobody can fetch it, and later it is gone; not at once, it may be
    somebody's who is still writing."""
    racing.ledger.fail_before("add_upload")
    with pytest.raises(Unavailable):
        await attachments.receive(PLATFORM, "text/plain", stated(DIGEST), pieces(b"abc"))
    assert len(await kept(store)) == 1
    await round_of(attachments)
    seconds.now = UNKNOWN_FOR - 1
    await round_of(attachments)
    assert len(await kept(store)) == 1
    seconds.now = UNKNOWN_FOR + 1
    await round_of(attachments)
    assert await kept(store) == set()


async def test_an_answer_that_was_lost_leaves_an_upload_that_nobody_names(racing, attachments, store):
    """Committed although the caller heard nothing: it is let go as all that no document names."""
    racing.ledger.fail_after("add_upload")
    with pytest.raises(Unavailable):
        await attachments.receive(PLATFORM, "text/plain", stated(DIGEST), pieces(b"abc"))
    (name,) = await kept(store)
    assert await racing.ledger.known_uploads([name]) == {name}
    await round_of(attachments)
    assert await kept(store) == set()
    with pytest.raises(NotFound):
        await attachments.fetch(name, PLATFORM)


async def test_a_platform_cannot_fill_the_store_with_what_no_document_names(racing, store, seconds):
    """At its quota it is refused before a byte is read; others are not, and it may again when what it left is gone."""
    attachments = Attachments(racing.ledger, store, lambda: NOW, quota=6, unnamed_for=timedelta(0), ticks=seconds)

    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("a byte was read")
        yield b""

    for _ in range(2):
        await attachments.receive(PLATFORM, "text/plain", stated(DIGEST), pieces(b"abc"))
    with pytest.raises(Busy) as caught:
        await attachments.receive(PLATFORM, "text/plain", stated(DIGEST), unread())
    assert caught.value.code == "attachment.quota"
    await attachments.receive("penalty.330000", "text/plain", stated(DIGEST), pieces(b"abc"))
    await round_of(attachments)
    await attachments.receive(PLATFORM, "text/plain", stated(DIGEST), pieces(b"abc"))


async def test_content_outlives_a_process_that_ended_while_letting_go(racing, attachments, store, seconds):
    """The ledger forgot it, and the process ended before the content went: it is found as unknown."""
    upload = await attachments.receive(PLATFORM, "text/plain", stated(DIGEST), pieces(b"abc"))
    await racing.ledger.forget_uploads(timedelta(0), NOW, 10)
    await round_of(attachments)
    seconds.now = UNKNOWN_FOR + 1
    await round_of(attachments)
    assert await kept(store) == set()
    assert upload.digest == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


async def test_content_that_is_not_there_is_said_before_anything_is_answered(attachments, store):
    """Somebody emptied the folder: an error that names the setting, not half an answer."""
    upload = await attachments.receive(PLATFORM, "text/plain", stated(DIGEST), pieces(b"abc"))
    await store.delete(upload.id)
    with pytest.raises(Unavailable) as caught:
        await attachments.fetch(upload.id, PLATFORM)
    assert caught.value.code == "attachment.lost"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "digest.missing"),
        ("", "digest.missing"),
        ("md5=:kAFQmDzST7DWlj99KOF/cg==:", "digest.missing"),
        ("sha-256=ungWv48Bz", "digest.malformed"),
        ("sha-256=:====:", "digest.malformed"),
        ("sha-256=:" + "A" * 5000 + ":", "digest.malformed"),
        ("sha-256=:YQ==:,", "digest.malformed"),
    ],
)
def test_a_digest_must_be_stated(header, code):
    """In a form of RFC 9530 that we compute; anything else is 400 with what to write."""
    with pytest.raises(Rejected) as caught:
        stated(header)
    assert (caught.value.code, caught.value.status) == (code, 400)


def test_every_stated_digest_is_checked():
    """Several may be stated, SM3 among them; one that is wrong is enough."""
    right = stated(f"{DIGEST}, sm3=:ZsfwvHYT8p7Zl8eKn2XMjXf/6ICPNRhR8nBOsPTYqFM=:")
    assert set(right) == {"sha-256", "sm3"}
    digests = Digests({"sha-512": b"wrong", **stated(DIGEST)})
    digests.take(b"abc")
    with pytest.raises(Rejected) as caught:
        digests.check()
    assert caught.value.code == "digest.mismatch"
