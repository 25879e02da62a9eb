"""A number that a platform gives to its own things: a case, an inspection, an order."""

from __future__ import annotations

import re
from typing import Any

from schemas.findings import Text
from schemas.identifiers.folding import folded, says_nothing
from schemas.identifiers.identifier import Identifier, no_number

LONGEST = 100


class PlatformNumber(Identifier):
    """A platform's own number, at most 100 characters. No form is prescribed; the case of letters is kept.

    What nobody sees is taken out, and letters, digits and dashes are half-width; it is compared by
    `schemas.identifiers.folding.comparison_key`.
    """

    __slots__ = ()
    name = "number"
    title = "编号"
    form = Text("1至100个字符的编号，不含控制字符", "1 to 100 characters, no control characters")
    pattern = re.compile(rf"(?!\s)[^\x00-\x1f\x7f\ufffe\uffff]{{1,{LONGEST}}}(?<!\s)")

    @classmethod
    def normalise(cls, text: str) -> str:
        """Return the number as it is kept; raises NoNumber where there is none, Misshapen where it cannot be one."""
        value = folded(text)
        if cls.pattern.fullmatch(value) is None and value:
            raise cls.refuse(text)
        if says_nothing(value):
            raise no_number(text)
        return value

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        return {"minLength": 1, "maxLength": LONGEST}
