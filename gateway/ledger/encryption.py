"""Encryption at rest: ciphers, data keys, and what wraps a data key. Nothing here knows a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from secrets import token_bytes
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from gateway.errors import HutongError
from gateway.settings import AES, SM4
from schemas.findings import Text

KEY_BYTES: Mapping[str, int] = {AES: 32, SM4: 16}
"""The ciphers, and how long a key of each is."""

_NONCE, _TAG = 12, 16


class Undecipherable(Exception):
    """It was not encrypted so: with another key, for another place, or it was changed."""


class GcmKey:
    """A key of one cipher in GCM: what is encrypted has its nonce before it and its tag behind it.

    A nonce is random: one key may encrypt some 2³² values. Any thread may use it.
    """

    def __init__(self, cipher: str, key: bytes) -> None:
        if len(key) != KEY_BYTES[cipher]:
            raise ValueError(f"a key of {cipher} has {KEY_BYTES[cipher]} bytes, not {len(key)}")
        self._key = key
        self._aes = AESGCM(key) if cipher == AES else None

    def encrypt(self, value: bytes, bound_to: bytes) -> bytes:
        """Encrypt a value that is decrypted only where `bound_to` is said again."""
        nonce = token_bytes(_NONCE)
        if self._aes is not None:
            return nonce + self._aes.encrypt(nonce, value, bound_to)
        encryptor = Cipher(algorithms.SM4(self._key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(bound_to)
        return nonce + encryptor.update(value) + encryptor.finalize() + encryptor.tag

    def decrypt(self, encrypted: bytes, bound_to: bytes) -> bytes:
        """Give back what was encrypted; Undecipherable."""
        if len(encrypted) < _NONCE + _TAG:
            raise Undecipherable
        nonce, rest = encrypted[:_NONCE], encrypted[_NONCE:]
        try:
            if self._aes is not None:
                return self._aes.decrypt(nonce, rest, bound_to)
            decryptor = Cipher(algorithms.SM4(self._key), modes.GCM(nonce, rest[-_TAG:])).decryptor()
            decryptor.authenticate_additional_data(bound_to)
            return decryptor.update(rest[:-_TAG]) + decryptor.finalize()
        except InvalidTag:
            raise Undecipherable from None


class WrappingKey(Protocol):
    """What data keys are wrapped with: a key that is here, or one that somebody else keeps.

    `id` names the key that wraps now. What cannot be done because its keeper does not answer is Unavailable.
    """

    @property
    def id(self) -> str:
        """Name the key, without telling anything of it."""
        ...

    def wrap(self, key: bytes, bound_to: bytes) -> bytes:
        """Wrap a data key."""
        ...

    def unwrap(self, wrapped: bytes, key_id: str, bound_to: bytes) -> bytes:
        """Give back a data key that was wrapped under the id `key_id`; Undecipherable where this is not the key."""
        ...


class WrappingKeys(Struct, frozen=True):
    """The key that wraps now, those before it that still unwrap, and the cipher of new data keys."""

    current: WrappingKey
    older: Sequence[WrappingKey] = ()
    cipher: str = AES

    def unwrap(self, wrapped: bytes, key_id: str, bound_to: bytes) -> bytes:
        """Unwrap with whichever key does; Undecipherable where none does."""
        for each in (self.current, *self.older):
            try:
                return each.unwrap(wrapped, key_id, bound_to)
            except Undecipherable:
                continue
        raise Undecipherable


class DataKey(Struct, frozen=True):
    """A key that values are encrypted with, as the ledger keeps it: wrapped.

    `made_under` is the wrapping key for which it was made, `key_id` the one that it is wrapped with now. `reached`:
    up to which delivery its request was looked at under it, `until`: which was the last when it was made.
    """

    id: str
    cipher: str
    made_under: str
    key_id: str
    wrapped: bytes
    at: int
    reached: int = 0
    until: int = 0

    @property
    def bound_to(self) -> bytes:
        """What the wrapping is bound to."""
        return f"hutong data key {self.id} {self.cipher}".encode()


# ── what is said where it fails ───────────────────────────────────────────────────────────────
def key_missing() -> HutongError:
    """Say that the ledger has encrypted values, and that no key is set."""
    return HutongError(
        Text(
            "账本中的密钥类数据已加密，但没有设置 HUTONG_ENCRYPTION_KEY；请设置加密时所用的主密钥后再启动。",
            "Secrets in this ledger are encrypted, and HUTONG_ENCRYPTION_KEY is not set; set the key that they were "
            "encrypted under, then start again.",
        ),
        code="ledger.key-missing",
    )


def key_wrong(data_key: DataKey) -> HutongError:
    """Say that no key that is set opens a data key."""
    return HutongError(
        Text(
            f"所设主密钥打不开账本的数据密钥 {data_key.id}（由主密钥 {data_key.key_id} 加密）；"
            "请把该主密钥设为 HUTONG_ENCRYPTION_KEY，或在更换主密钥后列入 HUTONG_ENCRYPTION_OLD_KEYS。",
            f"No key that is set opens the data key {data_key.id} of this ledger, which was wrapped under the key "
            f"{data_key.key_id}; set that one as HUTONG_ENCRYPTION_KEY, or, where it was replaced, among "
            "HUTONG_ENCRYPTION_OLD_KEYS.",
        ),
        code="ledger.key-wrong",
    )


def undecipherable(place: str, row: object) -> HutongError:
    """Say that a value is not what was encrypted there."""
    return HutongError(
        Text(
            f"账本 {place} 中 {row} 行的密文不属于此处，或已被改动；请从备份恢复该行，或重新登记。",
            f"The encrypted value of {place} in the row {row} does not belong there, or was changed; bring the row "
            "back from a backup, or register anew what it was about.",
        ),
        code="ledger.undecipherable",
    )
