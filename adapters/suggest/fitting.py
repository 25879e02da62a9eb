"""How well the values of a column suit a canonical field, and what says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from adapters.suggest import shapes, units
from adapters.suggest.columns import SampleColumn
from schemas import codes, regions
from schemas.documents import Field
from schemas.identifiers import (
    CitizenId,
    CreditCode,
    Identifier,
    PermitNumber,
    PlatformNumber,
    ProjectCode,
    is_citizen_id,
)

_PERSON = re.compile(r"[\u4e00-\u9fff]{2,4}")
_ADDRESS = re.compile(r"省|市|区|县|镇|乡|街道|路|村|号|园区")
_PHONE = re.compile(r"(\+?86[- ]?)?(1\d{10}|0\d{2,3}[- ]?\d{7,8}(-\d{1,6})?|\d{7,8}|400[- ]?\d{3}[- ]?\d{4})")
_CODE = re.compile(r"[0-9A-Za-z_\-]{1,24}")
_HOST = re.compile(r"(https?://|ftp://|/)[^\s]*", re.IGNORECASE)


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


def fit(field: Field, column: SampleColumn) -> Fit:
    """Compare a column's values with what a field may hold."""
    if not column.values:
        return Fit(Level.UNKNOWN, "样例中没有值")
    judge = _JUDGES.get(field.type, _text)
    return judge(field, column)


def _identifier(field: Field, column: SampleColumn) -> Fit:
    kind = field.identifier
    if kind is None or kind is PlatformNumber:
        fits = all(re.fullmatch(r"[\w〔〕()（）\[\]【】\-./#]{1,100}", text) for text in column.values)
        prose = all(shapes.is_company(text) or len(text) > 60 for text in column.values)
        dated = bool(shapes.dates(column.values)) and not column.numeric
        return Fit(Level.PLAUSIBLE) if fits and not prose and not dated else Fit(Level.DOUBTFUL, "值不像编号")
    return _known_identifier(kind, field, column)


def _known_identifier(kind: type[Identifier], field: Field, column: SampleColumn) -> Fit:
    values = column.values
    if field.path.startswith("officers[]") or field.path.startswith("recorder"):
        values = shapes.pieces(values, ",，、;") or values
    shaped = sum(shapes.is_shaped(kind, text) or _is_a_person(kind, text) for text in values)
    if shaped < len(values) and not (field.lenient and shaped):
        return Fit(Level.IMPOSSIBLE, f"值不是{kind.title}")
    if kind in _CHECKED and all(shapes.is_identifier(kind, text) for text in values):
        return Fit(Level.STRONG, f"值通过{kind.title}校验")
    return Fit(Level.TYPED, f"值形如{kind.title}")


def _is_a_person(kind: type[Identifier], text: str) -> bool:
    """Whether a person's number stands among the credit codes, as sole traders are often told by."""
    return kind is CreditCode and is_citizen_id(text)


def _date(field: Field, column: SampleColumn) -> Fit:
    found = shapes.dates(column.values)
    if found:
        return Fit(Level.TYPED, f"值为{'日期' if found[0] in shapes.DATES else '时间'} {found[0]}")
    if field.type == "datetime" and shapes.epoch(column.values):
        return Fit(Level.TYPED, "值为 1970 年以来的计数")
    return Fit(Level.IMPOSSIBLE, "值不是日期")


def _decimal(field: Field, column: SampleColumn) -> Fit:
    if shapes.is_dms(column.values):
        return Fit(Level.TYPED, "值为度分秒")
    numbers = [shapes.number(text) for text in column.values]
    if any(one is None for one in numbers):
        return Fit(Level.IMPOSSIBLE, "值不是数")
    low, high = (73, 136) if field.path.endswith("longitude") else (3, 54)
    if all(one is not None and low <= one <= high for one in numbers):
        precise = all("." in text and len(text.partition(".")[2]) >= 3 for text in column.values)
        return Fit(Level.STRONG, f"值在 {low}–{high} 度之间") if precise else Fit(Level.PLAUSIBLE, "")
    return Fit(Level.IMPOSSIBLE, "值不在国境经纬度之内")


def _money(field: Field, column: SampleColumn) -> Fit:
    if units.amounts(column.values) is not None:
        return Fit(Level.TYPED, "值为金额")
    return Fit(Level.IMPOSSIBLE, "值不是数")


