"""The keys that data keys are wrapped with: from the settings, from a file, or with somebody else who wraps for us."""

from __future__ import annotations

import binascii
import re
import shlex
import stat
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from gateway.errors import HutongError, Unavailable
from gateway.ledger.encryption import KEY_BYTES, GcmKey, Undecipherable, WrappingKey, WrappingKeys
from gateway.settings import AES, SM4
from schemas.findings import Text

KEY, OLD_KEYS = "HUTONG_ENCRYPTION_KEY", "HUTONG_ENCRYPTION_OLD_KEYS"

FILE, COMMAND = "file:", "command:"

PATIENCE = 30.0
"""Seconds that a command may take."""

_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{64}")
_ID = re.compile(r"[\w.:/@+=-]{1,200}")


class LocalKey:
    """A key that this process has: 32 bytes for AES-256, 16 for SM4."""

    def __init__(self, secret: bytes) -> None:
        self._key = GcmKey(AES if len(secret) == KEY_BYTES[AES] else SM4, secret)
        self.id = sha256(b"hutong wrapping key\n" + secret).hexdigest()[:16]

    def wrap(self, key: bytes, bound_to: bytes) -> bytes:
        return self._key.encrypt(key, bound_to)

    def unwrap(self, wrapped: bytes, key_id: str, bound_to: bytes) -> bytes:
        if key_id != self.id:
            raise Undecipherable
        return self._key.decrypt(wrapped, bound_to)


class KeyCommand:
    """A key that somebody else keeps, such as a KMS or an HSM, asked by a command.

    `COMMAND id` prints the id of the key that wraps now, `COMMAND wrap` and `COMMAND unwrap ID` read Base64 from their
    input and print Base64; any other end than 0 is a refusal. An older key is unwrapped by the id it was wrapped under.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)

    @cached_property
    def id(self) -> str:
        """Ask for the id, once."""
        found = self._run("id")
        if not _ID.fullmatch(found):
            raise self._unavailable("id", "printed no id")
        return found

    def wrap(self, key: bytes, bound_to: bytes) -> bytes:
        return self._asked(key, "wrap")

    def unwrap(self, wrapped: bytes, key_id: str, bound_to: bytes) -> bytes:
        try:
            return self._asked(wrapped, "unwrap", key_id)
        except _Refused:
            raise Undecipherable from None

    def _asked(self, value: bytes, *arguments: str) -> bytes:
        try:
            return b64decode(self._run(*arguments, given=b64encode(value).decode()), validate=True)
        except binascii.Error:
            raise self._unavailable(arguments[0], "printed no Base64") from None

    def _run(self, *arguments: str, given: str = "") -> str:
        try:
            ended = subprocess.run(
                [*self._command, *arguments],
                input=given,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._unavailable(arguments[0], type(error).__name__) from None
        if ended.returncode:
            # Its output may have anything in it, keys too: it is not repeated.
            raise self._refused(arguments[0], f"ended with {ended.returncode}")
        return ended.stdout.strip()

    def _unavailable(self, asked: str, why: str) -> Unavailable:
        return Unavailable(self._told(asked, why), code="key.unavailable")

    def _refused(self, asked: str, why: str) -> _Refused:
        return _Refused(self._told(asked, why), code="key.unavailable")

    def _told(self, asked: str, why: str) -> Text:
        name = self._command[0]
        return Text(
            f"密钥命令 {name} {asked} 未能完成（{why}）；请手工运行它查明原因。",
            f"The key command {name} {asked} did not do it ({why}); run it by hand to see why.",
        )


class _Refused(Unavailable):
    """The command ended, and said no."""


def wrapping_keys(current: str, older: str, cipher: str) -> WrappingKeys | None:
    """Read the keys of the settings; None where none is set. HutongError `key.unusable` says which setting, and why."""
    if not current:
        if older:
            raise _unusable(OLD_KEYS, "须与 HUTONG_ENCRYPTION_KEY 一起设置", "needs HUTONG_ENCRYPTION_KEY beside it")
        return None
    said = [one for one in (each.strip() for each in older.split(",")) if one]
    return WrappingKeys(_key(current.strip(), KEY), tuple(_key(one, OLD_KEYS) for one in said), cipher)


def _key(said: str, setting: str) -> WrappingKey:
    if said.startswith(COMMAND):
        if not (command := shlex.split(said.removeprefix(COMMAND))):
            raise _unusable(setting, "没有写明命令", "names no command")
        return KeyCommand(command)
    return _local(_of_file(said, setting) if said.startswith(FILE) else said, setting)


def _of_file(said: str, setting: str) -> str:
    file = Path(said.removeprefix(FILE)).expanduser()
    try:
        mode, kept = file.stat().st_mode, file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = type(error).__name__
        raise _unusable(setting, f"读不到 {file}（{why}）", f"{file} cannot be read ({why})") from None
    if mode & _OTHERS_MAY:
        raise _unusable(
            setting,
            f"其他用户也能使用 {file}；请执行 chmod 600 {file}",
            f"others than its owner may use {file}; chmod 600 {file}",
        )
    return kept


def _local(said: str, setting: str) -> LocalKey:
    try:
        return LocalKey(bytes.fromhex(said) if _HEXADECIMAL.fullmatch(said) else b64decode(said, validate=True))
    except ValueError:
        raise _unusable(
            setting,
            "不是可用的主密钥：应为 Base64 书写的 32 字节（AES-256）或 16 字节（SM4）；openssl rand -base64 32 可生成",
            "no key, which is 32 bytes (AES-256) or 16 (SM4) in Base64; `openssl rand -base64 32` makes one",
        ) from None


def _unusable(setting: str, zh: str, en: str) -> HutongError:
    """Say why a setting names no key; never what stands there."""
    return HutongError(Text(f"{setting}：{zh}", f"{setting}: {en}"), code="key.unusable")
