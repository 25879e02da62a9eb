"""The one place that reads the time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime

_LOW = (1 << 62) - 1

Clock = Callable[[], datetime]
"""Gives the present moment, with its offset. Everything that needs the time is handed one."""


def system_clock() -> datetime:
    """Give the present moment in UTC."""
    return datetime.now(UTC)


def seconds() -> float:
    """Give seconds that only ever grow, for measuring how long something took."""
    return time.perf_counter()


def new_id(now: datetime) -> str:
    """Make a UUIDv7 (RFC 9562): ordered by time to the millisecond, random after it."""
    milliseconds = int(now.timestamp() * 1000)
    random = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | random >> 62 << 64 | 0b10 << 62 | random & _LOW
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
