"""Verify what was signed: heads and receipts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.audit.proofs import leaf_hash, root_of_inclusion
from gateway.audit.sm2 import sm2_verifies


def leaf_content(kind: str, subject: str, digest: bytes, at: int) -> bytes:
    """Write a leaf: the digest of its statement (32 bytes), microseconds since 1970 in UTC (8, signed, the highest
    first), then kind, a zero byte, and subject, as UTF-8."""
    return digest + at.to_bytes(8, "big", signed=True) + kind.encode() + b"\x00" + subject.encode()


def head_text(origin: str, size: int, root: bytes, at: int) -> bytes:
    """Write what is signed of a head, a line each: origin, size, root (base64), microseconds since 1970 in UTC."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n{at}\n".encode()


def text_of_head(head: Mapping[str, Any]) -> bytes:
    """Write what is signed of a head that is shown."""
    return head_text(head["origin"], head["size"], bytes.fromhex(head["root"]), head["at"])


WITNESS = b"hutong witness 1\n"
"""Stands before what a witness signs, so that it can never be taken for a head of its own."""


def witness_text(head: Mapping[str, Any], at: int) -> bytes:
    """Write what a witness signs: WITNESS, the head's four lines, and when it took it (microseconds since 1970)."""
    return WITNESS + text_of_head(head) + b"%d\n" % at


RECEIPTS = b"hutong receipts 1\n"
"""Stands before the root of a batch where that is signed, so that it can never be taken for a head."""


def receipt_content(digest: bytes, leaf: bytes) -> bytes:
    """Write the leaf of a batch's tree: what was received (SHA-256), and the hash of the leaf in the ledger's tree."""
    return digest + leaf


def key_id(public: bytes) -> str:
    """Name a public key: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


ED25519, SM2 = "ed25519", "sm2"


def algorithm_of(public: bytes) -> str:
    """Tell what a public key is for: SM2 has 64 bytes (its point), Ed25519 32."""
    return SM2 if len(public) == 64 else ED25519


def is_signed(public: bytes, signature: bytes, content: bytes) -> bool:
    """Tell whether a signature of 64 bytes is that of a public key, of Ed25519 or SM2."""
    if algorithm_of(public) == SM2:
        return sm2_verifies(public, signature, content)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_receipt(receipt: Mapping[str, Any], public: bytes) -> bool:
    """Tell whether a receipt, as it stood in the answer, was signed with a key.

    `signature` is `index.size.path.signature` of the batch that shared the signature: two numbers, the inclusion
    proof's hashes one after the other, and the signature's 64 bytes, both base64url without padding.
    """
    try:
        index, size, path, signature = receipt["signature"].split(".")
        hashed = [_unbase64(path)[start : start + 32] for start in range(0, len(_unbase64(path)), 32)]
        content = receipt_content(bytes.fromhex(receipt["digest"]), bytes.fromhex(receipt["leaf"]))
        root = root_of_inclusion(leaf_hash(content), int(index), int(size), hashed)
        signed = _unbase64(signature)
    except (KeyError, ValueError, AttributeError):
        return False
    return root is not None and receipt.get("key_id") == key_id(public) and is_signed(public, signed, RECEIPTS + root)


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def is_head(head: Mapping[str, Any]) -> bool:
    """Tell whether a head was signed by the key that it names."""
    try:
        public = bytes.fromhex(head["public_key"])
        content = text_of_head(head)
        return head["key_id"] == key_id(public) and is_signed(public, bytes.fromhex(head["signature"]), content)
    except (KeyError, ValueError, TypeError, AttributeError):
        return False
