"""What holds a secret does not show it where it is printed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Struct

from gateway.access.assertions import _SCHEMES, SignedAssertion, WebhookAssertion
from gateway.delivery.tls import TlsTerms
from gateway.ledger.records import Credential, Person, Platform, SecondApproval
from gateway.platforms.registration import Registration

CANARY = "canary-of-a-secret"
AT = datetime(2026, 9, 1, tzinfo=UTC)
PLATFORM = Platform("penalty.330000", "penalty", "330000", "town", {"key": CANARY, "office": "某某局"}, AT)
CREDENTIAL = Credential("c-1", PLATFORM.id, CANARY, "的标签", AT, kind="hmac", secret=CANARY)
NONCES: Any = None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (PLATFORM, "penalty.330000"),
        (CREDENTIAL, "c-1"),
        (Person("wang-wei", "王伟", CANARY, ("viewer",), AT), "王伟"),
        (SecondApproval("a", "secrets", "p", "li", "换密钥", AT, AT, {"b": 1}, {"key": CANARY}), "换密钥"),
        (TlsTerms("ca", "certificate", CANARY, "1.3"), "certificate"),
        (Registration("penalty.330000", "town", None, {"key": CANARY}), "town"),
        (
            SignedAssertion(
                PLATFORM,
                "c-1",
                None,  # type: ignore[arg-type]
                b"text",
                CANARY.encode(),
                1,
                "nonce",
                next(iter(_SCHEMES.values())),
                CREDENTIAL,
                NONCES,
                AT,
            ),
            "c-1",
        ),
        (WebhookAssertion(PLATFORM, "c-1", "m1", "1", (CANARY,), CREDENTIAL, NONCES, AT), "m1"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_no_secret_is_printed(value: Struct, shown: str) -> None:
    """Neither by itself nor inside of something else; the rest is there, for whoever looks for a fault."""
    for printed in (repr(value), str(value), f"{[value]}", repr({"a": (value,)})):
        assert CANARY not in printed
        assert shown in printed
        assert type(value).__name__ in printed


def test_of_settings_the_names_are_printed() -> None:
    """And that a secret is not there is no secret."""
    assert "settings={key: …, office: …}" in repr(PLATFORM)
    assert "key=None" in repr(TlsTerms("ca", None, None, None))
