"""The investment project code 投资项目代码 (GB/T 40058-2021) and the industry code (GB/T 4754-2017)."""

from __future__ import annotations

import re
from functools import lru_cache

from stdnum.iso7064 import mod_11_10

from schemas.findings import Finding, Text
from schemas.identifiers.identifier import Identifier

_TAIL = r"-\d{6}-\d{2}-\d{2}-"
_CURRENT = rf"\d{{2}}(?:0[1-9]|1[0-2]){_TAIL}\d{{6}}"
_LEGACY = rf"20(?:1[3-9]|2[01]){_TAIL}\d{{5,6}}"
_PLAIN = re.compile(r"(\d{4})(\d{6})(\d{2})(\d{2})(\d{5,6})", re.ASCII)


class ProjectCode(Identifier):
    """投资项目代码 `YYMM-RRRRRR-DD-TT-NNNNNC`: time, region, department, type, random digits, check digit.

    The last digit is ISO 7064 MOD 11,10 over the other nineteen. Codes from before GB/T 40058-2021
    begin with the year and carry no check digit: `legacy`.
    """

    __slots__ = ()
    name = "project-code"
    title = "投资项目代码"
    form = Text("形如2509-320193-89-01-544060的20位数字", "20 digits like 2509-320193-89-01-544060")
    pattern = re.compile(rf"{_CURRENT}|{_LEGACY}", re.ASCII)

    @property
    def legacy(self) -> bool:
        """Whether it has the form from before GB/T 40058-2021, year first."""
        return _is_legacy(self.value)

    @property
    def region(self) -> str:
        """The six-digit region that gave the code."""
        return self.value[5:11]

    @classmethod
    def tidy(cls, folded: str) -> str:
        parts = _PLAIN.fullmatch(folded.replace("-", ""))
        return "-".join(parts.groups()) if parts else folded

    @classmethod
    def doubts(cls, value: str) -> tuple[Finding, ...]:
        return _project_doubts(value)


@lru_cache(maxsize=4096)
def _project_doubts(value: str) -> tuple[Finding, ...]:
    if _is_legacy(value) or mod_11_10.checksum(value.replace("-", "")) == 1:
        return ()
    zh = "投资项目代码校验位不符（GB/T 40058-2021），请与赋码回执核对。"
    en = "The check digit fails (GB/T 40058-2021, ISO 7064 MOD 11,10). Compare the receipt that gave the code."
    return (ProjectCode.doubt("check-digit", value, zh, en),)


def _is_legacy(value: str) -> bool:
    return re.fullmatch(_LEGACY, value) is not None


_SECTIONS = (
    ("A", 1, 5),
    ("B", 6, 12),
    ("C", 13, 43),
    ("D", 44, 46),
    ("E", 47, 50),
    ("F", 51, 52),
    ("G", 53, 60),
    ("H", 61, 62),
    ("I", 63, 65),
    ("J", 66, 69),
    ("K", 70, 70),
    ("L", 71, 72),
    ("M", 73, 75),
    ("N", 76, 79),
    ("O", 80, 82),
    ("P", 83, 83),
    ("Q", 84, 85),
    ("R", 86, 90),
    ("S", 91, 96),
    ("T", 97, 97),
)
_LETTER = {f"{number:02}": letter for letter, first, last in _SECTIONS for number in range(first, last + 1)}
_PRINTED = re.compile(r"([A-T]?\d{2,4})(?:-.*)?", re.ASCII)


class IndustryCode(Identifier):
    """国民经济行业代码, GB/T 4754-2017: section letter and two to four digits, `C2624`.

    Written with or without the letter, and printed as `C2624-C2624-复混肥料制造`: the normal form has
    the letter, which the two digits of the division determine.
    """

    __slots__ = ()
    name = "industry-code"
    title = "国民经济行业代码"
    form = Text("门类字母加2至4位数字，如C2624", "a section letter and two to four digits, such as C2624")
    pattern = re.compile(r"[A-T](?:0[1-9]|[1-8]\d|9[0-7])\d{0,2}", re.ASCII)

    @classmethod
    def tidy(cls, folded: str) -> str:
        printed = _PRINTED.fullmatch(folded)
        code = printed[1] if printed else folded
        return _LETTER.get(code[:2], "") + code if code[:1].isdigit() else code

    @classmethod
    def doubts(cls, value: str) -> tuple[Finding, ...]:
        section = _LETTER[value[1:3]]
        if value[0] == section:
            return ()
        zh = f"行业门类与大类不符：大类 {value[1:3]} 属于门类 {section}（GB/T 4754-2017）。"
        en = f"Division {value[1:3]} belongs to section {section}, not {value[0]} (GB/T 4754-2017)."
        return (cls.doubt("section", value, zh, en),)
