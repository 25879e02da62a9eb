"""What a field without converter does: its canonical type decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.mapping.converters import Converter
from adapters.mapping.converters.numbers import exact, truth, whole
from adapters.mapping.converters.texts import text_of
from schemas.documents import Field

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
