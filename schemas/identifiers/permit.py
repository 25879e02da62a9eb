"""Numbers of a pollutant discharge permit and of what it covers (HJ 608-2017)."""

from __future__ import annotations

import re
from functools import lru_cache

from schemas.findings import Finding, Text
from schemas.identifiers.enterprise import CREDIT_CODE, CreditCode
from schemas.identifiers.identifier import Identifier

_WITH_CREDIT_CODE = rf"{CREDIT_CODE}\d{{3}}[A-Z]"
_WITHOUT_CREDIT_CODE = r"H9\d{6}[0-9A-Z]{9}[a-hj-np-z](?:\d{3}[A-Z])?"
PERMIT_NUMBER = rf"(?:{_WITHOUT_CREDIT_CODE}|(?!H9){_WITH_CREDIT_CODE})"


class PermitNumber(Identifier):
    """排污许可证编号, HJ 608-2017.

    22 characters: the credit code, three digits that count the company's sites, and a class letter
    (not a check letter: the management class is never derived from it). A holder without a credit
    code has `H9`, the issuing region, nine characters and a lower-case letter.
    """

    __slots__ = ()
    name = "permit-number"
    title = "排污许可证编号"
    form = Text(
        "22位：统一社会信用代码18位、顺序号3位、标识码1位字母；或以H9开头的编号",
        "22 characters: credit code, three digits, one letter; or a number that begins with H9",
    )
    pattern = re.compile(PERMIT_NUMBER, re.ASCII)

    @property
    def credit_code(self) -> str | None:
        """The holder's credit code, None for a holder without one."""
        return credit_code_of(self.value)

    @property
    def sequence(self) -> str | None:
        """The number of the site within the company, three digits."""
        return self.value[18:21] or None

    @property
    def suffix(self) -> str | None:
        """The class letter 标识码, kept as it is."""
        return self.value[21:22] or None

    @classmethod
    def tidy(cls, folded: str) -> str:
        plain = folded.replace("-", "")
        return plain[:17] + plain[17:18].lower() + plain[18:] if plain.startswith("H9") else plain

    @classmethod
    def doubts(cls, value: str) -> tuple[Finding, ...]:
        return _permit_doubts(value)


def credit_code_of(permit_number: str) -> str | None:
    """Return the credit code that a permit number (normal form) begins with, if it does."""
    return None if permit_number.startswith("H9") else permit_number[:18]


@lru_cache(maxsize=4096)
def _permit_doubts(value: str) -> tuple[Finding, ...]:
    holder = credit_code_of(value)
    if holder is None or not CreditCode.doubts(holder):
        return ()
    zh = "排污许可证编号前18位（统一社会信用代码）校验不符，请与许可证核对。"
    en = "Its first 18 characters (the credit code) fail their check. Compare the permit."
    return (PermitNumber.doubt("check-digit", value, zh, en),)


class OutletCode(Identifier):
    """排放口编码 `DA001` (air) or `DW001` (water), alone or after the permit number (27 characters), HJ 608-2017."""

    __slots__ = ()
    name = "outlet-code"
    title = "排放口编码"
    form = Text(
        "DA或DW加3位数字，前可加排污许可证编号", "DA or DW and three digits, the permit number may stand before it"
    )
    pattern = re.compile(rf"(?:{PERMIT_NUMBER})?D[AW]\d{{3}}", re.ASCII)


class FacilityCode(Identifier):
    """污染治理设施编码: `TA` air, `TW` water, `TN` noise, `TS` solid waste, and three digits."""

    __slots__ = ()
    name = "facility-code"
    title = "污染治理设施编码"
    form = Text("TA、TW、TN或TS加3位数字", "TA, TW, TN or TS and three digits")
    pattern = re.compile(r"T[AWNS]\d{3}", re.ASCII)


class ProductionUnitCode(Identifier):
    """生产设施编码: `MF` and four digits."""

    __slots__ = ()
    name = "production-unit-code"
    title = "生产设施编码"
    form = Text("MF加4位数字", "MF and four digits")
    pattern = re.compile(r"MF\d{4}", re.ASCII)
