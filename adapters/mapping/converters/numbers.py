"""Number converters: whole numbers, exact decimals, scales and yes or no."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from adapters.mapping.converters.exact import NUMBER, divided, native_number, number_of, plain, rounded, times
from adapters.mapping.converters.kind import BadArgument, Codes, Converter, Kind, OutsideDomain, Specimen, plainly
from adapters.mapping.converters.texts import text_of
from schemas.findings import Text

_WHOLE = Text("整数", "a whole number")
_COMMON = 10**18


def whole(value: Any) -> int:
    """Read a whole number given as int, Decimal or text. Raises `OutsideDomain`."""
    if value.__class__ is int:
        return value
    number = number_of(value)
    if number != number.to_integral_value():
        raise OutsideDomain("value.integer", _WHOLE)
    return int(number)


def exact(value: Any) -> str:
    """Read a number as canonical decimal text. Raises `OutsideDomain`."""
    if value.__class__ is int and 0 <= value < _COMMON:
        return str(value)
    return plain(number_of(value))


def truth(value: Any) -> bool:
    """Read true or false, as JSON or in words. Raises `OutsideDomain`."""
    if value is True or value is False:
        return value
    if value.__class__ is str and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise OutsideDomain("value.bool", Text("true 或 false", "true or false"))


def _int() -> Converter:
    return Converter("int", whole, whole, gives="integer")


def _decimal() -> Converter:
    return Converter("decimal", exact, lambda value: native_number(number_of(value)))


def _scale(argument: Any, codes: Codes) -> Converter:
    factor = _factor(argument)
    wrong = Text(f"能被 {factor} 除尽的十进制数", f"a decimal number that {factor} divides without end")

    def forward(value: Any) -> str:
        return plain(times(number_of(value), factor))

    def backward(value: Any) -> int | Decimal:
        quotient = divided(number_of(value), factor)
        if quotient is None:
            raise OutsideDomain("value.scale", wrong)
        return native_number(quotient)

    def loosely(value: Any) -> int | Decimal:
        return native_number(rounded(number_of(value), factor))

    return Converter("scale", forward, backward, argument, loosely)


def _factor(argument: Any) -> Decimal:
    try:
        factor = number_of(argument)
    except OutsideDomain:
        raise BadArgument(f"参数应为{NUMBER.zh}", f"the argument is {NUMBER.en}") from None
    if factor <= 0:
        raise BadArgument("参数应大于零", "the argument is greater than zero")
    return factor


_GROUPS = re.compile(r"[+-]?[0-9]{1,3}([,，][0-9]{3})+(\.[0-9]+)?")
_COMMAS = str.maketrans("", "", ",，")


def _grouped() -> Converter:
    def forward(value: Any) -> str:
        if value.__class__ is str and _GROUPS.fullmatch(value):
            value = value.translate(_COMMAS)
        return exact(value)

    return Converter("grouped", forward, lambda value: format(number_of(exact(value)), ",f"))


def _bool(argument: Any, codes: Codes) -> Converter:
    sides = [_words(side) for side in argument] if isinstance(argument, list) else []
    if len(sides) != 2 or not all(sides):
        raise BadArgument("参数应为 [是, 否] 两个值（各可为列表）", "the argument is two values or lists: [yes, no]")
    yes, no = ([_word(value) for value in side] for side in sides)
    if set(yes) & set(no):
        raise BadArgument("是与否应是不同的值", "yes and no are different values")
    wrong = Text(f"{yes[0]} 或 {no[0]}", f"{yes[0]} or {no[0]}")
    meanings = {**dict.fromkeys(yes, True), **dict.fromkeys(no, False)}
    written = {True: sides[0][0], False: sides[1][0]}

    def forward(value: Any) -> bool:
        found = meanings.get(_word(value))
        if found is None:
            raise OutsideDomain("value.bool", wrong)
        return found

    return Converter("bool", forward, lambda value: written[truth(value)], argument, gives="bool")


def _words(side: Any) -> list[Any]:
    words = side if isinstance(side, list) else [side]
    return words if all(isinstance(word, str | int) for word in words) else []


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else text_of(value)


KINDS = (
    Kind(
        "int",
        Text("整数", "a whole number"),
        Text("整数", "whole numbers"),
        plainly(_int),
        (Specimen(3, 3), Specimen("12", 12, written=12)),
    ),
    Kind(
        "decimal",
        Text("精确的十进制数", "an exact decimal number"),
        Text("不超过 40 位的十进制数", "decimal numbers of at most 40 digits"),
        plainly(_decimal),
        (Specimen(20000, "20000"), Specimen("2000.50", "2000.5", written=Decimal("2000.5"))),
    ),
    Kind(
        "grouped",
        Text("带千分位的十进制数", "a decimal number with thousands separators"),
        Text("不超过 40 位的十进制数", "decimal numbers of at most 40 digits"),
        plainly(_grouped),
        (Specimen("20,000.5", "20000.5"), Specimen("20000", "20000", written="20,000")),
    ),
    Kind(
        "scale",
        Text("原值乘以参数等于标准值（如万元与元）", "native × argument = canonical (万元 against yuan)"),
        Text("能被参数除尽的数", "numbers that the argument divides without end"),
        _scale,
        (Specimen(Decimal("0.2"), "2000", 10000),),
        Text("倍数", "a factor"),
    ),
    Kind(
        "bool",
        Text("以两个值表示是与否", "two values for yes and no"),
        Text("真或假", "true or false"),
        _bool,
        (
            Specimen("1", True, ["1", "0"]),
            Specimen("否", False, ["是", "否"]),
            Specimen("Y", True, [["是", "有", "Y"], ["否", "无", "N"]], written="是"),
        ),
        Text("[是, 否]，各可为列表（写出第一个）", "[yes, no], each may be a list (the first is written)"),
    ),
)
