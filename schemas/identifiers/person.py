"""Numbers of people: the citizen id 公民身份号码 (GB 11643-1999) and the officer's number 执法证件号."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date

from stdnum.cn import ric

from schemas.findings import Finding, Text
from schemas.identifiers.folding import fold, half_width
from schemas.identifiers.identifier import Identifier, Misshapen, misshapen

_PROVINCE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])"
"""Issuing provinces (GB/T 2260); 81 to 83 are the residence permits of people from Hong Kong, Macao and Taiwan."""

_PERSON = re.compile(
    rf"{_PROVINCE}\d{{4}}(?:19|20)\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{{3}}[\dX]", re.ASCII
)
_LAST_BIRTH = 2026
"""Nobody born later is a party of a case before 2040: a later year is the serial of something else."""

_LENGTH = 18
_LONGEST = 40


class CitizenId(Identifier):
    """公民身份号码, 17 digits and a check character, GB 11643-1999. Personal: shown masked only."""

    __slots__ = ()
    name = "citizen-id"
    title = "公民身份号码"
    form = Text(
        "17位数字加1位校验码，第7至14位为出生日期", "17 digits and a check character, 7 to 14 the date of birth"
    )
    pattern = re.compile(r"\d{6}(?:1[89]|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]", re.ASCII)

    @classmethod
    def normalise(cls, text: str) -> str:
        value = super().normalise(text)
        with suppress(ValueError):
            date.fromisoformat(f"{value[6:10]}-{value[10:12]}-{value[12:14]}")
            return value
        raise cls.refuse(text)

    @classmethod
    def tidy(cls, folded: str) -> str:
        return folded.replace("-", "")

    @property
    def masked(self) -> str:
        """The id as it may be shown: the six digits of the region, the rest hidden."""
        return mask_citizen_id(self.value)

    @classmethod
    def doubts(cls, value: str) -> tuple[Finding, ...]:
        if value[-1] == ric.calc_check_digit(value):
            return ()
        zh = "公民身份号码校验位不符（GB 11643-1999），请与证件核对。"
        en = "The check digit fails (GB 11643-1999). Compare the identity card."
        return (cls.doubt("check-digit", mask_citizen_id(value), zh, en),)


def mask_citizen_id(value: str) -> str:
    """Keep the six digits of the region and hide the other twelve."""
    return value[:6] + "*" * (len(value) - 6)


def is_citizen_id(text: str) -> bool:
    """Tell whether a text is somebody's citizen id: its shape, a province, a plausible birth date and the check digit.

    Eighteen digits of region, date and serial pass by chance once in eleven, so only an identity field is judged by it.
    """
    # Nearly all texts are other numbers: letters and digits alone are told by their length and their first seventeen.
    if text.isascii() and text.isalnum():
        return len(text) == _LENGTH and text[:-1].isdecimal() and _is_somebodys(text.upper())
    return len(text) <= _LONGEST and _is_somebodys(fold(text).replace("-", ""))


def _is_somebodys(value: str) -> bool:
    if not _PERSON.fullmatch(value):
        return False
    try:
        born = date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    return born.year <= _LAST_BIRTH and value[-1] == str(ric.calc_check_digit(value))


class MisplacedCitizenId(Misshapen):
    """A citizen id in a field that names somebody by another number. Its finding shows it masked."""


def misplaced(title: str, text: str) -> MisplacedCitizenId:
    """Build the error that says a citizen id stands in the field `title`."""
    zh = f"这是公民身份号码，不能填在“{title}”中：请填入公民身份号码一栏，没有该栏的请不要填写。"
    en = "This is a citizen id, which does not belong here: put it where citizen ids go, or leave it out."
    return MisplacedCitizenId(misshapen("citizen-id.misplaced", mask_citizen_id(fold(text)), zh, en).finding)


_NOT_AN_OFFICERS = "(?<!执法)"
_NAMES = ("身份证", "身份證", "身份号", "身份號", "公民身份", f"{_NOT_AN_OFFICERS}证件号")
_ENGLISH = r"(?i:citizen\s+id|id\s+card|id\s+(?:no|number))"
_IDENTITY_WORD = f"(?:{'|'.join((*_NAMES, _ENGLISH))})"
_NUMBER = r"(?<![0-9A-Za-z])(?:\d{17}[\dXx]|\d{15})(?![0-9A-Za-z])"
_BESIDE = re.compile(
    rf"(?:{_IDENTITY_WORD}[^。；;，,、\n\d]{{0,12}}(?P<after>{_NUMBER}))|(?P<before>{_NUMBER})(?=[^。；;，,、\n\d]{{0,6}}{_IDENTITY_WORD})"
)


def mask_in_text(text: str) -> str:
    """Mask, in free text, the citizen ids that stand beside a word for one (身份证, 证件号 …); other numbers stay."""
    found = list(_BESIDE.finditer(half_width(text)))
    for match in reversed(found):
        start, end = match.span("after" if match["after"] else "before")
        text = text[:start] + mask_citizen_id(text[start:end]) + text[end:]
    return text


class OfficerNumber(Identifier):
    """执法证件号: 8 to 20 digits or capital letters, the first may be a province's character (`浙01020304`).

    No nationwide form is published. Never a citizen id.
    """

    __slots__ = ()
    name = "officer-number"
    title = "执法证件号"
    form = Text(
        "8至20位数字或大写字母，首位可为省份简称",
        "8 to 20 digits or capital letters, the first may be a province's character",
    )
    pattern = re.compile(r"[0-9A-Z一-龥][0-9A-Z]{7,19}", re.ASCII)

    @classmethod
    def normalise(cls, text: str) -> str:
        value = super().normalise(text)
        if len(value) == _LENGTH and is_citizen_id(value):
            raise misplaced(cls.title, text)
        return value

    @classmethod
    def tidy(cls, folded: str) -> str:
        return folded.replace("-", "")
