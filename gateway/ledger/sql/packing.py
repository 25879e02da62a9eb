"""Bytes at rest: compressed when that makes them smaller."""

from __future__ import annotations

import zlib
from typing import Any

import orjson

_PLAIN, _DEFLATED = b"\x00", b"\x01"
_WORTH = 200


def pack(content: bytes) -> bytes:
    """Make bytes smaller where it pays; the first byte tells how."""
    if len(content) < _WORTH:
        return _PLAIN + content
    small = zlib.compress(content, 1)
    return _DEFLATED + small if len(small) < len(content) else _PLAIN + content


def unpack(content: bytes) -> bytes:
    """Give back what `pack` was given."""
    return zlib.decompress(memoryview(content)[1:]) if content[:1] == _DEFLATED else content[1:]


def pack_json(value: Any) -> bytes:
    """Pack a JSON value; anything else raises TypeError."""
    return pack(orjson.dumps(value))


def pack_words(value: Any) -> bytes:
    """Pack a JSON value that may quote a native one; what JSON does not know is kept as its words."""
    return pack(orjson.dumps(value, default=str))


def unpack_json(content: bytes) -> Any:
    """Give back what `pack_json` was given."""
    return orjson.loads(unpack(content))


def text(value: Any) -> str:
    """Write a small JSON value as text; what JSON does not know is written as its words."""
    return orjson.dumps(value, default=str).decode()
