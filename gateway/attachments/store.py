"""What keeps the content of uploads: an object store, beside the ledger."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection
from typing import Protocol

from gateway.errors import Unavailable
from schemas.findings import Text

_NAME = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class ObjectStore(Protocol):
    """Keeps content under names of ours. It may be shared by several processes; each name is written once."""

    async def put(self, name: str, content: AsyncIterator[bytes]) -> None:
        """Keep content piece by piece; durable when this returns, and never in memory as a whole.

        All or nothing: whatever ends it early, an exception of `content` or being cancelled included, leaves nothing
        under the name. Raises Unavailable `attachment.unkept` when it cannot be written.
        """
        ...

    def read(self, name: str) -> AsyncIterator[bytes]:
        """Give content piece by piece; Unavailable `attachment.lost` when it is not there."""
        ...

    async def delete(self, name: str) -> None:
        """Let content go, also what is half-written; one that is not there is no error."""
        ...

    async def some_names(self) -> Collection[str]:
        """Name some of what is there, half-written content too: by and by all of it, over and over again."""
        ...


def is_name(name: str) -> bool:
    """Tell whether a name is one of ours; no other reaches a store."""
    return _NAME.fullmatch(name) is not None


def unkept() -> Unavailable:
    """Say that content cannot be written."""
    detail = Text(
        "附件无法写入存储（已满、不可写或无法连接）；请稍后重新上传",
        "The attachment cannot be written: its store is full, not writable or not to be reached; upload it again later",
    )
    return Unavailable(detail, code="attachment.unkept")


def lost(name: str) -> Unavailable:
    """Say that content cannot be read."""
    detail = Text(
        f"附件 {name} 的内容无法从存储中读出；请联系网关运维人员核对 HUTONG_ATTACHMENTS",
        f"The content of the attachment {name} cannot be read from its store; check HUTONG_ATTACHMENTS",
    )
    return Unavailable(detail, code="attachment.lost")
