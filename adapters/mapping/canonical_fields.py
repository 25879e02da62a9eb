"""What a canonical field asks of a mapping: a converter for its type, and only codes of its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters.mapping.codes import CodeTable
from adapters.mapping.converters import Converter
from adapters.mapping.converters.numbers import exact, truth, whole
from adapters.mapping.converters.texts import text_of
from adapters.mapping.fault_list import FaultList
from adapters.source import BundleFinding, Keys
from schemas.codes import table
from schemas.documents import Field
from schemas.findings import Text

MAX_STRANGERS = 20


def check_tables(field: Field, chain: Sequence[Converter], keys: Keys, faults: FaultList, *, writes: bool) -> None:
    """Report codes that are not canonical, and note canonical ones that have no native code to be written as."""
    for step in chain:
        if step.codes is not None and field.codes:
            canonical = table(field.codes).codes
            strangers = step.codes.strangers(canonical)[:MAX_STRANGERS]
            faults.found.extend(_stranger(step.codes, code, field) for code in strangers)
            if writes and not strangers and (gaps := step.codes.gaps(canonical)):
                _note_gaps(step.codes, gaps, keys, faults)


def check_codes(field: Field, value: object, keys: Keys, faults: FaultList) -> None:
    """Find a default that is not one of the field's canonical codes."""
    if not field.codes:
        return
    for code in value if isinstance(value, list) else [value]:
        if code not in table(field.codes):
            known = "、".join(table(field.codes).codes)
            faults.shape(keys, f"标准代码：{known}", f"one of the canonical codes {known}")


def _note_gaps(native: CodeTable, gaps: Sequence[str], keys: Keys, faults: FaultList) -> None:
    missing = "、".join(gaps)
    faults.warn(
        keys,
        "codes.gaps",
        Text(f"码表 {native.name} 没有 {missing} 的原码", f"table {native.name} has no native code for {missing}"),
        Text(
            "请补上这些行，否则含有它们的文档无法写出",
            "add rows for them: documents that hold them cannot be written",
        ),
    )


def _stranger(native: CodeTable, code: str, field: Field) -> BundleFinding:
    line = next(native.lines[one] for one, canonical in native.inward.items() if canonical == code)
    known = "、".join(table(field.codes or "").codes)
    return BundleFinding(
        "codes.stranger",
        Text(f"{code} 不是“{field.title}”的标准代码", f"{code} is not a canonical code of {field.path}"),
        Text(f"标准代码：{known}", f"the canonical codes are: {known}"),
        f"codes/{native.name}.csv",
        line,
    )


_BY_TYPE: Mapping[str, Callable[[Any], Any]] = {
    "integer": whole,
    "bool": truth,
    "decimal": exact,
    "money": exact,
}


def default_converter(field: Field) -> Converter:
    """The pair for a field's type: numbers keep their digits, true and false are read in words, all else is text."""
    read = _BY_TYPE.get(field.type, text_of)
    gives = field.type if field.type in ("integer", "bool") else "text"
    return Converter("", read, read, gives=gives)


def is_text(field: Field) -> bool:
    """Whether the field passes as text."""
    return field.type not in _BY_TYPE and field.type != "object"
