"""What the values of a column look like, and how well that suits a canonical field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum

from adapters.mapping.converters.moments import Moment
from adapters.suggest.columns import Column
from schemas import codes, regions
from schemas.documents import Field
from schemas.identifiers import CitizenId, CreditCode, Identifier, Misshapen, PermitNumber, ProjectCode

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
YES_NO = (("1", "0"), ("是", "否"), ("Y", "N"), ("true", "false"), ("有", "无"), ("yes", "no"), ("T", "F"))
SEPARATORS = ("；;", ",，、;", "|")
RANGES = ("至", "~", "～", "—", " - ")

_MOMENTS: Mapping[str, Moment] = {pattern: Moment(pattern) for pattern in (*DATES, *TIMES)}
_COMPANY = re.compile(
    r"(公司|厂|集团|医院|中心|合作社|经营部|商行|店|加工点|养殖场|企业|事务所|研究院|学校|大学)([(（].{1,20}[)）])?$"
)
_AGENCY = re.compile(r"(局|厅|部|委员会|政府|分局|支队|大队|总队|管委会|执法队|中心)$")
_PERSON = re.compile(r"[\u4e00-\u9fff]{2,4}")
_ADDRESS = re.compile(r"省|市|区|县|镇|乡|街道|路|村|号|园区")
_YEAR = 31_556_952
_PHONE = re.compile(r"(\+?86[- ]?)?(1\d{10}|0\d{2,3}[- ]?\d{7,8}(-\d{1,6})?|\d{7,8}|400[- ]?\d{3}[- ]?\d{4})")
_OFFICE = re.compile(r".{1,40}[〔\[(（【]\s*(19|20)\d{2}\s*[〕\])）】].{0,12}\d{1,6}\s*号?")
_CODE = re.compile(r"[0-9A-Za-z_\-]{1,24}")
_DMS = re.compile(r"\d{1,3}\s*[°度]\s*\d{1,2}\s*['′分](\s*\d{1,2}(\.\d+)?\s*[\"″秒])?")
_HOST = re.compile(r"(https?://|ftp://|/)[^\s]*", re.IGNORECASE)
_AMOUNT = re.compile(r"\d{1,3}(,\d{3})+|\d+(\.\d+)?")


class Level(Enum):
    """How well values suit a field, as what they leave of the doubt about a name."""

    IMPOSSIBLE = 0
    DOUBTFUL = 1
    UNKNOWN = 2
    PLAUSIBLE = 3
    TYPED = 4
    STRONG = 5


@dataclass(frozen=True, slots=True)
class Fit:
    """How well the values of a column suit a field, and what says so."""

    level: Level
    reason: str = ""


def fit(field: Field, column: Column) -> Fit:
    """Compare a column's values with what a field may hold."""
    if not column.values:
        return Fit(Level.UNKNOWN, "样例中没有值")
    judge = _JUDGES.get(field.type, _text)
    return judge(field, column)


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


def _shaped(kind: type[Identifier], text: str) -> bool:
    try:
        kind.normalise(text)
    except Misshapen:
        return False
    return True


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


def yes_no(values: tuple[str, ...]) -> tuple[str, str] | None:
    """The pair of words for yes and no that the values are of."""
    return next((pair for pair in YES_NO if set(values) <= set(pair)), None)


def is_company(text: str) -> bool:
    """Whether a text ends as the names of enterprises do."""
    return _COMPANY.search(text) is not None


def is_agency(text: str) -> bool:
    """Whether a text ends as the names of authorities do."""
    return _AGENCY.search(text) is not None and len(text) > 3


def _identifier(field: Field, column: Column) -> Fit:
    kind = field.identifier
    if kind is None:
        fits = all(re.fullmatch(r"[\w〔〕()（）\[\]【】\-./#]{1,100}", text) for text in column.values)
        prose = all(is_company(text) or len(text) > 60 for text in column.values)
        dated = bool(dates(column.values)) and not column.numeric
        return Fit(Level.PLAUSIBLE) if fits and not prose and not dated else Fit(Level.DOUBTFUL, "值不像编号")
    return _known_identifier(kind, field, column)


