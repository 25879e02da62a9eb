"""Pollutant codes: air (HJ 524-2009) and water (HJ 525-2009)."""

from __future__ import annotations

import re

from schemas.findings import Text
from schemas.identifiers.identifier import Identifier


class PollutantCode(Identifier):
    """污染物代码: `a` (air) or `w` (water) and five digits, as `a21026` sulphur dioxide."""

    __slots__ = ()
    name = "pollutant-code"
    title = "污染物代码"
    form = Text("a（大气）或w（水）加5位数字", "a (air) or w (water) and five digits")
    pattern = re.compile(r"[aw]\d{5}", re.ASCII)

    @classmethod
    def tidy(cls, folded: str) -> str:
        return folded.lower()
