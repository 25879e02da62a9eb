"""The hash functions of a tree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives import hashes

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
