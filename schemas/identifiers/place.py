"""The region code 行政区划代码 (GB/T 2260)."""

from __future__ import annotations

import re

from schemas.findings import Text
from schemas.identifiers.base import Identifier


class RegionCode(Identifier):
    """行政区划代码, six digits: province, city, county; `000000` is the whole country.

    Longer statistical codes (9 and 12 digits, township and village) are cut to their county. The
    shape alone is judged here; whether the code is or was in use is told by `schemas.regions`.
    """

    __slots__ = ()
    name = "region"
    title = "行政区划代码"
    form = Text("6位数字，如330100；全国为000000", "six digits, such as 330100; 000000 is national")
    pattern = re.compile(r"000000|[1-9]\d(?:0000|(?!00)\d{4})")

    @classmethod
    def tidy(cls, folded: str) -> str:
        longer = len(folded) in (9, 12) and folded.isdigit() and folded.isascii()
        return folded[:6] if longer else folded
