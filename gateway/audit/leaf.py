"""A leaf of the tree: one fact, as its kind, its subject, the digest of its statement, and its moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct

from gateway.audit.hashing import sha256
from gateway.audit.proofs import leaf_hash
from gateway.audit.signatures import leaf_content

ACCEPTED, ENDED, DONE = "accepted", "ended", "done"
"""The kinds: a document was accepted (a message); an attempt ended (a delivery); something was done (the audit)."""


class Leaf(Struct, frozen=True):
    """One fact. `digest`: the SHA-256 of its statement; `at`: microseconds since 1970 in UTC; `hash`: its own."""

    kind: str
    subject: str
    digest: bytes
    at: int
    hash: bytes


def stated(facts: Mapping[str, Any]) -> bytes:
    """Write a statement: JSON with its keys in order and no spaces, so that it can be written again from the facts."""
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)


def leaf_of(kind: str, subject: str, statement: bytes, at: int) -> Leaf:
    """Make the leaf of a statement."""
    return leaf(kind, subject, sha256(statement), at)


def leaf(kind: str, subject: str, digest: bytes, at: int) -> Leaf:
    """Make a leaf from what is kept of it."""
    return Leaf(kind, subject, digest, at, leaf_hash(leaf_content(kind, subject, digest, at)))
