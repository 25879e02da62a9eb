"""What a mapping says of one column: its path, the converters its values need, what means nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.paths import EACH
from adapters.suggest import region_names, shapes, units
from adapters.suggest.coding import DraftTable
from adapters.suggest.columns import SampleColumn, Table
from schemas.documents import Field
from schemas.identifiers import DocumentNumber, IndustryCode

COMMAS = ",，、;"


@dataclass(frozen=True, slots=True)
class DraftEntry:
    """An entry of `fields`: a plain path, or a map; `notes` are for the comment beside it."""

    value: Any
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Parts:
    keys: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def entry(
    known: tuple[Field, ...], column: SampleColumn, path: str, table: Table, codes: Mapping[str, DraftTable]
) -> DraftEntry:
    """Write the entry of a column for one canonical field (two for a range). `codes`: code tables by canonical name."""
    first = known[0]
    parts = _Parts()
    listed = column.steps[-1] is EACH
    if first.repeated and not listed:
        on = shapes.separator(column.values) or ("；;" if first.type == "text" and "basis" in first.path else COMMAS)
        parts.keys = {"split": path, "on": on}
    else:
        parts.keys = {"at": path}
    _convert(parts, known, column, table, codes)
    if column.none:
        parts.keys["none"] = list(column.none)
    if set(parts.keys) == {"at"}:
        return DraftEntry(path, tuple(parts.notes))
    lossy = parts.keys.pop("lossy", None)
    return DraftEntry({**parts.keys, **({"lossy": lossy} if lossy else {})}, tuple(parts.notes))


def _convert(
    parts: _Parts, known: tuple[Field, ...], column: SampleColumn, table: Table, codes: Mapping[str, DraftTable]
) -> None:
    first = known[0]
    if len(known) > 1:
        _range(parts, column)
    elif first.type in ("date", "datetime"):
        _moment(parts, first, column)
    elif first.type == "money":
        _money(parts, first, column, table)
    elif first.type == "region":
        _region(parts, column)
    elif first.type == "bool":
        _bool(parts, column)
    elif first.type == "code":
        _code(parts, first, codes)
    elif first.type == "decimal":
        parts.keys["as"] = "dms" if shapes.is_dms(column.values) else "decimal"
    elif first.identifier in (DocumentNumber, IndustryCode):
        parts.keys["as"] = first.identifier.name if first.identifier else "text"


def _range(parts: _Parts, column: SampleColumn) -> None:
    mark = shapes.is_range(column.values) or "至"
    days = tuple(day.strip() for text in column.values for day in text.split(mark))
    patterns = shapes.dates(days)
    date = {"date": patterns[0] if len(patterns) == 1 else list(patterns)}
    parts.keys["as"] = {"range": mark} if patterns in ((), ("%Y-%m-%d",)) else [{"range": mark}, date]


def _moment(parts: _Parts, known: Field, column: SampleColumn) -> None:
    unit = shapes.epoch(column.values)
    patterns = shapes.dates(column.values)
    if unit and not patterns and known.type == "datetime":
        parts.keys["as"] = {"epoch": unit}
        return
    if not patterns:
        patterns = ("%Y-%m-%d",) if known.type == "date" else ("%Y-%m-%d %H:%M:%S",)
        parts.notes.append("样例中没有能读的日期，格式待核对")
    parts.keys["as"] = {known.type: patterns[0] if len(patterns) == 1 else list(patterns)}
    if known.type == "datetime" and patterns[0] in shapes.DATES:
        parts.keys["lossy"] = "原值只有日期，没有时刻"
    elif known.type == "datetime" and "%S" not in patterns[0]:
        parts.keys["lossy"] = "原值只到分，没有秒"


def _money(parts: _Parts, known: Field, column: SampleColumn, table: Table) -> None:
    found = units.unit(column, table, fine="investment" not in known.path)
    if found is None:
        parts.notes.append("单位待核对：decimal 为元，{scale: 10000} 为万元")
    else:
        parts.notes.append(found.reason)
    read = units.amounts(column.values)
    scale: list[Any] = [{"scale": found.factor}] if found is not None and found.factor != 1 else []
    chain = [*(read.chain if read else ()), *scale] or ["decimal"]
    parts.keys["as"] = chain[0] if len(chain) == 1 else chain


def _bool(parts: _Parts, column: SampleColumn) -> None:
    found = shapes.yes_no(column.values)
    if found is not None and found != (("true",), ("false",)):
        parts.keys["as"] = {"bool": [list(words) if len(words) > 1 else words[0] for words in found]}


def _region(parts: _Parts, column: SampleColumn) -> None:
    if column.values and not column.values[0].isdigit():
        above = region_names.above(column.values)
        on = "/" if any("/" in text for text in column.values) else ""
        said = {**({"within": above} if above else {}), **({"on": on} if on != "/" else {})}
        parts.keys["as"] = {"region-name": said} if said else "region-name"
        return
    widths = {len(text) for text in column.values}
    parts.keys["as"] = "region-code" if widths <= {6} or len(widths) != 1 else {"region-code": widths.pop()}


def _code(parts: _Parts, known: Field, codes: Mapping[str, DraftTable]) -> None:
    drafted = codes.get(known.path)
    if drafted is None:
        return
    parts.keys["as"] = {"code": drafted.name}
    if drafted.unknown:
        parts.notes.append(f"码表 codes/{drafted.name}.csv 待补：{'、'.join(drafted.unknown)}")
    if drafted.offered:
        parts.notes.append("公开码表为 " + "、".join(f"{native} {title}" for native, _, title in drafted.offered))
