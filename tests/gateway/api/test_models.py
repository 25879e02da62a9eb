"""What requests have in common: times."""

from datetime import UTC, datetime, timedelta, timezone

from gateway.api.models import in_utc


def test_a_time_without_an_offset_is_meant_in_the_gateways_zone():
    """One with an offset is what it says; none is none."""
    west = timezone(timedelta(hours=6))
    assert in_utc(datetime.fromisoformat("2026-09-01T08:00"), west) == datetime(2026, 9, 1, 2, 0, tzinfo=UTC)
    assert in_utc(datetime(2026, 9, 1, 8, 0, tzinfo=UTC), west) == datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
    assert in_utc(None, west) is None
