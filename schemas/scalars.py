"""The one normal form of numbers, money, days and times; what cannot be brought there raises Misshapen."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from schemas.identifiers.identifier import misshapen

CHINA_TIME = timezone(timedelta(hours=8))
"""The one offset of canonical times, +08:00: China has had no other since 1991."""

PLAIN = re.compile(r"(?:0|-?[1-9]\d{0,14})(?:\.\d{0,9}[1-9])?|-0\.\d{0,9}[1-9]", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,20})?(?:E[+-]?\d)?", re.ASCII)
_COUNT_DIGITS = 18
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})", re.ASCII | re.IGNORECASE
)
_CANONICAL_INSTANT = re.compile(r"[12]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+08:00", re.ASCII)


def plain_decimal(value: Any) -> str:
    """Return a number (text, int or Decimal) without exponent and trailing zeros; raises Misshapen.

    A float is refused: it has already lost what was written.
    """
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return value
    number = _decimal(value)
    text = f"{number.normalize():f}"
    if number.is_zero():
        return "0"
    if not PLAIN.fullmatch(text):
        raise misshapen(
            "decimal.range",
            value,
            "数值超出范围：整数最多15位，小数最多10位。",
            "Out of range: at most 15 digits before the point and 10 after it.",
        )
    return text


def count_of(text: str) -> int | None:
    """Read a count of at most 18 digits, in any script's digits; None for any other text.

    Python refuses to read an integer of some thousand digits, and takes the square of their number before that.
    """
    return int(text) if text.isdecimal() and len(text) <= _COUNT_DIGITS else None


def _decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip().upper()):
        return Decimal(value.strip())
    zh = "不是十进制数：请用不带单位和千分位的数字，例如“20000”或“0.2”。"
    raise misshapen("decimal.shape", value, zh, 'Not a decimal number: write digits only, such as "20000" or "0.2".')


def money(value: Any) -> str:
    """Return an amount in yuan, not negative, no finer than a fen; raises Misshapen."""
    text = plain_decimal(value)
    if text[0] == "-":
        raise misshapen("money.negative", value, "金额不能为负。", "An amount of money cannot be negative.")
    if "." in text and len(text) - text.index(".") > 3:
        zh = "金额（元）精确到分，最多两位小数；如原值为万元请先换算。"
        raise misshapen("money.fraction", value, zh, "Yuan with at most two decimals; convert from 10,000 yuan first.")
    return text


def degrees(limit: int, zh: str, en: str) -> Callable[[Any], str]:
    """Return the reader of a coordinate within ±`limit` decimal degrees."""

    def read(value: Any) -> str:
        text = plain_decimal(value)
        if not -limit <= float(text) <= limit:
            raise misshapen(
                "location.range", value, f"{zh}应在±{limit}度之内。", f"{en} must be within ±{limit} degrees."
            )
        return text

    return read


def day(value: Any) -> str:
    """Return a date as `YYYY-MM-DD`; raises Misshapen."""
    if isinstance(value, str) and _DAY.fullmatch(text := value.strip()):
        try:
            date.fromisoformat(text)
        except ValueError:
            pass
        else:
            return text
    raise misshapen("date.shape", value, "不是有效日期：应为 YYYY-MM-DD。", "Not a date: expected YYYY-MM-DD.")


def instant(value: Any) -> str:
    """Return a time as `YYYY-MM-DDTHH:MM:SS+08:00`, a fraction only when it is not zero; raises Misshapen."""
    if isinstance(value, str) and _CANONICAL_INSTANT.fullmatch(value) and is_moment(value):
        return value
    found = _INSTANT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        try:
            local = datetime.fromisoformat("T".join(found.groups()[:2]) + found[3].upper()).astimezone(CHINA_TIME)
            return local.isoformat()
        except (ValueError, OverflowError):
            pass
    zh = "不是有效时间：应为带时区的 YYYY-MM-DDTHH:MM:SS+08:00。"
    raise misshapen("datetime.shape", value, zh, "Not a time: expected YYYY-MM-DDTHH:MM:SS+08:00, offset included.")


def moment(value: Any) -> str:
    """Return a day as `YYYY-MM-DD`, or a time as `instant` gives it; raises Misshapen."""
    return day(value) if isinstance(value, str) and _DAY.fullmatch(value.strip()) else instant(value)


def is_moment(text: str) -> bool:
    """Tell whether a text is a moment as ISO 8601 writes one."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
