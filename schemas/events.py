"""What a document must say to count as an event, as files of rules write it: `{field: value or [values]}`; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from schemas.catalog import TYPES, at
from schemas.codes import table
from schemas.documents import fields

Said = str | bool | tuple[str | bool, ...]
"""One value, or several of which one must be there."""


def says(document: Mapping[str, Any], where: Mapping[str, Said]) -> bool:
    """Tell whether a canonical document says all of this; of a list, one value must be among those wanted."""
    return all(_is(at(document, field), value) for field, value in where.items())


def first_of(document: Mapping[str, Any], paths: Iterable[str]) -> str | None:
    """Give the first of some fields that is there, as text."""
    return next((str(found) for path in paths if (found := at(document, path)) is not None), None)


def check_event(type: str, paths: Iterable[str], where: Mapping[str, Said]) -> None:
    """Let an event pass; ValueError names a type, a field or a value that there is not."""
    if type not in TYPES:
        raise ValueError(f"{type} is no message type")
    known = fields(TYPES[type].document)
    for path in (*paths, *where):
        if path not in known and f"{path}[]" not in known:
            raise ValueError(f"{type} has no field {path}")
    for path, said in where.items():
        codes = known[path if path in known else f"{path}[]"].codes
        for value in said if isinstance(said, tuple) else (said,):
            if codes is not None and value not in table(codes):
                raise ValueError(f"{path} is never {value}")


def plain(value: Any) -> Any:
    """Give a YAML value as dicts and lists; what it gives as days are written as text, which is read strictly."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def _is(found: Any, wanted: Said) -> bool:
    values = wanted if isinstance(wanted, tuple) else (wanted,)
    return any(each in values for each in (found if isinstance(found, list) else [found]))
