"""元 or 万元? What a column's name and the texts beside it say of the unit of its amounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from adapters.suggest import shapes
from adapters.suggest.columns import Column, Table

TEN_THOUSAND = 10000

_AMOUNT = re.compile(r"(\d[\d,]{0,15}(?:\.\d{1,6})?)\s*(万)?元")
_NAMED_WAN = re.compile(r"万|(^|_)wy$|wanyuan|_wan$", re.IGNORECASE)
_NAMED_YUAN = re.compile(r"元|yuan", re.IGNORECASE)
_MAX_TEXTS = 200


@dataclass(frozen=True, slots=True)
class Unit:
    """What one native unit is in yuan, and what says so."""

    factor: int
    reason: str


def unit(column: Column, table: Table, *, fine: bool) -> Unit | None:
    """Tell the unit of a column of money, None when nothing says it; `fine`: a penalty, not an investment."""
    if _NAMED_WAN.search(column.name):
        return Unit(TEN_THOUSAND, "列名写明万元")
    if _NAMED_YUAN.search(column.name):
        return Unit(1, "列名写明元")
    numbers = {number for text in column.values if (number := shapes.number(text)) and number > 0}
    named = _named(table, column)
    if numbers & named:
        return Unit(1, "与文字中的金额相同，单位为元")
    if {number * TEN_THOUSAND for number in numbers} & named:
        return Unit(TEN_THOUSAND, "文字中的金额是其一万倍，单位为万元")
    if fine and numbers and all(number >= 1000 and number == number.to_integral_value() for number in numbers):
        return Unit(1, "金额为千元以上的整数，推定单位为元")
    return None


def _named(table: Table, besides: Column) -> set[Decimal]:
    """The amounts that texts of the table name, in yuan."""
    texts = [text for column in table.columns if column is not besides for text in column.values if "元" in text]
    found = set()
    for text in texts[:_MAX_TEXTS]:
        for digits, wan in _AMOUNT.findall(text):
            number = shapes.number(digits.replace(",", ""))
            if number is not None:
                found.add(number * (TEN_THOUSAND if wan else 1))
    return found
