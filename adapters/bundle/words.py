"""Durations, sizes and rates as a bundle writes them: `10s`, `2MB`, `50/s`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from adapters.misfit import Misfit

DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)")
SIZE = re.compile(r"([0-9]{1,12})(B|KB|MB)")
RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)/(s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KB": 1024, "MB": 1024 * 1024}


def duration(text: Any) -> timedelta:
    """Read `250ms`, `10s`, `10m`, `72h` or `3d`; raises ValueError."""
    number, unit = _parts(DURATION, text, "10s, 10m, 72h")
    return timedelta(seconds=float(number) * _SECONDS[unit])


def size(text: Any) -> int:
    """Read `512KB` or `2MB` (1 KB is 1024 bytes); raises ValueError."""
    number, unit = _parts(SIZE, text, "512KB, 2MB")
    return int(number) * _BYTES[unit]


def rate(text: Any) -> float:
    """Read `50/s` or `600/m` as requests a second; raises ValueError."""
    number, unit = _parts(RATE, text, "50/s, 600/m")
    return float(number) / _SECONDS[unit]


def _parts(pattern: re.Pattern[str], text: Any, examples: str) -> tuple[str, str]:
    match = pattern.fullmatch(str(text))
    if match is None or not float(match[1]):
        raise Misfit(f"写法如 {examples}", f"write it like {examples}")
    return match[1], match[2]