def _known_identifier(kind: type[Identifier], field: Field, column: Column) -> Fit:
    values = column.values
    if field.path.startswith("officers[]") or field.path.startswith("recorder"):
        values = pieces(values, ",，、;") or values
    shaped = sum(_shaped(kind, text) for text in values)
    if shaped < len(values) and not (field.lenient and shaped):
        return Fit(Level.IMPOSSIBLE, f"值不是{kind.title}")
    if kind in _CHECKED and all(is_identifier(kind, text) for text in values):
        return Fit(Level.STRONG, f"值通过{kind.title}校验")
    return Fit(Level.TYPED, f"值形如{kind.title}")


def _date(field: Field, column: Column) -> Fit:
    found = dates(column.values)
    if found:
        return Fit(Level.TYPED, f"值为{'日期' if found[0] in DATES else '时间'} {found[0]}")
    if field.type == "datetime" and epoch(column.values):
        return Fit(Level.TYPED, "值为 1970 年以来的计数")
    return Fit(Level.IMPOSSIBLE, "值不是日期")


def _decimal(field: Field, column: Column) -> Fit:
    if is_dms(column.values):
        return Fit(Level.TYPED, "值为度分秒")
    numbers = [number(text) for text in column.values]
    if any(one is None for one in numbers):
        return Fit(Level.IMPOSSIBLE, "值不是数")
    low, high = (73, 136) if field.path.endswith("longitude") else (3, 54)
    if all(one is not None and low <= one <= high for one in numbers):
        precise = all("." in text and len(text.partition(".")[2]) >= 3 for text in column.values)
        return Fit(Level.STRONG, f"值在 {low}–{high} 度之间") if precise else Fit(Level.PLAUSIBLE, "")
    return Fit(Level.IMPOSSIBLE, "值不在国境经纬度之内")


def _money(field: Field, column: Column) -> Fit:
    if all(number(text.removesuffix("元").removesuffix("万").replace(",", "")) is not None for text in column.values):
        return Fit(Level.TYPED, "值为金额")
    return Fit(Level.IMPOSSIBLE, "值不是数")


def _region(field: Field, column: Column) -> Fit:
    values = column.values
    if all(text.isdigit() and len(text) in (6, 9, 12) and regions.row(text[:6]) for text in values):
        return Fit(Level.TYPED, "值为行政区划代码")
    if all(regions.by_name(text) for text in values):
        return Fit(Level.TYPED, "值为行政区划全称")
    return Fit(Level.IMPOSSIBLE, "值不是行政区划代码")


def _bool(field: Field, column: Column) -> Fit:
    pair = yes_no(column.values)
    return Fit(Level.TYPED, f"值为 {pair[0]}/{pair[1]}") if pair else Fit(Level.IMPOSSIBLE, "值不是是否")


def _code(field: Field, column: Column) -> Fit:
    values = column.values
    if field.repeated:
        values = pieces(values, ",，、;") or values
    table = codes.table(field.codes or "")
    known = {row.title for row in table} | set(table.codes)
    told = sum(text in known for text in values)
    if told == len(values):
        return Fit(Level.STRONG, f"值都在码表 {field.codes} 中")
    if told * 2 > len(values):
        return Fit(Level.TYPED, f"多数值在码表 {field.codes} 中")
    if dates(column.values) and not all(len(text) < 4 for text in values):
        return Fit(Level.IMPOSSIBLE, "值是日期")
    if all(_CODE.fullmatch(text) and len(text) <= 24 for text in values) and len(values) <= 40:
        return Fit(Level.PLAUSIBLE if all(len(text) <= 4 for text in values) else Level.DOUBTFUL, "值像代码")
    return Fit(Level.PLAUSIBLE if all(len(text) <= 20 for text in values) else Level.IMPOSSIBLE, "")


def _text(field: Field, column: Column) -> Fit:
    kind = _TEXTS.get(field.path.rpartition(".")[2], _prose)
    return kind(field.path, column.values)


