"""An object store in a folder: whole or not there, whatever ends the writing."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.attachments import FolderStore
from gateway.errors import Unavailable

NAME = "0199a2b4-0000-7000-8000-00000000000a"


async def pieces(*each: bytes) -> AsyncIterator[bytes]:
    """Content that comes in pieces."""
    for one in each:
        yield one


async def breaking(*each: bytes) -> AsyncIterator[bytes]:
    """Content whose sender goes away."""
    for one in each:
        yield one
    raise ConnectionResetError("gone")


def files(folder: Path) -> list[str]:
    """Every file below a folder."""
    return sorted(one.name for one in folder.rglob("*") if one.is_file())


async def content_of(store: FolderStore, name: str = NAME) -> bytes:
    """What is kept under a name."""
    return b"".join([piece async for piece in store.read(name)])


@pytest.mark.parametrize("content", [(), (b"",), (b"a", b"bc"), (b"x" * 3_000_000, b"y")])
async def test_content_is_kept_and_read_back(tmp_path, content):
    """Byte for byte, in one file that only its owner may read; empty content too."""
    store = FolderStore(tmp_path)
    await store.put(NAME, pieces(*content))
    assert await content_of(store) == b"".join(content)
    (file,) = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert (file.name, file.stat().st_mode & 0o777) == (NAME, 0o600)
    assert await store.some_names() == ()  # another of the 256 folders
    await store.delete(NAME)
    await store.delete(NAME)
    assert files(tmp_path) == []


async def test_what_breaks_off_leaves_nothing(tmp_path):
    """A sender that goes away after a megabyte and a half: no file, whole or half."""
    store = FolderStore(tmp_path)
    with pytest.raises(Unavailable):
        await store.put(NAME, breaking(b"x" * 1_500_000))
    assert files(tmp_path) == []
    with pytest.raises(Unavailable) as caught:
        await content_of(store)
    assert caught.value.code == "attachment.lost"


async def test_who_is_cancelled_leaves_nothing(tmp_path):
    """Cancelled while content comes slowly, and while it is being brought to the disk: nothing appears afterwards."""
    store, begun = FolderStore(tmp_path), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * 2_000_000
        begun.set()
        await asyncio.Event().wait()

    writing = asyncio.create_task(store.put(NAME, slow()))
    await begun.wait()
    assert files(tmp_path) == [f"{NAME}.part"]
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert files(tmp_path) == []


async def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    """A folder that cannot be written to: Unavailable with what to do, not an OSError of somebody's."""
    blocked = tmp_path / "blocked"
    blocked.write_bytes(b"")
    with pytest.raises(Unavailable) as caught:
        await FolderStore(blocked).put(NAME, pieces(b"a"))
    assert caught.value.code == "attachment.unkept"


@pytest.mark.parametrize("name", ["../../etc/passwd", "", ".", NAME.upper(), f"{NAME}.part", f"{NAME}/x", NAME + "\n"])
async def test_only_names_of_ours_reach_the_disk(tmp_path, name):
    """No name leads out of the folder."""
    with pytest.raises(Unavailable):
        await content_of(FolderStore(tmp_path), name)


async def test_content_is_never_in_memory_as_a_whole(tmp_path):
    """A hundred megabytes go in and come out in pieces: the memory for it stays below a tenth."""
    store = FolderStore(tmp_path)

    async def large() -> AsyncIterator[bytes]:
        for _ in range(1600):
            yield bytes(65_536)

    tracemalloc.start()
    try:
        await store.put(NAME, large())
        size = 0
        async for piece in store.read(NAME):
            size += len(piece)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 1600 * 65_536
    assert most < size / 10


async def test_every_name_is_seen_by_and_by(tmp_path):
    """One of 256 folders a call, half-written ones too, and nothing that is not ours."""
    store = FolderStore(tmp_path)
    other = NAME[:-2] + "ff"
    await store.put(NAME, pieces(b"a"))
    (tmp_path / "ff").mkdir()
    (tmp_path / "ff" / f"{other}.part").write_bytes(b"half")
    (tmp_path / "ff" / "readme.txt").write_bytes(b"")
    seen = [name for _ in range(256) for name in await store.some_names()]
    assert sorted(seen) == [NAME, other]
    await store.delete(other)
    assert files(tmp_path) == [NAME, "readme.txt"]
