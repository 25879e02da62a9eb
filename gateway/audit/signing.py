"""Signing: a key, heads, and receipts, of which all that share a commit share one signature."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cached_property, partial

import gmssl_pyx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec import Struct

from adapters import signing
from gateway.audit.proofs import leaf_hash, node_hash
from gateway.audit.signatures import ED25519, RECEIPTS, SM2, head_text, key_id, receipt_content


class SigningKey:
    """A key of Ed25519 or SM2. `id`: how receipts and heads name it; `public`: what they are verified with."""

    def __init__(self, algorithm: str, private: bytes, public: bytes, sign: Callable[[bytes], bytes]) -> None:
        self.algorithm = algorithm
        self.public = public
        self.id = key_id(public)
        self.sign = sign
        self._private = private

    @classmethod
    def new(cls, algorithm: str = ED25519) -> SigningKey:
        """Make a new one, of `ED25519` or `SM2`."""
        if algorithm == SM2:
            public, private = gmssl_pyx.sm2_key_generate()
            return cls._sm2(private, public)
        return cls._ed25519(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, text: str) -> SigningKey:
        """Read what `written` wrote; ValueError for anything else."""
        kind, _, pair = text.partition(" ")
        if kind != SM2:
            return cls._ed25519(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text)))
        private, _, public = pair.partition(" ")
        key = cls._sm2(signing.sm2_private(private), signing.sm2_public(public))
        if not signing.sm2_verifies(key.public, b"a pair?", key.sign(b"a pair?")):
            raise ValueError("its two halves are of different keys")
        return key

    @classmethod
    def _ed25519(cls, private: Ed25519PrivateKey) -> SigningKey:
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return cls(
            ED25519, private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()), public, private.sign
        )

    @classmethod
    def _sm2(cls, private: bytes, public: bytes) -> SigningKey:
        return cls(SM2, private, public, partial(signing.sm2_sign, private, public))

    def written(self) -> str:
        """Write it: 64 hexadecimal digits; of SM2 `sm2`, 64 digits and the 128 of its public half, spaces between."""
        private = self._private.hex()
        return private if self.algorithm == ED25519 else f"{SM2} {private} {self.public.hex()}"


class SignedHead(Struct, frozen=True):
    """The tree as it was at a size, signed. `at`: microseconds since 1970 in UTC."""

    origin: str
    size: int
    root: bytes
    at: int
    key_id: str
    signature: bytes


def signed_head(key: SigningKey, origin: str, size: int, root: bytes, at: int) -> SignedHead:
    """Sign a head."""
    return SignedHead(origin, size, root, at, key.id, key.sign(head_text(origin, size, root, at)))


class Seals:
    """The receipts of one commit: each is a leaf of a small tree, and the root is signed once, when first asked for.

    So a signature costs the same for one document and for a hundred, and each receipt stands by itself: it carries
    its way to the root. Nothing may be added once one was written.
    """

    def __init__(self, key: SigningKey) -> None:
        self.key = key
        self._leaves: list[bytes] = []

    def add(self, digest: bytes, leaf: bytes) -> int:
        """Add a receipt; gives its index."""
        self._leaves.append(leaf_hash(receipt_content(digest, leaf)))
        return len(self._leaves) - 1

    @cached_property
    def _levels(self) -> list[list[bytes]]:
        """The small tree from its leaves to its root, level by level; who has no neighbour goes up as it is.

        That is the tree of RFC 6962, made for all its paths at once.
        """
        levels = [self._leaves]
        while len(levels[-1]) > 1:
            below = levels[-1]
            above = [node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
            levels.append(above if len(below) % 2 == 0 else [*above, below[-1]])
        return levels

    @cached_property
    def _signature(self) -> str:
        return _base64(self.key.sign(RECEIPTS + self._levels[-1][0]))

    def written(self, index: int) -> str:
        """Give the signature of a receipt, as `verify.is_receipt` reads it."""
        path, place = [], index
        for level in self._levels[:-1]:
            if place ^ 1 < len(level):
                path.append(level[place ^ 1])
            place >>= 1
        return f"{index}.{len(self._leaves)}.{_base64(b''.join(path))}.{self._signature}"


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


class Acceptance(Struct, frozen=True, eq=False):
    """The gateway's word that a document was accepted. `digest`: the SHA-256 of what was received; `leaf`: the hash of
    the message's leaf. Without `seals` nobody signed it."""

    digest: bytes
    leaf: bytes
    seals: Seals | None = None
    index: int = 0

    def __eq__(self, other: object) -> bool:
        """The same word, whoever signed it with what others."""
        return isinstance(other, Acceptance) and (self.digest, self.leaf) == (other.digest, other.leaf)

    def __hash__(self) -> int:
        return hash((self.digest, self.leaf))

    def receipt(self) -> dict[str, str] | None:
        """Give the receipt as it is answered; None where nothing signs."""
        if self.seals is None:
            return None
        return {
            "digest": self.digest.hex(),
            "leaf": self.leaf.hex(),
            "key_id": self.seals.key.id,
            "signature": self.seals.written(self.index),
        }
