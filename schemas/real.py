"""Numbers that look like a living person's: valid citizen ids, bank cards and mobile numbers, found in any text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from stdnum import luhn
from stdnum.cn import ric

from schemas.findings import Text

_CITIZEN = re.compile(r"(?<![0-9A-Za-z])[1-8][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
_CARD = re.compile(r"(?<![0-9A-Za-z.])(?:62[0-9]{14,17}|4[0-9]{15}|5[1-5][0-9]{14}|3[57][0-9]{13,14})(?![0-9A-Za-z])")
_MOBILE = re.compile(r"(?<![0-9A-Za-z.])(?:(?:\+|00)?86[- ]?)?(1[3-9][0-9]{9})(?![0-9A-Za-z])")

_OLDEST = 1850

CITIZEN = Text("公民身份号码", "a citizen id")
CARD = Text("银行卡号", "a bank card number")
MOBILE = Text("手机号码", "a mobile number")


@dataclass(frozen=True, slots=True)
class RealNumber:
    """A number that may be somebody's: what it is, and where in the text it begins."""

    kind: Text
    number: str
    start: int


def real_numbers(text: str) -> Iterator[RealNumber]:
    """Give the numbers in a text that pass every check of their kind, in time that grows with its length."""
    for found in _CITIZEN.finditer(text):
        if _is_citizen_id(found[0]):
            yield RealNumber(CITIZEN, found[0].upper(), found.start())
    for found in _CARD.finditer(text):
        if luhn.is_valid(found[0]):
            yield RealNumber(CARD, found[0], found.start())
    for found in _MOBILE.finditer(text):
        yield RealNumber(MOBILE, found[1], found.start(1))


def _is_citizen_id(number: str) -> bool:
    """Whether the day of birth and the check character hold; counties come and go, so the region is not asked."""
    try:
        born = date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
    except ValueError:
        return False
    return born.year >= _OLDEST and str(ric.calc_check_digit(number)) == number[-1].upper()
