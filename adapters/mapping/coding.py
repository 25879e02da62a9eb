"""Does a bundle's code table fit the canonical codes of the fields that use it?"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.mapping.codes import CodeTable
from adapters.mapping.converters import Converter
from adapters.mapping.faults import Faults
from adapters.source import BundleFinding, Keys
from schemas.codes import table
from schemas.documents import Field
from schemas.findings import Text

MAX_STRANGERS = 20


def check_tables(field: Field, chain: Sequence[Converter], keys: Keys, faults: Faults, *, writes: bool) -> None:
    """Find canonical codes nobody defined, and note those that could not be written."""
    for step in chain:
        if step.codes is not None and field.codes:
            canonical = table(field.codes).codes
            strangers = step.codes.strangers(canonical)[:MAX_STRANGERS]
            faults.found.extend(_stranger(step.codes, code, field) for code in strangers)
            if writes and not strangers and (gaps := step.codes.gaps(canonical)):
                _note_gaps(step.codes, gaps, keys, faults)


def check_codes(field: Field, value: object, keys: Keys, faults: Faults) -> None:
    """Find a default that is not one of the field's canonical codes."""
    if not field.codes:
        return
    for code in value if isinstance(value, list) else [value]:
        if code not in table(field.codes):
            known = "、".join(table(field.codes).codes)
            faults.shape(keys, f"标准代码：{known}", f"one of the canonical codes {known}")


def _note_gaps(native: CodeTable, gaps: Sequence[str], keys: Keys, faults: Faults) -> None:
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
