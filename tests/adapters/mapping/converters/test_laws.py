"""Each converter's law: within its domain, what is written reads back the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping.converters import REGISTRY, OutsideDomain, build
from adapters.mapping.converters.exact import plain
from schemas import regions
from schemas.codes import table

_SHANGHAI = timezone(timedelta(hours=8))
_WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=12)
_DECIMALS = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=6).map(plain)
_DAYS = st.dates(date(1900, 1, 1)).map(date.isoformat)
_MOMENTS = st.integers(100_000, 253_000_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, _SHANGHAI).isoformat()
)
_DEGREES = st.decimals(Decimal("74"), Decimal("134"), places=8), st.decimals(Decimal("4"), Decimal("53"), places=8)
_POINTS = st.tuples(*_DEGREES).map(lambda point: {"longitude": plain(point[0]), "latitude": plain(point[1])})
_NAMED = [row.code for row in table("region") if regions.by_name(regions.path_name(row.code)) == row.code]
_TREES = st.recursive(
    st.text(st.characters(codec="utf-8")) | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=8,
)
_WRITS = st.builds(
    "{}环罚〔{}〕{}号".format, st.sampled_from("浙苏鲁川"), st.integers(2000, 2030), st.integers(1, 99999)
)

_DOMAINS: list[tuple[str, Any, st.SearchStrategy[Any]]] = [
    ("text", None, _WORDS),
    ("upper", None, st.text("ABCXYZ0123456789-", min_size=1)),
    ("pad", 8, st.integers(0, 10**8 - 1).map(str)),
    ("strip", "《》 ", _WORDS),
    ("prefix", "XK-", _WORDS),
    ("suffix", "万元", _WORDS),
    ("int", None, st.integers(-(10**30), 10**30)),
    ("decimal", None, _DECIMALS),
    ("grouped", None, _DECIMALS),
    ("scale", 10000, _DECIMALS),
    ("scale", Decimal("0.001"), _DECIMALS),
    ("bool", ["是", "否"], st.booleans()),
    ("bool", [1, 0], st.booleans()),
    ("bool", [["是", "有", 1], ["否", "无", 0]], st.booleans()),
    ("date", "%Y-%m-%d", _DAYS),
    ("date", "%Y%m%d", _DAYS),
    ("date", "%Y年%m月%d日", _DAYS),
    ("date", ["%Y/%m/%d %H:%M:%S", "%Y-%m-%d"], _DAYS),
    ("datetime", "%Y-%m-%d %H:%M:%S", _MOMENTS),
    ("datetime", "%Y%m%d%H%M%S", _MOMENTS),
    ("datetime", "%Y-%m-%dT%H:%M:%S%z", _MOMENTS),
    ("moment", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d"], _MOMENTS | _DAYS),
    ("epoch", "s", _MOMENTS),
    ("epoch", "ms", _MOMENTS),
    ("range", "至", st.lists(_WORDS.filter(lambda word: "至" not in word) | st.none(), min_size=2, max_size=2)),
    ("code", "eia-form", st.sampled_from(["report-book", "report-table"])),
    ("first", ",，", _WORDS.filter(lambda word: not {",", "，"} & set(word))),
    ("split", "；;", st.lists(_WORDS, min_size=1, max_size=4)),
    ("document-number", None, _WRITS),
    ("industry-code", None, st.sampled_from(["C2624", "D4430", "C37", "A0111"])),
    ("region-code", 12, st.sampled_from(["330110", "330000", "000000"])),
    ("region-name", None, st.sampled_from(_NAMED)),
    ("region-name", 330000, st.sampled_from(_NAMED)),
    ("region-name", {"within": 330100, "on": ""}, st.sampled_from(_NAMED)),
    ("dms", None, st.decimals(0, 180, places=8).map(plain)),
    ("embedded", "json", _TREES),
    ("join", " ", st.lists(_WORDS, min_size=2, max_size=2).map(" ".join)),
]


def test_every_converter_has_its_law_tried() -> None:
    """None is left out."""
    assert {name for name, _, _ in _DOMAINS} | {"coordinates"} == REGISTRY.keys()


@pytest.mark.parametrize(("name", "argument", "domain"), _DOMAINS, ids=lambda value: str(value)[:20])
def test_what_is_written_reads_back_the_same(name: str, argument: Any, domain: st.SearchStrategy[Any]) -> None:
    """For every canonical value of the domain."""
    converter = build(name, argument, {})

    @given(domain)
    def law(value: Any) -> None:
        written = converter.backward(value)
        if name == "join":
            written = dict(enumerate(written))
        assert converter.forward(written) == value

    law()


@pytest.mark.parametrize(("name", "argument", "domain"), _DOMAINS, ids=lambda value: str(value)[:20])
def test_what_is_read_keeps_its_meaning(name: str, argument: Any, domain: st.SearchStrategy[Any]) -> None:
    """For any text at all: refused, or read to something that survives being written and read again."""
    converter = build(name, argument, {})

    @given(st.text(max_size=20) | st.integers() | st.decimals() | st.booleans() | st.from_regex(r"[0-9./: -]{1,19}"))
    def law(native: Any) -> None:
        try:
            read = converter.forward({"a": native, "b": native} if converter.needs_parts else native)
            written = converter.backward(read)
        except OutsideDomain:
            return
        again = converter.forward(dict(enumerate(written)) if name == "join" else written)
        assert again == read or _but_for_fractions(again) == _but_for_fractions(read)

    law()


def _but_for_fractions(value: Any) -> Any:
    return value[:19] if isinstance(value, str) and value[10:11] == "T" else value


@pytest.mark.parametrize("system", ["gcj02", "bd09", "wgs84"])
def test_coordinates_return_within_a_millionth_of_a_degree(system: str) -> None:
    """Offset there and back."""
    converter = build("coordinates", system, {})

    @given(_POINTS)
    def law(point: dict[str, str]) -> None:
        there_and_back = converter.forward(converter.backward(point))
        for axis in point:
            assert abs(Decimal(there_and_back[axis]) - Decimal(point[axis])) <= Decimal("0.000001")

    law()


def test_times_are_of_shanghai() -> None:
    """Whatever offset was written."""
    utc = datetime(2025, 8, 6, 1, 30, tzinfo=UTC).isoformat()
    assert build("datetime", "%Y-%m-%d %H:%M:%S", {}).backward(utc) == "2025-08-06 09:30:00"
    assert build("datetime", "%Y-%m-%dT%H:%M:%S%z", {}).forward("2025-08-06T01:30:00Z") == "2025-08-06T09:30:00+08:00"
