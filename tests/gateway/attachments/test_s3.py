"""An object store in a bucket: whole or not there, whatever ends the writing, against a real server."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator

import pytest
from s3_server import BUCKET, S3Server

from gateway.attachments import S3Store
from gateway.attachments.s3 import PART
from gateway.bootstrap import open_objects
from gateway.errors import Unavailable
from gateway.settings import Settings

NAME = "0199a2b4-0000-7000-8000-00000000000a"
OTHER = "0199a2b4-0000-7000-8000-00000000000b"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server for all of these tests."""
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def server(running: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, told to the process by its variables."""
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    return running


@pytest.fixture
async def store(server: S3Server) -> AsyncIterator[S3Store]:
    """The store that the settings name; nothing of a test is left in it."""
    opened = open_objects(Settings(attachments=f"s3://{BUCKET}/files"))
    assert isinstance(opened, S3Store)
    yield opened
    for name in (NAME, OTHER):
        await opened.delete(name)


async def pieces(*each: bytes) -> AsyncIterator[bytes]:
    """Content that comes in pieces."""
    for one in each:
        yield one


async def content_of(store: S3Store, name: str = NAME) -> bytes:
    """What is kept under a name."""
    return b"".join([piece async for piece in store.read(name)])


@pytest.mark.parametrize("content", [(), (b"",), (b"a", b"bc"), (b"x" * PART, b"y"), (b"z" * 1_000_000,) * 12])
async def test_content_is_kept_and_read_back(store, server, content):
    """Byte for byte, in one part or several, below the prefix; empty content too; letting go twice is no error."""
    await store.put(NAME, pieces(*content))
    assert await content_of(store) == b"".join(content)
    assert server.objects() == {f"files/{NAME}": len(b"".join(content))}
    await store.delete(NAME)
    await store.delete(NAME)
    assert server.objects() == {}


async def test_what_breaks_off_leaves_no_object(store, server):
    """Ended after two parts by an error of its own, which comes out as it is: nothing is kept."""

    async def breaking() -> AsyncIterator[bytes]:
        yield b"x" * PART
        yield b"x" * PART
        raise ValueError("the digest is another")

    with pytest.raises(ValueError, match="the digest is another"):
        await store.put(NAME, breaking())
    assert server.objects() == {}
    with pytest.raises(Unavailable) as caught:
        await content_of(store)
    assert caught.value.code == "attachment.lost"


async def test_who_is_cancelled_leaves_no_object(store, server):
    """Cancelled while content comes slowly: nothing appears afterwards."""
    begun = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * (2 * PART)
        begun.set()
        await asyncio.Event().wait()

    writing = asyncio.create_task(store.put(NAME, slow()))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert server.objects() == {}


@pytest.mark.parametrize("name", ["../../other", "", NAME.upper(), f"{NAME}/x", NAME + "\n"])
async def test_only_names_of_ours_reach_the_bucket(store, server, name):
    """No name leads out of the prefix, to write, to read or to delete."""
    server.put("other", b"not ours")
    with pytest.raises(Unavailable):
        await store.put(name, pieces(b"a"))
    with pytest.raises(Unavailable):
        await content_of(store, name)
    await store.delete(name)
    assert server.objects() == {"other": 8}


async def test_every_name_is_seen_by_and_by(store, server):
    """Over and over again, and nothing that is not ours."""
    server.put("files/readme.txt", b"")
    await store.put(NAME, pieces(b"a"))
    seen = [await store.some_names() for _ in range(2)]
    await store.put(OTHER, pieces(b"b"))
    again = [await store.some_names() for _ in range(2)]
    assert [name for names in seen for name in names] == [NAME]
    assert sorted(name for names in again for name in names) == [NAME, OTHER]


async def test_content_is_never_in_memory_as_a_whole(store):
    """A hundred megabytes go in: the process grows by a few parts."""

    async def large() -> AsyncIterator[bytes]:
        for _ in range(1600):
            yield bytes(65_536)

    await store.put(NAME, pieces(b"x" * PART))  # what the first use loads is not what is measured
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await store.put(NAME, large())
    size = sum([len(piece) async for piece in store.read(NAME)])
    assert size == 1600 * 65_536
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < size / 2


async def test_a_store_that_is_not_there_is_told(server, tmp_path, monkeypatch):
    """Unavailable with what to do, to write and to read, and not after minutes."""
    with S3Server(tmp_path) as gone:
        monkeypatch.setenv("AWS_ENDPOINT", gone.url)
        store = open_objects(Settings(attachments=f"s3://{BUCKET}"))
    with pytest.raises(Unavailable) as unkept:
        await store.put(NAME, pieces(b"a"))
    with pytest.raises(Unavailable) as lost:
        await content_of(store)
    assert (unkept.value.code, lost.value.code) == ("attachment.unkept", "attachment.lost")
