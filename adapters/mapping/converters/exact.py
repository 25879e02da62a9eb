"""Exact decimal arithmetic: no float at any step, and an inexact result is an error."""

from __future__ import annotations

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from typing import Any

from adapters.mapping.converters.kind import OutsideDomain
from schemas.findings import Text

MAX_DIGITS = 40
NUMBER = Text("不超过 40 位的十进制数", "a decimal number of at most 40 digits")

_EXACT = Context(prec=2 * MAX_DIGITS, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])


def number_of(value: Any) -> Decimal:
    """Read a number given as int, Decimal or text without thousands separators. Raises `OutsideDomain`."""
    if value.__class__ is int and -(10**MAX_DIGITS) < value < 10**MAX_DIGITS:
        return Decimal(value)
    if value.__class__ is str and len(value) <= MAX_DIGITS + 2 and "_" not in value:
        return _bounded(_decimal(value))
    if isinstance(value, Decimal):
        return _bounded(value)
    raise OutsideDomain("value.number", NUMBER)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise OutsideDomain("value.number", NUMBER) from None


def _bounded(value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value.adjusted()) > MAX_DIGITS:
        raise OutsideDomain("value.number", NUMBER)
    return value


def plain(value: Decimal) -> str:
    """Write a number without exponent or trailing zeros: `20000`, `0.2`. Raises `OutsideDomain` beyond 40 digits."""
    text = format(_bounded(value), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if len(text) > 2 * MAX_DIGITS:
        raise OutsideDomain("value.number", NUMBER)
    return "0" if text == "-0" else text


def native_number(value: Decimal) -> int | Decimal:
    """A number as JSON writes it: whole numbers without a point."""
    return int(value) if value == value.to_integral_value() else value


def times(value: Decimal, factor: Decimal) -> Decimal:
    """Multiply exactly. Raises `OutsideDomain` where 80 digits are not enough."""
    try:
        return _EXACT.multiply(value, factor)
    except (Inexact, Overflow):
        raise OutsideDomain("value.number", NUMBER) from None


def divided(value: Decimal, divisor: Decimal) -> Decimal | None:
    """Divide exactly; None where the quotient has no end."""
    try:
        return _EXACT.divide(value, divisor)
    except (Inexact, Overflow):
        return None


def rounded(value: Decimal, divisor: Decimal) -> Decimal:
    """Divide to 20 decimals, where a loss is declared."""
    with localcontext(Context(prec=2 * MAX_DIGITS)):
        return (value / divisor).quantize(Decimal(1).scaleb(-20))
