"""Verify what the gateway signed: receipts, inclusion and consistency proofs, heads, and bundles of evidence.

This module is also the script inside every bundle of evidence (`verify.py`), so it needs nothing of the gateway:
only Python 3.9 or newer and the package `cryptography`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Hashing = Callable[[bytes], bytes]
"""A hash function of 32 bytes."""


def sha256(content: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(content).digest()


def sm3(content: bytes) -> bytes:
    """SM3 (GB/T 32905)."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(content)
    return digest.finalize()


HASHINGS: Mapping[str, Hashing] = {"sha256": sha256, "sm3": sm3}
"""The hash functions that a tree may be made with, by name."""


# ── the tree of RFC 6962, section 2.1 ─────────────────────────────────────────────────────────
def leaf_hash(content: bytes, hashing: Hashing = sha256) -> bytes:
    """Hash a leaf's content."""
    return hashing(b"\x00" + content)


def node_hash(left: bytes, right: bytes, hashing: Hashing = sha256) -> bytes:
    """Hash the node above two others."""
    return hashing(b"\x01" + left + right)


def root_of_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], hashing: Hashing = sha256
) -> bytes | None:
    """Give the root that an inclusion proof leads to; None when the path cannot be one of this index and size."""
    if not 0 <= index < size:
        return None
    position, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if position % 2 or position == last:
            root = node_hash(sibling, root, hashing)
            while not position % 2 and position:
                position, last = position >> 1, last >> 1
        else:
            root = node_hash(root, sibling, hashing)
        position, last = position >> 1, last >> 1
    return root if last == 0 else None


def is_included(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes, hashing: Hashing = sha256
) -> bool:
    """Tell whether a proof shows that a leaf's hash stands at an index of the tree with this size and root."""
    return root_of_inclusion(leaf, index, size, path, hashing) == root


def is_consistent(
    old_size: int,
    new_size: int,
    old_root: bytes,
    new_root: bytes,
    path: Sequence[bytes],
    hashing: Hashing = sha256,
) -> bool:
    """Tell whether a proof shows that the larger tree begins with all of the smaller one, unchanged."""
    if not 0 <= old_size <= new_size:
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    if old_size == 0:
        return not path and old_root == hashing(b"")
    position, last = old_size - 1, new_size - 1
    while position % 2:
        position, last = position >> 1, last >> 1
    rest = list(path)
    if position:
        if not rest:
            return False
        old = new = rest.pop(0)
    else:
        old = new = old_root  # the smaller tree is a whole subtree of the larger one
    for sibling in rest:
        if last == 0:
            return False
        if position % 2 or position == last:
            old, new = node_hash(sibling, old, hashing), node_hash(sibling, new, hashing)
            while not position % 2 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling, hashing)
        position, last = position >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


# ── leaves, heads and receipts ────────────────────────────────────────────────────────────────
def leaf_content(kind: str, subject: str, digest: bytes, at: int) -> bytes:
    """Write a leaf: the digest of its statement (32 bytes), microseconds since 1970 in UTC (8, signed, the highest
    first), then kind, a zero byte, and subject, as UTF-8."""
    return digest + at.to_bytes(8, "big", signed=True) + kind.encode() + b"\x00" + subject.encode()


def head_text(origin: str, size: int, root: bytes, at: int) -> bytes:
    """Write what is signed of a head, a line each: origin, size, root (base64), microseconds since 1970 in UTC."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n{at}\n".encode()


RECEIPTS = b"hutong receipts 1\n"
"""Stands before the root of a batch where that is signed, so that it can never be taken for a head."""


def receipt_content(digest: bytes, leaf: bytes) -> bytes:
    """Write the leaf of a batch's tree: what was received (SHA-256), and the hash of the leaf in the ledger's tree."""
    return digest + leaf


def key_id(public: bytes) -> str:
    """Name a public key: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def is_signed(public: bytes, signature: bytes, content: bytes) -> bool:
    """Tell whether an Ed25519 signature is that of a public key (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_receipt(receipt: Mapping[str, Any], public: bytes) -> bool:
    """Tell whether a receipt, as it stood in the answer, was signed with a key.

    `signature` is `index.size.path.signature` of the batch that shared the signature: two numbers, the inclusion
    proof's hashes one after the other, and Ed25519's 64 bytes, both base64url without padding.
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
        content = head_text(head["origin"], head["size"], bytes.fromhex(head["root"]), head["at"])
        return head["key_id"] == key_id(public) and is_signed(public, bytes.fromhex(head["signature"]), content)
    except (KeyError, ValueError, TypeError, AttributeError):
        return False
