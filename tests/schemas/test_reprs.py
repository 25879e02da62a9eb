"""What holds a secret does not show it where it is printed."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Struct

import adapters
import gateway
import schemas
from adapters.base import OutboundRequest, Reply, Sending
from gateway.access.assertions import _SCHEMES, SignedAssertion, WebhookAssertion
from gateway.delivery.tls import TlsTerms
from gateway.intake.steps import IntakeCall
from gateway.ledger.records import Credential, Person, Platform, SecondApproval
from gateway.message import Attempt
from gateway.platforms.registration import Registration
from schemas.reprs import PERSONAL

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


def _structs(of: type[Struct]) -> Iterator[type[Struct]]:
    for one in of.__subclasses__():
        yield one
        yield from _structs(one)


_CONTENT = ("bytes", "Document", "Tree", "Mapping[str, Any]", "dict[str, Any]")
"""What a field is annotated with that holds what documents say."""


def test_whatever_holds_what_documents_say_is_discreet() -> None:
    """Every class of the product with a field of such a name and kind leaves it out of its repr."""
    for package in (schemas, adapters, gateway):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    telling = [
        f"{one.__module__}.{one.__name__}"
        for one in set(_structs(Struct))
        if one.__module__.partition(".")[0] in ("schemas", "adapters", "gateway")
        and one.__repr__ is Struct.__repr__
        and any(name in PERSONAL and said in _CONTENT for name, said in one.__annotations__.items())
    ]
    assert telling == []


@pytest.mark.parametrize(
    "value",
    [
        OutboundRequest("POST", "/x", {}, CANARY.encode()),
        Reply(200, {}, CANARY.encode()),
        Sending("case.filed", {"name": CANARY}, {"key": CANARY}, "d", "m", AT),
        Attempt("d", 1, AT, AT, "accepted", reply=CANARY.encode()),
        IntakeCall(PLATFORM, "case", CANARY.encode()),
    ],
    ids=lambda one: type(one).__name__,
)
def test_nothing_that_a_document_says_is_printed(value: Struct) -> None:
    """By whatever way it is printed, inside of something else, too."""
    for printed in (repr(value), str(value), f"{[value]}", repr({"a": (value,)})):
        assert CANARY not in printed
        assert type(value).__name__ in printed
