"""Which values of a ledger are encrypted, and with what: its data keys, opened once and kept in memory."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator
from secrets import token_bytes, token_hex
from threading import Lock
from typing import TypeVar

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from gateway.ledger.encryption import (
    KEY_BYTES,
    DataKey,
    GcmKey,
    Undecipherable,
    WrappingKeys,
    key_missing,
    key_wrong,
    undecipherable,
)
from gateway.ledger.sql import tables
from gateway.ledger.sql.engines.base import LedgerEngine
from gateway.ledger.sql.statements import Prepared, inserting
from gateway.ledger.sql.tables import DATA_KEY

V = TypeVar("V", str, bytes)

TEXT_MARK = "enc:"
"""How an encrypted text begins: then the id of its data key, a colon, and Base64. JSON and keys never begin so."""

_BYTES_MARK = b"\x03"
"""How encrypted bytes begin: then the id of their data key (8 bytes). See `codecs.pack` for the others."""

_ID = 8
"""Bytes of a data key's id."""

_k = tables.data_keys.c
_ALL = Prepared(sa.select(*DATA_KEY.select(tables.data_keys)).order_by(_k.seq), ())
_ONE = Prepared(sa.select(*DATA_KEY.select(tables.data_keys)).where(_k.id == sa.bindparam("id")), ("id",))
_ADD = inserting(tables.data_keys, DATA_KEY.inserted)
_REWRAP = Prepared(
    sa.update(tables.data_keys)
    .where(_k.id == sa.bindparam("id_"))
    .values(key_id=sa.bindparam("key_id"), wrapped=sa.bindparam("wrapped")),
    ("key_id", "wrapped", "id_"),
)
_LAST = Prepared(sa.select(sa.func.coalesce(sa.func.max(tables.requests.c.delivery), 0)), ())


def data_keys(connection: sa.Connection) -> list[DataKey]:
    """Give every data key, the newest last."""
    return [DATA_KEY.read(row) for row in _ALL.rows(connection)]


class Encryption:
    """The encryption of one ledger. Without wrapping keys it keeps everything in clear, and reads nothing encrypted."""

    def __init__(self, keys: WrappingKeys | None = None) -> None:
        self._keys = keys
        self._opened: dict[str, GcmKey] = {}
        self._opening = Lock()
        self.current: str | None = None
        """The id of the data key that encrypts."""

    # ── at the start ──────────────────────────────────────────────────────────────────────────
    def open(self, engine: LedgerEngine, at: int) -> None:
        """Open every data key of a ledger, make one where the wrapping key is new, and wrap the others with it.

        So a wrapping key that was replaced is needed for one start more. HutongError `ledger.key-missing`,
        `ledger.key-wrong`.
        """
        self.be_used_by(engine.writing)
        self.be_used_by(engine.reading)
        with engine.reading.begin() as connection:
            found = data_keys(connection)
        if self._keys is None:
            if found:
                raise key_missing()
            return
        with engine.writing.begin() as connection:
            engine.begin(connection, None, 0)
            self._settle(connection, self._keys, at)

    def be_used_by(self, engine: sa.Engine) -> None:
        """Have connections of an engine encrypt and decrypt."""
        engine.update_execution_options(encryption=self)

    def _settle(self, connection: sa.Connection, keys: WrappingKeys, at: int) -> None:
        found = data_keys(connection)
        for each in found:
            opened = self._open(each)
            if each.key_id != keys.current.id:
                wrapped = keys.current.wrap(opened, each.bound_to)
                _REWRAP.run(connection, [(keys.current.id, wrapped, each.id)])
        newest = found[-1] if found else None
        if newest is None or (newest.made_under, newest.cipher) != (keys.current.id, keys.cipher):
            newest = self._made(connection, keys, at)
        self.current = newest.id

    def _made(self, connection: sa.Connection, keys: WrappingKeys, at: int) -> DataKey:
        key = token_bytes(KEY_BYTES[keys.cipher])
        [(last,)] = _LAST.rows(connection)
        made = DataKey(token_hex(_ID), keys.cipher, keys.current.id, keys.current.id, b"", at, 0, int(last))
        made = replace(made, wrapped=keys.current.wrap(key, made.bound_to))
        _ADD.run(connection, [DATA_KEY.write(made)])
        self._opened[made.id] = GcmKey(made.cipher, key)
        return made

    def _open(self, data_key: DataKey) -> bytes:
        if self._keys is None:
            raise key_missing()
        try:
            key = self._keys.unwrap(data_key.wrapped, data_key.key_id, data_key.bound_to)
            self._opened[data_key.id] = GcmKey(data_key.cipher, key)
        except (Undecipherable, ValueError, KeyError):
            raise key_wrong(data_key) from None
        return key

    # ── values ────────────────────────────────────────────────────────────────────────────────
    def encrypt(self, value: V, place: str, row: object) -> V:
        """Encrypt a value for its place (`table.column`) in a row; in clear where nothing is set, or it is empty."""
        if self.current is None or not value:
            return value
        key, bound_to = self._opened[self.current], _bound_to(self.current, place, row)
        if isinstance(value, str):
            encrypted = b64encode(key.encrypt(value.encode(), bound_to)).decode()
            return f"{TEXT_MARK}{self.current}:{encrypted}"
        return _BYTES_MARK + bytes.fromhex(self.current) + key.encrypt(value, bound_to)

    def decrypt(self, connection: sa.Connection, value: V, place: str, row: object) -> V:
        """Decrypt a value of a place in a row, if it is encrypted; HutongError `ledger.undecipherable`, or as `open`.

        A data key that is not open yet, because another process made it say, is looked up in the ledger.
        """
        parts = _parts(value)
        if parts is None:
            return value
        id, encrypted = parts
        try:
            key = self._opened.get(id) or self._looked_up(connection, id)
            clear = key.decrypt(encrypted, _bound_to(id, place, row))
        except Undecipherable:
            raise undecipherable(place, row) from None
        return clear.decode() if isinstance(value, str) else clear

    def _looked_up(self, connection: sa.Connection, id: str) -> GcmKey:
        with self._opening:
            row = _ONE.row(connection, id)
            if row is None:
                raise Undecipherable
            self._open(DATA_KEY.read(row))
            return self._opened[id]


