"""Bring a number to what its writer meant: without characters nobody sees, half-width, and as a key for comparison.

Numbers are pasted from office software and web pages, which add marks of direction, soft hyphens and
full-width digits. Two spellings that look alike are one number.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WIDE = str.maketrans({code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B))})
_WIDE |= {code: code - 0xFEE0 for code in range(0xFF41, 0xFF5B)}
_DASH = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2500\u2796\ufe31\ufe32\ufe58\ufe63\uff0d"
_DASHES = str.maketrans(dict.fromkeys(_DASH, "-"))
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Characters that show nothing although Unicode does not call them formatting characters (category Cf)."""

_CHOOSING = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Variation selectors, which show nothing either."""

_FOLDABLE = re.compile(f"[{''.join(map(chr, _WIDE))}{_DASH}{''.join(sorted(_UNSEEN))}{_CHOOSING}]")

_DOUBLE_DASH = re.compile(r"[—―─]{2}")
_NOTHING = re.compile(
    r"0+(?:\.0*)?|N/A|N\.A\.|NULL|NIL|NONE|NAN|UNDEFINED|TBD|\\N"
    r"|无|暂无|暂缺|空|没有|待定|待补|待填|待编|未知|不详|未填|未编号"
)
_COUNTED = re.compile(r"[1-9]")
_WORD = re.compile(r"[^\W_]")


def visible(text: str) -> str:
    """Return `text` without the characters that nobody sees: marks of direction, zero-width ones, soft hyphens."""
    if text.isascii():
        return text
    return "".join(one for one in text if not _is_unseen(one))


def half_width(text: str) -> str:
    """Return `text` with half-width letters, digits and dashes, every character where it was."""
    return text if text.isascii() else text.translate(_WIDE).translate(_DASHES)


def folded(text: str) -> str:
    """Return a number as it is kept: nothing invisible, letters, digits and dashes half-width, trimmed.

    The case of letters and everything else (brackets, spaces within) stay as they were written.
    """
    # A formatting character is not printable, and everything else that is folded is in the pattern: most numbers with
    # Chinese characters in them are told by these two to need nothing, and are not looked at one by one.
    if not text.isascii() and (_FOLDABLE.search(text) or not text.isprintable()):
        # Chinese keyboards give two long dashes for one: they are one before each becomes a hyphen.
        text = half_width(_DOUBLE_DASH.sub("-", visible(text)))
    return text.strip()


@lru_cache(maxsize=4096)
def comparison_key(text: str) -> str:
    """Return what two spellings of one number have in common: `folded`, upper-case, half-width throughout, no spaces.

    Only to compare and to look up with, within one platform; never shown or sent.
    """
    return "".join(unicodedata.normalize("NFKC", folded(text)).split()).upper()


def same_number(one: str, other: str) -> bool:
    """Tell whether two texts are spellings of one number."""
    return comparison_key(one) == comparison_key(other)


def says_nothing(text: str) -> bool:
    """Tell whether a text stands for "no number": `/`, `-`, `无`, `null`, `0` and whatever has no letter or digit."""
    if _COUNTED.search(text):
        return False
    key = comparison_key(text)
    return _WORD.search(key) is None or _NOTHING.fullmatch(key) is not None


def fold(text: str) -> str:
    """Return `text` half-width, upper-case, without spaces or invisible characters: how identifiers are read."""
    return "".join(text.split()).upper() if text.isascii() else comparison_key(text)


def _is_unseen(character: str) -> bool:
    if character in _UNSEEN or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return True
    return unicodedata.category(character) == "Cf"
