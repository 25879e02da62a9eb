"""Signatures over an archive: as the documentation says it, by libraries that share no code with ours."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gmssl import sm2
from msgspec.structs import replace
from signers import SM2_PRIVATE, SM2_PUBLIC

from adapters.bundle.signature import (
    ED25519,
    KINDS,
    SM2,
    BundleSignature,
    BundleSigner,
    is_signed,
    key_name,
    public_key,
    read_signature,
)

MADE = 1_790_000_000
ARCHIVE = b"PK\x03\x04 a bundle"


def text(label: str, digest: str) -> bytes:
    """What is signed, by docs/bundle.md."""
    return f"{label}\n330000\n{MADE}\n{hashlib.new(digest, ARCHIVE).hexdigest()}".encode()


def test_ed25519_is_that_of_any_library():
    """Signed by hand, it is read and verified; ours is verified by hand."""
    private = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    public = private.public_key().public_bytes_raw()
    by_hand = BundleSignature(key_name(public), "330000", MADE, private.sign(text("HUTONG-BUNDLE-ED25519", "sha256")))
    assert is_signed(ED25519, public, by_hand, ARCHIVE)
    assert BundleSigner.read("ed25519 " + "07" * 32).sign(ARCHIVE, "330000", MADE) == by_hand


def test_sm2_is_that_of_another_library():
    """Both ways: GB/T 32918 with the usual id of the signer, over SM3."""
    other = sm2.CryptSM2(private_key=SM2_PRIVATE, public_key=SM2_PUBLIC)
    content = text("HUTONG-BUNDLE-SM2", "sm3")
    made = BundleSignature("0" * 16, "330000", MADE, bytes.fromhex(other.sign_with_sm3(content)))
    assert is_signed(SM2, public_key(SM2, SM2_PUBLIC), made, ARCHIVE)
    ours = BundleSigner.read(f"sm2 {SM2_PRIVATE} {SM2_PUBLIC}").sign(ARCHIVE, "330000", MADE)
    assert other.verify_with_sm3(ours.signature.hex(), content)


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_of_it_is_signed(kind):
    """Another archive by one bit, region, time, key, kind or signature: it is not signed."""
    signer = BundleSigner.read(BundleSigner.new(kind).written())
    made = signer.sign(ARCHIVE, "330000", MADE)
    assert read_signature(made.written()) == made
    assert is_signed(kind, signer.public, made, ARCHIVE)
    for at in range(len(ARCHIVE)):
        assert not is_signed(kind, signer.public, made, ARCHIVE[:at] + bytes([ARCHIVE[at] ^ 1]) + ARCHIVE[at + 1 :])
    flipped = made.signature[:-1] + bytes([made.signature[-1] ^ 1])
    for other in ({"region": "340000"}, {"made": MADE + 1}, {"signature": flipped}):
        assert not is_signed(kind, signer.public, replace(made, **other), ARCHIVE)
    assert not is_signed(kind, BundleSigner.new(kind).public, made, ARCHIVE)
    [other_kind] = {*KINDS} - {kind}
    assert not is_signed(other_kind, BundleSigner.new(other_kind).public, made, ARCHIVE)


WRITTEN = BundleSigner.read("ed25519 " + "07" * 32).sign(ARCHIVE, "330000", MADE).written()


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "x" * 100_000,
        WRITTEN + WRITTEN,
        WRITTEN.replace("330000", '330000", region="340000'),
        WRITTEN.replace("330000", "330000\n340000"),
        WRITTEN.replace(str(MADE), "-1"),
        WRITTEN.replace(str(MADE), "9" * 40),
        WRITTEN.replace('"', ""),
        WRITTEN.replace("==", "="),
    ],
)
def test_what_is_no_signature_is_not_read(hostile):
    """Said twice, with line ends that would move what is signed, too long, or written otherwise."""
    with pytest.raises(ValueError, match="a signature is"):
        read_signature(hostile)


@pytest.mark.parametrize("text", ["", "ed25519", "ed25519 zz", "sm2 " + "0" * 64, "rsa 00", "ed25519 " + "0" * 63])
def test_what_is_no_key_is_not_read(text):
    """A private key of another kind or length; nor a public one."""
    with pytest.raises(ValueError, match="key"):
        BundleSigner.read(text)
    with pytest.raises(ValueError, match="key"):
        public_key(*[*text.split(), "", ""][:2])