def is_under(value: str, id: str) -> bool:
    """Tell whether a text is encrypted with a data key; an empty one needs none."""
    return not value or value.startswith(f"{TEXT_MARK}{id}:")


def _parts(value: str | bytes) -> tuple[str, bytes] | None:
    """Give the data key's id and what is encrypted with it; None: the value is in clear."""
    if isinstance(value, str):
        if not value.startswith(TEXT_MARK):
            return None
        id, _, encrypted = value[len(TEXT_MARK) :].partition(":")
        try:
            return id, b64decode(encrypted, validate=True)
        except binascii.Error:
            return id, b""  # too short for anything: it was changed
    if value[:1] != _BYTES_MARK:
        return None
    return value[1 : 1 + _ID].hex(), value[1 + _ID :]


def _bound_to(id: str, place: str, row: object) -> bytes:
    return f"hutong {id}\n{place}\n{row}".encode()


# ── where rows are written and read ───────────────────────────────────────────────────────────
class AtRest(Struct, frozen=True):
    """How values of a connection's ledger are kept: see `Layout`."""

    connection: sa.Connection
    encryption: Encryption

    def write(self, place: str, row: object, value: V) -> V:
        """Encrypt a value for its place."""
        return self.encryption.encrypt(value, place, row)

    def read(self, place: str, row: object, value: V) -> V:
        """Decrypt a value of its place."""
        return self.encryption.decrypt(self.connection, value, place, row)


def at_rest(connection: sa.Connection) -> AtRest:
    """Tell how values are kept where a connection leads; a connection of no ledger reads what is in clear."""
    return AtRest(connection, connection.get_execution_options().get("encryption") or _CLEAR)


_CLEAR = Encryption()


def encrypted_tables() -> Iterator[tuple[sa.Table, sa.Column[str], tuple[sa.Column[str], ...]]]:
    """Give the tables with encrypted columns but `requests`: few rows, each with the key it is bound to."""
    yield tables.platforms, tables.platforms.c.id, (tables.platforms.c.settings,)
    yield tables.credentials, tables.credentials.c.digest, (tables.credentials.c.secret,)
    yield tables.approvals, tables.approvals.c.id, (tables.approvals.c.order,)
