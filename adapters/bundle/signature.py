"""Signatures over the archive of a bundle: who answers for exactly these bytes, for which region, since when; pure.

What is signed is the archive as it is uploaded, by the digest of its bytes. So a signature is judged before anything
of the archive is read, and the same files zipped otherwise are another archive, which is signed anew.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256

import gmssl_pyx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec import Struct

from adapters import signing

ED25519, SM2 = "ed25519", "sm2"

KINDS = (ED25519, SM2)
"""What bundles are signed with: Ed25519 over SHA-256, SM2 over SM3."""

HEADER = "Bundle-Signature"
"""The header of an upload; the file beside an archive, `NAME.zip.sig`, holds what stands in it."""

SUFFIX = ".sig"

_DIGESTS = {ED25519: signing.SHA256, SM2: signing.SM3}
_LABELS = {ED25519: "HUTONG-BUNDLE-ED25519", SM2: "HUTONG-BUNDLE-SM2"}
_WRITTEN = re.compile(
    r'key="([0-9a-f]{16})", region="([0-9A-Za-z-]{1,13})", made="([0-9]{1,12})", signature="([A-Za-z0-9+/]{86}==)"'
)
_HEX_32 = re.compile(r"[0-9A-Fa-f]{64}")


class BundleSignature(Struct, frozen=True):
    """A signature as it travels. `key` names the public key, `region` whose bundle it is, `made` is Unix time."""

    key: str
    region: str
    made: int
    signature: bytes

    def written(self) -> str:
        """Write it as the header's value, and as the file's."""
        signature = b64encode(self.signature).decode()
        return f'key="{self.key}", region="{self.region}", made="{self.made}", signature="{signature}"'


def read_signature(text: str) -> BundleSignature:
    """Read what `written` wrote; ValueError for anything else."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValueError('a signature is key="…", region="…", made="…", signature="…"')
    return BundleSignature(found[1], found[2], int(found[3]), b64decode(found[4]))


def signed_text(kind: str, region: str, made: int, archive: bytes) -> bytes:
    """Give what is signed, a value a line: the kind's label, the region, the time, and the archive's digest."""
    return "\n".join((_LABELS[kind], region, str(made), signing.digest(_DIGESTS[kind], archive))).encode()


def is_signed(kind: str, public: bytes, signature: BundleSignature, archive: bytes) -> bool:
    """Tell whether a signature is that of a public key over an archive."""
    text = signed_text(kind, signature.region, signature.made, archive)
    if kind == SM2:
        return signing.sm2_verifies(public, text, signature.signature)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature.signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key(kind: str, text: str) -> bytes:
    """Read a public key: 64 hexadecimal digits of Ed25519, the point of SM2; ValueError for anything else."""
    if kind == SM2:
        return signing.sm2_public(text)
    if kind != ED25519 or not _HEX_32.fullmatch(text.strip()):
        raise ValueError("a public key of Ed25519 is 64 hexadecimal digits")
    return bytes.fromhex(text.strip())


def key_name(public: bytes) -> str:
    """Name a public key: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(public).hexdigest()[:16]


class BundleSigner:
    """A private key with which a region signs its bundles. `id` names it, `public` is what is registered."""

    def __init__(self, kind: str, private: bytes, public: bytes) -> None:
        self.kind = kind
        self.public = public
        self.id = key_name(public)
        self._private = private

    @classmethod
    def new(cls, kind: str) -> BundleSigner:
        """Make a key."""
        if kind == SM2:
            public, private = gmssl_pyx.sm2_key_generate()
            return cls(SM2, private, gmssl_pyx.normalize_sm2_public_key(public))
        made = Ed25519PrivateKey.generate()
        return cls._ed25519(made.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))

    @classmethod
    def _ed25519(cls, private: bytes) -> BundleSigner:
        public = Ed25519PrivateKey.from_private_bytes(private).public_key()
        return cls(ED25519, private, public.public_bytes(Encoding.Raw, PublicFormat.Raw))

    @classmethod
    def read(cls, text: str) -> BundleSigner:
        """Read what `written` wrote; ValueError for anything else."""
        kind, *parts = text.split() or [""]
        if kind == SM2 and len(parts) == 2:
            return cls(SM2, signing.sm2_private(parts[0]), signing.sm2_public(parts[1]))
        if kind == ED25519 and len(parts) == 1 and _HEX_32.fullmatch(parts[0]):
            return cls._ed25519(bytes.fromhex(parts[0]))
        raise ValueError("a key for bundles is `ed25519 PRIVATE` or `sm2 PRIVATE PUBLIC`, in hexadecimal digits")

    def written(self) -> str:
        """Write the private key."""
        halves = [self._private, *([self.public] if self.kind == SM2 else [])]
        return " ".join((self.kind, *(one.hex() for one in halves)))

    def sign(self, archive: bytes, region: str, made: int) -> BundleSignature:
        """Sign an archive for a region, at a Unix time."""
        text = signed_text(self.kind, region, made, archive)
        if self.kind == SM2:
            signature = signing.sm2_sign(self._private, self.public, text)
        else:
            signature = Ed25519PrivateKey.from_private_bytes(self._private).sign(text)
        return BundleSignature(self.id, region, made, signature)
