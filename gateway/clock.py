"""The one place that reads the time."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from schemas.scalars import CHINA_TIME

_LOW = (1 << 62) - 1

Clock = Callable[[], datetime]
"""Gives the present moment, with its offset. Everything that needs the time is handed one."""


def system_clock() -> datetime:
    """Give the present moment in UTC."""
    return datetime.now(UTC)


Ticks = Callable[[], float]
"""Gives seconds that only ever grow, whatever is done to the wall clock; who measures an interval is handed one."""


def monotonic() -> float:
    """Give the seconds of the machine's monotonic clock."""
    return time.monotonic()


CHINA = "Asia/Shanghai"


def zone(name: str) -> tzinfo:
    """Give the zone in which people read and write times, by its name in the IANA database; ValueError for none.

    China's is known without that database, which a small machine may not have.
    """
    if name == CHINA:
        return CHINA_TIME
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"{name} is no time zone; write one like {CHINA} or UTC") from None


def seconds() -> float:
    """Give seconds that only ever grow, for measuring how long something took."""
    return time.perf_counter()


def steady(clock: Clock, ticks: Ticks) -> Clock:
    """Make a clock that starts with another and then goes by ticks alone: no step of the wall clock moves it.

    What is to happen after an interval is written down by it. Across a restart it may differ from
    the one before by as much as the wall clock was wrong.
    """
    began, at = clock(), ticks()
    return lambda: began + timedelta(seconds=ticks() - at)


def new_id(now: datetime) -> str:
    """Make a UUIDv7 (RFC 9562): ordered by time to the millisecond, random after it."""
    return _uuid(now, 7, secrets.randbits(74))


def derived_id(now: datetime, *sources: str) -> str:
    """Make a UUIDv8 (RFC 9562) that follows from its sources: the same again for the same, ordered by time."""
    digest = hashlib.sha256("\0".join(sources).encode()).digest()
    return _uuid(now, 8, int.from_bytes(digest[:10]) >> 6)


def _uuid(now: datetime, version: int, random: int) -> str:
    milliseconds = int(now.timestamp() * 1000)
    value = milliseconds << 80 | version << 76 | random >> 62 << 64 | 0b10 << 62 | random & _LOW
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