def _region(field: Field, column: SampleColumn) -> Fit:
    values = column.values
    if all(text.isdigit() and len(text) in (6, 9, 12) and regions.row(text[:6]) for text in values):
        return Fit(Level.TYPED, "值为行政区划代码")
    if (above := shapes.region_above(values)) is not None:
        return Fit(Level.TYPED, f"值为行政区划名称，在{regions.name(above)}之内" if above else "值为行政区划全称")
    return Fit(Level.IMPOSSIBLE, "值不是行政区划代码")


def _bool(field: Field, column: SampleColumn) -> Fit:
    found = shapes.yes_no(column.values)
    if found is None:
        return Fit(Level.IMPOSSIBLE, "值不是是否")
    yes, no = found
    return Fit(Level.TYPED, f"值为{'、'.join(yes)}与{'、'.join(no)}")


def _code(field: Field, column: SampleColumn) -> Fit:
    values = column.values
    if field.repeated:
        values = shapes.pieces(values, shapes.separator(values) or ",，、;") or values
    table = codes.table(field.codes or "")
    known = {row.title for row in table} | set(table.codes)
    told = sum(text in known for text in values)
    if told == len(values):
        return Fit(Level.STRONG, f"值都在码表 {field.codes} 中")
    if told * 2 > len(values):
        return Fit(Level.TYPED, f"多数值在码表 {field.codes} 中")
    if shapes.dates(column.values) and not all(len(text) < 4 for text in values):
        return Fit(Level.IMPOSSIBLE, "值是日期")
    if all(_CODE.fullmatch(text) and len(text) <= 24 for text in values) and len(values) <= 40:
        return Fit(Level.PLAUSIBLE if all(len(text) <= 4 for text in values) else Level.DOUBTFUL, "值像代码")
    return Fit(Level.PLAUSIBLE if all(len(text) <= 20 for text in values) else Level.IMPOSSIBLE, "")


def _text(field: Field, column: SampleColumn) -> Fit:
    kind = _TEXTS.get(field.path.rpartition(".")[2], _prose)
    return kind(field.path, column.values)


def _name(path: str, values: tuple[str, ...]) -> Fit:
    owner = path.rpartition(".")[0]
    if owner in ("officers[]", "recorder"):
        return _people(shapes.pieces(values, ",，、;") or values)
    if not any(re.search("[\u4e00-\u9fff]", text) for text in values):
        return Fit(Level.IMPOSSIBLE, "值不是名称")
    if owner in ("authority", "issuer"):
        agencies = all(map(shapes.is_agency, values))
        return Fit(Level.TYPED, "值像机关名称") if agencies else Fit(Level.DOUBTFUL, "值不像机关名称")
    if owner in ("project", "", "attachments[]"):
        return Fit(Level.PLAUSIBLE)
    if all(map(shapes.is_company, values)):
        return Fit(Level.TYPED, "值像单位名称")
    if owner in ("party",) and all(shapes.is_company(text) or _PERSON.fullmatch(text) for text in values):
        return Fit(Level.PLAUSIBLE)
    return Fit(Level.DOUBTFUL, "值不像单位名称")


def _people(values: tuple[str, ...]) -> Fit:
    if all(_PERSON.fullmatch(text) and not shapes.is_company(text) for text in values):
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


def _url(field: Field, column: SampleColumn) -> Fit:
    if all(_HOST.match(text) for text in column.values):
        return Fit(Level.TYPED, "值像网址或路径")
    return Fit(Level.IMPOSSIBLE, "值不像网址")


def _prose(path: str, values: tuple[str, ...]) -> Fit:
    """Free text takes anything, but what is clearly something else is not free text."""
    numbers = (CreditCode, PermitNumber, ProjectCode)
    if any(all(shapes.is_identifier(kind, text) for text in values) for kind in numbers):
        return Fit(Level.IMPOSSIBLE, "值是编号")
    if shapes.dates(values) or shapes.epoch(values):
        return Fit(Level.IMPOSSIBLE, "值是日期")
    if path.rpartition(".")[2] in ("code", "item_code", "digest", "media_type"):
        coded = all(re.fullmatch(r"[\w:/+.\-]{1,128}", text) for text in values)
        return Fit(Level.PLAUSIBLE) if coded else Fit(Level.DOUBTFUL, "值不像代码")
    if all(len(text) < 3 or _CODE.fullmatch(text) for text in values):
        return Fit(Level.DOUBTFUL, "值像代码，不像文字")
    if all(shapes.is_company(text) and len(text) < 40 for text in values) and "name" not in path:
        return Fit(Level.DOUBTFUL, "值像单位名称")
    return Fit(Level.PLAUSIBLE)


_CHECKED = (CreditCode, CitizenId, ProjectCode, PermitNumber)
_Judge = Callable[[Field, SampleColumn], Fit]
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
