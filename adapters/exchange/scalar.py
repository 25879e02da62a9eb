"""A value in a reply: as it is compared with a rule, and as it is kept as a reference.

Writers differ in how they print one value: Gson writes the integer 0 as `0.0`, dynamic languages as
`"0"`, pretty-printers put blanks around it.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from adapters.formats.format import as_text

_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,2})?")
_WHOLE = re.compile(r"([+-]?(?:0|[1-9][0-9]{0,39}))\.0+")
_TRUTHS = frozenset({"true", "false"})


def comparable(value: Any) -> str:
    """Give a value so that two are equal as texts when they are the same value.

    `0`, `0.0`, `" 0 "`, `"0"` and `0e0` are one number. A code with leading zeros (`"0000"`, `"01"`)
    is a text of its own: it is not the number 0 or 1.
    """
    text = as_text(value).strip()
    if _NUMBER.fullmatch(text):
        return _plain(Decimal(text))
    low = text.lower()
    return low if low in _TRUTHS else text


def reference(value: Any) -> str:
    """Give a platform's own number as text: `20260001.0` is 20260001; any other text stays as it is written."""
    if isinstance(value, Decimal) and value.is_finite():
        return _plain(value)
    text = as_text(value).strip()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _plain(number: Decimal) -> str:
    written = format(number, "f")
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if written in ("-0", "+0", "") else written
