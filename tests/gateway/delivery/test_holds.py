"""What differs between the ledger and a worker: pure, so each difference is one line to try."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from gateway.delivery.health import WHOLE
from gateway.delivery.holds import Repairs, compare, judged, obeyed
from gateway.ledger.records import Hold, Platform
from gateway.message import HeldBy

NOW = datetime(2026, 9, 1, tzinfo=UTC)
KNOWN = Platform("penalty.330100", "penalty", "330100", "plain", {}, NOW, revision=7)
CASE = "case.transferred"


def held(*holds: tuple[HeldBy, str | None]) -> Platform:
    """Give the platform as the ledger has it, with holds."""
    return replace(KNOWN, holds=tuple(Hold(by, NOW, type=type) for by, type in holds))


def test_what_is_the_same_needs_no_repair() -> None:
    """Held by a breaker here and there, paused here and there."""
    recorded = held((HeldBy.BREAKER, None), (HeldBy.ENDPOINT, CASE), (HeldBy.PAUSED, None))
    assert compare(recorded, KNOWN, frozenset({HeldBy.PAUSED})) == Repairs()


def test_what_a_breaker_holds_is_no_difference() -> None:
    """The worker decides of it, and writes it down as it is."""
    assert compare(held((HeldBy.BREAKER, None)), KNOWN, frozenset()) == Repairs()


def test_a_missed_pause_is_taken_over() -> None:
    """And its end: of all other holds the ledger decides."""
    assert compare(held((HeldBy.PAUSED, None)), KNOWN, frozenset()).take_over
    assert compare(KNOWN, KNOWN, frozenset({HeldBy.CREDENTIALS})).take_over


def test_another_revision_is_taken_over() -> None:
    """The platform was registered anew."""
    assert compare(replace(KNOWN, revision=8), KNOWN, frozenset()).take_over


def test_a_platform_that_is_not_there_is_gone() -> None:
    """Nothing else matters then."""
    assert compare(None, KNOWN, frozenset()) == Repairs(gone=True)


def test_holds_are_of_two_sorts() -> None:
    """Judged from what is seen, or obeyed."""
    recorded = held((HeldBy.BREAKER, None), (HeldBy.ENDPOINT, CASE), (HeldBy.PAUSED, None), (HeldBy.CREDENTIALS, None))
    assert judged(recorded) == {WHOLE, CASE}
    assert obeyed(recorded) == {HeldBy.PAUSED, HeldBy.CREDENTIALS}
