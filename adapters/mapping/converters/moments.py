"""Date and time patterns, read and written without the platform's locale and in bounded time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from adapters.mapping.converters.kind import BadArgument
from schemas.scalars import CHINA_TIME

MAX_PATTERN = 64

_WIDTH = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "f": 6}
_SLICE = {"Y": (0, 4), "m": (5, 7), "d": (8, 10), "H": (11, 13), "M": (14, 16), "S": (17, 19)}
_LONGEST_FIRST = {"Y": 4, "m": 1, "d": 1, "H": 1, "M": 1, "S": 1, "f": 1}
_OFFSET = re.compile(r"Z|[+-][0-9]{2}:?[0-9]{2}")
_ISO = {"%Y-%m-%d": "", "%Y-%m-%d %H:%M:%S": " ", "%Y-%m-%dT%H:%M:%S": "T"}


@dataclass(frozen=True, slots=True)
class _Part:
    """A directive with the widths it may have, or literal text."""

    directive: str
    literal: str = ""
    least: int = 0
    most: int = 0


class Moment:
    """A pattern of %Y %m %d %H %M %S %f %z and literal text.

    Reading takes one digit for two where text follows (`2024-9-1`); writing always pads.
    """

    def __init__(self, pattern: Any) -> None:
        if not isinstance(pattern, str) or not 0 < len(pattern) <= MAX_PATTERN:
            raise BadArgument("参数应为日期格式，如 %Y-%m-%d", "the argument is a date pattern such as %Y-%m-%d")
        self.pattern = pattern
        self._parts = _parsed(pattern)
        self._given = "".join(part.directive for part in self._parts)
        if not {"Y", "m", "d"} <= set(self._given) or len(set(self._given)) != len(self._given):
            raise BadArgument("日期格式应各含一次 %Y、%m、%d", "the pattern holds each of %Y, %m and %d once")
        self._template = "".join("%s" if p.directive else p.literal.replace("%", "%%") for p in self._parts)
        self._iso = _ISO.get(pattern)
        self._compact = pattern == "%Y%m%d"

    def lacks(self, directive: str) -> bool:
        """Whether the pattern says nothing about this part."""
        return directive not in self._given

    def read(self, text: str) -> datetime | None:
        """Read a moment at +08:00 (or at the offset it names); None where the text does not follow the pattern."""
        if self._looks_iso(text):
            try:
                return datetime.fromisoformat(text).replace(tzinfo=CHINA_TIME)
            except ValueError:
                return None
        found = self._scan(text)
        try:
            return None if found is None else _moment(found)
        except (ValueError, OverflowError):
            return None

    def day(self, text: str) -> str | None:
        """Read the day of a moment; None where the text does not follow the pattern."""
        found = self.read(text)
        return None if found is None else found.isoformat()[:10]

    def _looks_iso(self, text: str) -> bool:
        """Whether `fromisoformat` may read the text: it is faster, but takes more forms than the pattern allows."""
        if self._compact:
            return len(text) == 8 and text.isascii() and text.isdigit()
        if self._iso is None or len(text) != (19 if self._iso else 10) or text[4] != "-" or text[7] != "-":
            return False
        return not self._iso or (text[10] == self._iso and text[13] == ":" and text[16] == ":")

    def _scan(self, text: str) -> dict[str, str] | None:
        if len(text) > MAX_PATTERN + 16:
            return None
        found, at = {}, 0
        for part in self._parts:
            piece = _piece(part, text, at)
            if piece is None:
                return None
            if part.directive:
                found[part.directive] = piece
            at += len(piece)
        return found if at == len(text) else None

    def write(self, canonical: str) -> str:
        """Write a canonical date or date-time (+08:00)."""
        return self._template % tuple(_written(part.directive, canonical) for part in self._parts if part.directive)


def _parsed(pattern: str) -> tuple[_Part, ...]:
    pieces = re.split(r"(%.)", pattern)
    parts = [_part(piece, after) for piece, after in zip(pieces, [*pieces[1:], ""], strict=True) if piece]
    for position, part in enumerate(parts[:-1]):
        # Without text between two directives, only the full width says where the first one ends.
        if part.directive in _WIDTH and parts[position + 1].directive:
            parts[position] = _Part(part.directive, least=part.most, most=part.most)
    return tuple(parts)


def _part(piece: str, after: str) -> _Part:
    if not piece.startswith("%"):
        return _Part("", piece)
    if piece == "%%":
        return _Part("", "%")
    directive = piece[1:]
    if directive == "z":
        return _Part("z")
    if directive not in _WIDTH:
        raise BadArgument(
            f"不支持 {piece}，可用 %Y %m %d %H %M %S %f %z", f"{piece} is not one of %Y %m %d %H %M %S %f %z"
        )
    return _Part(directive, least=_LONGEST_FIRST[directive], most=_WIDTH[directive])


def _piece(part: _Part, text: str, at: int) -> str | None:
    if not part.directive:
        return part.literal if text.startswith(part.literal, at) else None
    if part.directive == "z":
        offset = _OFFSET.match(text, at)
        return offset.group() if offset else None
    end = at
    while end < len(text) and end - at < part.most and text[end] in "0123456789":
        end += 1
    return text[at:end] if end - at >= part.least else None


def _moment(found: dict[str, str]) -> datetime:
    year, month, day, hour, minute, second = (int(found.get(d, 0)) for d in "YmdHMS")
    fraction = int(found.get("f", "0").ljust(6, "0"))
    zone = datetime.strptime(found["z"], "%z").tzinfo if "z" in found else CHINA_TIME
    moment = datetime(year, month, day, hour, minute, second, fraction, zone)
    return moment if zone is CHINA_TIME else moment.astimezone(CHINA_TIME)


def _written(directive: str, canonical: str) -> str:
    if directive == "z":
        return "+0800"
    if directive == "f":
        return (canonical[20:26] if canonical[19:20] == "." else "").split("+")[0].ljust(6, "0")
    start, end = _SLICE[directive]
    return canonical[start:end] or "00"


def moment_of(canonical: str) -> datetime | None:
    """Read canonical (or any ISO 8601) text; what names no offset is in Asia/Shanghai."""
    try:
        found = datetime.fromisoformat(canonical)
    except ValueError:
        return None
    return found.replace(tzinfo=CHINA_TIME) if found.tzinfo is None else found.astimezone(CHINA_TIME)


def is_day(canonical: Any) -> bool:
    """Whether this is a canonical date."""
    if canonical.__class__ is not str or len(canonical) != 10:
        return False
    try:
        return date.fromisoformat(canonical).isoformat() == canonical
    except ValueError:
        return False


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
