"""Signing: a key, heads, and receipts, of which all that share a commit share one signature."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec import Struct

from gateway.audit.proofs import leaf_hash, node_hash
from gateway.audit.signatures import RECEIPTS, head_text, key_id, receipt_content

ED25519 = "ed25519"


class SigningKey:
    """An Ed25519 key. `id`: how receipts and heads name it; `public`: the 32 bytes to verify with."""

    algorithm = ED25519

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = key_id(self.public)

    @classmethod
    def new(cls) -> SigningKey:
        """Make a new one."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, text: str) -> SigningKey:
        """Read what `written` wrote; ValueError for anything else."""
        return cls(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text)))

    def written(self) -> str:
        """Write the private key: 64 hexadecimal digits."""
        return self._private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex()

    def sign(self, content: bytes) -> bytes:
        """Sign."""
        return self._private.sign(content)


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
