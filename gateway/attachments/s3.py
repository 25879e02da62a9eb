"""An object store in a bucket of S3, or of what speaks like it (MinIO, Ceph, the clouds' own)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from gateway.attachments.store import is_name, lost, unkept

S3 = "s3://"
"""What the address of a bucket begins with."""

PART = 5 * 1024 * 1024
"""Bytes of a part, the least that S3 takes; of an upload at most two of them are in memory."""

_PATIENCE = timedelta(seconds=30)
"""For how long a request is repeated before an upload or a download fails."""


class S3Store:
    """Objects below a prefix of one bucket; address, region and keys are the AWS_… variables of the environment.

    An object is there when its last part was confirmed. What breaks off leaves no object, but it may leave parts,
    which S3 never shows: a lifecycle rule of the bucket (AbortIncompleteMultipartUpload) takes them away.
    """

    def __init__(self, address: str) -> None:
        """Take an address like s3://bucket/prefix."""
        place = urlsplit(address)
        self._bucket = Bucket(
            place.netloc,
            prefix=place.path.strip("/") or None,
            retry_config={"max_retries": 3, "retry_timeout": _PATIENCE},
        )
        self._listing = self._listed()

    async def put(self, name: str, content: AsyncIterator[bytes]) -> None:
        """See `ObjectStore`."""
        if not is_name(name):
            raise lost(name)
        try:
            # Cancelled, or broken off by `content`, it is ended before its last part, and so there is nothing.
            await obstore.put_async(self._bucket, name, content, use_multipart=True, chunk_size=PART, max_concurrency=1)
        except (BaseError, OSError) as error:
            raise unkept() from error

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """See `ObjectStore`."""
        if not is_name(name):
            raise lost(name)
        try:
            found = await obstore.get_async(self._bucket, name)
            async for piece in found.stream():
                yield bytes(piece)
        except (BaseError, OSError) as error:
            raise lost(name) from error

    async def delete(self, name: str) -> None:
        """See `ObjectStore`."""
        if is_name(name):
            await obstore.delete_async(self._bucket, name)

    async def some_names(self) -> Collection[str]:
        """See `ObjectStore`; a page of the listing at a time."""
        try:
            return await anext(self._listing)
        except StopAsyncIteration:
            self._listing = self._listed()
            return ()

    async def _listed(self) -> AsyncIterator[Collection[str]]:
        async for page in obstore.list(self._bucket, chunk_size=1000):
            yield {name for each in page if is_name(name := each["path"].rpartition("/")[2])}
