"""Bodies that were compressed on their way (Content-Encoding): decompressed piece by piece, within the byte bound."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from schemas.findings import Rejected, Text

ACCEPTED = "gzip, deflate"
"""The codings that are taken; others are answered 415 with these as `Accept-Encoding`."""

_PIECE = 256 * 1024
"""Bytes that are decompressed before everybody else has a turn."""

_WINDOW: Mapping[str, int] = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_RAW = -15

_DEFLATED = 8


def coding_of(scope: MutableMapping[str, Any]) -> str | None:
    """Give the coding of a request's body, None when it is as it is; Rejected (415) for one that is not taken."""
    values = [value for name, value in scope["headers"] if name == b"content-encoding"]
    if not values:
        return None
    said = b",".join(values).decode("latin-1")
    codings = [one for part in said.split(",") if (one := part.strip().lower()) not in ("", "identity")]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in _WINDOW:
        raise _unsupported()
    return codings[0]


class Inflate:
    """Decompresses one body, up to `limit` bytes: `too_large` is raised as soon as there are more.

    However small what arrives, no more than the limit ever comes of it. `share`: the limit grows by so
    many bytes with each byte that arrives, for bodies of any length.
    """

    def __init__(self, coding: str, limit: int, too_large: Rejected, *, share: int = 0) -> None:
        self._coding = coding
        self._left = limit
        self._share = share
        self._too_large = too_large
        self._stream: Any = None
        self._begin = b""

    async def __call__(self, arrived: bytes, *, last: bool) -> bytes:
        """Decompress what arrived; Rejected (400) when that is broken, or when it was the last and not the end."""
        made = bytearray()
        for piece in self.pieces(arrived, last=last):
            made += piece
            await asyncio.sleep(0)
        return bytes(made)

    def pieces(self, arrived: bytes, *, last: bool) -> Iterator[bytes]:
        """Decompress what arrived piece by piece; raises as the call does."""
        self._left += self._share * len(arrived)
        if self._stream is None:
            self._begin += arrived
            if len(self._begin) < 2 and not last:
                return
            self._stream, arrived = zlib.decompressobj(_window(self._coding, self._begin)), self._begin
        while arrived:
            if self._stream.eof:
                raise _broken()  # something stands behind the end
            try:
                piece = self._stream.decompress(arrived, min(_PIECE, self._left + 1))
            except zlib.error:
                raise _broken() from None
            self._left -= len(piece)
            if self._left < 0:
                raise self._too_large
            arrived = self._stream.unconsumed_tail or self._stream.unused_data
            yield piece
        if last and not self._stream.eof:
            raise _broken()


def _window(coding: str, begin: bytes) -> int:
    """Tell how it was compressed; `deflate` is sent with and without the frame that belongs to it."""
    framed = len(begin) > 1 and begin[0] & 0x0F == _DEFLATED and int.from_bytes(begin[:2]) % 31 == 0
    return _RAW if coding == "deflate" and not framed else _WINDOW[coding]


def _unsupported() -> Rejected:
    return Rejected(
        "encoding.unsupported",
        Text(
            f"请求体的 Content-Encoding 不受支持；可用：{ACCEPTED}，或不压缩",
            f"The Content-Encoding is not taken; use one of {ACCEPTED}, or none",
        ),
        status=415,
    )


def _broken() -> Rejected:
    return Rejected(
        "encoding.broken",
        Text(
            "请求体不是完整的压缩数据；请检查 Content-Encoding 与压缩方式后重发",
            "The body is no complete compressed stream; check Content-Encoding and how it is compressed",
        ),
        status=400,
    )
