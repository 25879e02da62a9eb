"""Undo how a reply was compressed, piece by piece within a bound; what only says so is taken as it is."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

ASKED = "gzip, deflate"
"""What we ask platforms for (Accept-Encoding)."""

_DEFLATED = 8


def _is_gzip(begin: bytes) -> bool:
    return begin[:2] == b"\x1f\x8b"


def _is_zlib(begin: bytes) -> bool:
    return len(begin) > 1 and begin[0] & 0x0F == _DEFLATED and int.from_bytes(begin[:2]) % 31 == 0


_CODINGS: Mapping[str, tuple[tuple[Callable[[bytes], bool], int], ...]] = {
    "gzip": ((_is_gzip, 31),),
    "x-gzip": ((_is_gzip, 31),),
    "deflate": ((_is_zlib, 15), (_is_gzip, 31), (lambda begin: begin[:1] not in b'{[<"\xef', -15)),
}
"""How bodies that say a coding may begin, and zlib's window for each; one that begins otherwise is not compressed."""


class Decoder:
    """Takes a reply's pieces as they arrive, and gives at most `limit` bytes of them altogether."""

    def __init__(self, coding: str, limit: int) -> None:
        self._known = _CODINGS.get(coding.strip().lower(), ())
        self._left = limit
        self._stream: Any = None
        self._begin = b""
        self._begun = not self._known

    @property
    def full(self) -> bool:
        """Whether nothing more is taken."""
        return self._left <= 0

    def take(self, piece: bytes) -> bytes:
        """Give what a piece becomes; zlib.error when it is no compressed stream after all."""
        if self._begun:
            return self._made(piece)
        self._begin += piece
        return self._started() if len(self._begin) > 1 else b""

    def end(self) -> bytes:
        """Give what was kept back until the beginning could be told; zlib.error when a stream is not at its end."""
        made = b"" if self._begun else self._started()
        if self._stream is not None and not self._stream.eof and not self.full:
            raise zlib.error("the compressed reply ends before its end")
        return made

    def _started(self) -> bytes:
        begin, self._begin, self._begun = self._begin, b"", True
        window = next((window for fits, window in self._known if begin and fits(begin)), None)
        self._stream = None if window is None else zlib.decompressobj(window)
        return self._made(begin)

    def _made(self, piece: bytes) -> bytes:
        if self._stream is not None:
            # What stands behind the end of a stream means nothing; zlib would gather it without a bound.
            piece = b"" if self._stream.eof else self._stream.decompress(piece, max(1, self._left))
        made = piece[: self._left]
        self._left -= len(made)
        return made
