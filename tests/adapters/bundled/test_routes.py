"""What the routes send to a kind, and take from one, its bundled adapter can speak."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import schemas
from adapters import DeclarativeAdapter, bundled
from adapters.source import load
from schemas import catalog

ROUTES = Path(schemas.__file__).parent / "routes.yaml"
DECLARED: dict[str, Any] = load(ROUTES.read_bytes(), "routes.yaml").value
Adapters = Callable[[str], DeclarativeAdapter]


def _destinations(message_type: str) -> set[str]:
    """Give the kinds a type may reach; an answer may reach whoever may have sent what it answers."""
    kinds: set[str] = set()
    for to in DECLARED["routes"][message_type]["to"]:
        if isinstance(to, str):
            kinds.add(to)
        elif "kind" in to:
            kinds.add(to["kind"])
        else:
            kinds.update(DECLARED["routes"][to["answers"]]["from"])
    return kinds


KINDS = sorted(set(DECLARED["kinds"]) & set(bundled()))
"""The kinds that a bundle comes with; platforms of the others speak canonical, or a province's own adapter."""


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_sends_every_type_routed_to_its_kind(kind: str, adapter_of: Adapters) -> None:
    """Otherwise a message would have a platform and no words for it."""
    routed = {name for name in DECLARED["routes"] if kind in _destinations(name)}
    assert adapter_of(kind).kind == kind
    assert adapter_of(kind).sends == routed


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_receives_every_type_its_kind_may_send(kind: str, adapter_of: Adapters) -> None:
    """And nothing that the routes would not take from it."""
    sent = {name for name, route in DECLARED["routes"].items() if kind in route["from"]}
    assert set(adapter_of(kind).receives.values()) == sent


def test_the_canonical_adapter_speaks_every_type(adapter_of: Adapters) -> None:
    """Both ways, each operation named after its message type."""
    canonical = adapter_of("canonical")
    assert canonical.kind == "any"
    assert canonical.sends == set(catalog.TYPES)
    assert canonical.receives == {name: name for name in catalog.TYPES}
