"""What is signed of a request, and the signatures that are put on it: HMAC, SM2, and Standard Webhooks; pure."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping

import gmssl_pyx

SHA256, SM3 = "sha256", "sm3"

WEBHOOK_SECRET = "whsec_"
"""How a key of Standard Webhooks begins; the rest is its bytes in Base64."""

SIGNER = b"1234567812345678"
"""The signer's id that SM2 signs with where nobody agreed on another (GM/T 0009)."""

_HEX_KEY = re.compile(r"(?:04)?([0-9A-Fa-f]{128})")
_PRIVATE = re.compile(r"[0-9A-Fa-f]{64}")
_HALF = 32


def text_of_call(label: str, method: str, path: str, query: str, digest: str, timestamp: str, nonce: str) -> bytes:
    """Give what is signed of a call, a value a line.

    `label` is the scheme in capitals, `path` and `query` are as they stand in the request (`query` without `?`, empty
    without one), `digest` is the body's, in lower-case hexadecimal digits, that of no bytes without a body.
    """
    return "\n".join((label, method, path, query, digest, timestamp, nonce)).encode()


def digest(algorithm: str, content: bytes) -> str:
    """Give the digest of some content (`sha256` or `sm3`), in lower-case hexadecimal digits."""
    return hashlib.new(algorithm, content).hexdigest()


def hmac_of(algorithm: str, key: bytes, text: bytes) -> bytes:
    """Give the HMAC (RFC 2104; GM/T 0091 with SM3) of a text under a key."""
    return hmac.new(key, text, algorithm).digest()


# ── Standard Webhooks ─────────────────────────────────────────────────────────────────────────
def webhook_key(secret: str) -> bytes:
    """Give the bytes of a key (`whsec_…`); ValueError when it is none."""
    try:
        key = b64decode(secret.removeprefix(WEBHOOK_SECRET), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise ValueError("a key of Standard Webhooks is whsec_ and Base64")
    return key


def webhook_signature(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    """Sign as Standard Webhooks says: the value of `webhook-signature`.

    A few lines, and not the package of that name: it takes bodies as UTF-8 only, and ours come in GBK, too; and it
    reads the clock itself.
    """
    text = b".".join((id.encode(), timestamp.encode(), body))
    return f"v1,{b64encode(hmac_of(SHA256, key, text)).decode()}"


# ── SM2 (GB/T 32918.2), with SM3 ──────────────────────────────────────────────────────────────
def sm2_public(text: str) -> bytes:
    """Read a public key: its point as 128 hexadecimal digits, with or without `04` before; ValueError for none."""
    found = _HEX_KEY.fullmatch(text.strip())
    try:
        return gmssl_pyx.normalize_sm2_public_key(bytes.fromhex(found[1])) if found else _no_key()
    except gmssl_pyx.InvalidValueError:
        return _no_key()


def sm2_private(text: str) -> bytes:
    """Read a private key: 64 hexadecimal digits; ValueError for none."""
    if not _PRIVATE.fullmatch(text.strip()):
        raise ValueError("a private key of SM2 is 64 hexadecimal digits")
    return bytes.fromhex(text.strip())


def sm2_sign(private: bytes, public: bytes, text: bytes) -> bytes:
    """Sign a text: r and s, 32 bytes each. ValueError for keys that are none."""
    try:
        signed: bytes = gmssl_pyx.sm2_sign(private, public, text, signer_id=SIGNER)
    except (gmssl_pyx.InvalidValueError, gmssl_pyx.GmsslInnerError) as error:
        raise ValueError("the key does not sign") from error
    return _halves_of(signed)


def sm2_verifies(public: bytes, text: bytes, signature: bytes) -> bool:
    """Tell whether a signature (r and s, 32 bytes each, or the same in DER) is the key's on a text."""
    try:
        halves = signature if len(signature) == 2 * _HALF else _halves_of(signature)
        return bool(gmssl_pyx.sm2_verify(public, text, _der_of(halves), signer_id=SIGNER))
    except (ValueError, gmssl_pyx.InvalidValueError, gmssl_pyx.GmsslInnerError):
        return False


def _no_key() -> bytes:
    raise ValueError("a public key of SM2 is its point, 128 hexadecimal digits, with or without 04 before")


def _der_of(halves: bytes) -> bytes:
    """Write r and s as the library takes them: what stands there is well-formed whatever somebody sent."""
    numbers = b"".join(_integer(halves[at : at + _HALF]) for at in (0, _HALF))
    return b"\x30" + bytes([len(numbers)]) + numbers


def _integer(number: bytes) -> bytes:
    plain = number.lstrip(b"\x00") or b"\x00"
    padded = b"\x00" + plain if plain[0] & 0x80 else plain
    return b"\x02" + bytes([len(padded)]) + padded


def _halves_of(der: bytes) -> bytes:
    """Read r and s of a DER sequence of two integers; ValueError for anything else."""
    if len(der) < 8 or der[0] != 0x30 or der[1] != len(der) - 2:
        raise ValueError("no signature")
    halves, at = b"", 2
    for _ in range(2):
        size = der[at + 1] if at + 1 < len(der) and der[at] == 0x02 else 0
        number = der[at + 2 : at + 2 + size].lstrip(b"\x00")
        if not size or len(number) > _HALF or at + 2 + size > len(der):
            raise ValueError("no signature")
        halves, at = halves + number.rjust(_HALF, b"\x00"), at + 2 + size
    if at != len(der):
        raise ValueError("no signature")
    return halves


ENCODINGS: Mapping[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "base64": lambda raw: b64encode(raw).decode(),
}
"""How a signature is written."""
