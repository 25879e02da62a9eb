"""The region code 行政区划代码 (GB/T 2260)."""

from __future__ import annotations

import re

from schemas import regions
from schemas.findings import Finding, Text
from schemas.identifiers.identifier import Identifier


class RegionCode(Identifier):
    """行政区划代码, six digits: province, city, county; `000000` is the whole country.

    Longer statistical codes (9 and 12 digits, township and village) are cut to their county. The
    shape alone is judged; a code never issued or abolished is a doubt, routed by the region above it.
    """

    __slots__ = ()
    name = "region"
    title = "行政区划代码"
    form = Text("6位数字，如330100；全国为000000", "six digits, such as 330100; 000000 is national")
    pattern = re.compile(r"000000|[1-9]\d(?:0000|(?!00)\d{4})", re.ASCII)

    @classmethod
    def tidy(cls, folded: str) -> str:
        longer = len(folded) in (9, 12) and folded.isdigit() and folded.isascii()
        return folded[:6] if longer else folded

    @classmethod
    def doubts(cls, value: str) -> tuple[Finding, ...]:
        return regions.doubts(value)
