"""Keys, heads and receipts: what is signed verifies, and nothing that was changed does."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import asdict

from gateway.audit.hashing import sha256
from gateway.audit.signatures import is_head, is_receipt
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
