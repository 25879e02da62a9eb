"""Keys for bundles: registered once, revoked once, and what they sign is kept only while they do."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import Conflict, Forbidden, NotFound
from gateway.ledger.versions import AdapterState, AdapterVersion, BundleKey


def key(make: Any, id: str, **changed: Any) -> BundleKey:
    """A key of Zhejiang."""
    return replace(BundleKey(id, "ed25519", "07" * 32, "330000", "省厅", make.at()), **changed)


def version(make: Any, **changed: Any) -> AdapterVersion:
    """A version that the key k-1 signed."""
    made = AdapterVersion("town", "1.0.0", "digest", AdapterState.DRAFT, make.at(), make.at(), region="330000")
    return replace(made, **{"signed_by": "k-1", "signed_at": make.at(-60), "signature": "c2ln", **changed})


async def test_keys_are_kept_as_they_were_registered(ledger: Any, opening: Any, make: Any) -> None:
    """In the order of their registration, also for whoever opens the ledger again."""
    both = [key(make, "k-2"), key(make, "k-1", created_at=make.at(1), expires_at=make.at(60))]
    for one in both:
        await ledger.add_bundle_key(one, make.intent())
    await ledger.stop()
    again = opening()
    await again.start()
    assert await again.bundle_keys() == both
    [entry] = await again.audit("k-1")
    assert (entry.action, entry.detail["region"]) == ("bundle-key.added", "330000")
    await again.stop()


async def test_a_key_is_registered_and_revoked_once(ledger: Any, make: Any) -> None:
    """It never comes back; another cannot be revoked; the same under its key is answered again."""
    for _ in range(2):
        await ledger.add_bundle_key(key(make, "k-1"), make.intent(key="add"))
    assert await ledger.revoke_bundle_key("k-1", make.intent(at=5, key="revoke"))
    assert await ledger.revoke_bundle_key("k-1", make.intent(at=5, key="revoke"))
    assert not await ledger.revoke_bundle_key("k-1", make.intent(at=9))
    assert [one.revoked_at for one in await ledger.bundle_keys()] == [make.at(5)]
    with pytest.raises(Conflict) as error:
        await ledger.add_bundle_key(key(make, "k-1"), make.intent(at=9))
    assert error.value.code == "bundle-key.exists"
    with pytest.raises(NotFound) as missing:
        await ledger.revoke_bundle_key("k-9", make.intent())
    assert missing.value.code == "bundle-key.unknown"
    assert [one.action for one in await ledger.audit("k-1")] == ["bundle-key.added", "bundle-key.revoked"]


async def test_the_audit_keeps_who_signed(ledger: Any, make: Any) -> None:
    """The key, the region, the time and the signature are in the entry of the upload, and with the version."""
    await ledger.add_bundle_key(key(make, "k-1"), make.intent())
    kept = await ledger.add_adapter(version(make), b"zip", make.intent())
    assert kept == version(make, revision=kept.revision)
    [entry] = await ledger.audit("town@1.0.0")
    told = {name: entry.detail[name] for name in ("key", "region", "signature")}
    assert told == {"key": "k-1", "region": "330000", "signature": "c2ln"}


@pytest.mark.parametrize("ended", ["revoked", "expired", "never there"])
async def test_a_key_that_ended_while_its_bundle_was_read_signs_nothing(ledger: Any, make: Any, ended: str) -> None:
    """It is looked at again in the transaction that keeps the version: nothing is kept, and the next is judged anew."""
    if ended != "never there":
        expires = make.at(10) if ended == "expired" else None
        await ledger.add_bundle_key(key(make, "k-1", expires_at=expires), make.intent())
    if ended == "revoked":
        await ledger.revoke_bundle_key("k-1", make.intent(at=5))
    with pytest.raises(Forbidden) as error:
        await ledger.add_adapter(version(make), b"zip", make.intent(at=10))
    assert error.value.code == "signature.key"
    assert await ledger.adapters() == []
    assert await ledger.audit("town@1.0.0") == []


async def test_what_is_kept_stays_after_its_key_was_revoked(ledger: Any, make: Any) -> None:
    """The same again is what is there, and changes nothing."""
    await ledger.add_bundle_key(key(make, "k-1"), make.intent())
    kept = await ledger.add_adapter(version(make), b"zip", make.intent())
    await ledger.revoke_bundle_key("k-1", make.intent(at=5))
    assert await ledger.add_adapter(version(make), b"zip", make.intent(at=9)) == kept
    assert await ledger.adapters() == [kept]
