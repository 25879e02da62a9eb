from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.ledger.sql.retie import Retie
from gateway.message import Message

NOW = datetime(2026, 9, 1, tzinfo=UTC)
TIE = Retie("case_number", "CF-77", "AJ-1", "wrong", "case_number:penalty:CF-77", "right", "case_number:mobile:AJ-1")
SPOKEN = {"case_number": "CF-77", "order_number": "D1"}


def message(**fields: Any) -> Message:
    """A message of the wrong case, in the lane of its number."""
    given: dict[str, Any] = {
        "type": "case.progressed",
        "document": {"case_number": "CF-77", "node": "filed", "opinion": "CF-77"},
        "ordering_key": TIE.ordering_key,
        "keys": {"case_number": "CF-77", "decision_number": "CF-77"},
        **fields,
    }
    return Message(
        id="b1",
        source="penalty.330000",
        operation="progress",
        adapter="penalty@1.0.0",
        region="330000",
        correlation_id="wrong",
        received_at=NOW,
        identity="i",
        digest="d",
        **given,
    )


def test_retied_message_has_the_original_number() -> None:
    """The number is replaced where the document holds it as that number, and nowhere else; the raw one is kept."""
    moved = TIE.message(message(), SPOKEN)
    assert moved.document == {"case_number": "AJ-1", "node": "filed", "opinion": "CF-77"}
    assert moved.keys == {"case_number": "AJ-1", "decision_number": "CF-77"}
    assert moved.raw_numbers == {"case_number": "CF-77"}
    assert (moved.correlation_id, moved.ordering_key) == ("right", "case_number:mobile:AJ-1")
    assert TIE.numbers(SPOKEN) == {"case_number": "AJ-1", "order_number": "D1"}


def test_identity_and_digest_stay() -> None:
    """What a message was known by before stays: its id, identity and digest, as it was sent."""
    before, moved = message(), TIE.message(message(), SPOKEN)
    for name in ("id", "identity", "digest", "source", "region", "enriched", "warnings", "causation_id"):
        assert getattr(moved, name) == getattr(before, name)


def test_nested_number() -> None:
    """A number that stands deeper in a document is replaced there, and all beside it is left."""
    order = {"order_number": "D1", "related": {"case_number": "CF-77", "permit_number": "P1"}}
    moved = TIE.message(message(type="dispatch.ordered", document=order), SPOKEN)
    assert moved.document == {"order_number": "D1", "related": {"case_number": "AJ-1", "permit_number": "P1"}}


def test_number_of_its_sender_is_kept() -> None:
    """A raw number that was kept before is still the one its sender wrote."""
    moved = TIE.message(message(raw_numbers={"case_number": "first"}), SPOKEN)
    assert moved.raw_numbers == {"case_number": "first"}


@pytest.mark.parametrize("numbers", [{}, {"case_number": "other"}, {"order_number": "CF-77"}])
def test_message_of_the_case_without_the_number(numbers: dict[str, str]) -> None:
    """A message that does not speak of the number changes its case alone, and its lane if it was that of the number."""
    before = message(ordering_key="order_number:mobile:D1")
    moved = TIE.message(before, numbers)
    assert (moved.document, moved.keys, moved.raw_numbers) == (before.document, before.keys, {})
    assert (moved.correlation_id, moved.ordering_key) == ("right", "order_number:mobile:D1")
    assert TIE.numbers(numbers) == numbers
