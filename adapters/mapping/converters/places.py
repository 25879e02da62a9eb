"""Place converters: coordinates of other systems, and region names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from adapters.mapping.converters.exact import number_of, plain
from adapters.mapping.converters.geodesy import Point, in_china, to_bd09, to_gcj02, undone
from adapters.mapping.converters.kind import BadArgument, Codes, Converter, Kind, OutsideDomain, Specimen, plainly
from adapters.mapping.converters.texts import text_of
from schemas import regions
from schemas.findings import Text

DECIMALS = Decimal("0.00000001")
_SEPARATORS = str.maketrans("", "", "/／-—、· \t")
_OFFSETS: Mapping[str, Callable[[Point], Point] | None] = {"gcj02": to_gcj02, "bd09": to_bd09, "wgs84": None}
_POINT = Text("经度和纬度（longitude、latitude）", "a longitude and a latitude")
_EDGE = Text("不在国界外框边缘的坐标", "a point away from the rectangle around China")


def _coordinates(argument: Any, codes: Codes) -> Converter:
    if argument not in _OFFSETS:
        raise BadArgument("参数应为 gcj02、bd09 或 wgs84", "the argument is gcj02, bd09 or wgs84")
    offset = _OFFSETS[argument]

    def forward(value: Any) -> dict[str, str]:
        if offset is None:
            return _exact(value)
        point = _point(value)
        return _written(undone(offset, point) if in_china(point) else point)

    def backward(value: Any) -> dict[str, str]:
        if offset is None:
            return _exact(value)
        point = _point(value)
        if not in_china(point):
            return _written(point)
        away = offset(point)
        if not in_china(away):
            raise OutsideDomain("value.point", _EDGE)
        return _written(away)

    return Converter("coordinates", forward, backward, argument, gives="tree", needs_parts=True)


def _numbers(value: Any) -> tuple[Decimal, Decimal]:
    if not isinstance(value, Mapping) or any(value.get(name) is None for name in ("longitude", "latitude")):
        raise OutsideDomain("value.point", _POINT)
    longitude, latitude = number_of(value["longitude"]), number_of(value["latitude"])
    if abs(longitude) > 180 or abs(latitude) > 90:
        raise OutsideDomain("value.point", Text("±180 度内的经度、±90 度内的纬度", "degrees within ±180 and ±90"))
    return longitude, latitude


def _exact(value: Any) -> dict[str, str]:
    longitude, latitude = _numbers(value)
    return {"longitude": plain(longitude), "latitude": plain(latitude)}


def _point(value: Any) -> Point:
    longitude, latitude = _numbers(value)
    return float(longitude), float(latitude)


def _written(point: Point) -> dict[str, str]:
    longitude, latitude = (plain(Decimal(degrees).quantize(DECIMALS)) for degrees in point)
    return {"longitude": longitude, "latitude": latitude}


_FULL = Text("省/市/县的完整名称", "the full path of names: province/city/county")
_ITS_OWN = Text("名称唯一的现行区划代码", "a region in force whose full name is its own")


def _region_name(argument: Any, codes: Codes) -> Converter:
    said = {} if argument is None else argument if isinstance(argument, Mapping) else {"within": argument}
    within, on = said.get("within"), said.get("on", "/")
    if said.keys() - {"within", "on"} or not isinstance(on, str) or on.translate(_SEPARATORS):
        raise BadArgument(
            "参数应为区划代码，或 {within: 代码, on: 连接符}", "the argument is a region, or {within, on}"
        )
    above = [] if within is None else _steps_to(str(within))

    def forward(value: Any) -> str:
        name = text_of(value).translate(_SEPARATORS)
        found = regions.by_name("".join(above) + name) or regions.by_name(name)
        if found is None:
            raise OutsideDomain("region.name", _FULL)
        return found

    def loosely(value: Any) -> str:
        steps = regions.path_name(text_of(value)).split("/")
        lower = steps[len(above) :] if steps[: len(above)] == above else steps
        return on.join(lower or steps)

    def backward(value: Any) -> str:
        written = loosely(value)
        if not written or forward(written) != value:
            raise OutsideDomain("region.name", _ITS_OWN)
        return written

    return Converter("region-name", forward, backward, argument, loosely=loosely)


def _steps_to(code: str) -> list[str]:
    if regions.row(code) is None:
        raise BadArgument(f"没有行政区划 {code}", f"there is no region {code}")
    return regions.path_name(code).split("/")


_DEGREES = re.compile(
    r"(?P<d>[0-9]{1,3})[°度º](?P<m>[0-9]{1,2})[′'’分](?:(?P<s>[0-9]{1,2}(?:\.[0-9]{1,8})?)(?:[″\"”秒]|''))?"
)


def _dms() -> Converter:
    wrong = Text("度分秒，如 119°58′24.6″", "degrees, minutes and seconds such as 119°58′24.6″")

    def forward(value: Any) -> str:
        match = _DEGREES.fullmatch(value.replace(" ", "")) if value.__class__ is str else None
        if match is None:
            return plain(number_of(value))
        minutes, seconds = int(match["m"]), Decimal(match["s"] or 0)
        if minutes >= 60 or seconds >= 60:
            raise OutsideDomain("value.degrees", wrong)
        whole = int(match["d"]) * 3600 + minutes * 60 + seconds
        return plain((whole / 3600).quantize(DECIMALS))

    def backward(value: Any) -> str:
        degrees = number_of(value)
        if not 0 <= degrees <= 180 or degrees != degrees.quantize(DECIMALS):
            raise OutsideDomain(
                "value.degrees", Text("0 至 180 度、至多八位小数", "0 to 180 degrees, at most 8 decimals")
            )
        minutes, seconds = divmod(degrees * 3600, 60)
        return f"{int(minutes) // 60}°{int(minutes) % 60:02}′{plain(seconds)}″"

    return Converter("dms", forward, backward)


KINDS = (
    Kind(
        "coordinates",
        Text("火星、百度或 WGS 84 坐标（用于 parts）", "GCJ-02, BD-09 or WGS 84 coordinates (with parts)"),
        Text("经纬度，误差 1e-6 度以内", "points, within 1e-6 degrees"),
        _coordinates,
        (
            Specimen(
                {"longitude": "120.153576", "latitude": "30.287459"},
                {"longitude": "120.153576", "latitude": "30.287459"},
                "wgs84",
            ),
            Specimen(
                {"longitude": "120.1582", "latitude": "30.2851"},
                {"longitude": "120.1534998", "latitude": "30.2874246"},
                "gcj02",
            ),
        ),
        Text("gcj02、bd09 或 wgs84", "gcj02, bd09 or wgs84"),
    ),
    Kind(
        "region-name",
        Text(
            "区划全称 省/市/县，或某区划之下的名称",
            "the full name of a region: province/city/county, or its name below another",
        ),
        Text("现行区划代码，且全称唯一", "regions in force whose full name is their own"),
        _region_name,
        (
            Specimen("浙江省杭州市余杭区", "330110", written="浙江省/杭州市/余杭区"),
            Specimen("杭州市余杭区", "330110", {"within": 330000, "on": ""}),
        ),
        Text(
            "名称所在的上级区划代码，或 {within: 代码, on: 连接符}",
            "the region that names start below, or {within: region, on: what joins the levels}",
        ),
        optional=True,
    ),
    Kind(
        "dms",
        Text("度分秒表示的经度或纬度", "a longitude or latitude in degrees, minutes and seconds"),
        Text("0 至 180 度、至多八位小数", "0 to 180 degrees with at most 8 decimals"),
        plainly(_dms),
        (
            Specimen("119°58′24.6″", "119.9735"),
            Specimen("119度58分24秒", "119.97333333", written="119°58′23.999988″"),
        ),
    ),
)