def _name(path: str, values: tuple[str, ...]) -> Fit:
    owner = path.rpartition(".")[0]
    if owner in ("officers[]", "recorder"):
        return _people(pieces(values, ",，、;") or values)
    if not any(re.search("[\u4e00-\u9fff]", text) for text in values):
        return Fit(Level.IMPOSSIBLE, "值不是名称")
    if owner in ("authority", "issuer"):
        return (
            Fit(Level.TYPED, "值像机关名称") if all(map(is_agency, values)) else Fit(Level.DOUBTFUL, "值不像机关名称")
        )
    if owner in ("project", "", "attachments[]"):
        return Fit(Level.PLAUSIBLE)
    if all(map(is_company, values)):
        return Fit(Level.TYPED, "值像单位名称")
    if owner in ("party",) and all(is_company(text) or _PERSON.fullmatch(text) for text in values):
        return Fit(Level.PLAUSIBLE)
    return Fit(Level.DOUBTFUL, "值不像单位名称")


def _people(values: tuple[str, ...]) -> Fit:
    if all(_PERSON.fullmatch(text) and not is_company(text) for text in values):
        return Fit(Level.TYPED, "值像姓名")
    return Fit(Level.IMPOSSIBLE, "值不像姓名")


def _person(path: str, values: tuple[str, ...]) -> Fit:
    found = _people(values)
    return found if found.level is Level.TYPED else Fit(Level.DOUBTFUL, found.reason)


def _address(path: str, values: tuple[str, ...]) -> Fit:
    if all(len(_ADDRESS.findall(text)) >= 2 and len(text) > 5 for text in values):
        return Fit(Level.TYPED, "值像地址")
    return Fit(Level.DOUBTFUL, "值不像地址")


def _phone(path: str, values: tuple[str, ...]) -> Fit:
    if all(_PHONE.fullmatch(text) for text in values):
        return Fit(Level.TYPED, "值像电话号码")
    return Fit(Level.IMPOSSIBLE, "值不像电话号码")


def _url(field: Field, column: Column) -> Fit:
    if all(_HOST.match(text) for text in column.values):
        return Fit(Level.TYPED, "值像网址或路径")
    return Fit(Level.IMPOSSIBLE, "值不像网址")


def _prose(path: str, values: tuple[str, ...]) -> Fit:
    """Free text takes anything, but what is clearly something else is not free text."""
    if any(all(is_identifier(kind, text) for text in values) for kind in (CreditCode, PermitNumber, ProjectCode)):
        return Fit(Level.IMPOSSIBLE, "值是编号")
    if dates(values) or epoch(values):
        return Fit(Level.IMPOSSIBLE, "值是日期")
    if path.rpartition(".")[2] in ("code", "item_code", "digest", "media_type"):
        coded = all(re.fullmatch(r"[\w:/+.\-]{1,128}", text) for text in values)
        return Fit(Level.PLAUSIBLE) if coded else Fit(Level.DOUBTFUL, "值不像代码")
    if all(len(text) < 3 or _CODE.fullmatch(text) for text in values):
        return Fit(Level.DOUBTFUL, "值像代码，不像文字")
    if all(is_company(text) and len(text) < 40 for text in values) and "name" not in path:
        return Fit(Level.DOUBTFUL, "值像单位名称")
    return Fit(Level.PLAUSIBLE)


_CHECKED = (CreditCode, CitizenId, ProjectCode, PermitNumber)
_Judge = Callable[[Field, Column], Fit]
_JUDGES: Mapping[str, _Judge] = {
    "identifier": _identifier,
    "date": _date,
    "datetime": _date,
    "decimal": _decimal,
    "money": _money,
    "region": _region,
    "bool": _bool,
    "code": _code,
    "url": _url,
}
_TEXTS: Mapping[str, Callable[[str, tuple[str, ...]], Fit]] = {
    "name": _name,
    "legal_representative": _person,
    "contact": _person,
    "address": _address,
    "phone": _phone,
}
