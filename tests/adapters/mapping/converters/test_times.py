"""Days and times as platforms print them."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.mapping import REGISTRY
from adapters.mapping.converters import OutsideDomain
from adapters.mapping.converters.moments import Moment, canonical_moment, moment_of

F = "%Y-%m-%d %H:%M:%S"
Z = "%Y-%m-%dT%H:%M:%S%z"
REFUSED = None


def _read(kind: str, pattern: Any, text: str) -> Any:
    try:
        return REGISTRY[kind].make(pattern, {}).forward(text)
    except OutsideDomain:
        return REFUSED


@pytest.mark.parametrize(
    ("pattern", "text", "moment"),
    [
        (F, "2026-07-01 00:00:00.0", "2026-07-01T00:00:00+08:00"),
        (F, "2026-07-01 09:30:00.000", "2026-07-01T09:30:00+08:00"),
        (F, "2026-07-01 09:30:00.123456789", "2026-07-01T09:30:00.123456+08:00"),
        (F, "2026-07-01 24:00:00", "2026-07-02T00:00:00+08:00"),
        (F, "2026-07-01 24:00:00.0", "2026-07-02T00:00:00+08:00"),
        (F, "2026-12-31 24:00:00", "2027-01-01T00:00:00+08:00"),
        (F, "2028-02-28 24:00:00", "2028-02-29T00:00:00+08:00"),
        ("%Y-%m-%d %H:%M", "2026-07-01 24:00", "2026-07-02T00:00:00+08:00"),
        ("%Y%m%d%H%M%S", "20260701240000", "2026-07-02T00:00:00+08:00"),
        ("%Y%m%d%H%M%S", "20260701093000.0", "2026-07-01T09:30:00+08:00"),
        ("%Y年%m月%d日 %H时%M分%S秒", "2026年7月1日 24时0分0秒", "2026-07-02T00:00:00+08:00"),
        (Z, "2026-07-01T01:30:00.000+0000", "2026-07-01T09:30:00+08:00"),
        (Z, "2026-07-01T24:00:00+08:00", "2026-07-02T00:00:00+08:00"),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-07-01 09:30:00.5", "2026-07-01T09:30:00.500000+08:00"),
        (["%Y%m%d%H%M%S", F], "2026-07-01 09:30:00.0", "2026-07-01T09:30:00+08:00"),
        (F, "2026-07-01 24:00:01", REFUSED),
        (F, "2026-07-01 24:30:00", REFUSED),
        (F, "2026-07-01 24:00:00.5", REFUSED),
        (F, "2026-07-01 25:00:00", REFUSED),
        (F, "2026-02-29 24:00:00", REFUSED),
        (F, "9999-12-31 24:00:00", REFUSED),
        (F, "2026-07-01", REFUSED),
        (F, "2026-07-01 09:30:00.", REFUSED),
        (F, "2026-07-01 09:30:00.0 x", REFUSED),
        (F, "2026-07-01 09:30:00.1234567890", REFUSED),
        ("%Y-%m-%d %H:%M", "2026-07-01 09:30.0", REFUSED),
    ],
)
def test_a_time_in_any_of_its_forms(pattern: Any, text: str, moment: str | None) -> None:
    """Java's fraction, the end of a day, and nothing that is neither."""
    assert _read("datetime", pattern, text) == moment


@pytest.mark.parametrize(
    ("pattern", "text", "day"),
    [
        (F, "2026-07-01 09:30:00", "2026-07-01"),
        (F, "2026-07-01 00:00:00.0", "2026-07-01"),
        (F, "2026-07-01", "2026-07-01"),
        (F, "2026-7-1", "2026-07-01"),
        (F, "2026-12-31 24:00:00", "2026-12-31"),
        ("%Y%m%d%H%M%S", "20260701", "2026-07-01"),
        ("%Y年%m月%d日 %H:%M", "2026年7月1日", "2026-07-01"),
        (Z, "2026-06-30T16:00:00.000Z", "2026-07-01"),
        (Z, "2026-07-01", "2026-07-01"),
        ("%Y-%m-%d", "2026-07-01 00:00:00.0", "2026-07-01"),
        ("%Y-%m-%d", "2026-07-01 00:00", "2026-07-01"),
        ("%Y-%m-%d", "2026-07-01T00:00:00", "2026-07-01"),
        ("%Y-%m-%d", "2026-12-31 24:00:00", "2026-12-31"),
        ("%Y%m%d", "20260701000000", "2026-07-01"),
        ("%Y%m%d", "２０２６０７０１", "2026-07-01"),
        ("%Y年%m月%d日", "２０２６年７月1日", "2026-07-01"),
        ("%Y年%m月%d日", "2026年7月1日 00:00:00", "2026-07-01"),
        ("%Y-%m-%d", "2026-07-01 09:30:00", REFUSED),
        ("%Y-%m-%d", "2026-07-01 00:00:00.5", REFUSED),
        ("%Y-%m-%d", "2026-07-10000", REFUSED),
        ("%Y-%m-%d", "2026-02-30 00:00:00", REFUSED),
        ("%Y-%m-%d", "2026-07", REFUSED),
        ("%H:%M %Y-%m-%d", "2026-07-01", REFUSED),
        (F, "2026-07-01 ", REFUSED),
    ],
)
def test_a_day_in_any_of_its_forms(pattern: Any, text: str, day: str | None) -> None:
    """Alone where a time is usual, with a midnight where none is; the last hour of a day is that day's."""
    assert _read("date", pattern, text) == day


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01T08:30:00+08:00",
        "2026-07-01T08:30:00.250+08:00",
        "2026-07-01T00:30:00Z",
        "2026-07-01 08:30:00",
        "2026-W27-3T08:30:00+08:00",
        "2026-02-30T08:30:00+08:00",
        "2026-07-01T25:30:00+08:00",
        "2026-07-01T08:30:00+09:00",
        "２０２６-07-01T08:30:00+08:00",
        "2026-07-01x08:30:00+08:00",
        "",
    ],
)
def test_the_quick_way_to_canonical_text_is_the_long_one(text: str) -> None:
    """What is written as it should be already is only looked at, and everything else is made a value first."""
    found = moment_of(text)
    assert canonical_moment(text) == (None if found is None else found.isoformat())


@pytest.mark.parametrize("pattern", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y%m%d%H%M%S", "%Y-%m-%d %H:%M:%S%z"])
@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01 08:30:00",
        "2026-07-01T08:30:00",
        "20260701083000",
        "2026-07-01 24:00:00",
        "2026-02-30 08:30:00",
        "2026-07-01 08:30:00+0800",
        "2026-7-1 8:30:00",
        "2026-07-01 08:30:00.0",
    ],
)
def test_a_moment_is_read_the_same_as_text_and_as_a_value(pattern: str, text: str) -> None:
    """And written as it is read, whatever part the pattern has."""
    moment = Moment(pattern)
    found = moment.read(text)
    assert moment.canonical(text) == (None if found is None else found.isoformat())
    if found is not None:
        again = moment.read(moment.write(found.isoformat()))
        assert again == found
