"""Numbers of people: the citizen id 公民身份号码 (GB 11643-1999) and the officer's number 执法证件号."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date

from stdnum.cn import ric

from schemas.findings import Finding, Text
from schemas.identifiers.identifier import Identifier


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


class OfficerNumber(Identifier):
    """执法证件号: 8 to 20 digits or capital letters; no nationwide form is published."""

    __slots__ = ()
    name = "officer-number"
    title = "执法证件号"
    form = Text("8至20位数字或大写字母", "8 to 20 digits or capital letters")
    pattern = re.compile(r"[0-9A-Z]{8,20}", re.ASCII)

    @classmethod
    def tidy(cls, folded: str) -> str:
        return folded.replace("-", "")
