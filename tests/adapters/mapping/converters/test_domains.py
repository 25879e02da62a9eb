"""What converters refuse, and how they say so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from adapters.mapping.converters import OutsideDomain, build
from adapters.mapping.converters.geodesy import to_bd09, to_gcj02, undone


def _refusal(name: str, argument: Any, native: Any) -> str:
    with pytest.raises(OutsideDomain) as caught:
        build(name, argument, {}).forward(native)
    assert caught.value.expected.zh
    assert caught.value.expected.en
    return caught.value.code


@pytest.mark.parametrize(
    ("name", "argument", "native", "code"),
    [
        ("text", None, True, "value.text"),
        ("text", None, {"a": 1}, "value.text"),
        ("int", None, "1.5", "value.integer"),
        ("int", None, True, "value.number"),
        ("decimal", None, "1,000", "value.number"),
        ("decimal", None, "1_000", "value.number"),
        ("decimal", None, "NaN", "value.number"),
        ("decimal", None, "Infinity", "value.number"),
        ("decimal", None, "1e999999", "value.number"),
        ("decimal", None, Decimal("1E+99999"), "value.number"),
        ("decimal", None, 10**60, "value.number"),
        ("decimal", None, "二万", "value.number"),
        ("bool", ["1", "0"], "2", "value.bool"),
        ("date", "%Y%m%d", "20250231", "value.date"),
        ("date", "%Y%m%d", "2025-02-03", "value.date"),
        ("date", "%Y-%m-%d", "2025-W01-1", "value.date"),
        ("date", "%Y-%m-%d", "2025-1-1x", "value.date"),
        ("datetime", "%Y-%m-%d %H:%M:%S", "2025-08-06 10:20+08", "value.date"),
        ("datetime", "%Y-%m-%d %H:%M:%S", "2025-08-06 102030.1", "value.date"),
        ("epoch", "s", -1, "value.date"),
        ("epoch", "ms", 10**30, "value.date"),
        ("range", "至", "2024-09-10", "value.range"),
        ("range", "至", "1至2至3", "value.range"),
        ("code", "eia-form", "9", "code.unknown"),
        ("prefix", "XK-", "2024", "value.prefix"),
        ("suffix", "万元", "0.2", "value.suffix"),
        ("suffix", "万元", "万元", "value.suffix"),
        ("grouped", None, "20,00", "value.number"),
        ("grouped", None, "1,000,00", "value.number"),
        ("bool", [["是", "有"], "否"], "无", "value.bool"),
        ("dms", None, "119°61′00″", "value.degrees"),
        ("dms", None, "119°", "value.number"),
        ("region-name", 330000, "余杭区", "region.name"),
        ("strip", "-", "---", "value.text"),
        ("embedded", "json", "{", "value.embedded"),
        ("embedded", "json", '{"a":1,"a":2}', "value.embedded"),
        ("embedded", "xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "value.embedded"),
        ("document-number", None, "字" * 101, "document-number.shape"),
        ("coordinates", "gcj02", {"longitude": "120"}, "value.point"),
        ("coordinates", "gcj02", {"longitude": "220", "latitude": "30"}, "value.point"),
        ("region-name", None, "蓬莱仙岛", "region.name"),
        ("join", " ", {"日期": "2025", "时间": None}, "value.parts"),
    ],
)
def test_what_is_outside_the_domain_is_refused(name: str, argument: Any, native: Any, code: str) -> None:
    """With a stable code and what was expected."""
    assert _refusal(name, argument, native) == code


@pytest.mark.parametrize(
    ("name", "argument", "canonical"),
    [
        ("split", "；;", ["第一条；第二条"]),
        ("split", ",", [""]),
        ("pad", 3, "1234"),
        ("pad", 3, "012"),
        ("strip", "-", "-1"),
        ("scale", 3, "10"),
        ("datetime", "%Y-%m-%d", "2025-08-06T09:30:00+08:00"),
        ("datetime", "%Y-%m-%d %H:%M", "2025-08-06T09:30:01+08:00"),
        ("region-name", None, "330101"),
        ("region-name", 330000, "330101"),
        ("suffix", "万元", "2 "),
        ("dms", None, "-1"),
        ("dms", None, "119.123456789"),
        ("date", "%Y%m%d", "2025-08-06T09:30:00+08:00"),
    ],
)
def test_what_would_not_read_back_is_not_written(name: str, argument: Any, canonical: Any) -> None:
    """Unless the mapping declares the loss: then it is written as well as it can be."""
    converter = build(name, argument, {})
    with pytest.raises(OutsideDomain):
        converter.backward(canonical)
    if converter.loosely is not None:
        assert converter.writer(loose=True)(canonical) is not None
    assert converter.writer(loose=False) == converter.backward


def test_the_scale_is_exact() -> None:
    """万元 and yuan without a float on the way."""
    scale = build("scale", 10000, {})
    assert scale.forward(Decimal("0.2")) == "2000"
    assert scale.forward("123456.789012") == "1234567890.12"
    assert scale.backward("0.01") == Decimal("0.000001")
    assert scale.backward("20000") == 2
    assert isinstance(scale.backward("20000"), int)


def test_sloppy_dates_are_read_and_written_well() -> None:
    """One digit for two where text follows."""
    date = build("date", "%Y-%m-%d", {})
    assert date.forward("2025-8-6") == "2025-08-06"
    assert date.backward("2025-08-06") == "2025-08-06"


def test_a_point_abroad_is_left_alone() -> None:
    """The offset of Chinese maps ends at the rectangle around China."""
    paris = {"longitude": "2.3522", "latitude": "48.8566"}
    assert build("coordinates", "gcj02", {}).forward(paris) == paris


def test_the_offsets_are_those_of_the_maps() -> None:
    """Tian'anmen as every public implementation of GCJ-02 and BD-09 has it."""
    assert to_gcj02((116.404, 39.915)) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-9)
    behind = undone(to_gcj02, (116.404, 39.915))
    assert to_bd09(behind) == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-9)


def test_amounts_come_with_units_and_separators() -> None:
    """A chain of converters reads what people write, and writes it so again."""
    unit, scale, grouped = build("suffix", "万元", {}), build("scale", 10000, {}), build("grouped", None, {})
    assert scale.forward(unit.forward("12.5 万元")) == "125000"
    assert unit.backward(scale.backward("125000")) == "12.5万元"
    assert grouped.forward("1，234,567.80") == "1234567.8"
    assert grouped.backward("1234567.8") == "1,234,567.8"


@pytest.mark.parametrize(
    ("native", "code"),
    [("杭州市/余杭区", "330110"), ("浙江省杭州市余杭区", "330110"), ("浙江省", "330000"), ("江苏省南京市", "320100")],
)
def test_a_name_below_a_region_may_also_be_whole(native: str, code: str) -> None:
    """Inside the province it is short, outside and for the province itself whole."""
    below = build("region-name", 330000, {})
    assert below.forward(native) == code
    assert below.forward(below.backward(code)) == code


def test_degrees_are_read_as_people_write_them() -> None:
    """Minutes without seconds, any quotation mark, Chinese units, plain decimals."""
    dms = build("dms", None, {})
    for native in ("30°23′30″", "30°23'30\"", "30度23分30秒", "30° 23′ 30″", "30.39166667"):
        assert dms.forward(native) == "30.39166667"
    assert dms.forward("30°23′") == "30.38333333"
