"""How single values are kept: times as microseconds, JSON as text or bytes, bytes compressed where that pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Any

import orjson
import sqlalchemy as sa
from isal import isal_zlib
from msgspec import Struct

from gateway.ledger.reconciled import Direction
from gateway.ledger.records import ApprovalState
from gateway.ledger.versions import AdapterState
from gateway.message import State

_PLAIN, _DEFLATED, _JOINED = b"\x00", b"\x01", b"\x02"
_SHORTEST = 200
"""Bytes. Shorter content does not get smaller by compression."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Write a moment as microseconds since 1970 in UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """Read a moment."""
    return _EPOCH + timedelta(microseconds=value)


def pack(content: bytes) -> bytes:
    """Compress bytes when that makes them smaller; the first byte tells whether they are compressed."""
    if len(content) < _SHORTEST:
        return _PLAIN + content
    small = isal_zlib.compress(content, 1)
    return _DEFLATED + small if len(small) < len(content) else _PLAIN + content


def unpack(content: bytes) -> bytes:
    """Give back what `pack` was given."""
    return isal_zlib.decompress(memoryview(content)[1:]) if content[:1] == _DEFLATED else content[1:]


def pack_json(value: Any) -> bytes:
    """Pack a JSON value; anything else raises TypeError."""
    return pack(orjson.dumps(value))


def pack_words(value: Any) -> bytes:
    """Pack a JSON value that may quote a native one; a value that JSON does not know is kept as its `str`."""
    return pack(orjson.dumps(value, default=str))


def unpack_json(content: bytes) -> Any:
    """Give back what `pack_json` was given."""
    return orjson.loads(unpack(content))


def joined(parts: Sequence[bytes]) -> bytes:
    """Put packed lists together as one, each with its length before it: none is packed anew."""
    return _JOINED + b"".join(len(part).to_bytes(4) + part for part in parts)


def unpack_list(content: bytes) -> list[Any]:
    """Give back a list that `pack_json` was given, or all those that were joined, as one."""
    if content[:1] != _JOINED:
        found: list[Any] = unpack_json(content)
        return found
    values, start = [], 1
    while start < len(content):
        end = start + 4 + int.from_bytes(content[start : start + 4])
        values.extend(unpack_json(content[start + 4 : end]))
        start = end
    return values


def text(value: Any) -> str:
    """Write a small JSON value as text; a value that JSON does not know is written as its `str`."""
    return orjson.dumps(value, default=str).decode()


def write_words(words: Sequence[str]) -> str:
    """Write words that have no comma, each between two of them, so that one can be looked for."""
    return f",{','.join(words)}," if words else ""


def read_words(written: str) -> tuple[str, ...]:
    """Read words."""
    return tuple(written[1:-1].split(",")) if written else ()


class Codec(Struct, frozen=True):
    """The SQL type of a sort of value, and the functions that write and read one; None: it is kept as it is."""

    type: sa.types.TypeEngine[Any]
    write: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None


def _member_of(words: type[StrEnum]) -> Callable[[str], Any]:
    """Read a word of an enumeration; the enumeration itself takes ten times as long."""
    return {word.value: word for word in words}.__getitem__


TEXT = Codec(sa.Text())
INTEGER = Codec(sa.Integer())
BIG_INTEGER = Codec(sa.BigInteger())
# In SQLite a primary key must be INTEGER to be the row's own key, without an index beside the table.
SEQ = Codec(sa.BigInteger().with_variant(sa.Integer(), "sqlite"))
FLOAT = Codec(sa.Float())
BLOB = Codec(sa.LargeBinary())
FLAG = Codec(sa.Boolean(create_constraint=False), None, bool)
TIME = Codec(sa.BigInteger(), micros, moment)
DAY = Codec(sa.BigInteger(), date.toordinal, date.fromordinal)
WORDS = Codec(sa.Text(), write_words, read_words)
STATE = Codec(sa.Text(), attrgetter("_value_"), _member_of(State))
APPROVAL_STATE = Codec(sa.Text(), attrgetter("_value_"), _member_of(ApprovalState))
DIRECTION = Codec(sa.Text(), attrgetter("_value_"), _member_of(Direction))
ADAPTER_STATE = Codec(sa.Text(), attrgetter("_value_"), _member_of(AdapterState))
JSON_OBJECT = Codec(sa.Text(), lambda value: text(dict(value)), orjson.loads)
JSON_LIST = Codec(sa.Text(), text, lambda value: tuple(orjson.loads(value)))
PACKED = Codec(sa.LargeBinary(), pack, unpack)
PACKED_JSON = Codec(sa.LargeBinary(), pack_json, unpack_json)
PACKED_WORDS = Codec(sa.LargeBinary(), pack_words, unpack_json)
