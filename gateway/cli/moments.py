"""Times as people read and write them on the command line: in one zone, always with its offset."""

from __future__ import annotations

import os
import tomllib
from datetime import datetime, tzinfo
from pathlib import Path

from gateway.clock import CHINA, zone
from gateway.settings import FILE, PREFIX, Unset


def here() -> tzinfo:
    """Give the zone that `HUTONG_ZONE` or `hutong.toml` names; Unset when it is none.

    The other settings are the gateway's, and what only calls one needs none of them.
    """
    name = os.environ.get(f"{PREFIX}ZONE") or _in_file() or CHINA
    try:
        return zone(name)
    except ValueError as error:
        raise Unset(f"{PREFIX}ZONE: {error}") from None


def shown(moment: str | None) -> str | None:
    """Write a moment of the gateway's for people: `2026-09-01 16:00:00+08:00`; a day stays a day."""
    if moment and len(moment) == len("2026-09-01"):
        return moment
    return written(datetime.fromisoformat(moment)) if moment else None


def written(moment: datetime) -> str:
    """Write a moment for people, to the second."""
    return moment.astimezone(here()).isoformat(" ", "seconds")


def given(moment: str | None) -> str | None:
    """Give a time that somebody typed its offset, if it has none; what is no time goes as it is, to be rejected."""
    try:
        read = datetime.fromisoformat(moment or "")
    except ValueError:
        return moment
    return read.isoformat() if read.tzinfo else read.replace(tzinfo=here()).isoformat()


def _in_file() -> str | None:
    try:
        found = tomllib.loads(Path(FILE).read_text("utf-8")).get("zone")
    except (OSError, ValueError):
        return None
    return found if isinstance(found, str) else None
