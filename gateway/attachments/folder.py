"""An object store in a folder: a file for each upload, whole or not there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from gateway.attachments.store import is_name, lost, unkept

T = TypeVar("T")

PIECE = 1024 * 1024
"""Bytes that are written, or read, at once: a thread is not worth its change for less."""

_HALF = ".part"


class FolderStore:
    """Files below a folder, in 256 folders by the last two digits of their names.

    What is being written has another name until it is whole and on the disk; then it is renamed, which is one step.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 0  # the folder of 256 that `some_names` looks at next

    async def put(self, name: str, content: AsyncIterator[bytes]) -> None:
        """See `ObjectStore`."""
        path = self._path(name)
        half = path.with_name(f"{name}{_HALF}")
        try:
            file = await _on_thread(_begun, half)
            with file:
                await _written(file, content)
                await _on_thread(_finished, file, half, path)
        except OSError as error:
            raise unkept() from error
        finally:
            # Renamed when it is whole: then there is nothing of this name any more.
            with suppress(OSError):
                half.unlink()

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """See `ObjectStore`."""
        try:
            file = await asyncio.to_thread(self._path(name).open, "rb")
        except OSError as error:
            raise lost(name) from error
        with file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece

    async def delete(self, name: str) -> None:
        """See `ObjectStore`."""
        path = self._path(name)
        for each in (path, path.with_name(f"{name}{_HALF}")):
            await asyncio.to_thread(each.unlink, missing_ok=True)

    async def some_names(self) -> Collection[str]:
        """See `ObjectStore`; one of the 256 folders at a time."""
        shard, self._next = self._folder / f"{self._next:02x}", (self._next + 1) % 256
        return await asyncio.to_thread(_named, shard)

    def _path(self, name: str) -> Path:
        if not is_name(name):
            raise lost(name)
        return self._folder / name[-2:] / name


def _begun(half: Path) -> IO[bytes]:
    half.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)


async def _written(file: IO[bytes], content: AsyncIterator[bytes]) -> None:
    """Write what comes, in pieces of a size worth a thread."""
    waiting = bytearray()
    async for piece in content:
        waiting += piece
        if len(waiting) >= PIECE:
            await _on_thread(_write, file, bytes(waiting))
            waiting.clear()
    await _on_thread(_write, file, bytes(waiting))


async def _on_thread(step: Callable[..., T], *arguments: Any) -> T:
    """Take a step on a thread; who is cancelled meanwhile waits for its end, so that nothing is written afterwards."""
    taken = asyncio.ensure_future(asyncio.to_thread(step, *arguments))
    try:
        return await asyncio.shield(taken)
    except asyncio.CancelledError:
        await asyncio.wait([taken])
        raise


def _write(file: IO[bytes], content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def _finished(file: IO[bytes], half: Path, path: Path) -> None:
    """Bring a file to the disk, and then its name."""
    os.fsync(file.fileno())
    half.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _named(shard: Path) -> Collection[str]:
    try:
        found = {name.removesuffix(_HALF) for name in os.listdir(shard)}
    except FileNotFoundError:
        return ()
    return {name for name in found if is_name(name)}
