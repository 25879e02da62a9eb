"""Answers that wait to be read: in memory while they are few, then in a file that has no name.

A sender may hand everything in before it reads a line: most HTTP/1.1 clients do. Were its answers to
wait in the connection, they would fill it, and both sides would wait for each other.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from tempfile import TemporaryFile
from typing import IO

MEMORY = 256 * 1024
"""Bytes of answers of one batch that wait in memory."""

_PIECE = 64 * 1024


class SpoolFull(Exception):
    """There is no room for more answers that nobody reads."""


class SpoolRoom:
    """The bytes that all files of waiting answers may take together."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, size: int) -> None:
        """Take room; SpoolFull when there is not so much."""
        if size > self._left:
            raise SpoolFull
        self._left -= size

    def give(self, size: int) -> None:
        """Give it back."""
        self._left += size


class AnswerSpool:
    """The answers of one batch, in order: one task writes them, another reads them."""

    def __init__(self, room: SpoolRoom, memory: int = MEMORY) -> None:
        self._room = room
        self._most = memory
        self._memory: deque[bytes] = deque()
        self._size = 0
        self._file: IO[bytes] | None = None
        self._start = self._end = 0  # what of the file is not read yet
        self._using = asyncio.Lock()
        self._more = asyncio.Event()
        self._closed = False
        self._last = b""

    async def write(self, answers: bytes) -> None:
        """Add answers; SpoolFull when there is no room for them, also on the disk."""
        async with self._using:
            if self._end or self._size + len(answers) > self._most:
                await self._to_file(answers)
            else:
                self._memory.append(answers)
                self._size += len(answers)
        self._more.set()

    async def _to_file(self, answers: bytes) -> None:
        self._room.take(len(answers))
        try:
            await asyncio.to_thread(self._append, answers)
        except OSError:
            self._room.give(len(answers))
            raise SpoolFull from None
        self._end += len(answers)

    def _append(self, answers: bytes) -> None:
        if self._file is None:
            self._file = TemporaryFile(prefix="hutong-answers-")  # noqa: SIM115  closed in `drop`
        written = 0
        while written < len(answers):
            written += os.pwrite(self._file.fileno(), answers[written:], self._end + written)

    async def read(self) -> bytes:
        """Give the next answers, waiting for them; nothing at the end."""
        while True:
            async with self._using:
                if self._memory:
                    found = b"".join(self._memory)
                    self._memory.clear()
                    self._size = 0
                    return found
                if self._end:
                    return await self._from_file()
                if self._closed:
                    last, self._last = self._last, b""
                    return last
                self._more.clear()
            await self._more.wait()

    async def _from_file(self) -> bytes:
        assert self._file is not None
        file, size = self._file, min(_PIECE, self._end - self._start)
        found = await asyncio.to_thread(os.pread, file.fileno(), size, self._start)
        self._start += len(found)
        if self._start == self._end:
            await asyncio.to_thread(file.truncate, 0)
            self._room.give(self._end)
            self._start = self._end = 0
        return found

    def close(self, last: bytes = b"") -> None:
        """Say that nothing more comes, but for this."""
        self._closed, self._last = True, last
        self._more.set()

    def drop(self) -> None:
        """Forget what nobody read, and its file."""
        self._room.give(self._end)
        self._start = self._end = 0
        if self._file is not None:
            self._file.close()
            self._file = None
