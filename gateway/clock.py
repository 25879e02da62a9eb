"""The one place that reads the time."""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from zoneinfo import ZoneInfo

from schemas.scalars import CHINA_TIME

_LOW = (1 << 62) - 1

Clock = Callable[[], datetime]
"""Gives the present moment, with its offset. Everything that needs the time is handed one."""


system_clock: Clock = partial(datetime.now, UTC)
"""Gives the present moment in UTC."""


Ticks = Callable[[], float]
"""Gives seconds that only ever grow, whatever is done to the wall clock; who measures an interval is handed one."""


monotonic: Ticks = time.monotonic
"""Gives the seconds of the machine's monotonic clock."""

seconds: Ticks = time.perf_counter
"""Gives seconds that only ever grow, for measuring how long something took."""

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


def steady(clock: Clock, ticks: Ticks) -> Clock:
    """Make a clock that starts with another and then goes by ticks alone: no step of the wall clock moves it.

    What is to happen after an interval is written down by it. Across a restart it may differ from
    the one before by as much as the wall clock was wrong: so the interval's beginning is written down, too.
    """
    began, at = clock(), ticks()
    return lambda: began + timedelta(seconds=ticks() - at)


_spare: deque[bytes] = deque()
os.register_at_fork(after_in_child=_spare.clear)  # else two processes would give the same ids


def random_bytes() -> bytes:
    """Give 16 bytes of the system's random source, which is read for 256 ids at a time: a call of it is dear."""
    try:
        return _spare.pop()
    except IndexError:
        many = os.urandom(16 * 256)
        _spare.extend(many[at : at + 16] for at in range(16, len(many), 16))
        return many[:16]


def new_id(now: datetime) -> str:
    """Make a UUIDv7 (RFC 9562): ordered by time to the millisecond, random after it."""
    at, random = f"{int(now.timestamp() * 1000):012x}", random_bytes().hex()
    return f"{at[:8]}-{at[8:]}-7{random[:3]}-{_VARIANT[random[3]]}{random[4:7]}-{random[7:19]}"


_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""A random digit as the one that also tells the variant (RFC 9562, 4.1)."""


def derived_id(now: datetime, *sources: str) -> str:
    """Make a UUIDv8 (RFC 9562) that follows from its sources: the same again for the same, ordered by time."""
    digest = hashlib.sha256("\0".join(sources).encode()).digest()
    random = int.from_bytes(digest[:10]) >> 6
    milliseconds = int(now.timestamp() * 1000)
    value = milliseconds << 80 | 8 << 76 | random >> 62 << 64 | 0b10 << 62 | random & _LOW
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
