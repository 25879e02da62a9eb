"""Takes uploads in, hands them out to whom they concern, and lets go of what nobody names."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

from msgspec import Struct

from gateway.attachments.digests import Digests
from gateway.attachments.store import ObjectStore
from gateway.clock import Clock, Ticks, monotonic, new_id
from gateway.errors import Busy, NotFound
from gateway.ledger.base import Ledger
from gateway.ledger.records import Upload
from schemas.findings import Rejected, Text

_log = logging.getLogger(__name__)

LONGEST = 3600.0
"""Seconds that an upload may take."""

UNKNOWN_FOR = 2 * LONGEST
"""Seconds after which content that the ledger does not know is taken for what a process left that ended meanwhile."""

_AT_ONCE = 100


class Fetched(Struct, frozen=True):
    """An upload, and its content piece by piece."""

    upload: Upload
    content: AsyncIterator[bytes]


class Attachments:
    """The uploads of all platforms: their content in the object store, what is known of them in the ledger.

    Content is kept first, then the ledger told, and forgotten the other way round: so whatever the ledger knows is
    there, however a process ends. What is left of one that ended in between is found by `tidy`.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: ObjectStore,
        clock: Clock,
        *,
        most: int = 16,
        quota: int = 10 << 30,
        unnamed_for: timedelta = timedelta(days=7),
        ticks: Ticks = monotonic,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._clock = clock
        self._ticks = ticks
        self._most = most
        self._quota = quota
        self._unnamed_for = unnamed_for
        self._under_way = 0
        self._unknown: dict[str, float] = {}  # content that the ledger does not know, and since when it is seen

    async def receive(
        self, platform: str, media_type: str, digests: Mapping[str, bytes], content: AsyncIterator[bytes]
    ) -> Upload:
        """Keep content that a platform uploads: durable, and what its digests say, when this returns.

        Raises Busy `attachment.busy` and `attachment.quota` (too much that no document names), Rejected
        `digest.mismatch` and `attachment.slow`, Unavailable `attachment.unkept`; then nothing of it is kept.
        """
        if self._under_way >= self._most:
            raise Busy(_BUSY, code="attachment.busy")
        self._under_way += 1
        try:
            # What is being uploaded meanwhile is not counted: the quota is passed by what goes at once, at most.
            if await self._ledger.unnamed_bytes(platform) >= self._quota:
                raise Busy(_QUOTA, code="attachment.quota")
            return await self._received(platform, media_type, Digests(digests), content)
        finally:
            self._under_way -= 1

    async def _received(
        self, platform: str, media_type: str, digests: Digests, content: AsyncIterator[bytes]
    ) -> Upload:
        at = self._clock()
        name = new_id(at)
        try:
            async with asyncio.timeout(LONGEST):
                await self._store.put(name, _checked(content, digests))
        except TimeoutError:
            raise Rejected("attachment.slow", _SLOW, status=408) from None
        upload = Upload(name, platform, digests.sha256, digests.size, media_type, at)
        await self._ledger.add_upload(upload)
        return upload

    async def fetch(self, upload_id: str, platform: str) -> Fetched:
        """Give an upload to a platform that it concerns: NotFound `attachment.unknown` for any other, as for none."""
        upload = await self._ledger.upload_for(upload_id, platform)
        if upload is None:
            raise unknown(upload_id)
        content = self._store.read(upload.id)
        first = await anext(content, b"")  # what is lost is said before anything is answered
        return Fetched(upload, _together(first, content))

    async def tidy(self) -> None:
        """Let go of uploads that nobody names, and of content that the ledger does not know; a little at a time."""
        for name in await self._ledger.forget_uploads(self._unnamed_for, self._clock(), _AT_ONCE):
            await self._store.delete(name)
        there = list(await self._store.some_names())
        for start in range(0, len(there), _AT_ONCE):
            await self._look_at(there[start : start + _AT_ONCE])

    async def _look_at(self, names: list[str]) -> None:
        known = await self._ledger.known_uploads(names)
        now = self._ticks()
        for name in names:
            if name in known:
                self._unknown.pop(name, None)
            elif now - self._unknown.setdefault(name, now) >= UNKNOWN_FOR:
                # By our own ticks, not by the file's time: no clock that is set takes away what is being uploaded.
                _log.info("content of an upload that the ledger does not know is let go: %s", name)
                await self._store.delete(name)
                del self._unknown[name]


async def _checked(content: AsyncIterator[bytes], digests: Digests) -> AsyncIterator[bytes]:
    """Pass content on; at its end it must be what was stated, else the store keeps nothing of it."""
    async for piece in content:
        digests.take(piece)
        yield piece
    digests.check()


async def _together(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def unknown(upload_id: str) -> NotFound:
    """Say that there is no such upload, for whom it is asked."""
    return NotFound(
        Text(
            f"没有附件 {upload_id}，或本平台未收到引用它的文书",
            f"There is no attachment {upload_id}, or this platform received no document that names it",
        ),
        code="attachment.unknown",
    )


_BUSY = Text("同时上传的附件过多；请稍后重新上传", "Too many attachments are being uploaded; upload it again soon")
_QUOTA = Text(
    "本平台已上传而尚未被任何文书引用的附件过多；请先在文书中引用，或等待其过期清除",
    "This platform has uploaded too much that no document names yet; name it in documents, or wait until it goes",
)
_SLOW = Text(
    "上传时间过长；请检查网络后重新上传",
    "The upload takes too long; check the network, and upload it again",
)
