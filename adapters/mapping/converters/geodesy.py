"""The offset coordinates of Chinese maps (GCJ-02, BD-09) against CGCS2000, both ways to a millimetre.

WGS 84 and CGCS2000 differ by centimetres and are taken as the same.
"""

from __future__ import annotations

from collections.abc import Callable
from math import atan2, cos, hypot, pi, sin, sqrt

Point = tuple[float, float]
"""Longitude and latitude, decimal degrees."""

_AXIS = 6378245.0
_ECCENTRICITY = 0.00669342162296594323
_SPIN = pi * 3000 / 180
_NEAR = 1e-10
_ROUNDS = 16


def in_china(point: Point) -> bool:
    """Whether the offset applies: the rectangle around China that map services use."""
    longitude, latitude = point
    return 72.004 <= longitude <= 137.8347 and 0.8293 <= latitude <= 55.8271


def to_gcj02(point: Point) -> Point:
    """Give the GCJ-02 coordinates of a CGCS2000 point in China."""
    longitude, latitude = point
    x, y = longitude - 105.0, latitude - 35.0
    angle = latitude / 180 * pi
    magic = 1 - _ECCENTRICITY * sin(angle) ** 2
    east = _east(x, y) * 180 / (_AXIS / sqrt(magic) * cos(angle) * pi)
    north = _north(x, y) * 180 / (_AXIS * (1 - _ECCENTRICITY) / (magic * sqrt(magic)) * pi)
    return longitude + east, latitude + north


def to_bd09(point: Point) -> Point:
    """Give the BD-09 coordinates of a CGCS2000 point in China."""
    x, y = to_gcj02(point)
    reach = hypot(x, y) + 0.00002 * sin(y * _SPIN)
    angle = atan2(y, x) + 0.000003 * cos(x * _SPIN)
    return reach * cos(angle) + 0.0065, reach * sin(angle) + 0.006


def undone(offset: Callable[[Point], Point], point: Point) -> Point:
    """Find the CGCS2000 point whose offset coordinates are `point`, by fixed-point iteration."""
    # The offset changes by far less than the point does, so that subtracting the remaining error converges.
    x, y = point
    for _ in range(_ROUNDS):
        away_x, away_y = offset((x, y))
        x, y = x + point[0] - away_x, y + point[1] - away_y
        if abs(point[0] - away_x) < _NEAR and abs(point[1] - away_y) < _NEAR:
            break
    return x, y


def _waves(value: float) -> float:
    return (20 * sin(6 * value * pi) + 20 * sin(2 * value * pi)) * 2 / 3


def _east(x: float, y: float) -> float:
    slow = (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    slower = (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    return 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + _waves(x) + slow + slower


def _north(x: float, y: float) -> float:
    slow = (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    slower = (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    return -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + _waves(x) + slow + slower
