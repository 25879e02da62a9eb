"""A leaf of the tree: one fact, as its kind, its subject, the digest of its statement, and its moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct

from gateway.audit.verify import leaf_content, leaf_hash, sha256

ACCEPTED, ENDED, DONE = "accepted", "ended", "done"
"""The kinds: a document was accepted (a message); an attempt ended (a delivery); something was done (the audit)."""


class Leaf(Struct, frozen=True):
    """One fact. `digest`: the SHA-256 of its statement; `at`: microseconds since 1970 in UTC."""

    kind: str
    subject: str
    digest: bytes
    at: int

    @property
    def content(self) -> bytes:
        """The bytes that are hashed: see `verify.leaf_content`."""
        return leaf_content(self.kind, self.subject, self.digest, self.at)

    @property
    def hash(self) -> bytes:
        """Its hash, as it stands in the tree."""
        return leaf_hash(self.content)


def stated(facts: Mapping[str, Any]) -> bytes:
    """Write a statement: JSON with its keys in order and no spaces, so that it can be written again from the facts."""
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)


def leaf_of(kind: str, subject: str, statement: bytes, at: int) -> Leaf:
    """Make the leaf of a statement."""
    return Leaf(kind, subject, sha256(statement), at)
