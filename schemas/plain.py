"""Plain text from a stranger's: nothing in it moves a cursor, hides, or turns the line around it."""

from __future__ import annotations

import unicodedata

_BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\u3164\ufeff\uffa0"
)
_SPACES = "\t\n\r\v\f\x85\u2028\u2029"
_SHOWN = frozenset(_BIDIRECTIONAL)
_GONE = frozenset(_INVISIBLE)
_BLANK_LETTERS = tuple(one for one in _INVISIBLE if one.isprintable())
_REPLACED = "\ufffd"


def plain(text: str) -> str:
    """Give a text that may stand in a terminal, a log line or a page.

    Line breaks and tabs become one space; control characters (escapes of terminals among them),
    characters that turn the direction of writing, halves of surrogates and unassigned or private
    formatting become U+FFFD, so that a reader sees that something stood there; invisible ones are
    left out. Everything else, Chinese of every plane included, stays as it is.
    """
    if text.isprintable() and (text.isascii() or not any(one in text for one in _BLANK_LETTERS)):
        return text
    return "".join(map(_plain, text))


def _plain(one: str) -> str:
    if one in _SPACES:
        return " "
    if one in _GONE:
        return ""
    if one in _SHOWN or unicodedata.category(one) in ("Cc", "Cf", "Cs"):
        return _REPLACED
    return one
