"""元 or 万元? What a column's name and the texts beside it say of the unit of its amounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from adapters.suggest import shapes
from adapters.suggest.columns import SampleColumn, Table

TEN_THOUSAND = 10000

_AMOUNT = re.compile(r"(\d[\d,]{0,15}(?:\.\d{1,6})?)\s*(万)?元")
_NAMED_WAN = re.compile(r"万|(^|_)wy$|wanyuan|_wan$", re.IGNORECASE)
_NAMED_YUAN = re.compile(r"元|yuan", re.IGNORECASE)
_GROUPED = re.compile(r"-?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?")
_MAX_TEXTS = 200


@dataclass(frozen=True, slots=True)
class Amounts:
    """The numbers of a column of money, and the converters that read how they are written (`20,000`, `0.2万元`)."""

    numbers: frozenset[Decimal]
    chain: tuple[str | dict[str, str], ...] = ()
    suffix: str = ""


def amounts(values: tuple[str, ...]) -> Amounts | None:
    """Read the values as money; None when some are not, or are written in several ways."""
    for suffix in ("万元", "元", ""):
        if values and all(text.endswith(suffix) for text in values):
            bare = [text.removesuffix(suffix).strip() for text in values]
            found = [shapes.number(text.replace(",", "")) for text in bare]
            if any(number is None for number in found) or not all(map(_GROUPED.fullmatch, bare)):
                return None
            grouped = any("," in text for text in bare)
            chain = (*(({"suffix": suffix},) if suffix else ()), *(("grouped",) if grouped else ()))
            return Amounts(frozenset(number for number in found if number is not None), chain, suffix)
    return None


@dataclass(frozen=True, slots=True)
class Unit:
    """What one native unit is in yuan, and what says so."""

    factor: int
    reason: str


def unit(column: SampleColumn, table: Table, *, fine: bool) -> Unit | None:
    """Tell the unit of a column of money, None when nothing says it; `fine`: a penalty, not an investment."""
    read = amounts(column.values)
    if read is None:
        return None
    if read.suffix:
        return Unit(TEN_THOUSAND if read.suffix == "万元" else 1, f"值带单位{read.suffix}")
    if _NAMED_WAN.search(column.name):
        return Unit(TEN_THOUSAND, "列名写明万元")
    if _NAMED_YUAN.search(column.name):
        return Unit(1, "列名写明元")
    numbers = {number for number in read.numbers if number > 0}
    named = _named(table, column)
    if numbers & named:
        return Unit(1, "与文字中的金额相同，单位为元")
    if {number * TEN_THOUSAND for number in numbers} & named:
        return Unit(TEN_THOUSAND, "文字中的金额是其一万倍，单位为万元")
    if fine and numbers and all(number >= 1000 and number == number.to_integral_value() for number in numbers):
        return Unit(1, "金额为千元以上的整数，推定单位为元")
    return None


def _named(table: Table, besides: SampleColumn) -> set[Decimal]:
    """The amounts that texts of the table name, in yuan."""
    texts = [text for column in table.columns if column is not besides for text in column.values if "元" in text]
    found = set()
    for text in texts[:_MAX_TEXTS]:
        for digits, wan in _AMOUNT.findall(text):
            number = shapes.number(digits.replace(",", ""))
            if number is not None:
                found.add(number * (TEN_THOUSAND if wan else 1))
    return found
