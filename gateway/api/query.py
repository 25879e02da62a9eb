"""The parameters that many searches share: a moment, a cursor, a page's size."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, BeforeValidator

from schemas.scalars import CHINA_TIME


def _repair(value: object) -> object:
    """Give back the `+` that an unescaped query turned into a space."""
    return value.replace(" ", "+") if isinstance(value, str) and "T" in value else value


def _in_utc(value: datetime) -> datetime:
    """Take a time without offset for Chinese time; refuse what no ledger can keep."""
    if not 1970 <= value.year <= 9998:
        raise ValueError("the year is out of range")
    local = value if value.tzinfo else value.replace(tzinfo=CHINA_TIME)
    return local.astimezone(UTC)


Moment = Annotated[
    Annotated[datetime, BeforeValidator(_repair), AfterValidator(_in_utc)] | None,
    Query(description="ISO 8601; without an offset it is Chinese time", examples=["2026-09-01T08:00:00+08:00"]),
]
Cursor = Annotated[str | None, Query(max_length=500, description="The `cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most")]
