"""Date and time patterns, read and written without the platform's locale and in bounded time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from adapters.mapping.converters.kind import BadArgument
from schemas.scalars import CHINA_TIME, is_moment

MAX_PATTERN = 64

_WIDTH = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "f": 6}
_SLICE = {"Y": (0, 4), "m": (5, 7), "d": (8, 10), "H": (11, 13), "M": (14, 16), "S": (17, 19)}
_LONGEST_FIRST = {"Y": 4, "m": 1, "d": 1, "H": 1, "M": 1, "S": 1, "f": 1}
_CLOCK = frozenset("HMSfz")
_HOURS = 24
_FRACTION = re.compile(r"\.([0-9]{1,9})")
_MIDNIGHT = re.compile(r"(?:[ T]|(?<=^[0-9]{8}))(?:00|24):?00(?::?00(?:\.0{1,9})?)?$")
_OFFSET = re.compile(r"Z|[+-][0-9]{2}:?[0-9]{2}")
_SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_CANONICAL = 25
"""Characters of a canonical moment without a fraction of a second."""
_ISO = {"%Y-%m-%d": "", "%Y-%m-%d %H:%M:%S": " ", "%Y-%m-%dT%H:%M:%S": "T"}


class _Part(Struct, frozen=True):
    """A directive with the widths it may have, or literal text. `fraction`: digits after a point may follow."""

    directive: str
    literal: str = ""
    least: int = 0
    most: int = 0
    fraction: bool = False


class Moment:
    """A pattern of %Y %m %d %H %M %S %f %z and literal text.

    Reading takes one digit for two where text follows (`2024-9-1`), a fraction of a second where the
    pattern ends in seconds (Java's `2026-07-01 00:00:00.0`), and 24:00 for the next midnight; writing
    always pads.
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
        self._day_alone = _day_alone(self._parts)
        cuts = [slice(*_SLICE[part.directive]) for part in self._parts if part.directive in _SLICE]
        self._cut = itemgetter(*cuts) if len(cuts) == self._template.count("%s") else None
        self._reach = max(cut.stop for cut in cuts)

    def lacks(self, directive: str) -> bool:
        """Whether the pattern says nothing about this part."""
        return directive not in self._given

    def read(self, text: str) -> datetime | None:
        """Read a moment at +08:00 (or at the offset it names); None where the text does not follow the pattern."""
        if self._looks_iso(text):
            try:
                return datetime.fromisoformat(text).replace(tzinfo=CHINA_TIME)
            except ValueError:
                pass  # 24:00:00 is a time, and the scan knows it
        found = self._scan(text)
        try:
            return None if found is None else _moment(found)
        except (ValueError, OverflowError):
            return None

    def canonical(self, text: str) -> str | None:
        """Read a moment as canonical text; as `read`, which makes a value of it, and takes twice as long."""
        if self._iso and self._looks_iso(text) and is_moment(text):
            return f"{text[:10]}T{text[11:]}+08:00"
        found = self.read(text)
        return None if found is None else found.isoformat()

    def day(self, text: str) -> str | None:
        """Read the day of a moment; None where the text does not follow the pattern.

        A pattern with a time takes the day alone, and one without takes a midnight after the day:
        that is how a column of days is printed as times. 24:00 of a day is still that day.
        """
        if self._looks_iso(text) and text[11:13] != "24":
            found = self.read(text)
            return None if found is None else found.isoformat()[:10]
        day = self._scan(text)
        if day is None:
            day = self._scan(_MIDNIGHT.sub("", text)) if self._day_alone is None else _scan(self._day_alone, text)
        try:
            return None if day is None else _written_day(day)
        except (ValueError, OverflowError):
            return None

    def _looks_iso(self, text: str) -> bool:
        """Whether `fromisoformat` may read the text: it is faster, but takes more forms than the pattern allows."""
        if self._compact:
            return len(text) == 8 and text.isascii() and text.isdigit()
        if self._iso is None or len(text) != (19 if self._iso else 10) or text[4] != "-" or text[7] != "-":
            return False
        return not self._iso or (text[10] == self._iso and text[13] == ":" and text[16] == ":")

    def _scan(self, text: str) -> dict[str, str] | None:
        return _scan(self._parts, text)

    def write(self, canonical: str) -> str:
        """Write a canonical date or date-time (+08:00)."""
        if self._cut is not None and len(canonical) >= self._reach:
            written: str = self._template % self._cut(canonical)
            return written
        return self._template % tuple(_written(part.directive, canonical) for part in self._parts if part.directive)


def _scan(parts: Sequence[_Part], text: str) -> dict[str, str] | None:
    if len(text) > MAX_PATTERN + 16:
        return None
    found, at = {}, 0
    for part in parts:
        piece = _piece(part, text, at)
        if piece is None:
            return None
        if part.directive:
            found[part.directive] = piece
        at += len(piece)
        if part.fraction and (fraction := _FRACTION.match(text, at)):
            found["f"] = fraction[1][:6]
            at = fraction.end()
    return found if at == len(text) else None


def _day_alone(parts: Sequence[_Part]) -> tuple[_Part, ...] | None:
    """Give the parts of a pattern that tell the day, without the time after it; None when no time follows the day."""
    last = max(place for place, part in enumerate(parts) if part.directive in ("Y", "m", "d"))
    if not any(part.directive for part in parts[last + 1 :]) or any(part.directive in _CLOCK for part in parts[:last]):
        return None
    # What follows the day up to a blank or T belongs to it, as 日.
    after = parts[last + 1].literal.partition(" ")[0].removesuffix("T")
    return (*parts[: last + 1], _Part("", after)) if after else tuple(parts[: last + 1])


def _parsed(pattern: str) -> tuple[_Part, ...]:
    pieces = re.split(r"(%.)", pattern)
    parts = [_part(piece, after) for piece, after in zip(pieces, [*pieces[1:], ""], strict=True) if piece]
    for position, part in enumerate(parts[:-1]):
        # Without text between two directives, only the full width says where the first one ends.
        if part.directive in _WIDTH and parts[position + 1].directive:
            parts[position] = _Part(part.directive, least=part.most, most=part.most)
    for position, part in enumerate(parts):
        after = parts[position + 1] if position + 1 < len(parts) else _Part("")
        if part.directive == "S" and after.directive != "f" and not after.literal.startswith("."):
            parts[position] = replace(part, fraction=True)
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
    # The end of a day is written as 24:00 of it (GB/T 7408); only as such is there an hour 24.
    ends_day = hour == _HOURS and not (minute or second or fraction)
    moment = datetime(year, month, day, 0 if ends_day else hour, minute, second, fraction, zone)
    moment += timedelta(days=ends_day)
    return moment if zone is CHINA_TIME else moment.astimezone(CHINA_TIME)


def _written_day(found: dict[str, str]) -> str:
    """Give the day of a moment at +08:00: the one that is written, even for its 24:00."""
    at_midnight = {**found, "H": "0"} if int(found.get("H", 0)) == _HOURS else found
    whole = _moment(found).isoformat()
    return whole[:10] if at_midnight is found else _moment(at_midnight).isoformat()[:10]


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


def canonical_moment(text: str) -> str | None:
    """Give any ISO 8601 moment as canonical text, at +08:00; None for what is none."""
    if len(text) == _CANONICAL and text.endswith("+08:00") and _SHAPE.fullmatch(text, 0, 19):
        return text if is_moment(text) else None
    found = moment_of(text)
    return None if found is None else found.isoformat()


def is_day(canonical: Any) -> bool:
    """Whether this is a canonical date."""
    if canonical.__class__ is not str or len(canonical) != 10:
        return False
    try:
        return date.fromisoformat(canonical).isoformat() == canonical
    except ValueError:
        return False


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
