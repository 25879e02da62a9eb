"""Signatures against published vectors, and against libraries that share nothing with ours."""

import base64
import hashlib
import hmac
from pathlib import Path

import pytest
from gmssl import sm2

from adapters import signing

PRIVATE = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
PUBLIC = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
R = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
S = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
"""GB/T 32918.5, annex A: the message is `message digest`, the signer 1234567812345678."""

KEY = signing.sm2_public(PUBLIC)
OTHER = sm2.CryptSM2(private_key=PRIVATE, public_key=PUBLIC)


def test_sm2_verifies_the_published_signature():
    """GB/T 32918.5; in DER, too."""
    halves = bytes.fromhex(R + S)
    assert signing.sm2_verifies(KEY, b"message digest", halves)
    der = bytes.fromhex(f"3046022100{R}022100{S}")
    assert signing.sm2_verifies(KEY, b"message digest", der)
    assert not signing.sm2_verifies(KEY, b"message digesT", halves)


@pytest.mark.parametrize("text", [b"", b"x", "案号".encode() * 1000])
def test_sm2_signatures_of_one_library_verify_in_the_other(text):
    """Ours in theirs, theirs in ours."""
    ours = signing.sm2_sign(signing.sm2_private(PRIVATE), KEY, text)
    assert OTHER.verify_with_sm3(ours.hex(), text)
    assert signing.sm2_verifies(KEY, text, bytes.fromhex(OTHER.sign_with_sm3(text)))


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        bytes(64),
        b"\xff" * 64,
        b"\x30",
        b"\x30\x46" + bytes(70),
        b"\x30\x06\x02\x01\x01\x02\x01\x01",
        b"\x30\x06\x02\x04\x01\x02\x01\x01",
        b"\x30\x80" + b"\xff" * 128,
        bytes.fromhex(R + S) + b"\x00",
    ],
)
def test_sm2_takes_nothing_that_is_no_signature(signature):
    """And raises nothing."""
    assert not signing.sm2_verifies(KEY, b"message digest", signature)


@pytest.mark.parametrize("text", ["", PUBLIC[:-1], "0" * 128, "f" * 128, PUBLIC + "00", "公钥"])
def test_a_public_key_is_a_point_of_the_curve(text):
    """Anything else is refused when it is read."""
    with pytest.raises(ValueError, match="public key"):
        signing.sm2_public(text)


def test_a_public_key_may_be_written_in_either_way():
    """With 04 before, or without."""
    assert signing.sm2_public("04" + PUBLIC) == KEY == signing.sm2_public(PUBLIC.lower())


def test_sm3_is_the_published_one():
    """GB/T 32905, annex A."""
    assert signing.digest("sm3", b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_hmac_is_the_published_one():
    """RFC 4231, case 2; with SM3 it is built of the digest as RFC 2104 says."""
    key, text = b"Jefe", b"what do ya want for nothing?"
    found = signing.hmac_of("sha256", key, text).hex()
    assert found == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    block = key.ljust(64, b"\x00")
    inner = hashlib.new("sm3", bytes(b ^ 0x36 for b in block) + text).digest()
    outer = hashlib.new("sm3", bytes(b ^ 0x5C for b in block) + inner).digest()
    assert hmac.compare_digest(signing.hmac_of("sm3", key, text), outer)


def test_the_webhook_of_the_standards_own_example():
    """The specification's secret, id, time and body."""
    key = signing.webhook_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signing.webhook_signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_*"])
def test_a_webhook_key_has_bytes(secret):
    """One without would let anybody sign."""
    with pytest.raises(ValueError, match="whsec_"):
        signing.webhook_key(secret)


PAGE = Path(__file__).parents[2] / "docs" / "access.md"
EXAMPLE = b'{"AH":"HZ-2026-001"}'
SECRET = b"hutong_example-secret-of-this-page-only"


@pytest.mark.parametrize(("label", "algorithm"), [("HUTONG-HMAC-SHA256", "sha256"), ("HUTONG-HMAC-SM3", "sm3")])
def test_the_documented_example_is_right(label, algorithm):
    """Its digest and its signature, which others build on."""
    page = PAGE.read_text(encoding="utf-8")
    digest = signing.digest(algorithm, EXAMPLE)
    said = ("POST", "/v1/inbound/decision", "dry_run=true", digest, "1788220800", "5f2c6a0e9b7d4c31")
    text = signing.text_of_call(label, *said)
    signature = base64.b64encode(signing.hmac_of(algorithm, SECRET, text)).decode()
    assert digest in page
    assert signature in page
    assert label != "HUTONG-HMAC-SHA256" or text.decode() in page
