"""The keys that data keys are wrapped with, from everywhere they may come from."""

from __future__ import annotations

import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from gateway.access import wrapping_keys
from gateway.errors import HutongError, Unavailable
from gateway.ledger.encryption import GcmKey, Undecipherable
from gateway.settings import AES, SM4

KEY = bytes(range(32))
KMS = """
import base64, sys
# A keeper of two keys: it wraps by turning bytes around, and marks what it wrapped with the key's letter.
asked, now = sys.argv[2:], open(sys.argv[1]).read().strip()
given = base64.b64decode(sys.stdin.read())
if asked[0] == "id":
    print("key/" + now)
elif asked[0] == "wrap":
    print(base64.b64encode(now.encode() + given[::-1]).decode())
elif given[:1] == asked[1].removeprefix("key/").encode():
    print(base64.b64encode(given[1:][::-1]).decode())
else:
    sys.exit(3)
"""


def written(tmp_path: Path, text: str, mode: int = 0o600) -> str:
    """A file of a key, as a setting names it."""
    file = tmp_path / "key"
    file.write_text(text)
    file.chmod(mode)
    return f"file:{file}"


@pytest.fixture
def command(tmp_path: Path) -> str:
    """A command that keeps keys, as a setting names it; which one wraps is the letter in `letter`."""
    (tmp_path / "letter").write_text("A")
    (tmp_path / "kms.py").write_text(KMS)
    return f"command:{sys.executable} {tmp_path / 'kms.py'} {tmp_path / 'letter'}"


@pytest.mark.parametrize("said", [KEY.hex(), b64encode(KEY).decode(), b64encode(KEY[:16]).decode()])
def test_a_key_is_read_from_the_setting_or_a_file(tmp_path: Path, said: str) -> None:
    """In Base64 or hexadecimal digits; the id is the same wherever it stands, and tells nothing of it."""
    keys, kept = wrapping_keys(said, "", AES), wrapping_keys(written(tmp_path, said + "\n"), "", AES)
    assert keys
    assert kept
    assert keys.current.id == kept.current.id
    assert said[:8] not in keys.current.id
    wrapped = keys.current.wrap(b"data key", b"its id")
    assert b"data key" not in wrapped
    assert kept.unwrap(wrapped, kept.current.id, b"its id") == b"data key"


def test_no_key_is_none() -> None:
    """Then nothing is encrypted."""
    assert wrapping_keys("", "", AES) is None


@pytest.mark.parametrize("said", ["short", "x" * 44, b64encode(b"x" * 31).decode(), "command:", "file:/nowhere/key"])
def test_what_is_no_key_is_said_and_never_repeated(said: str) -> None:
    """The error names the setting and what to do."""
    with pytest.raises(HutongError) as error:
        wrapping_keys(said, "", AES)
    assert error.value.code == "key.unusable"
    assert "HUTONG_ENCRYPTION_KEY" in error.value.detail.en
    assert "xxx" not in error.value.detail.en + error.value.detail.zh


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    """Readable or writable by a group or by all."""
    with pytest.raises(HutongError) as error:
        wrapping_keys(written(tmp_path, KEY.hex(), mode), "", AES)
    assert "chmod 600" in error.value.detail.en


def test_older_keys_need_a_newer_one() -> None:
    """Alone they would encrypt nothing."""
    with pytest.raises(HutongError) as error:
        wrapping_keys("", KEY.hex(), AES)
    assert error.value.code == "key.unusable"


def test_older_keys_unwrap() -> None:
    """Each what it wrapped; what none wrapped is refused."""
    first, second = KEY.hex(), KEY[::-1].hex()
    before, after = wrapping_keys(first, "", AES), wrapping_keys(second, f"{'44' * 32}, {first}", SM4)
    assert before
    assert after
    wrapped = before.current.wrap(b"data key", b"1")
    assert after.unwrap(wrapped, before.current.id, b"1") == b"data key"
    for said, bound_to in ((wrapped, b"2"), (wrapped[:-1], b"1"), (b"", b"1")):
        with pytest.raises(Undecipherable):
            after.unwrap(said, before.current.id, bound_to)


def test_a_command_keeps_the_key(command: str, tmp_path: Path) -> None:
    """It wraps and unwraps; a key that it replaced still unwraps what it wrapped, without another setting."""
    first = wrapping_keys(command, "", AES)
    assert first
    assert first.current.id == "key/A"
    wrapped = first.current.wrap(KEY, b"")
    assert KEY not in wrapped
    (tmp_path / "letter").write_text("B")
    second = wrapping_keys(command, "", AES)
    assert second
    assert second.current.id == "key/B"
    assert second.unwrap(wrapped, "key/A", b"") == KEY
    with pytest.raises(Undecipherable):
        second.unwrap(wrapped, "key/B", b"")


@pytest.mark.parametrize("program", ["/nowhere/kms", "false", "echo not/Base64!", "printf ''"])
def test_a_command_that_does_not_do_it_is_told(program: str) -> None:
    """Whether it is not there, refuses, or prints something else: with its name, to be run by hand."""
    keys = wrapping_keys(f"command:{program}", "", AES)
    assert keys
    with pytest.raises(Unavailable) as error:
        keys.current.wrap(KEY, keys.current.id.encode())
    assert error.value.code == "key.unavailable"
    assert program.split()[0] in error.value.detail.en


VECTOR: dict[str, Any] = {  # RFC 8998, appendix A.1: SM4-GCM
    "key": "0123456789abcdeffedcba9876543210",
    "nonce": "00001234567800000000abcd",
    "bound_to": "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "clear": "".join(digit * 16 for digit in "abcdefea"),
    "encrypted": "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
    "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
    "tag": "83de3541e4c2b58177e065a9bf7b62ec",
}


def test_sm4_gcm_is_as_published() -> None:
    """What the published vector encrypts is decrypted; one bit of it changed is not."""
    said = {name: bytes.fromhex(value) for name, value in VECTOR.items()}
    key = GcmKey(SM4, said["key"])
    whole = said["nonce"] + said["encrypted"] + said["tag"]
    assert key.decrypt(whole, said["bound_to"]) == said["clear"]
    with pytest.raises(Undecipherable):
        key.decrypt(whole[:-1] + bytes([whole[-1] ^ 1]), said["bound_to"])
