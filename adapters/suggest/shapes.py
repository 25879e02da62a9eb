"""What the values of a column look like: dates, numbers, numbers with a check digit, several in one text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache

from adapters.mapping.converters.moments import Moment
from schemas import codes, regions
from schemas.identifiers import Identifier, Misshapen

DATES = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y.%m.%d")
TIMES = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y%m%d%H%M%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y年%m月%d日%H时%M分",
    "%Y年%m月%d日 %H:%M",
)
YES_NO = (
    *(("1", "0"), ("是", "否"), ("Y", "N"), ("true", "false"), ("有", "无"), ("属于", "不属于"), ("已", "未")),
    *(("yes", "no"), ("T", "F"), ("y", "n"), ("True", "False"), ("√", "×")),
)
SEPARATORS = ("；;", ",，、;", "|")
RANGES = ("至", "~", "～", "—", " - ")

_MOMENTS: Mapping[str, Moment] = {pattern: Moment(pattern) for pattern in (*DATES, *TIMES)}
_COMPANY = re.compile(
    r"(公司|厂|集团|医院|中心|合作社|经营部|商行|店|加工点|养殖场|企业|事务所|研究院|学校|大学)([(（].{1,20}[)）])?$"
)
_AGENCY = re.compile(r"(局|厅|部|委员会|政府|分局|支队|大队|总队|管委会|执法队|中心)$")
_YEAR = 31_556_952
_DMS = re.compile(r"\d{1,3}\s*[°度]\s*\d{1,2}\s*['′分](\s*\d{1,2}(\.\d+)?\s*[\"″秒])?")
_AMOUNT = re.compile(r"\d{1,3}(,\d{3})+|\d+(\.\d+)?")


def dates(values: tuple[str, ...]) -> tuple[str, ...]:
    """The fewest patterns that read every value, commonest first; empty when some value is no date."""
    return _patterns(values, (*DATES, *TIMES))


def _patterns(values: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    left, found = list(values), []
    while left:
        read = {pattern: [text for text in left if _MOMENTS[pattern].read(text)] for pattern in known}
        best = max(known, key=lambda pattern: len(read[pattern]))
        if not read[best]:
            return ()
        found.append(best)
        left = [text for text in left if text not in read[best]]
    return tuple(found)


def epoch(values: tuple[str, ...]) -> str | None:
    """`s` or `ms` when every value is such a count since 1970, within 2000 to 2100."""
    for unit, digits, factor in (("s", 10, 1), ("ms", 13, 1000)):
        counts = [int(text) // factor for text in values if len(text) == digits and text.isascii() and text.isdigit()]
        if len(counts) == len(values) and all(2000 <= count // _YEAR + 1970 < 2100 for count in counts):
            return unit
    return None


def is_range(values: tuple[str, ...]) -> str | None:
    """The separator when every value is two dates with it in between."""
    for separator in RANGES:
        pairs = [text.split(separator) for text in values]
        if pairs and all(len(pair) == 2 and dates(tuple(part.strip() for part in pair)) for pair in pairs):
            return separator
    return None


def number(text: str) -> Decimal | None:
    """Read a plain number, None for anything else."""
    try:
        return Decimal(text) if _AMOUNT.fullmatch(text.lstrip("-")) and "," not in text else None
    except InvalidOperation:
        return None


def is_identifier(kind: type[Identifier], text: str) -> bool:
    """Whether a text is such a number, its check digit included."""
    try:
        return not kind.doubts(kind.normalise(text))
    except Misshapen:
        return False


def is_shaped(kind: type[Identifier], text: str) -> bool:
    """Whether a text has the shape of such a number."""
    return kind.takes(text)


def is_dms(values: tuple[str, ...]) -> bool:
    """Whether every value is degrees, minutes and seconds."""
    return bool(values) and all(_DMS.fullmatch(text) for text in values)


def separator(values: tuple[str, ...]) -> str | None:
    """The characters that values are joined with, None when no value holds any."""
    counts = {some: sum(any(one in text for one in some) for text in values) for some in SEPARATORS}
    best = max(SEPARATORS, key=lambda some: counts[some])
    return best if counts[best] else None


def pieces(values: tuple[str, ...], on: str) -> tuple[str, ...]:
    """The values taken apart at any of the characters, empties dropped."""
    cut = re.compile("[" + re.escape(on) + "]")
    return tuple(dict.fromkeys(piece.strip() for text in values for piece in cut.split(text) if piece.strip()))


def yes_no(values: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The words for yes and those for no that the values are of; None when some value is neither."""
    pairs = [pair for pair in YES_NO if set(pair) & set(values)]
    if not values or not set(values) <= {word for pair in pairs for word in pair}:
        return None
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)


def is_company(text: str) -> bool:
    """Whether a text ends as the names of enterprises do."""
    return _COMPANY.search(text) is not None


def is_agency(text: str) -> bool:
    """Whether a text ends as the names of authorities do."""
    return _AGENCY.search(text) is not None and len(text) > 3


def region_above(names: tuple[str, ...]) -> str | None:
    """The province that names leave out; empty when they are full; None when they are no regions of one province."""
    plain = tuple(name.replace("/", "").replace(" ", "") for name in names)
    if not plain:
        return None
    if all(map(regions.by_name, plain)):
        return ""
    found = [
        code
        for code, province in _provinces()
        if all(regions.by_name(province + name) or regions.by_name(name) for name in plain)
    ]
    return found[0] if len(found) == 1 else None


@cache
def _provinces() -> tuple[tuple[str, str], ...]:
    rows = [row for row in codes.table("region") if row.valid_to is None and row.code.endswith("0000")]
    return tuple((row.code, row.title) for row in rows if row.code != "000000")
