"""The unified social credit code 统一社会信用代码 (GB 32100-2015) and the organisation code inside it (GB 11714)."""

from __future__ import annotations

import re
from functools import lru_cache

from stdnum.cn import uscc

from schemas.findings import Finding, Text
from schemas.identifiers.folding import fold
from schemas.identifiers.identifier import Identifier, Misshapen
from schemas.identifiers.person import is_citizen_id, misplaced

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_CODE = rf"[{ALPHABET}]{{2}}\d{{6}}[{ALPHABET}]{{10}}"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ABSENT_LETTERS = Text(
    "信用代码中不使用字母 I、O、S、V、Z，请核对是否为数字 1、0、5、2。",
    "The letters I, O, S, V and Z never occur in it: check for the digits 1, 0, 5 and 2.",
)


def organisation_check(first_eight: str) -> str:
    """Compute the ninth character of an organisation code (GB 11714): 10 is written X, 11 is written 0."""
    total = sum(int(c, 36) * w for c, w in zip(first_eight, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


class CreditCode(Identifier):
    """统一社会信用代码, 18 characters, GB 32100-2015.

    Issued codes whose check digit fails exist, so a failed digit is a doubt, not an error. A citizen id
    has the same shape: what passes as one is refused.
    """

    __slots__ = ()
    name = "credit-code"
    title = "统一社会信用代码"
    form = Text("18位数字或大写字母（第3至8位为数字）", "18 digits or capital letters (3 to 8 are digits)")
    pattern = re.compile(CREDIT_CODE, re.ASCII)

    @property
    def organisation_code(self) -> str:
        """The body identifier: characters 9 to 17, the GB 11714 organisation code."""
        return self.value[8:17]

    @classmethod
    def normalise(cls, text: str) -> str:
        value = super().normalise(text)
        # Nearly every credit code has a letter among the first seventeen, which no citizen id has.
        if value[:-1].isdecimal() and is_citizen_id(value):
            raise misplaced(cls.title, text)
        return value

    @classmethod
    def tidy(cls, folded: str) -> str:
        return folded.replace("-", "")

    @classmethod
    def refuse(cls, text: str, remedy: Text | None = None) -> Misshapen:
        odd = set(fold(text)) & set("IOSVZ")
        return super().refuse(text, _ABSENT_LETTERS if odd and remedy is None else remedy)

    @classmethod
    def doubts(cls, value: str) -> tuple[Finding, ...]:
        return _credit_code_doubts(value)


@lru_cache(maxsize=4096)
def _credit_code_doubts(value: str) -> tuple[Finding, ...]:
    expected = uscc.calc_check_digit(value[:17])
    if value[17] != expected:
        zh = f"统一社会信用代码校验位不符：末位是 {value[17]}，按 GB 32100-2015 应为 {expected}。请与营业执照核对。"
        en = f"The check digit fails: it ends in {value[17]}, GB 32100-2015 gives {expected}. Compare the licence."
        return (CreditCode.doubt("check-digit", value, zh, en),)
    if not _organisation_fits(value[8:17]):
        zh = "其中的组织机构代码（第9至17位）校验位不符（GB 11714），请与营业执照核对。"
        en = "The organisation code inside it (characters 9 to 17) fails its check (GB 11714). Compare the licence."
        return (CreditCode.doubt("organisation-digit", value, zh, en),)
    return ()


def _organisation_fits(code: str) -> bool:
    return organisation_check(code[:8]) == code[8]


class OrganisationCode(Identifier):
    """组织机构代码, 8 characters and a check character, GB 11714-1997; written with or without a hyphen."""

    __slots__ = ()
    name = "organisation-code"
    title = "组织机构代码"
    form = Text("8位数字或大写字母加1位校验码", "8 digits or capital letters and a check character")
    pattern = re.compile(r"[0-9A-Z]{8}[0-9X]", re.ASCII)

    @classmethod
    def tidy(cls, folded: str) -> str:
        return folded.replace("-", "")

    @classmethod
    def doubts(cls, value: str) -> tuple[Finding, ...]:
        if _organisation_fits(value):
            return ()
        expected = organisation_check(value[:8])
        zh = f"组织机构代码校验位不符：按 GB 11714 应为 {expected}。"
        return (cls.doubt("check-digit", value, zh, f"The check digit fails: GB 11714 gives {expected}."),)
