"""Answers that wait: in order, in bounded memory, and on a bounded disk."""

import asyncio
import os

import pytest

from gateway.api.inbound.spool import AnswerSpool, SpoolFull, SpoolRoom


async def everything(spool):
    """Read to the end."""
    found = b""
    while piece := await spool.read():
        found += piece
    return found


async def test_answers_come_in_their_order():
    """Whatever of them waited in memory, and what on the disk; the last words come last."""
    spool = AnswerSpool(SpoolRoom(10_000), memory=100)
    for number in range(100):
        await spool.write(b"%04d\n" % number)
    spool.close(b"last\n")
    assert await everything(spool) == b"".join(b"%04d\n" % number for number in range(100)) + b"last\n"
    spool.drop()


async def test_who_reads_meanwhile_gets_the_same():
    """Reading and writing at once; a file that was read to its end begins anew and takes no room."""
    room = SpoolRoom(3_000)
    spool = AnswerSpool(room, memory=50)

    async def write():
        for number in range(2_000):
            await spool.write(b"%04d\n" % number)
            if number % 100 == 0:
                await asyncio.sleep(0.001)
        spool.close()

    async def read():
        found = b""
        while piece := await spool.read():
            found += piece
        return found

    writing = asyncio.create_task(write())
    found = await read()
    await writing
    assert found == b"".join(b"%04d\n" % number for number in range(2_000))
    room.take(3_000)  # all of it was given back
    spool.drop()


async def test_there_is_no_more_room_than_there_is():
    """All spools share it; what was dropped is free again, and the file has no name that could stay behind."""
    room = SpoolRoom(1_000)
    one, other = AnswerSpool(room, memory=10), AnswerSpool(room, memory=10)
    await one.write(b"x" * 900)
    with pytest.raises(SpoolFull):
        await other.write(b"x" * 200)
    other.close(b"last")
    assert await everything(other) == b"last"
    one.drop()
    await other.write(b"x" * 900)
    other.drop()


async def test_a_full_disk_is_no_room(monkeypatch, tmp_path):
    """Whatever the system says when it cannot write."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    spool = AnswerSpool(SpoolRoom(1_000), memory=10)
    with pytest.raises(SpoolFull):
        await spool.write(b"x" * 200)
    assert not os.path.exists(tmp_path / "nowhere")
    spool.drop()
