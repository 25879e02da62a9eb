"""Keys, heads and receipts: what is signed verifies, and nothing that was changed does."""

from __future__ import annotations

from typing import Any

import pytest
from gmssl.sm2 import CryptSM2
from msgspec.structs import asdict

from gateway.audit.hashing import sha256
from gateway.audit.signatures import SM2, is_head, is_receipt, is_signed
from gateway.audit.signing import Acceptance, Seals, SigningKey, signed_head

KEY = SigningKey.new()


def receipts(count: int) -> list[dict[str, str]]:
    """The receipts of one commit."""
    seals = Seals(KEY)
    given = [(sha256(b"body %d" % at), sha256(b"leaf %d" % at)) for at in range(count)]
    accepted = [Acceptance(digest, leaf, seals, seals.add(digest, leaf)) for digest, leaf in given]
    return [receipt for one in accepted if (receipt := one.receipt()) is not None]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 100])
def test_each_receipt_verifies_alone(count: int) -> None:
    """However many share the signature."""
    made = receipts(count)
    assert len(made) == count
    assert all(is_receipt(receipt, KEY.public) for receipt in made)


def test_a_changed_receipt_does_not() -> None:
    """Neither with another digest or leaf, nor another's signature or key, nor with anything that is no signature."""
    one, other, *_ = receipts(3)
    for name in ("digest", "leaf", "signature"):
        assert not is_receipt({**one, name: other[name]}, KEY.public)
    assert not is_receipt(one, SigningKey.new().public)
    for broken in ("", "0.1", "x.y.z.w", "0.3.é.é", one["signature"][:-4], None):
        assert not is_receipt({**one, "signature": broken}, KEY.public)
    assert not is_receipt({}, KEY.public)


def test_a_key_is_read_as_it_was_written() -> None:
    """With the same id and public key; what is no key is refused."""
    again = SigningKey.read(KEY.written())
    assert (again.id, again.public) == (KEY.id, KEY.public)
    for text in ("", "00", "no key"):
        with pytest.raises(ValueError, match=r".+"):
            SigningKey.read(text)


def head(**changed: Any) -> dict[str, Any]:
    """A head as it is shown."""
    shown = asdict(signed_head(KEY, "hutong/1", 3, sha256(b""), 5))
    shown |= {"root": shown["root"].hex(), "signature": shown["signature"].hex(), "public_key": KEY.public.hex()}
    return {**shown, **changed}


def test_a_head_verifies_until_it_is_changed() -> None:
    """Whichever of its values is another one."""
    assert is_head(head())
    other = {"origin": "hutong/2", "size": 4, "root": sha256(b"x").hex(), "at": 6, "key_id": "0" * 16}
    assert not any(is_head(head(**{name: value})) for name, value in other.items())
    assert not is_head(head(public_key=SigningKey.new().public.hex()))
    assert not is_head({})


# ── SM2 ───────────────────────────────────────────────────────────────────────────────────────
PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
PUBLIC = (
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
SIGNATURE = (
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
"""Key and signature of GB/T 32918.5, annex A, over `message digest`."""
SM2_KEY = SigningKey.read(f"sm2 {PRIVATE} {PUBLIC}")


def test_sm2_verifies_the_published_signature() -> None:
    """And nothing that differs from it in a bit of the text, the signature or the key."""
    assert is_signed(bytes.fromhex(PUBLIC), bytes.fromhex(SIGNATURE), b"message digest")
    assert not is_signed(bytes.fromhex(PUBLIC), bytes.fromhex(SIGNATURE), b"message digesT")
    for at in range(0, 64, 7):
        public, signature = bytearray.fromhex(PUBLIC), bytearray.fromhex(SIGNATURE)
        public[at] ^= 1
        signature[at] ^= 1
        assert not is_signed(bytes(public), bytes.fromhex(SIGNATURE), b"message digest")
        assert not is_signed(bytes.fromhex(PUBLIC), bytes(signature), b"message digest")


def test_sm2_refuses_what_is_no_signature() -> None:
    """Numbers out of bounds, a point that is none, and other lengths."""
    for signature in (bytes(64), b"\xff" * 64, b"", bytes.fromhex(SIGNATURE)[:63]):
        assert not is_signed(bytes.fromhex(PUBLIC), signature, b"message digest")
    assert not is_signed(bytes(64), bytes.fromhex(SIGNATURE), b"message digest")


def test_sm2_signatures_of_one_library_verify_in_the_other() -> None:
    """Ours are made by GmSSL; the script verifies with numbers alone; gmssl is a third one in plain Python."""
    other = CryptSM2(private_key=PRIVATE, public_key=PUBLIC)
    for text in (b"", b"head\n", bytes(range(256))):
        ours = SM2_KEY.sign(text)
        assert is_signed(SM2_KEY.public, ours, text)
        assert other.verify_with_sm3(ours.hex(), text)
        assert is_signed(SM2_KEY.public, bytes.fromhex(other.sign_with_sm3(text)), text)


def test_receipts_and_heads_signed_with_sm2() -> None:
    """They verify as those of Ed25519 do, and with no other key."""
    key = SigningKey.read(SigningKey.new(SM2).written())
    seals = Seals(key)
    digest, of_leaf = sha256(b"body"), sha256(b"leaf")
    receipt = Acceptance(digest, of_leaf, seals, seals.add(digest, of_leaf)).receipt()
    assert receipt is not None
    assert is_receipt(receipt, key.public)
    assert not is_receipt(receipt, SM2_KEY.public)
    head = signed_head(key, "hutong/1", 3, bytes(32), 5)
    shown = {**asdict(head), "root": head.root.hex(), "signature": head.signature.hex()}
    assert is_head({**shown, "public_key": key.public.hex()})
    assert not is_head({**shown, "public_key": key.public.hex(), "size": 4})


def test_two_halves_of_different_keys_are_no_key() -> None:
    """Else what it signed would verify nowhere."""
    with pytest.raises(ValueError, match="different keys"):
        SigningKey.read(f"sm2 {PRIVATE} {SigningKey.new(SM2).public.hex()}")
